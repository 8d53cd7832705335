//! What the API reads off the chain's rows: every function sees one view and nothing else.

use super::error::Refused;
use super::member_lookup::MemberLookup;
use super::views::{
    ActionView, BlockView, GenesisView, TipView, TransactionState, TransactionStateView,
    TransactionView,
};
use crate::chain::rows::{HeaderEntry, RowKey};
use crate::chain::{
    Action, Block, BlockId, EncodedTransaction, Header, Height, Internal, Rules, StateView,
    TransactionId, tree::Tip,
};

/// A tip as it is shown.
pub(super) fn tip_view(tip: &Tip) -> TipView {
    header_tip(tip.id, &tip.entry)
}

fn header_tip(id: BlockId, entry: &HeaderEntry) -> TipView {
    TipView {
        height: entry.header.height,
        id,
        timestamp: entry.header.timestamp,
    }
}

/// The end of the connected chain in `view`.
pub(super) fn tip_of(rules: &Rules, view: &dyn StateView) -> Result<TipView, Internal> {
    let Some(id) = view.named(&RowKey::Tip)? else {
        return Ok(header_tip(rules.network(), &rules.genesis_entry()));
    };
    let entry = view
        .header(&id)?
        .ok_or_else(|| Internal(format!("the header of the tip {id} is missing")))?;
    Ok(header_tip(id, &entry))
}

/// How a block is named by people: height or id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockName {
    Height(Height),
    Id(BlockId),
}

impl BlockName {
    /// Reads one. An id has 64 characters, which no height has.
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        if text.len() == 2 * BlockId::LEN {
            return text.parse().map(Self::Id).map_err(|error| {
                Refused::bad_request(format!("{text:?} is no block id: {error}"))
            });
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(height) if digits => Ok(Self::Height(Height(height))),
            _ => Err(Refused::bad_request(
                "a block is named by its height, or by its id of 64 hexadecimal digits",
            )),
        }
    }
}

/// Reads an id of a transaction.
pub(super) fn parse_transaction_id(text: &str) -> Result<TransactionId, Refused> {
    text.parse().map_err(|_| {
        Refused::bad_request("a transaction is named by its id of 64 hexadecimal digits")
    })
}

/// A block of the connected chain by height, or any block whose body is here by id.
pub(super) fn block(
    rules: &Rules,
    view: &dyn StateView,
    lookup: &MemberLookup<'_>,
    name: BlockName,
) -> Result<BlockView, Refused> {
    let tip = tip_of(rules, view)?;
    let id = match name {
        BlockName::Id(id) => id,
        BlockName::Height(Height::GENESIS) => rules.network(),
        BlockName::Height(height) => view.active(height)?.ok_or_else(|| {
            Refused::not_found(format!(
                "there is no block at height {height}: the chain ends at height {}",
                tip.height
            ))
        })?,
    };
    if id == rules.network() {
        return Ok(genesis_view(rules, lookup, tip));
    }
    let Some(block) = view.block(&id)? else {
        let reason = match view.header(&id)? {
            Some(_) => "of this block only the header is here: its body has not come yet",
            None => "this node knows no block with this id",
        };
        return Err(Refused::not_found(reason));
    };
    let connected = view.active(block.header.height)? == Some(id);
    let transactions = transaction_views(&block, lookup);
    Ok(block_view(id, &block.header, connected, transactions, tip))
}

fn transaction_views(block: &Block, lookup: &MemberLookup<'_>) -> Vec<TransactionView> {
    let transactions = block.transactions.iter();
    transactions
        .map(|transaction| transaction_view(transaction, lookup))
        .collect()
}

fn block_view(
    id: BlockId,
    header: &Header,
    connected: bool,
    transactions: Vec<TransactionView>,
    tip: TipView,
) -> BlockView {
    BlockView {
        id,
        height: header.height,
        previous: header.previous,
        timestamp: header.timestamp,
        history_root: header.history_root,
        transactions_root: header.transactions_root,
        version: header.version,
        target: header.target.to_bits(),
        nonce: header.nonce,
        connected,
        confirmations: if connected {
            confirmations(header.height, tip.height)
        } else {
            0
        },
        transactions,
        genesis: None,
        tip,
    }
}

fn genesis_view(rules: &Rules, lookup: &MemberLookup<'_>, tip: TipView) -> BlockView {
    let genesis = rules.genesis();
    let content = &genesis.content;
    let view = block_view(rules.network(), &genesis.header, true, Vec::new(), tip);
    BlockView {
        genesis: Some(GenesisView {
            motto: content.motto.to_string(),
            network: content.params.name.to_string(),
            interval_ms: content.params.interval_ms,
            reward: content.params.reward,
            founder: lookup.person(&content.founder),
            tracker: content.tracker.to_address(),
        }),
        ..view
    }
}

/// Blocks from `height` to the tip, both counted.
pub(super) fn confirmations(height: Height, tip: Height) -> u64 {
    tip.0
        .checked_sub(height.0)
        .map_or(0, |after| after.saturating_add(1))
}

/// Where a transaction stands.
pub(super) fn transaction_state(
    rules: &Rules,
    view: &dyn StateView,
    lookup: &MemberLookup<'_>,
    id: TransactionId,
) -> Result<TransactionStateView, Refused> {
    let tip = tip_of(rules, view)?;
    let (state, transaction) = match mined(view, id, tip.height)? {
        Some((state, transaction)) => (state, Some(transaction)),
        None => match view.open_transaction(&id)? {
            Some(open) => (TransactionState::Open, Some(open.transaction)),
            None => (TransactionState::Unknown, None),
        },
    };
    Ok(TransactionStateView {
        id,
        state,
        transaction: transaction.map(|transaction| transaction_view(&transaction, lookup)),
        tip,
    })
}

fn mined(
    view: &dyn StateView,
    id: TransactionId,
    tip: Height,
) -> Result<Option<(TransactionState, EncodedTransaction)>, Internal> {
    let Some(place) = view.mined(&id)? else {
        return Ok(None);
    };
    let damaged = || Internal(format!("the block that holds transaction {id} is missing"));
    let block = view.active(place.height)?.ok_or_else(damaged)?;
    let body = view.block(&block)?.ok_or_else(damaged)?;
    let transaction = body
        .transactions
        .get(place.index as usize)
        .filter(|transaction| transaction.id() == id)
        .ok_or_else(damaged)?;
    let state = TransactionState::Mined {
        height: place.height,
        block,
        confirmations: confirmations(place.height, tip),
    };
    Ok(Some((state, transaction.clone())))
}

/// A transaction as it is shown.
pub(super) fn transaction_view(
    transaction: &EncodedTransaction,
    lookup: &MemberLookup<'_>,
) -> TransactionView {
    let payload = transaction.payload();
    TransactionView {
        id: transaction.id(),
        sender: (!transaction.is_reward()).then(|| lookup.person(&payload.sender)),
        fee: payload.fee,
        expires_at: payload.expires_at,
        bytes: transaction.size(),
        action: action_view(&payload.action, lookup),
    }
}

fn action_view(action: &Action, lookup: &MemberLookup<'_>) -> ActionView {
    match action {
        Action::Transfer { to, amount, note } => ActionView::Transfer {
            to: lookup.person(to),
            amount: *amount,
            note_bytes: note.as_slice().len(),
        },
        Action::Record { topic, body } => ActionView::Record {
            topic: topic.to_string(),
            body_bytes: body.as_slice().len(),
        },
        Action::Reward { to, amount, .. } => ActionView::Reward {
            to: lookup.person(to),
            amount: *amount,
        },
    }
}
