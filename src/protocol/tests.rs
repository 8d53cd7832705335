//! One tracker and its members through anything that can happen to connections, disks and processes.

use super::SessionId;
use super::testing::{Out, Peer, TRACKER, Tracker, hello};
use crate::chain::Genesis;
use crate::keys::PublicKey;
use crate::wire::{MemberId, Message, NodeRole};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// What travels in one direction: a message, or the news that the other side is gone.
type Line = VecDeque<Option<Message>>;

#[derive(Default)]
struct Wire {
    peer: usize,
    to_tracker: Line,
    to_peer: Line,
}

#[derive(Debug, Clone)]
enum Step {
    /// Time passes, and everybody's clock ticks.
    Pass(u64),
    /// A dial succeeds.
    Connect(usize),
    /// A dial fails.
    Refuse(usize),
    /// A peer's messages reach the tracker.
    Hear(usize, usize),
    /// The tracker's messages reach a peer.
    Tell(usize, usize),
    /// The tracker's disk gets on.
    Sync,
    /// A connection is cut; each side hears of it when it hears the rest.
    Cut(usize),
    /// A peer notices at once that its connection was cut, the tracker does not yet.
    HalfCut(usize),
    RestartTracker,
    RestartPeer(usize, bool),
    Mined(usize),
    Leave(usize),
    /// The tracker's visits end: who runs is met, if they go well.
    Visits(bool),
}

const PEERS: usize = 5;

fn step() -> impl Strategy<Value = Step> {
    let peer = 0..PEERS;
    prop_oneof![
        6 => (0..3_000u64).prop_map(Step::Pass),
        1 => (0..70_000u64).prop_map(Step::Pass),
        8 => peer.clone().prop_map(Step::Connect),
        1 => peer.clone().prop_map(Step::Refuse),
        8 => (peer.clone(), 1..4usize).prop_map(|(p, n)| Step::Hear(p, n)),
        8 => (peer.clone(), 1..4usize).prop_map(|(p, n)| Step::Tell(p, n)),
        6 => Just(Step::Sync),
        1 => peer.clone().prop_map(Step::Cut),
        1 => peer.clone().prop_map(Step::HalfCut),
        1 => Just(Step::RestartTracker),
        1 => (peer.clone(), any::<bool>()).prop_map(|(p, keep)| Step::RestartPeer(p, keep)),
        3 => peer.clone().prop_map(Step::Mined),
        1 => Just(Step::Leave(4)),
        3 => any::<bool>().prop_map(Step::Visits),
    ]
}

struct World {
    tracker: Tracker,
    peers: Vec<Peer>,
    wires: BTreeMap<u64, Wire>,
    next_session: u64,
    /// Who was ever told which number.
    numbers: HashMap<MemberId, PublicKey>,
}

impl World {
    fn new() -> Self {
        // Two of them want the same name.
        let names = ["alice", "bob", "carol", "bob", "dora"];
        let peers = (1..).zip(names).map(|(n, name)| Peer::new(n, name));
        Self {
            tracker: Tracker::new(),
            peers: peers.collect(),
            wires: BTreeMap::new(),
            next_session: 0,
            numbers: HashMap::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Pass(ms) => {
                self.tracker.tick(ms);
                self.peers.iter_mut().for_each(|p| p.tick(ms));
            }
            Step::Connect(peer) => self.connect(peer),
            Step::Refuse(peer) => {
                let peer = &mut self.peers[peer];
                if peer.dials.pop().is_some() {
                    let effects = peer.link.dial_failed("refused".to_owned(), peer.now);
                    peer.carry_out(effects);
                }
            }
            Step::Hear(peer, count) => self.hear(peer, count),
            Step::Tell(peer, count) => self.tell(peer, count),
            Step::Sync => self.tracker.sync_one(),
            Step::Cut(peer) => {
                for wire in self.wires.values_mut().filter(|w| w.peer == peer) {
                    wire.to_tracker.push_back(None);
                    wire.to_peer.push_back(None);
                }
            }
            Step::HalfCut(peer) => {
                for (session, wire) in self.wires.iter_mut().filter(|(_, w)| w.peer == peer) {
                    wire.to_peer.clear();
                    self.peers[peer].close(*session);
                }
            }
            Step::RestartTracker => {
                self.tracker.restart();
                for wire in self.wires.values_mut() {
                    wire.to_tracker.clear();
                    wire.to_peer.push_back(None);
                }
            }
            Step::RestartPeer(peer, keeps_chain) => {
                for wire in self.wires.values_mut().filter(|w| w.peer == peer) {
                    wire.to_peer.clear();
                    wire.to_tracker.push_back(None);
                }
                self.peers[peer].restart(keeps_chain);
            }
            Step::Mined(peer) => self.peers[peer].finish_mining(),
            Step::Leave(peer) => {
                let peer = &mut self.peers[peer];
                let effects = peer.link.leave(peer.now);
                peer.carry_out(effects);
            }
            Step::Visits(go_well) => {
                let peers = self.peers.iter().filter(|p| p.rest.is_none());
                let running: BTreeSet<_> = peers.map(|p| super::testing::key(p.number)).collect();
                let members = self.tracker.registry.members();
                let met = members.filter(|m| running.contains(&m.record.statement.key));
                let met: BTreeSet<_> = met.map(|m| m.id).collect();
                self.tracker.end_visits(|id| go_well && met.contains(&id));
            }
        }
        self.carry();
    }

