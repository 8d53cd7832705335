//! Outbox: what the owner sends, and what waits in it for recipients who are away.

#[cfg(test)]
mod tests;

use super::{Answered, Ask, Fatal, Link, TableWriter};
use crate::chain::ledger::Funds;
use crate::chain::{EncodedTransaction, Internal};
use crate::clock::Clock;
use crate::keys::PublicKey;
use crate::messages::events::Event;
use crate::messages::gossip::{BlameSession, Deliver, ReachMember};
use crate::messages::inbox::OwnNewsTold;
use crate::messages::ledger::{GetFunds, JudgeOwn, Own};
use crate::messages::retry_queue::{
    CheckSignatures, DeliveryTold, GetOutbox, GetSend, MembersLive, OutboxStatus, ReleaseSend,
    RetrySend, SendTransfer, WithdrawSend,
};
use crate::messages::store::{CommitRows, Committer, RowsCommitted, Urgency};
use crate::protocol::delivery::Judgement;
use crate::protocol::delivery::outbox::{Effect, Line, OrderError, Outbox, SendError, Wish};
use crate::protocol::delivery::rows::{self, SendState};
use crate::protocol::gossip::delivery::DeliveryFact;
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use crate::store::{Disk, Table};
use crate::verifier::Verdicts;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What the outbox needs of the node.
pub struct OutboxParts {
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
    /// Has sessions closed.
    pub blame: Link<BlameSession>,
    /// Hands transactions to the network; the token are the numbers of the sends.
    pub ledger: Link<Ask<Vec<u64>, JudgeOwn>>,
    /// Checks signatures, of which it has one list at a time.
    pub checks: Link<Ask<(), CheckSignatures>>,
    /// Says what can be spent.
    pub funds: Link<Ask<(), GetFunds>>,
    /// Who follows what happens.
    pub events: Link<Event>,
    /// Ends the node.
    pub fatal: Fatal,
}

type Answer = Result<u64, SendError>;

/// The shell around the outbox.
pub struct OutboxShell {
    outbox: Outbox,
    writer: TableWriter,
    own: PublicKey,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    reach: Link<ReachMember>,
    deliver: Link<Deliver>,
    blame: Link<BlameSession>,
    ledger: Link<Ask<Vec<u64>, JudgeOwn>>,
    /// What is to be handed to the ledger, once the store has what is written before it.
    passing_on: (Vec<u64>, Vec<Own>),
    checks: Link<Ask<(), CheckSignatures>>,
    funds: Link<Ask<(), GetFunds>>,
    events: Link<Event>,
    fatal: Fatal,
    askers: HashMap<u64, oneshot::Sender<Answer>>,
    tickets: u64,
}

