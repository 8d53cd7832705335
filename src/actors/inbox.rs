//! Inbox: what this node's owner receives.

use super::{Fatal, Link, TICK};
use crate::chain::{EncodedTransaction, Internal};
use crate::clock::Clock;
use crate::messages::gossip::{AnswerDelivery, BlameSession};
use crate::messages::inbox::{CountUnread, LedgerTells, MarkRead, TakeDelivery};
use crate::messages::ledger::JudgeTransaction;
use crate::messages::store::{CommitRows, Committer, Rows, RowsCommitted};
use crate::messages::wallet::SignReceipt;
use crate::protocol::delivery::inbox::{Effect, Inbox};
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use crate::store::{Disk, RowChange, Table};
use crate::wire::ReceiptStatement;
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, WrapFuture,
};
use std::sync::Arc;

/// Messages that may wait here: what ledger and store tell, and the API.
const MAILBOX: usize = 1024;

/// What the inbox needs of the node.
pub struct InboxParts {
    /// Where what came before is read.
    pub disk: Arc<dyn Disk>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Writes it.
    pub store: Link<CommitRows>,
    /// Sends receipts.
    pub answers: Link<AnswerDelivery>,
    /// Has sessions closed.
    pub blame: Link<BlameSession>,
    /// Judges what is delivered.
    pub ledger: Recipient<JudgeTransaction>,
    /// Signs receipts.
    pub sign: Recipient<SignReceipt>,
    /// Ends the node.
    pub fatal: Fatal,
}

/// The shell around the inbox.
pub struct InboxActor {
    inbox: Inbox,
    parts: InboxParts,
}

impl InboxActor {
    /// Around an inbox that was opened on the stored rows.
    pub fn new(inbox: Inbox, parts: InboxParts) -> Self {
        Self { inbox, parts }
    }

    fn carry_out(&mut self, effects: Result<Vec<Effect>, Internal>, ctx: &mut Context<Self>) {
        let effects = match effects {
            Ok(effects) => effects,
            Err(error) => return self.parts.fatal.raise(error.to_string()),
        };
        for effect in effects {
            match effect {
                Effect::Commit { batch, rows } => {
                    let rows = rows.into_iter().map(|(key, value)| RowChange {
                        table: Table::Inbox,
                        key,
                        value,
                    });
                    self.parts.store.send(CommitRows {
                        committer: Committer::Inbox,
                        batch,
                        rows: Rows::Plain(rows.collect()),
                    });
                }
                Effect::Judge {
                    ticket,
                    transaction,
                } => self.judge(ticket, transaction, ctx),
                Effect::Sign { ticket, statement } => self.sign(ticket, statement, ctx),
                Effect::Answer { session, receipt } => {
                    self.parts.answers.send(AnswerDelivery { session, receipt });
                }
                Effect::Blame { session, reason } => {
                    self.parts.blame.send(BlameSession { session, reason });
                }
                Effect::Tell(facts) => {
                    let (tx, from) = (facts.id, facts.from.to_address());
                    tracing::debug!(%tx, %from, amount = facts.amount.0, "something came in");
                }
            }
        }
    }

    fn judge(&mut self, ticket: u64, transaction: EncodedTransaction, ctx: &mut Context<Self>) {
        let judged = self.parts.ledger.send(JudgeTransaction(transaction));
        ctx.spawn(judged.into_actor(self).map(move |judged, actor, ctx| {
            // An error means that the node is stopping.
            if let Ok(judgement) = judged {
                let effects = actor.inbox.judged(ticket, &judgement);
                actor.carry_out(Ok(effects), ctx);
            }
        }));
    }

    fn sign(&mut self, ticket: u64, statement: ReceiptStatement, ctx: &mut Context<Self>) {
        let signed = self.parts.sign.send(SignReceipt(statement));
        ctx.spawn(signed.into_actor(self).map(move |signed, actor, ctx| {
            // An error means that the node is stopping.
            if let Ok(receipt) = signed {
                let (disk, now) = (actor.parts.disk.clone(), actor.parts.clock.wall());
                let rows = DeliveryTable::inbox(&*disk);
                let effects = actor.inbox.signed(ticket, receipt, &rows, now);
                actor.carry_out(effects, ctx);
            }
        }));
    }
}

/// Look through the next blocks.
#[derive(Message)]
#[rtype(result = "()")]
struct CatchUp;

impl Actor for InboxActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(CatchUp);
        ctx.run_interval(TICK, |actor, _| {
            actor.parts.store.flush();
            actor.parts.answers.flush();
            actor.parts.blame.flush();
        });
    }
}

impl Handler<CatchUp> for InboxActor {
    type Result = ();

    fn handle(&mut self, _: CatchUp, ctx: &mut Self::Context) {
        let (disk, now) = (self.parts.disk.clone(), self.parts.clock.wall());
        let (chain, rows) = (ChainRows(&*disk), DeliveryTable::inbox(&*disk));
        let effects = self.inbox.catch_up(&chain, &rows, now);
        let effects = effects.map(|(more, effects)| {
            if more {
                ctx.notify(CatchUp);
            }
            effects
        });
        self.carry_out(effects, ctx);
    }
}

impl Handler<TakeDelivery> for InboxActor {
    type Result = ();

    fn handle(&mut self, message: TakeDelivery, ctx: &mut Self::Context) {
        let TakeDelivery {
            session,
            transaction,
        } = message;
        let rows = DeliveryTable::inbox(&*self.parts.disk);
        let effects = self.inbox.delivered(session, transaction, &rows);
        self.carry_out(effects, ctx);
    }
}

impl Handler<LedgerTells> for InboxActor {
    type Result = ();

    fn handle(&mut self, message: LedgerTells, ctx: &mut Self::Context) {
        let now = self.parts.clock.wall();
        for news in message.0 {
            let rows = DeliveryTable::inbox(&*self.parts.disk);
            let effects = self.inbox.ledger_told(&news, &rows, now);
            self.carry_out(effects, ctx);
        }
    }
}

impl Handler<RowsCommitted> for InboxActor {
    type Result = ();

    fn handle(&mut self, message: RowsCommitted, ctx: &mut Self::Context) {
        let effects = self.inbox.committed(message.batch);
        self.carry_out(Ok(effects), ctx);
    }
}

impl Handler<MarkRead> for InboxActor {
    type Result = ();

    fn handle(&mut self, message: MarkRead, ctx: &mut Self::Context) {
        let effects = self.inbox.read(&message.0);
        self.carry_out(Ok(effects), ctx);
    }
}

impl Handler<CountUnread> for InboxActor {
    type Result = usize;

    fn handle(&mut self, _: CountUnread, _: &mut Self::Context) -> Self::Result {
        self.inbox.unread()
    }
}
