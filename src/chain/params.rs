//! The network's parameters: chosen once, fixed by genesis, the same for every member.

use super::application::MEMBERS_TOPIC;
mod differences;

pub use differences::Difference;

use super::difficulty::{DifficultyRule, MIN_WINDOW};
use super::target::{CompactTarget, CompactTargetError};
use super::{Amount, Height};
use crate::canonical::{CappedText, capped_list, coded};
use crate::keys::PublicKey;
use serde::{Deserialize, Serialize};

/// Longest name of a network, in bytes: it stands in tables and log lines.
pub const MAX_NETWORK_NAME: usize = 32;
/// Most keys that may own coins from the start: the largest network this is made for, several times
/// over; keeps genesis inside one frame.
pub const MAX_ALLOCATIONS: usize = 1_000;
/// Most applications: each judges every record of its topic on every node.
pub const MAX_APPLICATIONS: usize = 16;
/// Shortest block interval in milliseconds: below it, news of a block takes a good part of the
/// interval on an ordinary network and most blocks would lose their race.
pub const MIN_INTERVAL_MS: u64 = 100;
/// Longest block interval, one hour.
pub const MAX_INTERVAL_MS: u64 = 3_600_000;
/// Smallest bound on a block, in bytes, that still holds the longest note.
pub const MIN_BLOCK_BYTES: u32 = 128 * 1024;
/// Largest bound on a block, in bytes: a block with its message must fit a frame.
pub const MAX_BLOCK_BYTES: u32 = 3 * 1024 * 1024;
/// Longest difficulty window, in blocks.
pub const MAX_WINDOW: u32 = 10_000;
/// Largest reward of a block: ten million such blocks fit an amount many times over, so that no
/// network founds itself into a supply that can't be counted.
pub const MAX_REWARD: u64 = 1_000_000_000_000;
/// How far ahead of the block that includes it a transaction may expire, in blocks: a week at 5 s.
pub const MAX_EXPIRY: u64 = 120_960;

coded! {
    /// Who may join.
    pub enum Admission, "no kind of admission" {
        /// Whoever reaches the tracker.
        0 Open,
        /// Whoever was invited.
        1 Invite,
    }
}

/// Coins that somebody owns from the start: `[to, amount]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Who owns them.
    pub to: PublicKey,
    /// Amount, in coins.
    pub amount: Amount,
}

/// What every member agrees on by being on this network (PROTOCOL.md, "Parameters").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// For people; two networks may share it.
    pub name: CappedText<MAX_NETWORK_NAME>,
    /// What the difficulty aims at, in milliseconds.
    pub interval_ms: u64,
    /// The easiest target there ever is, and the first one.
    pub start_target: CompactTarget,
    /// How many blocks the difficulty averages over.
    pub window: u32,
    /// The least difficulty doubles every so many blocks; 0 = never.
    pub growth_blocks: u64,
    /// What a miner is paid for a block beside the fees.
    pub reward: Amount,
    /// The reward halves every so many blocks; 0 = never.
    pub halving_blocks: u64,
    /// Largest block, in bytes of its canonical encoding.
    pub max_block_bytes: u32,
    /// Least fee for each KiB begun.
    pub min_fee_per_kib: Amount,
    /// Who may join.
    pub admission: Admission,
    /// Coins from the start.
    #[serde(deserialize_with = "capped_list::<MAX_ALLOCATIONS, _, _>")]
    pub allocations: Vec<Allocation>,
    /// Coins that a key receives once, with its first join by an invitation.
    pub gift: Amount,
    /// Who can put another admin key in place, and nothing else.
    pub recovery: Option<PublicKey>,
    /// Topics whose records an application judges, in ascending order; beside that of members, which every
    /// network has.
    #[serde(deserialize_with = "capped_list::<MAX_APPLICATIONS, _, _>")]
    pub applications: Vec<super::Topic>,
}

/// Why parameters can't be those of a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// A number lies outside of its range.
    #[error("{name} is {found}, allowed is {least} to {most}")]
    OutOfRange {
        /// Which parameter.
        name: &'static str,
        /// Its value.
        found: u64,
        /// Least value allowed.
        least: u64,
        /// Greatest value allowed.
        most: u64,
    },
    /// The start target is not a canonical compact number.
    #[error("start target: {0}")]
    Target(#[from] CompactTargetError),
    /// The allocations add up to more than an amount can hold, or repeat a key.
    #[error("the allocations add up to too much, or name a key twice")]
    Allocations,
    /// The topics are not in ascending order, each once, or `members` is among them.
    #[error(
        "the applications must stand in ascending order, each once, without `members`, which every network has"
    )]
    Applications,
}

