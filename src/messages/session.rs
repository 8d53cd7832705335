//! To and from a PeerSession.

use crate::chain::BlockId;
use crate::membership::Certificate;
use crate::membership::SignedStatement;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::wire::{Hello, message};
use actix::Message;
use std::io;
use std::sync::Arc;

/// What a session tells its owner (Gossip, TrackerLink or Registry). A session sends the next one
/// only when the last one was handled, so that a fast sender is slowed down, not buffered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SessionEvent {
    /// The session that it is about.
    pub session: SessionId,
    /// What happened in it.
    pub what: SessionFact,
}

/// What can happen to a session.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most carry a message, which is handed on and used up at once"
)]
pub enum SessionFact {
    /// The other end has proven who it is, and is one to talk to.
    Opened {
        /// What it says of itself; it has the key in it.
        hello: Box<Hello>,
        /// Its certificate, judged only where one was expected.
        certificate: Option<Box<Certificate>>,
    },
    /// A message came; never a ping or pong.
    Received(message::Message),
    /// The other end does not talk to us, and shows by which statement of the admin we are put out. Nobody has
    /// judged it.
    TurnedAway(Box<SignedStatement>),
    /// It has ended; nothing more comes of it.
    Closed(String),
}

/// What a session's owner wants of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
#[expect(
    clippy::large_enum_variant,
    reason = "most carry a message, which is handed on and used up at once"
)]
pub enum SessionCommand {
    /// Send this message.
    Send(message::Message),
    /// Send this frame, which others are sent, too.
    SendFrame(Arc<[u8]>),
    /// Send these blocks, read when the line is free for them.
    SendBlocks(Vec<BlockId>),
    /// Send the headers after this locator.
    SendHeaders(Vec<BlockId>),
    /// Ask for the headers after this one, if one is named, or else after ours.
    AskHeaders(Option<BlockId>),
    /// Say why and close.
    Close(String),
}

/// To whoever wanted an address dialled: what came of it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Dialled {
    /// The address.
    pub address: String,
    /// A connection, or what kept it from being made.
    pub result: io::Result<Connection>,
}
