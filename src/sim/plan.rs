//! What is to happen to a simulated network: drawn from its seed, or written down.

use super::chance::Chance;
use super::deed::Deed;
use super::liar::Lie;
use super::network::Line;
use crate::settings::MiningMode;
use std::fmt;

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
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From when on.
    pub at_ms: u64,
    /// For how long.
    pub for_ms: u64,
    /// What.
    pub what: Trouble,
}

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing gets from these hosts to the others, or from the others to these, or neither.
    Partition {
        /// These.
        side: Vec<usize>,
        /// Whether what they send is lost.
        out: bool,
        /// Whether what they are sent is lost.
        back: bool,
        /// It comes and goes every so often.
        flap_ms: Option<u64>,
    },
    /// All lines of a host are like this.
    Lines {
        /// Which.
        host: usize,
        /// Like what.
        line: Line,
    },
    /// The process is killed.
    Kill(usize),
    /// The power is cut.
    PowerCut {
        /// Where.
        host: usize,
        /// In the middle of a write, which is there afterwards, or not.
        torn: Option<bool>,
    },
    /// It is told to stop, and stops in order.
    Stop(usize),
    /// Its clock is set.
    Clock {
        /// Whose.
        host: usize,
        /// How wrong.
        skew_ms: i64,
    },
    /// The disk is replaced by an empty one, but for the key.
    Wipe(usize),
    /// The power is cut everywhere.
    Blackout,
    /// Its disk takes so long for a write.
    SlowDisk {
        /// Whose.
        host: usize,
        /// How long.
        write_ms: u64,
    },
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
        Self {
            seed,
            interval_ms,
            start_work: START_WORK,
            peers,
            line,
            faults,
            deeds,
            trouble_ms,
        }
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
        };
        Self {
            seed,
            interval_ms: 5_000,
            start_work: START_WORK,
            peers: vec![peer; peers],
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

    /// Number of hosts, the tracker included.
    pub fn hosts(&self) -> usize {
        1 + self.peers.len()
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
        }
    }
}

fn skew(chance: &mut Chance, most: u64) -> i64 {
    chance.between(0, 2 * most) as i64 - most as i64
}

impl Fault {
    fn draw(chance: &mut Chance, plans: &[PeerPlan], trouble_ms: u64, max_skew_ms: u64) -> Self {
        let peers = plans.len();
        let at_ms = chance.between(5_000, trouble_ms);
        let for_ms = match chance.between(0, 3) {
            0 => chance.between(100, 3_000),
            1 | 2 => chance.between(3_000, 40_000),
            _ => chance.between(40_000, 150_000),
        };
        let any = chance.index(1 + peers);
        let peer = 1 + chance.index(peers);
        let what = match chance.between(0, 14) {
            0..=2 => Trouble::Partition {
                side: some_of(chance, peers),
                out: true,
                back: chance.percent(70),
                flap_ms: chance.percent(30).then(|| chance.between(500, 20_000)),
            },
            3 => Trouble::Partition {
                side: vec![any],
                out: chance.percent(70),
                back: true,
                flap_ms: None,
            },
            4 => Trouble::Lines {
                host: any,
                line: Line {
                    delay_ms: (chance.between(50, 500), chance.between(500, 4_000)),
                    lost_permille: chance.between(0, 200),
                    bytes_per_second: chance.percent(50).then(|| chance.between(2_000, 50_000)),
                },
            },
            5 => Trouble::Kill(any),
            6 => Trouble::PowerCut {
                host: any,
                torn: chance.percent(50).then(|| chance.percent(50)),
            },
            7 => Trouble::Stop(any),
            8 => Trouble::Kill(TRACKER),
            9 => Trouble::SlowDisk {
                host: any,
                write_ms: chance.between(10, 4_000),
            },
            10 => Trouble::Wipe(any),
            11 => Trouble::Blackout,
            _ => {
                // Who never mines may be ahead by as much as clocks are wrong by.
                let is_idle = plans[peer - 1].mode == MiningMode::OnCommand;
                let (host, far) = match (is_idle, chance.percent(30)) {
                    (_, true) => (TRACKER, true),
                    (far, false) => (peer, far),
                };
                let skew_ms = match chance.between(0, 2) {
                    0 => -(chance.between(max_skew_ms, 120_000) as i64),
                    1 if far => chance.between(max_skew_ms, 4_000_000) as i64,
                    _ => skew(chance, max_skew_ms),
                };
                Trouble::Clock { host, skew_ms }
            }
        };
        Self {
            at_ms,
            for_ms,
            what,
        }
    }

    /// The hosts it names.
    pub fn hosts(&self) -> Vec<usize> {
        match &self.what {
            Trouble::Partition { side, .. } => side.clone(),
            Trouble::Kill(host) | Trouble::Stop(host) | Trouble::Wipe(host) => vec![*host],
            Trouble::Blackout => Vec::new(),
            Trouble::Lines { host, .. }
            | Trouble::PowerCut { host, .. }
            | Trouble::Clock { host, .. }
            | Trouble::SlowDisk { host, .. } => vec![*host],
        }
    }

