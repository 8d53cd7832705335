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
