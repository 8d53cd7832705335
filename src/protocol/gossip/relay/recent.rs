//! Ids that were seen of late, in little room.

use crate::chain::TransactionId;
use crate::chain::fold_hash::FoldState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// A set that forgets its older half when it is full. Of each id it keeps a hash of 64 bits, a quarter of it:
/// its secret is this process's own, so nobody outside can find two ids that it takes for one.
pub(super) struct Recent {
    hash: FoldState,
    young: HashTable<u64>,
    old: HashTable<u64>,
    bound: usize,
}

impl Recent {
    /// One that holds `bound` ids at most, and always the latest half of that.
    pub(super) fn new(bound: usize) -> Self {
        Self {
            hash: FoldState::default(),
            young: HashTable::new(),
            old: HashTable::new(),
            bound,
        }
    }

    pub(super) fn contains(&self, id: &TransactionId) -> bool {
        self.holds(self.hash.hash_one(id))
    }

    fn holds(&self, short: u64) -> bool {
        let is_in = |set: &HashTable<u64>| set.find(short, |other| *other == short).is_some();
        is_in(&self.young) || is_in(&self.old)
    }

    /// Whether it was not there.
    pub(super) fn insert(&mut self, id: TransactionId) -> bool {
        let short = self.hash.hash_one(id);
        if self.holds(short) {
            return false;
        }
        if self.young.len() >= self.bound / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert_unique(short, short, |other| *other);
        true
    }

    /// A later [`Recent::insert`] finds it new.
    pub(super) fn remove(&mut self, id: &TransactionId) {
        let short = self.hash.hash_one(id);
        for set in [&mut self.young, &mut self.old] {
            if let Ok(found) = set.find_entry(short, |other| *other == short) {
                found.remove();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.young = HashTable::new();
        self.old = HashTable::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_not_recent_any_more_take_no_room_and_are_new_again() {
        let mut recent = Recent::new(6);
        let id = |n: u8| TransactionId([n; 32]);
        for n in 0..20 {
            assert!(recent.insert(id(n)), "{n} is new");
            assert!(!recent.insert(id(n)), "{n} is known");
            assert!(recent.young.len() + recent.old.len() <= 6);
            let latest = (0..=n).rev().take(3);
            assert!(latest.into_iter().all(|n| recent.contains(&id(n))));
        }
        recent.remove(&id(19));
        assert!(recent.insert(id(19)));
        assert!(recent.insert(id(0)));
        recent.clear();
        assert!(recent.insert(id(19)));
    }
}
