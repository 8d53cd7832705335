//! Two ends, each with a ledger and the shells of an outbox and an inbox, on a line that loses what is on
//! it, and on disks that lose what was not written yet.

mod end;

pub(super) use end::End;

use crate::chain::ledger::Funds;
use crate::chain::testing::member;
use crate::chain::{Block, EncodedTransaction, TransactionId};
use crate::clock::Clock;
use crate::keys::{PublicKey, verify_batch};
use crate::messages::events::Event;
use crate::messages::gossip::{AnswerDelivery, BlameSession, Deliver, ReachMember};
use crate::messages::inbox::{CountUnread, TakeDelivery};
use crate::messages::ledger::{GetFunds, JudgeDelivery, JudgeOwn};
use crate::messages::retry_queue::{CheckSignatures, DeliveryTold, GetOutbox, SendTransfer};
use crate::messages::store::{CommitRows, Committer, Rows, RowsCommitted};
use crate::messages::wallet::{OpenNote, SignReceipt};
use crate::protocol::SessionId;
use crate::protocol::credit::Credits;
use crate::protocol::delivery::Judgement;
use crate::protocol::delivery::inbox::Inbox;
use crate::protocol::delivery::outbox::{Outbox, SendError, Waiting};
use crate::protocol::delivery::rows::{self, ReceivedFacts, Route, SendFacts, SendState, place_of};
use crate::protocol::delivery::testing::{inbox_config, outbox_config};
use crate::protocol::gossip::delivery::DeliveryFact;
use crate::shell::testing::ledger::LedgerEnd;
use crate::shell::testing::{HandClock, Outbound};
use crate::shell::{
    Answered, Ask, InboxParts, InboxShell, Link, OutboxParts, OutboxShell, fatal_channel,
};
use crate::store::delivery_rows::DeliveryTable;
use crate::store::{Disk, MemoryDisk};
use crate::wire::Receipt;
use futures_util::FutureExt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// Deliveries that may be without a receipt; the line holds fewer.
const CREDIT: usize = 1_000;

pub(super) enum Packet {
    Deliver(EncodedTransaction),
    Receipt(Box<Receipt>),
}

