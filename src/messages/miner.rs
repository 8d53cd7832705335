//! To the Miner.

use crate::chain::{BlockId, Header, Height};
use crate::protocol::mining::{Failure, JobId, Mode, NotNow};
use actix::Message;

/// Mine one block and say what became of it. The answer comes after the synced write.
#[derive(Debug, Message)]
#[rtype(result = "Result<Mined, MineError>")]
pub struct MineBlock;

/// A block that this node mined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mined {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Transactions in it, the reward included.
    pub transactions: usize,
    /// Nonces that were tried for it.
    pub tries: u64,
    /// Time from the first job to the committed block, in milliseconds.
    pub elapsed_ms: u64,
    /// How often another block came first on the way.
    pub races_lost: u32,
}

/// Why no block was mined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MineError {
    /// As many callers wait as may.
    #[error("{0} requests to mine are waiting already: wait for one of them")]
    TooManyWaiting(usize),
    /// Nobody would take a block that was mined now.
    #[error(transparent)]
    NotNow(NotNow),
    /// Our own block was refused.
    #[error("the block that was mined is invalid: {0}; please report this")]
    Invalid(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl From<Failure> for MineError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotNow(reason) => Self::NotNow(reason),
            Failure::Invalid(fault) => Self::Invalid(fault),
        }
    }
}

/// The tip moved: what is being mined is out of date.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TipMoved;

/// The open transactions changed; how many there are now.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct OpenChanged {
    /// Number of open transactions.
    pub open: usize,
}

/// Somebody found a block for the place we mine for: its header is checked, its body is on its way.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct MiningComplete(pub Header);

/// How is mining going?
#[derive(Debug, Message)]
#[rtype(result = "MinerStatus")]
pub struct GetMinerStatus;

/// The answer to [`GetMinerStatus`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinerStatus {
    /// Whether a search is under way.
    pub running: bool,
    /// Nonces tried in a second of searching, as a moving average; 0 if there was no search.
    pub hashes_per_second: f64,
    /// Blocks of this node that were connected since it started.
    pub blocks_mined: u64,
    /// Found blocks of this node whose place another had taken, since it started.
    pub races_lost: u64,
    /// When it mines.
    pub mode: Mode,
}

/// Mine at other times from now on, until the node is started again.
#[derive(Debug, Message)]
#[rtype(result = "MinerStatus")]
pub struct SetMiningMode(pub Mode);

/// A thread has ended the search that a job gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchEnded {
    /// Which job.
    pub job: JobId,
    /// The nonce, or `None` if there is none in its share.
    pub found: Option<u64>,
}

/// Stop mining for good: the node is stopping.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopMining;
