//! What a machine has decided, in the order in which the outside may see it: rows that are to be
//! written, and effects that must not come before the disk holds them.

use super::Row;
use std::collections::VecDeque;

/// Rows and effects of one machine. `E` is what its shell has to do.
///
/// The rows of one turn are one batch; batches are numbered from 1 and written in that order.
#[derive(Debug)]
pub struct CommitQueue<E> {
    rows: Vec<Row>,
    batches: u64,
    committed: u64,
    /// What waits for a batch to be written.
    promises: VecDeque<(u64, E)>,
    effects: Vec<E>,
}

impl<E> Default for CommitQueue<E> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            batches: 0,
            committed: 0,
            promises: VecDeque::new(),
            effects: Vec::new(),
        }
    }
}

impl<E> CommitQueue<E> {
    /// Has a row written, or removed, with the batch of this turn.
    pub fn write(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether this turn writes something.
    pub fn is_writing(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Number of the batch that this turn writes, if it writes one.
    pub fn batch(&self) -> u64 {
        self.batches + 1
    }

    /// Has something done, whatever the disk holds.
    pub fn at_once(&mut self, effect: E) {
        self.effects.push(effect);
    }

    /// Has something done when the disk holds everything that was decided by now. Whether it has to
    /// wait for that.
    pub fn after_rows(&mut self, effect: E) -> bool {
        let last = self.batches + u64::from(self.is_writing());
        let waits = last > self.committed;
        if waits {
            self.promises.push_back((last, effect));
        } else {
            self.effects.push(effect);
        }
        waits
    }

    /// What waits for the disk.
    pub fn waiting(&self) -> impl Iterator<Item = &E> {
        self.promises.iter().map(|(_, effect)| effect)
    }

    /// Forgets what waits for the disk, where `keep` does not hold.
    pub fn retain_waiting(&mut self, keep: impl Fn(&E) -> bool) {
        self.promises.retain(|(_, effect)| keep(effect));
    }

    /// The disk holds all batches up to and including this one. What waited for them, and is done
    /// now.
    pub fn committed(&mut self, batch: u64) -> &[E] {
        let before = self.effects.len();
        self.committed = self.committed.max(batch);
        while let Some((waits_for, _)) = self.promises.front()
            && *waits_for <= batch
        {
            let promise = self.promises.pop_front();
            self.effects.extend(promise.map(|(_, effect)| effect));
        }
        &self.effects[before..]
    }

    /// Ends the turn: what is to be done now. `commit` says what it is to write a batch, given its
    /// number and rows.
    pub fn take(&mut self, commit: impl FnOnce(u64, Vec<Row>) -> E) -> Vec<E> {
        if self.is_writing() {
            self.batches += 1;
            let commit = commit(self.batches, std::mem::take(&mut self.rows));
            // Before all else: whatever else there is to do may lead back to the machine, and to its
            // next batch.
            self.effects.insert(0, commit);
        }
        std::mem::take(&mut self.effects)
    }
}

#[cfg(test)]
mod tests;
