//! The bytes of records about votes: each a canonical array that begins with its code.

use crate::canonical::{self, CappedText, byte_newtype, capped_list, coded};
use crate::chain::transaction::RecordBody;
use crate::chain::{Height, Timestamp, TransactionId};
use crate::keys::PublicKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest question, in bytes: a sentence or two; what there is to read about it lies elsewhere.
pub const MAX_QUESTION: usize = 500;
/// Longest choice, in bytes.
pub const MAX_CHOICE: usize = 100;
/// Most choices of a ballot: more can't be shown to anybody at once.
pub const MAX_CHOICES: usize = 64;
/// Most keys of a roll that stands in one record, which has 64 KiB.
pub const MAX_ROLL: usize = 1_500;
/// Most parts of a longer roll: 48,000 voters, far beyond what these networks are for.
pub const MAX_PARTS: usize = 32;

/// Context of the hash that names the keys of a roll.
const ROLL_CONTEXT: &str = "raclette 2026-11 vote roll";

/// Id of a ballot: of the record that opened it.
pub type BallotId = TransactionId;
/// What is asked.
pub type Question = CappedText<MAX_QUESTION>;
/// A choice.
pub type Choice = CappedText<MAX_CHOICE>;
/// The choices of a vote, by their places in the ballot, rising.
pub type Choices = Vec<u8>;

byte_newtype! {
    /// What names the keys of a roll, or of a part of one: the hash of them.
    RollHash, 32
}

coded! {
    /// What a record is.
    pub enum Code, "no record of a vote" {
        /// A ballot is opened.
        1 Open,
        /// A part of a roll.
        2 Roll,
        /// Somebody votes.
        3 Vote,
        /// What a ballot came to.
        4 Result,
    }
}

/// Why bytes are no record of this topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its bytes are no record about a vote: {0}")]
pub struct Malformed(String);

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parcel {
    /// Code 1: a ballot is opened.
    Open(Opening),
    /// Code 2: a part of a long roll, to be named by ballots.
    Roll(RollPart),
    /// Code 3: somebody votes.
    Vote(Vote),
    /// Code 4: what a ballot came to.
    Result(Outcome),
}

/// `[1, question, choices, max, roll, closes_at, last_height]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// What is asked.
    pub question: Question,
    /// What can be chosen: 2 at least, each another.
    #[serde(deserialize_with = "capped_list::<MAX_CHOICES, _, _>")]
    pub choices: Vec<Choice>,
    /// How many of them a vote may choose.
    pub max: u8,
    /// Who may vote.
    pub roll: Roll,
    /// A vote counts if its block's timestamp is before this; `None` if the height alone closes it.
    pub closes_at: Option<Timestamp>,
    /// A vote counts up to this height.
    pub last_height: Height,
}

/// Who may vote: `[members, keys, parts]`, of which one is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// Whoever is a member by the ledger after the parent of the block that opens the ballot.
    pub members: bool,
    /// These keys, rising.
    #[serde(deserialize_with = "capped_list::<MAX_ROLL, _, _>")]
    pub keys: Vec<PublicKey>,
    /// The keys of these parts, which are on the ledger already.
    #[serde(deserialize_with = "capped_list::<MAX_PARTS, _, _>")]
    pub parts: Vec<RollHash>,
}

impl Roll {
    /// The members.
    pub fn members() -> Self {
        Self {
            members: true,
            keys: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// These keys, in whatever order.
    pub fn keys(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        Self {
            members: false,
            keys,
            parts: Vec::new(),
        }
    }

    /// The keys of these parts.
    pub fn parts(parts: Vec<RollHash>) -> Self {
        Self {
            members: false,
            keys: Vec::new(),
            parts,
        }
    }
}

/// `[2, keys]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollPart {
    /// The keys, rising.
    #[serde(deserialize_with = "capped_list::<MAX_ROLL, _, _>")]
    pub keys: Vec<PublicKey>,
}

/// `[3, ballot, revision, choices]`. Who signs the record votes; its network is the record's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// In which ballot.
    pub ballot: BallotId,
    /// Above that of an earlier vote of the same voter.
    pub revision: u64,
    /// What is chosen: 1 at least, each once.
    #[serde(deserialize_with = "capped_list::<MAX_CHOICES, _, _>")]
    pub choices: Choices,
}

