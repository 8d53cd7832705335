//! What the ledgers of the world answer.

use super::*;

impl World {
    pub(super) fn ask(&mut self, at: usize, question: Question) {
        self.peers[at].questions.push_back(question);
    }

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
        let now = self.now;
        let peer = &mut self.peers[at];
        peer.node.now = wall(now);
        let Some(question) = peer.questions.pop_front() else {
            return false;
        };
        let effects = match question {
            Question::Headers(session, headers) => {
                let outcome = peer.node.headers_from(Source(session.0), &headers);
                peer.gossip.headers_judged(session, outcome, now)
            }
            Question::Block(session, block) => {
                let id = block.id();
                let outcome = peer.node.block(block);
                peer.gossip.block_judged(session, id, &outcome, now)
            }
            Question::Transactions(session, list) => {
                let ids: Vec<_> = list.iter().map(EncodedTransaction::id).collect();
                let verdicts = peer.node.send_all(list);
                let verdicts: Vec<_> = ids.into_iter().zip(verdicts).collect();
                peer.gossip.transactions_judged(session, &verdicts, now)
            }
            Question::Missing(toward, limit) => {
                let ledger = &peer.node.ledger;
                let ids = ledger
                    .missing_bodies(&toward, limit, &peer.node.disk)
                    .unwrap();
                peer.gossip.missing_found(toward, ids, now)
            }
        };
        self.carry_out(at, effects);
        self.tell(at);
        true
    }

    /// Tells the machine what its ledger had to say.
    pub(in super::super) fn tell(&mut self, at: usize) {
        for told in std::mem::take(&mut self.peers[at].node.told) {
            let gossip = &mut self.peers[at].gossip;
            let effects = match told {
                LedgerEffect::TipStored(change) => gossip.tip_changed(&change, self.now),
                LedgerEffect::TransactionOpened { transaction, .. } => {
                    gossip.transaction_opened(transaction);
                    Vec::new()
                }
                LedgerEffect::TransactionClosed(id, _) => {
                    gossip.transaction_closed(&id);
                    Vec::new()
                }
                _ => Vec::new(),
            };
            self.carry_out(at, effects);
        }
        let news = self.peers[at].gossip.announce();
        self.carry_out(at, news);
    }
}
