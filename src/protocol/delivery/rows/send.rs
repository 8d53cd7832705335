//! A send: what is stored of it, and what it is said to be.

use super::{Place, Reason};
use crate::canonical::coded;
use crate::chain::awake::AwakeTime;
use crate::chain::{Amount, Height, Timestamp, TransactionId};
use crate::keys::PublicKey;
use serde::{Deserialize, Serialize};

coded! {
    /// How a send ended without being paid.
    pub enum End, "no end of a send" {
        /// Its recipient, or this node's own ledger, said no for good.
        1 Refused,
        /// Its time is over.
        2 Expired,
        /// Its owner withdrew it before it had left.
        3 Withdrawn,
        /// Its coins went elsewhere.
        4 Conflicted,
    }
}

coded! {
    /// On which ways a send goes.
    pub enum Route, "no way of a send" {
        /// Straight to its recipient, and to nobody else.
        1 Direct,
        /// Straight to its recipient, and by way of the network.
        2 Both,
        /// By way of the network alone.
        3 Network,
    }
}

impl Route {
    /// Whether it goes by way of the network.
    pub fn by_network(self) -> bool {
        matches!(self, Self::Both | Self::Network)
    }

    /// Whether it goes straight to its recipient.
    pub fn is_delivered(self) -> bool {
        matches!(self, Self::Direct | Self::Both)
    }
}

/// What is stored of a send: `[id, to, amount, fee, size, expires_at, queued_at, queued_awake, route,
/// attempted, delivered_at, end, released, reason]`. Whether it is open or mined is not: that is looked
/// up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendFacts {
    /// Of which transaction.
    pub id: TransactionId,
    /// Key of the recipient; of a record, which is for everybody, its sender's.
    pub to: PublicKey,
    /// Coins.
    pub amount: Amount,
    /// The fee.
    pub fee: Amount,
    /// Bytes of the transaction.
    pub size: usize,
    /// Last height at which it can be mined.
    pub expires_at: Height,
    /// When it was taken in.
    pub queued_at: Timestamp,
    /// How long the node had been awake by then, all in all, in milliseconds: what waits counts by this,
    /// whatever the wall clock says.
    pub queued_awake: AwakeTime,
    /// On which ways it goes.
    pub route: Route,
    /// Whether it may have left this node: then nobody can take it back.
    pub attempted: bool,
    /// When its recipient's receipt came.
    pub delivered_at: Option<Timestamp>,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// Whether its owner freed its coins though it may still be mined.
    pub released: bool,
    /// Why it ended, or what was last in its way; empty if nothing was.
    pub reason: Reason,
}

/// What is said of a record whose block is gone from the chain, before why it is not taken again.
pub(in crate::protocol::delivery) const FELL_OUT: &str =
    "the block that held it is gone from the chain";

/// What is said of a send that goes by way of the network since its time in company was over.
pub(in crate::protocol::delivery) const BY_NETWORK: &str = "its recipient did not take it in time: it goes by way of the network as well, where \
                                     everybody sees who sent it to whom, and how many coins";

impl SendFacts {
    /// Whether it is in no block because the one that held it is gone from the chain.
    pub fn fell_out(&self) -> bool {
        self.reason.as_str().starts_with(FELL_OUT)
    }

    /// Coins that leave the sender.
    pub fn cost(&self) -> u64 {
        self.amount.0.saturating_add(self.fee.0)
    }

    /// Coins that it keeps from being spent again, given where its transaction stands: the ledger counts
    /// those of open ones. What has left is signed, and whoever holds it can have it mined until its last
    /// height, however the send ended.
    pub fn reserved(&self, place: Place) -> u64 {
        let may_be_mined = self.end.is_none() || (self.attempted && !self.released);
        match place {
            Place::Nowhere if may_be_mined => self.cost(),
            _ => 0,
        }
    }

    /// Why it stands where it does, for its owner, and what that means for its coins.
    pub fn explained(&self, place: Place, tip: Height) -> String {
        let ended = self.end.is_some() && self.attempted && self.expires_at > tip;
        let last = self.expires_at;
        match place {
            // Its owner asked for no such thing, and is told who sees it.
            Place::Open if self.reason.as_str() == BY_NETWORK => BY_NETWORK.to_owned(),
            // What was in its way is no more.
            Place::Open | Place::Mined(_) => String::new(),
            Place::Nowhere if ended && self.reserved(place) > 0 => format!(
                "{}; its {} coins stay reserved until height {last}, since whoever holds the signed \
                 payment could still have it mined",
                self.reason,
                self.reserved(place)
            ),
            Place::Nowhere if ended && self.released => format!(
                "{}; its coins were freed by its owner, though it could still be mined until height \
                 {last}",
                self.reason
            ),
            Place::Nowhere => self.reason.to_string(),
        }
    }

    /// Where the send stands, given where its transaction does.
    pub fn state(&self, place: Place) -> SendState {
        match (place, self.end) {
            (Place::Mined(_), _) => SendState::Mined,
            (Place::Open, _) => SendState::Open,
            (Place::Nowhere, Some(End::Refused)) => SendState::Refused,
            (Place::Nowhere, Some(End::Expired)) => SendState::Expired,
            (Place::Nowhere, Some(End::Withdrawn)) => SendState::Withdrawn,
            (Place::Nowhere, Some(End::Conflicted)) => SendState::Conflicted,
            (Place::Nowhere, None) if self.delivered_at.is_some() => SendState::Delivered,
            (Place::Nowhere, None) => SendState::Queued,
        }
    }
}

/// The states of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendState {
    /// Stored here; its recipient has not acknowledged it.
    Queued,
    /// Its recipient has it and signed for it.
    Delivered,
    /// Valid and known to the network; not mined yet.
    Open,
    /// In a block of the connected chain.
    Mined,
    /// Its recipient said no, for good.
    Refused,
    /// Its time is over.
    Expired,
    /// Withdrawn by its owner before it left.
    Withdrawn,
    /// Its coins went elsewhere.
    Conflicted,
}

impl SendState {
    /// The state's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Open => "open",
            Self::Mined => "mined",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Conflicted => "conflicted",
        }
    }

    /// Whether its recipient has it, or finds it on the network.
    pub fn has_arrived(self) -> bool {
        matches!(self, Self::Delivered | Self::Open | Self::Mined)
    }

    /// Whether it may come into a block by itself.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Queued | Self::Delivered | Self::Open)
    }

    /// Whether it came to an end other than a block.
    pub fn has_failed(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Expired | Self::Withdrawn | Self::Conflicted
        )
    }
}
