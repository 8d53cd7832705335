//! Several machines with their ledgers, and lines between them that deliver in order, each at its own
//! pace; everything else that can happen, happens at random, from a seed.

mod ledger;
mod lines;

use super::*;
use crate::chain::Timestamp;
use crate::chain::locator::{headers_after, locator};
use crate::chain::testing::START;
use crate::clock::{Now, SteadyTime};
use crate::messages::gossip::Candidate;
use crate::protocol::gossip::peers::Outlook;
use crate::protocol::spread::Spread;
use crate::shell::testing::ledger::LedgerEnd;
use lines::{Line, Packet};
use std::collections::{BTreeMap, VecDeque};

/// What a node does to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Honest,
    /// Shows headers and never sends a body.
    Staller,
    /// Sends one body every 1.9 s, and never its last one.
    Dripper,
    /// Sends bodies, each 2.4 s after it was asked for it.
    Late,
    /// Sends bodies as slowly as it may: each just before others would be asked for it.
    Slow,
    /// Sends bodies that are not those of their headers.
    Liar,
    /// Shows headers whose work it has not done.
    Boaster,
    /// Says that it has no body of what it shows.
    Denier,
    /// Answers no question for headers.
    Silent,
    /// Announces, again and again, headers upon nothing.
    Flooder,
    /// Announces transactions and never sends one.
    Mute,
}

pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) ledger: LedgerEnd,
    /// What its ledger lives by.
    ledger_clock: Arc<HandClock>,
    pub(super) own: Node,
    /// Bodies asked of others, by how often each.
    pub(super) asked_blocks: BTreeMap<BlockId, usize>,
    pub(super) lookups: usize,
    pub(super) header_questions: usize,
    /// Why it closed sessions.
    pub(super) reasons: Vec<String>,
}

pub(super) struct World {
    pub(super) peers: Vec<Peer>,
    pub(super) now: SteadyTime,
    pub(super) random: Spread,
    clock: Arc<HandClock>,
    lines: BTreeMap<SessionId, Line>,
    last_line: u64,
    /// Whether ledgers may be slow.
    pub(super) slow_ledgers: bool,
}

const TICK_MS: u64 = 100;

/// Whether a session is not read from.
fn is_parked(parked: &mut Option<oneshot::Receiver<()>>) -> bool {
    let is = parked
        .as_mut()
        .is_some_and(|until| until.try_recv().is_err());
    if !is {
        *parked = None;
    }
    is
}

/// What the ledgers' clocks say.
fn both(now: SteadyTime) -> Now {
    Now {
        wall: START.plus_ms(now.since(STARTED)),
        steady: now,
    }
}

impl World {
    /// `chains` are what each node begins with. It is late enough for `height` blocks.
    pub(super) fn new(seed: u64, height: u64, chains: Vec<(Kind, Vec<Block>)>) -> Self {
        let now = STARTED.plus_ms(1_000 * (height + 10));
        let clock = HandClock::new();
        clock.set(Now {
            wall: START,
            steady: now,
        });
        let peers = (1..)
            .zip(chains)
            .map(|(number, (kind, chain))| {
                let ledger_clock = HandClock::new();
                ledger_clock.set(both(now));
                let mut ledger = LedgerEnd::new(ledger_clock.clone());
                ledger.settle();
                for block in chain {
                    ledger.block(block);
                }
                ledger.gossip.drain();
                let work = ledger.tip().work();
                Peer {
                    kind,
                    ledger,
                    ledger_clock,
                    own: Node::new(number, LIMITS, work, &clock),
                    asked_blocks: BTreeMap::new(),
                    lookups: 0,
                    header_questions: 0,
                    reasons: Vec::new(),
                }
            })
            .collect();
        Self {
            peers,
            now,
            random: Spread::new(seed),
            clock,
            lines: BTreeMap::new(),
            last_line: 0,
            slow_ledgers: false,
        }
    }

    pub(super) fn connect(&mut self, dialler: usize, other: usize, pace_ms: u64) {
        self.last_line += 1;
        let session = SessionId(self.last_line);
        self.lines.insert(
            session,
            Line {
                ends: [dialler, other],
                open: [true; 2],
                to: Default::default(),
                pace_ms,
                outstanding: [0; 2],
                asked: [0; 2],
                parked: [None, None],
            },
        );
        for (at, with) in [(dialler, other), (other, dialler)] {
            let number = u8::try_from(with).unwrap() + 1;
            let own = &mut self.peers[at].own;
            own.begun.set_next(session.0);
            let address = format!("10.0.0.{number}:1");
            let connection = connection(&address);
            if at == dialler {
                let result = Ok(connection);
                own.shell.dialled(Dialled { address, result });
            } else {
                own.shell.accepted(ConnectionAccepted(connection));
            }
            let parked = own.opened(session, number);
            self.park(at, session, parked);
        }
    }

