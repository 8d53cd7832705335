//! Where the open transactions lie: each in a slot, by whose number all orders name it.

use crate::chain::awake::AwakeTime;
use crate::chain::fold_hash::FoldState;
use crate::chain::{EncodedTransaction, TransactionId};
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::num::NonZeroU32;

/// The number of a slot: an eighth of an id, and no room more where there may be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(NonZeroU32);

impl Slot {
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// An open transaction, and its place in every order.
pub(super) struct Entry {
    pub(super) transaction: EncodedTransaction,
    /// Bytes that its sender had sent without a fee, with this one; 0 for what counts against no budget.
    pub(super) sent: u64,
    /// Number of its arrival.
    pub(super) arrival: u64,
    pub(super) arrived: AwakeTime,
    pub(super) is_budgeted: bool,
    /// The sender's open transactions that came before and after this one.
    pub(super) older: Option<Slot>,
    pub(super) newer: Option<Slot>,
}

/// The entries, by slot and by id.
#[derive(Default)]
pub(super) struct Slots {
    entries: Vec<Option<Entry>>,
    free: Vec<Slot>,
    /// By the hash of the id, which stands in the transaction.
    by_id: HashTable<Slot>,
    hash: FoldState,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The slot of an open transaction.
    pub(super) fn find(&self, id: &TransactionId) -> Option<Slot> {
        let is_it = |slot: &Slot| self.id_in(*slot).as_ref() == Some(id);
        self.by_id.find(self.hash.hash_one(id), is_it).copied()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot.index())?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot.index())?.as_mut()
    }

    fn id_in(&self, slot: Slot) -> Option<TransactionId> {
        self.get(slot).map(|entry| entry.transaction.id())
    }

    /// Those that are open, in no order that may show.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }

    /// Takes in one whose id is not there.
    pub(super) fn insert(&mut self, entry: Entry) -> Slot {
        let id = entry.transaction.id();
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entries[slot.index()] = Some(entry);
                slot
            }
            None => {
                self.entries.push(Some(entry));
                let count = u32::try_from(self.entries.len()).ok();
                let number = count.and_then(NonZeroU32::new);
                Slot(number.expect("the limit of their bytes is far below"))
            }
        };
        let Self {
            entries,
            by_id,
            hash,
            ..
        } = self;
        let hash_of = |slot: &Slot| {
            let entry = entries.get(slot.index()).and_then(Option::as_ref);
            entry.map_or(0, |entry| hash.hash_one(entry.transaction.id()))
        };
        by_id.insert_unique(hash.hash_one(id), slot, hash_of);
        slot
    }

    /// Takes out what is in a slot.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.entries.get_mut(slot.index())?.take()?;
        let hashed = self.hash.hash_one(entry.transaction.id());
        if let Ok(found) = self.by_id.find_entry(hashed, |other| *other == slot) {
            found.remove();
        }
        self.free.push(slot);
        if self.by_id.is_empty() {
            // A flood that has passed keeps no room.
            *self = Self::default();
        }
        Some(entry)
    }
}
