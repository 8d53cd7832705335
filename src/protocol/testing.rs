//! What the tests of the conversations share: members with their words, and shells that carry out
//! effects on disks in memory.

use super::registry::{self, Fact, OrderRefused, Outcome, Registry, Visited};
use super::tracker_link::{self, Config, Reach, TrackerLink, Warning};
use super::{Row, SessionId};
use crate::canonical::CappedText;
use crate::chain::testing::{START, genesis_with, member, params};
use crate::chain::{Genesis, GenesisContent, Header, Height, NetworkId};
use crate::clock::{BEGUN, Now};
use crate::keys::{PublicKey, SecretKey};
use crate::membership::Address;
use crate::membership::Certificate;
use crate::wire::frame::FrameDecoder;
use crate::wire::member::Leaving;
use crate::wire::message::{ChallengeAnswer, Goodbye};
use crate::wire::{Hello, MemberId, MemberRecord, MemberStatement, Message, NodeRole};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Number of the secret key of the tests' tracker; `chain::testing::genesis` is made for it.
pub(crate) const TRACKER: u8 = 200;

pub(crate) fn key(number: u8) -> PublicKey {
    member(number).public_key()
}

pub(crate) fn secret(number: u8) -> Arc<SecretKey> {
    Arc::new(member(number))
}

pub(super) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn hello(number: u8, role: NodeRole, network: NetworkId) -> Hello {
    Hello {
        network,
        role,
        key: key(number),
        nonce: 0,
        height: Height(0),
        address: None,
        time: START,
        minor: 0,
        incarnation: 1,
        agent: CappedText::new("test").unwrap(),
    }
}

pub(super) fn statement(number: u8, name: &str, sequence: u64) -> MemberStatement {
    MemberStatement {
        tracker: key(TRACKER),
        sequence,
        name: name.parse().unwrap(),
        key: key(number),
        sealing_key: member(number).sealing_key(),
        addresses: vec![address(&format!("127.0.0.1:7{number:03}"))],
    }
}

pub(crate) fn record(number: u8, name: &str, sequence: u64) -> MemberRecord {
    statement(number, name, sequence).sign(&member(number))
}

pub(crate) fn mine(mut header: Header, content: GenesisContent) -> Genesis {
    while !header.has_work() {
        header.nonce += 1;
    }
    Genesis { header, content }
}

/// A genesis block of the tests' network, founded by this member.
pub(crate) fn genesis_by(founder: u8) -> Genesis {
    let content = GenesisContent::new(params(), key(TRACKER), key(founder));
    mine(content.header(START), content)
}

/// A genesis block of the tests' tracker with other parameters.
pub(super) fn other_genesis() -> Genesis {
    let mut params = params();
    params.reward.0 += 1;
    genesis_with(params)
}

/// The message as it arrives at the other end.
pub(crate) fn over_the_wire(message: &Message) -> Message {
    let bytes = message.to_frame().unwrap();
    let frame = FrameDecoder::new(Message::most)
        .next(&mut &bytes[..])
        .unwrap()
        .unwrap();
    Message::decode(&frame).unwrap()
}

type Disk = BTreeMap<Vec<u8>, Vec<u8>>;

fn write(disk: &mut Disk, rows: Vec<Row>) {
    for (key, value) in rows {
        match value {
            Some(value) => disk.insert(key, value),
            None => disk.remove(&key),
        };
    }
}

/// What a shell did for its machine, oldest first.
#[allow(clippy::large_enum_variant, reason = "most are messages")]
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Out {
    Sent(SessionId, Message),
    Closed(SessionId, String),
}

/// A registry with its shell and disk.
pub(super) struct Tracker {
    pub(super) registry: Registry,
    pub(super) disk: Disk,
    /// Batches that are not on the disk yet.
    pub(super) unsynced: VecDeque<(u64, Vec<Row>)>,
    pub(super) out: VecDeque<Out>,
    pub(super) facts: Vec<Fact>,
    /// Who is to be dialled back.
    pub(super) visits: Vec<Visited>,
    /// How often the admin's tracker was to be dialled.
    pub(super) dials_first: usize,
    /// Where they knocked.
    pub(super) knocks: Vec<Address>,
    /// What came of orders.
    pub(super) done: Vec<(u64, Result<Outcome, OrderRefused>)>,
    /// Certificates, which most tests do not look at.
    pub(super) issued: Vec<(SessionId, Certificate)>,
    pub(super) now: Now,
}

