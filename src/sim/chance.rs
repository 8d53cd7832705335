//! Chance, from a seed.

use crate::entropy::Entropy;
use std::sync::{Mutex, PoisonError};

/// The state of SplitMix64: small, seeded, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Draws for one purpose among others that share a seed: what is drawn for one does not depend on
    /// how much is drawn for another.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&seed.to_le_bytes())
            .update(purpose.as_bytes());
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        Self(u64::from_le_bytes(first))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included; `least` where there is none between.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        let span = most.saturating_sub(least).saturating_add(1);
        least.saturating_add(self.number() % span)
    }

    /// An index below `count`; 0 where there is none.
    pub fn index(&mut self, count: usize) -> usize {
        self.between(0, (count as u64).saturating_sub(1)) as usize
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, cases: u64) -> bool {
        self.number() % 100 < cases
    }

    /// A number uniform in (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.number() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// How long to wait, in whole milliseconds, for what comes by chance once in `mean_ms`: the
    /// exponential distribution, without its last sliver.
    pub fn waiting_ms(&mut self, mean_ms: f64) -> u64 {
        (-self.unit().ln() * mean_ms).min(f64::from(u32::MAX)) as u64
    }
}

/// Randomness of one start of one host.
pub struct SeededEntropy(Mutex<blake3::OutputReader>);

impl SeededEntropy {
    /// The seed of the network, which host, and the how manieth start of it: drawn again from the
    /// beginning, its keys, salts and nonces would come twice.
    pub fn new(seed: u64, host: usize, start: u32) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"entropy of a host");
        hasher.update(&seed.to_le_bytes());
        hasher.update(&(host as u64).to_le_bytes());
        hasher.update(&start.to_le_bytes());
        Self(Mutex::new(hasher.finalize_xof()))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(entropy: &SeededEntropy) -> [u8; 32] {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        bytes
    }

    #[test]
    fn every_start_of_every_host_draws_otherwise_and_every_time_the_same() {
        let of = |host, start| drawn(&SeededEntropy::new(7, host, start));
        assert_eq!(of(1, 1), of(1, 1));
        assert_ne!(of(1, 1), of(1, 2));
        assert_ne!(of(1, 1), of(2, 1));
    }

    #[test]
    fn waiting_times_have_the_mean_they_should() {
        let mut chance = Chance::of(1, "waiting");
        let total: u64 = (0..20_000).map(|_| chance.waiting_ms(5_000.0)).sum();
        let mean = total / 20_000;
        assert!((4_850..5_150).contains(&mean), "{mean}");
    }

    #[test]
    fn a_number_between_includes_both_ends() {
        let mut chance = Chance::of(3, "ends");
        let drawn: std::collections::BTreeSet<_> = (0..100).map(|_| chance.between(4, 6)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [4, 5, 6]);
        assert_eq!(chance.index(0), 0);
    }
}
