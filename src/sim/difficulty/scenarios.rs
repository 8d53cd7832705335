//! What happens to a network, and what is measured.
//!
//! Hash rates are in multiples of the start target's work per interval. Scenarios that should not
//! touch the floor run far above it, at 100,000 times the start rate, and begin in balance.

use std::num::NonZeroU64;

use super::model::{Miner, Network, Stamping};
use super::rules::{Averaging, Candidate, ratio, scale};
use crate::chain::difficulty::{DEFAULT_WINDOW, DifficultyRule};
use crate::chain::target::Target;

/// The interval of the experiments: the usual one.
pub const INTERVAL_MS: u64 = 5_000;
/// Hashes that the start target of the experiments costs; large enough for rounding not to matter.
const START_HASHES: NonZeroU64 = NonZeroU64::MIN.saturating_add((1 << 30) - 1);
/// The hash rate before anything happens.
const USUAL_RATE: f64 = 100_000.0;
/// Where counting a burst stops: some rules let a network mine without end.
pub const MANY_BLOCKS: u64 = 1_000;
/// Blocks before a change, so that the average has its usual noise.
const WARM_UP_BLOCKS: u64 = 500;
/// Within this factor of the balance, the interval counts as back.
const BACK_WITHIN: f64 = 1.2;

/// A candidate with the experiments' interval and start target, and the node's other limits.
pub fn candidate(averaging: Averaging, window: u32) -> Candidate {
    let limits = DifficultyRule {
        interval_ms: INTERVAL_MS,
        start: Target::from_expected_hashes(START_HASHES),
        window,
        growth_blocks: 0,
    };
    Candidate::new(averaging, limits)
}

/// The rule that nodes keep.
pub fn chosen() -> Candidate {
    candidate(Averaging::Exponential, DEFAULT_WINDOW)
}

/// One miner with a true clock.
fn alone(rule: Candidate, rate: f64, first_base: Target, seed: u64) -> Network {
    let miner = Miner {
        rate,
        clock_ahead_ms: 0,
        stamping: Stamping::Honest,
    };
    Network::new(rule, first_base, vec![miner], 0, seed)
}

/// One miner at the usual rate, with the average as it is after a while.
fn settled(rule: Candidate, seed: u64) -> Network {
    let first_base = in_balance(&rule, USUAL_RATE);
    let mut network = alone(rule, USUAL_RATE, first_base, seed);
    for _ in 0..WARM_UP_BLOCKS {
        network.mine_block();
    }
    network
}

/// The target at which this hash rate finds one block an interval.
fn in_balance(rule: &Candidate, rate: f64) -> Target {
    scale(rule.limits.start, 1.0 / rate)
}

fn intervals(ms: f64) -> f64 {
    ms / INTERVAL_MS as f64
}

/// What a constant hash rate gives.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    /// The mean time between blocks, in intervals.
    pub mean_interval: f64,
    /// The standard deviation of the base target, relative to its mean.
    pub spread: f64,
}

/// Mines so many blocks at a constant hash rate.
pub fn steady(rule: Candidate, blocks: u64, seed: u64) -> Steady {
    let mut network = settled(rule, seed);
    let balance = in_balance(&rule, USUAL_RATE);
    let began_ms = network.now_ms();
    let (mut sum, mut sum_of_squares) = (0.0, 0.0);
    for _ in 0..blocks {
        network.mine_block();
        let base = ratio(network.next_base(), balance);
        sum += base;
        sum_of_squares += base * base;
    }
    let mean = sum / blocks as f64;
    Steady {
        mean_interval: intervals(network.now_ms() - began_ms) / blocks as f64,
        spread: (sum_of_squares / blocks as f64 - mean * mean).sqrt() / mean,
    }
}

/// How a change of the hash rate ends.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// Blocks until the expected interval, averaged over the runs, is back within 20 % and stays.
    pub mean_blocks: u64,
    /// Blocks until it was first back within 20 %, in the slowest run.
    pub worst_blocks: u64,
}

/// Multiplies the hash rate once, and watches so many runs for so many blocks each.
pub fn step_change(rule: Candidate, factor: f64, runs: u64, blocks: u64) -> Recovery {
    let balance = in_balance(&rule, USUAL_RATE * factor);
    let is_back = |interval: f64| (1.0 / BACK_WITHIN..=BACK_WITHIN).contains(&interval);
    let mut log_sums = vec![0.0; blocks as usize];
    let mut worst_blocks = 0;
    for seed in 0..runs {
        let mut network = settled(rule, seed);
        network.multiply_rates(factor);
        let mut first_back = None;
        for (block, log_sum) in log_sums.iter_mut().enumerate() {
            network.mine_block();
            let expected_interval = ratio(balance, network.next_base());
            *log_sum += expected_interval.ln();
            if first_back.is_none() && is_back(expected_interval) {
                first_back = Some(block as u64 + 1);
            }
        }
        worst_blocks = worst_blocks.max(first_back.unwrap_or(u64::MAX));
    }
    let last_off = log_sums
        .iter()
        .rposition(|log_sum| !is_back((log_sum / runs as f64).exp()));
    Recovery {
        mean_blocks: last_off.map_or(0, |block| block as u64 + 2),
        worst_blocks,
    }
}

