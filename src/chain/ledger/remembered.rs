//! Signatures that need not be checked again.

use crate::chain::fold_hash::FoldSet;
use crate::chain::{EncodedTransaction, Witness};

/// Witnesses of signatures that are remembered as good: about two full blocks of the smallest
/// transactions and a day's open ones; what is forgotten is only checked again.
const REMEMBERED_SIGNATURES: usize = 100_000;

/// Which signatures were found to be good, the latest ones: when it is full, the older half is forgotten.
pub(super) struct Remembered {
    young: FoldSet<Witness>,
    old: FoldSet<Witness>,
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
            young: FoldSet::default(),
            old: FoldSet::default(),
            most,
        }
    }

    pub(super) fn contains(&self, transaction: &EncodedTransaction) -> bool {
        let witness = transaction.witness();
        self.young.contains(&witness) || self.old.contains(&witness)
    }

    /// Makes room for so many more, as far as they will be kept.
    pub(super) fn reserve(&mut self, more: usize) {
        let room = (self.most / 2).saturating_sub(self.young.len());
        self.young.reserve(more.min(room));
    }

    pub(super) fn insert(&mut self, transaction: &EncodedTransaction) {
        if self.young.len() >= self.most / 2 && !self.young.contains(&transaction.witness()) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(transaction.witness());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::transfer;

    #[test]
    fn what_is_forgotten_takes_no_room_and_is_checked_again() {
        let mut remembered = Remembered::of_at_most(4);
        let all: Vec<_> = (0..9).map(|salt| transfer(1, 2, 1, 0, salt)).collect();
        for one in &all {
            remembered.insert(one);
            remembered.insert(one);
            assert!(remembered.young.len() + remembered.old.len() <= 4);
        }
        let known = all.iter().filter(|one| remembered.contains(one));
        assert!(known.eq(&all[6..]), "the latest are known");
    }
}