/// `[4, ballot, counts, voters]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of which ballot.
    pub ballot: BallotId,
    /// How many votes each choice has.
    #[serde(deserialize_with = "capped_list::<MAX_CHOICES, _, _>")]
    pub counts: Vec<u64>,
    /// How many voted.
    pub voters: u64,
}

/// A body behind its code, as one flat array.
#[derive(Serialize, Deserialize)]
struct Opened(
    Code,
    Question,
    #[serde(deserialize_with = "capped_list::<MAX_CHOICES, _, _>")] Vec<Choice>,
    u8,
    Roll,
    Option<Timestamp>,
    Height,
);
#[derive(Serialize, Deserialize)]
struct Listed(
    Code,
    #[serde(deserialize_with = "capped_list::<MAX_ROLL, _, _>")] Vec<PublicKey>,
);
#[derive(Serialize, Deserialize)]
struct Voted(
    Code,
    BallotId,
    u64,
    #[serde(deserialize_with = "capped_list::<MAX_CHOICES, _, _>")] Choices,
);
#[derive(Serialize, Deserialize)]
struct Counted(
    Code,
    BallotId,
    #[serde(deserialize_with = "capped_list::<MAX_CHOICES, _, _>")] Vec<u64>,
    u64,
);

impl Parcel {
    /// Reads a record's bytes.
    ///
    /// # Errors
    /// They are not the canonical form of any.
    pub fn decode(body: &RecordBody) -> Result<Self, Malformed> {
        let bytes = body.as_slice();
        // The head of an array is one byte; the code follows.
        match bytes.get(1) {
            Some(1) => read(bytes).map(
                |Opened(_, question, choices, max, roll, closes_at, last_height)| {
                    Self::Open(Opening {
                        question,
                        choices,
                        max,
                        roll,
                        closes_at,
                        last_height,
                    })
                },
            ),
            Some(2) => read(bytes).map(|Listed(_, keys)| Self::Roll(RollPart { keys })),
            Some(3) => read(bytes).map(|Voted(_, ballot, revision, choices)| {
                Self::Vote(Vote {
                    ballot,
                    revision,
                    choices,
                })
            }),
            Some(4) => read(bytes).map(|Counted(_, ballot, counts, voters)| {
                Self::Result(Outcome {
                    ballot,
                    counts,
                    voters,
                })
            }),
            _ => Err(Malformed("it begins with no code of one".into())),
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// It is longer than a record may be.
    pub fn encode(self) -> Result<RecordBody, Malformed> {
        let bytes = match self {
            Self::Open(open) => canonical::encode(&Opened(
                Code::Open,
                open.question,
                open.choices,
                open.max,
                open.roll,
                open.closes_at,
                open.last_height,
            )),
            Self::Roll(part) => canonical::encode(&Listed(Code::Roll, part.keys)),
            Self::Vote(vote) => {
                canonical::encode(&Voted(Code::Vote, vote.ballot, vote.revision, vote.choices))
            }
            Self::Result(outcome) => canonical::encode(&Counted(
                Code::Result,
                outcome.ballot,
                outcome.counts,
                outcome.voters,
            )),
        };
        RecordBody::new(bytes).map_err(|error| Malformed(error.to_string()))
    }
}

fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Malformed> {
    canonical::decode(bytes).map_err(|error| Malformed(error.to_string()))
}

/// What names these keys.
pub(super) fn roll_hash(keys: &[PublicKey]) -> RollHash {
    RollHash(blake3::derive_key(ROLL_CONTEXT, &canonical::encode(keys)))
}

impl RollPart {
    /// What ballots name it by.
    pub fn hash(&self) -> RollHash {
        roll_hash(&self.keys)
    }
}