/// What a network suffers whose fast miner left for good.
#[derive(Clone, Copy, Debug)]
pub struct Abandoned {
    /// The longest time without a block in any run, in intervals.
    pub longest_gap: f64,
    /// The time until the expected interval was first back within 20 %, mean of the runs, in
    /// intervals.
    pub recovery: f64,
}

/// Divides the hash rate by `factor`, and mines until the interval is back, in each of the runs.
pub fn abandoned(rule: Candidate, factor: f64, runs: u64) -> Abandoned {
    let balance = in_balance(&rule, USUAL_RATE / factor);
    let mut longest_gap: f64 = 0.0;
    let mut recovery = 0.0;
    for seed in 0..runs {
        let mut network = settled(rule, seed);
        network.multiply_rates(1.0 / factor);
        let left_ms = network.now_ms();
        while ratio(balance, network.next_base()) > BACK_WITHIN {
            let before_ms = network.now_ms();
            network.mine_block();
            longest_gap = longest_gap.max(intervals(network.now_ms() - before_ms));
        }
        recovery += intervals(network.now_ms() - left_ms) / runs as f64;
    }
    Abandoned {
        longest_gap,
        recovery,
    }
}

/// What a miner with 30 % of the hash rate gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attack {
    /// Its share of the blocks that count.
    pub share: f64,
    /// Its blocks per interval of true time, that is its coins.
    pub coins: f64,
    /// The mean time between blocks that count, in intervals.
    pub mean_interval: f64,
}

/// Seven honest miners of 10 % with clocks up to a second apart, and one of 30 % that stamps as it
/// likes, knows the slowest clock, and stamps by that.
pub fn attack(rule: Candidate, stamping: Stamping, length: u64, seed: u64) -> Attack {
    const LATENCY_MS: u64 = 100;
    const CLOCKS_AHEAD_MS: [i64; 7] = [0, -500, 500, -300, 300, -100, 100];
    let mut miners: Vec<Miner> = CLOCKS_AHEAD_MS
        .iter()
        .map(|&clock_ahead_ms| Miner {
            rate: 0.1 * USUAL_RATE,
            clock_ahead_ms,
            stamping: Stamping::Honest,
        })
        .collect();
    let attacker = miners.len();
    let clock_ahead_ms = match stamping {
        Stamping::Honest => 0,
        _ => CLOCKS_AHEAD_MS.into_iter().min().unwrap_or(0),
    };
    miners.push(Miner {
        rate: 0.3 * USUAL_RATE,
        clock_ahead_ms,
        stamping,
    });
    let first_base = in_balance(&rule, USUAL_RATE);
    let mut network = Network::new(rule, first_base, miners, LATENCY_MS, seed);
    let until_ms = network.now_ms() + (length * INTERVAL_MS) as f64;
    while network.now_ms() < until_ms {
        network.mine_until(until_ms);
    }
    let (mut all, mut own) = (0u64, 0u64);
    for block in network.branch() {
        all += 1;
        own += u64::from(block.miner == attacker);
    }
    Attack {
        share: own as f64 / all as f64,
        coins: own as f64 / length as f64,
        mean_interval: length as f64 / all as f64,
    }
}

/// What mining on command, then always, gives.
#[derive(Clone, Copy, Debug)]
pub struct OnCommand {
    /// The work of the blocks mined on command, in multiples of the start target's, least of the runs.
    pub work: f64,
    /// Blocks in the first 10 intervals of mining always, mean of the runs.
    pub mean_burst: f64,
    /// Blocks in the first 10 intervals of mining always, most of the runs.
    pub worst_burst: u64,
}

