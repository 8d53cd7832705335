//! How fast this node searches.

use std::f64::consts::LN_2;
use std::time::Duration;

/// After so many seconds of searching, half of the average is from before them: calm enough to
/// read, and true again soon after the machine's load has changed.
const HALF_LIFE_S: f64 = 5.0;

/// Nonces tried in a second of searching, as a moving average. Time without a search does not count,
/// and neither does how often it is looked at.
#[derive(Debug, Clone)]
pub struct HashRate {
    threads: f64,
    /// Tries, and the seconds they took; both fade alike.
    tries: f64,
    seconds: f64,
}

impl HashRate {
    /// Nothing tried yet, by so many threads.
    pub fn new(threads: u16) -> Self {
        Self {
            threads: f64::from(threads.max(1)),
            tries: 0.0,
            seconds: 0.0,
        }
    }

    /// So many nonces were tried, and all threads together were at it for `busy`.
    pub fn observe(&mut self, tries: u64, busy: Duration) {
        let seconds = busy.as_secs_f64() / self.threads;
        if seconds <= 0.0 {
            return;
        }
        let kept = 0.5_f64.powf(seconds / HALF_LIFE_S);
        // What of these seconds themselves has not faded at their end.
        let fresh = (1.0 - kept) * HALF_LIFE_S / LN_2;
        self.tries = self.tries * kept + tries as f64 / seconds * fresh;
        self.seconds = self.seconds * kept + fresh;
    }

    /// Nonces a second, of all threads together; 0 if none was tried yet.
    pub fn per_second(&self) -> f64 {
        if self.seconds > 0.0 {
            self.tries / self.seconds
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_near(one: f64, other: f64) -> bool {
        (one - other).abs() <= other * 1e-6
    }

    proptest! {
        #[test]
        fn a_constant_rate_is_told_from_the_first_look_on_whenever_it_is_looked_at(
            threads in 1..9_u16,
            looks in prop::collection::vec(0..3_000_u64, 1..50),
        ) {
            let mut rate = HashRate::new(threads);
            prop_assert_eq!(rate.per_second(), 0.0);
            let mut any = false;
            for ms in looks {
                // A thousand a millisecond in each thread.
                let all = u64::from(threads) * ms;
                rate.observe(all * 1_000, Duration::from_millis(all));
                any |= ms > 0;
                let expected = if any { f64::from(threads) * 1e6 } else { 0.0 };
                prop_assert!(is_near(rate.per_second(), expected));
            }
        }
    }

    #[test]
    fn half_of_a_change_is_told_after_the_half_life() {
        let mut rate = HashRate::new(1);
        rate.observe(100_000_000, Duration::from_secs(1_000));
        for _ in 0..50 {
            rate.observe(0, Duration::from_secs_f64(HALF_LIFE_S / 50.0));
        }
        assert!(is_near(rate.per_second(), 50_000.0), "{rate:?}");
    }
}
