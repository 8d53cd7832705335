//! Networks to learn and to plan with: described in a file, lived through, and measured.

mod measure;
mod plot;

pub use measure::{Figures, measure};
pub use plot::plot;

use super::chance::Chance;
use super::deed::Deed;
use super::network::Line;
use super::plan::{Fault, INCOMING, OUTGOING, PeerPlan, Plan, TRACKER, Trouble};
use crate::settings::MiningMode;
use serde::Deserialize;

/// Most peers of one network: more than a class, and still done in minutes.
pub const MAX_PEERS: usize = 300;
/// Networks of different size that one file compares.
const MAX_SIZES: usize = 8;
/// Longest time to live through.
const MAX_MINUTES: u64 = 24 * 60;
/// Most entries of trouble.
const MAX_TROUBLE: usize = 100;
/// Hashes of an average block: many enough to be shared out among miners, few enough to be searched for in
/// earnest.
const BLOCK_WORK: u64 = 20_000;

/// What a file describes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub title: String,
    /// How many peers; for each number, a network of its own.
    pub peers: Vec<usize>,
    /// How long, in simulated minutes.
    pub minutes: u64,
    /// Where all chance comes from.
    #[serde(default = "one")]
    pub seed: u64,
    /// The time between blocks that the network aims at.
    #[serde(default = "usual_interval")]
    pub block_interval_ms: u64,
    /// How many of the peers mine, all the time.
    #[serde(default = "one_miner")]
    pub miners: usize,
    /// How fast each of them is, compared with the others; all alike if left out.
    #[serde(default)]
    pub power: Vec<u64>,
    /// Least and most milliseconds from one host to another.
    pub delay_ms: [u64; 2],
    /// How many packets of a thousand are lost, and sent again.
    #[serde(default)]
    pub lost_permille: u64,
    /// How many kilobytes a second a host sends; without limit if left out.
    #[serde(default)]
    pub kilobytes_per_second: Option<u64>,
    /// Payments of all peers together.
    #[serde(default)]
    pub payments_per_minute: u64,
    /// What goes wrong.
    #[serde(default)]
    pub trouble: Vec<ScenarioTrouble>,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioTrouble {
    /// From when on.
    pub at_s: u64,
    /// For how long.
    pub for_s: u64,
    /// What the scenario describes.
    pub what: What,
    /// How many of a hundred peers it meets; those with the lowest numbers, of which the first ones mine, in
    /// turn.
    #[serde(default = "half")]
    pub share_percent: u64,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// These peers are cut off from the others; both sides see the tracker.
    Split,
    /// The tracker does not run.
    TrackerDown,
    /// These peers lose their power.
    Crash,
}

fn one() -> u64 {
    1
}

fn one_miner() -> usize {
    1
}

fn usual_interval() -> u64 {
    5_000
}

fn half() -> u64 {
    50
}

/// Why a file describes no network. Each text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It can't be understood; the text names the line.
    #[error("{0}")]
    Text(#[from] toml::de::Error),
    /// A value is out of its range.
    #[error("\"{key}\" must be {must_be}")]
    Range {
        /// Name of the key in the file.
        key: &'static str,
        /// What it must be.
        must_be: String,
    },
}

