//! The hash of maps that are searched many times for every transaction.
//!
//! Their keys are ids and public keys: the standard hasher spent a third of the time a block took to
//! connect on scattering what is scattered already. But whoever makes a key or an id can choose its
//! bits, so a fixed hash would let them fill one bucket. Foldhash mixes with secrets; here they come
//! from the operating system, where the crate's own default only takes addresses and the time, and
//! every map starts from a secret of its own. They could be learnt only from hashes or from the order
//! of a map, and neither is ever shown: what is iterated is sorted, or kept in its own order.

use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// A map with this hash.
pub type FoldMap<K, V> = HashMap<K, V, FoldState>;
/// A set with this hash.
pub type FoldSet<K> = HashSet<K, FoldState>;

/// What all maps of this process have in common.
static SHARED: LazyLock<SharedSeed> = LazyLock::new(|| SharedSeed::from_u64(secret()));

/// Sixty-four bits that nobody outside can foretell: the standard library keys its hasher with the
/// randomness of the operating system.
fn secret() -> u64 {
    RandomState::new().hash_one(())
}

/// Makes the hashers of one map.
#[derive(Debug, Clone)]
pub struct FoldState(SeedableRandomState);

impl Default for FoldState {
    fn default() -> Self {
        Self(SeedableRandomState::with_seed(secret(), &SHARED))
    }
}

impl BuildHasher for FoldState {
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_map_has_a_hash_of_its_own() {
        let (one, other) = (FoldState::default(), FoldState::default());
        assert_eq!(one.hash_one([7; 32]), one.hash_one([7; 32]));
        assert_ne!(one.hash_one([7; 32]), other.hash_one([7; 32]));
    }

    #[test]
    fn keys_chosen_to_collide_in_one_map_do_not_in_the_next() {
        // Those of many ids that fall into one bucket of 256, as a map takes its low bits.
        let bucket = |state: &FoldState, id: &[u8; 32]| state.hash_one(id) & 0xFF;
        let known = FoldState::default();
        let chosen: Vec<[u8; 32]> = (0..100_000_u32)
            .map(|number| *blake3::hash(&number.to_le_bytes()).as_bytes())
            .filter(|id| bucket(&known, id) == 0)
            .collect();
        assert!(chosen.len() > 200);
        let other = FoldState::default();
        let hit: HashSet<u64> = chosen.iter().map(|id| bucket(&other, id)).collect();
        assert!(hit.len() > 100, "{} buckets", hit.len());
    }
}
