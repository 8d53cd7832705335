//! Whom the ledger answers, and when: at once, as soon as the store has the rows, or when they are written.

use super::LedgerShell;
use crate::chain::Rejected;
use crate::chain::ledger::{Answer, BlockOutcome, Effect, Origin, Ticket};
use crate::messages::gossip::LedgerFact;
use crate::messages::ledger::{JudgeDelivery, JudgeOwn, Own, SubmitMinedBlock};
use crate::protocol::SessionId;
use crate::protocol::credit::Credit;
use crate::protocol::delivery::Judgement;
use crate::store::chain_rows::ChainRows;
use tokio::sync::oneshot;

/// Who waits for an answer.
pub(super) enum Asker {
    Session(Credit, SessionId),
    Owner(oneshot::Sender<Vec<Judgement>>),
    Delivery(oneshot::Sender<Judgement>),
    Miner(oneshot::Sender<BlockOutcome>),
}

impl LedgerShell {
    fn judgement(&self, verdict: Result<(), Rejected>) -> Judgement {
        let tip = self.ledger.tip();
        Judgement {
            verdict,
            height: tip.height(),
            block: tip.id,
            syncing: self.is_syncing(),
        }
    }

    /// Whether blocks are missing towards a chain with more work, or may be: somebody is still showing its headers.
    pub(super) fn is_syncing(&self) -> bool {
        let (tip, best) = (self.ledger.tip(), self.ledger.chain().best_header());
        best.work() > tip.work() || self.parts.showing.is()
    }

    pub(super) fn is_of_a_delivery(&self, effect: &Effect) -> bool {
        matches!(effect, Effect::Answer { ticket, .. }
            if matches!(self.askers.get(ticket), Some(Asker::Delivery(_))))
    }

    /// Gives the answers whose rows the store has.
    pub(super) fn answer_behind(&mut self) {
        if self.parts.links.store.waiting() == 0 {
            for (asker, judgement) in self.behind.drain(..) {
                // Whoever asked may have gone meanwhile.
                let _ = asker.send(judgement);
            }
        }
    }

    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer, facts: &mut Vec<LedgerFact>) {
        match (self.askers.remove(&ticket), answer) {
            (Some(Asker::Session(credit, session)), answer) => facts.push(LedgerFact::Judged {
                credit,
                session,
                answer,
            }),
            // Whoever asked may have gone meanwhile.
            (Some(Asker::Owner(owner)), Answer::Transactions(verdicts)) => {
                let verdicts = verdicts.into_iter();
                let judgements = verdicts.map(|(_, verdict)| self.judgement(verdict));
                let _ = owner.send(judgements.collect());
            }
            (Some(Asker::Delivery(inbox)), Answer::Transactions(verdicts)) => {
                let verdict = verdicts.into_iter().next();
                let judgement = verdict.map(|(_, verdict)| self.judgement(verdict));
                self.behind
                    .extend(judgement.map(|judgement| (inbox, judgement)));
                self.answer_behind();
            }
            (Some(Asker::Miner(miner)), Answer::Block(_, outcome)) => {
                let _ = miner.send(outcome);
            }
            _ => {}
        }
    }

    /// A transaction that was delivered to this node. Answered when the store has its rows; "busy" only when the
    /// node stops before.
    pub fn judge_delivery(
        &mut self,
        message: JudgeDelivery,
    ) -> impl Future<Output = Judgement> + Send + use<> {
        let (inbox, judgement) = oneshot::channel();
        let origin = Origin::Relay(self.ticket(Asker::Delivery(inbox)));
        let busy = self.judgement(Err(Rejected::Busy));
        let view = ChainRows(&*self.parts.disk);
        let effects = self.ledger.transactions(origin, vec![message.0], &view);
        self.carry_out_read(effects);
        async move { judgement.await.unwrap_or(busy) }
    }

    /// Transactions that this node sends. Answered when they are promised; "busy" only when the node stops
    /// before.
    pub fn judge_own(
        &mut self,
        message: JudgeOwn,
    ) -> impl Future<Output = Vec<Judgement>> + Send + use<> {
        let mut transactions = Vec::with_capacity(message.0.len());
        for own in &message.0 {
            if let Own::SignedHere(signed) = own {
                self.ledger.signed_here(signed);
            }
            transactions.push(own.transaction().clone());
        }
        let count = transactions.len();
        let (owner, judgements) = oneshot::channel();
        let origin = Origin::Promise(self.ticket(Asker::Owner(owner)));
        let busy = self.judgement(Err(Rejected::Busy));
        let view = ChainRows(&*self.parts.disk);
        let effects = self.ledger.transactions(origin, transactions, &view);
        self.carry_out_read(effects);
        async move { judgements.await.unwrap_or_else(|_| vec![busy; count]) }
    }

    /// A block of this node's own miner. Answered when it is promised; "busy" only when the node stops before.
    pub fn mined_block(
        &mut self,
        message: SubmitMinedBlock,
    ) -> impl Future<Output = BlockOutcome> + Send + use<> {
        let (miner, outcome) = oneshot::channel();
        let origin = Origin::Promise(self.ticket(Asker::Miner(miner)));
        let (view, now) = (ChainRows(&*self.parts.disk), self.parts.clock.wall());
        let effects = self.ledger.block(origin, message.0, &view, now);
        self.carry_out_read(effects);
        async move { outcome.await.unwrap_or(BlockOutcome::Busy) }
    }
}