impl OutboxShell {
    /// Around an outbox that was opened on the stored rows.
    pub fn new(outbox: Outbox, parts: OutboxParts) -> Self {
        Self {
            outbox,
            writer: TableWriter::new(parts.store, Committer::Outbox, Table::Outbox),
            own: parts.own,
            disk: parts.disk,
            clock: parts.clock,
            reach: parts.reach,
            deliver: parts.deliver,
            blame: parts.blame,
            ledger: parts.ledger,
            passing_on: (Vec::new(), Vec::new()),
            checks: parts.checks,
            funds: parts.funds,
            events: parts.events,
            fatal: parts.fatal,
            askers: HashMap::new(),
            tickets: 0,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        // The ledger's rows for what is passed on are just behind.
        let is_fresh = |effect: &Effect| matches!(effect, Effect::PassOn { fresh: Some(_), .. });
        let urgency = match effects.iter().any(is_fresh) {
            true => Urgency::Behind,
            false => Urgency::Now,
        };
        for effect in effects {
            match effect {
                Effect::Commit { batch, rows } if self.outbox.is_idle(batch) => {
                    self.writer.commit_idle(batch, rows);
                }
                Effect::Commit { batch, rows } => self.writer.commit_with(batch, rows, urgency),
                Effect::AskFunds => self.funds.send(Ask {
                    token: (),
                    question: GetFunds(self.own),
                }),
                Effect::CheckReceipts(items) => self.checks.send(Ask {
                    token: (),
                    question: CheckSignatures(items),
                }),
                Effect::Reach(key) => self.reach.send(ReachMember(key)),
                Effect::Deliver { number, to } => {
                    if let Some(transaction) = self.body(number) {
                        self.deliver.send(Deliver { to, transaction });
                    }
                }
                Effect::Blame { session, reason } => {
                    self.blame.send(BlameSession { session, reason });
                }
                Effect::PassOn { number, fresh } => {
                    let own = match fresh {
                        Some(signed) => Some(Own::SignedHere(signed)),
                        None => self.body(number).map(Own::Stored),
                    };
                    if let Some(own) = own {
                        let (numbers, all) = &mut self.passing_on;
                        numbers.push(number);
                        all.push(own);
                    }
                }
                Effect::Answer { ticket, answer } => {
                    if let Some(asker) = self.askers.remove(&ticket) {
                        // Whoever asked may have gone meanwhile.
                        let _ = asker.send(answer);
                    }
                }
                Effect::Tell { id, state, reason } => {
                    if state.has_failed() {
                        tracing::warn!(tx = %id, state = state.name(), %reason, "a send did not get through");
                    } else if state != SendState::Open {
                        // Of what is open the ledger tells.
                        tracing::debug!(tx = %id, state = state.name(), %reason, "how a send stands now");
                    }
                    self.events.send(Event::SendChanged { id, state });
                }
                Effect::GoByNetwork(sends) => tracing::info!(
                    sends,
                    "sends go by way of the network, which sees sender, recipient and coins"
                ),
            }
        }
        self.pass_on();
    }

    /// Hands to the ledger what is to go to the network, all of it together. What the ledger writes of it comes
    /// behind the rows of the outbox only if the store has these already.
    fn pass_on(&mut self) {
        if self.passing_on.0.is_empty() || self.writer.is_behind() {
            return;
        }
        let (token, all) = std::mem::take(&mut self.passing_on);
        let question = JudgeOwn(all);
        self.ledger.send(Ask { token, question });
    }

    /// Carries out what could be read; what can't be read ends the node.
    fn carry_out_read(&mut self, effects: Result<Vec<Effect>, Internal>) {
        match effects {
            Ok(effects) => self.carry_out(effects),
            Err(error) => self.fatal.raise(error.to_string()),
        }
    }

    /// The transaction of a number; a row that can't be read ends the node.
    fn body(&self, number: u64) -> Option<EncodedTransaction> {
        let read = rows::body(&DeliveryTable::outbox(&*self.disk), number);
        let missing = || Internal(format!("transaction {number} of the outbox is missing"));
        match read.and_then(|body| body.ok_or_else(missing)) {
            Ok(transaction) => Some(transaction),
            Err(error) => {
                self.fatal.raise(error.to_string());
                None
            }
        }
    }

    fn ticket(&mut self) -> (u64, oneshot::Receiver<Answer>) {
        let (asker, answered) = oneshot::channel();
        self.tickets += 1;
        self.askers.insert(self.tickets, asker);
        (self.tickets, answered)
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.writer.flush();
        self.reach.flush();
        self.deliver.flush();
        self.blame.flush();
        self.ledger.flush();
        self.funds.flush();
        self.pass_on();
        let effects = self.outbox.tick(self.clock.now());
        self.carry_out(effects);
    }

    /// Looks through the next blocks that came while this node was not at work. Whether there are more.
    pub fn catch_up(&mut self) -> bool {
        let (disk, now) = (self.disk.clone(), self.clock.now());
        let snapshot = disk.snapshot();
        let (chain, rows) = (ChainRows(&*snapshot), DeliveryTable::outbox(&*disk));
        let caught_up = self.outbox.catch_up(&chain, &rows, now);
        let is_behind = matches!(caught_up, Ok((true, _)));
        self.carry_out_read(caught_up.map(|(_, effects)| effects));
        is_behind
    }

    /// The owner sends something. The answers come when they are promised; dropped unanswered only when the
    /// node stops.
    pub fn send(
        &mut self,
        sends: impl IntoIterator<Item = SendTransfer>,
    ) -> Vec<oneshot::Receiver<Answer>> {
        let (mut wishes, mut answers) = (Vec::new(), Vec::new());
        for send in sends {
            let SendTransfer {
                transaction,
                route,
                request,
            } = send;
            let (ticket, answered) = self.ticket();
            wishes.push(Wish {
                ticket,
                transaction,
                route,
                request,
            });
            answers.push(answered);
        }
        let effects = self.outbox.send(wishes, self.clock.now());
        self.carry_out(effects);
        answers
    }

    /// The owner withdraws what has never left. The answer comes when it is stored.
    ///
    /// # Errors
    /// Why it can't be withdrawn.
    pub fn withdraw(
        &mut self,
        message: &WithdrawSend,
    ) -> Result<oneshot::Receiver<Answer>, OrderError> {
        self.order(|outbox, ticket| outbox.withdraw(ticket, &message.0))
    }

    /// The owner frees the coins of what has ended and may still be mined. The answer comes when it is
    /// stored.
    ///
    /// # Errors
    /// Why they can't be freed.
    pub fn release(
        &mut self,
        message: &ReleaseSend,
    ) -> Result<oneshot::Receiver<Answer>, OrderError> {
        self.order(|outbox, ticket| outbox.release(ticket, &message.0))
    }

    fn order(
        &mut self,
        order: impl FnOnce(&mut Outbox, u64) -> Result<Vec<Effect>, OrderError>,
    ) -> Result<oneshot::Receiver<Answer>, OrderError> {
        let (ticket, answered) = self.ticket();
        match order(&mut self.outbox, ticket) {
            Ok(effects) => {
                self.carry_out(effects);
                Ok(answered)
            }
            Err(error) => {
                self.askers.remove(&ticket);
                Err(error)
            }
        }
    }

    /// The owner wants what waits tried at once.
    ///
    /// # Errors
    /// Why it can't be.
    pub fn retry(&mut self, message: RetrySend) -> Result<(), OrderError> {
        let effects = self.outbox.retry(&message.0, self.clock.now())?;
        self.carry_out(effects);
        Ok(())
    }

    /// The disk holds all batches up to this one.
    pub fn committed(&mut self, message: RowsCommitted) {
        let effects = self.outbox.committed(message.batch);
        self.carry_out(effects);
    }

    /// The ledger tells of the owner's transactions.
    pub fn ledger_told(&mut self, message: OwnNewsTold) {
        let (disk, now) = (self.disk.clone(), self.clock.now());
        let rows = DeliveryTable::outbox(&*disk);
        let effects = self.outbox.ledger_told(&message.0, &rows, now);
        self.carry_out_read(effects);
    }

    /// The ledger has judged what was handed to it.
    pub fn judged(&mut self, message: Answered<Vec<u64>, Vec<Judgement>>) {
        let Answered { token, answer } = message;
        let judged = token.into_iter().zip(answer);
        let effects = self.outbox.judged(judged, self.clock.now());
        self.carry_out(effects);
    }

    /// The ledger says what can be spent. A failure of its own has ended the node already.
    pub fn funds(&mut self, message: Answered<(), Result<Funds, Internal>>) {
        if let Ok(funds) = message.answer {
            let effects = self.outbox.funds(&funds, self.clock.now());
            self.carry_out(effects);
        }
    }

    /// The signatures of receipts are checked.
    pub fn receipts_checked(&mut self, message: Answered<(), Verdicts>) {
        let effects = self
            .outbox
            .receipts_checked(&message.answer, self.clock.now());
        self.carry_out(effects);
    }

    /// Gossip tells what happened between this node and the recipients.
    pub fn delivery_told(&mut self, message: DeliveryTold) {
        let now = self.clock.now();
        let effects = match message.0 {
            DeliveryFact::Reached(key) => self.outbox.reached(&key, now),
            DeliveryFact::Lost(key) => self.outbox.lost(&key, now),
            DeliveryFact::Unreachable(key) => self.outbox.unreachable(&key, now),
            DeliveryFact::Receipt {
                session,
                from,
                receipt,
            } => self.outbox.receipt((session, &from), &receipt),
        };
        self.carry_out(effects);
    }

    /// The tracker's word on who is alive.
    pub fn members_live(&mut self, message: MembersLive) {
        let effects = self
            .outbox
            .members_live(message.live, message.out, self.clock.now());
        self.carry_out(effects);
    }

    /// What waits. Whoever asks, be it to stop the node, finds all that was decided with the store.
    pub fn status(&mut self, message: GetOutbox) -> OutboxStatus {
        self.writer.flush();
        OutboxStatus {
            waiting: self.outbox.waiting(),
            lines: self.outbox.lines(message.after, message.limit),
        }
    }

    /// How one send stands on its way.
    pub fn line(&mut self, message: GetSend) -> Option<Line> {
        self.outbox.line(&message.0)
    }
}
