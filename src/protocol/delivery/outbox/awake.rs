//! How long the node was awake, all in all: what waits counts by this, over restarts, and whatever
//! anybody does to the wall clock.

use crate::canonical;
use crate::chain::Internal;
use crate::clock::SteadyTime;
use crate::protocol::Row;
use crate::protocol::delivery::rows::{self, DeliveryRows, awake_key};

/// How long the stored reading may be behind while something waits, in milliseconds: what a crash takes
/// from a time that is counted in days.
const STORED_EVERY_MS: u64 = 60_000;

/// The count, in milliseconds.
pub(super) struct Awake {
    before_ms: u64,
    started: SteadyTime,
    stored_ms: u64,
}

impl Awake {
    /// Goes on from what is stored.
    ///
    /// # Errors
    /// The disk failed, or a row is damaged.
    pub(super) fn open(rows: &dyn DeliveryRows, now: SteadyTime) -> Result<Self, Internal> {
        let before_ms = rows::awake(rows)?;
        Ok(Self {
            before_ms,
            started: now,
            stored_ms: before_ms,
        })
    }

    /// How long by now.
    pub(super) fn ms(&self, now: SteadyTime) -> u64 {
        self.before_ms.saturating_add(now.since(self.started))
    }

    /// The row that says so, if the stored one is too old.
    pub(super) fn row(&mut self, now: SteadyTime) -> Option<Row> {
        let ms = self.ms(now);
        if ms - self.stored_ms < STORED_EVERY_MS {
            return None;
        }
        self.stored_ms = ms;
        Some((awake_key(), Some(canonical::encode(&ms))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;
    use crate::protocol::delivery::testing::MemoryRows;

    #[test]
    fn it_goes_on_over_restarts_and_loses_a_minute_at_most() {
        let mut rows = MemoryRows::default();
        let mut awake = Awake::open(&rows, STARTED).unwrap();
        assert_eq!(awake.row(STARTED.plus_ms(STORED_EVERY_MS - 1)), None);
        rows.commit(
            awake
                .row(STARTED.plus_ms(STORED_EVERY_MS))
                .into_iter()
                .collect(),
        );
        assert_eq!(awake.row(STARTED.plus_ms(STORED_EVERY_MS + 1)), None);
        // Off for a year, by no clock of its own; started again by another steady clock.
        let again = SteadyTime::after_beginning(7);
        let awake = Awake::open(&rows, again).unwrap();
        assert_eq!(awake.ms(again.plus_ms(5)), STORED_EVERY_MS + 5);
    }
}
