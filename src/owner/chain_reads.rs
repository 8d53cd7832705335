//! What is read off the chain's rows: every function sees one view and nothing else.

use super::answers::{
    ActionView, BlockLine, BlockView, GenesisView, TipView, TransactionState, TransactionStateView,
    TransactionView,
};
use super::codes::Code;
use super::ids::{ID_DIGITS, TypedId};
use super::meaning::Meanings;
use super::people::People;
use super::refusal::Refused;
use crate::chain::rows::{HeaderEntry, RowKey};
use crate::chain::target::{Target, Work};
use crate::chain::{
    Action, Block, BlockId, EncodedTransaction, Header, Height, Internal, Rules, StateView,
    TransactionId, tree::Tip,
};
use crate::store::chain_rows::ChainRows;
use crate::store::{DiskRead, Table};

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

/// How a block is named by people: by its height or its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BlockName {
    /// A number. Where the chain has no block of that height, it may be the beginning of an id.
    Height(Height, Option<TypedId>),
    /// An id.
    Id(TypedId),
}

impl BlockName {
    /// Reads one.
    ///
    /// # Errors
    /// [`Code::BadId`] if it is neither.
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(height) if number && text.len() < ID_DIGITS => {
                Ok(Self::Height(Height(height), TypedId::parse(text).ok()))
            }
            _ => TypedId::parse(text).map(Self::Id).map_err(|refused| {
                Refused::new(
                    Code::BadId,
                    format!(
                        "a block is named by its height or its id; {}",
                        refused.detail
                    ),
                )
            }),
        }
    }
}

/// The block that is meant: on the connected chain if it is named by its height, else any whose header is
/// here.
pub(super) fn find_block(
    rules: &Rules,
    disk: &dyn DiskRead,
    name: &BlockName,
) -> Result<BlockId, Refused> {
    let view = ChainRows(disk);
    let id = match name {
        BlockName::Id(id) => block_like(rules, disk, id)?,
        BlockName::Height(height, id) => match (at_height(rules, &view, *height)?, id) {
            (Some(block), _) => Some(block),
            (None, Some(id)) => block_like(rules, disk, id)?,
            (None, None) => None,
        },
    };
    id.map_or_else(|| Err(no_block(rules, &view, name)), Ok)
}

pub(super) fn at_height(
    rules: &Rules,
    view: &dyn StateView,
    height: Height,
) -> Result<Option<BlockId>, Internal> {
    match height {
        Height::GENESIS => Ok(Some(rules.network())),
        height => view.active(height),
    }
}

/// The block whose id begins like this.
pub(super) fn block_like(
    rules: &Rules,
    disk: &dyn DiskRead,
    id: &TypedId,
) -> Result<Option<BlockId>, Refused> {
    let network = rules.network().0;
    let genesis = id.begins(&network).then_some(network);
    let found = id.in_table(disk, Table::Headers)?;
    Ok(id.the_only(found.into_iter().chain(genesis))?.map(BlockId))
}

fn no_block(rules: &Rules, view: &dyn StateView, name: &BlockName) -> Refused {
    let detail = match (name, tip_of(rules, view)) {
        (_, Err(error)) => return error.into(),
        (BlockName::Height(height, _), Ok(tip)) => format!(
            "there is no block at height {height}: the chain ends at height {}",
            tip.height
        ),
        (BlockName::Id(id), Ok(_)) => {
            format!("this node knows no block whose id begins with {id}")
        }
    };
    Refused::new(Code::UnknownBlock, detail)
}

/// The transaction on the ledger whose id begins like this, mined or open.
pub(super) fn transaction_like(
    disk: &dyn DiskRead,
    id: &TypedId,
) -> Result<Option<TransactionId>, Refused> {
    let mined = id.in_table(disk, Table::Mined)?;
    let open = id.in_table(disk, Table::Open)?;
    Ok(id
        .the_only(mined.into_iter().chain(open))?
        .map(TransactionId))
}

/// A block of the connected chain by height, or any block whose body is here by id.
pub(super) fn block(
    rules: &Rules,
    disk: &dyn DiskRead,
    people: &People<'_>,
    name: &BlockName,
) -> Result<BlockView, Refused> {
    let view = ChainRows(disk);
    let tip = tip_of(rules, &view)?;
    let id = find_block(rules, disk, name)?;
    if id == rules.network() {
        return Ok(genesis_view(rules, people, tip));
    }
    let block = view.block(&id)?.ok_or_else(no_body)?;
    let connected = view.active(block.header.height)? == Some(id);
    let transactions = transaction_views(&block, people, &Meanings::of(rules, &view))?;
    Ok(block_view(id, &block.header, connected, transactions, tip))
}

