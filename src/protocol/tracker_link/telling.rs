//! How often the whole directory is told to those who follow it: what that takes grows with the members, and one
//! of them may change without end.

use crate::clock::SteadyTime;

/// How long the directory rests after it was told, in microseconds for each member in it. Telling takes about a
/// tenth of that, so a network of any size whose members change without end costs a tenth of a core. More, and in
/// a large network a change is known late; less, and it costs more. 50 members rest for a millisecond.
pub const REST_US_PER_MEMBER: u64 = 20;

/// Whether the directory is to be told, and from when on it may be.
#[derive(Debug)]
pub struct Telling {
    owed: bool,
    not_before: SteadyTime,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            owed: false,
            not_before: SteadyTime::LONG_AGO,
        }
    }
}

impl Telling {
    /// There is something to tell.
    pub fn owe(&mut self) {
        self.owed = true;
    }

    /// Whether a directory of so many members is told now, all that is owed together: at once when it has rested.
    pub fn is_due(&mut self, members: usize, now: SteadyTime) -> bool {
        let is_due = self.owed && now >= self.not_before;
        if is_due {
            let rest_us = REST_US_PER_MEMBER.saturating_mul(members as u64);
            self.owed = false;
            self.not_before = now.plus_ms(rest_us / 1_000);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steady::STARTED;

    #[test]
    fn a_change_is_told_at_once_and_those_that_follow_together_after_a_rest() {
        let mut telling = Telling::default();
        assert!(!telling.is_due(10_000, STARTED), "nothing is owed");
        telling.owe();
        assert!(telling.is_due(10_000, STARTED));
        let mut told = Vec::new();
        for ms in 0..1_000 {
            telling.owe();
            if telling.is_due(10_000, STARTED.plus_ms(ms)) {
                told.push(ms);
            }
        }
        assert_eq!(told, [200, 400, 600, 800]);
        assert!(
            telling.is_due(10_000, STARTED.plus_ms(1_000)),
            "the last one"
        );
        assert!(!telling.is_due(10_000, STARTED.plus_ms(9_000)), "once");
    }

    #[test]
    fn in_a_small_network_nothing_waits() {
        let mut telling = Telling::default();
        for ms in 0..100 {
            telling.owe();
            assert!(telling.is_due(40, STARTED.plus_ms(ms)));
        }
    }
}
