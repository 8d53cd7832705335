//! What the ledger tells.

use super::{GossipShell, log};
use crate::chain::ledger::Answer;
use crate::messages::gossip::{LedgerFact, LedgerTold};
use crate::protocol::gossip::Effect;

impl GossipShell {
    /// The ledger tells what it found, and what changed.
    pub fn ledger_told(&mut self, message: LedgerTold) {
        for fact in message.0 {
            let effects = self.ledger_fact(fact);
            self.carry_out(effects);
        }
        let news = self.gossip.announce();
        self.carry_out(news);
    }

    fn ledger_fact(&mut self, fact: LedgerFact) -> Vec<Effect> {
        let now = self.clock.steady();
        match fact {
            LedgerFact::Judged {
                credit,
                session,
                answer,
            } => {
                self.answered(credit);
                log::judged(self.peer(session), &answer);
                match answer {
                    Answer::Headers(outcome) => self.gossip.headers_judged(session, outcome, now),
                    Answer::Block(id, outcome) => {
                        self.gossip.block_judged(session, id, &outcome, now)
                    }
                    Answer::Transactions(verdicts) => {
                        self.gossip.transactions_judged(session, &verdicts, now)
                    }
                }
            }
            LedgerFact::MissingFound {
                credit,
                toward,
                ids,
            } => {
                self.answered(credit);
                self.gossip.missing_found(toward, ids, now)
            }
            LedgerFact::TipChanged(change) => {
                self.greeting.set_height(change.tip.height());
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
