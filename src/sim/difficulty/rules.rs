//! The candidates: ways to follow the hash rate, under the same floor and the same easing.

use primitive_types::{U256, U512};

use super::model::{Block, Chain};
use crate::chain::difficulty::{DifficultyRule, MAX_FUTURE_INTERVALS, SOLVE_TIME_CLAMP_INTERVALS};
use crate::chain::target::{CompactTarget, Target};

/// How the base target follows the solve times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Averaging {
    /// The node's own rule, asked itself: each block multiplies the target by nearly
    /// `e^((solve time - interval) / window)`.
    Exponential,
    /// Weighted-target exponential moving average: each block multiplies the target by
    /// `1 + (solve time - interval) / window`.
    Wtema,
    /// Absolutely scheduled exponentially rising target: a function of how far the chain is behind
    /// the schedule that began with it. It keeps no average, so it can have no clamp.
    Asert,
    /// Linearly weighted moving average: the mean target of the window times the mean solve time,
    /// recent ones weighing more in a straight line.
    Lwma,
}

/// A candidate rule: an averaging, with the node's floor and, unless switched off, its easing.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// How the base target follows the solve times, over `limits.window` blocks.
    pub averaging: Averaging,
    /// The most intervals a solve time counts for; `Exponential` always has the node's.
    pub clamp_intervals: u64,
    /// Whether a block stamped long after its parent may be easier.
    pub easing: bool,
    /// How many intervals ahead of its clock a node takes a block.
    pub max_future_intervals: u64,
    /// Interval, start target, window and growth.
    pub limits: DifficultyRule,
}

impl Candidate {
    /// An averaging under the node's limits.
    pub fn new(averaging: Averaging, limits: DifficultyRule) -> Self {
        Self {
            averaging,
            clamp_intervals: SOLVE_TIME_CLAMP_INTERVALS,
            easing: true,
            max_future_intervals: MAX_FUTURE_INTERVALS,
            limits,
        }
    }

    /// The name in the report, such as `LWMA-60, clamp 6`.
    pub fn name(&self) -> String {
        let averaging = match self.averaging {
            Averaging::Exponential => "EXP",
            Averaging::Wtema => "WTEMA",
            Averaging::Asert => "ASERT",
            Averaging::Lwma => "LWMA",
        };
        let mut name = format!("{averaging}-{}", self.limits.window);
        if self.clamp_intervals != SOLVE_TIME_CLAMP_INTERVALS {
            name.push_str(&format!(", clamp {}", self.clamp_intervals));
        }
        if !self.easing {
            name.push_str(", no easing");
        }
        if self.max_future_intervals != MAX_FUTURE_INTERVALS {
            name.push_str(&format!(", stamps {} ahead", self.max_future_intervals));
        }
        name
    }

    /// The base target of a child of `parent`.
    pub fn next_base(&self, chain: &Chain, parent: &Block) -> Target {
        let height = parent.height + 1;
        match self.averaging {
            Averaging::Exponential => {
                let solve_time = parent.timestamp_ms - chain.parent(parent).timestamp_ms;
                self.limits.next_base(parent.base, height, solve_time)
            }
            Averaging::Wtema => self.wtema(chain, parent).min(self.limits.easiest(height)),
            Averaging::Asert => self.asert(chain, parent).min(self.limits.easiest(height)),
            Averaging::Lwma => self.lwma(chain, parent).min(self.limits.easiest(height)),
        }
    }

    /// The target of a block stamped `since_parent_ms` after its parent.
    pub fn used_target(&self, base: Target, height: u64, since_parent_ms: u64) -> CompactTarget {
        let eased_by = if self.easing { since_parent_ms } else { 0 };
        self.limits.used_target(base, height, eased_by)
    }

    /// When the used target changes next, in milliseconds after the parent's stamp.
    pub fn next_easing_ms(&self, since_parent_ms: u64) -> Option<u64> {
        if self.easing {
            self.limits.next_easing_ms(since_parent_ms)
        } else {
            None
        }
    }

    fn wtema(&self, chain: &Chain, parent: &Block) -> Target {
        let off_time = self.solve_intervals(chain, parent) - 1.0;
        scale(parent.base, 1.0 + off_time / f64::from(self.limits.window))
    }

    fn asert(&self, chain: &Chain, parent: &Block) -> Target {
        let first = chain.first();
        let elapsed_ms = parent.timestamp_ms - first.timestamp_ms;
        let behind = elapsed_ms as f64 / self.limits.interval_ms as f64 - parent.height as f64;
        scale(first.base, (behind / f64::from(self.limits.window)).exp())
    }

    fn lwma(&self, chain: &Chain, parent: &Block) -> Target {
        let window = self.limits.window;
        let mut weighted_intervals = 0.0;
        let mut sum_of_targets = U512::zero();
        let mut block = parent;
        for weight in (1..=window).rev() {
            weighted_intervals += f64::from(weight) * self.solve_intervals(chain, block);
            sum_of_targets += U512::from(block.base.to_u256());
            block = chain.parent(block);
        }
        let weights = f64::from(window) * f64::from(window + 1) / 2.0;
        let mean_target = U256::try_from(sum_of_targets / U512::from(window)).unwrap_or(U256::MAX);
        scale(
            Target::from_u256_at_least_one(mean_target),
            weighted_intervals / weights,
        )
    }

    /// A block's solve time in intervals, cut at the clamp. Before the chain began, blocks count as on
    /// time.
    fn solve_intervals(&self, chain: &Chain, block: &Block) -> f64 {
        if block.height == 0 {
            return 1.0;
        }
        let solve_time_ms = block.timestamp_ms - chain.parent(block).timestamp_ms;
        let solve_intervals = solve_time_ms as f64 / self.limits.interval_ms as f64;
        solve_intervals.min(self.clamp_intervals as f64)
    }
}

/// A target times a positive factor, to 32 binary places, within the range of targets.
pub fn scale(target: Target, factor: f64) -> Target {
    const PLACES: usize = 32;
    // The factor is kept within 2^±200, beyond any target the experiments use.
    let exponent = factor.log2().floor().clamp(-200.0, 200.0);
    let mantissa = (factor / exponent.exp2()).clamp(1.0, 2.0);
    let fixed = (mantissa * (PLACES as f64).exp2()) as u64;
    let product: U512 = target.to_u256().full_mul(U256::from(fixed)) >> PLACES;
    let shift = exponent.abs() as usize;
    let scaled = if exponent < 0.0 {
        product >> shift
    } else {
        product << shift
    };
    Target::from_u256_at_least_one(U256::try_from(scaled).unwrap_or(U256::MAX))
}

/// The quotient of two targets.
pub fn ratio(a: Target, b: Target) -> f64 {
    to_f64(a) / to_f64(b)
}

fn to_f64(target: Target) -> f64 {
    target
        .to_be_bytes()
        .iter()
        .fold(0.0, |value, byte| value * 256.0 + f64::from(*byte))
}
