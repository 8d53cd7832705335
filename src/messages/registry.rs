//! To the Registry of a tracker.

use crate::chain::params::Difference;
use crate::chain::{Height, NetworkId};
use crate::membership::{MemberName, SignedStatement};
use crate::protocol::registry::{
    Delegate, InvitationId, Kept, Named, Order, OrderRefused, Outcome, Visited,
};
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

/// Which invitations are there? By number, those behind `after`, at most `limit`.
#[derive(Debug, Message)]
#[rtype(result = "Vec<(InvitationId, Kept)>")]
pub struct GetInvitations {
    /// The number of the last one that is known.
    pub after: Option<InvitationId>,
    /// Most invitations to name.
    pub limit: usize,
}

/// Which trackers were given the right to issue?
#[derive(Debug, Message)]
#[rtype(result = "Vec<Delegate>")]
pub struct GetDelegates;

/// Who is put out, who was let back and has not come since, and by which name did they go?
#[derive(Debug, Message)]
#[rtype(result = "Vec<(SignedStatement, Option<MemberName>)>")]
pub struct GetPutOut;

/// Whose is this name?
#[derive(Debug, Message)]
#[rtype(result = "Named")]
pub struct WhoIs(pub MemberName);

/// The owner orders something. Answered once the disk has it; dropped unanswered if the tracker stops before.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, OrderRefused>")]
pub struct CarryOut(pub Order);

/// How many connections of peers are there?
#[derive(Debug, Message)]
#[rtype(result = "usize")]
pub struct CountSessions;

/// What this tracker is known by to have founded a network, beside its register: so one that loses its disk founds
/// no second network.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RememberNetwork {
    /// The network that it has founded, if it is known of one.
    pub founded: Option<NetworkId>,
    /// Keeps which one it is.
    pub keep: Box<dyn Fn(NetworkId) + Send>,
}

/// A visit has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DialledBack {
    /// To whom it was.
    pub whom: Visited,
    /// Whether that one answered itself under one of its addresses.
    pub reached: bool,
}
