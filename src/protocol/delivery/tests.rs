//! Two ends, each with a ledger, an outbox and an inbox, on a line that loses what is on it, and on
//! disks that lose what was not written yet.

use super::inbox::{self, Inbox};
use super::outbox::{self, Outbox, SendError};
use super::rows::{self, Found, PostRows, ReceivedFacts, SendFacts, SendState, place_of};
use super::{Judgement, LedgerNews};
use crate::chain::ledger::{Concern, Fate, Funds};
use crate::chain::testing::{MemoryView, Node, START, member, network, transfer};
use crate::chain::{
    Amount, Block, BlockId, Closed, EncodedTransaction, Height, Internal, TransactionId,
};
use crate::keys::PublicKey;
use crate::protocol::retry::RetryLimits;
use crate::protocol::{Row, SessionId};
use crate::wire::Receipt;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// A day.
pub(super) const DAY_MS: u64 = 86_400_000;

/// Rows of one table.
#[derive(Debug, Clone, Default)]
pub(super) struct MemoryRows(BTreeMap<Vec<u8>, Vec<u8>>);

impl MemoryRows {
    pub(super) fn commit(&mut self, rows: Vec<Row>) {
        for (key, value) in rows {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl PostRows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal> {
        Ok(self.0.get(key).cloned())
    }

    fn first_from(&self, key: &[u8]) -> Result<Option<Found>, Internal> {
        let first = self.0.range(key.to_vec()..).next();
        Ok(first.map(|(key, value)| (key.clone(), value.clone())))
    }
}

/// The tip moved to this height, where these were mined; those fell out of the chain and are void.
pub(super) fn moved(
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

pub(super) fn outbox_config(own: u8) -> outbox::Config {
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

pub(super) fn inbox_config(own: u8) -> inbox::Config {
    inbox::Config {
        own: member(own).public_key(),
        network: network(),
        blocked: HashSet::new(),
    }
}

enum Packet {
    Deliver(EncodedTransaction),
    Receipt(Box<Receipt>),
}

enum Write {
    Outbox(u64, Vec<Row>),
    Inbox(u64, Vec<Row>),
}

struct End {
    number: u8,
    node: Node,
    outbox: Outbox,
    inbox: Inbox,
    sent_rows: MemoryRows,
    received_rows: MemoryRows,
    writing: VecDeque<Write>,
    /// Whether it passes on what it took in.
    silent: bool,
    answers: BTreeMap<u64, Result<u64, SendError>>,
}

impl End {
    fn new(number: u8) -> Self {
        let node = Node::of(number, MemoryView::default(), START);
        let (sent, received) = (MemoryRows::default(), MemoryRows::default());
        let tip = node.ledger.tip().height();
        Self {
            number,
            outbox: Outbox::open(outbox_config(number), &sent, &node.disk, tip, node.now).unwrap(),
            inbox: Inbox::open(inbox_config(number), &received).unwrap(),
            node,
            sent_rows: sent,
            received_rows: received,
            writing: VecDeque::new(),
            silent: false,
            answers: BTreeMap::new(),
        }
    }

    fn key(&self) -> PublicKey {
        member(self.number).public_key()
    }

    fn state(&self, id: &TransactionId) -> SendState {
        let number = rows::find(&self.sent_rows, id)
            .unwrap()
            .expect("it was sent");
        let facts: SendFacts = rows::facts(&self.sent_rows, number).unwrap().unwrap();
        facts.state(place_of(&self.node.disk, id).unwrap())
    }

    fn sent(&self) -> Vec<TransactionId> {
        let numbers = 1..rows::next_number(&self.sent_rows).unwrap();
        let facts = numbers.map(|n| rows::facts::<SendFacts>(&self.sent_rows, n));
        facts.map(|facts| facts.unwrap().unwrap().id).collect()
    }

    fn received(&self) -> Vec<TransactionId> {
        let numbers = 1..rows::next_number(&self.received_rows).unwrap();
        let facts = numbers.map(|n| rows::facts::<ReceivedFacts>(&self.received_rows, n));
        facts.map(|facts| facts.unwrap().unwrap().id).collect()
    }
}

/// Both ends and the line.
struct World {
    ends: [End; 2],
    /// On its way to each.
    wires: [VecDeque<Packet>; 2],
    session: Option<SessionId>,
    sessions: u64,
    blocks: Vec<Block>,
}

impl World {
    fn new() -> Self {
        Self {
            ends: [End::new(1), End::new(2)],
            wires: [VecDeque::new(), VecDeque::new()],
            session: None,
            sessions: 0,
            blocks: Vec::new(),
        }
    }

    /// Alice sends bob something.
    fn send(&mut self, transaction: &EncodedTransaction, broadcast: bool) -> u64 {
        let end = &mut self.ends[0];
        let ticket = u64::from(transaction.payload().salt.0[0]);
        let (transaction, now) = (transaction.clone(), end.node.now);
        let effects = end.outbox.send(ticket, transaction, broadcast, now);
        self.outbox_did(0, effects);
        ticket
    }

    fn outbox_did(&mut self, at: usize, effects: Vec<outbox::Effect>) {
        for effect in effects {
            match effect {
                outbox::Effect::Commit { batch, rows } => {
                    self.ends[at].writing.push_back(Write::Outbox(batch, rows));
                }
                outbox::Effect::AskFunds => {
                    let end = &mut self.ends[at];
                    let funds = end.node.ledger.funds(&end.key(), &end.node.disk).unwrap();
                    let effects = end.outbox.funds(&funds, end.node.now);
                    self.outbox_did(at, effects);
                }
                outbox::Effect::Reach(key) => {
                    let now = self.ends[at].node.now;
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
                        let now = self.ends[at].node.now;
                        let effects = self.ends[at].outbox.lost(&to, now);
                        self.outbox_did(at, effects);
                    }
                }
                outbox::Effect::PassOn { number } => {
                    let body = rows::body(&self.ends[at].sent_rows, number).unwrap();
                    let judgement = self.judge(at, body.expect("stored before it leaves"));
                    let now = self.ends[at].node.now;
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

    fn inbox_did(&mut self, at: usize, effects: Vec<inbox::Effect>) {
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
                inbox::Effect::Answer { session, receipt } => {
                    if self.session == Some(session) {
                        self.wires[1 - at].push_back(Packet::Receipt(receipt.into()));
                    }
                }
                inbox::Effect::Blame { reason, .. } => panic!("alice is honest: {reason}"),
                inbox::Effect::Tell(_) => {}
            }
        }
    }

    fn judge(&mut self, at: usize, transaction: EncodedTransaction) -> Judgement {
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
    fn news(&mut self, at: usize) {
        for effect in std::mem::take(&mut self.ends[at].node.told) {
            let Some(news) = LedgerNews::of(&effect) else {
                continue;
            };
            let end = &mut self.ends[at];
            let (rows, now) = (end.received_rows.clone(), end.node.now);
            let sent = end.outbox.ledger_told(&news, &end.sent_rows, now).unwrap();
            let received = end.inbox.ledger_told(&news, &rows, now).unwrap();
            self.outbox_did(at, sent);
            self.inbox_did(at, received);
        }
    }

    /// The disk of an end writes what waits, at most so many batches.
    fn write(&mut self, at: usize, batches: usize) {
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

    fn connect(&mut self) {
        if self.session.is_some() {
            return;
        }
        self.sessions += 1;
        self.session = Some(SessionId(self.sessions));
        for at in 0..2 {
            let (key, now) = (self.ends[1 - at].key(), self.ends[at].node.now);
            let effects = self.ends[at].outbox.reached(&key, now);
            self.outbox_did(at, effects);
        }
    }

    /// What is on the line is lost.
    fn cut(&mut self) {
        self.wires.iter_mut().for_each(VecDeque::clear);
        if self.session.take().is_some() {
            for at in 0..2 {
                let (key, now) = (self.ends[1 - at].key(), self.ends[at].node.now);
                let effects = self.ends[at].outbox.lost(&key, now);
                self.outbox_did(at, effects);
            }
        }
    }

    /// The next thing on the line arrives, and once more if it is to be doubled.
    fn arrive(&mut self, at: usize, doubled: bool) {
        let Some(session) = self.session else {
            return;
        };
        match self.wires[at].pop_front() {
            None => {}
            Some(Packet::Deliver(transaction)) => {
                for _ in 0..=usize::from(doubled) {
                    let rows = self.ends[at].received_rows.clone();
                    let inbox = &mut self.ends[at].inbox;
                    let effects = inbox.delivered(session, transaction.clone(), &rows);
                    self.inbox_did(at, effects.unwrap());
                }
            }
            Some(Packet::Receipt(receipt)) => {
                let (from, now) = (self.ends[1 - at].key(), self.ends[at].node.now);
                for _ in 0..=usize::from(doubled) {
                    let effects = self.ends[at].outbox.receipt(&from, &receipt, now);
                    self.outbox_did(at, effects);
                }
            }
        }
    }

    /// An end dies with what it has not written, and comes back.
    fn kill(&mut self, at: usize) {
        self.cut();
        let end = &mut self.ends[at];
        end.writing.clear();
        let (disk, now) = (end.node.disk.clone(), end.node.now);
        let node = Node::of(end.number, disk, now);
        let tip = node.ledger.tip().height();
        let config = outbox_config(end.number);
        end.outbox = Outbox::open(config, &end.sent_rows, &node.disk, tip, now).unwrap();
        end.inbox = Inbox::open(inbox_config(end.number), &end.received_rows).unwrap();
        end.node = node;
        self.news(at);
        self.catch_up(at);
    }

    fn catch_up(&mut self, at: usize) {
        let mut is_behind = true;
        while is_behind {
            let end = &mut self.ends[at];
            let now = end.node.now;
            let (sent, received) = (end.sent_rows.clone(), end.received_rows.clone());
            let caught_up = end.outbox.catch_up(&end.node.disk, &sent, now);
            let (more_sent, sent) = caught_up.unwrap();
            let caught_up = end.inbox.catch_up(&end.node.disk, &received, now);
            let (more_received, received) = caught_up.unwrap();
            self.outbox_did(at, sent);
            self.inbox_did(at, received);
            is_behind = more_sent || more_received;
        }
    }

    /// Open transactions and blocks reach the other end.
    fn gossip(&mut self) {
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

    fn mine(&mut self, at: usize) {
        let block = self.ends[at].node.mine(3);
        self.blocks.push(block);
        self.news(at);
    }

    fn pass(&mut self, ms: u64) {
        for at in 0..2 {
            let end = &mut self.ends[at];
            end.node.now = end.node.now.plus_ms(ms);
            let effects = end.outbox.tick(end.node.now);
            self.outbox_did(at, effects);
        }
    }

    /// Lets everything arrive and be written.
    fn settle(&mut self) {
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

#[test]
fn a_send_is_stored_delivered_receipted_passed_on_and_mined() {
    let mut world = World::new();
    let payment = transfer(1, 2, 5, 0, 1);
    let id = payment.id();
    let ticket = world.send(&payment, false);
    assert!(world.ends[0].answers.is_empty(), "nothing is promised yet");
    world.write(0, 1);
    assert_eq!(world.ends[0].answers.remove(&ticket), Some(Ok(1)));
    assert_eq!(world.ends[0].state(&id), SendState::Queued);
    assert_eq!(world.ends[0].outbox.waiting().reserved, Amount(5));
    assert!(world.wires[1].is_empty());

    world.connect();
    assert!(
        world.wires[1].is_empty(),
        "first it is stored that it leaves"
    );
    world.write(0, 1);
    world.arrive(1, false);
    assert!(world.wires[0].is_empty(), "no receipt before it is stored");
    world.write(1, 9);
    assert_eq!(world.ends[1].received(), [id]);
    world.arrive(0, false);
    world.write(0, 9);
    assert_eq!(world.ends[0].state(&id), SendState::Delivered);
    assert_eq!(world.ends[0].outbox.waiting().queued, 0);
    assert_eq!(world.ends[0].outbox.waiting().reserved, Amount(5));

    world.gossip();
    assert_eq!(world.ends[0].state(&id), SendState::Open);
    assert_eq!(world.ends[0].outbox.waiting().reserved, Amount(0));
    world.mine(1);
    world.gossip();
    assert_eq!(world.ends[0].state(&id), SendState::Mined);
    world.settle();
    assert_eq!(world.ends[1].received(), [id]);
    assert_eq!(world.ends[1].inbox.unread(), 1);
}

#[test]
fn a_recipient_that_passes_nothing_on_holds_up_nothing() {
    let mut world = World::new();
    world.ends[1].silent = true;
    world.connect();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, false);
    world.settle();
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Delivered);
    world.pass(outbox::PASS_ON_WITHIN_MS - 1);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Delivered);
    world.pass(1);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Open);
    world.mine(0);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Mined);
}

#[test]
fn what_is_broadcast_is_answered_by_the_ledger() {
    let mut world = World::new();
    let payment = transfer(1, 2, 5, 0, 1);
    let ticket = world.send(&payment, true);
    assert_eq!(world.ends[0].node.ledger.mempool().len(), 0, "stored first");
    world.settle();
    assert_eq!(world.ends[0].answers.remove(&ticket), Some(Ok(1)));
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Open);
    // The ledger knows better than the outbox what can be spent.
    let all = transfer(1, 2, 996, 0, 2);
    let end = &mut world.ends[0];
    let now = end.node.now;
    let asked = end.outbox.send(2, all.clone(), true, now);
    assert_eq!(asked, [outbox::Effect::AskFunds]);
    let wrong = Funds {
        balance: Amount(5_000),
        promised: Amount(0),
    };
    let effects = end.outbox.funds(&wrong, now);
    world.outbox_did(0, effects);
    world.settle();
    let refused = world.ends[0].answers.remove(&2).unwrap();
    assert!(
        matches!(refused, Err(SendError::Rejected(_))),
        "{refused:?}"
    );
    assert_eq!(world.ends[0].state(&all.id()), SendState::Refused);
    assert_eq!(world.ends[0].outbox.waiting().reserved, Amount(0));
}

#[test]
fn what_came_over_the_network_alone_is_found_once_on_any_way() {
    let mut world = World::new();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, true);
    world.settle();
    world.mine(0);
    // Bob was away: it comes in a block, and it is found again after he was killed before he wrote.
    world.connect();
    world.gossip();
    world.kill(1);
    world.settle();
    assert_eq!(world.ends[1].received(), [payment.id()]);
    world.kill(1);
    world.settle();
    assert_eq!(world.ends[1].received(), [payment.id()]);
}

#[test]
fn what_the_same_key_sent_from_another_machine_is_found_once_on_any_way() {
    let mut world = World::new();
    // Both ends are alice's.
    world.ends[1] = End::new(1);
    let (mined, open) = (transfer(1, 2, 5, 0, 1), transfer(1, 2, 6, 0, 2));
    world.send(&mined, true);
    world.settle();
    world.mine(0);
    world.send(&open, true);
    world.settle();
    world.connect();
    world.gossip();
    // Told and not written: then found among the open ones that the ledger kept, and in the blocks.
    assert_eq!(world.ends[1].sent(), []);
    world.kill(1);
    world.settle();
    assert_eq!(world.ends[1].sent(), [open.id(), mined.id()]);
    assert_eq!(world.ends[1].state(&mined.id()), SendState::Mined);
    assert_eq!(world.ends[1].state(&open.id()), SendState::Open);
    // The ledger counts the coins of what is open: they are not kept back twice.
    assert_eq!(world.ends[1].outbox.waiting().reserved, Amount(0));
    // Each once, whatever comes after, and at neither end what the other has.
    world.mine(1);
    world.kill(1);
    world.connect();
    world.gossip();
    world.settle();
    for end in &world.ends {
        assert_eq!(end.sent().len(), 2);
        assert_eq!(end.state(&open.id()), SendState::Mined);
        assert_eq!(end.received(), []);
    }
}

#[test]
fn what_another_machine_sent_is_looked_after_when_it_falls_out_of_the_chain() {
    let mut world = World::new();
    world.ends[1] = End::new(1);
    world.connect();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, true);
    world.settle();
    world.mine(0);
    world.gossip();
    world.settle();
    assert_eq!(world.ends[1].state(&payment.id()), SendState::Mined);
    let mut other = Node::new();
    for _ in 0..3 {
        let block = other.mine(9);
        world.ends[1].node.block(block);
    }
    world.news(1);
    world.settle();
    assert_eq!(world.ends[1].state(&payment.id()), SendState::Open);
    world.mine(1);
    world.settle();
    assert_eq!(world.ends[1].state(&payment.id()), SendState::Mined);
    assert_eq!(world.ends[1].sent(), [payment.id()]);
}

#[test]
fn a_reorganisation_takes_mined_back_to_open() {
    let mut world = World::new();
    world.connect();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, false);
    world.settle();
    world.gossip();
    world.mine(0);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Mined);
    // Bob mines a heavier branch without it.
    let mut other = Node::new();
    for _ in 0..3 {
        other.mine(4);
    }
    let branch: Vec<_> = (1..=3)
        .map(|height| {
            let id = crate::chain::StateView::active(&other.disk, Height(height));
            let id = id.unwrap().unwrap();
            crate::chain::StateView::block(&other.disk, &id)
                .unwrap()
                .unwrap()
        })
        .collect();
    world.ends[0].node.now = other.now;
    for block in branch {
        world.ends[0].node.block(block);
    }
    world.news(0);
    world.settle();
    assert_eq!(world.ends[0].node.ledger.tip().height().0, 3);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Open);
    world.ends[0].node.mine(3);
    world.news(0);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Mined);
}

