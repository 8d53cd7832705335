//! Numbers that differ between nodes and moments.

/// A sequence of numbers from a seed (SplitMix64): spreads choices among peers.
/// Whoever sees a few can tell the rest, so nothing secret may come from it.
#[derive(Debug, Clone)]
pub(crate) struct Spread(u64);

impl Spread {
    /// The sequence of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `most`, both included.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        match most.checked_add(1) {
            Some(choices) => mixed % choices,
            None => mixed,
        }
    }

    /// Moves `count` items, chosen by chance, to the front (all of them if there are fewer).
    pub(crate) fn choose<T>(&mut self, items: &mut [T], count: usize) {
        for at in 0..count.min(items.len()) {
            let others = (items.len() - at - 1) as u64;
            let offset = usize::try_from(self.up_to(others)).unwrap_or(0);
            items.swap(at, at + offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut spread = Spread::new(7);
        let seen: BTreeSet<_> = (0..200).map(|_| spread.up_to(3)).collect();
        assert_eq!(seen, BTreeSet::from([0, 1, 2, 3]));
        assert_eq!(spread.up_to(0), 0);
        assert_ne!(spread.up_to(u64::MAX), spread.up_to(u64::MAX));
    }

    #[test]
    fn choosing_moves_and_loses_nothing() {
        let mut spread = Spread::new(7);
        let mut chosen = BTreeSet::new();
        for _ in 0..200 {
            let mut items: Vec<_> = (0..5).collect();
            spread.choose(&mut items, 2);
            chosen.extend(items[..2].to_vec());
            items.sort_unstable();
            assert_eq!(items, [0, 1, 2, 3, 4]);
        }
        assert_eq!(chosen.len(), 5);
        spread.choose::<u8>(&mut [], 2);
    }
}
