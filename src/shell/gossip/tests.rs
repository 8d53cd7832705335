//! The shell by itself, then whole networks of shells and their machines in a world without a runtime.

mod conversation;
mod credit;
mod events;
mod sync;
mod time;
mod world;

use super::*;
use crate::chain::ledger::Answer;
use crate::chain::testing::{genesis, member, network};
use crate::chain::{Block, BlockId, Height, Work};
use crate::clock::STARTED;
use crate::membership::Statements;
use crate::messages::gossip::{LedgerFact, LedgerTold};
use crate::messages::store::CommitRows;
use crate::protocol::gossip::peers::PeersLimits;
use crate::protocol::testing::hello;
use crate::shell::testing::{HandClock, Numbered, Ordered, Outbound, connection};
use crate::wire::Message;

const LIMITS: PeersLimits = PeersLimits {
    outgoing: 8,
    incoming: 32,
};

/// What a ledger is asked, in the order in which it is.
enum Question {
    Headers(CheckHeaders),
    Block(SubmitBlock),
    Transactions(SubmitTransactions),
    Missing(FindMissing),
}

impl From<CheckHeaders> for Question {
    fn from(question: CheckHeaders) -> Self {
        Self::Headers(question)
    }
}

impl From<SubmitBlock> for Question {
    fn from(question: SubmitBlock) -> Self {
        Self::Block(question)
    }
}

impl From<SubmitTransactions> for Question {
    fn from(question: SubmitTransactions) -> Self {
        Self::Transactions(question)
    }
}

impl From<FindMissing> for Question {
    fn from(question: FindMissing) -> Self {
        Self::Missing(question)
    }
}

/// A shell, and everything that goes out of it.
struct Node {
    shell: GossipShell,
    begun: Numbered,
    dials: Outbound<Dial>,
    questions: Outbound<Question>,
    told: Outbound<DeliveryTold>,
    taken: Outbound<TakeDelivery>,
    events: Outbound<Event>,
    /// What the ledger sees of who is still showing headers.
    showing: Arc<Showing>,
}

impl Node {
    fn new(own: u8, limits: PeersLimits, tip_work: Work, clock: &Arc<HandClock>) -> Self {
        let begun = Numbered::new();
        let (dials, questions) = (Outbound::new(), Outbound::new());
        let (told, taken) = (Outbound::new(), Outbound::new());
        let events = Outbound::new();
        let showing = Arc::<Showing>::default();
        let heard: Outbound<HearStatements> = Outbound::new();
        let key = member(own).public_key();
        let parts = GossipParts {
            members: Arc::new(Statements::new(&genesis())),
            greeting: Arc::new(Greeting::new(NodeRole::Peer, key, (own.into(), 1), None)),
            clock: clock.clone(),
            begin: Box::new(begun.clone()),
            dial: Link::to(dials.clone(), 0),
            ledger: GossipLinks {
                headers: Link::to(questions.clone(), 0),
                block: Link::to(questions.clone(), 0),
                transactions: Link::to(questions.clone(), 0),
                missing: Link::to(questions.clone(), 0),
            },
            showing: showing.clone(),
            delivery: DeliveryLinks {
                outbox: Link::to(told.clone(), 0),
                inbox: Link::to(taken.clone(), 0),
            },
            statements: Box::new(heard),
            store: Link::to(Outbound::<CommitRows>::new(), 0),
            events: Link::to(events.clone(), 0),
        };
        let gossip = Gossip::new(key, limits, tip_work, own.into(), clock.steady());
        Self {
            shell: GossipShell::new(gossip, parts),
            begun,
            dials,
            questions,
            told,
            taken,
            events,
            showing,
        }
    }

    /// The other end of a session proves to be this member.
    fn opened(&mut self, session: SessionId, number: u8) -> Option<oneshot::Receiver<()>> {
        let hello = Box::new(hello(number, NodeRole::Peer, network()));
        let what = SessionFact::Opened {
            hello,
            certificate: None,
        };
        self.shell.session_told(SessionEvent { session, what })
    }

    fn received(&mut self, session: SessionId, message: Message) -> Option<oneshot::Receiver<()>> {
        let what = SessionFact::Received(message);
        self.shell.session_told(SessionEvent { session, what })
    }

    fn closed(&mut self, session: SessionId, reason: &str) {
        let what = SessionFact::Closed(reason.to_owned());
        let parked = self.shell.session_told(SessionEvent { session, what });
        drop(parked);
    }
}
