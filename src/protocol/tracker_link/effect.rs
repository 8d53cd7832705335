//! What the tracker link asks of its shell, and what it has to tell.

use super::Reach;
use crate::chain::{Genesis, GenesisContent, Header, NetworkId, Timestamp};
use crate::keys::PublicKey;
use crate::membership::Address;
use crate::membership::certificate::CertificateError;
use crate::membership::{Certificate, MemberName, SignedStatement};
use crate::protocol::{Row, SessionId};
use crate::readable::in_words;
use crate::wire::message::RefusalCode;
use crate::wire::{Member, MemberId, MemberStatement, Message};

/// What the tracker link's shell has to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Dial, do the handshake, and report [`super::TrackerLink::opened`] or
    /// [`super::TrackerLink::dial_failed`].
    Dial {
        /// Where the tracker is.
        address: Address,
    },
    /// Send it.
    Send {
        /// The session that it is sent in.
        session: SessionId,
        /// The message.
        message: Message,
    },
    /// Answer this challenge, with the height of our tip.
    Answer {
        /// The session that it is sent in.
        session: SessionId,
        /// Number of the challenge.
        number: u64,
    },
    /// Say goodbye with this reason and close. The link has forgotten the session.
    Close {
        /// The session to close.
        session: SessionId,
        /// Why, for people.
        reason: String,
    },
    /// Search for the nonce of this header, which is no block's, in the place of what was searched for before,
    /// and report [`TrackerLink::work_found`](super::TrackerLink::work_found).
    SearchForWork(Header),
    /// Have this signed, and report [`super::TrackerLink::signed`].
    Sign(MemberStatement),
    /// Have it signed that we leave, and report [`super::TrackerLink::leaving_signed`].
    SignLeaving {
        /// The tracker that it is said to.
        tracker: PublicKey,
        /// Number of the word.
        sequence: u64,
    },
    /// Find the nonce of the first block, and report [`super::TrackerLink::genesis_mined`].
    MineGenesis {
        /// To mine; its nonce is 0.
        header: Header,
        /// What the header fixes.
        content: GenesisContent,
    },
    /// The search for the first block is needless now.
    StopMiningGenesis,
    /// This is our network; checked, and told once.
    NetworkKnown(Genesis),
    /// The tracker has us on its list.
    Joined {
        /// Our number.
        id: MemberId,
    },
    /// We have a new certificate: it is what peers are shown from now on.
    Certified(Certificate),
    /// The admin has said this; it was not known.
    StatementsHeard(Vec<SignedStatement>),
    /// What changed among the members.
    DirectoryChanged {
        /// New ones, and those whose record or liveness changed.
        changed: Vec<Member>,
        /// Those that are members no more, as they were.
        left: Vec<Member>,
    },
    /// The certificate is due and no first tracker is there: another may renew it.
    RenewElsewhere,
    /// The tracker would not take our record: another one may.
    RegisterElsewhere,
    /// We talk with the tracker that this introducer talked with, and it with the one at this address.
    Instead {
        /// Its place among the others.
        introducer: usize,
        /// Where the tracker is that we talked with.
        address: Address,
    },
    /// Write these rows, of the members' table, in one synced batch, and report
    /// [`super::TrackerLink::committed`].
    Commit {
        /// Number of the batch.
        batch: u64,
        /// Rows to write in one batch: key, and value or none to remove it.
        rows: Vec<Row>,
    },
    /// We have left for good. The link is at rest.
    Left,
    /// No retry can mend this: the owner has to act. The link is at rest.
    Fatal {
        /// What happened and what to do.
        reason: String,
    },
    /// Something the owner should know; the link goes on.
    Warn(Warning),
    /// Others can't dial this node, or can again.
    Reach(Reach),
}