impl Tracker {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::open(secret(TRACKER), params(), 1, []).unwrap(),
            disk: Disk::new(),
            unsynced: VecDeque::new(),
            out: VecDeque::new(),
            facts: Vec::new(),
            visits: Vec::new(),
            dials_first: 0,
            knocks: Vec::new(),
            done: Vec::new(),
            issued: Vec::new(),
            now: BEGUN,
        }
    }

    pub(super) fn carry_out(&mut self, effects: Vec<registry::Effect>) {
        for effect in effects {
            match effect {
                registry::Effect::Send {
                    session,
                    message: Message::CertificateIssued(certificate),
                } => self.issued.push((session, certificate)),
                registry::Effect::Send { session, message } => {
                    self.out.push_back(Out::Sent(session, message));
                }
                registry::Effect::SendAll { sessions, message } => {
                    for session in sessions {
                        self.out.push_back(Out::Sent(session, message.clone()));
                    }
                }
                registry::Effect::DialBack {
                    whom, addresses, ..
                } => {
                    self.visits.push(whom);
                    self.knocks.extend(addresses);
                }
                registry::Effect::DialFirst { .. } => self.dials_first += 1,
                registry::Effect::Close { session, reason } => {
                    self.out.push_back(Out::Closed(session, reason));
                }
                registry::Effect::Commit { batch, rows } => self.unsynced.push_back((batch, rows)),
                registry::Effect::Fact(fact) => self.facts.push(fact),
                registry::Effect::Done { token, outcome } => self.done.push((token, outcome)),
            }
        }
    }

    /// The oldest batch under way reaches the disk.
    pub(super) fn sync_one(&mut self) {
        if let Some((batch, rows)) = self.unsynced.pop_front() {
            write(&mut self.disk, rows);
            let effects = self.registry.committed(batch);
            self.carry_out(effects);
        }
    }

    pub(super) fn sync(&mut self) {
        while !self.unsynced.is_empty() {
            self.sync_one();
        }
    }

    /// Ends as by a power cut and starts again.
    pub(super) fn restart(&mut self) {
        self.unsynced.clear();
        self.out.clear();
        self.visits.clear();
        let rows = self.disk.clone();
        self.registry = Registry::open(secret(TRACKER), params(), 1, rows).unwrap();
    }

    pub(super) fn open(&mut self, session: u64, number: u8, network: NetworkId) {
        self.open_showing(session, number, network, None);
    }

    /// As [`Tracker::open`], by somebody who shows this certificate.
    pub(super) fn open_showing(
        &mut self,
        session: u64,
        number: u8,
        network: NetworkId,
        certificate: Option<Certificate>,
    ) {
        let hello = hello(number, NodeRole::Peer, network);
        let session = SessionId(session);
        let effects = self
            .registry
            .session_opened(session, hello, certificate, self.now);
        self.carry_out(effects);
    }

    pub(super) fn close(&mut self, session: u64) {
        let effects = self.registry.session_closed(SessionId(session), self.now);
        self.carry_out(effects);
    }

    /// A session's owner says goodbye, and its connection ends.
    pub(super) fn leave_off(&mut self, session: u64) {
        self.receive(session, &Message::Goodbye(Goodbye::new("stopping")));
        self.close(session);
    }

    /// As [`Tracker::join`], with what is said left where it is.
    pub(super) fn join_quietly(&mut self, number: u8, name: &str) {
        self.open(number.into(), number, self.registry.network());
        self.receive(number.into(), &Message::Register(record(number, name, 1)));
    }

    pub(super) fn receive(&mut self, session: u64, message: &Message) {
        let message = over_the_wire(message);
        let effects = self
            .registry
            .received(SessionId(session), message, self.now);
        self.carry_out(effects);
    }

    pub(super) fn tick(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        let effects = self.registry.tick(self.now);
        self.carry_out(effects);
    }

    /// What was said since this was last asked, all batches written; but for challenges, which
    /// are answered.
    pub(super) fn said(&mut self) -> Vec<Out> {
        self.sync();
        let said = self.out.drain(..).collect();
        self.answer(said, |_| true)
    }

    /// Answers the challenges in `said` on the sessions that do; the rest of it.
    pub(super) fn answer(&mut self, said: Vec<Out>, answers: impl Fn(u64) -> bool) -> Vec<Out> {
        let mut rest = Vec::new();
        for out in said {
            match out {
                Out::Sent(SessionId(session), Message::Challenge(number)) => {
                    if answers(session) {
                        let height = Height(0);
                        let answer = ChallengeAnswer { number, height };
                        self.receive(session, &Message::ChallengeAnswer(answer));
                    }
                }
                out => rest.push(out),
            }
        }
        rest
    }

    /// The visits under way end, in vain or not.
    pub(super) fn end_visits(&mut self, reached: impl Fn(MemberId) -> bool) {
        for whom in std::mem::take(&mut self.visits) {
            let reached = match whom {
                Visited::Member(id) => reached(id),
                Visited::Inquirer(_) => false,
            };
            let effects = self.registry.dialled_back(whom, reached);
            self.carry_out(effects);
        }
    }

    /// Opens a session of the same number as the member's key and registers; what was said.
    pub(super) fn join(&mut self, number: u8, name: &str) -> Vec<Out> {
        self.join_quietly(number, name);
        self.said()
    }
}

