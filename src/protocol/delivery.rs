//! Delivery: transfers on their way from their sender to their recipient.
//!
//! [`outbox`] is the sender's side: what is to be sent is stored first, then goes straight to its
//! recipient until that one has signed a receipt, and its sender knows at any time where it stands. What
//! the same key sent from another machine is found in the chain.
//! [`inbox`] is the recipient's side: what was delivered is judged, stored and receipted, and what came
//! over the network alone is found, each exactly once. [`rows`] is what both keep.

pub mod inbox;
pub mod outbox;
pub mod rows;
#[cfg(test)]
pub(crate) mod testing;
mod walk;

use crate::chain::ledger::{Concern, Effect};
use crate::chain::{BlockId, Closed, EncodedTransaction, Height, Rejected, TransactionId};

/// What the ledger tells of its own owner's transactions, those it sends and those it receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnNews {
    /// One is open now.
    Opened(EncodedTransaction),
    /// One is open no more. Told of all transactions, whosoever.
    Closed(TransactionId, Closed),
    /// The chain moved, and the disk holds it.
    Moved {
        /// Height of its tip.
        height: Height,
        /// Id of its tip.
        block: BlockId,
        /// What it means for the owner.
        own: Concern,
    },
}

impl OwnNews {
    /// What the owner should hear of a thing that the ledger did.
    pub fn of(effect: &Effect) -> Option<Self> {
        match effect {
            Effect::TransactionOpened {
                transaction,
                own: true,
                ..
            } => Some(Self::Opened(transaction.clone())),
            Effect::TransactionClosed(id, why) => Some(Self::Closed(*id, *why)),
            Effect::TipStored(change) => Some(Self::Moved {
                height: change.tip.height(),
                block: change.tip.id,
                own: change.own.clone(),
            }),
            _ => None,
        }
    }
}

/// What the ledger said of a transaction that was to become open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict; one that was open or mined before is refused as such.
    pub verdict: Result<(), Rejected>,
    /// Height of the tip that it was judged against.
    pub height: Height,
    /// Id of that tip.
    pub block: BlockId,
    /// Whether blocks are missing towards a chain with more work, or more headers are to come: then "no" may not be
    /// the last word.
    pub syncing: bool,
}

impl Judgement {
    /// Whether the transaction is open or mined, however it came to be.
    pub fn holds(&self) -> bool {
        matches!(
            self.verdict,
            Ok(()) | Err(Rejected::AlreadyOpen | Rejected::AlreadyMined(_))
        )
    }

    /// Whether a "no" may become a yes without anybody's doing.
    pub fn may_change(&self) -> bool {
        match &self.verdict {
            Ok(()) => false,
            Err(Rejected::Busy) => true,
            Err(rejected) => rejected.is_for_now() || (self.syncing && !rejected.is_fault()),
        }
    }
}
