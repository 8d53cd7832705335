//! How long the node was awake, all in all: what waits for hours or days is counted by this, over restarts,
//! and whatever anybody does to the wall clock.

use crate::steady::SteadyTime;
use serde::{Deserialize, Serialize};

/// How long the stored reading may be behind while something waits, in milliseconds: what a crash takes
/// from a time that is counted in hours.
const STORED_EVERY_MS: u64 = 60_000;

/// How long the node was awake, all in all, in milliseconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct AwakeTime(pub u64);

impl AwakeTime {
    /// Milliseconds awake from `earlier` to `self`; 0 if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The count.
pub struct Awake {
    before: AwakeTime,
    started: SteadyTime,
    stored: AwakeTime,
}

impl Awake {
    /// Goes on from what is stored.
    pub fn go_on(stored: AwakeTime, now: SteadyTime) -> Self {
        Self {
            before: stored,
            started: now,
            stored,
        }
    }

    /// How long by now.
    pub fn at(&self, now: SteadyTime) -> AwakeTime {
        AwakeTime(self.before.0.saturating_add(now.since(self.started)))
    }

    /// What is to be stored, if the stored reading is too old.
    pub fn to_store(&mut self, now: SteadyTime) -> Option<AwakeTime> {
        let awake = self.at(now);
        if awake.since(self.stored) < STORED_EVERY_MS {
            return None;
        }
        self.stored = awake;
        Some(awake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steady::STARTED;

    #[test]
    fn it_goes_on_over_restarts_and_loses_a_minute_at_most() {
        let mut awake = Awake::go_on(AwakeTime::default(), STARTED);
        let after = |ms| STARTED.plus_ms(ms);
        assert_eq!(awake.to_store(after(STORED_EVERY_MS - 1)), None);
        let stored = awake.to_store(after(STORED_EVERY_MS));
        assert_eq!(stored, Some(AwakeTime(STORED_EVERY_MS)));
        assert_eq!(awake.to_store(after(STORED_EVERY_MS + 1)), None);
        // Off for a year, by no clock of its own; started again by another steady clock.
        let again = SteadyTime::after_beginning(7);
        let awake = Awake::go_on(stored.unwrap(), again);
        assert_eq!(awake.at(again.plus_ms(5)), AwakeTime(STORED_EVERY_MS + 5));
    }
}
