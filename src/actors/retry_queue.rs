//! RetryQueue: the outbox, and what waits in it for recipients who are away.

use super::{Fatal, Link, TICK};
use crate::chain::{EncodedTransaction, Internal};
use crate::clock::Clock;
use crate::keys::PublicKey;
use crate::messages::gossip::{Deliver, ReachMember};
use crate::messages::inbox::LedgerTells;
use crate::messages::ledger::{GetFunds, JudgeTransaction};
use crate::messages::retry_queue::{
    DeliveryTold, GetOutbox, GetSend, MembersLive, OutboxStatus, RetrySend, SendTransfer,
    WithdrawSend,
};
use crate::messages::store::{CommitRows, Committer, Rows, RowsCommitted};
use crate::protocol::delivery::outbox::{Effect, OrderError, Outbox, SendError};
use crate::protocol::delivery::rows;
use crate::protocol::gossip::delivery::DeliveryFact;
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use crate::store::{Disk, RowChange, Table};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, Recipient,
    ResponseFuture, WrapFuture,
};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Messages that may wait here: what the API has under way, one for each session, and what ledger and
/// store tell.
const MAILBOX: usize = 1024;

/// What the outbox needs of the node.
pub struct RetryQueueParts {
    /// Whose it is.
    pub own: PublicKey,
    /// Where what was sent is read.
    pub disk: Arc<dyn Disk>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Writes it.
    pub store: Link<CommitRows>,
    /// Finds the recipients.
    pub reach: Link<ReachMember>,
    /// Takes transactions to them.
    pub deliver: Link<Deliver>,
    /// Hands transactions to the network.
    pub ledger: Recipient<JudgeTransaction>,
    /// Says what can be spent.
    pub funds: Recipient<GetFunds>,
    /// Ends the node.
    pub fatal: Fatal,
}

type Answer = oneshot::Sender<Result<(), SendError>>;

/// The shell around the outbox.
pub struct RetryQueueActor {
    outbox: Outbox,
    parts: RetryQueueParts,
    askers: HashMap<u64, Answer>,
    tickets: u64,
}

impl RetryQueueActor {
    /// Around an outbox that was opened on the stored rows.
    pub fn new(outbox: Outbox, parts: RetryQueueParts) -> Self {
        Self {
            outbox,
            parts,
            askers: HashMap::new(),
            tickets: 0,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Commit { batch, rows } => {
                    let rows = rows.into_iter().map(|(key, value)| RowChange {
                        table: Table::Outbox,
                        key,
                        value,
                    });
                    self.parts.store.send(CommitRows {
                        committer: Committer::Outbox,
                        batch,
                        rows: Rows::Plain(rows.collect()),
                    });
                }
                Effect::AskFunds => self.ask_funds(ctx),
                Effect::Reach(key) => self.parts.reach.send(ReachMember(key)),
                Effect::Deliver { number, to } => {
                    if let Some(transaction) = self.body(number) {
                        self.parts.deliver.send(Deliver { to, transaction });
                    }
                }
                Effect::PassOn { number } => self.pass_on(number, ctx),
                Effect::Answer { ticket, answer } => {
                    if let Some(asker) = self.askers.remove(&ticket) {
                        // Whoever asked may have gone meanwhile.
                        let _ = asker.send(answer.map(drop));
                    }
                }
                Effect::Tell { id, state, reason } if state.has_failed() => {
                    tracing::warn!(tx = %id, state = state.name(), %reason, "a send did not get through");
                }
                Effect::Tell { id, state, .. } => {
                    tracing::debug!(tx = %id, state = state.name(), "a send moved on");
                }
            }
        }
    }

    /// The transaction of a number; a row that can't be read ends the node.
    fn body(&self, number: u64) -> Option<EncodedTransaction> {
        let read = rows::body(&DeliveryTable::outbox(&*self.parts.disk), number);
        let missing = || Internal(format!("transaction {number} of the outbox is missing"));
        match read.and_then(|body| body.ok_or_else(missing)) {
            Ok(transaction) => Some(transaction),
            Err(error) => {
                self.parts.fatal.raise(error.to_string());
                None
            }
        }
    }

    fn pass_on(&mut self, number: u64, ctx: &mut Context<Self>) {
        let Some(transaction) = self.body(number) else {
            return;
        };
        let judged = self.parts.ledger.send(JudgeTransaction(transaction));
        ctx.spawn(judged.into_actor(self).map(move |judged, actor, ctx| {
            // An error means that the node is stopping.
            if let Ok(judgement) = judged {
                let now = actor.parts.clock.now();
                let effects = actor.outbox.judged(number, &judgement, now);
                actor.carry_out(effects, ctx);
            }
        }));
    }

    fn ask_funds(&self, ctx: &mut Context<Self>) {
        let asked = self.parts.funds.send(GetFunds(self.parts.own));
        ctx.spawn(asked.into_actor(self).map(|funds, actor, ctx| {
            // An error means that the node is stopping; whoever asked hears so.
            if let Ok(Ok(funds)) = funds {
                let effects = actor.outbox.funds(&funds, actor.parts.clock.now());
                actor.carry_out(effects, ctx);
            }
        }));
    }
}

