//! The hash of maps that are searched many times for every transaction.
//!
//! Their keys are mostly hashes themselves; what the standard hasher spends on them was a third of
//! the time a block took to connect. This one folds products of 128 bits, and starts from a seed
//! drawn for each map: whoever chooses keys can't foretell which of them collide. The order of such
//! a map is never looked at.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map with this hash.
pub type FoldMap<K, V> = HashMap<K, V, FoldState>;
/// A set with this hash.
pub type FoldSet<K> = HashSet<K, FoldState>;

/// Odd, with its bits spread: the fractional part of the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Makes the hashers of one map.
#[derive(Debug, Clone)]
pub struct FoldState {
    start: u64,
    factor: u64,
}

impl Default for FoldState {
    fn default() -> Self {
        let seed = RandomState::new();
        Self {
            start: seed.hash_one(0_u8),
            // Odd, so that no product is lost to a factor of zero.
            factor: seed.hash_one(1_u8) | 1,
        }
    }
}

impl BuildHasher for FoldState {
    type Hasher = FoldHasher;

    fn build_hasher(&self) -> FoldHasher {
        FoldHasher {
            state: self.start,
            factor: self.factor,
        }
    }
}

/// The hasher of one key.
#[derive(Debug)]
pub struct FoldHasher {
    state: u64,
    factor: u64,
}

impl FoldHasher {
    /// Both halves of the product count, so that every bit that went in moves every bit.
    #[inline]
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = (product as u64) ^ ((product >> 64) as u64).wrapping_add(SPREAD);
    }
}

impl Hasher for FoldHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.fold(u64::from_le_bytes(last));
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.fold(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_that_differ_in_one_bit_spread_over_the_whole_range() {
        let state = FoldState::default();
        let keys = (0..256_usize).map(|bit| {
            let mut key = [0_u8; 32];
            key[bit / 8] = 1 << (bit % 8);
            key
        });
        let hashes: Vec<u64> = keys.map(|key| state.hash_one(key)).collect();
        // Maps take the low bits for the place and the high ones for the tag.
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 0xFFFF).collect();
        let high: HashSet<u64> = hashes.iter().map(|hash| hash >> 48).collect();
        assert!(low.len() > 240 && high.len() > 240);
    }

    #[test]
    fn every_map_has_a_hash_of_its_own() {
        let (one, other) = (FoldState::default(), FoldState::default());
        assert_eq!(one.hash_one([7; 32]), one.hash_one([7; 32]));
        assert_ne!(one.hash_one([7; 32]), other.hash_one([7; 32]));
    }
}