/// A tracker link with its shell, wallet and disk.
pub(super) struct Peer {
    pub(super) number: u8,
    pub(super) name: String,
    pub(super) link: TrackerLink,
    pub(super) disk: Disk,
    pub(super) out: VecDeque<Out>,
    pub(super) dials: Vec<Address>,
    pub(super) mining: Option<(Header, GenesisContent)>,
    /// What its registration costs.
    pub(super) search: Option<Header>,
    /// Networks it was told of, over all its restarts.
    pub(super) networks: Vec<Genesis>,
    pub(super) joined: Vec<MemberId>,
    pub(super) changed: Vec<tracker_link::Effect>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) warnings: Vec<Warning>,
    pub(super) reaches: Vec<Reach>,
    /// Why it is at rest.
    pub(super) rest: Option<String>,
    pub(super) now: Now,
}

impl Peer {
    pub(super) fn new(number: u8, name: &str) -> Self {
        Self {
            number,
            name: name.to_owned(),
            link: TrackerLink::open(config(number, name, None), []).unwrap(),
            disk: Disk::new(),
            out: VecDeque::new(),
            dials: Vec::new(),
            mining: None,
            search: None,
            networks: Vec::new(),
            joined: Vec::new(),
            changed: Vec::new(),
            certificates: Vec::new(),
            warnings: Vec::new(),
            reaches: Vec::new(),
            rest: None,
            now: BEGUN,
        }
    }

    /// Ends and starts again, with its chain or without.
    pub(super) fn restart(&mut self, keeps_chain: bool) {
        let genesis = self.networks.last().filter(|_| keeps_chain).cloned();
        let config = config(self.number, &self.name, genesis);
        self.link = TrackerLink::open(config, self.disk.clone()).unwrap();
        self.out.clear();
        self.dials.clear();
        self.mining = None;
        self.rest = None;
    }

    pub(super) fn carry_out(&mut self, effects: Vec<tracker_link::Effect>) {
        use tracker_link::Effect;
        for effect in effects {
            match effect {
                Effect::Dial { address } => self.dials.push(address),
                Effect::Send { session, message } => {
                    self.out.push_back(Out::Sent(session, message));
                }
                Effect::Close { session, reason } => {
                    self.out.push_back(Out::Closed(session, reason));
                }
                Effect::Answer { session, number } => {
                    let height = Height(0);
                    let answer = Message::ChallengeAnswer(ChallengeAnswer { number, height });
                    self.out.push_back(Out::Sent(session, answer));
                }
                Effect::Sign(statement) => {
                    let record = statement.sign(&member(self.number));
                    let effects = self.link.signed(record, self.now);
                    self.carry_out(effects);
                }
                Effect::SignLeaving { tracker, sequence } => {
                    let leaving = Leaving::sign(tracker, sequence, &member(self.number));
                    let effects = self.link.leaving_signed(leaving);
                    self.carry_out(effects);
                }
                Effect::MineGenesis { header, content } => self.mining = Some((header, content)),
                Effect::SearchForWork(header) => self.search = Some(header),
                Effect::StopMiningGenesis => self.mining = None,
                Effect::NetworkKnown(genesis) => self.networks.push(genesis),
                Effect::Joined { id } => self.joined.push(id),
                Effect::Certified(certificate) => self.certificates.push(certificate),
                Effect::StatementsHeard(_)
                | Effect::RenewElsewhere
                | Effect::RegisterElsewhere
                | Effect::Instead { .. } => {}
                Effect::DirectoryChanged { .. } => self.changed.push(effect),
                Effect::Commit { batch, rows } => {
                    write(&mut self.disk, rows);
                    let effects = self.link.committed(batch);
                    self.carry_out(effects);
                }
                Effect::Left => self.rest = Some("left".to_owned()),
                Effect::Fatal { reason } => self.rest = Some(reason),
                Effect::Warn(warning) => self.warnings.push(warning),
                Effect::Reach(reach) => self.reaches.push(reach),
            }
        }
    }

    pub(super) fn tick(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        let effects = self.link.tick(self.now);
        self.carry_out(effects);
    }

    pub(super) fn open(&mut self, session: u64, hello: &Hello) {
        let effects = self.link.opened(SessionId(session), hello, self.now);
        self.carry_out(effects);
    }

    pub(super) fn receive(&mut self, session: u64, message: &Message) {
        let message = over_the_wire(message);
        let effects = self.link.received(SessionId(session), message, self.now);
        self.carry_out(effects);
    }

    pub(super) fn close(&mut self, session: u64) {
        let reason = "cut".to_owned();
        let effects = self.link.closed(SessionId(session), reason, self.now);
        self.carry_out(effects);
    }

    /// Finishes the search for genesis, if there is one under way.
    pub(super) fn finish_mining(&mut self) {
        if let Some((header, content)) = self.mining.take() {
            let effects = self.link.genesis_mined(mine(header, content));
            self.carry_out(effects);
        }
    }

    pub(super) fn said(&mut self) -> Vec<Out> {
        self.out.drain(..).collect()
    }
}

pub(crate) fn config(number: u8, name: &str, genesis: Option<Genesis>) -> Config {
    Config {
        address: address("tracker:7000"),
        name: name.parse().unwrap(),
        key: key(number),
        sealing_key: member(number).sealing_key(),
        addresses: vec![address(&format!("127.0.0.1:7{number:03}"))],
        tracker_key: None,
        genesis,
        others: Vec::new(),
        invitation: None,
        seed: number.into(),
    }
}