/// Look through the next blocks.
#[derive(Message)]
#[rtype(result = "()")]
struct CatchUp;

impl Actor for RetryQueueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(CatchUp);
        ctx.run_interval(TICK, |actor, ctx| {
            actor.parts.store.flush();
            actor.parts.reach.flush();
            actor.parts.deliver.flush();
            let effects = actor.outbox.tick(actor.parts.clock.now());
            actor.carry_out(effects, ctx);
        });
    }
}

impl Handler<CatchUp> for RetryQueueActor {
    type Result = ();

    fn handle(&mut self, _: CatchUp, ctx: &mut Self::Context) {
        let (disk, now) = (self.parts.disk.clone(), self.parts.clock.now());
        let (chain, rows) = (ChainRows(&*disk), DeliveryTable::outbox(&*disk));
        match self.outbox.catch_up(&chain, &rows, now) {
            Ok((more, effects)) => {
                if more {
                    ctx.notify(CatchUp);
                }
                self.carry_out(effects, ctx);
            }
            Err(error) => self.parts.fatal.raise(error.to_string()),
        }
    }
}

impl Handler<SendTransfer> for RetryQueueActor {
    type Result = ResponseFuture<Result<(), SendError>>;

    fn handle(&mut self, message: SendTransfer, ctx: &mut Self::Context) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.tickets += 1;
        self.askers.insert(self.tickets, answer);
        let SendTransfer {
            transaction,
            broadcast,
        } = message;
        let now = self.parts.clock.now();
        let effects = self.outbox.send(self.tickets, transaction, broadcast, now);
        self.carry_out(effects, ctx);
        // Dropped unanswered only when the node stops.
        Box::pin(async move { answered.await.unwrap_or(Err(SendError::Stopping)) })
    }
}

impl Handler<RowsCommitted> for RetryQueueActor {
    type Result = ();

    fn handle(&mut self, message: RowsCommitted, ctx: &mut Self::Context) {
        let effects = self.outbox.committed(message.batch);
        self.carry_out(effects, ctx);
    }
}

impl Handler<LedgerTells> for RetryQueueActor {
    type Result = ();

    fn handle(&mut self, message: LedgerTells, ctx: &mut Self::Context) {
        let now = self.parts.clock.now();
        for news in message.0 {
            let rows = DeliveryTable::outbox(&*self.parts.disk);
            match self.outbox.ledger_told(&news, &rows, now) {
                Ok(effects) => self.carry_out(effects, ctx),
                Err(error) => self.parts.fatal.raise(error.to_string()),
            }
        }
    }
}

impl Handler<DeliveryTold> for RetryQueueActor {
    type Result = ();

    fn handle(&mut self, message: DeliveryTold, ctx: &mut Self::Context) {
        let now = self.parts.clock.now();
        let effects = match message.0 {
            DeliveryFact::Reached(key) => self.outbox.reached(&key, now),
            DeliveryFact::Lost(key) => self.outbox.lost(&key, now),
            DeliveryFact::Unreachable(key) => self.outbox.unreachable(&key, now),
            DeliveryFact::Receipt { from, receipt } => self.outbox.receipt(&from, &receipt, now),
        };
        self.carry_out(effects, ctx);
    }
}

impl Handler<MembersLive> for RetryQueueActor {
    type Result = ();

    fn handle(&mut self, message: MembersLive, ctx: &mut Self::Context) {
        let effects = self.outbox.members_live(message.0, self.parts.clock.now());
        self.carry_out(effects, ctx);
    }
}

impl Handler<RetrySend> for RetryQueueActor {
    type Result = Result<(), OrderError>;

    fn handle(&mut self, message: RetrySend, ctx: &mut Self::Context) -> Self::Result {
        let effects = self.outbox.retry(&message.0, self.parts.clock.now())?;
        self.carry_out(effects, ctx);
        Ok(())
    }
}

impl Handler<WithdrawSend> for RetryQueueActor {
    type Result = ResponseFuture<Result<(), OrderError>>;

    fn handle(&mut self, message: WithdrawSend, ctx: &mut Self::Context) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.tickets += 1;
        match self.outbox.withdraw(self.tickets, &message.0) {
            Ok(effects) => {
                self.askers.insert(self.tickets, answer);
                self.carry_out(effects, ctx);
                Box::pin(async move {
                    // Dropped unanswered only when the node stops.
                    answered.await.map(drop).map_err(|_| OrderError::Stopping)
                })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

impl Handler<GetOutbox> for RetryQueueActor {
    type Result = MessageResult<GetOutbox>;

    fn handle(&mut self, message: GetOutbox, _: &mut Self::Context) -> Self::Result {
        MessageResult(OutboxStatus {
            waiting: self.outbox.waiting(),
            lines: self.outbox.lines(message.after, message.limit),
        })
    }
}

impl Handler<GetSend> for RetryQueueActor {
    type Result = MessageResult<GetSend>;

    fn handle(&mut self, message: GetSend, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.outbox.line(&message.0))
    }
}
