//! To the TrackerLink.

use super::gossip::CandidatesKnown;
use super::introducer::TellIntroducer;
use super::ledger::MembersKnown;
use super::retry_queue::MembersLive;
use crate::chain::{Genesis, Header, Timestamp};
use crate::membership::Statements;
use crate::membership::{Certificate, SignedStatement};
use crate::protocol::directory::Directory;
use crate::protocol::tracker_link::Reach;
use actix::{Message, Recipient};
use std::sync::Arc;

/// The genesis block that was to be made is made.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct GenesisMined(pub Genesis);

/// What registering costs was found: the header that was searched for, with its nonce.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WorkFound(pub Header);

/// Whom this node knows, and how it stands with the tracker. The link publishes a new one with every change:
/// whoever asks looks at the latest, shares it, and copies nothing.
#[derive(Debug, Clone, Default)]
pub struct DirectoryStatus {
    /// The members.
    pub directory: Arc<Directory>,
    /// Whether the tracker is connected and has this node registered.
    pub registered: bool,
    /// Which tracker is talked to, or dialled next.
    pub tracker: String,
    /// Why there is no connection, if there is none.
    pub trouble: Option<String>,
    /// What the admin has said; nothing as long as the network is not known.
    pub statements: Option<Arc<Statements>>,
    /// This node's certificate, if it has one; it may have run out.
    pub certificate: Option<Certificate>,
    /// Whether others can dial this node.
    pub reach: Reach,
    /// If nobody can: that, and what the owner can do about it.
    pub unreached: Option<String>,
    /// Whether the owner has disconnected this node.
    pub apart: bool,
}

impl DirectoryStatus {
    /// Until when this node's certificate counts; `None` if it has none.
    pub fn member_until(&self) -> Option<Timestamp> {
        let certificate = self.certificate.as_ref();
        certificate.map(|certificate| certificate.statement.until)
    }
}

/// A peer told what the admin has said. It is taken if it counts, kept, and told on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HearStatements(pub Vec<SignedStatement>);

/// Leave the network for good. Answered when the tracker has taken this node off its list.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), LeaveError>")]
pub struct LeaveNetwork;

/// Why this node has not left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaveError {
    /// Only the tracker can take it off the list.
    #[error(
        "this node is not registered with the tracker at this moment: try again when `node status` says that it is"
    )]
    NotRegistered,
    /// The tracker did not answer.
    #[error(
        "the tracker was lost before it confirmed that this node has left: while it runs, the node leaves as soon as the tracker is back"
    )]
    CutOff,
}

/// Say goodbye to the tracker: the node is stopping. Answered when it was said.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseLink;

/// Tell these of every change of the directory, and of the whole at once.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AttachDirectory {
    /// Who may be dialled.
    pub gossip: Recipient<CandidatesKnown>,
    /// Who may send without a fee.
    pub ledger: Recipient<MembersKnown>,
    /// Who is alive.
    pub outbox: Recipient<MembersLive>,
}

/// Tell these what the other trackers of the network have to know.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AttachIntroducers(pub Vec<Recipient<TellIntroducer>>);
