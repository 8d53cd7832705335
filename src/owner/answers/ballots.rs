//! Ballots and votes.

use super::{Cursor, PersonView, TipView, rfc3339};
use crate::chain::{Height, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who may vote in a ballot that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollRequest {
    /// The members.
    Members,
    /// These, by name or address.
    Keys(Vec<String>),
}

/// When a ballot closes: by time, by height, or by a number of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosesRequest {
    /// With the first block that is stamped so or later.
    At(#[serde(with = "rfc3339")] Timestamp),
    /// After this height.
    Height(Height),
    /// After so many blocks.
    Blocks(u64),
}

/// A ballot to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBallotRequest {
    /// What is asked.
    pub question: String,
    /// What can be chosen: 2 at least.
    pub choices: Vec<String>,
    /// How many of them a vote may choose; 1 if left out.
    #[serde(default = "one")]
    pub max: u8,
    /// Who may vote; the members if left out.
    #[serde(default = "members")]
    pub roll: RollRequest,
    /// When it closes; a day after now if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<ClosesRequest>,
}

fn one() -> u8 {
    1
}

fn members() -> RollRequest {
    RollRequest::Members
}

/// A ballot whose opening the ledger has taken: votes count once it is in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedView {
    /// Its id.
    pub ballot: TransactionId,
    /// How many may vote; of members, as of now.
    pub voters: u64,
    /// What its opener should know of the roll.
    pub warning: Option<String>,
    /// It closes with the first block that is stamped so or later; `None` if by its height alone.
    #[serde(with = "rfc3339::optional")]
    pub closes_at: Option<Timestamp>,
    /// Votes count up to this height.
    pub last_height: Height,
}

/// Where a ballot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BallotState {
    /// Its opening is in no block yet.
    NotMined,
    /// Votes count.
    Open,
    /// No more votes count; its result is in no block yet.
    Closed,
    /// Its result is in a block: every node has judged it by its own count.
    ResultMined,
}

impl BallotState {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotMined => "not mined",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::ResultMined => "result mined",
        }
    }
}

/// A choice and its votes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChoiceView {
    /// The choice: somebody else's words.
    pub choice: String,
    /// Votes that count for it.
    pub votes: u64,
}

/// A vote that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedView {
    /// Id of its record: `GET /proofs/{id}` proves it.
    pub id: TransactionId,
    /// Height of the block that holds it.
    pub height: Height,
    /// Its revision.
    pub revision: u64,
    /// What it chooses.
    pub choices: Vec<String>,
}

/// Where a vote stands that is in no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UncountedState {
    /// The ledger has it open: it counts once it is in a block.
    Open,
    /// The ledger does not take it for now; this node tries again by itself.
    Waiting,
    /// The ledger does not take it.
    Refused,
    /// The ballot is closed: it will never count.
    Lost,
}

impl UncountedState {
    /// Whether it may still come to count by itself.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Open | Self::Waiting)
    }
}

/// A vote of this node's owner that is in no block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UncountedView {
    /// Id of its record.
    pub id: TransactionId,
    /// Its revision.
    pub revision: u64,
    /// What it chooses.
    pub choices: Vec<String>,
    /// Where it stands.
    pub state: UncountedState,
    /// Why it is not open, for people.
    pub reason: Option<String>,
}

/// Where a ballot's result is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultView {
    /// Id of its record.
    pub id: TransactionId,
    /// Height of the block that holds it.
    pub height: Height,
}

/// A ballot, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BallotView {
    /// Its id.
    pub ballot: TransactionId,
    /// Who opened it.
    pub opener: PersonView,
    /// What is asked: somebody else's words.
    pub question: String,
    /// The choices and their votes.
    pub choices: Vec<ChoiceView>,
    /// How many choices a vote may have.
    pub max: u8,
    /// Where it stands.
    pub state: BallotState,
    /// Height of the block that opened it; `None` if none has yet.
    pub height: Option<Height>,
    /// It closes with the first block that is stamped so or later; `None` if by its height alone.
    #[serde(with = "rfc3339::optional")]
    pub closes_at: Option<Timestamp>,
    /// Votes count up to this height.
    pub last_height: Height,
    /// How many may vote.
    pub voters: u64,
    /// How many have voted.
    pub voted: u64,
    /// Whether this node's owner may vote.
    pub may_vote: bool,
    /// The vote of this node's owner that counts.
    pub own: Option<CountedView>,
    /// The latest vote of this node's owner, if it is in no block; left out of lists.
    pub uncounted: Option<UncountedView>,
    /// Where its result is.
    pub result: Option<ResultView>,
    /// As of this block.
    pub tip: TipView,
}

/// The ballots, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BallotsView {
    /// Some of them.
    pub ballots: Vec<BallotView>,
    /// Where the earlier ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// Somebody on the roll of a ballot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoterView {
    /// Who.
    pub voter: PersonView,
    /// The vote that counts; `None` if there is none yet.
    pub vote: Option<CountedView>,
}

/// Who may vote in a ballot, and who has: everybody can see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VotersView {
    /// Some of them: members in the order in which they joined, others as the roll lists them.
    pub voters: Vec<VoterView>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// A vote to be cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CastRequest {
    /// What is chosen, in the ballot's words.
    pub choices: Vec<String>,
}

/// A vote that the ledger has taken: it counts once it is in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CastView {
    /// In which ballot.
    pub ballot: TransactionId,
    /// Id of its record.
    pub id: TransactionId,
    /// What it chooses.
    pub choices: Vec<String>,
    /// Its revision.
    pub revision: u64,
    /// The vote that it takes the place of.
    pub replaces: Option<CountedView>,
    /// What its voter should know: that the close is near.
    pub warning: Option<String>,
}
