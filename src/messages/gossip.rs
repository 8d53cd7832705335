//! To Gossip.

use crate::chain::ledger::{Answer, TipChange};
use crate::chain::{BlockId, EncodedTransaction, Height, Timestamp, TransactionId};
use crate::keys::PublicKey;
use crate::membership::Address;
use crate::membership::MemberName;
use crate::membership::Statements;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::protocol::credit::Credit;
use crate::protocol::gossip::peers::Outlook;
use crate::wire::Receipt;
use actix::Message;
use std::sync::Arc;

/// What the ledger tells, in the order in which it came to be.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LedgerTold(pub Vec<LedgerFact>);

/// One thing the ledger tells.
#[derive(Debug)]
pub enum LedgerFact {
    /// What a session sent was judged.
    Judged {
        /// Came with the question.
        credit: Credit,
        /// The session that it came in.
        session: SessionId,
        /// What came of it.
        answer: Answer,
    },
    /// The bodies that are missing towards a header.
    MissingFound {
        /// Came with the question.
        credit: Credit,
        /// The header.
        toward: BlockId,
        /// The first of them, in their order, with their heights.
        ids: Vec<(BlockId, Height)>,
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

/// Members that may be dialled, and where, and who may not be talked to.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CandidatesKnown {
    /// Who may be dialled.
    pub candidates: Vec<Candidate>,
    /// What the admin has said; nothing as long as the network is not known.
    pub statements: Option<Arc<Statements>>,
}

/// A member that may be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Public key of the member: what it is on the ledger.
    pub key: PublicKey,
    /// What it is called.
    pub name: MemberName,
    /// Where it listens.
    pub addresses: Vec<Address>,
    /// What dialling it promises.
    pub outlook: Outlook,
    /// Since when it is a member, by the tracker's word.
    pub since: Option<Timestamp>,
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
    /// Whose chain is fetched before that of others, and whether it has shown how far that leads; `None` if nobody
    /// was asked so, or it is gone.
    pub fetched_first: Option<(PublicKey, bool)>,
}

/// One session.
#[derive(Debug, Clone)]
pub struct SessionStatus {
    /// Who it is with.
    pub key: PublicKey,
    /// Where it can be dialled, `host:port`.
    pub address: String,
    /// The program and version that it says it is.
    pub program: String,
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

/// Have a session with this member, and tell the outbox.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ReachMember(pub PublicKey);

/// Send a transaction straight to its recipient.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    /// Key of the recipient.
    pub to: PublicKey,
    /// The transaction, signed.
    pub transaction: EncodedTransaction,
}

/// Send the receipt of a delivery. There is one for each
/// [`TakeDelivery`](super::inbox::TakeDelivery).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AnswerDelivery {
    /// Came with the delivery.
    pub credit: Credit,
    /// Where it came from.
    pub session: SessionId,
    /// The receipt.
    pub receipt: Receipt,
}

/// Whoever is at the other end of this session broke a rule.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BlameSession {
    /// The session that it is about.
    pub session: SessionId,
    /// Which rule.
    pub reason: String,
}

/// The owner disconnects this node from everybody, or connects it again.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Connect(pub bool);

/// Close every session and take no more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseSessions;
