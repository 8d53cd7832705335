//! What waits for its signatures to be checked.

use super::{Judged, Origin};
use crate::chain::{Block, BlockId};
use std::collections::{HashMap, HashSet};

/// Bytes that may wait for signatures: a few of the largest blocks; above it the ledger takes
/// nothing more in.
const MAX_WAITING_BYTES: usize = 32 * 1024 * 1024;

pub(super) enum Check {
    Block {
        origin: Origin,
        id: BlockId,
        block: Block,
        /// Places in the block of those whose signatures are being checked, in the order of the
        /// verdicts.
        unseen: Vec<usize>,
    },
    Transactions {
        origin: Origin,
        judged: Vec<Judged>,
        /// Places in `judged` of those whose signatures are being checked, in the order of the
        /// verdicts.
        unseen: Vec<usize>,
    },
}

impl Check {
    fn bytes(&self) -> usize {
        match self {
            Self::Block { block, .. } => block.size(),
            Self::Transactions { judged, .. } => judged.iter().map(|(t, _)| t.size()).sum(),
        }
    }
}

/// The checks under way, by number.
#[derive(Default)]
pub(super) struct Checks {
    last: u64,
    waiting: HashMap<u64, Check>,
    /// The blocks among them.
    blocks: HashSet<BlockId>,
    bytes: usize,
}

impl Checks {
    pub(super) fn begin(&mut self, check: Check) -> u64 {
        self.last += 1;
        self.bytes += check.bytes();
        if let Check::Block { id, .. } = &check {
            self.blocks.insert(*id);
        }
        self.waiting.insert(self.last, check);
        self.last
    }

    pub(super) fn end(&mut self, number: u64) -> Option<Check> {
        let check = self.waiting.remove(&number)?;
        self.bytes -= check.bytes();
        if let Check::Block { id, .. } = &check {
            self.blocks.remove(id);
        }
        Some(check)
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes > MAX_WAITING_BYTES
    }

    /// Whether this block's signatures are being checked.
    pub(super) fn holds_block(&self, id: &BlockId) -> bool {
        self.blocks.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::ledger::Ticket;
    use crate::chain::testing::transfer;

    #[test]
    fn attack_what_waits_for_its_signatures_is_bounded_by_its_bytes() {
        let one = transfer(1, 2, 3, 4, 5);
        let many = |bytes: usize| Check::Transactions {
            origin: Origin::Relay(Ticket(1)),
            judged: vec![(one.clone(), Ok(())); bytes / one.size()],
            unseen: Vec::new(),
        };
        let mut checks = Checks::default();
        let first = checks.begin(many(MAX_WAITING_BYTES));
        assert!(!checks.is_full());
        let last = checks.begin(many(2 * one.size()));
        assert!(checks.is_full());
        assert!(checks.end(last).is_some() && checks.end(last).is_none());
        assert!(!checks.is_full());
        assert!(checks.end(first).is_some());
        assert_eq!(checks.bytes, 0);
    }
}