impl Params {
    /// Checks every range, so that what follows need not.
    pub fn check(&self) -> Result<(), ParamsError> {
        let ranges = [
            (
                "block interval in ms",
                self.interval_ms,
                MIN_INTERVAL_MS,
                MAX_INTERVAL_MS,
            ),
            (
                "difficulty window",
                self.window.into(),
                MIN_WINDOW.into(),
                MAX_WINDOW.into(),
            ),
            ("reward of a block", self.reward.0, 0, MAX_REWARD),
            ("gift to who joins", self.gift.0, 0, MAX_REWARD),
            (
                "largest block in bytes",
                self.max_block_bytes.into(),
                MIN_BLOCK_BYTES.into(),
                MAX_BLOCK_BYTES.into(),
            ),
        ];
        for (name, found, least, most) in ranges {
            if !(least..=most).contains(&found) {
                return Err(ParamsError::OutOfRange {
                    name,
                    found,
                    least,
                    most,
                });
            }
        }
        self.start_target.expand()?;
        let mut owners: Vec<_> = self.allocations.iter().map(|a| a.to).collect();
        owners.sort_unstable();
        let repeated = owners.windows(2).any(|pair| pair[0] == pair[1]);
        let sum = self
            .allocations
            .iter()
            .try_fold(Amount::ZERO, |sum, a| sum.plus(a.amount));
        if repeated || sum.is_none() {
            return Err(ParamsError::Allocations);
        }
        let members = |topic: &super::Topic| topic.as_str() == MEMBERS_TOPIC;
        if !self.applications.is_sorted_by(|a, b| a < b) || self.applications.iter().any(members) {
            return Err(ParamsError::Applications);
        }
        Ok(())
    }

    /// The difficulty rule with these parameters; an error only where [`Params::check`] has one.
    pub fn difficulty(&self) -> Result<DifficultyRule, ParamsError> {
        Ok(DifficultyRule {
            interval_ms: self.interval_ms,
            start: self.start_target.expand()?,
            window: self.window,
            growth_blocks: self.growth_blocks,
        })
    }

    /// What the miner of the block at `height` is paid beside the fees.
    pub fn subsidy(&self, height: Height) -> Amount {
        let halvings = height.0.checked_div(self.halving_blocks).unwrap_or(0);
        let shift = u32::try_from(halvings).unwrap_or(u32::MAX);
        Amount(self.reward.0.checked_shr(shift).unwrap_or(0))
    }

    /// The least fee for a transaction of `size` bytes.
    pub fn least_fee(&self, size: usize) -> Amount {
        let kib = size.div_ceil(1024) as u64;
        Amount(self.min_fee_per_kib.0.saturating_mul(kib))
    }

    /// How far ahead of our clock a block's timestamp may be, in milliseconds.
    pub fn max_ahead_ms(&self) -> u64 {
        self.interval_ms
            .saturating_mul(super::difficulty::MAX_FUTURE_INTERVALS)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::params;
    use super::*;

    #[test]
    fn the_subsidy_halves_until_nothing_is_left() {
        let halving = Params {
            reward: Amount(50),
            halving_blocks: 10,
            ..params()
        };
        assert_eq!(halving.subsidy(Height(9)), Amount(50));
        assert_eq!(halving.subsidy(Height(10)), Amount(25));
        assert_eq!(halving.subsidy(Height(60)), Amount(0));
        assert_eq!(halving.subsidy(Height(u64::MAX)), Amount(0));
        let steady = Params {
            halving_blocks: 0,
            ..halving
        };
        assert_eq!(steady.subsidy(Height(u64::MAX)), Amount(50));
    }

    #[test]
    fn the_least_fee_counts_every_kib_begun() {
        let params = Params {
            min_fee_per_kib: Amount(3),
            ..params()
        };
        assert_eq!(params.least_fee(1), Amount(3));
        assert_eq!(params.least_fee(1024), Amount(3));
        assert_eq!(params.least_fee(1025), Amount(6));
    }

    #[test]
    fn parameters_outside_of_their_ranges_are_refused() {
        assert_eq!(params().check(), Ok(()));
        let slow = Params {
            interval_ms: MAX_INTERVAL_MS + 1,
            ..params()
        };
        assert!(matches!(slow.check(), Err(ParamsError::OutOfRange { .. })));
        let lavish = Params {
            reward: Amount(MAX_REWARD + 1),
            ..params()
        };
        assert!(matches!(
            lavish.check(),
            Err(ParamsError::OutOfRange { .. })
        ));
        let zero_target = Params {
            start_target: CompactTarget::from_bits(0),
            ..params()
        };
        assert!(matches!(zero_target.check(), Err(ParamsError::Target(_))));
        let someone = Allocation {
            to: PublicKey([1; 32]),
            amount: Amount(u64::MAX),
        };
        let other = Allocation {
            to: PublicKey([2; 32]),
            amount: Amount(1),
        };
        let too_much = Params {
            allocations: vec![someone, other],
            ..params()
        };
        assert_eq!(too_much.check(), Err(ParamsError::Allocations));
        let twice = Params {
            allocations: vec![other, other],
            ..params()
        };
        assert_eq!(twice.check(), Err(ParamsError::Allocations));
    }
}
