//! Gossip: the sessions with other peers, and everything said in them.

mod ledger;
mod log;
mod parts;
#[cfg(test)]
mod tests;

pub use parts::{DeliveryLinks, GossipLinks, GossipParts};

use super::{Dial, Greeting, Link, Port, Sessions, Showing, TableWriter};
use crate::chain::EncodedTransaction;
use crate::clock::Clock;
use crate::messages::events::Event;
use crate::messages::gossip::{
    AnswerDelivery, BlameSession, CandidatesKnown, CloseSessions, Connect, ConnectionAccepted,
    Deliver, GetGossipStatus, GossipStatus, ReachMember, SessionStatus, SyncFrom,
};
use crate::messages::inbox::TakeDelivery;
use crate::messages::ledger::{CheckHeaders, FindMissing, SubmitBlock, SubmitTransactions};
use crate::messages::retry_queue::DeliveryTold;
use crate::messages::session::{Dialled, SessionCommand, SessionEvent, SessionFact};
use crate::messages::store::Committer;
use crate::messages::tracker_link::HearStatements;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::protocol::credit::{Credit, Credits};
use crate::protocol::gossip::peers::{Admission, Candidate, Direction};
use crate::protocol::gossip::{Effect, Fact, Gossip};
use crate::store::Table;
use crate::wire::NodeRole;
use crate::wire::channel::{Expected, Side};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Questions that ledger and inbox may have unanswered, half of the ledger's mailbox: above it, sessions
/// are not read from.
const CREDIT: usize = 512;
/// Questions that may wait for room in the ledger's mailbox: the credit, and one more of each session.
pub const TO_LEDGER: usize = 2 * CREDIT;

/// What is noted of a session.
struct Note {
    address: String,
    /// For the log: the address until it is known whose it is, then the member's.
    peer: String,
    /// What it says it runs, once it has introduced itself.
    program: String,
    direction: Direction,
    opened: bool,
}

/// The shell around the conversation with the peers.
pub struct GossipShell {
    gossip: Gossip,
    sessions: Sessions<Note>,
    greeting: Arc<Greeting>,
    clock: Arc<dyn Clock>,
    dial: Link<Dial>,
    ledger: GossipLinks,
    showing: Arc<Showing>,
    delivery: DeliveryLinks,
    statements: Box<dyn Port<HearStatements>>,
    writer: TableWriter,
    batches: u64,
    events: Link<Event>,
    credits: Credits,
    /// Sessions that are not read from until there are answers.
    parked: Vec<oneshot::Sender<()>>,
}

