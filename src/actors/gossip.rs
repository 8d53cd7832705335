//! Gossip: the sessions with other peers, and everything said in them.

mod asked;
mod delivery;
mod log;

use super::session_handle::SessionHandle;
use super::{Link, SessionContext, TICK};
use crate::clock::Clock;
use crate::keys::PublicKey;
use crate::messages::gossip::{CandidatesKnown, ConnectionAccepted, LedgerFact, LedgerTold};
use crate::messages::inbox::TakeDelivery;
use crate::messages::ledger::{CheckHeaders, FindMissing, SubmitBlock, SubmitTransactions};
use crate::messages::retry_queue::DeliveryTold;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::net::{Connection, Transport};
use crate::protocol::SessionId;
use crate::protocol::gossip::peers::{Admission, Candidate, Direction};
use crate::protocol::gossip::{Effect, Gossip};
use crate::wire::NodeRole;
use crate::wire::channel::{Expected, Side};
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Messages that may wait here: one for each session, and what the ledger tells.
const MAILBOX: usize = 1024;
/// Questions that the ledger may have unanswered, half of its mailbox: above it, sessions are not
/// read from.
pub(super) const LEDGER_CREDIT: usize = 512;
/// Questions that may wait for room in the ledger's mailbox: the credit, and one more of each
/// session.
const TO_LEDGER: usize = 2 * LEDGER_CREDIT;

/// The links to the ledger.
pub struct GossipLinks {
    headers: Link<CheckHeaders>,
    block: Link<SubmitBlock>,
    transactions: Link<SubmitTransactions>,
    missing: Link<FindMissing>,
}

impl GossipLinks {
    /// To one ledger.
    pub fn new(ledger: &actix::Addr<super::LedgerActor>) -> Self {
        Self {
            headers: Link::new(ledger, TO_LEDGER),
            block: Link::new(ledger, TO_LEDGER),
            transactions: Link::new(ledger, TO_LEDGER),
            missing: Link::new(ledger, TO_LEDGER),
        }
    }

    fn flush(&mut self) {
        self.headers.flush();
        self.block.flush();
        self.transactions.flush();
        self.missing.flush();
    }
}

/// The links to those who send and receive for the owner.
pub struct DeliveryLinks {
    /// What the owner sends.
    pub outbox: Link<DeliveryTold>,
    /// What the owner receives.
    pub inbox: Link<TakeDelivery>,
}

struct Handle {
    commands: SessionHandle,
    address: String,
    /// For the log: the address until it is known whose it is, then the member's.
    peer: String,
    direction: Direction,
    opened: bool,
}

/// The shell around the conversation with the peers.
pub struct GossipActor {
    gossip: Gossip,
    context: SessionContext,
    expected: Expected,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ledger: GossipLinks,
    delivery: DeliveryLinks,
    sessions: BTreeMap<SessionId, Handle>,
    unanswered: usize,
    parked: Vec<oneshot::Sender<()>>,
    closing: bool,
}

