//! Looking through the chain for what concerns an owner, from a stored place on.

use super::rows::{self, Cursor, DeliveryRows, cursor_key};
use crate::canonical;
use crate::chain::{EncodedTransaction, Height, Internal, NetworkId, StateView};
use crate::keys::PublicKey;
use crate::protocol::Row;

#[cfg(test)]
mod tests;

/// Blocks that are passed over in one go by what is kept of whom they name: between two goes the thread is free
/// for others.
pub(super) const STEPS_AT_A_TIME: usize = 1_024;
/// What it counts to read a body, or to step back over a block: as many as are passed over meanwhile.
const BODY_STEPS: usize = 16;
/// Blocks looked up at once, at first and at most: where one in a few names the owner, the rest was for nothing.
const LOOKED_UP: (usize, usize) = (8, 512);
/// Blocks after which the place is stored though they brought nothing: at most so many are looked
/// through again after a crash, within milliseconds.
const STORED_EVERY: u64 = 10_000;

/// Up to where the blocks were looked through. It begins with those that came while nobody was at work,
/// and once it has reached the tip it follows that.
pub(super) struct Walk {
    genesis: Cursor,
    cursor: Cursor,
    stored: Height,
    caught_up: bool,
}

impl Walk {
    /// From the place that is stored in this table, or from genesis.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub(super) fn open(network: NetworkId, rows: &dyn DeliveryRows) -> Result<Self, Internal> {
        let genesis = Cursor {
            height: Height::GENESIS,
            block: network,
        };
        let cursor = rows::cursor(rows)?.unwrap_or(genesis);
        Ok(Self {
            genesis,
            cursor,
            stored: cursor.height,
            caught_up: false,
        })
    }

    /// The last block that was looked at.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Whether it has reached the tip.
    pub(super) fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    /// Goes on to the next block that may concern `owner`: its place, to be reported by [`Walk::moved`], and
    /// what stands in it. Each block takes one of the steps that are `left`, and more if its body is read; where
    /// these end, or the chain does, it is the place of the last block that was passed over, with nothing. `None` if there was none.
    ///
    /// `chain` is the chain at one moment: a block between two that were seen is never left out.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub(super) fn next(
        &mut self,
        chain: &dyn StateView,
        owner: &PublicKey,
        left: &mut usize,
    ) -> Result<Option<(Cursor, Vec<EncodedTransaction>)>, Internal> {
        while *left > 0 && !self.is_on(chain)? {
            // Another branch has won since: back to where it left this one.
            *left = left.saturating_sub(BODY_STEPS);
            let Cursor { height, block } = self.cursor;
            let before = chain.header(&block)?.map(|entry| entry.header.previous);
            self.cursor = match (height.previous(), before) {
                (Some(height), Some(block)) => Cursor { height, block },
                _ => self.genesis,
            };
        }
        let (mut at, mut passed) = (self.cursor, false);
        let (mut look_up, most) = LOOKED_UP;
        while *left > 0 {
            let words = chain.may_name(owner, at.height.next(), look_up.min(*left))?;
            let hit = words.iter().position(|may| *may);
            // A block of which nothing is kept has to be read.
            let seen = hit.map_or(words.len().max(1), |place| place + 1);
            let height = Height(at.height.0 + seen as u64);
            let Some(block) = chain.active(height)? else {
                self.caught_up = true;
                break;
            };
            (at, passed) = (Cursor { height, block }, true);
            *left -= seen;
            look_up = most.min(2 * look_up);
            if hit.is_none() && !words.is_empty() {
                continue;
            }
            *left = left.saturating_sub(BODY_STEPS);
            let transactions = chain.transactions_by_or_to(&block, owner)?;
            let missing = || Internal(format!("the body of block {block} is missing"));
            let transactions = transactions.ok_or_else(missing)?;
            if !transactions.is_empty() {
                return Ok(Some((at, transactions)));
            }
        }
        Ok(passed.then_some((at, Vec::new())))
    }

    fn is_on(&self, chain: &dyn StateView) -> Result<bool, Internal> {
        let Cursor { height, block } = self.cursor;
        Ok(self.cursor == self.genesis || chain.active(height)? == Some(block))
    }

    /// Everything up to this block was looked at. The row that says so, if it is to be stored: now and
    /// then, and with whatever else is written.
    pub(super) fn moved(&mut self, to: Cursor, with_rows: bool) -> Option<Row> {
        self.cursor = to;
        let far = to.height.0.abs_diff(self.stored.0) >= STORED_EVERY;
        if !far && !with_rows {
            return None;
        }
        self.stored = to.height;
        Some((cursor_key(), Some(canonical::encode(&to))))
    }
}
