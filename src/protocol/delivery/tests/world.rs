//! Two ends, each with a ledger, an outbox and an inbox, on a line that loses what is on it, and on
//! disks that lose what was not written yet.

use crate::chain::ledger::{Concern, Fate};
use crate::chain::testing::{MemoryView, Node, START, member, network};
use crate::chain::{Block, BlockId, Closed, EncodedTransaction, Height, Internal, TransactionId};
use crate::clock::{BEGUN, Now};
use crate::keys::PublicKey;
use crate::protocol::credit::Credits;
use crate::protocol::delivery::inbox::{self, Inbox};
use crate::protocol::delivery::outbox::{self, Outbox, SendError};
use crate::protocol::delivery::rows::{
    self, DeliveryRows, Found, ReceivedFacts, SendFacts, SendState, place_of,
};
use crate::protocol::delivery::{Judgement, LedgerNews};
use crate::protocol::retry::RetryLimits;
use crate::protocol::{Row, SessionId};
use crate::wire::Receipt;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// A day.
pub(in crate::protocol::delivery) const DAY_MS: u64 = 86_400_000;

/// Rows of one table.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol::delivery) struct MemoryRows(BTreeMap<Vec<u8>, Vec<u8>>);

impl MemoryRows {
    pub(in crate::protocol::delivery) fn commit(&mut self, rows: Vec<Row>) {
        for (key, value) in rows {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl DeliveryRows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal> {
        Ok(self.0.get(key).cloned())
    }

    fn first_from(&self, key: &[u8]) -> Result<Option<Found>, Internal> {
        let first = self.0.range(key.to_vec()..).next();
        Ok(first.map(|(key, value)| (key.clone(), value.clone())))
    }
}

/// The tip moved to this height, where these were mined; those fell out of the chain and are void.
pub(in crate::protocol::delivery) fn moved(
    height: u64,
    mined: &[EncodedTransaction],
    undone: &[TransactionId],
) -> LedgerNews {
    LedgerNews::Moved {
        height: Height(height),
        block: BlockId([1; 32]),
        own: Concern {
            taken_back: undone
                .iter()
                .map(|id| (*id, Fate::Closed(Closed::Expired)))
                .collect(),
            mined: mined.iter().map(|t| (t.clone(), Height(height))).collect(),
            rewards_lost: 0,
        },
    }
}

pub(in crate::protocol::delivery) fn outbox_config(own: u8) -> outbox::Config {
    outbox::Config {
        own: member(own).public_key(),
        network: network(),
        keep_ms: 7 * DAY_MS,
        limits: RetryLimits {
            entries: 100,
            bytes: 100_000,
        },
        seed: 5,
    }
}

pub(in crate::protocol::delivery) fn inbox_config(own: u8) -> inbox::Config {
    inbox::Config {
        own: member(own).public_key(),
        network: network(),
        blocked: HashSet::new(),
    }
}

pub(super) enum Packet {
    Deliver(EncodedTransaction),
    Receipt(Box<Receipt>),
}

pub(super) enum Write {
    Outbox(u64, Vec<Row>),
    Inbox(u64, Vec<Row>),
}

pub(super) struct End {
    pub(super) number: u8,
    pub(super) node: Node,
    pub(super) outbox: Outbox,
    pub(super) inbox: Inbox,
    pub(super) sent_rows: MemoryRows,
    pub(super) received_rows: MemoryRows,
    pub(super) writing: VecDeque<Write>,
    /// Whether it passes on what it took in.
    pub(super) silent: bool,
    pub(super) answers: BTreeMap<u64, Result<u64, SendError>>,
}

impl End {
    pub(super) fn new(number: u8) -> Self {
        let node = Node::of(number, MemoryView::default(), START);
        let (sent, received) = (MemoryRows::default(), MemoryRows::default());
        let tip = node.ledger.tip().height();
        Self {
            number,
            outbox: Outbox::open(outbox_config(number), &sent, &node.disk, tip, BEGUN).unwrap(),
            inbox: Inbox::open(inbox_config(number), &received).unwrap(),
            node,
            sent_rows: sent,
            received_rows: received,
            writing: VecDeque::new(),
            silent: false,
            answers: BTreeMap::new(),
        }
    }

    /// What both its clocks say.
    pub(super) fn now(&self) -> Now {
        let passed = self.node.now.since(BEGUN.wall);
        BEGUN.plus_ms(passed)
    }

    pub(super) fn key(&self) -> PublicKey {
        member(self.number).public_key()
    }

    pub(super) fn state(&self, id: &TransactionId) -> SendState {
        let number = rows::find(&self.sent_rows, id)
            .unwrap()
            .expect("it was sent");
        let facts: SendFacts = rows::facts(&self.sent_rows, number).unwrap().unwrap();
        facts.state(place_of(&self.node.disk, id).unwrap())
    }

    pub(super) fn sent(&self) -> Vec<TransactionId> {
        let numbers = 1..rows::next_number(&self.sent_rows).unwrap();
        let facts = numbers.map(|n| rows::facts::<SendFacts>(&self.sent_rows, n));
        facts.map(|facts| facts.unwrap().unwrap().id).collect()
    }

    pub(super) fn received(&self) -> Vec<TransactionId> {
        let numbers = 1..rows::next_number(&self.received_rows).unwrap();
        let facts = numbers.map(|n| rows::facts::<ReceivedFacts>(&self.received_rows, n));
        facts.map(|facts| facts.unwrap().unwrap().id).collect()
    }
}

/// Both ends and the line.
pub(super) struct World {
    pub(super) ends: [End; 2],
    /// On its way to each.
    pub(super) wires: [VecDeque<Packet>; 2],
    pub(super) session: Option<SessionId>,
    pub(super) sessions: u64,
    pub(super) blocks: Vec<Block>,
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
        let end = &mut self.ends[0];
        let ticket = u64::from(transaction.payload().salt.0[0]);
        let (transaction, now) = (transaction.clone(), end.now());
        let effects = end.outbox.send(ticket, transaction, broadcast, None, now);
        self.outbox_did(0, effects);
        ticket
    }

    pub(super) fn outbox_did(&mut self, at: usize, effects: Vec<outbox::Effect>) {
        for effect in effects {
            match effect {
                outbox::Effect::Commit { batch, rows } => {
                    self.ends[at].writing.push_back(Write::Outbox(batch, rows));
                }
                outbox::Effect::AskFunds => {
                    let end = &mut self.ends[at];
                    let funds = end.node.ledger.funds(&end.key(), &end.node.disk).unwrap();
                    let effects = end.outbox.funds(&funds, end.now());
                    self.outbox_did(at, effects);
                }
                outbox::Effect::Reach(key) => {
                    let now = self.ends[at].now();
                    let outbox = &mut self.ends[at].outbox;
                    let effects = match self.session {
                        Some(_) => outbox.reached(&key, now),
                        None => outbox.unreachable(&key, now),
                    };
                    self.outbox_did(at, effects);
                }
                outbox::Effect::Deliver { number, to } => {
                    let body = rows::body(&self.ends[at].sent_rows, number).unwrap();
                    let transaction = body.expect("stored before it leaves");
                    let facts: SendFacts = rows::facts(&self.ends[at].sent_rows, number)
                        .unwrap()
                        .unwrap();
                    assert!(facts.attempted, "known to have left before it leaves");
                    if self.session.is_some() {
                        self.wires[1 - at].push_back(Packet::Deliver(transaction));
                    } else {
                        let now = self.ends[at].now();
                        let effects = self.ends[at].outbox.lost(&to, now);
                        self.outbox_did(at, effects);
                    }
                }
                outbox::Effect::PassOn { number } => {
                    let body = rows::body(&self.ends[at].sent_rows, number).unwrap();
                    let judgement = self.judge(at, body.expect("stored before it leaves"));
                    let now = self.ends[at].now();
                    let effects = self.ends[at].outbox.judged(number, &judgement, now);
                    self.outbox_did(at, effects);
                }
                outbox::Effect::Answer { ticket, answer } => {
                    let before = self.ends[at].answers.insert(ticket, answer);
                    assert_eq!(before, None, "answered once");
                }
                outbox::Effect::Tell { .. } => {}
            }
        }
    }

    pub(super) fn inbox_did(&mut self, at: usize, effects: Vec<inbox::Effect>) {
        for effect in effects {
            match effect {
                inbox::Effect::Commit { batch, rows } => {
                    self.ends[at].writing.push_back(Write::Inbox(batch, rows));
                }
                inbox::Effect::Judge {
                    ticket,
                    transaction,
                } => {
                    let judgement = self.judge(at, transaction);
                    let effects = self.ends[at].inbox.judged(ticket, &judgement);
                    self.inbox_did(at, effects);
                }
                inbox::Effect::Sign { ticket, statement } => {
                    let end = &mut self.ends[at];
                    let receipt = statement.sign(&member(end.number));
                    let (rows, now) = (end.received_rows.clone(), end.node.now);
                    let effects = end.inbox.signed(ticket, receipt, &rows, now).unwrap();
                    self.inbox_did(at, effects);
                }
                inbox::Effect::Answer {
                    session, receipt, ..
                } => {
                    if self.session == Some(session) {
                        self.wires[1 - at].push_back(Packet::Receipt(receipt.into()));
                    }
                }
                inbox::Effect::Blame { reason, .. } => panic!("alice is honest: {reason}"),
                inbox::Effect::Tell { .. } => {}
            }
        }
    }

    pub(super) fn judge(&mut self, at: usize, transaction: EncodedTransaction) -> Judgement {
        let node = &mut self.ends[at].node;
        let verdict = node.send(transaction);
        let tip = *node.ledger.tip();
        self.news(at);
        Judgement {
            verdict,
            height: tip.height(),
            block: tip.id,
            syncing: false,
        }
    }

    /// Tells outbox and inbox what the ledger told.
    pub(super) fn news(&mut self, at: usize) {
        for effect in std::mem::take(&mut self.ends[at].node.told) {
            let Some(news) = LedgerNews::of(&effect) else {
                continue;
            };
            let end = &mut self.ends[at];
            let (rows, now) = (end.received_rows.clone(), end.node.now);
            let sent = end
                .outbox
                .ledger_told(&news, &end.sent_rows, end.now())
                .unwrap();
            let received = end.inbox.ledger_told(&news, &rows, now).unwrap();
            self.outbox_did(at, sent);
            self.inbox_did(at, received);
        }
    }

    /// The disk of an end writes what waits, at most so many batches.
    pub(super) fn write(&mut self, at: usize, batches: usize) {
        for _ in 0..batches {
            let Some(write) = self.ends[at].writing.pop_front() else {
                return;
            };
            let end = &mut self.ends[at];
            match write {
                Write::Outbox(batch, rows) => {
                    end.sent_rows.commit(rows);
                    let effects = end.outbox.committed(batch);
                    self.outbox_did(at, effects);
                }
                Write::Inbox(batch, rows) => {
                    end.received_rows.commit(rows);
                    let effects = end.inbox.committed(batch);
                    self.inbox_did(at, effects);
                }
            }
        }
    }

    pub(super) fn connect(&mut self) {
        if self.session.is_some() {
            return;
        }
        self.sessions += 1;
        self.session = Some(SessionId(self.sessions));
        for at in 0..2 {
            let (key, now) = (self.ends[1 - at].key(), self.ends[at].now());
            let effects = self.ends[at].outbox.reached(&key, now);
            self.outbox_did(at, effects);
        }
    }

    /// What is on the line is lost.
    pub(super) fn cut(&mut self) {
        self.wires.iter_mut().for_each(VecDeque::clear);
        if self.session.take().is_some() {
            for at in 0..2 {
                let (key, now) = (self.ends[1 - at].key(), self.ends[at].now());
                let effects = self.ends[at].outbox.lost(&key, now);
                self.outbox_did(at, effects);
            }
        }
    }

    /// The next thing on the line arrives, and once more if it is to be doubled.
    pub(super) fn arrive(&mut self, at: usize, doubled: bool) {
        let Some(session) = self.session else {
            return;
        };
        match self.wires[at].pop_front() {
            None => {}
            Some(Packet::Deliver(transaction)) => {
                for _ in 0..=usize::from(doubled) {
                    let rows = self.ends[at].received_rows.clone();
                    let inbox = &mut self.ends[at].inbox;
                    let credit = Credits::new(1).lend();
                    let effects = inbox.delivered((credit, session), transaction.clone(), &rows);
                    self.inbox_did(at, effects.unwrap());
                }
            }
            Some(Packet::Receipt(receipt)) => {
                let (from, now) = (self.ends[1 - at].key(), self.ends[at].now());
                for _ in 0..=usize::from(doubled) {
                    let effects = self.ends[at].outbox.receipt(&from, &receipt, now);
                    self.outbox_did(at, effects);
                }
            }
        }
    }

    /// An end dies with what it has not written, and comes back.
    pub(super) fn kill(&mut self, at: usize) {
        self.cut();
        let end = &mut self.ends[at];
        end.writing.clear();
        let (disk, now) = (end.node.disk.clone(), end.node.now);
        let node = Node::of(end.number, disk, now);
        let tip = node.ledger.tip().height();
        let config = outbox_config(end.number);
        end.outbox = Outbox::open(config, &end.sent_rows, &node.disk, tip, end.now()).unwrap();
        end.inbox = Inbox::open(inbox_config(end.number), &end.received_rows).unwrap();
        end.node = node;
        self.news(at);
        self.catch_up(at);
    }

    pub(super) fn catch_up(&mut self, at: usize) {
        let mut is_behind = true;
        while is_behind {
            let end = &mut self.ends[at];
            let now = end.node.now;
            let (sent, received) = (end.sent_rows.clone(), end.received_rows.clone());
            let caught_up = end.outbox.catch_up(&end.node.disk, &sent, end.now());
            let (more_sent, sent) = caught_up.unwrap();
            let caught_up = end.inbox.catch_up(&end.node.disk, &received, now);
            let (more_received, received) = caught_up.unwrap();
            self.outbox_did(at, sent);
            self.inbox_did(at, received);
            is_behind = more_sent || more_received;
        }
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
            let open: Vec<_> = self.ends[at]
                .node
                .ledger
                .mempool()
                .by_fee()
                .cloned()
                .collect();
            for transaction in open {
                let _ = self.ends[1 - at].node.send(transaction);
            }
            for block in self.blocks.clone() {
                self.ends[at].node.block(block);
            }
            self.news(1 - at);
            self.news(at);
        }
    }

    pub(super) fn mine(&mut self, at: usize) {
        let block = self.ends[at].node.mine(3);
        self.blocks.push(block);
        self.news(at);
    }

    pub(super) fn pass(&mut self, ms: u64) {
        for at in 0..2 {
            let end = &mut self.ends[at];
            end.node.now = end.node.now.plus_ms(ms);
            let effects = end.outbox.tick(end.now());
            self.outbox_did(at, effects);
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
