//! What became of this node's transactions when the chain changed its branch.

use crate::chain::ledger::{Fate, TipChange};
use crate::chain::{Closed, Height, Timestamp, TransactionId};

/// Most transactions that a change of branch names, so that it stays small however long the branch was;
/// the rest is counted.
const MAX_NAMED: usize = 256;

/// The last change of branch that took something of ours away, or any, where none did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchChange {
    /// When it began.
    pub at: Timestamp,
    /// The last block that both branches share.
    pub fork: Height,
    /// Blocks that were taken away.
    pub undone: u64,
    /// Our transactions in them, sent or received, and where they are now; 256 at most.
    pub transactions: Vec<(TransactionId, Fate)>,
    /// How many more there were.
    pub and_more: u64,
    /// Coins of our rewards in them: those are gone for good.
    pub rewards_lost: u128,
}

impl BranchChange {
    /// Whether it took something of ours away.
    pub fn concerns_us(&self) -> bool {
        !self.transactions.is_empty() || self.rewards_lost > 0
    }
}

/// What the owner should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The chain has changed its branch.
    Changed(BranchChange),
    /// One of our transactions that a change of branch took away is somewhere else now.
    Moved(TransactionId, Fate),
}

/// Follows what changes of branch take away, and where it goes.
#[derive(Debug, Default)]
pub struct BranchChanges {
    last: Option<BranchChange>,
    /// The last one is still being gone through, in steps.
    goes_on: bool,
}

impl BranchChanges {
    /// The last change of branch that concerned us.
    pub fn last(&self) -> Option<&BranchChange> {
        self.last.as_ref().filter(|change| change.concerns_us())
    }

    /// The connected chain changed.
    pub fn tip_changed(&mut self, change: &TipChange, now: Timestamp) -> Vec<News> {
        let mut news = Vec::new();
        if let Some((_, lowest)) = change.disconnected.last() {
            let fork = Height(lowest.0.saturating_sub(1));
            self.take_away(change, fork, now);
        }
        for (transaction, height) in &change.own.mined {
            news.extend(self.moved(&transaction.id(), Fate::Mined(*height)));
        }
        let under_way = self.goes_on || !change.disconnected.is_empty();
        self.goes_on = under_way && change.goes_on;
        if under_way && !self.goes_on {
            // What was mined again on the way is told as a whole.
            news.clear();
            news.extend(self.last.clone().map(News::Changed));
        }
        if self.goes_on {
            news.clear();
        }
        news
    }

    fn take_away(&mut self, change: &TipChange, fork: Height, now: Timestamp) {
        let own = &change.own;
        let fresh = BranchChange {
            at: now,
            fork,
            undone: 0,
            transactions: Vec::new(),
            and_more: 0,
            rewards_lost: 0,
        };
        let last = match &mut self.last {
            Some(last) if self.goes_on => last,
            last => last.insert(fresh),
        };
        last.fork = last.fork.min(fork);
        last.undone += change.disconnected.len() as u64;
        last.rewards_lost += own.rewards_lost;
        for (id, fate) in &own.taken_back {
            let known = last.transactions.iter().position(|(known, _)| known == id);
            match known {
                Some(at) => last.transactions[at].1 = *fate,
                None if last.transactions.len() == MAX_NAMED => last.and_more += 1,
                None => last.transactions.push((*id, *fate)),
            }
        }
    }

    /// A transaction is open again.
    pub fn opened(&mut self, id: &TransactionId) -> Option<News> {
        self.moved(id, Fate::Open)
    }

    /// A transaction is open no more. That it was mined is told by the change of the chain, which
    /// knows where.
    pub fn closed(&mut self, id: &TransactionId, why: Closed) -> Option<News> {
        match why {
            Closed::Mined => None,
            why => self.moved(id, Fate::Closed(why)),
        }
    }

    fn moved(&mut self, id: &TransactionId, to: Fate) -> Option<News> {
        let transactions = &mut self.last.as_mut()?.transactions;
        let (_, fate) = transactions.iter_mut().find(|(known, _)| known == id)?;
        let before = std::mem::replace(fate, to);
        (before != to && !self.goes_on).then_some(News::Moved(*id, to))
    }
}

#[cfg(test)]
mod tests;
