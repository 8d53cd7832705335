//! The open records that applications judge, and in which turn they are judged again.

use super::{Action, EncodedTransaction, Topic, TransactionId};
use std::collections::BTreeSet;
use std::ops::Bound;

/// Ids of open records under the topics of applications.
#[derive(Default)]
pub(super) struct Judged {
    topics: BTreeSet<Topic>,
    open: BTreeSet<TransactionId>,
    /// The last one whose turn it was.
    up_to: Option<TransactionId>,
}

impl Judged {
    /// None yet, of these topics.
    pub(super) fn under<'t>(topics: impl IntoIterator<Item = &'t Topic>) -> Self {
        Self {
            topics: topics.into_iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Notes one that is open, if an application judges it.
    pub(super) fn note(&mut self, transaction: &EncodedTransaction) {
        if let Action::Record { topic, .. } = &transaction.payload().action
            && self.topics.contains(topic)
        {
            self.open.insert(transaction.id());
        }
    }

    pub(super) fn forget(&mut self, id: &TransactionId) {
        self.open.remove(id);
    }

    pub(super) fn contains(&self, id: &TransactionId) -> bool {
        self.open.contains(id)
    }

    /// All that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = &TransactionId> {
        self.open.iter()
    }

    /// Those whose turn it is, so many at most: behind the last one, and from the first one again.
    pub(super) fn turn(&mut self, most: usize) -> Vec<TransactionId> {
        let behind = self.up_to.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.open.range((behind, Bound::Unbounded));
        let again = self.up_to.map(|last| self.open.range(..=last));
        let turn = behind.chain(again.into_iter().flatten());
        let turn: Vec<_> = turn.take(most).copied().collect();
        self.up_to = turn.last().copied();
        turn
    }
}
