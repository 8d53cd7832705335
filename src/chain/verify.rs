//! Checking a whole chain again, from its first block, believing nothing that is stored.

use super::history::{self, Peaks};
use super::rows::{BlockStatus, Draft, HeaderEntry, Row, RowKey, StateKey, StateView};
use super::rules::Rules;
use super::state::apply_genesis;
use super::transaction::check_signatures;
use super::{Amount, Block, BlockId, Height, Internal, PeerFault, Refusal, Timestamp};
use std::collections::BTreeMap;

/// What a verified chain came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Height of its last block.
    pub height: Height,
    /// Id of its last block.
    pub tip: BlockId,
    /// Transactions in all its blocks, rewards included.
    pub transactions: u64,
    /// Coins that all owners have together.
    pub supply: Amount,
}

/// Where and why a chain does not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A block breaks a rule.
    #[error("block {height}: {fault}")]
    Block {
        /// Its height.
        height: Height,
        /// The rule.
        fault: PeerFault,
    },
    /// A stored row is not what the blocks lead to.
    #[error("the stored {what} does not agree with the blocks")]
    Stored {
        /// Which row.
        what: String,
    },
    /// A row could not be read.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// The replayed state: what the blocks alone lead to. A row that was removed on the way stays as
/// `None`, so that it is missed where it is still stored.
#[derive(Default)]
struct Replay(BTreeMap<RowKey, Option<Vec<u8>>>);

impl StateView for Replay {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        Ok(self.0.get(key).cloned().flatten())
    }
}

impl Replay {
    /// Keeps what later blocks are judged by; all else can be dropped on the way.
    fn take(&mut self, rows: Vec<Row>) {
        let lasting = |key: &RowKey| matches!(key, RowKey::State(_) | RowKey::Mined(_));
        self.0
            .extend(rows.into_iter().filter(|(key, _)| lasting(key)));
    }
}

/// Checks every connected block of `stored` (headers, work, roots, signatures, balances), and that
/// what is stored beside the blocks is what they lead to: derived headers, undo data, history and
/// the state. `progress` is told of each height.
///
/// The state is replayed in memory: it takes as much as all balances, application rows and the ids
/// of all transactions.
///
/// # Errors
/// The first thing found that is not as it must be. Rows of owners and applications that no block
/// ever touched are not looked for.
pub fn verify_chain(
    rules: &Rules,
    stored: &dyn StateView,
    mut progress: impl FnMut(Height),
) -> Result<Verified, VerifyError> {
    let mut replay = Replay::default();
    let mut draft = Draft::new(&Empty);
    apply_genesis(rules, &mut draft);
    replay.take(draft.into_rows());
    let mut entry = rules.genesis_entry();
    let mut grandparent: Option<Timestamp> = None;
    let mut peaks = Peaks::default();
    peaks.append(history::leaf(&rules.network(), entry.work));
    let mut transactions = 0;
    while let Some(id) = stored.active(entry.header.height.next())? {
        let height = entry.header.height.next();
        let block = stored
            .block(&id)?
            .ok_or_else(|| Internal(format!("the body of block {id} is missing")))?;
        let found = check_block(rules, &replay, &block, id, &entry, grandparent, &peaks);
        let (next, rows) = found.map_err(|refusal| match refusal {
            Refusal::Fault(fault) => VerifyError::Block { height, fault },
            Refusal::Internal(error) => VerifyError::Internal(error),
        })?;
        compare_derived(&next, &rows, stored)?;
        replay.take(rows);
        transactions += block.transactions.len() as u64;
        peaks.append(history::leaf(&id, next.work));
        grandparent = Some(entry.header.timestamp);
        entry = next;
        progress(height);
    }
    let tip = entry.header.id();
    compare(&replay, stored, tip, &peaks)?;
    Ok(Verified {
        height: entry.header.height,
        tip,
        transactions,
        supply: supply(&replay)?,
    })
}

fn check_block(
    rules: &Rules,
    replay: &Replay,
    block: &Block,
    id: BlockId,
    parent: &HeaderEntry,
    grandparent: Option<Timestamp>,
    peaks: &Peaks,
) -> Result<(HeaderEntry, Vec<Row>), Refusal> {
    if block.id() != id {
        return Err(PeerFault::BodyMismatch(id).into());
    }
    if block.header.previous != parent.header.id() {
        return Err(PeerFault::Disconnected.into());
    }
    let entry = rules.check_header(&block.header, parent, grandparent, peaks)?;
    rules.check_body(block)?;
    // A reward is not signed.
    let signed = block.transactions.get(1..).unwrap_or_default();
    for (transaction, verdict) in signed.iter().zip(check_signatures(signed)) {
        if let Err(error) = verdict {
            let reason = super::Rejected::BadSignature(error.to_string());
            return Err(Rules::invalid(id, transaction, &reason).into());
        }
    }
    let mut draft = Draft::new(replay);
    rules.apply_block(&mut draft, block)?;
    Ok((
        HeaderEntry {
            status: BlockStatus::Available,
            ..entry
        },
        draft.into_rows(),
    ))
}

fn differs(what: String) -> Result<(), VerifyError> {
    Err(VerifyError::Stored { what })
}

/// Holds what is stored beside a block against what follows from it.
fn compare_derived(
    entry: &HeaderEntry,
    rows: &[Row],
    stored: &dyn StateView,
) -> Result<(), VerifyError> {
    let height = entry.header.height;
    let kept = stored.header(&entry.header.id())?;
    let links = |entry: HeaderEntry| HeaderEntry {
        newest_child: None,
        older_sibling: None,
        ..entry
    };
    if kept.map(links) != Some(links(*entry)) {
        return differs(format!("header of block {height}"));
    }
    for (key, value) in rows {
        if matches!(key, RowKey::Undo(_)) && stored.read(key)? != *value {
            return differs(format!("undo data of block {height}"));
        }
    }
    Ok(())
}

/// Holds the stored tip, history and state against what was replayed.
fn compare(
    replay: &Replay,
    stored: &dyn StateView,
    tip: BlockId,
    peaks: &Peaks,
) -> Result<(), VerifyError> {
    if stored.named(&RowKey::Tip)? != Some(tip) {
        return differs("tip".into());
    }
    if Peaks::read(peaks.leaves(), |node| stored.history_node(node))? != *peaks {
        return differs("history".into());
    }
    for (key, value) in &replay.0 {
        if stored.read(key)? != *value {
            return differs(match key {
                RowKey::State(StateKey::Balance(owner)) => format!("balance of {owner}"),
                RowKey::Mined(id) => format!("place of transaction {id}"),
                _ => "application state".into(),
            });
        }
    }
    Ok(())
}

fn supply(replay: &Replay) -> Result<Amount, VerifyError> {
    let mut sum = Amount::ZERO;
    for key in replay.0.keys() {
        if let RowKey::State(StateKey::Balance(owner)) = key {
            sum = sum
                .plus(replay.balance(owner)?)
                .ok_or_else(|| Internal("the supply does not fit an amount".into()))?;
        }
    }
    Ok(sum)
}

/// Nothing at all: what there is before genesis.
struct Empty;

impl StateView for Empty {
    fn read(&self, _: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
