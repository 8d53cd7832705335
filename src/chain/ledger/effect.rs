//! What the ledger wants done, and what it tells.

use super::Concern;
use crate::chain::overlay::Batch;
use crate::chain::tree::{HeadersOutcome, Tip};
use crate::chain::{
    Amount, BlockId, Closed, EncodedTransaction, Header, Height, PeerFault, Rejected, TransactionId,
};
use crate::keys::PublicKey;

/// Stands for whoever asked; the shell knows who that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// On which terms something came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the network: the answer may leave at once.
    Relay(Ticket),
    /// From this node's owner or miner: the answer is a promise and leaves after the synced write.
    Promise(Ticket),
}

impl Origin {
    /// Whoever asked.
    pub fn ticket(self) -> Ticket {
        match self {
            Self::Relay(ticket) | Self::Promise(ticket) => ticket,
        }
    }
}

/// What became of a block that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockOutcome {
    /// It is kept, and what could be connected is. Our own block: it is the tip.
    Accepted,
    /// It was here already.
    Known,
    /// It stands on a block that is not known: ask for the headers first.
    Orphan,
    /// It lies ahead of our clock: to be asked for again.
    Held,
    /// Our own miner's block came after another for the same place.
    LostRace,
    /// So much waits for the disk that it was not looked at: to be asked for again.
    Busy,
    /// It, or what was sent as it, breaks a rule.
    Fault(PeerFault),
}

/// An answer to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To headers.
    Headers(Result<HeadersOutcome, PeerFault>),
    /// To a block.
    Block(BlockId, BlockOutcome),
    /// To transactions, each by itself.
    Transactions(Vec<(TransactionId, Result<(), Rejected>)>),
}

/// What a key owns and owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Funds {
    /// Coins on the connected chain.
    pub balance: Amount,
    /// Coins that open transactions of the key will cost.
    pub promised: Amount,
}

/// How the connected chain changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TipChange {
    /// Its end now; in a box, being far larger than all else that an effect holds.
    pub tip: Box<Tip>,
    /// Blocks added, in order, with the number of their transactions.
    pub connected: Vec<(BlockId, Height, usize)>,
    /// Who mined the last of them, if one was added and it was not the owner
    /// ([`super::Config::owner`]).
    pub miner: Option<PublicKey>,
    /// Blocks taken away, the former tip first.
    pub disconnected: Vec<(BlockId, Height)>,
    /// What it means for the owner ([`super::Config::owner`]).
    pub own: Concern,
    /// Whether it is a step on a longer way to another branch.
    pub goes_on: bool,
}

/// What the ledger's shell has to do.
#[derive(Debug)]
#[must_use]
pub enum Effect {
    /// Check these signatures and hand the verdicts back under the same number.
    Verify {
        /// Number of this check.
        check: u64,
        /// Whose signatures.
        transactions: Vec<EncodedTransaction>,
    },
    /// Write these rows in one synced batch and report it under the same number.
    Commit {
        /// Number of this batch; batches are written in the order of their numbers.
        batch: u64,
        /// Rows to write in one batch: key, and value or none to remove it.
        rows: Batch,
    },
    /// Give the answer to whoever holds the ticket.
    Answer {
        /// Ticket of the question that this answers.
        ticket: Ticket,
        /// The answer, once it may be given.
        answer: Answer,
    },
    /// A header with valid work would move the tip if its body proves valid: miners should wait a
    /// moment.
    /// In a box, being far larger than what most effects hold.
    BetterHeaderSeen(Box<Header>),
    /// The connected chain changed; the disk does not hold it yet.
    TipChanged(TipChange),
    /// The disk holds what an earlier [`Effect::TipChanged`] told of: others may be told, and will
    /// find the blocks here when they ask.
    TipStored(TipChange),
    /// The disk holds what an earlier [`Effect::TransactionOpened`] told of.
    OpenStored {
        /// Id of the transaction.
        id: TransactionId,
        /// As it was told.
        own: bool,
        /// The transaction, if it was held back until now and is still open: others may be told.
        held: Option<EncodedTransaction>,
    },
    /// The disk holds what an earlier [`Effect::TransactionClosed`] told of.
    ClosedStored(TransactionId, Closed),
    /// A transaction is open now.
    TransactionOpened {
        /// The transaction, as it came.
        transaction: EncodedTransaction,
        /// Whether the owner ([`super::Config::owner`]) sends or receives it.
        own: bool,
        /// Whether it is the owner's word, of which nobody else may hear before the disk holds it.
        held: bool,
    },
    /// A transaction is open no more.
    TransactionClosed(TransactionId, Closed),
    /// There is more to work through, and room for it: call [`super::Ledger::advance`] again.
    More,
}

impl Effect {
    /// What there is to be told once the disk holds what this one tells of.
    pub(super) fn once_stored(&self) -> Option<Self> {
        match self {
            Self::TipChanged(change) => Some(Self::TipStored(change.clone())),
            Self::TransactionOpened {
                transaction,
                own,
                held,
            } => Some(Self::OpenStored {
                id: transaction.id(),
                own: *own,
                held: held.then(|| transaction.clone()),
            }),
            Self::TransactionClosed(id, why) => Some(Self::ClosedStored(*id, *why)),
            _ => None,
        }
    }
}
