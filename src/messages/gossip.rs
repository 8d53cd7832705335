//! To Gossip.

use crate::chain::ledger::{BlockOutcome, TipChange};
use crate::chain::tree::HeadersOutcome;
use crate::chain::{BlockId, EncodedTransaction, PeerFault, Rejected, TransactionId};
use crate::keys::PublicKey;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::protocol::gossip::peers::Outlook;
use crate::wire::MemberName;
use crate::wire::member::Address;
use actix::Message;

/// What the ledger tells, in the order in which it came to be.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LedgerTold(pub Vec<LedgerFact>);

/// One thing the ledger tells.
#[derive(Debug)]
pub enum LedgerFact {
    /// Headers of a session were judged.
    HeadersJudged {
        /// Whose.
        session: SessionId,
        /// What came of it.
        outcome: Result<HeadersOutcome, PeerFault>,
    },
    /// A block of a session was judged.
    BlockJudged {
        /// Whose.
        session: SessionId,
        /// Which.
        id: BlockId,
        /// What came of it.
        outcome: BlockOutcome,
    },
    /// Transactions of a session were judged.
    TransactionsJudged {
        /// Whose.
        session: SessionId,
        /// Each by itself.
        verdicts: Vec<(TransactionId, Result<(), Rejected>)>,
    },
    /// The bodies that are missing towards a header.
    MissingFound {
        /// The header.
        toward: BlockId,
        /// The first of them, in their order.
        ids: Vec<BlockId>,
    },
    /// The connected chain changed, and the disk holds it.
    TipChanged(TipChange),
    /// A transaction is open now.
    TransactionOpened(EncodedTransaction),
    /// A transaction is open no more.
    TransactionClosed(TransactionId),
}

/// Somebody dialled us.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ConnectionAccepted(pub Connection);

/// Members that may be dialled, and where.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CandidatesKnown(pub Vec<Candidate>);

/// A member that may be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who it is.
    pub key: PublicKey,
    /// What it is called.
    pub name: MemberName,
    /// Where it listens.
    pub addresses: Vec<Address>,
    /// What dialling it promises.
    pub outlook: Outlook,
}

/// Who is connected?
#[derive(Debug, Message)]
#[rtype(result = "GossipStatus")]
pub struct GetGossipStatus;

/// The answer to [`GetGossipStatus`].
#[derive(Debug, Clone)]
pub struct GossipStatus {
    /// The sessions.
    pub sessions: Vec<SessionStatus>,
    /// Blocks on their way to us.
    pub blocks_in_flight: usize,
}

/// One session.
#[derive(Debug, Clone)]
pub struct SessionStatus {
    /// Who it is with.
    pub key: PublicKey,
    /// Where it is.
    pub address: String,
    /// Whether we dialled.
    pub outgoing: bool,
    /// Height of the other's tip, as far as it has shown its headers.
    pub height: u64,
}

/// Fetch the chain of this member before that of others. The answer is the height it has shown;
/// `None` if it is not connected.
#[derive(Debug, Message)]
#[rtype(result = "Option<u64>")]
pub struct SyncFrom(pub PublicKey);

/// Close every session and take no more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseSessions;