    fn connect(&mut self, peer: usize) {
        if self.peers[peer].dials.pop().is_none() {
            return;
        }
        self.next_session += 1;
        let session = self.next_session;
        let wire = Wire {
            peer,
            ..Wire::default()
        };
        self.wires.insert(session, wire);
        let greeting = hello(TRACKER, NodeRole::Tracker, self.tracker.registry.network());
        let (number, network) = (self.peers[peer].number, self.peers[peer].link.network());
        self.tracker.open(session, number, network);
        self.peers[peer].open(session, &greeting);
    }

    fn hear(&mut self, peer: usize, count: usize) {
        let sessions: Vec<_> = self.wires.keys().copied().collect();
        for session in sessions {
            for _ in 0..count {
                let wire = self.wires.get_mut(&session).filter(|w| w.peer == peer);
                match wire.and_then(|w| w.to_tracker.pop_front()) {
                    Some(Some(message)) => self.tracker.receive(session, &message),
                    Some(None) => self.tracker.close(session),
                    None => break,
                }
            }
        }
    }

    fn tell(&mut self, peer: usize, count: usize) {
        let sessions: Vec<_> = self.wires.keys().copied().collect();
        for session in sessions {
            for _ in 0..count {
                let wire = self.wires.get_mut(&session).filter(|w| w.peer == peer);
                match wire.and_then(|w| w.to_peer.pop_front()) {
                    Some(Some(message)) => self.peers[peer].receive(session, &message),
                    Some(None) => self.peers[peer].close(session),
                    None => break,
                }
            }
        }
    }

    /// Puts what was said onto the wires.
    fn carry(&mut self) {
        let wires = &mut self.wires;
        let mut put = |out: Out, line: fn(&mut Wire) -> &mut Line| {
            let (SessionId(session), item) = match out {
                Out::Sent(session, message) => (session, Some(message)),
                Out::Closed(session, _) => (session, None),
            };
            line(wires.get_mut(&session).unwrap()).push_back(item);
        };
        for out in self.tracker.out.drain(..) {
            put(out, |wire| &mut wire.to_peer);
        }
        for out in self.peers.iter_mut().flat_map(|p| p.out.drain(..)) {
            put(out, |wire| &mut wire.to_tracker);
        }
    }

    /// What nobody may ever see broken, whatever else is going on.
    fn check_promises(&mut self) {
        // Reading it again is what a start after a power cut now would do.
        let disk = super::Registry::open(
            super::testing::secret(TRACKER),
            crate::chain::testing::params(),
            1,
            self.tracker.disk.clone(),
        )
        .unwrap();
        for peer in &self.peers {
            let known = peer.networks.iter().chain(peer.link.genesis());
            for genesis in known {
                assert_eq!(Some(genesis), disk.genesis(), "told before it was stored");
            }
        }
        for peer in &mut self.peers {
            for id in peer.joined.drain(..) {
                let key = super::testing::key(peer.number);
                let owner = *self.numbers.entry(id).or_insert(key);
                assert_eq!(owner, key, "a number was given twice");
            }
        }
        let members: Vec<_> = disk.members().collect();
        let names: BTreeSet<_> = members.iter().map(|m| &m.record.statement.name).collect();
        let keys: BTreeSet<_> = members.iter().map(|m| m.record.statement.key).collect();
        assert_eq!((names.len(), keys.len()), (members.len(), members.len()));
    }

    /// Lets everything work for so long that it must be well.
    fn settle(&mut self) {
        for _ in 0..120 {
            for peer in 0..PEERS {
                self.take(Step::Connect(peer));
                self.take(Step::Hear(peer, 20));
                self.take(Step::Mined(peer));
            }
            self.tracker.sync();
            self.take(Step::Visits(true));
            self.take(Step::Pass(2_000));
            for peer in 0..PEERS {
                self.take(Step::Tell(peer, 20));
            }
        }
    }

    fn check_settled(&self) {
        let registry = &self.tracker.registry;
        let listed: Vec<_> = registry.members().collect();
        let networks = self.peers.iter().flat_map(|p| &p.networks);
        let networks: BTreeSet<_> = networks.map(Genesis::id).collect();
        let at_work = self.peers.iter().filter(|p| p.rest.is_none());
        let mut live = BTreeSet::new();
        for peer in at_work {
            assert!(
                peer.link.is_registered(),
                "{}: {:?}",
                peer.name,
                peer.warnings
            );
            assert_eq!(peer.link.genesis(), registry.genesis());
            assert!(peer.link.genesis().is_some() && peer.mining.is_none());
            let mut known: Vec<_> = peer.link.directory().members().cloned().collect();
            known.sort_by_key(|m| m.id);
            assert_eq!(known, listed, "the directory of {}", peer.name);
            live.insert(super::testing::key(peer.number));
        }
        let told_live = listed.iter().filter(|m| m.live);
        let told_live: BTreeSet<_> = told_live.map(|m| m.record.statement.key).collect();
        assert_eq!(told_live, live);
        assert!(networks.len() <= 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_there_is_one_genesis_and_one_list(
        steps in prop::collection::vec(step(), 0..250),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check_promises();
        }
        world.settle();
        world.check_promises();
        world.check_settled();
    }
}