impl GossipActor {
    /// Around a machine that asks `ledger`. Peers talk to peers of their own network, whom its
    /// `tracker` certified.
    pub fn new(
        gossip: Gossip,
        context: SessionContext,
        tracker: PublicKey,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        (ledger, delivery): (GossipLinks, DeliveryLinks),
    ) -> Self {
        Self {
            gossip,
            context,
            expected: Expected {
                role: NodeRole::Peer,
                same_network: true,
                certified_by: Some(tracker),
            },
            transport,
            clock,
            ledger,
            delivery,
            sessions: BTreeMap::new(),
            unanswered: 0,
            parked: Vec::new(),
            closing: false,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Send(session, message) => {
                    log::said(self.peer(session), &message);
                    self.command(session, SessionCommand::Send(message));
                }
                Effect::SendBlocks(session, ids) => {
                    self.command(session, SessionCommand::SendBlocks(ids));
                }
                Effect::SendHeaders(session, ids) => {
                    self.command(session, SessionCommand::SendHeaders(ids));
                }
                Effect::AskHeaders(session, after) => {
                    self.command(session, SessionCommand::AskHeaders(after));
                }
                Effect::Close(session, why) => self.command(session, SessionCommand::Close(why)),
                Effect::Dial(address) => self.dial(address, ctx),
                Effect::CheckHeaders(session, headers) => {
                    self.ask(|ledger| ledger.headers.send(CheckHeaders { session, headers }));
                }
                Effect::SubmitBlock(session, block) => {
                    log::block(self.peer(session), &block);
                    self.ask(|ledger| ledger.block.send(SubmitBlock { session, block }));
                }
                Effect::SubmitTransactions(session, transactions) => {
                    log::transactions(self.peer(session), &transactions);
                    self.ask(|ledger| {
                        ledger.transactions.send(SubmitTransactions {
                            session,
                            transactions,
                        });
                    });
                }
                Effect::FindMissing(toward, limit) => {
                    self.ask(|ledger| ledger.missing.send(FindMissing { toward, limit }));
                }
                Effect::TakeDelivery(session, transaction) => {
                    self.unanswered += 1;
                    self.delivery.inbox.send(TakeDelivery {
                        session,
                        transaction,
                    });
                }
                Effect::TellOutbox(fact) => self.delivery.outbox.send(DeliveryTold(fact)),
                Effect::Tell(fact) => log::fact(&fact, self.clock.steady()),
            }
        }
    }

    fn ask(&mut self, question: impl FnOnce(&mut GossipLinks)) {
        self.unanswered += 1;
        question(&mut self.ledger);
    }

    /// Reads on from the sessions that had to wait, if the answers have caught up.
    fn resume(&mut self) {
        if self.unanswered < LEDGER_CREDIT {
            for parked in self.parked.drain(..) {
                // A session that ended meanwhile waits no more.
                let _ = parked.send(());
            }
        }
    }

    fn command(&mut self, session: SessionId, command: SessionCommand) {
        if let Some(handle) = self.sessions.get_mut(&session) {
            handle.commands.command(command);
        }
    }

    fn dial(&mut self, address: String, ctx: &mut Context<Self>) {
        let dialling = self.transport.dial(address.clone());
        ctx.spawn(
            dialling
                .into_actor(self)
                .map(move |result, actor, ctx| match result {
                    Ok(connection) => {
                        let session = actor.begin(connection, Direction::Outgoing, ctx);
                        actor.gossip.dial_connected(session, &address);
                    }
                    Err(error) => {
                        tracing::debug!(peer = %address, %error, "peer not reached");
                        let effects = actor.gossip.dial_failed(&address, actor.clock.steady());
                        actor.carry_out(effects, ctx);
                    }
                }),
        );
    }

    fn begin(
        &mut self,
        connection: Connection,
        direction: Direction,
        ctx: &mut Context<Self>,
    ) -> SessionId {
        let address = connection.address.clone();
        let owner = ctx.address().recipient();
        let side = match direction {
            Direction::Outgoing => Side::Initiator,
            Direction::Incoming => Side::Responder,
        };
        let begun = self.context.begin(connection, side, self.expected, owner);
        let (session, commands) = begun;
        self.sessions.insert(
            session,
            Handle {
                commands: SessionHandle::new(commands),
                peer: address.clone(),
                address,
                direction,
                opened: false,
            },
        );
        session
    }

    /// Who is at the other end, for the log: the member, or where it was dialled.
    fn peer(&self, session: SessionId) -> &str {
        let handle = self.sessions.get(&session);
        handle.map_or("", |handle| &handle.peer)
    }

    fn ledger_told(&mut self, fact: LedgerFact) -> Vec<Effect> {
        let now = self.clock.steady();
        let answers = matches!(
            fact,
            LedgerFact::HeadersJudged { .. }
                | LedgerFact::BlockJudged { .. }
                | LedgerFact::TransactionsJudged { .. }
                | LedgerFact::MissingFound { .. }
        );
        self.unanswered -= usize::from(answers);
        if let LedgerFact::BlockJudged { session, .. }
        | LedgerFact::TransactionsJudged { session, .. } = &fact
        {
            log::judged(self.peer(*session), &fact);
        }
        match fact {
            LedgerFact::HeadersJudged { session, outcome } => {
                self.gossip.headers_judged(session, outcome, now)
            }
            LedgerFact::BlockJudged {
                session,
                id,
                outcome,
            } => self.gossip.block_judged(session, id, &outcome, now),
            LedgerFact::TransactionsJudged { session, verdicts } => {
                self.gossip.transactions_judged(session, &verdicts, now)
            }
            LedgerFact::MissingFound { toward, ids } => self.gossip.missing_found(toward, ids, now),
            LedgerFact::TipChanged(change) => {
                self.context.greeting.set_height(change.tip.height());
                self.gossip.tip_changed(&change, now)
            }
            LedgerFact::TransactionOpened(transaction) => {
                self.gossip.transaction_opened(transaction);
                Vec::new()
            }
            LedgerFact::TransactionClosed(id) => {
                self.gossip.transaction_closed(&id);
                Vec::new()
            }
        }
    }
}