/// From the start target, mines 300 blocks with ten minutes before each, then always.
pub fn on_command(rule: Candidate, rate: f64, runs: u64) -> OnCommand {
    const BLOCKS: u64 = 300;
    const GAP_MS: u64 = 10 * 60 * 1_000;
    let start = rule.limits.start;
    let mut outcome = OnCommand {
        work: f64::INFINITY,
        mean_burst: 0.0,
        worst_burst: 0,
    };
    for seed in 0..runs {
        let mut network = alone(rule, rate, start, seed);
        for _ in 0..BLOCKS {
            network.idle(GAP_MS);
            network.mine_block();
        }
        let work: f64 = network.branch().map(|block| ratio(start, block.used)).sum();
        let burst = burst(&mut network);
        outcome.work = outcome.work.min(work);
        outcome.mean_burst += burst as f64 / runs as f64;
        outcome.worst_burst = outcome.worst_burst.max(burst);
    }
    outcome
}

/// Blocks in the first 10 intervals after eight hours in which nobody mined, most of the runs.
pub fn pause(rule: Candidate, runs: u64) -> u64 {
    const NIGHT_MS: u64 = 8 * 60 * 60 * 1_000;
    (0..runs)
        .map(|seed| {
            let mut network = settled(rule, seed);
            network.idle(NIGHT_MS);
            burst(&mut network)
        })
        .max()
        .unwrap_or(0)
}

/// What waiting pays: blocks that are stamped into a pause when it is over.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// How many there are.
    pub blocks: u64,
    /// Their work, in multiples of that of one block before the pause.
    pub work: f64,
}

/// Nobody mines for `pause` intervals after a hash rate of `rate`. Then somebody fills the pause with blocks:
/// the most that no more work than `budget` blocks before the pause pays for, of some ways to stamp them. In
/// each the first ones are stamped far apart, until the base is as easy as it gets, and all others one
/// interval apart, so that it stays there.
pub fn waited(rule: Candidate, rate: f64, pause: u64, budget: f64) -> Waited {
    let apart = (1..=60).map(|intervals| stamped_apart(rule, rate, pause, intervals, budget));
    let nothing = Waited {
        blocks: 0,
        work: 0.0,
    };
    apart.fold(nothing, |best, one| {
        if (one.blocks, -one.work) > (best.blocks, -best.work) {
            one
        } else {
            best
        }
    })
}

fn stamped_apart(rule: Candidate, rate: f64, pause: u64, apart: u64, budget: f64) -> Waited {
    let limits = &rule.limits;
    let usual = in_balance(&rule, rate);
    let (mut base, mut left) = (usual, pause);
    let mut waited = Waited {
        blocks: 0,
        work: 0.0,
    };
    loop {
        let is_easiest = ratio(limits.start, base) < 1.001;
        let since = if is_easiest { 1 } else { apart };
        let height = waited.blocks + 1;
        let since_ms = since * INTERVAL_MS;
        let used = rule.used_target(base, height, since_ms);
        let Ok(used) = used.expand() else {
            return waited;
        };
        let work = waited.work + ratio(usual, used);
        if since > left || work > budget {
            return waited;
        }
        left -= since;
        waited.work = work;
        waited.blocks += 1;
        base = limits.next_base(base, height + 1, since_ms);
    }
}

/// Blocks in the next 10 intervals, counted up to [`MANY_BLOCKS`].
fn burst(network: &mut Network) -> u64 {
    const BURST_INTERVALS: u64 = 10;
    let before = network.found();
    let until_ms = network.now_ms() + (BURST_INTERVALS * INTERVAL_MS) as f64;
    while network.now_ms() < until_ms && network.found() - before < MANY_BLOCKS {
        network.mine_until(until_ms);
    }
    network.found() - before
}

/// One stretch of a chain that grows harder with depth.
#[derive(Clone, Copy, Debug)]
pub struct Grown {
    /// The height of its last block.
    pub height: u64,
    /// The mean time between its blocks, in intervals.
    pub mean_interval: f64,
    /// The least work of any of its blocks, in multiples of what growth asks for at its height.
    pub least_work: f64,
}

/// Mines with a constant hash rate while the least work doubles every `growth_blocks`; one outcome
/// for each doubling.
pub fn growth(
    rule: Candidate,
    rate: f64,
    growth_blocks: u64,
    doublings: u64,
    seed: u64,
) -> Vec<Grown> {
    let mut rule = rule;
    rule.limits.growth_blocks = growth_blocks;
    let mut network = alone(rule, rate, in_balance(&rule, rate), seed);
    (0..doublings)
        .map(|_| {
            let began_ms = network.now_ms();
            let mut least_work = f64::INFINITY;
            for _ in 0..growth_blocks {
                network.mine_block();
                let tip = network.tip();
                let asked = rule.limits.easiest(tip.height);
                least_work = least_work.min(ratio(asked, tip.used));
            }
            Grown {
                height: network.tip().height,
                mean_interval: intervals(network.now_ms() - began_ms) / growth_blocks as f64,
                least_work,
            }
        })
        .collect()
}
