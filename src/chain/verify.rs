//! Checking a whole chain again, from its first block, believing nothing that is stored.

use super::history::{self, Peaks};
use super::named;
use super::rows::{BlockStatus, Draft, HeaderEntry, MinedAt, Row, RowKey, StateKey, StateView};
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

/// Bytes of replayed rows that are held in memory; beyond them the state goes to a [`Scratch`].
/// Sixteen thousand balances, with what a map takes for them.
const HELD_BYTES: usize = 4 * 1024 * 1024;
/// What a row in memory costs beside its value: its name, and its place in the map.
const ROW_COST: usize = 160;

/// Where the part of a replayed state goes that memory has no room for; empty at first, and thrown
/// away afterwards.
pub trait Scratch {
    /// The row as it was put last, `None` if it never was. `Some(None)` is one that was removed.
    fn read(&self, key: &StateKey) -> Result<Option<Option<Vec<u8>>>, Internal>;

    /// Puts rows; of one that was put before the new value counts.
    fn put(&mut self, rows: BTreeMap<StateKey, Option<Vec<u8>>>) -> Result<(), Internal>;

    /// Shows every row that was put, with its last value.
    fn each(
        &self,
        show: &mut dyn FnMut(StateKey, Option<Vec<u8>>) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError>;
}

/// The replayed state: what the blocks alone lead to. A row that was removed on the way stays as
/// `None`, so that it is missed where it is still stored.
///
/// Where transactions were mined is no part of it: each is held against the stored place when its
/// block comes, and no two can have the same.
struct Replay<'a> {
    held: BTreeMap<StateKey, Option<Vec<u8>>>,
    bytes: usize,
    most: usize,
    scratch: &'a mut dyn Scratch,
    stored: &'a dyn StateView,
    /// Whether anything is in there.
    spilled: bool,
}

impl StateView for Replay<'_> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        let key = match key {
            RowKey::State(key) => key,
            // Which blocks came before is what is walked along.
            RowKey::Active(_) => return self.stored.read(key),
            _ => return Ok(None),
        };
        match self.held.get(key) {
            Some(value) => Ok(value.clone()),
            None if self.spilled => Ok(self.scratch.read(key)?.flatten()),
            None => Ok(None),
        }
    }
}

impl<'a> Replay<'a> {
    fn new(scratch: &'a mut dyn Scratch, stored: &'a dyn StateView, most: usize) -> Self {
        Self {
            held: BTreeMap::new(),
            bytes: 0,
            most,
            scratch,
            stored,
            spilled: false,
        }
    }

    /// Keeps what later blocks are judged by; all else can be dropped on the way.
    fn take(&mut self, rows: Vec<Row>) -> Result<(), Internal> {
        let cost = |value: &Option<Vec<u8>>| ROW_COST + value.as_ref().map_or(0, Vec::len);
        for (key, value) in rows {
            if let RowKey::State(key) = key {
                self.bytes += cost(&value);
                let before = self.held.insert(key, value);
                self.bytes -= before.as_ref().map_or(0, cost);
            }
        }
        if self.bytes > self.most {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), Internal> {
        self.spilled = true;
        self.bytes = 0;
        self.scratch.put(std::mem::take(&mut self.held))
    }

    /// Shows every row of the state that a block ever changed.
    fn each(
        &mut self,
        show: &mut dyn FnMut(StateKey, Option<Vec<u8>>) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        if self.spilled {
            self.spill()?;
            return self.scratch.each(show);
        }
        let held = std::mem::take(&mut self.held);
        held.into_iter()
            .try_for_each(|(key, value)| show(key, value))
    }
}

/// Checks every connected block of `stored` (headers, work, roots, signatures, balances), and that
/// what is stored beside the blocks is what they lead to: derived headers, undo data, history, places
/// of transactions and the state. `progress` is told of each height.
///
/// Memory does not grow with the chain: of the replayed state, what is more than a few MiB goes to
/// `scratch`.
///
/// # Errors
/// The first thing found that is not as it must be. Rows of owners, applications and transactions
/// that no block ever touched are not looked for.
pub fn verify_chain(
    rules: &Rules,
    stored: &dyn StateView,
    scratch: &mut dyn Scratch,
    progress: impl FnMut(Height),
) -> Result<Verified, VerifyError> {
    verify_holding(HELD_BYTES, rules, stored, scratch, progress)
}

/// [`verify_chain`], with so many bytes of state in memory.
fn verify_holding(
    most: usize,
    rules: &Rules,
    stored: &dyn StateView,
    scratch: &mut dyn Scratch,
    mut progress: impl FnMut(Height),
) -> Result<Verified, VerifyError> {
    let mut replay = Replay::new(scratch, stored, most);
    let mut draft = Draft::new(&Empty);
    apply_genesis(rules, &mut draft);
    replay.take(draft.into_rows())?;
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
        compare_places(&block, stored)?;
        compare_derived(&next, &rows, stored)?;
        replay.take(rows)?;
        transactions += block.transactions.len() as u64;
        peaks.append(history::leaf(&id, next.work));
        grandparent = Some(entry.header.timestamp);
        entry = next;
        progress(height);
    }
    let tip = entry.header.id();
    let supply = compare(&mut replay, stored, tip, &peaks)?;
    Ok(Verified {
        height: entry.header.height,
        tip,
        transactions,
        supply,
    })
}

