//! What a record says that an application of this program reads.

use crate::chain::TransactionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a record says: as its sender wrote it, whether or not it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum MeaningView {
    /// It opens a ballot.
    Ballot {
        /// What is asked: somebody else's words.
        question: String,
    },
    /// It is a part of a list of those who may vote.
    Roll,
    /// It is a vote.
    Vote {
        /// In which ballot.
        ballot: TransactionId,
        /// What is asked there; `None` if this node does not know that ballot.
        question: Option<String>,
        /// What it chooses, in the ballot's words; none if this node does not know that ballot.
        choices: Vec<String>,
    },
    /// It says what a ballot came to.
    Result {
        /// Which ballot.
        ballot: TransactionId,
        /// What was asked there; `None` if this node does not know that ballot.
        question: Option<String>,
    },
    /// Somebody joins, or takes another name.
    Join {
        /// The name.
        name: String,
    },
    /// A member leaves.
    Leave,
    /// The admin of the network has decided something.
    Statement,
}
