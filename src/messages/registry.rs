//! To the Registry of a tracker.

use crate::chain::params::Difference;
use crate::chain::{Height, NetworkId};
use crate::wire::{Member, MemberId};
use actix::Message;

/// How does the tracker stand?
#[derive(Debug, Message)]
#[rtype(result = "RegistryStatus")]
pub struct GetRegistryStatus;

/// The answer to [`GetRegistryStatus`].
#[derive(Debug, Clone)]
pub struct RegistryStatus {
    /// How many are registered.
    pub registered: usize,
    /// How many of them answer at present.
    pub live: usize,
    /// How many of them the tracker could dial back.
    pub reachable: usize,
    /// Connections of peers.
    pub sessions: usize,
    /// What the network is called.
    pub network_name: String,
    /// Id of the genesis block, once it is made.
    pub network: Option<NetworkId>,
    /// The greatest height that a connected peer named, for display; `None` if none did.
    pub height: Option<Height>,
    /// What the settings say of the network that its genesis block says otherwise.
    pub overruled: Vec<Difference>,
}

/// Who is registered? By number, those behind `after`, at most `limit`.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Member>")]
pub struct GetMembers {
    /// The number of the last one that is known.
    pub after: Option<MemberId>,
    /// Most members to name.
    pub limit: usize,
}

/// How many connections of peers are there?
#[derive(Debug, Message)]
#[rtype(result = "usize")]
pub struct CountSessions;

/// A visit to a member has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DialledBack {
    /// Which member.
    pub id: MemberId,
    /// Whether it answered itself under one of its addresses.
    pub reached: bool,
}
