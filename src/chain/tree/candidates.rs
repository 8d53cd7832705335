//! Complete branches that the tip may have to move to.

use super::Tip;
use crate::chain::BlockId;

/// Complete branches that are remembered while the tip is on its way to another: each cost the work
/// of more than a whole chain. One that is forgotten counts again when it grows.
const MAX_CANDIDATES: usize = 64;

/// Ends of complete branches that may be better than where the tip is on its way to, or than where
/// it came from should that way turn out to be invalid; in the order in which they were completed.
#[derive(Default)]
pub(super) struct Candidates(Vec<Tip>);

impl Candidates {
    /// Adds one; where they are too many, the one with least work leaves, among equals the last.
    pub(super) fn push(&mut self, end: Tip) {
        self.0.push(end);
        if self.0.len() > MAX_CANDIDATES {
            let places = (0..self.0.len()).rev();
            let least = places.min_by_key(|at| self.0[*at].work());
            least.map(|at| self.0.remove(at));
        }
    }

    /// Takes out the one with most work, among equals the one that came first.
    pub(super) fn take_best(&mut self) -> Option<Tip> {
        let places = (0..self.0.len()).rev();
        let most = places.max_by_key(|at| self.0[*at].work())?;
        Some(self.0.remove(most))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// In the order in which they came.
    pub(super) fn ids(&self) -> Vec<BlockId> {
        self.0.iter().map(|end| end.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Work;
    use crate::chain::testing::rules;

    #[test]
    fn attack_the_branch_with_least_work_makes_room_and_never_the_best() {
        let genesis = rules().genesis_entry();
        let more = |work: Work| work.saturating_add(genesis.work);
        let works = std::iter::successors(Some(Work::ZERO), |work| Some(more(*work)));
        let ends = works.zip(0..200u8).map(|(work, number)| Tip {
            id: BlockId([number; 32]),
            entry: crate::chain::rows::HeaderEntry { work, ..genesis },
        });
        let ends: Vec<_> = ends.collect();
        let mut candidates = Candidates::default();
        // The best comes in the middle of many.
        let (before, after) = ends.split_at(100);
        for end in after.iter().rev().chain(before) {
            candidates.push(*end);
        }
        assert_eq!(candidates.0.len(), MAX_CANDIDATES);
        let best: Vec<_> = std::iter::from_fn(|| candidates.take_best()).collect();
        let numbers: Vec<_> = best.iter().map(|end| end.id.0[0]).collect();
        let most: Vec<u8> = (200 - MAX_CANDIDATES as u8..200).rev().collect();
        assert_eq!(numbers, most);
    }
}