impl GossipShell {
    /// Around a machine that has no sessions.
    pub fn new(gossip: Gossip, parts: GossipParts) -> Self {
        let expected = Expected {
            role: NodeRole::Peer,
            same_network: true,
            member: true,
            members: Some(parts.members),
        };
        Self {
            gossip,
            sessions: Sessions::new(parts.begin, expected),
            greeting: parts.greeting,
            clock: parts.clock,
            dial: parts.dial,
            ledger: parts.ledger,
            showing: parts.showing,
            delivery: parts.delivery,
            statements: parts.statements,
            writer: TableWriter::new(parts.store, Committer::Gossip, Table::Met),
            batches: 0,
            events: parts.events,
            credits: Credits::new(CREDIT),
            parked: Vec::new(),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        self.showing.set(self.gossip.are_more_to_come());
        for effect in effects {
            match effect {
                Effect::Send(session, message) => {
                    log::said(self.peer(session), &message);
                    self.sessions.send(session, message);
                }
                Effect::SendBlocks(session, ids) => {
                    let send = SessionCommand::SendBlocks(ids);
                    self.sessions.command(session, send);
                }
                Effect::SendHeaders(session, ids) => {
                    let send = SessionCommand::SendHeaders(ids);
                    self.sessions.command(session, send);
                }
                Effect::AskHeaders(session, after) => {
                    let ask = SessionCommand::AskHeaders(after);
                    self.sessions.command(session, ask);
                }
                Effect::Hear(heard) => {
                    if self.statements.offer(HearStatements(heard)).is_err() {
                        tracing::debug!("what the admin has said found no room");
                    }
                }
                Effect::Close(session, why) => self.sessions.close(session, why),
                Effect::Dial(address) => self.dial.send(Dial(address)),
                Effect::CheckHeaders(session, headers) => {
                    let credit = self.credits.lend();
                    self.ledger.headers.send(CheckHeaders {
                        credit,
                        session,
                        headers,
                    });
                }
                Effect::SubmitBlock(session, block) => {
                    if !self.gossip.fetches_many() {
                        log::block(self.peer(session), &block);
                    }
                    let credit = self.credits.lend();
                    self.ledger.block.send(SubmitBlock {
                        credit,
                        session,
                        block,
                    });
                }
                Effect::SubmitTransactions(session, transactions) => {
                    log::transactions(self.peer(session), &transactions);
                    self.submit(session, transactions);
                }
                Effect::SubmitDelivered(session, transactions) => {
                    self.submit(session, transactions);
                }
                Effect::FindMissing(toward, limit) => {
                    let credit = self.credits.lend();
                    self.ledger.missing.send(FindMissing {
                        credit,
                        toward,
                        limit,
                    });
                }
                Effect::TakeDelivery(session, transaction) => {
                    let credit = self.credits.lend();
                    self.delivery.inbox.send(TakeDelivery {
                        credit,
                        session,
                        transaction,
                    });
                }
                Effect::Keep(rows) => {
                    self.batches += 1;
                    self.writer.commit(self.batches, rows);
                }
                Effect::TellOutbox(fact) => self.delivery.outbox.send(DeliveryTold(fact)),
                Effect::Tell(fact) => {
                    log::fact(&fact, self.clock.steady());
                    self.tell_of(fact);
                }
            }
        }
    }

    fn submit(&mut self, session: SessionId, transactions: Vec<EncodedTransaction>) {
        let credit = self.credits.lend();
        self.ledger.transactions.send(SubmitTransactions {
            credit,
            session,
            transactions,
        });
    }

    /// Tells whoever follows who comes and goes.
    fn tell_of(&mut self, fact: Fact) {
        match fact {
            Fact::Connected(_, peer, _) => self.events.send(Event::PeerCame { peer }),
            Fact::Disconnected(_, peer, reason) => {
                self.events.send(Event::PeerGone { peer, reason });
            }
            Fact::Misbehaved(..) | Fact::ClockDiffers(_) | Fact::Alone(_) => {}
        }
    }

    /// An answer is there: reads on from the sessions that had to wait, if enough of them are.
    fn answered(&mut self, credit: Credit) {
        self.credits.take_back(credit);
        if !self.credits.are_used_up() {
            for parked in self.parked.drain(..) {
                // A session that ended meanwhile waits no more.
                let _ = parked.send(());
            }
        }
    }

    fn begin(&mut self, connection: Connection, direction: Direction) -> Option<SessionId> {
        let note = Note {
            address: connection.address.clone(),
            peer: connection.address.clone(),
            program: String::new(),
            direction,
            opened: false,
        };
        let side = match direction {
            Direction::Outgoing => Side::Initiator,
            Direction::Incoming => Side::Responder,
        };
        self.sessions.begin(connection, side, note)
    }

    /// Who is at the other end, for the log: the member, or where it was dialled.
    fn peer(&self, session: SessionId) -> &str {
        self.sessions.note(session).map_or("", |note| &note.peer)
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.dial.flush();
        self.ledger.headers.flush();
        self.ledger.block.flush();
        self.ledger.transactions.flush();
        self.ledger.missing.flush();
        self.delivery.outbox.flush();
        self.delivery.inbox.flush();
        self.writer.flush();
        self.sessions.flush();
        if !self.sessions.are_closing() {
            let effects = self.gossip.tick(self.clock.steady());
            self.carry_out(effects);
        }
    }

    /// A session tells something. It sends the next only when it is told to go on: at once, or as soon as
    /// the receiver says so, for then ledger and inbox have caught up.
    pub fn session_told(&mut self, event: SessionEvent) -> Option<oneshot::Receiver<()>> {
        let now = self.clock.steady();
        let SessionEvent { session, what } = event;
        let effects = match what {
            SessionFact::Opened { hello, certificate } => match self.sessions.note_mut(session) {
                Some(note) => {
                    note.opened = true;
                    note.peer = hello.key.to_address();
                    note.program = hello.agent.to_string();
                    let direction = note.direction;
                    let effects = self.gossip.opened(session, &hello, direction, now);
                    if let Some(shown) = certificate {
                        self.gossip.showed(session, *shown);
                    }
                    effects
                }
                None => Vec::new(),
            },
            SessionFact::Received(message) => self.gossip.received(session, message, now),
            SessionFact::TurnedAway(signed) => {
                // Whoever keeps it judges it.
                if self
                    .statements
                    .offer(HearStatements(vec![*signed]))
                    .is_err()
                {
                    tracing::debug!("what the admin has said found no room");
                }
                Vec::new()
            }
            SessionFact::Closed(reason) => {
                if let Some(note) = self.sessions.end(session)
                    && !note.opened
                {
                    tracing::debug!(peer = %note.address, %reason, "no channel with a peer");
                }
                self.gossip.closed(session, &reason, now)
            }
        };
        self.carry_out(effects);
        self.credits.are_used_up().then(|| {
            let (parked, resumed) = oneshot::channel();
            self.parked.push(parked);
            resumed
        })
    }

    /// Somebody dialled us.
    pub fn accepted(&mut self, message: ConnectionAccepted) {
        if self.sessions.are_closing() {
            return;
        }
        let strangers = self.sessions.iter();
        let mut strangers =
            strangers.filter(|(_, note)| !note.opened && note.direction == Direction::Incoming);
        // Sessions are numbered as they come.
        let oldest = strangers.next().map(|(session, _)| session);
        let count = usize::from(oldest.is_some()) + strangers.count();
        match (self.gossip.admits(count), oldest) {
            (Admission::Full, _) => {
                tracing::debug!(peer = %message.0.address, "connection not taken: there are enough");
                return;
            }
            (Admission::InPlaceOfOldest, Some(oldest)) => {
                self.sessions.close(oldest, "there are too many");
                self.sessions.end(oldest);
            }
            (Admission::InPlaceOfOldest, None) | (Admission::Welcome, _) => {}
        }
        self.begin(message.0, Direction::Incoming);
    }

    /// What came of a dial.
    pub fn dialled(&mut self, message: Dialled) {
        let Dialled { address, result } = message;
        match result {
            Ok(connection) => {
                if let Some(session) = self.begin(connection, Direction::Outgoing) {
                    self.gossip.dial_connected(session, &address);
                }
            }
            Err(error) => {
                tracing::debug!(peer = %address, %error, "peer not reached");
                let effects = self.gossip.dial_failed(&address, self.clock.steady());
                if !self.sessions.are_closing() {
                    self.carry_out(effects);
                }
            }
        }
    }

    /// Members that may be dialled, and where.
    pub fn candidates_known(&mut self, message: CandidatesKnown) {
        let statements = message.statements;
        let candidates = message.candidates.into_iter().map(|candidate| Candidate {
            key: candidate.key,
            outlook: candidate.outlook,
            since: candidate.since.map(|since| since.0),
            addresses: candidate
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
        });
        if let Some(statements) = &statements {
            self.sessions.judge_by(statements.clone());
        }
        let now = self.clock.steady();
        let mut effects = self.gossip.candidates(candidates.collect(), now);
        effects.extend(
            statements
                .into_iter()
                .flat_map(|all| self.gossip.statements(all, now)),
        );
        if !self.sessions.are_closing() {
            self.carry_out(effects);
        }
    }

    /// The outbox wants a session with a member.
    pub fn reach(&mut self, message: ReachMember) {
        if !self.sessions.are_closing() {
            let effects = self.gossip.reach(message.0, self.clock.steady());
            self.carry_out(effects);
        }
    }

    /// The outbox has something for a member.
    pub fn deliver(&mut self, message: Deliver) {
        let Deliver { to, transaction } = message;
        let effects = self.gossip.deliver(&to, transaction, self.clock.steady());
        self.carry_out(effects);
    }

    /// What came in a session can't have come from an honest program.
    pub fn blame(&mut self, message: BlameSession) {
        let BlameSession { session, reason } = message;
        let effects = self.gossip.blame(session, &reason, self.clock.steady());
        self.carry_out(effects);
    }

    /// The inbox answers a delivery.
    pub fn delivery_answered(&mut self, message: AnswerDelivery) {
        let AnswerDelivery {
            credit,
            session,
            receipt,
        } = message;
        self.answered(credit);
        let effects = self.gossip.answer_delivery(session, receipt);
        self.carry_out(effects);
    }

    /// Who is connected.
    pub fn status(&mut self, _: GetGossipStatus) -> GossipStatus {
        let sessions = self.gossip.sessions().map(|(session, view)| {
            let note = self.sessions.note(session);
            SessionStatus {
                key: view.key,
                address: note.map_or(String::new(), |note| note.address.clone()),
                program: note.map_or(String::new(), |note| note.program.clone()),
                outgoing: view.direction == Direction::Outgoing,
                height: view.height,
            }
        });
        GossipStatus {
            sessions: sessions.collect(),
            blocks_in_flight: self.gossip.blocks_in_flight(),
            fetched_first: self.gossip.preferred(),
        }
    }

    /// Fetches the chain of a member before that of others. The height that it has shown; `None` if it is
    /// not connected.
    pub fn sync_from(&mut self, message: SyncFrom) -> Option<u64> {
        let (height, effects) = self.gossip.prefer(&message.0, self.clock.steady())?;
        self.carry_out(effects);
        Some(height)
    }

    /// The owner disconnects this node, or connects it again.
    pub fn connect(&mut self, message: Connect) {
        let now = self.clock.steady();
        let effects = match message {
            Connect(true) => self.gossip.connect(now),
            Connect(false) => self.gossip.disconnect(now),
        };
        if !self.sessions.are_closing() {
            self.carry_out(effects);
        }
    }

    /// The node is stopping: closes every session and takes no more.
    pub fn close_all(&mut self, _: CloseSessions) {
        self.sessions.close_all();
    }
}