/// Checks one block of a stored chain by itself, and that it stands on the one before it: header,
/// work, target, history, root, form and signatures. What its transactions do to the balances is
/// for [`verify_chain`] to check, which goes there from the first block.
///
/// # Errors
/// As for [`verify_chain`].
pub fn verify_block(
    rules: &Rules,
    stored: &dyn StateView,
    id: &BlockId,
) -> Result<(), VerifyError> {
    if *id == rules.network() {
        // Checked when the rules were made of it.
        return Ok(());
    }
    let missing = |what: &str| Internal(format!("the {what} of block {id} is missing"));
    let block = stored.block(id)?.ok_or_else(|| missing("body"))?;
    let height = block.header.height;
    let parent = stored.header(&block.header.previous)?;
    let parent = parent.ok_or_else(|| missing("parent"))?;
    let grandparent = match parent.header.height {
        Height::GENESIS => None,
        _ => stored.header(&parent.header.previous)?,
    };
    let before = stored.active(parent.header.height)?;
    if before != Some(block.header.previous) || stored.active(height)? != Some(*id) {
        return differs(format!("chain around block {height}"));
    }
    let peaks = Peaks::read(height.0, |node| stored.history_node(node))?;
    let grandparent = grandparent.map(|entry| entry.header.timestamp);
    let checked = check_alone(rules, &block, *id, &parent, grandparent, &peaks);
    checked.map_err(|fault| VerifyError::Block { height, fault })?;
    compare_places(&block, stored)
}

fn check_block(
    rules: &Rules,
    replay: &Replay<'_>,
    block: &Block,
    id: BlockId,
    parent: &HeaderEntry,
    grandparent: Option<Timestamp>,
    peaks: &Peaks,
) -> Result<(HeaderEntry, Vec<Row>), Refusal> {
    let entry = check_alone(rules, block, id, parent, grandparent, peaks)?;
    let mut draft = Draft::new(replay);
    rules.apply_block(&mut draft, block, parent.header.timestamp)?;
    Ok((
        HeaderEntry {
            status: BlockStatus::Available,
            ..entry
        },
        draft.into_rows(),
    ))
}

/// Everything about a block that does not depend on the state.
fn check_alone(
    rules: &Rules,
    block: &Block,
    id: BlockId,
    parent: &HeaderEntry,
    grandparent: Option<Timestamp>,
    peaks: &Peaks,
) -> Result<HeaderEntry, PeerFault> {
    if block.id() != id {
        return Err(PeerFault::BodyMismatch(id));
    }
    if block.header.previous != parent.header.id() {
        return Err(PeerFault::Disconnected);
    }
    let entry = rules.check_header(&block.header, parent, grandparent, peaks)?;
    rules.check_body(block)?;
    // A reward is not signed.
    let signed = block.transactions.get(1..).unwrap_or_default();
    for (transaction, verdict) in signed.iter().zip(check_signatures(signed)) {
        if let Err(error) = verdict {
            let reason = super::Rejected::BadSignature(error.to_string());
            return Err(Rules::invalid(id, transaction, &reason));
        }
    }
    Ok(entry)
}

/// Holds the stored places of a block's transactions against where they are. A transaction that is
/// mined twice has one place at most.
fn compare_places(block: &Block, stored: &dyn StateView) -> Result<(), VerifyError> {
    let height = block.header.height;
    for (transaction, index) in block.transactions.iter().zip(0..) {
        if stored.mined(&transaction.id())? != Some(MinedAt { height, index }) {
            return differs(format!("place of transaction {}", transaction.id()));
        }
    }
    match stored.read(&RowKey::Named(height))? {
        Some(row) if row != named::of(block) => differs(format!("names in block {height}")),
        _ => Ok(()),
    }
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

/// Holds the stored tip, history and state against what was replayed; the coins of all owners.
fn compare(
    replay: &mut Replay<'_>,
    stored: &dyn StateView,
    tip: BlockId,
    peaks: &Peaks,
) -> Result<Amount, VerifyError> {
    if stored.named(&RowKey::Tip)? != Some(tip) {
        differs("tip".into())?;
    }
    if Peaks::read(peaks.leaves(), |node| stored.history_node(node))? != *peaks {
        differs("history".into())?;
    }
    let mut supply = Amount::ZERO;
    replay.each(&mut |key, value| {
        let owner = match &key {
            StateKey::Balance(owner) => Some(*owner),
            StateKey::Application { .. } => None,
        };
        if stored.read(&RowKey::State(key))? != value {
            return differs(match owner {
                Some(owner) => format!("balance of {owner}"),
                None => "application state".into(),
            });
        }
        if let Some(owner) = owner {
            // Just found to be what was replayed.
            let sum = supply.plus(stored.balance(&owner)?);
            supply = sum.ok_or_else(|| Internal("the supply does not fit an amount".into()))?;
        }
        Ok(())
    })?;
    Ok(supply)
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
