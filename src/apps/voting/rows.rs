//! The rows of the application.
//!
//! | Byte | Key | Value |
//! |---|---|---|
//! | b | ballot | [`BallotRow`]: written once |
//! | t | ballot | [`TallyRow`]: changed by every vote that counts |
//! | v | ballot, voter | [`Counted`]: the vote that counts |
//! | r | hash of a roll | its keys one after the other, rising: written once |
//! | o | opener | the ballots of this key that may be open |
//! | l | height and index of the opening, every bit turned, big-endian: the latest first | ballot |

use super::format::{BallotId, Choices, Opening, RollHash};
use crate::canonical;
use crate::chain::rows::MinedAt;
use crate::chain::{Height, Internal, Timestamp, TransactionId};
use crate::keys::PublicKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A ballot as it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BallotRow {
    /// Who opened it.
    pub opener: PublicKey,
    /// Where.
    pub place: MinedAt,
    /// As it was asked, but for the keys of its roll, which have rows of their own.
    pub opening: Opening,
    /// Who may vote.
    pub roll: RollRow,
}

/// Who may vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollRow {
    /// The height after which the members were those who may; `None` if the roll is a list.
    pub members_after: Option<Height>,
    /// The lists of keys.
    pub lists: Vec<RollHash>,
}

impl BallotRow {
    /// Whether a block of this height and time comes too late for a vote.
    pub fn is_closed_at(&self, height: Height, timestamp: Timestamp) -> bool {
        let by_time = self
            .opening
            .closes_at
            .is_some_and(|close| timestamp >= close);
        by_time || height > self.opening.last_height
    }
}

/// How a ballot stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyRow {
    /// Votes of each choice.
    pub counts: Vec<u64>,
    /// How many have voted.
    pub voters: u64,
    /// Where its result is recorded, once it is.
    pub result: Option<ResultRow>,
}

/// Where a result is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRow {
    /// Id of its record.
    pub id: TransactionId,
    /// Where that is.
    pub place: MinedAt,
}

/// The vote of somebody that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Id of its record.
    pub id: TransactionId,
    /// Where that is.
    pub place: MinedAt,
    /// Its revision.
    pub revision: u64,
    /// What it chooses.
    #[serde(with = "serde_bytes")]
    pub choices: Choices,
    /// Which vote of this voter in the ballot it is, counted from 1.
    pub number: u8,
}

/// A ballot that may be open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenBallot {
    pub(super) ballot: BallotId,
    pub(super) closes_at: Option<Timestamp>,
    pub(super) last_height: Height,
}

pub(super) fn ballot_key(ballot: &BallotId) -> Vec<u8> {
    [&b"b"[..], &ballot.0].concat()
}

pub(super) fn tally_key(ballot: &BallotId) -> Vec<u8> {
    [&b"t"[..], &ballot.0].concat()
}

pub(super) fn vote_key(ballot: &BallotId, voter: &PublicKey) -> Vec<u8> {
    [&b"v"[..], &ballot.0, &voter.0].concat()
}

pub(super) fn roll_key(hash: &RollHash) -> Vec<u8> {
    [&b"r"[..], &hash.0].concat()
}

pub(super) fn opener_key(opener: &PublicKey) -> Vec<u8> {
    [&b"o"[..], &opener.0].concat()
}

/// Against the order of the chain: rows are read forward, and whoever lists ballots wants the latest.
pub(super) fn listed_key(place: MinedAt) -> Vec<u8> {
    [
        &b"l"[..],
        &(!place.height.0).to_be_bytes(),
        &(!place.index).to_be_bytes(),
    ]
    .concat()
}

/// The keys of a roll as they are kept.
pub(super) fn roll_value(keys: &[PublicKey]) -> Vec<u8> {
    keys.iter().flat_map(|key| key.0).collect()
}

/// The keys of a roll, as they are kept.
pub(super) fn roll_keys(value: &[u8]) -> impl Iterator<Item = PublicKey> {
    value
        .chunks_exact(PublicKey::LEN)
        .filter_map(|key| key.try_into().ok().map(PublicKey))
}

/// Whether a roll, as it is kept, has this key.
pub(super) fn is_on(value: &[u8], key: &PublicKey) -> bool {
    let (mut low, mut high) = (0, value.len() / PublicKey::LEN);
    while low < high {
        let middle = low + (high - low) / 2;
        let at = middle * PublicKey::LEN;
        match value[at..at + PublicKey::LEN].cmp(&key.0[..]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

pub(super) fn decoded<T: DeserializeOwned + Serialize>(
    bytes: Option<Vec<u8>>,
) -> Result<Option<T>, Internal> {
    let read = bytes.map(|bytes| canonical::decode(&bytes)).transpose();
    read.map_err(|error| Internal(format!("a row of the votes is damaged: {error}")))
}
