//! Signatures that need not be checked again.

use crate::chain::fold_hash::FoldSet;
use crate::chain::{EncodedTransaction, Witness};
use std::collections::VecDeque;

/// Witnesses of signatures that are remembered as good: about two full blocks of the smallest
/// transactions and a day's open ones; what is forgotten is only checked again.
const REMEMBERED_SIGNATURES: usize = 100_000;

/// Which signatures were found to be good, the latest ones.
#[derive(Default)]
pub(super) struct Remembered {
    witnesses: FoldSet<Witness>,
    order: VecDeque<Witness>,
}

impl Remembered {
    pub(super) fn contains(&self, transaction: &EncodedTransaction) -> bool {
        self.witnesses.contains(&transaction.witness())
    }

    /// Makes room for so many more, as far as they will be kept.
    pub(super) fn reserve(&mut self, more: usize) {
        let room = more.min(REMEMBERED_SIGNATURES.saturating_sub(self.order.len()));
        self.witnesses.reserve(room);
        self.order.reserve(room);
    }

    pub(super) fn insert(&mut self, transaction: &EncodedTransaction) {
        let witness = transaction.witness();
        if self.witnesses.insert(witness) {
            self.order.push_back(witness);
        }
        if self.order.len() > REMEMBERED_SIGNATURES
            && let Some(oldest) = self.order.pop_front()
        {
            self.witnesses.remove(&oldest);
        }
    }
}