impl Actor for GossipActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |actor, ctx| {
            actor.ledger.flush();
            actor.delivery.outbox.flush();
            actor.delivery.inbox.flush();
            for handle in actor.sessions.values_mut() {
                handle.commands.flush();
            }
            if !actor.closing {
                let effects = actor.gossip.tick(actor.clock.steady());
                actor.carry_out(effects, ctx);
            }
        });
    }
}

impl Handler<SessionEvent> for GossipActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) -> Self::Result {
        let now = self.clock.steady();
        let SessionEvent { session, what } = event;
        let effects = match what {
            SessionFact::Opened { hello, .. } => match self.sessions.get_mut(&session) {
                Some(handle) => {
                    handle.opened = true;
                    handle.peer = hello.key.to_address();
                    self.gossip.opened(session, &hello, handle.direction, now)
                }
                None => Vec::new(),
            },
            SessionFact::Received(message) => self.gossip.received(session, message, now),
            SessionFact::Closed(reason) => {
                if let Some(handle) = self.sessions.remove(&session)
                    && !handle.opened
                {
                    tracing::debug!(peer = %handle.address, %reason, "no channel with a peer");
                }
                self.gossip.closed(session, &reason, now)
            }
        };
        self.carry_out(effects, ctx);
        if self.unanswered < LEDGER_CREDIT {
            return Box::pin(std::future::ready(()));
        }
        // The session sends its next event only after this one: it waits until the ledger has
        // caught up.
        let (sender, resumed) = oneshot::channel();
        self.parked.push(sender);
        Box::pin(async move {
            // Dropped only when the node stops.
            let _ = resumed.await;
        })
    }
}

impl Handler<LedgerTold> for GossipActor {
    type Result = ();

    fn handle(&mut self, message: LedgerTold, ctx: &mut Self::Context) {
        for fact in message.0 {
            let effects = self.ledger_told(fact);
            self.carry_out(effects, ctx);
        }
        let news = self.gossip.announce();
        self.carry_out(news, ctx);
        self.resume();
    }
}

impl Handler<ConnectionAccepted> for GossipActor {
    type Result = ();

    fn handle(&mut self, message: ConnectionAccepted, ctx: &mut Self::Context) {
        if self.closing {
            return;
        }
        let strangers = || {
            let sessions = self.sessions.iter();
            sessions.filter(|(_, h)| !h.opened && h.direction == Direction::Incoming)
        };
        match self.gossip.admits(strangers().count()) {
            Admission::Full => {
                tracing::debug!(peer = %message.0.address, "connection not taken: there are enough");
                return;
            }
            Admission::InPlaceOfOldest => {
                // Sessions are numbered as they come.
                if let Some((oldest, _)) = strangers().next() {
                    let oldest = *oldest;
                    self.command(oldest, SessionCommand::Close("there are too many".into()));
                    self.sessions.remove(&oldest);
                }
            }
            Admission::Welcome => {}
        }
        self.begin(message.0, Direction::Incoming, ctx);
    }
}

impl Handler<CandidatesKnown> for GossipActor {
    type Result = ();

    fn handle(&mut self, message: CandidatesKnown, ctx: &mut Self::Context) {
        let candidates = message
            .0
            .into_iter()
            .map(|candidate| Candidate {
                key: candidate.key,
                outlook: candidate.outlook,
                addresses: candidate
                    .addresses
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            })
            .collect();
        let effects = self.gossip.candidates(candidates, self.clock.steady());
        self.carry_out(effects, ctx);
    }
}
