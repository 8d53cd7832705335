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
    /// The last batch that anything but what is told of it depends on.
    binding: u64,
    committed: u64,
    /// What waits for a batch to be written, by the number of that.
    promises: VecDeque<(u64, E)>,
    effects: Vec<E>,
}

impl<E> Default for CommitQueue<E> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            batches: 0,
            binding: 0,
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

    /// Has something done when the disk holds everything that was decided by now, but for what was only to be
    /// told. Whether it has to wait for that.
    pub fn after_rows(&mut self, effect: E) -> bool {
        let last = match self.is_writing() {
            true => self.batch(),
            false => self.binding,
        };
        self.after(last, effect)
    }

    /// Has something told when the disk holds everything that was decided by now.
    pub fn tell_after_rows(&mut self, effect: E) {
        let last = self.batches + u64::from(self.is_writing());
        self.after(last, effect);
    }

    /// Has something done when the disk holds the batches up to this one. Whether it has to wait for that.
    pub fn after(&mut self, last: u64, effect: E) -> bool {
        let waits = last > self.committed;
        if waits {
            let at = self.promises.partition_point(|(batch, _)| *batch <= last);
            self.promises.insert(at, (last, effect));
        } else {
            self.effects.push(effect);
        }
        waits
    }

    /// What waits for the batch of this turn.
    pub fn waiting(&self) -> impl Iterator<Item = &E> {
        let this = self.batch();
        let waiting = self.promises.iter().rev();
        let waiting = waiting.take_while(move |(batch, _)| *batch == this);
        waiting.map(|(_, effect)| effect)
    }

    /// Whether nothing but what is told of it depends on a batch.
    pub fn is_idle(&self, batch: u64) -> bool {
        batch > self.binding
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
            self.binding = self.batch();
        }
        self.take_idle(commit)
    }

    /// The same for a turn from whose batch nothing follows but what is told of it: that one may be written with
    /// the next that somebody waits for.
    pub fn take_idle(&mut self, commit: impl FnOnce(u64, Vec<Row>) -> E) -> Vec<E> {
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
