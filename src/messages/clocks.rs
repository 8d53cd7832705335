//! To the actor that compares this node's clock with those of others.

use crate::keys::PublicKey;
use crate::protocol::clocks::{OwnClock, Reading};
use actix::Message;

/// Somebody told the time. What finds no room is lost: everybody is asked again.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ClockRead {
    /// Who.
    pub from: PublicKey,
    /// How far that is from ours.
    pub reading: Reading,
}

/// How does this node's clock stand?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "OwnClock")]
pub struct GetOwnClock;
