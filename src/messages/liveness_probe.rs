//! To the LivenessProbe of a tracker.

use crate::keys::PublicKey;
use crate::membership::Address;
use crate::protocol::registry::Visited;
use actix::Message;

/// Dial somebody back. Answered with
/// [`DialledBack`](crate::messages::registry::DialledBack), once, whatever comes of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DialBack {
    /// Whom.
    pub whom: Visited,
    /// Its key: who else answers is not it.
    pub key: PublicKey,
    /// Where, in this order.
    pub addresses: Vec<Address>,
}
