//! The sends that are looked after, and everything that they are looked up by.

use crate::chain::{Height, TransactionId};
use crate::protocol::delivery::rows::{Place, SendFacts};
use crate::wire::ReceiptCode;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

#[cfg(test)]
mod tests;

/// Blocks upon a mined send after which it is not looked after any more, until the ledger tells that it
/// fell out of the chain.
pub(super) const SETTLED_BLOCKS: u64 = 100;
/// Mined sends that are looked after at most; the oldest is let go first.
pub(super) const MAX_SETTLING: usize = 10_000;

/// A send that is looked after.
pub(super) struct Entry {
    pub(super) facts: SendFacts,
    pub(super) place: Place,
    /// How often it was sent since the node started.
    pub(super) tries: u32,
    /// What its recipient said last, since the node started.
    pub(super) said: Option<ReceiptCode>,
    /// Who waits for the ledger's word, and the batch that stores the send.
    pub(super) ticket: Option<(u64, u64)>,
}

impl Entry {
    pub(super) fn is_mined(&self) -> bool {
        matches!(self.place, Place::Mined(_))
    }

    pub(super) fn new(facts: SendFacts, place: Place) -> Self {
        Self {
            facts,
            place,
            tries: 0,
            said: None,
            ticket: None,
        }
    }

    /// Coins that it keeps from being spent again.
    pub(super) fn reserved(&self) -> u128 {
        u128::from(self.facts.reserved(self.place))
    }

    /// Those of them that it keeps though it has ended.
    fn held(&self) -> u128 {
        match self.facts.end {
            Some(_) => self.reserved(),
            None => 0,
        }
    }

    /// Whether this node hands it to the network itself.
    pub(super) fn goes_to_network(&self) -> bool {
        self.facts.route.by_network() || self.facts.delivered_at.is_some()
    }
}

/// The table. What it is looked up by follows from the entries alone, and is kept here and nowhere else.
#[derive(Default)]
pub(super) struct Entries {
    all: BTreeMap<u64, Entry>,
    by_id: HashMap<TransactionId, u64>,
    /// What is neither open nor mined, by its last height.
    lapsing: BTreeSet<(Height, u64)>,
    /// The same by its number: whoever reads a page of it does not walk over all that is open.
    unsettled: BTreeSet<u64>,
    /// What is mined, by its block's height.
    settling: BTreeSet<(Height, u64)>,
    reserved: u128,
    held: u128,
}

impl Entries {
    pub(super) fn insert(&mut self, number: u64, entry: Entry) {
        self.remove(number);
        self.by_id.insert(entry.facts.id, number);
        self.index(number, &entry);
        self.all.insert(number, entry);
    }

    /// Changes an entry. What `change` returned, `None` if there is no such entry.
    pub(super) fn edit<R>(
        &mut self,
        number: u64,
        change: impl FnOnce(&mut Entry) -> R,
    ) -> Option<R> {
        let mut entry = self.remove(number)?;
        let done = change(&mut entry);
        self.insert(number, entry);
        Some(done)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.all.remove(&number)?;
        self.by_id.remove(&entry.facts.id);
        match entry.place {
            Place::Nowhere => {
                self.unsettled.remove(&number);
                self.lapsing.remove(&(entry.facts.expires_at, number))
            }
            Place::Open => false,
            Place::Mined(height) => self.settling.remove(&(height, number)),
        };
        self.reserved -= entry.reserved();
        self.held -= entry.held();
        Some(entry)
    }

    fn index(&mut self, number: u64, entry: &Entry) {
        match entry.place {
            Place::Nowhere => {
                self.unsettled.insert(number);
                self.lapsing.insert((entry.facts.expires_at, number))
            }
            Place::Open => false,
            Place::Mined(height) => self.settling.insert((height, number)),
        };
        self.reserved += entry.reserved();
        self.held += entry.held();
    }

    pub(super) fn get(&self, number: u64) -> Option<&Entry> {
        self.all.get(&number)
    }

    pub(super) fn number_of(&self, id: &TransactionId) -> Option<u64> {
        self.by_id.get(id).copied()
    }

    /// The entry of a transaction, and its number.
    pub(super) fn find(&self, id: &TransactionId) -> Option<(u64, &Entry)> {
        let number = self.number_of(id)?;
        Some((number, self.get(number)?))
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Coins that all of them keep from being spent again.
    pub(super) fn reserved(&self) -> u128 {
        self.reserved
    }

    /// Those of them that are kept though their sends have ended.
    pub(super) fn held(&self) -> u128 {
        self.held
    }

    /// What is neither open nor mined, in the order of the numbers, behind this one.
    pub(super) fn unsettled_after(
        &self,
        after: Option<u64>,
    ) -> impl Iterator<Item = (u64, &Entry)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let numbers = self.unsettled.range((from, Bound::Unbounded));
        numbers.filter_map(|&number| Some((number, self.get(number)?)))
    }

    /// The next that is mined for so long, or one of so many, that it is let go.
    pub(super) fn next_settled(&self, tip: Height) -> Option<u64> {
        let &(height, number) = self.settling.first()?;
        let is_deep = height.0.saturating_add(SETTLED_BLOCKS) <= tip.0;
        (is_deep || self.settling.len() > MAX_SETTLING).then_some(number)
    }

    /// The next that is neither open nor mined and can't be mined any more.
    pub(super) fn next_lapsed(&self, tip: Height) -> Option<u64> {
        let &(expires_at, number) = self.lapsing.first()?;
        (expires_at <= tip).then_some(number)
    }
}
