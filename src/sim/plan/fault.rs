//! What goes wrong for a while.

use super::{PeerPlan, Plan, Step, TRACKER, skew};
use crate::settings::MiningMode;
use crate::sim::chance::Chance;
use crate::sim::clock::BEGINNING_MS;
use crate::sim::deceit::Deceit;
use crate::sim::network::Line;
use std::fmt;

/// How far a clock jumps at most, unless it is to 1970: 30 days.
const FARTHEST_JUMP_MS: u64 = 30 * 86_400_000;

/// Something that goes wrong for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From when on.
    pub at_ms: u64,
    /// For how long.
    pub for_ms: u64,
    /// What goes wrong.
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
        /// Number of the host in the plan, from 0.
        host: usize,
        /// Like what.
        line: Line,
    },
    /// The process is killed.
    Kill(usize),
    /// The power is cut.
    PowerCut {
        /// Number of the host in the plan, from 0.
        host: usize,
        /// In the middle of a write, which is there afterwards, or not.
        torn: Option<bool>,
    },
    /// It is told to stop, and stops in order.
    Stop(usize),
    /// Its clock is set.
    Clock {
        /// Number of the host in the plan, from 0.
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
        /// Number of the host in the plan, from 0.
        host: usize,
        /// How long.
        write_ms: u64,
    },
    /// Who runs the first tracker is gone for good, if the network was handed over.
    Gone,
    /// The tracker lies to all its members.
    Lies {
        /// How.
        how: Deceit,
        /// And goes on when the trouble is over.
        for_good: bool,
    },
}

impl Fault {
    pub(super) fn draw(
        chance: &mut Chance,
        plans: &[PeerPlan],
        trouble_ms: u64,
        max_skew_ms: u64,
    ) -> Self {
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

    /// Somebody sets the clock of a host far from the right time, and later right again: by seconds or by
    /// days, or it is 1970 until a time service sets it. Miners are set back alone: until it has found out
    /// that its clock is ahead, one makes blocks that it then has to wait for itself.
    pub(super) fn jump(chance: &mut Chance, plans: &[PeerPlan], trouble_ms: u64) -> Self {
        let at_ms = chance.between(5_000, trouble_ms);
        let for_ms = match chance.percent(50) {
            true => chance.between(1_000, 6_000),
            false => chance.between(6_000, 120_000),
        };
        let host = chance.index(1 + plans.len());
        let mines = host != TRACKER && plans[host - 1].mode != MiningMode::OnCommand;
        // As likely by seconds as by hours or days.
        let most = 1_000 << chance.between(1, 22);
        let by_ms = chance.between(1_000, most).min(FARTHEST_JUMP_MS) as i64;
        let skew_ms = match chance.between(0, 4) {
            0 => -(BEGINNING_MS as i64),
            1 | 2 if !mines => by_ms,
            _ => -by_ms,
        };
        Self {
            at_ms,
            for_ms,
            what: Trouble::Clock { host, skew_ms },
        }
    }

    /// The tracker lies, for a while or for good.
    pub(super) fn lie(chance: &mut Chance, trouble_ms: u64) -> Self {
        let how = Deceit::ALL[chance.index(Deceit::ALL.len())];
        Self {
            at_ms: chance.between(20_000, trouble_ms),
            for_ms: chance.between(5_000, 60_000),
            what: Trouble::Lies {
                how,
                for_good: chance.percent(50),
            },
        }
    }

    /// The hosts it names.
    pub fn hosts(&self) -> Vec<usize> {
        match &self.what {
            Trouble::Partition { side, .. } => side.clone(),
            Trouble::Kill(host) | Trouble::Stop(host) | Trouble::Wipe(host) => vec![*host],
            Trouble::Lies { .. } | Trouble::Gone => vec![TRACKER],
            Trouble::Blackout => Vec::new(),
            Trouble::Lines { host, .. }
            | Trouble::PowerCut { host, .. }
            | Trouble::Clock { host, .. }
            | Trouble::SlowDisk { host, .. } => vec![*host],
        }
    }

    pub(super) fn steps(&self, plan: &Plan, steps: &mut Vec<(u64, Step)>) {
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
            Trouble::Gone => steps.push((begin, Step::Leave(TRACKER))),
            Trouble::Lies { how, for_good } => {
                let truth = (!for_good).then_some((end, None));
                // Whoever was told the truth comes again.
                for (at, lie) in [Some((begin, Some(*how))), truth].into_iter().flatten() {
                    steps.push((at, Step::Kill(TRACKER)));
                    steps.push((at, Step::Deceive(lie)));
                    steps.push((at, Step::Start(TRACKER)));
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
            Trouble::Gone => write!(f, "the first tracker is gone for good"),
            Trouble::Lies { how, for_good } => {
                let end = if *for_good { ", for good" } else { "" };
                write!(f, "the tracker lies: {how:?}{end}")
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
