//! What a network in simulated time did, in figures.

use super::Scenario;
use crate::chain::{BlockId, TransactionId};
use crate::sim::observe::{Connected, Observed, observe};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What one network did. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// How many peers it had.
    pub peers: usize,
    /// Blocks of its chain at the end.
    pub height: u64,
    /// Time from a block's miner to another peer's chain: half of all, nine of ten, 99 of a hundred.
    pub propagation_ms: [u64; 3],
    /// Blocks that were found and are not on the chain, in percent of all.
    pub fork_percent: f64,
    /// The work in them, in percent of all.
    pub orphaned_work_percent: f64,
    /// Payments that were sent.
    pub payments: usize,
    /// Of these, the ones on the chain.
    pub mined: usize,
    /// Time from a payment to the block it is in, at its sender: half of all, nine of ten.
    pub confirmation_ms: [u64; 2],
    /// Bytes a second that a peer sends, on average.
    pub bytes_per_second: f64,
    /// Whether all peers had one tip at the end, or were within one block of it.
    pub agrees: bool,
}

/// Lives through a scenario with so many peers; `tell` is called with the simulated milliseconds that are
/// over.
pub fn measure(scenario: &Scenario, peers: usize, tell: &mut dyn FnMut(u64)) -> Figures {
    let length_ms = scenario.length_ms();
    let seen = observe(&scenario.plan(peers), length_ms, tell);
    let chain: BTreeSet<BlockId> = seen.chain.iter().copied().collect();
    let mut first: BTreeMap<BlockId, u64> = BTreeMap::new();
    let mut ways = Vec::new();
    let mut known = BTreeSet::new();
    for connected in &seen.connected {
        let from = *first.entry(connected.block).or_insert(connected.at_ms);
        // What comes back after a reorganisation was there before.
        if known.insert((connected.block, connected.host)) && connected.at_ms > from {
            ways.push(connected.at_ms - from);
        }
    }
    let orphans = first.keys().filter(|id| !chain.contains(*id));
    let work = |id: &BlockId| seen.work.get(id).copied().unwrap_or(0.0);
    let total: f64 = first.keys().map(work).sum();
    let orphaned: f64 = orphans.clone().map(work).sum();
    let (confirmed, mined) = confirmations(&seen);
    let sent: u64 = seen.sent.iter().sum();
    Figures {
        peers,
        height: seen.chain.len() as u64,
        propagation_ms: [50, 90, 99].map(|percent| percentile(&mut ways, percent)),
        fork_percent: percent(orphans.count() as f64, first.len() as f64),
        orphaned_work_percent: percent(orphaned, total),
        payments: seen.payments.len(),
        mined,
        confirmation_ms: confirmed,
        bytes_per_second: sent as f64 * 1_000.0 / length_ms as f64 / peers as f64,
        agrees: seen.agrees,
    }
}

/// How long payments took to be in a block of the chain, and how many are.
fn confirmations(seen: &Observed) -> ([u64; 2], usize) {
    let mut block_of: BTreeMap<TransactionId, BlockId> = BTreeMap::new();
    for (block, transactions) in &seen.transactions {
        block_of.extend(transactions.iter().map(|id| (*id, *block)));
    }
    let mut times = Vec::new();
    for payment in &seen.payments {
        let there = block_of.get(&payment.id).and_then(|block| {
            let mut at_sender = seen.connected.iter();
            let is_it = |c: &&Connected| c.host == payment.sender && c.block == *block;
            at_sender.find(is_it).map(|c| c.at_ms)
        });
        times.extend(there.map(|at_ms| at_ms.saturating_sub(payment.at_ms)));
    }
    let mined = times.len();
    (
        [50, 90].map(|percent| percentile(&mut times, percent)),
        mined,
    )
}

/// The value that so many of a hundred do not exceed; 0 of nothing.
fn percentile(values: &mut [u64], percent: usize) -> u64 {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(0)
}

fn percent(part: f64, of: f64) -> f64 {
    match of > 0.0 {
        // Nothing at all would be minus zero.
        true => (100.0 * part / of).abs(),
        false => 0.0,
    }
}
