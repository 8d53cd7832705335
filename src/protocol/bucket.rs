//! How often something may happen: so many times at once, and once more after each so many milliseconds.

use crate::clock::SteadyTime;
use std::collections::BTreeMap;

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many times at once.
    pub burst: u64,
    /// After how many milliseconds once more.
    pub every_ms: u64,
}

/// How much of a rate is used up: the time at which nothing of it is any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    full_at: SteadyTime,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            full_at: SteadyTime::LONG_AGO,
        }
    }
}

impl Bucket {
    /// How often it has happened that is not made up for yet.
    pub fn used(&self, rate: Rate, now: SteadyTime) -> u64 {
        self.full_at.since(now).div_ceil(rate.every_ms)
    }

    /// Counts one more, whether or not it may be.
    pub fn count(&mut self, rate: Rate, now: SteadyTime) {
        self.full_at = self.full_at.max(now).plus_ms(rate.every_ms);
    }

    /// Counts one more if it may be; whether it may.
    #[must_use]
    pub fn take(&mut self, rate: Rate, now: SteadyTime) -> bool {
        let may = self.used(rate, now) < rate.burst;
        if may {
            self.count(rate, now);
        }
        may
    }

    /// Whether nothing of it is used up.
    pub fn is_full(&self, now: SteadyTime) -> bool {
        self.full_at <= now
    }
}

/// A bucket each for many, of whom others decide how many there are. Whoever is forgotten begins again,
/// which gives nobody more than the least indebted of `most` had used.
#[derive(Debug)]
pub struct Buckets<K> {
    of: BTreeMap<K, Bucket>,
    most: usize,
}

impl<K: Ord + Clone> Buckets<K> {
    /// For `most` at a time.
    pub fn new(most: usize) -> Self {
        Self {
            of: BTreeMap::new(),
            most,
        }
    }

    /// How much somebody has used.
    pub fn used(&self, whose: &K, rate: Rate, now: SteadyTime) -> u64 {
        let bucket = self.of.get(whose);
        bucket.map_or(0, |bucket| bucket.used(rate, now))
    }

    /// Somebody's bucket, to count in.
    pub fn of(&mut self, whose: K, now: SteadyTime) -> &mut Bucket {
        if self.of.len() >= self.most && !self.of.contains_key(&whose) {
            self.of.retain(|_, bucket| !bucket.is_full(now));
            let least = self.of.iter().min_by_key(|(_, bucket)| **bucket);
            if self.of.len() >= self.most
                && let Some(least) = least.map(|(key, _)| key.clone())
            {
                self.of.remove(&least);
            }
        }
        self.of.entry(whose).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;

    const RATE: Rate = Rate {
        burst: 3,
        every_ms: 1_000,
    };

    #[test]
    fn so_many_at_once_and_then_one_after_the_other() {
        let mut bucket = Bucket::default();
        let take = |bucket: &mut Bucket, ms| bucket.take(RATE, STARTED.plus_ms(ms));
        assert!((0..3).all(|_| take(&mut bucket, 0)));
        assert!(!take(&mut bucket, 0) && !take(&mut bucket, 999));
        assert!(take(&mut bucket, 1_000) && !take(&mut bucket, 1_000));
        assert_eq!(bucket.used(RATE, STARTED.plus_ms(1_000)), 3);
        assert_eq!(bucket.used(RATE, STARTED.plus_ms(4_000)), 0);
        assert!((0..3).all(|_| take(&mut bucket, 60_000)));
        assert!(!take(&mut bucket, 60_000));
        // What is counted all the same is made up for later.
        bucket.count(RATE, STARTED.plus_ms(60_000));
        assert!(!take(&mut bucket, 61_000) && take(&mut bucket, 62_000));
    }

    #[test]
    fn attack_many_names_take_no_room_and_give_nobody_more() {
        let mut buckets = Buckets::new(10);
        for _ in 0..3 {
            assert!(buckets.of(0, STARTED).take(RATE, STARTED));
        }
        for name in 1..1_000 {
            assert!(buckets.of(name, STARTED).take(RATE, STARTED));
        }
        assert!(buckets.of.len() <= 10);
        assert!(!buckets.of(0, STARTED).take(RATE, STARTED));
    }
}
