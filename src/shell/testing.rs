//! What the tests of shells share: links that keep what is sent, connections to nobody, and a clock that is
//! set by hand.

pub(crate) mod ledger;

use super::{Begin, Port};
use crate::chain::Timestamp;
use crate::clock::{BEGUN, Clock, Now, SteadyTime};
use crate::messages::session::SessionCommand;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::wire::channel::{Expected, Side};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

struct Held<T> {
    messages: VecDeque<T>,
    room: usize,
}

/// Keeps what is sent to it, in order, until somebody takes it. Several links of a shell may lead to one.
pub(crate) struct Outbound<T>(Arc<Mutex<Held<T>>>);

impl<T> Clone for Outbound<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Outbound<T> {
    pub(crate) fn new() -> Self {
        Self::with_room(usize::MAX)
    }

    /// One that takes only so many before somebody looks.
    pub(crate) fn with_room(room: usize) -> Self {
        Self(Arc::new(Mutex::new(Held {
            messages: VecDeque::new(),
            room,
        })))
    }

    /// Takes nothing more for now.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap().room = 0;
    }

    /// Takes as much as comes from now on.
    pub(crate) fn make_room(&self) {
        self.0.lock().unwrap().room = usize::MAX;
    }

    /// The oldest that nobody took yet.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap().messages.pop_front()
    }

    /// Puts back what was taken to be looked at.
    pub(crate) fn put(&self, message: T) {
        self.0.lock().unwrap().messages.push_back(message);
    }

    /// All that nobody took yet.
    pub(crate) fn drain(&self) -> Vec<T> {
        self.0.lock().unwrap().messages.drain(..).collect()
    }
}

impl<M, T: From<M> + Send> Port<M> for Outbound<T> {
    fn offer(&mut self, message: M) -> Result<(), M> {
        let mut held = self.0.lock().unwrap();
        if held.messages.len() >= held.room {
            return Err(message);
        }
        held.messages.push_back(message.into());
        Ok(())
    }
}

/// An order to a session.
#[derive(Debug)]
pub(crate) struct Ordered(pub(crate) SessionId, pub(crate) SessionCommand);

/// Numbers sessions, and keeps what all of them are told to do.
#[derive(Clone)]
pub(crate) struct Numbered {
    next: Arc<Mutex<u64>>,
    pub(crate) ordered: Outbound<Ordered>,
}

impl Numbered {
    pub(crate) fn new() -> Self {
        Self {
            next: Arc::new(Mutex::new(1)),
            ordered: Outbound::new(),
        }
    }

    /// The next session has this number.
    pub(crate) fn set_next(&self, number: u64) {
        *self.next.lock().unwrap() = number;
    }

    /// Number of the session that began last.
    pub(crate) fn last(&self) -> SessionId {
        SessionId(*self.next.lock().unwrap() - 1)
    }
}

struct ToSession(SessionId, Outbound<Ordered>);

impl Port<SessionCommand> for ToSession {
    fn offer(&mut self, command: SessionCommand) -> Result<(), SessionCommand> {
        let ordered = self.1.offer(Ordered(self.0, command));
        ordered.map_err(|Ordered(_, command)| command)
    }
}

impl Begin for Numbered {
    fn begin(
        &mut self,
        _: Connection,
        _: Side,
        _: Expected,
    ) -> (SessionId, Box<dyn Port<SessionCommand>>) {
        let mut next = self.next.lock().unwrap();
        let session = SessionId(*next);
        *next += 1;
        (session, Box::new(ToSession(session, self.ordered.clone())))
    }
}

/// A connection with nobody at the other end.
pub(crate) fn connection(address: &str) -> Connection {
    Connection {
        reader: Box::new(tokio::io::empty()),
        writer: Box::new(tokio::io::sink()),
        address: address.to_owned(),
    }
}

/// Both clocks, each set by itself.
pub(crate) struct HandClock(Mutex<Now>);

impl HandClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(BEGUN)))
    }

    /// Lets `ms` milliseconds pass.
    pub(crate) fn pass(&self, ms: u64) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus_ms(ms);
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set_wall(&self, wall: Timestamp) {
        self.0.lock().unwrap().wall = wall;
    }

    /// Sets both.
    pub(crate) fn set(&self, now: Now) {
        *self.0.lock().unwrap() = now;
    }
}

impl Clock for HandClock {
    fn wall(&self) -> Timestamp {
        self.0.lock().unwrap().wall
    }

    fn steady(&self) -> SteadyTime {
        self.0.lock().unwrap().steady
    }
}
