//! What the ledgers of the world answer.

use super::*;

impl World {
    pub(super) fn send_blocks(&mut self, at: usize, session: SessionId, ids: Vec<BlockId>) {
        for id in ids {
            let peer = &self.peers[at];
            let block = crate::chain::rows::StateView::block(&peer.node.disk, &id).unwrap();
            let message = match (peer.kind, block) {
                (Kind::Staller, _) => return,
                (Kind::Denier, _) | (_, None) => Message::NoBlock(id),
                (Kind::Liar, Some(mut block)) => {
                    block
                        .transactions
                        .push(crate::chain::testing::transfer(1, 2, 1, 1, 1));
                    Message::Block(block)
                }
                (_, Some(block)) => Message::Block(block),
            };
            self.send_message(at, session, message);
        }
    }

    pub(super) fn send_headers(&mut self, at: usize, session: SessionId, ids: &[BlockId]) {
        let peer = &self.peers[at];
        let mut headers = headers_after(&peer.node.disk, ids).unwrap();
        match peer.kind {
            Kind::Silent => return,
            Kind::Boaster => {
                if let Some(last) = headers.last_mut() {
                    last.timestamp = last.timestamp.plus_ms(1);
                    while last.has_work() {
                        last.nonce += 1;
                    }
                }
            }
            _ => {}
        }
        self.send_message(at, session, Message::Headers(headers));
    }

    /// Lets a ledger answer one question.
    pub(super) fn answer_one(&mut self, at: usize) -> bool {
        let peer = &mut self.peers[at];
        peer.node.now = wall(self.now);
        let Some(question) = peer.own.questions.take() else {
            return false;
        };
        let answered = match question {
            Question::Headers(asked) => {
                let source = Source(asked.session.0);
                let outcome = peer.node.headers_from(source, &asked.headers);
                judged(asked.credit, asked.session, Answer::Headers(outcome))
            }
            Question::Block(asked) => {
                let id = asked.block.id();
                let outcome = peer.node.block(asked.block);
                judged(asked.credit, asked.session, Answer::Block(id, outcome))
            }
            Question::Transactions(asked) => {
                let ids = asked.transactions.iter().map(|t| t.id());
                let ids: Vec<_> = ids.collect();
                let verdicts = peer.node.send_all(asked.transactions);
                let verdicts = ids.into_iter().zip(verdicts).collect();
                let answer = Answer::Transactions(verdicts);
                judged(asked.credit, asked.session, answer)
            }
            Question::Missing(asked) => {
                peer.lookups += 1;
                let ledger = &peer.node.ledger;
                let ids = ledger.missing_bodies(&asked.toward, asked.limit, &peer.node.disk);
                LedgerFact::MissingFound {
                    credit: asked.credit,
                    toward: asked.toward,
                    ids: ids.unwrap(),
                }
            }
        };
        self.tell_all(at, vec![answered]);
        true
    }

    /// Tells a node what its ledger had to say.
    pub(in super::super) fn tell(&mut self, at: usize) {
        self.tell_all(at, Vec::new());
    }

    fn tell_all(&mut self, at: usize, mut facts: Vec<LedgerFact>) {
        let peer = &mut self.peers[at];
        let news = std::mem::take(&mut peer.node.told).into_iter();
        facts.extend(news.filter_map(|told| match told {
            LedgerEffect::TipStored(change) => Some(LedgerFact::TipChanged(change)),
            LedgerEffect::TransactionOpened { transaction, .. } => {
                Some(LedgerFact::TransactionOpened(transaction))
            }
            LedgerEffect::TransactionClosed(id, _) => Some(LedgerFact::TransactionClosed(id)),
            _ => None,
        }));
        peer.own.shell.ledger_told(LedgerTold(facts));
        self.settle(at);
    }
}

fn judged(credit: Credit, session: SessionId, answer: Answer) -> LedgerFact {
    LedgerFact::Judged {
        credit,
        session,
        answer,
    }
}