    fn steps(&self, plan: &Plan, steps: &mut Vec<(u64, Step)>) {
        let (begin, end) = (self.at_ms, self.at_ms + self.for_ms);
        let mut both = |first, last| {
            steps.push((begin, first));
            steps.push((end, last));
        };
        match &self.what {
            Trouble::Partition {
                side,
                out,
                back,
                flap_ms,
            } => {
                let pairs = pairs(side, plan.hosts(), *out, *back);
                let Some(flap_ms) = flap_ms else {
                    return both(Step::Cut(pairs.clone()), Step::Heal(pairs));
                };
                let mut at = begin;
                while at < end {
                    steps.push((at, Step::Cut(pairs.clone())));
                    steps.push(((at + flap_ms).min(end), Step::Heal(pairs.clone())));
                    at += 2 * flap_ms.max(&1);
                }
            }
            Trouble::Lines { host, line } => {
                both(Step::Lines(*host, Some(*line)), Step::Lines(*host, None));
            }
            Trouble::Kill(host) => both(Step::Kill(*host), Step::Start(*host)),
            Trouble::PowerCut { host, torn } => {
                if torn.is_some() {
                    steps.push((begin, Step::Tear(*host)));
                }
                // Time for a write to come to grief.
                let cut = begin + self.for_ms / 2;
                steps.push((cut, Step::PowerCut(*host, *torn == Some(true))));
                steps.push((end, Step::Start(*host)));
            }
            Trouble::Wipe(host) => {
                steps.push((begin, Step::Kill(*host)));
                steps.push((begin, Step::Wipe(*host)));
                steps.push((end, Step::Start(*host)));
            }
            Trouble::Blackout => {
                for host in 0..plan.hosts() {
                    steps.push((begin, Step::PowerCut(host, false)));
                    // They do not come back together.
                    steps.push((end + 700 * host as u64, Step::Start(host)));
                }
            }
            Trouble::Stop(host) => both(Step::Stop(*host), Step::Start(*host)),
            Trouble::SlowDisk { host, write_ms } => {
                both(Step::Disk(*host, *write_ms), Step::Disk(*host, 0));
            }
            Trouble::Clock { host, skew_ms } => {
                let usual = plan
                    .peers
                    .get(host.wrapping_sub(1))
                    .map_or(0, |p| p.skew_ms);
                both(Step::Skew(*host, *skew_ms), Step::Skew(*host, usual));
            }
        }
    }
}

/// Some hosts, but not all.
fn some_of(chance: &mut Chance, peers: usize) -> Vec<usize> {
    let one = chance.index(1 + peers);
    let other = (one + chance.between(1, peers as u64) as usize) % (1 + peers);
    let is_in = |host: usize, toss: bool| host == one || (host != other && toss);
    (0..=peers)
        .filter(|host| is_in(*host, chance.percent(50)))
        .collect()
}

/// From one side to the other, back, or both.
fn pairs(side: &[usize], hosts: usize, out: bool, back: bool) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for one in side {
        for other in (0..hosts).filter(|other| !side.contains(other)) {
            if out {
                pairs.push((*one, other));
            }
            if back {
                pairs.push((other, *one));
            }
        }
    }
    pairs
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        write!(
            f,
            "{:>8.3} s, for {:.3} s: ",
            seconds(self.at_ms),
            seconds(self.for_ms)
        )?;
        match &self.what {
            Trouble::Partition {
                side,
                out,
                back,
                flap_ms,
            } => {
                let way = match (out, back) {
                    (true, true) => "both ways",
                    (true, false) => "outward",
                    _ => "inward",
                };
                write!(f, "hosts {side:?} cut off {way}")?;
                match flap_ms {
                    Some(ms) => write!(f, ", off and on every {:.3} s", seconds(*ms)),
                    None => Ok(()),
                }
            }
            Trouble::Lines { host, line } => write!(f, "lines of host {host} as {line:?}"),
            Trouble::Wipe(host) => write!(f, "disk of host {host} wiped"),
            Trouble::Blackout => write!(f, "power cut everywhere"),
            Trouble::Kill(host) => write!(f, "host {host} killed"),
            Trouble::PowerCut { host, torn } => {
                write!(f, "power cut at host {host}")?;
                match torn {
                    Some(true) => write!(f, " in the middle of a write, which is there"),
                    Some(false) => write!(f, " in the middle of a write, which is lost"),
                    None => Ok(()),
                }
            }
            Trouble::Stop(host) => write!(f, "host {host} stopped in order"),
            Trouble::SlowDisk { host, write_ms } => {
                write!(f, "writes of host {host} take {write_ms} ms")
            }
            Trouble::Clock { host, skew_ms } => {
                write!(f, "clock of host {host} off by {skew_ms} ms")
            }
        }
    }
}
