//! To the LivenessProbe of a tracker.

use crate::keys::PublicKey;
use crate::membership::Address;
use crate::wire::MemberId;
use actix::Message;

/// Dial a member back. Answered with
/// [`DialledBack`](crate::messages::registry::DialledBack), once, whatever comes of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DialBack {
    /// Number that the tracker gave the member.
    pub id: MemberId,
    /// Its key: who else answers is not it.
    pub key: PublicKey,
    /// Where, in this order.
    pub addresses: Vec<Address>,
}