    /// A node hears of members, but not where they are; of itself as well, and of one who is away.
    pub(super) fn hears_of(&mut self, at: usize, members: u8) {
        let told = |number: u8, outlook| Candidate {
            key: member(number).public_key(),
            name: format!("member-{number}").parse().unwrap(),
            addresses: Vec::new(),
            outlook,
            since: None,
        };
        let own = u8::try_from(at).unwrap() + 1;
        let mut candidates = vec![told(own, Outlook::Unknown), told(100, Outlook::Poor)];
        candidates.extend((101..101 + members).map(|number| told(number, Outlook::Unknown)));
        self.peers[at].own.shell.candidates_known(CandidatesKnown {
            candidates,
            statements: None,
        });
    }

    /// A session reads on when it may.
    fn park(&mut self, at: usize, session: SessionId, until: Option<oneshot::Receiver<()>>) {
        if let Some(side) = self.side(session, at)
            && let Some(line) = self.lines.get_mut(&session)
        {
            line.parked[side] = until;
        }
        self.settle(at);
    }

    /// Joins every two nodes.
    pub(super) fn connect_all(&mut self) {
        for a in 0..self.peers.len() {
            for b in a + 1..self.peers.len() {
                let pace = 1 + self.random.up_to(40);
                self.connect(a, b, pace);
            }
        }
    }

    pub(super) fn are_connected(&self, a: usize, b: usize) -> bool {
        let between = |line: &Line| line.ends == [a, b] || line.ends == [b, a];
        self.lines.values().any(between)
    }

    /// How many bodies `at` has asked of `other` over the lines that are there.
    pub(super) fn asked_of(&self, at: usize, other: usize) -> usize {
        let lines = self.lines.values();
        lines
            .filter_map(|line| match line.ends {
                [a, b] if [a, b] == [at, other] => Some(line.asked[0]),
                [a, b] if [b, a] == [at, other] => Some(line.asked[1]),
                _ => None,
            })
            .sum()
    }

    /// Lets `at` fetch the chain of `other` before that of others.
    pub(super) fn prefer(&mut self, at: usize, other: usize) {
        let key = member(u8::try_from(other).unwrap() + 1).public_key();
        let height = self.peers[at].own.shell.sync_from(SyncFrom(key));
        height.expect("it is connected");
        self.settle(at);
    }

    /// Both ends lose the connection, and what was under way in it.
    pub(super) fn cut(&mut self, a: usize, b: usize) {
        let between = |line: &&Line| line.ends == [a, b] || line.ends == [b, a];
        let cut: Vec<_> = self
            .lines
            .iter()
            .filter(|(_, line)| between(line))
            .map(|(session, _)| *session)
            .collect();
        for session in cut {
            for side in 0..2 {
                self.end(session, side);
            }
        }
    }

    /// One end hears that the session is over.
    fn end(&mut self, session: SessionId, side: usize) {
        let Some(line) = self.lines.get_mut(&session) else {
            return;
        };
        if !std::mem::replace(&mut line.open[side], false) {
            return;
        }
        let at = line.ends[side];
        if line.open == [false; 2] {
            self.lines.remove(&session);
        }
        self.peers[at].own.closed(session, "gone");
        self.settle(at);
    }

    fn side(&self, session: SessionId, at: usize) -> Option<usize> {
        let line = self.lines.get(&session)?;
        let side = line.ends.iter().position(|end| *end == at)?;
        line.open[side].then_some(side)
    }

    /// Does what a node's sessions were told to do.
    fn settle(&mut self, at: usize) {
        while let Some(Ordered(session, command)) = self.peers[at].own.begun.ordered.take() {
            match command {
                SessionCommand::Send(message) => self.send_message(at, session, message),
                SessionCommand::SendFrame(_) => panic!("only trackers send frames"),
                SessionCommand::SendBlocks(ids) => self.send_blocks(at, session, ids),
                SessionCommand::SendHeaders(ids) => self.send_headers(at, session, &ids),
                SessionCommand::AskHeaders(after) => {
                    let peer = &mut self.peers[at];
                    peer.header_questions += 1;
                    let ours = locator(&peer.ledger.rows()).unwrap();
                    let ids = after.into_iter().chain(ours).take(64).collect();
                    self.send_message(at, session, Message::GetHeaders(ids));
                }
                SessionCommand::Close(reason) => {
                    self.peers[at].reasons.push(reason);
                    self.send(at, session, Packet::Closed);
                    if let Some(side) = self.side(session, at) {
                        self.end(session, side);
                    }
                }
            }
        }
        let own = &self.peers[at].own;
        assert_eq!(
            own.dials.take(),
            None,
            "nobody is named who could be dialled"
        );
        assert!(own.taken.take().is_none(), "nobody delivers anything");
    }

