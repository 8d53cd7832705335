//! Signatures that need not be checked again.

use crate::chain::fold_hash::FoldSet;
use crate::chain::{EncodedTransaction, Witness};
use std::collections::VecDeque;

/// Witnesses of signatures that are remembered as good: about two full blocks of the smallest
/// transactions and a day's open ones; what is forgotten is only checked again.
const REMEMBERED_SIGNATURES: usize = 100_000;

/// Which signatures were found to be good, the latest ones.
pub(super) struct Remembered {
    witnesses: FoldSet<Witness>,
    order: VecDeque<Witness>,
    most: usize,
}

impl Default for Remembered {
    fn default() -> Self {
        Self::of_at_most(REMEMBERED_SIGNATURES)
    }
}

impl Remembered {
    fn of_at_most(most: usize) -> Self {
        Self {
            witnesses: FoldSet::default(),
            order: VecDeque::new(),
            most,
        }
    }

    pub(super) fn contains(&self, transaction: &EncodedTransaction) -> bool {
        self.witnesses.contains(&transaction.witness())
    }

    /// Makes room for so many more, as far as they will be kept.
    pub(super) fn reserve(&mut self, more: usize) {
        let room = more.min(self.most.saturating_sub(self.order.len()));
        self.witnesses.reserve(room);
        self.order.reserve(room);
    }

    pub(super) fn insert(&mut self, transaction: &EncodedTransaction) {
        let witness = transaction.witness();
        if self.witnesses.insert(witness) {
            self.order.push_back(witness);
        }
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.witnesses.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::transfer;

    #[test]
    fn what_is_forgotten_takes_no_room_and_is_checked_again() {
        let mut remembered = Remembered::of_at_most(3);
        let all: Vec<_> = (0..8).map(|salt| transfer(1, 2, 1, 0, salt)).collect();
        for (count, one) in (1..).zip(&all) {
            remembered.insert(one);
            remembered.insert(one);
            let held = (remembered.witnesses.len(), remembered.order.len());
            assert_eq!(held, (count.min(3), count.min(3)));
        }
        let known: Vec<_> = all.iter().map(|one| remembered.contains(one)).collect();
        assert_eq!(known, [false, false, false, false, false, true, true, true]);
    }
}
