//! LivenessProbe: dials members back.
//!
//! Whom and when is decided by the registry, which never waits for it: it orders a bounded number
//! of visits, and hears the outcome of each. What is slow here (names that do not resolve, hosts
//! that swallow what is sent to them, handshakes) is slow for nobody else.

#[cfg(test)]
mod tests;

use super::{Begin, Dial, Link, Sessions};
use crate::clock::{Clock, SteadyTime};
use crate::keys::PublicKey;
use crate::messages::liveness_probe::DialBack;
use crate::messages::registry::DialledBack;
use crate::messages::session::{Dialled, SessionEvent, SessionFact};
use crate::protocol::SessionId;
use crate::protocol::registry::Visited;
use crate::wire::NodeRole;
use crate::wire::channel::{Expected, Side};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The member is a peer, and of the tracker's network: a peer listens once it knows its network. It
/// is known by its key, which its introduction proves. It introduces itself before it judges who calls,
/// and ends the visit then, for it talks to peers alone.
const EXPECTED: Expected = Expected {
    role: NodeRole::Peer,
    same_network: true,
    member: false,
    members: None,
};
/// How long a visit may take altogether, in milliseconds: a handshake on a slow line.
pub const VISIT_PATIENCE_MS: u64 = 5_000;
/// What a member is told at the end of a visit.
const FAREWELL: &str = "the tracker only wanted to know whether you can be reached";

/// What a probe needs of the node.
pub struct LivenessProbeParts {
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Begins sessions.
    pub begin: Box<dyn Begin>,
    /// Dials, with no more patience than a visit has.
    pub dial: Link<Dial>,
    /// Hears what came of each visit.
    pub registry: Link<DialledBack>,
}

/// One visit under way.
struct Visit {
    whom: Visited,
    key: PublicKey,
    /// Where it was not looked for yet.
    addresses: VecDeque<String>,
    begun: SteadyTime,
    at: Stage,
}

enum Stage {
    /// This address is dialled.
    Dialling(String),
    /// Somebody answered, and has to prove who it is.
    Meeting(SessionId),
}

/// The shell that dials back. There are no more visits than the registry orders.
pub struct LivenessProbeShell {
    visits: BTreeMap<u64, Visit>,
    ordered: u64,
    /// Each with the number of its visit.
    sessions: Sessions<u64>,
    clock: Arc<dyn Clock>,
    dial: Link<Dial>,
    registry: Link<DialledBack>,
}

impl LivenessProbeShell {
    /// Nobody is visited yet.
    pub fn new(parts: LivenessProbeParts) -> Self {
        Self {
            visits: BTreeMap::new(),
            ordered: 0,
            sessions: Sessions::new(parts.begin, EXPECTED),
            clock: parts.clock,
            dial: parts.dial,
            registry: parts.registry,
        }
    }

    /// The registry orders a visit, at one address after the other.
    pub fn dial_back(&mut self, order: DialBack) {
        let mut addresses: VecDeque<_> = order.addresses.iter().map(ToString::to_string).collect();
        let Some(first) = addresses.pop_front() else {
            let (whom, reached) = (order.whom, false);
            return self.registry.send(DialledBack { whom, reached });
        };
        self.ordered += 1;
        let visit = Visit {
            whom: order.whom,
            key: order.key,
            addresses,
            begun: self.clock.steady(),
            at: Stage::Dialling(first.clone()),
        };
        self.visits.insert(self.ordered, visit);
        self.dial.send(Dial(first));
    }

    /// It was not met where it was looked for.
    fn look_elsewhere(&mut self, number: u64) {
        let Some(visit) = self.visits.get_mut(&number) else {
            return;
        };
        match visit.addresses.pop_front() {
            Some(next) => {
                let dialling = Stage::Dialling(next.clone());
                if let Stage::Meeting(session) = std::mem::replace(&mut visit.at, dialling) {
                    self.sessions.close(session, FAREWELL);
                }
                self.dial.send(Dial(next));
            }
            None => self.end(number, false),
        }
    }

    /// The one word of a visit.
    fn end(&mut self, number: u64, reached: bool) {
        if let Some(Visit { whom, at, .. }) = self.visits.remove(&number) {
            if let Stage::Meeting(session) = at {
                self.sessions.close(session, FAREWELL);
            }
            self.registry.send(DialledBack { whom, reached });
        }
    }

    /// What came of a dial. Where several visits wait for one address, the first takes the connection.
    pub fn dialled(&mut self, message: Dialled) {
        let waits =
            |visit: &Visit| matches!(&visit.at, Stage::Dialling(at) if *at == message.address);
        let found = self.visits.iter().find(|(_, visit)| waits(visit));
        let Some((&number, _)) = found else {
            // Its time is over; the connection ends here.
            return;
        };
        match message.result {
            Ok(connection) => {
                let begun = self.sessions.begin(connection, Side::Initiator, number);
                if let (Some(session), Some(visit)) = (begun, self.visits.get_mut(&number)) {
                    visit.at = Stage::Meeting(session);
                }
            }
            Err(error) => {
                tracing::debug!(peer = %message.address, %error, "member not reached");
                self.look_elsewhere(number);
            }
        }
    }

    /// A session tells something.
    pub fn session_told(&mut self, event: SessionEvent) {
        let session = event.session;
        match event.what {
            SessionFact::Opened { hello, .. } => {
                let number = self.sessions.note(session).copied();
                let met = number.filter(|number| self.is_meeting(*number, session));
                let is_it = |number: &u64| self.visits[number].key == hello.key;
                match met {
                    Some(number) if is_it(&number) => self.end(number, true),
                    Some(number) => self.look_elsewhere(number),
                    None => {}
                }
            }
            SessionFact::Received(_) | SessionFact::TurnedAway(_) => {}
            SessionFact::Closed(reason) => {
                tracing::debug!(session = session.0, %reason, "visit ended");
                if let Some(number) = self.sessions.end(session)
                    && self.is_meeting(number, session)
                {
                    self.look_elsewhere(number);
                }
            }
        }
    }

    fn is_meeting(&self, number: u64, session: SessionId) -> bool {
        let at = self.visits.get(&number).map(|visit| &visit.at);
        matches!(at, Some(Stage::Meeting(with)) if *with == session)
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.dial.flush();
        self.registry.flush();
        self.sessions.flush();
        let now = self.clock.steady();
        // In the order in which they began.
        while let Some((&number, visit)) = self.visits.first_key_value()
            && now.since(visit.begun) >= VISIT_PATIENCE_MS
        {
            self.end(number, false);
        }
    }
}
