//! What a change of branch did, as JSON.

use crate::chain::ledger::Fate;
use crate::chain::{Closed, Height, Timestamp, TransactionId};
use crate::protocol::branch_change::BranchChange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a node's transactions when the chain changed its branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BranchChangeView {
    /// Milliseconds since it began.
    pub age_ms: u64,
    /// The last block that both branches share.
    pub fork: Height,
    /// Blocks that were taken away.
    pub blocks: u64,
    /// This node's transactions in them, sent or received, and where they are now.
    pub transactions: Vec<MovedView>,
    /// How many more there were.
    pub and_more: u64,
    /// Coins of this node's rewards in them, which are gone for good; as text, being more than an
    /// amount can be.
    pub rewards_lost: String,
}

/// A transaction whose block was taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovedView {
    /// Id of the transaction.
    pub id: TransactionId,
    /// Where it is now.
    #[serde(flatten)]
    pub to: MovedTo,
}

/// Where a transaction is whose block was taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MovedTo {
    /// Open again.
    Open,
    /// Mined again.
    Mined {
        /// In the block of this height.
        height: Height,
    },
    /// Void: its last height has passed.
    Expired,
    /// Void: it was open here for a day, and nobody mined it.
    TimedOut,
    /// Void: better paying ones took its place.
    Evicted,
    /// Void: its sender's coins went elsewhere, or its application refuses it now.
    Conflicted,
    /// Its sender was put out of the network: void unless it is let back, and sends it again.
    PutOut,
}

impl From<Fate> for MovedTo {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Open => Self::Open,
            Fate::Mined(height) => Self::Mined { height },
            Fate::Closed(Closed::Expired) => Self::Expired,
            Fate::Closed(Closed::TimedOut) => Self::TimedOut,
            Fate::Closed(Closed::Evicted) => Self::Evicted,
            Fate::Closed(Closed::Conflicted | Closed::Mined) => Self::Conflicted,
            Fate::Closed(Closed::PutOut) => Self::PutOut,
        }
    }
}

impl BranchChangeView {
    /// A change as it is seen `now`.
    pub fn new(change: BranchChange, now: Timestamp) -> Self {
        let moved = |(id, fate): (TransactionId, Fate)| MovedView {
            id,
            to: fate.into(),
        };
        Self {
            age_ms: now.since(change.at),
            fork: change.fork,
            blocks: change.undone,
            transactions: change.transactions.into_iter().map(moved).collect(),
            and_more: change.and_more,
            rewards_lost: change.rewards_lost.to_string(),
        }
    }
}
