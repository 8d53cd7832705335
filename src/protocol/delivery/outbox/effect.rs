//! What the outbox wants done, and what it answers.

use crate::chain::{Amount, Height, NetworkId, Rejected, SignedHere, TransactionId};
use crate::keys::{PublicKey, SignatureItem};
use crate::protocol::delivery::rows::{Place, Reason, SendFacts, SendState};
use crate::protocol::retry::{Full, RetryLimits, Standing};
use crate::protocol::{Row, SessionId};

/// What an outbox is opened with.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// This node's key.
    pub own: PublicKey,
    /// The network.
    pub network: NetworkId,
    /// How long a send waits for its recipient while this node is awake, in milliseconds.
    pub keep_ms: u64,
    /// After how long a send goes by way of the network as well, in milliseconds; `None` for never.
    pub by_network_after_ms: Option<u64>,
    /// How much may wait.
    pub limits: RetryLimits,
    /// Varies the pauses.
    pub seed: u64,
}

/// What the shell has to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Write these rows, of the outbox's table, in one synced batch, and report
    /// [`Outbox::committed`].
    Commit {
        /// Number of the batch.
        batch: u64,
        /// Rows to write in one batch: key, and value or none to remove it.
        rows: Vec<Row>,
    },
    /// Ask the ledger what this node's key has, and report [`Outbox::funds`].
    AskFunds,
    /// Check the signatures of receipts, and report [`Outbox::receipts_checked`].
    CheckReceipts(Vec<SignatureItem>),
    /// Find, or make, a session with this member; report [`Outbox::reached`] or
    /// [`Outbox::unreachable`].
    Reach(PublicKey),
    /// Send the transaction of this number to its recipient.
    Deliver {
        /// Number of the send, counted from the first one that was stored.
        number: u64,
        /// Key of the recipient.
        to: PublicKey,
    },
    /// Whoever said this did what no honest program does: have its session closed.
    Blame {
        /// Where it was said.
        session: SessionId,
        /// The rule that it broke.
        reason: String,
    },
    /// Have this node's ledger open the transaction of this number, and report [`Outbox::judged`]. What is
    /// written before it must be with the disk's writer by then: the ledger's rows come behind it.
    PassOn {
        /// Number of the send, counted from the first one that was stored.
        number: u64,
        /// The transaction, if the disk may not hold it yet.
        fresh: Option<SignedHere>,
    },
    /// So many sends go by way of the network as well, though their owner did not say so.
    GoByNetwork(usize),
    /// Answer whoever sent it.
    Answer {
        /// Stands for who it was.
        ticket: u64,
        /// Its number, or why not.
        answer: Result<u64, SendError>,
    },
    /// Tell the owner how a send stands now; the disk holds what is new about it.
    Tell {
        /// Id of the transaction.
        id: TransactionId,
        /// How.
        state: SendState,
        /// The reason, in words for the owner.
        reason: Reason,
    },
}

/// Why something was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No more can wait.
    #[error(transparent)]
    Full(#[from] Full),
    /// It can't be paid, or the ledger does not take it.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// It is here already.
    #[error("this transaction is in the outbox already")]
    Known,
    /// The same request came before, under the same key: this came of it.
    #[error("this was asked for before, and is on its way as {0}")]
    Before(TransactionId),
    /// Another request came before under the same key: this came of it.
    #[error(
        "this key was used before for something else, {0}: nothing was sent; take a new key for a new send"
    )]
    KeyTaken(TransactionId),
    /// The node ended before it was answered.
    #[error(
        "the node is stopping: start it again, and look at `node history` before sending again"
    )]
    Stopping,
}

/// Why a send can't be withdrawn, or tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is not, or no more, in the outbox.
    #[error("no such send waits in the outbox: `node history` shows what became of it")]
    NotWaiting,
    /// It may have left.
    #[error(
        "it may have reached its recipient, who could have it mined: it can't be taken back any more, \
         and lapses by itself if it is not mined up to height {0}"
    )]
    Attempted(Height),
    /// It went by way of the network.
    #[error(
        "it went by way of the network and may be mined: it can't be taken back any more, and lapses by \
         itself if it is not mined up to height {0}"
    )]
    ByNetwork(Height),
    /// Its recipient said no, for good.
    #[error("its recipient refused it, and refuses the same bytes again: send it anew")]
    Refused,
    /// It keeps no coins back, or has not ended.
    #[error(
        "it holds back no coins that could be freed: only a send that has ended and may still be mined \
         does; what is on its way ends by itself"
    )]
    NothingHeld,
    /// The node ended before it was done.
    #[error("the node is stopping: start it again and repeat this")]
    Stopping,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Sends that their recipients have not acknowledged.
    pub queued: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Coins of sends that are neither open nor mined yet.
    pub reserved: Amount,
    /// Those of them whose sends have ended: they may still be mined.
    pub held: Amount,
}

/// A send that is looked after, for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Number of the send, counted from the first one that was stored.
    pub number: u64,
    /// What is stored of it.
    pub facts: SendFacts,
    /// Where its transaction stands.
    pub place: Place,
    /// Where it stands on its way; `None` if it is not on its way to its recipient.
    pub standing: Option<Standing>,
    /// How often it was sent since the node started.
    pub tries: u32,
}
