//! One tracker and its members through anything that can happen to connections, disks and processes.

mod clocks;
mod crowd;
mod ends;

use crate::chain::Genesis;
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::protocol::testing::key;
use crate::wire::{MemberId, Message};
use ends::{PeerEnd, Said, TrackerEnd};
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
    tracker: TrackerEnd,
    peers: Vec<PeerEnd>,
    wires: BTreeMap<SessionId, Wire>,
    next_session: u64,
    /// Who ever had which number.
    numbers: HashMap<MemberId, PublicKey>,
}

impl World {
    fn new() -> Self {
        // Two of them want the same name.
        let names = ["alice", "bob", "carol", "bob", "dora"];
        let peers = (1..).zip(names).map(|(n, name)| PeerEnd::new(n, name));
        Self {
            tracker: TrackerEnd::new(),
            peers: peers.collect(),
            wires: BTreeMap::new(),
            next_session: 0,
            numbers: HashMap::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Pass(ms) => {
                self.tracker.pass(ms);
                self.peers.iter_mut().for_each(|p| p.pass(ms));
            }
            Step::Connect(peer) => self.connect(peer),
            Step::Refuse(peer) => self.peers[peer].refuse(),
            Step::Hear(peer, count) => self.hear(peer, count),
            Step::Tell(peer, count) => self.tell(peer, count),
            Step::Sync => {
                self.tracker.sync_one();
            }
            Step::Cut(peer) => {
                for wire in self.wires.values_mut().filter(|w| w.peer == peer) {
                    wire.to_tracker.push_back(None);
                    wire.to_peer.push_back(None);
                }
            }
            Step::HalfCut(peer) => {
                for (session, wire) in self.wires.iter_mut().filter(|(_, w)| w.peer == peer) {
                    wire.to_peer.clear();
                    self.peers[peer].gone(*session);
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
            Step::Leave(peer) => self.peers[peer].leave(),
            Step::Visits(go_well) => {
                let peers = self.peers.iter().filter(|p| !p.is_at_rest && go_well);
                let running: BTreeSet<_> = peers.map(|p| key(p.number)).collect();
                let members = self.tracker.members().into_iter();
                let met = members.filter(|m| running.contains(&m.record.statement.key));
                let met: BTreeSet<_> = met.map(|m| m.id).collect();
                self.tracker.end_visits(&met);
            }
        }
        self.carry();
    }

    fn connect(&mut self, peer: usize) {
        if self.peers[peer].dials.is_empty() {
            return;
        }
        self.next_session += 1;
        let session = SessionId(self.next_session);
        let wire = Wire {
            peer,
            ..Wire::default()
        };
        self.wires.insert(session, wire);
        let own = self.tracker.network();
        let (number, network) = (self.peers[peer].number, self.peers[peer].network());
        let admitted = self.tracker.accept(session, number, network);
        self.peers[peer].connect(session, own);
        if !admitted {
            self.peers[peer].gone(session);
        }
    }

    fn hear(&mut self, peer: usize, count: usize) {
        let sessions: Vec<_> = self.wires.keys().copied().collect();
        for session in sessions {
            for _ in 0..count {
                let wire = self.wires.get_mut(&session).filter(|w| w.peer == peer);
                match wire.and_then(|w| w.to_tracker.pop_front()) {
                    Some(Some(message)) => self.tracker.hear(session, &message),
                    Some(None) => self.tracker.gone(session),
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
                    Some(Some(message)) => self.peers[peer].hear(session, &message),
                    Some(None) => self.peers[peer].gone(session),
                    None => break,
                }
            }
        }
    }

    /// Puts what was said onto the wires.
    fn carry(&mut self) {
        let wires = &mut self.wires;
        let mut put = |(session, said): Said, line: fn(&mut Wire) -> &mut Line| {
            let wire = wires.get_mut(&session).unwrap();
            if said.is_none() {
                // Both ends hear of the end, who closes and who is closed.
                wire.to_tracker.push_back(None);
                wire.to_peer.push_back(None);
            } else {
                line(wire).push_back(said);
            }
        };
        for said in self.tracker.said() {
            put(said, |wire| &mut wire.to_peer);
        }
        for said in self.peers.iter_mut().flat_map(PeerEnd::said) {
            put(said, |wire| &mut wire.to_tracker);
        }
    }

    /// What nobody may ever see broken, whatever else is going on.
    fn check_promises(&mut self) {
        // Reading it again is what a start after a power cut now would do.
        let disk = self.tracker.on_disk();
        for genesis in self.peers.iter().flat_map(|peer| &peer.networks) {
            assert_eq!(Some(genesis), disk.genesis(), "told before it was stored");
        }
        for member in disk.members() {
            let key = member.record.statement.key;
            let owner = *self.numbers.entry(member.id).or_insert(key);
            assert_eq!(owner, key, "a number was given twice");
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
            while self.tracker.sync_one() {}
            self.carry();
            self.take(Step::Visits(true));
            self.take(Step::Pass(2_000));
            for peer in 0..PEERS {
                self.take(Step::Tell(peer, 20));
            }
        }
    }

    fn check_settled(&mut self) {
        let listed = self.tracker.members();
        let network = self.tracker.network();
        let networks = self.peers.iter().flat_map(|p| &p.networks);
        let networks: BTreeSet<_> = networks.map(Genesis::id).collect();
        let is_listed = |number| {
            let keys = listed.iter().map(|m| m.record.statement.key);
            keys.into_iter().any(|listed| listed == key(number))
        };
        let has_left = |p: &PeerEnd| p.wants_to_leave && !is_listed(p.number);
        let at_work = self.peers.iter();
        let at_work = at_work.filter(|p| !p.is_at_rest && !has_left(p));
        let mut live = BTreeSet::new();
        for peer in at_work {
            let (known, number) = (peer.known(), peer.number);
            assert!(known.registered, "{number}: {:?}", known.trouble);
            assert_eq!(peer.network(), network);
            assert!(peer.mining.is_none() && !networks.is_empty());
            let members = known.directory.members().cloned();
            let (mut members, others): (Vec<_>, Vec<_>) =
                members.partition(|m| listed.iter().any(|l| l.record == m.record));
            members.sort_by_key(|m| m.id);
            assert_eq!(members, listed, "the directory of {number}");
            // Who left while this one was away is known still.
            assert!(others.iter().all(|m| !m.live), "{others:?}");
            live.insert(key(number));
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