/// Something the owner of the node should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Nobody answers there, or somebody who can't be talked to.
    #[error(
        "the tracker at {address} can't be reached ({reason}); trying again in {}. If it \
         is not meant to be down, check \"trackers\" in the settings", in_words(*retry_ms)
    )]
    Unreachable {
        /// Where it was dialled, `host:port`.
        address: Address,
        /// What the attempt ended with.
        reason: String,
        /// Until the next attempt, in milliseconds.
        retry_ms: u64,
    },
    /// The connection ended.
    #[error(
        "the connection to the tracker at {address} ended ({reason}); trying again in {}", in_words(*retry_ms)
    )]
    ConnectionLost {
        /// Where it was dialled, `host:port`.
        address: Address,
        /// The reason, in words for the owner.
        reason: String,
        /// Until the next attempt, in milliseconds.
        retry_ms: u64,
    },
    /// Whoever answers there is no tracker.
    #[error("the node at {address} is a peer, not a tracker; check \"trackers\" in the settings")]
    NotATracker {
        /// Where it was dialled, `host:port`.
        address: Address,
    },
    /// The tracker shows another key than before.
    #[error(
        "the tracker at {address} shows the key {}, but this node knows its tracker by {}: somebody \
         stands in for it, or it was set up anew. Nothing is told to it until its former key is back. \
         If you know the new one to be right: where this node has no network yet, set \"tracker_key\" in \
         the settings to it; where it has one, name another \"data_dir\" and leave this one, with its wallet, as it is", shown.to_address(), pinned.to_address()
    )]
    TrackerKeyChanged {
        /// Where it was dialled, `host:port`.
        address: Address,
        /// The key we know.
        pinned: PublicKey,
        /// The key it shows.
        shown: PublicKey,
    },
    /// The tracker spoke for the network, or stood in for the one that does, and may no more.
    #[error(
        "the tracker at {address} may not speak for this network any more: by the word of its admin, {} does. \
         It is looked for at the other addresses in \"trackers\" in the settings; if it is at none of them, write \
         its address there, first", admin.to_address()
    )]
    LeadsNoMore {
        /// Where it was dialled, `host:port`.
        address: Address,
        /// The key of the one that does.
        admin: PublicKey,
    },
    /// The tracker serves a network that is not ours.
    #[error(
        "the tracker is that of another network: {offered}, ours is {known}. This node keeps its chain; \
         to join the other network, name another \"data_dir\" in the settings and leave this one, with its \
         wallet, as it is"
    )]
    OtherNetwork {
        /// Ours.
        known: NetworkId,
        /// The tracker's.
        offered: NetworkId,
    },
    /// What the tracker sent as genesis, or asked to be made, can't be one.
    #[error("the tracker's genesis block can't be used: {reason}")]
    BadGenesis {
        /// What is wrong.
        reason: String,
    },
    /// What the tracker issued is no certificate of ours.
    #[error("the certificate of membership that the tracker issued can't be used: {0}")]
    BadCertificate(CertificateError),
    /// Our certificate runs out, or has.
    #[error(
        "this node's certificate of membership {}: without one no peer will talk to it. Let it reach the \
         tracker; it renews it by itself then", ends(*until, *now)
    )]
    CertificateEnds {
        /// Until when it counts.
        until: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// Another node uses this one's wallet.
    #[error("{reason}")]
    WalletUsedTwice {
        /// In the tracker's words.
        reason: String,
    },
    /// The tracker said no, but may say yes later.
    #[error("the tracker refused ({code:?}): {reason}")]
    Refused {
        /// For programs.
        code: RefusalCode,
        /// In its words.
        reason: String,
    },
    /// A name is presented with another key than it always had.
    #[error(
        "the tracker presents {name} with the key {shown}, but {name} was known by {pinned}. The change \
         is not taken over, and nothing is sent by that name meanwhile. Ask {name} on another way: if it has another \
         wallet, whoever runs the tracker says so to everybody (`node rekey {name} ADDRESS`)"
    )]
    NameChangedKey {
        /// Whose name.
        name: MemberName,
        /// The key we know.
        pinned: PublicKey,
        /// The key that is presented.
        shown: PublicKey,
    },
    /// A member's record is not what its key signed, or is for another tracker.
    #[error("the tracker sent a record of {name} that can't be used: {reason}")]
    BadRecord {
        /// Name of the member.
        name: MemberName,
        /// What is wrong.
        reason: String,
    },
    /// The tracker names more members than the directory holds.
    #[error("the directory of members is full; {name} was not entered")]
    DirectoryFull {
        /// Name of the member.
        name: MemberName,
    },
}

/// When a certificate ends, for people.
fn ends(until: Timestamp, now: Timestamp) -> String {
    if until > now {
        format!("ends in {}", in_words(until.since(now)))
    } else {
        format!("ended {} ago", in_words(now.since(until)))
    }
}
