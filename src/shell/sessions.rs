//! The sessions of one shell: what Gossip, TrackerLink, Introducer and Registry do alike.

use super::Port;
use super::session_handle::SessionHandle;
use crate::chain::Height;
use crate::membership::Statements;
use crate::messages::session::SessionCommand;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::channel::{Expected, Side};
use crate::wire::message::ChallengeAnswer;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Begins sessions.
pub trait Begin: Send {
    /// Begins a session over `connection`. Its owner hears of it: first that it is open, last that it is
    /// closed; only the latter if the handshake fails. Returns its number and where it takes commands.
    fn begin(
        &mut self,
        connection: Connection,
        side: Side,
        expected: Expected,
    ) -> (SessionId, Box<dyn Port<SessionCommand>>);
}

/// The sessions that a shell owns, each with what the shell notes of it.
pub struct Sessions<N> {
    begin: Box<dyn Begin>,
    expected: Expected,
    open: BTreeMap<SessionId, (SessionHandle, N)>,
    closing: bool,
}

impl<N> Sessions<N> {
    /// None yet; `expected` is what all who are at the other end must be.
    pub fn new(begin: Box<dyn Begin>, expected: Expected) -> Self {
        Self {
            begin,
            expected,
            open: BTreeMap::new(),
            closing: false,
        }
    }

    /// By what the admin has said, sessions that begin from now on are judged.
    pub fn judge_by(&mut self, members: Arc<Statements>) {
        self.expected.members = Some(members);
    }

    /// Begins a session, unless the node is stopping: then the connection just ends.
    pub fn begin(&mut self, connection: Connection, side: Side, note: N) -> Option<SessionId> {
        if self.closing {
            return None;
        }
        let (session, commands) = self.begin.begin(connection, side, self.expected.clone());
        let handle = SessionHandle::new(commands);
        self.open.insert(session, (handle, note));
        Some(session)
    }

    /// A session has ended, or nobody wants to hear of it any more. What was noted of it.
    pub fn end(&mut self, session: SessionId) -> Option<N> {
        self.open.remove(&session).map(|(_, note)| note)
    }

    /// Gives a session an order; one that is gone takes none.
    pub fn command(&mut self, session: SessionId, command: SessionCommand) {
        if let Some((handle, _)) = self.open.get_mut(&session) {
            handle.command(command);
        }
    }

    /// Sends a message.
    pub fn send(&mut self, session: SessionId, message: Message) {
        self.command(session, SessionCommand::Send(message));
    }

    /// Answers a challenge of a tracker.
    pub fn answer_challenge(&mut self, session: SessionId, number: u64, height: Height) {
        let answer = ChallengeAnswer { number, height };
        self.send(session, Message::ChallengeAnswer(answer));
    }

    /// Closes a session and says why.
    pub fn close(&mut self, session: SessionId, reason: impl Into<String>) {
        self.command(session, SessionCommand::Close(reason.into()));
    }

    /// The node is stopping: says so to everybody, and begins no session any more.
    pub fn close_all(&mut self) {
        self.closing = true;
        for (handle, _) in self.open.values_mut() {
            handle.command(SessionCommand::Close("this node is stopping".into()));
        }
    }

    /// Whether the node is stopping.
    pub fn are_closing(&self) -> bool {
        self.closing
    }

    /// Whether the node is stopping, and all sessions have ended.
    pub fn are_over(&self) -> bool {
        self.closing && self.open.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Tries again what found no room; to be called now and then.
    pub fn flush(&mut self) {
        for (handle, _) in self.open.values_mut() {
            handle.flush();
        }
    }

    /// What is noted of a session.
    pub fn note(&self, session: SessionId) -> Option<&N> {
        self.open.get(&session).map(|(_, note)| note)
    }

    /// What is noted of a session, to be changed.
    pub fn note_mut(&mut self, session: SessionId) -> Option<&mut N> {
        self.open.get_mut(&session).map(|(_, note)| note)
    }

    /// All of them, in the order in which they began.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &N)> {
        let open = self.open.iter();
        open.map(|(session, (_, note))| (*session, note))
    }
}
