//! What the ledgers of the world answer.

use super::*;

impl World {
    pub(super) fn send_blocks(&mut self, at: usize, session: SessionId, ids: Vec<BlockId>) {
        for id in ids {
            let peer = &self.peers[at];
            let block = crate::chain::rows::StateView::block(&peer.ledger.rows(), &id).unwrap();
            let message = match (peer.kind, block) {
                (Kind::Staller, _) => return,
                (Kind::Denier, _) | (_, None) => Message::NoBlock(id),
                (Kind::Liar, Some(mut block)) => {
                    block
                        .transactions
                        .push(crate::chain::testing::transfer(1, 2, 1, 1, 1));
                    Message::Block(block)
                }
                (Kind::Dripper | Kind::Late | Kind::Slow, Some(block)) => {
                    self.send_late(at, session, block);
                    continue;
                }
                (_, Some(block)) => Message::Block(block),
            };
            self.send_message(at, session, message);
        }
    }

    pub(super) fn send_headers(&mut self, at: usize, session: SessionId, ids: &[BlockId]) {
        let peer = &self.peers[at];
        let mut headers = headers_after(&peer.ledger.rows(), ids).unwrap();
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
        peer.ledger_clock.set(both(self.now));
        let Some(question) = peer.own.questions.take() else {
            return false;
        };
        let ledger = &mut peer.ledger;
        match question {
            Question::Headers(asked) => ledger.shell.check_headers(asked),
            Question::Block(asked) => ledger.shell.block(asked),
            Question::Transactions(asked) => ledger.shell.transactions(asked),
            Question::Missing(asked) => {
                peer.lookups += 1;
                ledger.shell.find_missing(asked);
            }
        }
        ledger.settle();
        self.tell(at);
        true
    }

    /// Tells a node what its ledger had to say.
    pub(in super::super) fn tell(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        for told in peer.ledger.gossip.drain() {
            peer.own.shell.ledger_told(told);
        }
        self.settle(at);
    }
}
