//! Pauses between tries: doubling, with jitter, without end.

use crate::clock::SteadyTime;

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first_ms: u64,
    longest_ms: u64,
    pause_ms: u64,
    due: SteadyTime,
    state: u64,
}

impl Backoff {
    /// Due at once. `seed` varies the jitter, so that many who lost the same peer do not come back
    /// in the same instant.
    pub fn new(first_ms: u64, longest_ms: u64, seed: u64) -> Self {
        Self {
            first_ms,
            longest_ms,
            pause_ms: 0,
            due: SteadyTime::LONG_AGO,
            state: seed | 1,
        }
    }

    /// Whether it is time.
    pub fn is_due(&self, now: SteadyTime) -> bool {
        now >= self.due
    }

    /// When it is time.
    pub fn due(&self) -> SteadyTime {
        self.due
    }

    /// A try failed: the pause doubles, and between half and all of it is waited.
    pub fn failed(&mut self, now: SteadyTime) {
        let doubled = self.pause_ms.saturating_mul(2);
        self.pause_ms = doubled.clamp(self.first_ms, self.longest_ms);
        // Xorshift: the jitter need not be unpredictable, only different.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let half = self.pause_ms / 2;
        self.due = now.plus_ms(half + self.state % (self.pause_ms - half + 1));
    }

    /// A try succeeded: the next failure is the first again.
    pub fn succeeded(&mut self) {
        self.pause_ms = 0;
    }

    /// Puts the next try off, whatever the pauses were.
    pub fn hold(&mut self, now: SteadyTime, ms: u64) {
        self.due = now.plus_ms(ms);
    }

    /// Makes the next try due at once.
    pub fn hurry(&mut self) {
        self.due = SteadyTime::LONG_AGO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_double_from_the_first_to_the_longest(seed: u64, tries in 1..20u32) {
            let mut backoff = Backoff::new(1_000, 60_000, seed);
            let mut now = SteadyTime::after_beginning(0);
            prop_assert!(backoff.is_due(now));
            for n in 0..tries {
                backoff.failed(now);
                let pause = backoff.due().since(now);
                let full = (1_000u64 << n.min(10)).min(60_000);
                prop_assert!((full / 2..=full).contains(&pause), "{pause} of {full}");
                prop_assert!(!backoff.is_due(now));
                now = backoff.due();
                prop_assert!(backoff.is_due(now));
            }
            backoff.succeeded();
            backoff.failed(now);
            prop_assert!(backoff.due().since(now) <= 1_000);
        }
    }
}