#[test]
fn two_payments_of_the_same_coins_end_with_one_of_them_in_conflict() {
    let mut world = World::new();
    world.connect();
    let payment = transfer(1, 2, 600, 0, 1);
    world.send(&payment, false);
    world.settle();
    // The same key, on another machine, pays somebody else, and that is mined first.
    let other = transfer(1, 3, 600, 0, 2);
    let mut elsewhere = Node::new();
    elsewhere.send(other).unwrap();
    let block = elsewhere.mine(4);
    for at in 0..2 {
        world.ends[at].node.now = elsewhere.now;
        world.ends[at].node.block(block.clone());
        world.news(at);
    }
    world.pass(outbox::PASS_ON_WITHIN_MS);
    world.settle();
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Conflicted);
    assert_eq!(world.ends[0].outbox.waiting().reserved, Amount(0));
    let number = rows::find(&world.ends[1].received_rows, &payment.id()).unwrap();
    let facts: ReceivedFacts = rows::facts(&world.ends[1].received_rows, number.unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(facts.closed, Some(Closed::Conflicted));
}

/// What can happen.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send,
    Connect,
    Cut,
    Arrive(usize, bool),
    Write(usize, usize),
    Kill(usize),
    Gossip,
    Mine(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        3 => Just(Step::Connect),
        1 => Just(Step::Cut),
        8 => (0..2usize, prop::bool::weighted(0.2)).prop_map(|(at, twice)| Step::Arrive(at, twice)),
        6 => (0..2usize, 1..4usize).prop_map(|(at, batches)| Step::Write(at, batches)),
        1 => (0..2usize).prop_map(Step::Kill),
        2 => Just(Step::Gossip),
        1 => (0..2usize).prop_map(Step::Mine),
        3 => (0..4_000u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is lost, doubled or killed on the way: what was promised to be sent is received
    /// exactly once, in order, and mined.
    #[test]
    fn what_was_promised_arrives_exactly_once(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        let mut sent = Vec::new();
        let mut killed = false;
        for step in steps {
            match step {
                Step::Send if sent.len() < 60 => {
                    let payment = transfer(1, 2, 1 + sent.len() as u64 % 3, 0, sent.len() as u8 + 1);
                    let ticket = world.send(&payment, false);
                    sent.push((ticket, payment.id()));
                }
                Step::Send => {}
                Step::Connect => world.connect(),
                Step::Cut => world.cut(),
                Step::Arrive(at, doubled) => world.arrive(at, doubled),
                Step::Write(at, batches) => world.write(at, batches),
                Step::Kill(at) => {
                    killed |= at == 1;
                    world.kill(at);
                }
                Step::Gossip => world.gossip(),
                Step::Mine(at) => {
                    world.gossip();
                    let same = world.ends[0].node.ledger.tip().id == world.ends[1].node.ledger.tip().id;
                    if same {
                        world.mine(at);
                    }
                }
                Step::Pass(ms) => world.pass(ms),
            }
        }
        // What was promised is what was answered; the rest died before it was stored.
        for _ in 0..20 {
            world.connect();
            world.settle();
            world.pass(outbox::PASS_ON_WITHIN_MS);
            world.gossip();
        }
        world.mine(0);
        world.gossip();
        world.settle();
        let promised: Vec<_> = sent
            .iter()
            .filter(|(ticket, _)| world.ends[0].answers.contains_key(ticket))
            .map(|(_, id)| *id)
            .collect();
        for id in &promised {
            prop_assert_eq!(world.ends[0].state(id), SendState::Mined);
        }
        let received = world.ends[1].received();
        let once: HashSet<_> = received.iter().collect();
        prop_assert_eq!(once.len(), received.len(), "each once");
        prop_assert!(promised.iter().all(|id| once.contains(id)));
        if !killed {
            let sent = sent.iter().map(|(_, id)| *id).filter(|id| once.contains(id));
            prop_assert_eq!(received.clone(), sent.collect::<Vec<_>>(), "in order");
        }
        prop_assert_eq!(world.ends[0].outbox.waiting().queued, 0);
        prop_assert_eq!(world.ends[0].outbox.waiting().reserved, Amount(0));
    }
}
