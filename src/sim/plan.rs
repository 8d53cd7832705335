//! What is to happen to a simulated network: drawn from its seed, or written down.

mod fault;
mod membership;

pub use fault::{Fault, Trouble};

use super::chance::Chance;
use super::choosing::LeftOut;
use super::deceit::Deceit;
use super::deed::Deed;
use super::liar::Lie;
use super::network::Line;
use crate::settings::MiningMode;

/// The tracker's host; peers are those from 1 on.
pub const TRACKER: usize = 0;
/// Hashes that the easiest block takes on average in networks of a seed: few enough to be searched for in
/// earnest.
const START_WORK: u64 = 64;
/// Coins of each peer from the start: more than it can ever spend, so that no payment can fail.
pub const ALLOCATION: u64 = 1_000_000;
/// All lies.
const LIES: [Lie; 6] = [
    Lie::Stalls,
    Lie::Denies,
    Lie::Forges,
    Lie::Invents,
    Lie::Withholds(None),
    Lie::Withholds(Some(MAX_AHEAD)),
];
/// Lies that came later: drawn by themselves, so that all seeds before them are what they were.
const SLOW_AND_LOUD: [Lie; 2] = [Lie::Drips, Lie::Floods];
/// Of how many networks in a hundred one more member tells one of them.
const SLOW_AND_LOUD_PERCENT: u64 = 20;
/// Connections that a peer makes of itself, unless there are to be more members than places.
pub(super) const OUTGOING: u16 = 8;
/// Connections that a peer takes of others, unless strangers are to take its places.
pub(super) const INCOMING: u16 = 32;
/// The same where they are: with no more than a few, a handful of invented members takes all that are not kept.
const FEW_INCOMING: u16 = 4;
/// When members come who have invented others: after the network was founded.
const FOUNDED_MS: u64 = 6_000;
/// Of how many networks in a hundred somebody invents members; in some of them others drip and flood besides.
const SYBILS_PERCENT: u64 = 12;
/// Connections that it makes where there are to be more members than places. With two each, no fewer than ten
/// can come to be two networks that do not know of each other.
const FEW_OUTGOING: u16 = 2;
/// Of how many networks in a hundred that is so.
const CROWDED_PERCENT: u64 = 20;
/// Of how many members in a hundred the miner chooses what about ballots it takes in, and of how many of these it
/// takes in nothing.
const CHOOSING_PERCENT: u64 = 20;
const SILENT_PERCENT: u64 = 50;
/// How many blocks a miner that withholds them gets ahead at most before it shows them.
const MAX_AHEAD: u64 = 6;
/// Which part of the first miner's speed it has at most: with more than the others together, it would
/// rule the chain.
const WITHHOLDING_SHARE: u64 = 3;
/// How long somebody stays at least who goes for good.
const LEAST_STAY_MS: u64 = 20_000;
/// How far the clocks of miners are ahead or behind at most, in hundredths of an interval: no two differ by
/// more than the six intervals that are allowed ahead.
const MAX_SKEW_PERCENT: u64 = 280;

/// A network and its bad days.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where all of it, and all chance in it, comes from.
    pub seed: u64,
    /// The time between blocks that the network aims at.
    pub interval_ms: u64,
    /// Hashes that the easiest block takes on average. They are tried in earnest.
    pub start_work: u64,
    /// The peers, in their order.
    pub peers: Vec<PeerPlan>,
    /// Whether only those become members who were invited.
    pub by_invitation: bool,
    /// Whether there is another tracker, behind the peers.
    pub other_tracker: bool,
    /// How many connections each peer makes of itself, deliveries apart.
    pub outgoing: u16,
    /// How many connections each peer takes of others.
    pub incoming: u16,
    /// What lies between any two hosts.
    pub line: Line,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What the members' owners do.
    pub deeds: Vec<Deed>,
    /// How long things go wrong.
    pub trouble_ms: u64,
}

/// One peer.
#[derive(Debug, Clone)]
pub struct PeerPlan {
    /// When it mines.
    pub mode: MiningMode,
    /// Its hashes a second.
    pub rate: u64,
    /// By how much its clock is wrong.
    pub skew_ms: i64,
    /// When it starts for the first time.
    pub joins_ms: u64,
    /// How it lies, if it does.
    pub lie: Option<Lie>,
    /// When it goes for good, without a word, if it does.
    pub leaves_ms: Option<u64>,
    /// What its miner leaves out of its blocks, if it chooses.
    pub leaves_out: Option<LeftOut>,
}

