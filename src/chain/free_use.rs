//! What each key has had mined without a fee of late, counted from the chain: so that nodes mostly agree on
//! who may send how much more, and a restart changes nothing.

use super::fold_hash::FoldMap;
use super::rows::{Draft, RowKey, StateView};
use super::{Amount, Block, BlockId, EncodedTransaction, Height, Internal, Rules};
use crate::canonical;
use crate::keys::PublicKey;
use std::collections::{BTreeMap, VecDeque};

/// Blocks that count: two hours of a network with a block every ten seconds.
pub const FREE_BLOCKS: u64 = 720;
/// Blocks whose sums are kept, so that a change of branch finds them; those of older ones are counted anew
/// from their bodies.
const KEPT_BLOCKS: u64 = 2 * FREE_BLOCKS;

/// The sums of one block: every key that has something in it without a fee, ascending, and its bytes.
type Sums = Vec<(PublicKey, u64)>;

/// Bytes by key in the last blocks of the connected chain.
#[derive(Default)]
pub struct FreeUse {
    bytes: FoldMap<PublicKey, u64>,
    /// The last of these blocks, up to the tip, and whether there is anything without a fee in each: with every block
    /// one falls out of the count, and one out of what is kept, and mostly there is nothing to be read for it.
    last: VecDeque<(BlockId, bool)>,
    tip: Height,
}

impl FreeUse {
    /// Counts the blocks that end with `tip`.
    pub(super) fn open(rules: &Rules, view: &dyn StateView, tip: Height) -> Result<Self, Internal> {
        let mut counted = Self {
            tip,
            ..Self::default()
        };
        let first = tip.0.saturating_sub(FREE_BLOCKS - 1).max(1);
        for height in (first..=tip.0).map(Height) {
            let id = view.active(height)?;
            let missing = || Internal(format!("there is no connected block at height {height}"));
            let id = id.ok_or_else(missing)?;
            let sums = sums_of_stored(rules, view, &id)?;
            counted.add(&sums);
            counted.last.push_back((id, !sums.is_empty()));
        }
        Ok(counted)
    }

    /// What a key has had mined without a fee.
    pub fn of(&self, key: &PublicKey) -> u64 {
        self.bytes.get(key).copied().unwrap_or(0)
    }

    /// A block is the end of the connected chain now.
    pub(super) fn connected(
        &mut self,
        rules: &Rules,
        draft: &mut Draft<'_>,
        block: &Block,
    ) -> Result<(), Internal> {
        let (id, height) = (block.id(), block.header.height);
        let sums = sums_of(rules, block);
        draft.put(RowKey::FreeUse(id), &sums);
        self.add(&sums);
        self.tip = height;
        self.last.push_back((id, !sums.is_empty()));
        if let Some(last) = just_before(height) {
            self.take_off(&self.at(rules, draft, last)?);
        }
        if let Some(last) = height.0.checked_sub(KEPT_BLOCKS).map(Height) {
            let old = match self.kept(last) {
                Some((old, _)) => Some(old),
                None => draft.active(last)?,
            };
            old.into_iter()
                .for_each(|old| draft.remove(RowKey::FreeUse(old)));
        }
        if self.last.len() as u64 > KEPT_BLOCKS {
            self.last.pop_front();
        }
        Ok(())
    }

    /// A block is no more the end of the connected chain.
    pub(super) fn disconnected(
        &mut self,
        rules: &Rules,
        draft: &mut Draft<'_>,
        block: &Block,
    ) -> Result<(), Internal> {
        let (id, height) = (block.id(), block.header.height);
        self.take_off(&sums_of(rules, block));
        draft.remove(RowKey::FreeUse(id));
        if let Some(again) = just_before(height) {
            let sums = self.at(rules, draft, again)?;
            self.add(&sums);
        }
        self.last.pop_back();
        self.tip = block.header.height.previous().unwrap_or_default();
        Ok(())
    }

    /// What is remembered of the connected block at a height.
    fn kept(&self, height: Height) -> Option<(BlockId, bool)> {
        let below = usize::try_from(self.tip.0.checked_sub(height.0)?).ok()?;
        let place = self.last.len().checked_sub(below + 1)?;
        self.last.get(place).copied()
    }

    /// The sums of the connected block at a height: as they were kept, or counted anew.
    fn at(&self, rules: &Rules, view: &dyn StateView, height: Height) -> Result<Sums, Internal> {
        let id = match self.kept(height) {
            Some((_, false)) => return Ok(Sums::new()),
            Some((id, true)) => Some(id),
            None => view.active(height)?,
        };
        id.map_or_else(|| Ok(Sums::new()), |id| sums_of_stored(rules, view, &id))
    }

    fn add(&mut self, sums: &Sums) {
        for (key, bytes) in sums {
            *self.bytes.entry(*key).or_default() += bytes;
        }
    }

    fn take_off(&mut self, sums: &Sums) {
        for (key, bytes) in sums {
            if let Some(left) = self.bytes.get_mut(key) {
                *left = left.saturating_sub(*bytes);
                if *left == 0 {
                    self.bytes.remove(key);
                }
            }
        }
    }
}

/// The last block that is not counted any more where the one at this height is the last that is.
fn just_before(height: Height) -> Option<Height> {
    let before = height.0.checked_sub(FREE_BLOCKS);
    before.filter(|before| *before > 0).map(Height)
}

/// The sums of a stored block: as they were kept, or counted anew.
fn sums_of_stored(rules: &Rules, view: &dyn StateView, id: &BlockId) -> Result<Sums, Internal> {
    match view.read(&RowKey::FreeUse(*id))? {
        Some(row) => read(id, &row),
        None => {
            let block = view.block(id)?;
            Ok(block.map_or_else(Sums::new, |block| sums_of(rules, &block)))
        }
    }
}

fn read(id: &BlockId, row: &[u8]) -> Result<Sums, Internal> {
    let damaged = |error| Internal(format!("the sums of block {id} are damaged: {error}"));
    canonical::decode(row).map_err(damaged)
}

fn sums_of(rules: &Rules, block: &Block) -> Sums {
    let mut sums: BTreeMap<PublicKey, u64> = BTreeMap::new();
    for transaction in &block.transactions {
        if rules.is_in_free_budget(transaction) {
            let sum = sums.entry(transaction.payload().sender).or_default();
            *sum += transaction.size() as u64;
        }
    }
    sums.into_iter().collect()
}

impl Rules {
    /// Whether a transaction counts against what its sender may send without a fee. Told by its bytes
    /// alone, so that all count alike.
    pub fn is_in_free_budget(&self, transaction: &EncodedTransaction) -> bool {
        let is_free = !transaction.is_reward() && transaction.payload().fee == Amount::ZERO;
        is_free && !self.is_bounded_record(transaction)
    }

    /// Whether it is a record of which its application takes only so many from anybody.
    pub(super) fn is_bounded_record(&self, transaction: &EncodedTransaction) -> bool {
        let super::Action::Record { body, .. } = &transaction.payload().action else {
            return false;
        };
        let application = self.application_of(transaction);
        application.is_some_and(|judge| judge.is_outside_free_budget(body))
    }
}
