//! When a send goes by way of the network as well, since its recipient could not be reached.

use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use std::collections::{BTreeSet, HashMap, HashSet};

/// After how long a send is looked at again that had to wait for something else than time, in
/// milliseconds.
const LOOK_AGAIN_MS: u64 = 5_000;
/// Sends that begin to go by way of the network at a time: after a night, all of them are due.
pub(super) const AT_A_TIME: usize = 64;

/// Sends that wait for their recipients, and how long they did so while this node had company: alone, it
/// can't know whether the fault is its own, and there is no network to go by.
pub(super) struct ByNetwork {
    after_ms: Option<u64>,
    /// Members with a session.
    company: HashSet<PublicKey>,
    /// Since when there is some.
    since: Option<SteadyTime>,
    /// How long there was some before that, in milliseconds.
    before_ms: u64,
    due: HashMap<u64, u64>,
    by_due: BTreeSet<(u64, u64)>,
}

impl ByNetwork {
    /// After so many milliseconds in company; `None` for never.
    pub(super) fn new(after_ms: Option<u64>) -> Self {
        Self {
            after_ms,
            company: HashSet::new(),
            since: None,
            before_ms: 0,
            due: HashMap::new(),
            by_due: BTreeSet::new(),
        }
    }

    /// There is a session with this member. Whether this node was alone until now.
    pub(super) fn met(&mut self, key: PublicKey, now: SteadyTime) -> bool {
        let was_alone = self.company.is_empty();
        self.company.insert(key);
        self.since.get_or_insert(now);
        was_alone
    }

    /// There is none any more.
    pub(super) fn parted(&mut self, key: &PublicKey, now: SteadyTime) {
        self.company.remove(key);
        if self.company.is_empty() {
            self.before_ms = self.in_company(now);
            self.since = None;
        }
    }

    /// How long there was company, in milliseconds.
    fn in_company(&self, now: SteadyTime) -> u64 {
        let since = self.since.map_or(0, |since| now.since(since));
        self.before_ms.saturating_add(since)
    }

    /// A send begins to wait.
    pub(super) fn begin(&mut self, number: u64, now: SteadyTime) {
        if let Some(after_ms) = self.after_ms {
            self.wait(number, after_ms, now);
        }
    }

    /// It had to wait for something else than time.
    pub(super) fn look_again(&mut self, number: u64, now: SteadyTime) {
        self.wait(number, LOOK_AGAIN_MS, now);
    }

    fn wait(&mut self, number: u64, ms: u64, now: SteadyTime) {
        self.leave(number);
        let due = self.in_company(now).saturating_add(ms);
        self.due.insert(number, due);
        self.by_due.insert((due, number));
    }

    /// A send does not wait any more.
    pub(super) fn leave(&mut self, number: u64) {
        if let Some(due) = self.due.remove(&number) {
            self.by_due.remove(&(due, number));
        }
    }

    /// The next that has waited for long enough.
    pub(super) fn next(&self, now: SteadyTime) -> Option<u64> {
        let &(due, number) = self.by_due.first()?;
        (self.since.is_some() && due <= self.in_company(now)).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::member;
    use crate::clock::STARTED;

    const MINUTE: u64 = 60_000;

    #[test]
    fn only_time_in_company_counts() {
        let [carol, dan] = [3, 4].map(|number| member(number).public_key());
        let mut waits = ByNetwork::new(Some(MINUTE));
        waits.begin(7, STARTED);
        // An hour alone, then half a minute with one, with two, with the other.
        let mut now = STARTED.plus_ms(60 * MINUTE);
        assert_eq!(waits.next(now), None);
        waits.met(carol, now);
        now = now.plus_ms(10_000);
        waits.met(dan, now);
        now = now.plus_ms(10_000);
        waits.parted(&carol, now);
        now = now.plus_ms(10_000);
        waits.parted(&dan, now);
        // An hour alone again.
        now = now.plus_ms(60 * MINUTE);
        assert_eq!(waits.next(now), None);
        waits.met(dan, now);
        assert_eq!(waits.next(now.plus_ms(29_999)), None);
        assert_eq!(waits.next(now.plus_ms(30_000)), Some(7));
        waits.leave(7);
        assert_eq!(waits.next(now.plus_ms(30_000)), None);
    }

    #[test]
    fn never_is_never_and_nothing_is_due_without_company() {
        let carol = member(3).public_key();
        let mut never = ByNetwork::new(None);
        never.met(carol, STARTED);
        never.begin(7, STARTED);
        assert_eq!(never.next(STARTED.plus_ms(u64::MAX / 2)), None);
        let mut waits = ByNetwork::new(Some(0));
        waits.begin(7, STARTED);
        assert_eq!(waits.next(STARTED.plus_ms(MINUTE)), None);
        waits.met(carol, STARTED.plus_ms(MINUTE));
        assert_eq!(waits.next(STARTED.plus_ms(MINUTE)), Some(7));
        // Told twice that it is gone, by a session that was lost twice.
        waits.parted(&carol, STARTED.plus_ms(MINUTE));
        waits.parted(&carol, STARTED.plus_ms(2 * MINUTE));
        assert_eq!(waits.in_company(STARTED.plus_ms(3 * MINUTE)), 0);
    }
}
