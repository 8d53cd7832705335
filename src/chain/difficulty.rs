//! The difficulty rule: how hard the next block is, from the times of those before it.
//!
//! Integers only, so that every node finds the same target to the bit. Two numbers are kept apart:
//!
//! * the *base target*, 256 bits, which a node derives and keeps beside each header. It follows the
//!   hash rate: an exponential moving average, one step a block ([`DifficultyRule::next_base`]);
//! * the *used target*, compact, which the header carries and the block must meet: the base target,
//!   eased when no block has come for long ([`DifficultyRule::used_target`]). The fork choice counts
//!   the work of the used target.

use primitive_types::{U256, U512};

use super::target::{CompactTarget, Target};

/// A block may be stamped at most this many intervals ahead of the clock of the node that judges it.
///
/// Wide enough for clocks set by hand (30 s at the usual 5 s interval). It must stay well below
/// [`EASING_START_INTERVALS`]: were it equal or beyond, a miner could stamp its way into easing and
/// earn many times its share.
pub const MAX_FUTURE_INTERVALS: u64 = 6;

/// A solve time counts as at most this many intervals in the average.
///
/// Honest gaps are longer once in 400 blocks, so that cutting them costs a fraction of a percent,
/// while one absurd stamp, or a night without a miner, moves the base target by 6 % and no more.
pub const SOLVE_TIME_CLAMP_INTERVALS: u64 = 6;

/// Easing begins once a block is stamped this many intervals after its parent.
///
/// Three times the drift allowance: a liar at the limit of the allowance still needs a true gap of
/// 12 intervals, which chance gives once in 160,000 blocks.
pub const EASING_START_INTERVALS: u64 = 18;

/// The target doubles once per this many intervals beyond the start of easing.
pub const EASING_STEP_INTERVALS: u64 = 6;

/// Easing doubles the target at most this many times: a factor of 256, for a network that lost more
/// than 99 % of its hash rate at once.
pub const MAX_EASING_DOUBLINGS: u32 = 8;

/// The difficulty rule of one network, fixed by its genesis block.
///
/// Every method accepts every value of every field and argument: none panics or overflows. An
/// interval or window of zero counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DifficultyRule {
    /// The intended time between blocks, in milliseconds.
    pub interval_ms: u64,
    /// The target of block 1, and the easiest one of any block.
    pub start: Target,
    /// The blocks over which the average forgets: a step corrects one `window`-th of the error.
    pub window: u32,
    /// The least work doubles every so many blocks; 0 switches growth with depth off.
    pub growth_blocks: u64,
}

impl DifficultyRule {
    /// The base target of block 1: the start target.
    pub fn first_base(&self) -> Target {
        self.start
    }

    /// The easiest target that a block at `height` may have, eased or not.
    ///
    /// The start target; with growth on, a target whose work is that of the start target at block 1
    /// and doubles every `growth_blocks` blocks, in a straight line between two doublings, so that no
    /// single block is suddenly twice as hard as its parent.
    pub fn easiest(&self, height: u64) -> Target {
        if self.growth_blocks == 0 {
            return self.start;
        }
        let depth = height.saturating_sub(1);
        let doublings = depth / self.growth_blocks;
        let past_doubling = depth % self.growth_blocks;
        let halved = match usize::try_from(doublings) {
            Ok(shift) if shift < 256 => self.start.to_u256() >> shift,
            _ => U256::zero(),
        };
        let grown = scale(
            halved,
            u128::from(self.growth_blocks),
            u128::from(self.growth_blocks) + u128::from(past_doubling),
        );
        Target::from_u256_at_least_one(grown)
    }

    /// The base target of the block at `height`, from its parent's base target and its parent's solve
    /// time (the parent's timestamp less the grandparent's).
    ///
    /// The base moves by `(solve time - interval) / (window * interval)` of itself, the solve time
    /// cut at [`SOLVE_TIME_CLAMP_INTERVALS`], and is never easier than [`DifficultyRule::easiest`].
    pub fn next_base(&self, parent_base: Target, height: u64, solve_time_ms: u64) -> Target {
        let interval = u128::from(self.interval_ms.max(1));
        let window = u128::from(self.window.max(1));
        let solve_time =
            u128::from(solve_time_ms).min(interval * u128::from(SOLVE_TIME_CLAMP_INTERVALS));
        let moved = scale(
            parent_base.to_u256(),
            (window - 1) * interval + solve_time,
            window * interval,
        );
        Target::from_u256_at_least_one(moved).min(self.easiest(height))
    }

    /// The target that the header at `height` must carry, from its base target and its timestamp less
    /// its parent's.
    ///
    /// Beyond [`EASING_START_INTERVALS`] the base doubles once per [`EASING_STEP_INTERVALS`], at most
    /// [`MAX_EASING_DOUBLINGS`] times; the result is never easier than [`DifficultyRule::easiest`],
    /// and rounded down to its compact form.
    pub fn used_target(&self, base: Target, height: u64, since_parent_ms: u64) -> CompactTarget {
        let doublings = self.easing_doublings(since_parent_ms);
        let easiest = self.easiest(height);
        let room = easiest.to_u256() >> doublings;
        let used = if base.to_u256() > room {
            easiest
        } else {
            Target::from_u256_at_least_one(base.to_u256() << doublings)
        };
        used.to_compact()
    }

    /// The least time after the parent's stamp, later than `since_parent_ms`, from which the used
    /// target is one doubling easier; `None` once easing is complete.
    ///
    /// A miner renews its job then.
    pub fn next_easing_ms(&self, since_parent_ms: u64) -> Option<u64> {
        let next = u64::from(self.easing_doublings(since_parent_ms)) + 1;
        if next > u64::from(MAX_EASING_DOUBLINGS) {
            return None;
        }
        let intervals = EASING_START_INTERVALS + next * EASING_STEP_INTERVALS;
        self.interval_ms.max(1).checked_mul(intervals)
    }

    /// The latest timestamp acceptable at `now_ms`; a block stamped later is held until it is.
    pub fn latest_timestamp(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add(self.interval_ms.saturating_mul(MAX_FUTURE_INTERVALS))
    }

    /// How many times the base target is doubled for a block stamped so long after its parent.
    fn easing_doublings(&self, since_parent_ms: u64) -> u32 {
        let intervals = since_parent_ms / self.interval_ms.max(1);
        let steps = intervals.saturating_sub(EASING_START_INTERVALS) / EASING_STEP_INTERVALS;
        u32::try_from(steps).map_or(MAX_EASING_DOUBLINGS, |steps| {
            steps.min(MAX_EASING_DOUBLINGS)
        })
    }
}

/// `floor(value * numerator / denominator)`, at most 2^256 − 1. The denominator is not zero.
fn scale(value: U256, numerator: u128, denominator: u128) -> U256 {
    let product: U512 = value.full_mul(U256::from(numerator));
    U256::try_from(product / U512::from(denominator)).unwrap_or(U256::MAX)
}

#[cfg(test)]
mod tests;
