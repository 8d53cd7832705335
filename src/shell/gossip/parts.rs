//! What the shell needs of the node.

use crate::clock::Clock;
use crate::membership::Statements;
use crate::messages::events::Event;
use crate::messages::inbox::TakeDelivery;
use crate::messages::ledger::{CheckHeaders, FindMissing, SubmitBlock, SubmitTransactions};
use crate::messages::retry_queue::DeliveryTold;
use crate::messages::store::CommitRows;
use crate::messages::tracker_link::HearStatements;
use crate::shell::{Begin, Dial, Greeting, Link, Port, Showing};
use std::sync::Arc;

/// The links to the ledger.
pub struct GossipLinks {
    /// Judges headers.
    pub headers: Link<CheckHeaders>,
    /// Judges blocks.
    pub block: Link<SubmitBlock>,
    /// Judges transactions.
    pub transactions: Link<SubmitTransactions>,
    /// Names missing bodies.
    pub missing: Link<FindMissing>,
}

/// The links to those who send and receive for the owner.
pub struct DeliveryLinks {
    /// What the owner sends.
    pub outbox: Link<DeliveryTold>,
    /// What the owner receives.
    pub inbox: Link<TakeDelivery>,
}

/// What the conversation with the peers needs of the node.
pub struct GossipParts {
    /// Who speaks for the network; what the admin has said is told later, before anybody is talked to.
    pub members: Arc<Statements>,
    /// What this node says of itself.
    pub greeting: Arc<Greeting>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Begins sessions.
    pub begin: Box<dyn Begin>,
    /// Dials.
    pub dial: Link<Dial>,
    /// Is asked what is valid, and what is missing.
    pub ledger: GossipLinks,
    /// Says to the ledger whether more headers are to come.
    pub showing: Arc<Showing>,
    /// Is told and asked of deliveries.
    pub delivery: DeliveryLinks,
    /// Keeps what the admin has said. What finds no room is told again by whoever said it, in its next
    /// session.
    pub statements: Box<dyn Port<HearStatements>>,
    /// Writes whom this node has met.
    pub store: Link<CommitRows>,
    /// Who follows what happens.
    pub events: Link<Event>,
}