/// What is done at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A host starts, if it does not run.
    Start(usize),
    /// The process is killed.
    Kill(usize),
    /// The power goes.
    PowerCut(usize, bool),
    /// The next write fails midway.
    Tear(usize),
    /// An orderly stop.
    Stop(usize),
    /// What is on a host's disk is gone; its node does not run.
    Wipe(usize),
    /// Nothing gets from one to the other.
    Cut(Vec<(usize, usize)>),
    /// It does again.
    Heal(Vec<(usize, usize)>),
    /// A host's lines are like this; `None`: as usual.
    Lines(usize, Option<Line>),
    /// A host's clock is wrong by so much.
    Skew(usize, i64),
    /// A host's disk takes so long for a write.
    Disk(usize, u64),
    /// The power goes for good.
    Leave(usize),
    /// The tracker tells this lie from its next start on, or the truth.
    Deceive(Option<Deceit>),
    /// A deed, by its number.
    Do(usize),
}

impl Plan {
    /// The network of a seed, and what happens to it.
    pub fn draw(seed: u64) -> Self {
        let chance = &mut Chance::of(seed, "plan");
        let count = chance.between(2, 6) as usize;
        let trouble_ms = chance.between(90_000, 300_000);
        let interval_ms = match chance.between(0, 9) {
            0 => 500,
            1 | 2 => 1_500,
            _ => 5_000,
        };
        let max_skew_ms = interval_ms * MAX_SKEW_PERCENT / 100;
        let mut peers: Vec<_> = (0..count)
            .map(|_| PeerPlan::draw(chance, trouble_ms, interval_ms))
            .collect();
        // Somebody founds the network and goes on mining.
        peers[0].mode = MiningMode::Always;
        peers[0].joins_ms = 0;
        // Two that are honest, at least.
        let fastest = peers[0].rate / WITHHOLDING_SHARE;
        for peer in peers.iter_mut().skip(2) {
            peer.lie = chance.percent(12).then(|| LIES[chance.index(LIES.len())]);
            if let Some(Lie::Withholds(until)) = &mut peer.lie {
                *until = until.map(|most| chance.between(1, most));
                peer.rate = peer.rate.min(fastest);
            }
            if peer.lie.is_none() && chance.percent(12) {
                let least = peer.joins_ms + LEAST_STAY_MS;
                peer.leaves_ms = Some(chance.between(least, least + trouble_ms));
            }
        }
        let least = chance.between(1, 40);
        let line = Line {
            delay_ms: (least, least + chance.between(0, 80)),
            lost_permille: if chance.percent(30) {
                chance.between(1, 30)
            } else {
                0
            },
            bytes_per_second: None,
        };
        let faults = (0..chance.between(1, 14))
            .map(|_| Fault::draw(chance, &peers, trouble_ms, max_skew_ms))
            .collect();
        let deeds = (0..chance.between(5, 60))
            .map(|_| Deed::draw(chance, &peers, trouble_ms))
            .collect();
        let mut plan = Self {
            seed,
            interval_ms,
            start_work: START_WORK,
            peers,
            by_invitation: false,
            other_tracker: false,
            outgoing: OUTGOING,
            incoming: INCOMING,
            line,
            faults,
            deeds,
            trouble_ms,
        };
        let chance = &mut Chance::of(seed, "clocks that jump");
        for _ in 0..chance.between(0, 6).saturating_sub(3) {
            let jump = Fault::jump(chance, &plan.peers, trouble_ms);
            plan.faults.push(jump);
        }
        let chance = &mut Chance::of(seed, "ballots");
        for _ in 0..chance.between(0, 3) {
            let deeds = Deed::ballot(chance, &plan.peers, trouble_ms);
            plan.deeds.extend(deeds);
        }
        let chance = &mut Chance::of(seed, "miners that choose");
        // The first one takes in everything.
        for peer in plan.peers.iter_mut().skip(1) {
            if chance.percent(CHOOSING_PERCENT) {
                peer.leaves_out = Some(match chance.percent(SILENT_PERCENT) {
                    true => LeftOut::Ballots,
                    false => LeftOut::VotesOf(1 + chance.index(count)),
                });
            }
        }
        let chance = &mut Chance::of(seed, "crowd");
        if chance.percent(CROWDED_PERCENT) {
            plan.crowd(chance);
        }
        let chance = &mut Chance::of(seed, "slow and loud");
        if chance.percent(SLOW_AND_LOUD_PERCENT) {
            let lie = SLOW_AND_LOUD[chance.index(SLOW_AND_LOUD.len())];
            let mut peer = PeerPlan::draw(chance, trouble_ms, interval_ms);
            peer.lie = Some(lie);
            plan.peers.push(peer);
        }
        let chance = &mut Chance::of(seed, "invented members");
        // With two connections of its own a node can't tell members from what one has invented.
        if plan.outgoing == OUTGOING && chance.percent(SYBILS_PERCENT) {
            plan.besiege(chance);
        }
        plan.draw_members();
        plan
    }