/// Refuses what only a header is here of.
pub(super) fn no_body() -> Refused {
    Refused::new(
        Code::UnknownBlock,
        "of this block only the header is here: its body has not come yet",
    )
}

/// The work of a header on the connected chain, which was judged.
fn work_of(header: &Header) -> Result<Work, Internal> {
    let target = header.target.expand();
    target
        .map(Target::work)
        .map_err(|error| Internal(error.to_string()))
}

/// A block of the connected chain as a list shows it.
pub(super) fn block_line(
    rules: &Rules,
    view: &dyn StateView,
    people: &People<'_>,
    height: Height,
) -> Result<BlockLine, Refused> {
    let missing = || Internal(format!("the block at height {height} is missing"));
    let id = at_height(rules, view, height)?.ok_or_else(missing)?;
    if id == rules.network() {
        let genesis = rules.genesis();
        return Ok(BlockLine {
            id,
            height,
            timestamp: genesis.header.timestamp,
            transactions: 0,
            work: work_of(&genesis.header)?,
            miner: Some(people.person(&genesis.content.founder)),
        });
    }
    let block = view.block(&id)?.ok_or_else(missing)?;
    let miner = block
        .transactions
        .first()
        .and_then(|first| match &first.payload().action {
            Action::Reward { to, .. } => Some(people.person(to)),
            Action::Transfer { .. } | Action::Record { .. } => None,
        });
    Ok(BlockLine {
        id,
        height,
        timestamp: block.header.timestamp,
        transactions: block.transactions.len(),
        work: work_of(&block.header)?,
        miner,
    })
}

fn transaction_views(
    block: &Block,
    people: &People<'_>,
    meanings: &Meanings<'_>,
) -> Result<Vec<TransactionView>, Internal> {
    let transactions = block.transactions.iter();
    transactions
        .map(|transaction| transaction_view(transaction, people, meanings))
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

fn genesis_view(rules: &Rules, people: &People<'_>, tip: TipView) -> BlockView {
    let genesis = rules.genesis();
    let content = &genesis.content;
    let view = block_view(rules.network(), &genesis.header, true, Vec::new(), tip);
    BlockView {
        genesis: Some(GenesisView {
            motto: content.motto.to_string(),
            network: content.params.name.to_string(),
            interval_ms: content.params.interval_ms,
            reward: content.params.reward,
            founder: people.person(&content.founder),
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
///
/// # Errors
/// [`Code::UnknownTransaction`] if only the beginning of an id was given, and none is known that begins so.
pub(super) fn transaction_state(
    rules: &Rules,
    disk: &dyn DiskRead,
    people: &People<'_>,
    typed: &TypedId,
) -> Result<TransactionStateView, Refused> {
    let view = ChainRows(disk);
    let tip = tip_of(rules, &view)?;
    let id = match typed.whole() {
        Some(id) => TransactionId(id),
        None => transaction_like(disk, typed)?.ok_or_else(|| {
            Refused::new(
                Code::UnknownTransaction,
                format!(
                    "this node knows no open or mined transaction whose id begins with {typed}"
                ),
            )
        })?,
    };
    let (state, transaction) = match mined(&view, id, tip.height)? {
        Some((state, transaction)) => (state, Some(transaction)),
        None => match view.open_transaction(&id)? {
            Some(open) => (TransactionState::Open, Some(open.transaction)),
            None => (TransactionState::Unknown, None),
        },
    };
    Ok(TransactionStateView {
        id,
        state,
        transaction: transaction
            .map(|transaction| transaction_view(&transaction, people, &Meanings::of(rules, &view)))
            .transpose()?,
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
    people: &People<'_>,
    meanings: &Meanings<'_>,
) -> Result<TransactionView, Internal> {
    let payload = transaction.payload();
    Ok(TransactionView {
        id: transaction.id(),
        sender: (!transaction.is_reward()).then(|| people.person(&payload.sender)),
        fee: payload.fee,
        expires_at: payload.expires_at,
        bytes: transaction.size(),
        action: action_view(&payload.action, people, meanings)?,
    })
}

fn action_view(
    action: &Action,
    people: &People<'_>,
    meanings: &Meanings<'_>,
) -> Result<ActionView, Internal> {
    Ok(match action {
        Action::Transfer { to, amount, note } => ActionView::Transfer {
            to: people.person(to),
            amount: *amount,
            note_bytes: note.as_slice().len(),
        },
        Action::Record { topic, body } => ActionView::Record {
            topic: topic.to_string(),
            body_bytes: body.as_slice().len(),
            says: meanings.read(action)?,
        },
        Action::Reward { to, amount, .. } => ActionView::Reward {
            to: people.person(to),
            amount: *amount,
        },
    })
}