impl Scenario {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ScenarioError`] with the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let least = *self.peers.iter().min().unwrap_or(&0);
        let most = *self.peers.iter().max().unwrap_or(&0);
        let sized = (2..=MAX_PEERS).contains(&least) && most <= MAX_PEERS;
        let powered = self.power.is_empty() || self.power.len() == self.miners;
        let total: u64 = self
            .power
            .iter()
            .fold(0, |sum, power| sum.saturating_add(*power));
        let [soon, late] = self.delay_ms;
        let trouble = &self.trouble;
        let end_s = self.minutes.saturating_mul(60);
        let ends =
            |t: &ScenarioTrouble| t.at_s.checked_add(t.for_s).is_some_and(|end| end <= end_s);
        let rules: [(bool, &'static str, String); 10] = [
            (
                sized && self.peers.len() <= MAX_SIZES,
                "peers",
                format!("a list of 1 to {MAX_SIZES} numbers from 2 to {MAX_PEERS}"),
            ),
            (
                (1..=MAX_MINUTES).contains(&self.minutes),
                "minutes",
                format!("from 1 to {MAX_MINUTES}"),
            ),
            (
                (100..=3_600_000).contains(&self.block_interval_ms),
                "block_interval_ms",
                "from 100 to 3600000".into(),
            ),
            (
                (1..=least).contains(&self.miners),
                "miners",
                format!("from 1 to {least}, the fewest peers"),
            ),
            (
                powered && total <= 1_000_000,
                "power",
                "one number for each miner, with a sum of at most 1000000".into(),
            ),
            (
                soon <= late && late <= 60_000,
                "delay_ms",
                "two numbers, the lesser one first, of at most 60000".into(),
            ),
            (
                self.lost_permille <= 500,
                "lost_permille",
                "at most 500".into(),
            ),
            (
                self.kilobytes_per_second != Some(0),
                "kilobytes_per_second",
                "at least 1, or left out".into(),
            ),
            (
                self.payments_per_minute <= 6_000,
                "payments_per_minute",
                "at most 6000".into(),
            ),
            (
                trouble.len() <= MAX_TROUBLE
                    && trouble.iter().all(|t| t.share_percent <= 100 && ends(t)),
                "trouble",
                format!(
                    "at most {MAX_TROUBLE} entries that end within the time, each with a share of at most 100"
                ),
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, key, must_be)) => Err(ScenarioError::Range { key, must_be }),
            None => Ok(()),
        }
    }

    /// How long it is, in milliseconds.
    pub fn length_ms(&self) -> u64 {
        self.minutes * 60_000
    }

    /// The network of so many peers.
    fn plan(&self, peers: usize) -> Plan {
        let chance = &mut Chance::of(self.seed, "scenario");
        let power = |miner: usize| self.power.get(miner).copied().unwrap_or(1);
        let total: u64 = (0..self.miners).map(power).sum();
        let per_second = BLOCK_WORK as f64 * 1_000.0 / self.block_interval_ms as f64;
        let rate = |miner| (per_second * power(miner) as f64 / total.max(1) as f64) as u64;
        let peer = |number| PeerPlan {
            mode: match number < self.miners {
                true => MiningMode::Always,
                false => MiningMode::OnCommand,
            },
            // Who does not mine may be the one who makes the genesis block.
            rate: if number < self.miners {
                rate(number).max(1)
            } else {
                per_second as u64 + 1
            },
            skew_ms: 0,
            joins_ms: 20 * number as u64,
            lie: None,
            leaves_ms: None,
            leaves_out: None,
        };
        let payments = (0..self.payments_per_minute * self.minutes).map(|_| {
            let from = chance.index(peers);
            let to = (from + 1 + chance.index(peers - 1)) % peers;
            let at_ms = chance.between(30_000.min(self.length_ms() - 1), self.length_ms());
            Deed::payment(at_ms, 1 + from, 1 + to, 1)
        });
        Plan {
            by_invitation: false,
            other_tracker: false,
            outgoing: OUTGOING,
            incoming: INCOMING,
            seed: self.seed,
            interval_ms: self.block_interval_ms,
            start_work: BLOCK_WORK / 2,
            deeds: payments.collect(),
            peers: (0..peers).map(peer).collect(),
            line: Line {
                delay_ms: (self.delay_ms[0], self.delay_ms[1]),
                lost_permille: self.lost_permille,
                bytes_per_second: self.kilobytes_per_second.map(|k| k.saturating_mul(1_000)),
            },
            faults: self.trouble.iter().flat_map(|t| t.faults(peers)).collect(),
            trouble_ms: self.length_ms(),
        }
    }
}

impl ScenarioTrouble {
    fn faults(&self, peers: usize) -> Vec<Fault> {
        let count = peers * self.share_percent as usize / 100;
        // Every second one first, so that miners, who come first, are on both sides.
        let order = (1..=peers).step_by(2).chain((2..=peers).step_by(2));
        let met: Vec<usize> = order.take(count).collect();
        let fault = |what| Fault {
            at_ms: self.at_s * 1_000,
            for_ms: self.for_s * 1_000,
            what,
        };
        match self.what {
            What::TrackerDown => vec![fault(Trouble::Kill(TRACKER))],
            What::Crash => {
                let cut = |host| fault(Trouble::PowerCut { host, torn: None });
                met.into_iter().map(cut).collect()
            }
            What::Split => vec![fault(Trouble::Partition {
                side: met,
                out: true,
                back: true,
                flap_ms: None,
            })],
        }
    }
}

#[cfg(test)]
mod tests;