    /// More members come than anybody has places for, and one of them sends something to all others.
    fn crowd(&mut self, chance: &mut Chance) {
        self.outgoing = FEW_OUTGOING;
        for _ in 0..chance.between(2, 3) {
            let mut peer = PeerPlan::draw(chance, self.trouble_ms, self.interval_ms);
            peer.mode = MiningMode::OnCommand;
            self.peers.push(peer);
        }
        let from = 1 + chance.index(self.peers.len());
        let at_ms = chance.between(30_000, self.trouble_ms);
        for (to, peer) in (1..).zip(&self.peers) {
            if to != from {
                self.deeds.push(Deed::round(chance, at_ms, from, to, peer));
            }
        }
    }

    /// Somebody invents members who take the places of others; some drip and flood; and hosts are killed among them.
    fn besiege(&mut self, chance: &mut Chance) {
        self.incoming = FEW_INCOMING;
        let mut lies = vec![Lie::Sybils(chance.between(3, 8) as usize)];
        lies.extend(SLOW_AND_LOUD.into_iter().filter(|_| chance.percent(40)));
        for lie in lies {
            let mut peer = PeerPlan::draw(chance, self.trouble_ms, self.interval_ms);
            peer.mode = MiningMode::OnCommand;
            // The first ones found the network.
            peer.joins_ms = peer.joins_ms.max(FOUNDED_MS);
            peer.lie = Some(lie);
            self.peers.push(peer);
        }
        for _ in 0..chance.between(1, 4) {
            let host = 1 + chance.index(self.peers.len());
            self.faults.push(Fault {
                at_ms: chance.between(20_000, self.trouble_ms),
                for_ms: chance.between(500, 30_000),
                what: Trouble::Kill(host),
            });
        }
    }

    /// Whether somebody has invented members.
    pub(super) fn has_sybils(&self) -> bool {
        let lies = self.peers.iter().filter_map(|peer| peer.lie);
        lies.into_iter().any(|lie| matches!(lie, Lie::Sybils(_)))
    }

    /// A network of so many honest peers, all of which mine, without any trouble.
    pub fn quiet(seed: u64, peers: usize) -> Self {
        let peer = PeerPlan {
            mode: MiningMode::Always,
            rate: 30,
            skew_ms: 0,
            joins_ms: 0,
            lie: None,
            leaves_ms: None,
            leaves_out: None,
        };
        Self {
            seed,
            interval_ms: 5_000,
            start_work: START_WORK,
            peers: vec![peer; peers],
            by_invitation: false,
            other_tracker: false,
            outgoing: OUTGOING,
            incoming: INCOMING,
            line: Line {
                delay_ms: (20, 60),
                lost_permille: 0,
                bytes_per_second: None,
            },
            faults: Vec::new(),
            deeds: Vec::new(),
            trouble_ms: 0,
        }
    }

    /// Number of hosts, the trackers included.
    pub fn hosts(&self) -> usize {
        1 + self.peers.len() + usize::from(self.other_tracker)
    }

    /// The host of the other tracker.
    pub(super) fn other(&self) -> Option<usize> {
        self.other_tracker.then_some(1 + self.peers.len())
    }

    /// When the last fault is over.
    pub fn last_fault_ms(&self) -> u64 {
        let ends = self.faults.iter().map(|fault| fault.at_ms + fault.for_ms);
        let joins = self.peers.iter().map(|peer| peer.joins_ms);
        let leaves = self.peers.iter().filter_map(|peer| peer.leaves_ms);
        ends.chain(joins).chain(leaves).max().unwrap_or(0)
    }

    /// All that is done, in order.
    pub fn steps(&self) -> Vec<(u64, Step)> {
        let mut steps = vec![(0, Step::Start(TRACKER))];
        steps.extend(self.other().map(|host| (0, Step::Start(host))));
        for (peer, host) in self.peers.iter().zip(1..) {
            steps.push((peer.joins_ms, Step::Start(host)));
            steps.extend(peer.leaves_ms.map(|at_ms| (at_ms, Step::Leave(host))));
        }
        for fault in &self.faults {
            fault.steps(self, &mut steps);
        }
        let done = (0..).zip(&self.deeds);
        steps.extend(done.map(|(number, deed)| (deed.at_ms, Step::Do(number))));
        steps.sort_by_key(|(at_ms, _)| *at_ms);
        steps
    }
}

impl PeerPlan {
    fn draw(chance: &mut Chance, trouble_ms: u64, interval_ms: u64) -> Self {
        let mode = match chance.between(0, 4) {
            0 => MiningMode::WhenPending,
            1 => MiningMode::OnCommand,
            _ => MiningMode::Always,
        };
        Self {
            mode,
            rate: chance.between(4, 60) * 5_000 / interval_ms,
            skew_ms: skew(chance, interval_ms * MAX_SKEW_PERCENT / 200),
            joins_ms: match chance.percent(25) {
                true => chance.between(5_000, trouble_ms),
                false => chance.between(0, 3_000),
            },
            lie: None,
            leaves_ms: None,
            leaves_out: None,
        }
    }
}

fn skew(chance: &mut Chance, most: u64) -> i64 {
    chance.between(0, 2 * most) as i64 - most as i64
}
