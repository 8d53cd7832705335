//! How fast blocks are being connected, and how long the rest will take.

use crate::clock::SteadyTime;
use std::collections::VecDeque;

/// Over how long the rate is taken, in milliseconds: long enough for a few commits to the disk, short
/// enough to follow a change of peers.
const SPAN_MS: u64 = 30_000;
/// Samples lie so far apart at least, in milliseconds; so there are 61 of them at most.
const SPACING_MS: u64 = 500;
/// How often it is told how far it is, in milliseconds.
const TOLD_EVERY_MS: u64 = 1_000;

/// Counts connected blocks, and remembers how many there were some time ago.
#[derive(Debug, Default)]
pub struct Progress {
    connected: u64,
    /// When, and how many there were before the block that came then.
    samples: VecDeque<(SteadyTime, u64)>,
    /// When it was told last how far it is, if blocks were missing then.
    told: Option<SteadyTime>,
}

impl Progress {
    /// Blocks were connected.
    pub fn connected(&mut self, blocks: u64, now: SteadyTime) {
        let is_due = |(last, _): &(SteadyTime, u64)| now.since(*last) >= SPACING_MS;
        if self.samples.back().is_none_or(is_due) {
            self.samples.push_back((now, self.connected));
        }
        self.connected += blocks;
        self.forget(now);
    }

    fn forget(&mut self, now: SteadyTime) {
        while let Some((oldest, _)) = self.samples.front()
            && now.since(*oldest) > SPAN_MS
        {
            self.samples.pop_front();
        }
    }

    /// Whether it is to be told now that so many blocks are left: now and then while some are, and once when
    /// none is left.
    pub fn is_to_be_told(&mut self, left: u64, now: SteadyTime) -> bool {
        if left == 0 {
            return self.told.take().is_some();
        }
        let is_due = self
            .told
            .is_none_or(|told| now.since(told) >= TOLD_EVERY_MS);
        if is_due {
            self.told = Some(now);
        }
        is_due
    }

    /// Milliseconds for `left` more blocks at the rate of the last half minute, and that rate in
    /// blocks a second; `None` if none is left, or it can't be told yet.
    pub fn estimate(&mut self, left: u64, now: SteadyTime) -> Option<Estimate> {
        self.forget(now);
        if left == 0 {
            return None;
        }
        let (since, before) = *self.samples.front()?;
        let elapsed_ms = now.since(since).max(SPACING_MS);
        let blocks = self.connected - before;
        let ms_left = u128::from(left) * u128::from(elapsed_ms) / u128::from(blocks.max(1));
        Some(Estimate {
            blocks_per_second: blocks as f64 * 1_000.0 / elapsed_ms as f64,
            ms_left: u64::try_from(ms_left).unwrap_or(u64::MAX),
        })
    }
}

/// How the rest will go if all goes on as it goes now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Blocks connected a second.
    pub blocks_per_second: f64,
    /// Milliseconds until none is missing.
    pub ms_left: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;

    #[test]
    fn the_rate_is_that_of_the_last_half_minute() {
        let mut progress = Progress::default();
        assert_eq!(progress.estimate(10, STARTED), None);
        // Ten a second for a minute, then forty.
        for tenth in 0..600 {
            progress.connected(1, STARTED.plus_ms(100 * tenth));
        }
        for tenth in 600..1_200 {
            progress.connected(4, STARTED.plus_ms(100 * tenth));
        }
        let now = STARTED.plus_ms(120_000);
        let estimate = progress.estimate(4_000, now).unwrap();
        assert!(
            (39.0..=41.0).contains(&estimate.blocks_per_second),
            "{estimate:?}"
        );
        assert!(
            (97_000..=103_000).contains(&estimate.ms_left),
            "{estimate:?}"
        );
        assert!(progress.samples.len() <= 61);
        assert_eq!(progress.estimate(0, now), None);
        // Nothing more comes.
        assert_eq!(progress.estimate(4_000, now.plus_ms(SPAN_MS + 500)), None);
    }
}
