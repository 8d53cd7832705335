//! Looking through the chain for what concerns an owner, from a stored place on.

use super::rows::{self, Cursor, DeliveryRows, cursor_key};
use crate::canonical;
use crate::chain::{EncodedTransaction, Height, Internal, NetworkId, StateView};
use crate::keys::PublicKey;
use crate::protocol::Row;

#[cfg(test)]
mod tests;

/// Blocks that are looked through, or stepped back over, in one go: between two goes the thread is free
/// for others.
pub(super) const STEPS_AT_A_TIME: usize = 64;
/// Blocks after which the place is stored though they brought nothing: at most so many are looked
/// through again after a crash.
const STORED_EVERY: u64 = 100;

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
    /// what stands in it. Each block takes one of the steps that are `left`; where these end, or the chain
    /// does, it is the place of the last block that was passed over, with nothing. `None` if there was none.
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
            *left -= 1;
            let Cursor { height, block } = self.cursor;
            let before = chain.header(&block)?.map(|entry| entry.header.previous);
            self.cursor = match (height.previous(), before) {
                (Some(height), Some(block)) => Cursor { height, block },
                _ => self.genesis,
            };
        }
        let (mut at, mut passed) = (self.cursor, false);
        while *left > 0 {
            *left -= 1;
            let height = at.height.next();
            let Some(block) = chain.active(height)? else {
                self.caught_up = true;
                break;
            };
            (at, passed) = (Cursor { height, block }, true);
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
