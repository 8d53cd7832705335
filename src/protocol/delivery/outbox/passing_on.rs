//! When which send is handed to the network by this node itself.

use crate::clock::SteadyTime;
use crate::protocol::backoff::Backoff;
use crate::protocol::retry::LONGEST_RETRY_MS;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// How long after a receipt this node hands a transaction to the network itself, if its recipient has
/// not, in milliseconds.
pub const PASS_ON_WITHIN_MS: u64 = 10_000;
/// Sends that are being handed to the network at a time: a restart may find all of them due.
const MAX_PASSING_ON: usize = 64;

/// Sends that are to be handed on, by their numbers.
pub(super) struct PassingOn {
    seed: u64,
    due: HashMap<u64, SteadyTime>,
    by_due: BTreeSet<(SteadyTime, u64)>,
    /// Pauses between one handing over and the next, of those that the ledger did not take.
    pauses: HashMap<u64, Backoff>,
    /// With the ledger, which has not answered yet; and whether it has told since that one is no more where it was.
    with_ledger: HashMap<u64, bool>,
}

impl PassingOn {
    /// None. `seed` varies the pauses.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            due: HashMap::new(),
            by_due: BTreeSet::new(),
            pauses: HashMap::new(),
            with_ledger: HashMap::new(),
        }
    }

    /// It is handed on at this time, and at no other.
    pub(super) fn at(&mut self, number: u64, due: SteadyTime) {
        self.leave(number);
        self.due.insert(number, due);
        self.by_due.insert((due, number));
    }

    /// It is not handed on, for now.
    pub(super) fn leave(&mut self, number: u64) {
        if let Some(due) = self.due.remove(&number) {
            self.by_due.remove(&(due, number));
        }
    }

    /// The ledger did not take it for now: again after a pause.
    pub(super) fn again(&mut self, number: u64, now: SteadyTime) {
        let seed = self.seed.wrapping_add(number);
        let fresh = || Backoff::new(PASS_ON_WITHIN_MS, LONGEST_RETRY_MS, seed);
        let pauses = self.pauses.entry(number).or_insert_with(fresh);
        pauses.failed(now);
        let due = pauses.due();
        self.at(number, due);
    }

    /// What the ledger refused may be taken now: this node was alone, or put out, and has company again.
    pub(super) fn hurry(&mut self, now: SteadyTime) {
        let paused: Vec<_> = self.pauses.keys().copied().collect();
        for number in paused {
            if self.due.contains_key(&number) {
                self.at(number, now);
            }
        }
    }

    /// The ledger has it: pauses begin anew if it falls out of there.
    pub(super) fn opened(&mut self, number: u64) {
        self.leave(number);
        self.pauses.remove(&number);
    }

    /// The next that is due, if the ledger has not too much in hand.
    pub(super) fn next(&self, now: SteadyTime) -> Option<u64> {
        let &(due, number) = self.by_due.first()?;
        (due <= now && self.with_ledger.len() < MAX_PASSING_ON).then_some(number)
    }

    /// It is being handed to the ledger, and once more later, should it not become open by then. Whether
    /// the ledger has to be asked: it may be at it.
    pub(super) fn begin(&mut self, number: u64, now: SteadyTime) -> bool {
        self.at(number, now.plus_ms(LONGEST_RETRY_MS));
        match self.with_ledger.entry(number) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(false);
                true
            }
        }
    }

    /// The ledger tells where it is, unasked: what it answers may be older than that.
    pub(super) fn told(&mut self, number: u64) {
        if let Some(overtaken) = self.with_ledger.get_mut(&number) {
            *overtaken = true;
        }
    }

    /// The ledger has answered; whether something that it told has overtaken the answer.
    pub(super) fn answered(&mut self, number: u64) -> bool {
        self.with_ledger.remove(&number).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;

    #[test]
    fn each_has_one_time_at_which_it_is_handed_on() {
        let mut passing = PassingOn::new(1);
        passing.at(7, STARTED.plus_ms(5));
        passing.at(7, STARTED.plus_ms(9));
        assert_eq!(passing.next(STARTED.plus_ms(8)), None);
        assert_eq!(passing.next(STARTED.plus_ms(9)), Some(7));
        passing.leave(7);
        assert_eq!(passing.next(STARTED.plus_ms(1_000_000)), None);
    }

    #[test]
    fn the_ledger_is_asked_once_and_again_after_a_while() {
        let mut passing = PassingOn::new(1);
        passing.at(7, STARTED);
        assert!(passing.begin(7, STARTED));
        let later = STARTED.plus_ms(LONGEST_RETRY_MS);
        assert_eq!(passing.next(later), Some(7));
        assert!(!passing.begin(7, later), "it is at it");
        assert!(!passing.answered(7));
        assert!(passing.begin(7, later));
        passing.told(7);
        assert!(passing.answered(7), "overtaken");
        passing.told(7);
        assert!(passing.begin(7, later));
        assert!(!passing.answered(7), "told before it was asked");
    }

    #[test]
    fn the_ledger_has_no_more_than_so_many_in_hand() {
        let mut passing = PassingOn::new(1);
        for number in 0..100 {
            passing.at(number, STARTED);
        }
        let mut asked = 0;
        while let Some(number) = passing.next(STARTED) {
            asked += usize::from(passing.begin(number, STARTED));
        }
        assert_eq!(asked, MAX_PASSING_ON);
    }

    #[test]
    fn pauses_grow_until_the_ledger_has_it() {
        let mut passing = PassingOn::new(1);
        let mut now = STARTED;
        let mut pauses = Vec::new();
        for _ in 0..3 {
            passing.again(7, now);
            let due = passing.due[&7];
            pauses.push(due.since(now));
            now = due;
        }
        assert!(pauses[2] > pauses[0], "{pauses:?}");
        passing.opened(7);
        assert_eq!(passing.next(now.plus_ms(LONGEST_RETRY_MS)), None);
        passing.again(7, now);
        assert!(passing.due[&7].since(now) <= PASS_ON_WITHIN_MS);
        // One that is not due at all stays so.
        passing.again(8, now);
        passing.leave(8);
        passing.hurry(now);
        assert_eq!(passing.next(now), Some(7));
        passing.leave(7);
        assert_eq!(passing.next(now.plus_ms(1_000_000)), None);
    }
}
