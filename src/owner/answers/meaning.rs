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

impl MeaningView {
    /// In a few words, such as "a vote for Rome: Where to?". What others wrote is in them as they wrote it.
    pub fn words(&self) -> String {
        let about = |question: &Option<String>| match question {
            Some(question) => format!(": {question}"),
            None => " in a ballot that this node does not know".to_owned(),
        };
        match self {
            Self::Ballot { question } => format!("a ballot: {question}"),
            Self::Vote {
                question, choices, ..
            } if choices.is_empty() => format!("a vote{}", about(question)),
            Self::Vote {
                question, choices, ..
            } => format!("a vote for {}{}", choices.join(", "), about(question)),
            Self::Result { question, .. } => format!("a result{}", about(question)),
            Self::Join { name } => format!("joins as {name}"),
            Self::Leave => "leaves the network".to_owned(),
            Self::Statement => "a decision of the network's admin".to_owned(),
            Self::Roll => "a part of a list of who may vote".to_owned(),
        }
    }
}