    /// Mines a block at a node.
    pub(super) fn mine(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        peer.ledger_clock.set(both(self.now));
        peer.ledger.mine(u8::try_from(at).unwrap() + 1);
        self.tell(at);
    }

    /// Lets `ms` milliseconds pass.
    pub(super) fn run(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while self.now < end {
            let ticks = |now: SteadyTime| now.since(STARTED) / TICK_MS;
            let before = ticks(self.now);
            self.now = self.now.plus_ms(1 + self.random.up_to(20));
            // Nothing here may live by the wall clock: it says anything.
            self.clock.set(Now {
                wall: Timestamp(self.random.up_to(u64::MAX)),
                steady: self.now,
            });
            self.deliver();
            for at in 0..self.peers.len() {
                let most = if self.slow_ledgers { 3 } else { 200 };
                for _ in 0..self.random.up_to(most) {
                    if !self.answer_one(at) {
                        break;
                    }
                }
            }
            if ticks(self.now) != before {
                self.tick();
            }
        }
    }

    fn tick(&mut self) {
        for at in 0..self.peers.len() {
            self.peers[at].own.shell.tick();
            self.settle(at);
            if self.peers[at].kind == Kind::Flooder {
                self.flood(at);
            }
        }
    }

    fn flood(&mut self, at: usize) {
        let open = |line: &&SessionId| self.side(**line, at).is_some();
        let sessions: Vec<_> = self.lines.keys().filter(open).copied().collect();
        for session in sessions {
            for _ in 0..5 {
                let nonce = self.random.up_to(u64::MAX);
                let mut header = genesis().header;
                header.previous = BlockId(*blake3::hash(&nonce.to_le_bytes()).as_bytes());
                self.send_message(at, session, Message::AnnounceBlock(header));
            }
        }
    }

    /// Has a node say something in all of its sessions, whatever its machine would say.
    pub(super) fn say(&mut self, at: usize, message: Message) {
        let open = |line: &&SessionId| self.side(**line, at).is_some();
        let sessions: Vec<_> = self.lines.keys().filter(open).copied().collect();
        for session in sessions {
            match message {
                // What is asked is in the books.
                Message::GetBlocks(_) => self.send_message(at, session, message.clone()),
                _ => self.send(at, session, Packet::Message(message.clone())),
            }
        }
    }

    /// Lets every ledger answer all that it is asked: then nothing is owed to anybody.
    pub(super) fn nothing_is_owed(&mut self) {
        for at in 0..self.peers.len() {
            while self.answer_one(at) {}
            assert_eq!(self.peers[at].own.shell.credits.lent(), 0, "of {at}");
        }
    }

    pub(super) fn tip(&mut self, at: usize) -> BlockId {
        self.peers[at].ledger.tip().id
    }

    pub(super) fn honest(&self) -> Vec<usize> {
        let all = 0..self.peers.len();
        all.filter(|at| self.peers[*at].kind == Kind::Honest)
            .collect()
    }

    /// Runs until the first node has the tip, and returns how long it took.
    pub(super) fn until_newcomer_has(&mut self, tip: BlockId, within_ms: u64) -> u64 {
        let begun = self.now;
        while self.tip(0) != tip {
            let ms = self.now.since(begun);
            let height = self.peers[0].ledger.tip().height();
            assert!(ms < within_ms, "after {ms} ms the height is {height}");
            self.run(100);
        }
        self.now.since(begun)
    }

    /// Runs until all honest nodes have the tip, and returns how long it took.
    pub(super) fn until_all_have(&mut self, tip: BlockId, within_ms: u64) -> u64 {
        let begun = self.now;
        while !self.honest().iter().all(|at| self.tip(*at) == tip) {
            let ms = self.now.since(begun);
            let peers = self.peers.iter_mut();
            let heights: Vec<_> = peers.map(|p| p.ledger.tip().height().0).collect();
            assert!(ms < within_ms, "after {ms} ms the heights are {heights:?}");
            self.run(100);
        }
        self.now.since(begun)
    }
}
