//! To the owner's stream of events.
//!
//! An event is told when what it tells of can be seen by whoever asks: what is on the disk only then, after the
//! synced write. So whoever asks first, and goes on from there with the events, misses nothing.

use crate::chain::{Amount, BlockId, Closed, Height, TransactionId};
use crate::keys::PublicKey;
use crate::protocol::delivery::rows::SendState;
use serde::{Deserialize, Serialize};

/// Something that happened at a node; `P` is how people are named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event<P = PublicKey> {
    /// A block is on the connected chain.
    BlockConnected {
        /// Its height.
        height: Height,
        /// Its id.
        id: BlockId,
        /// Its transactions, the reward included.
        transactions: usize,
    },
    /// A block is on the connected chain no more.
    BlockDisconnected {
        /// Its height.
        height: Height,
        /// Its id.
        id: BlockId,
    },
    /// Missing blocks come in; told once a second at most, and when none is missing any more.
    SyncProgress {
        /// Height of the connected chain.
        height: Height,
        /// Height that it is on its way to.
        best: Height,
    },
    /// A transaction is open now.
    TransactionOpened {
        /// Its id.
        id: TransactionId,
        /// Whether the owner sends or receives it.
        own: bool,
    },
    /// A transaction is open no more.
    TransactionClosed {
        /// Its id.
        id: TransactionId,
        /// Why.
        why: Closed,
    },
    /// What the owner sends has moved on.
    SendChanged {
        /// Its id.
        id: TransactionId,
        /// Where it stands now.
        state: SendState,
    },
    /// Something came for the owner.
    MessageReceived {
        /// Its id.
        id: TransactionId,
        /// From whom.
        from: P,
        /// Its coins.
        amount: Amount,
        /// Whether a note is with it.
        note: bool,
    },
    /// The owner has read some of what came.
    MessagesRead {
        /// What is left to read.
        unread: usize,
    },
    /// A session with a peer is up.
    PeerCame {
        /// Whose.
        peer: P,
    },
    /// A session with a peer is down.
    PeerGone {
        /// Whose.
        peer: P,
        /// Why.
        reason: String,
    },
    /// There are other members, or something else is known of them.
    MembersChanged,
    /// This node stands otherwise with the tracker.
    TrackerChanged {
        /// Whether it is connected and has this node registered.
        registered: bool,
    },
    /// A search for a block has begun.
    MiningBegun {
        /// Height of the block.
        height: Height,
    },
    /// Nothing is searched for any more.
    MiningEnded,
    /// How fast the search is; told every two seconds while there is one.
    MiningRate {
        /// Nonces a second.
        hashes_per_second: f64,
    },
    /// The search has found a block, which others may take.
    BlockFound {
        /// Its height.
        height: Height,
        /// Its id.
        id: BlockId,
    },
    /// Another block took the place of the one that was found.
    RaceLost {
        /// Its height.
        height: Height,
    },
}

impl Event {
    /// The same, with people as `name` names them.
    pub fn naming<P>(self, name: impl Fn(&PublicKey) -> P) -> Event<P> {
        match self {
            Self::BlockConnected {
                height,
                id,
                transactions,
            } => Event::BlockConnected {
                height,
                id,
                transactions,
            },
            Self::BlockDisconnected { height, id } => Event::BlockDisconnected { height, id },
            Self::SyncProgress { height, best } => Event::SyncProgress { height, best },
            Self::TransactionOpened { id, own } => Event::TransactionOpened { id, own },
            Self::TransactionClosed { id, why } => Event::TransactionClosed { id, why },
            Self::SendChanged { id, state } => Event::SendChanged { id, state },
            Self::MessageReceived {
                id,
                from,
                amount,
                note,
            } => Event::MessageReceived {
                id,
                from: name(&from),
                amount,
                note,
            },
            Self::MessagesRead { unread } => Event::MessagesRead { unread },
            Self::PeerCame { peer } => Event::PeerCame { peer: name(&peer) },
            Self::PeerGone { peer, reason } => Event::PeerGone {
                peer: name(&peer),
                reason,
            },
            Self::MembersChanged => Event::MembersChanged,
            Self::TrackerChanged { registered } => Event::TrackerChanged { registered },
            Self::MiningBegun { height } => Event::MiningBegun { height },
            Self::MiningEnded => Event::MiningEnded,
            Self::MiningRate { hashes_per_second } => Event::MiningRate { hashes_per_second },
            Self::BlockFound { height, id } => Event::BlockFound { height, id },
            Self::RaceLost { height } => Event::RaceLost { height },
        }
    }
}
