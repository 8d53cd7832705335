//! What a start costs, however long the chain is.

use super::support::{Grown, Lab, Node, so, wait_until};
use std::time::{Duration, Instant};

/// A short chain, and one three hundred times as long.
const LENGTHS: [u64; 2] = [1_000, 300_000];
/// Starts of which the quickest counts.
const STARTS: usize = 3;
/// How much longer the start on the long chain may take; were each header looked at, it would be
/// more than ten times as long.
const LONGER: u32 = 4;

/// Starts a peer several times: the least time until it has its ledger, and the memory it holds then.
fn start(peer: &mut Node, headers: u64) -> (Duration, u64) {
    let starts = (0..STARTS).map(|_| {
        let begun = Instant::now();
        peer.start();
        wait_until("it has its ledger", || {
            let best = peer.status().chain.map(|chain| chain.best_header.height.0);
            so(best == Some(headers), format!("{best:?}"))
        });
        let cost = (begun.elapsed(), peer.resident_bytes());
        peer.stop();
        cost
    });
    let starts: Vec<_> = starts.collect();
    let quickest = starts.iter().map(|start| start.0).min();
    let least = starts.iter().map(|start| start.1).min();
    (quickest.unwrap(), least.unwrap())
}

#[test]
fn restart_takes_neither_more_time_nor_more_memory_on_a_long_chain() {
    let lab = Lab::start();
    let grown = Grown::new(&lab, LENGTHS[1]);
    let [short, long] = [("short", LENGTHS[0]), ("long", LENGTHS[1])].map(|(name, headers)| {
        let mut peer = lab.prepare_peer(name);
        grown.give_headers(&peer, headers);
        start(&mut peer, headers)
    });
    assert!(long.0 < LONGER * short.0, "{short:?}, {long:?}");
    assert!(2 * long.1 < 3 * short.1, "{short:?}, {long:?}");
}