/// Both ends and the line.
pub(super) struct World {
    pub(super) ends: [End; 2],
    /// On its way to each.
    pub(super) wires: [VecDeque<Packet>; 2],
    pub(super) session: Option<SessionId>,
    sessions: u64,
    blocks: Vec<Block>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            ends: [End::new(1), End::new(2)],
            wires: [VecDeque::new(), VecDeque::new()],
            session: None,
            sessions: 0,
            blocks: Vec::new(),
        }
    }

    /// Alice sends bob something.
    pub(super) fn send(&mut self, transaction: &EncodedTransaction, broadcast: bool) -> u64 {
        let ticket = u64::from(transaction.payload().salt.0[0]);
        let end = &mut self.ends[0];
        let mut answered = end.outbox.send([SendTransfer {
            transaction: transaction.clone().into(),
            route: match broadcast {
                true => Route::Network,
                false => Route::Direct,
            },
            request: None,
        }]);
        let answered = answered.pop().expect("one was sent");
        end.asked.insert(ticket, answered);
        self.carry(0);
        ticket
    }

    /// Does what the shells of an end want of the others, until they want nothing more.
    fn carry(&mut self, at: usize) {
        while self.carry_one(at) {}
        // What nobody waits for is written when time has passed.
        self.ends[at].flush();
        while self.carry_one(at) {}
        self.ends[at].gather_answers();
    }

    fn carry_one(&mut self, at: usize) -> bool {
        let session = self.session;
        let end = &mut self.ends[at];
        if let Some(Ask { token, question }) = end.out.funds.take() {
            let truth = end.ledger.shell.funds(question);
            let answer = end.believed.take().map_or(truth, Ok);
            end.outbox.funds(Answered { token, answer });
        } else if let Some(Ask { token, question }) = end.out.checks.take() {
            let answer = verify_batch(&question.0);
            end.outbox.receipts_checked(Answered { token, answer });
        } else if let Some(ReachMember(key)) = end.out.reach.take() {
            let fact = match session {
                Some(_) => DeliveryFact::Reached(key),
                None => DeliveryFact::Unreachable(key),
            };
            end.outbox.delivery_told(DeliveryTold(fact));
        } else if let Some(Deliver { to, transaction }) = end.out.deliver.take() {
            let facts = end.send_facts(&transaction.id());
            assert!(facts.attempted, "known to have left before it leaves");
            if session.is_some() {
                self.wires[1 - at].push_back(Packet::Deliver(transaction));
            } else {
                let lost = DeliveryFact::Lost(to);
                end.outbox.delivery_told(DeliveryTold(lost));
            }
        } else if let Some(Ask { token, question }) = end.out.pass_on.take() {
            let answer = self.judge_own(at, question);
            self.ends[at].outbox.judged(Answered { token, answer });
        } else if let Some(Ask { token, question }) = end.out.open_note.take() {
            let secret = member(end.number);
            let answer = secret.open_note(&question.about, question.note.as_slice());
            end.inbox.opened(Answered { token, answer });
        } else if let Some(Ask { token, question }) = end.out.judge.take() {
            let answer = self.judge(at, question);
            self.ends[at].inbox.judged(Answered { token, answer });
        } else if let Some(Ask { token, question }) = end.out.sign.take() {
            let answer = question.0.sign(&member(end.number));
            end.inbox.signed(Answered { token, answer });
        } else if let Some(answered) = end.out.answers.take() {
            end.credits.take_back(answered.credit);
            if session == Some(answered.session) {
                let receipt = Packet::Receipt(answered.receipt.into());
                self.wires[1 - at].push_back(receipt);
            }
        } else if let Some(BlameSession { reason, .. }) = end.out.blame.take() {
            panic!("both are honest: {reason}");
        } else {
            return false;
        }
        true
    }

    fn judge_own(&mut self, at: usize, question: JudgeOwn) -> Vec<Judgement> {
        // The one writer of the disk takes what comes in its order: the ledger's rows are behind these.
        self.write(at, usize::MAX);
        for own in &question.0 {
            let facts = self.ends[at].send_facts(&own.transaction().id());
            assert!(facts.attempted, "known to have left before it is open");
        }
        let ledger = &mut self.ends[at].ledger;
        let judged = ledger.shell.judge_own(question);
        ledger.settle();
        self.tell_news(at);
        judged.now_or_never().expect("it is written")
    }

    fn judge(&mut self, at: usize, question: JudgeDelivery) -> Judgement {
        let ledger = &mut self.ends[at].ledger;
        let judged = ledger.shell.judge_delivery(question);
        ledger.settle();
        self.tell_news(at);
        judged.now_or_never().expect("it is written")
    }

    fn tell_news(&mut self, at: usize) {
        let end = &mut self.ends[at];
        for news in end.ledger.outbox.drain() {
            end.outbox.ledger_told(news);
        }
        for news in end.ledger.inbox.drain() {
            end.inbox.ledger_told(news);
        }
    }

    /// Tells outbox and inbox what the ledger told.
    pub(super) fn news(&mut self, at: usize) {
        self.tell_news(at);
        self.carry(at);
    }

    /// The disk of an end writes what waits, at most so many batches.
    pub(super) fn write(&mut self, at: usize, batches: usize) {
        for _ in 0..batches {
            let Some(commit) = self.ends[at].out.writing.take() else {
                return;
            };
            let Rows::Plain(rows) = commit.rows else {
                panic!("the chain is its ledger's");
            };
            let end = &mut self.ends[at];
            end.disk.commit(&rows).unwrap();
            let committed = RowsCommitted {
                batch: commit.batch,
            };
            match commit.committer {
                Committer::Outbox => end.outbox.committed(committed),
                Committer::Inbox => end.inbox.committed(committed),
                other => panic!("{other:?}"),
            }
            self.carry(at);
        }
    }

    pub(super) fn connect(&mut self) {
        if self.session.is_some() {
            return;
        }
        self.sessions += 1;
        self.session = Some(SessionId(self.sessions));
        self.tell_both(DeliveryFact::Reached);
    }

    /// Tells each outbox something of the other end.
    fn tell_both(&mut self, fact: fn(PublicKey) -> DeliveryFact) {
        for at in 0..2 {
            let fact = fact(self.ends[1 - at].key());
            self.ends[at].outbox.delivery_told(DeliveryTold(fact));
            self.carry(at);
        }
    }

    /// What is on the line is lost.
    pub(super) fn cut(&mut self) {
        self.wires.iter_mut().for_each(VecDeque::clear);
        if self.session.take().is_some() {
            self.tell_both(DeliveryFact::Lost);
        }
    }

    /// The next thing on the line arrives, and once more if it is to be doubled.
    pub(super) fn arrive(&mut self, at: usize, doubled: bool) {
        let Some(session) = self.session else {
            return;
        };
        let Some(packet) = self.wires[at].pop_front() else {
            return;
        };
        for _ in 0..=usize::from(doubled) {
            let from = self.ends[1 - at].key();
            let end = &mut self.ends[at];
            match &packet {
                Packet::Deliver(transaction) => end.inbox.delivered(TakeDelivery {
                    credit: end.credits.lend(),
                    session,
                    transaction: transaction.clone(),
                }),
                Packet::Receipt(receipt) => {
                    let receipt = receipt.clone();
                    let fact = DeliveryFact::Receipt {
                        session,
                        from,
                        receipt,
                    };
                    end.outbox.delivery_told(DeliveryTold(fact));
                }
            }
            self.carry(at);
        }
    }

    /// An end dies with what it has not written, and comes back.
    pub(super) fn kill(&mut self, at: usize) {
        self.cut();
        let end = &mut self.ends[at];
        let mut again = End::opened(end.number, end.disk.clone(), end.clock.clone());
        again.answers = std::mem::take(&mut end.answers);
        again.silent = end.silent;
        self.ends[at] = again;
        self.news(at);
        self.catch_up(at);
    }

    /// Both shells look through the blocks that came while they were not at work.
    fn catch_up(&mut self, at: usize) {
        let end = &mut self.ends[at];
        while end.outbox.catch_up() {}
        while end.inbox.catch_up() {}
        self.carry(at);
    }

    /// Open transactions and blocks reach the other end.
    pub(super) fn gossip(&mut self) {
        if self.session.is_none() {
            return;
        }
        for at in 0..2 {
            if self.ends[at].silent {
                continue;
            }
            for transaction in self.ends[at].ledger.open() {
                let _ = self.ends[1 - at].ledger.send(transaction);
            }
            for block in self.blocks.clone() {
                self.ends[at].ledger.block(block);
            }
            self.news(1 - at);
            self.news(at);
        }
    }

    pub(super) fn mine(&mut self, at: usize) {
        let end = &mut self.ends[at];
        end.clock.pass(1_000);
        let block = end.ledger.mine(3);
        self.blocks.push(block);
        self.news(at);
    }

    pub(super) fn pass(&mut self, ms: u64) {
        for at in 0..2 {
            let end = &mut self.ends[at];
            end.clock.pass(ms);
            end.ledger.shell.tick();
            end.ledger.settle();
            end.outbox.tick();
            end.inbox.tick();
            self.carry(at);
        }
    }

    /// Lets everything arrive and be written.
    pub(super) fn settle(&mut self) {
        for _ in 0..200 {
            for at in 0..2 {
                self.write(at, usize::MAX);
                while self.session.is_some() && !self.wires[at].is_empty() {
                    self.arrive(at, false);
                }
            }
        }
    }
}
