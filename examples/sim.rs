//! Runs simulated networks: `sim seeds COUNT [FIRST]`, or one of them in full: `sim seed NUMBER`.

use raclette::sim::seeds::{Progress, run_all, shrink};
use raclette::sim::{Broken, Outcome, Plan, run};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use tracing::Level;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = arguments
        .iter()
        .skip(1)
        .filter_map(|n| n.parse().ok())
        .collect();
    match (arguments.first().map(String::as_str), numbers.as_slice()) {
        (Some("seed"), [seed]) => one(*seed),
        (Some("seeds"), [count]) => many(0, *count),
        (Some("seeds"), [count, first]) => many(*first, *count),
        _ => {
            eprintln!("usage: sim seeds COUNT [FIRST] | sim seed NUMBER");
            ExitCode::from(2)
        }
    }
}

/// Events of a network that are shown if others were broken, too: the last.
const SHOWN: usize = 200;

/// All that happens in one network, its verdict in the last line.
fn one(seed: u64) -> ExitCode {
    let plan = Plan::draw(seed);
    let level = std::env::var("LEVEL")
        .ok()
        .and_then(|level| level.parse().ok());
    let outcome = run(&plan, level.unwrap_or(Level::INFO));
    show(&plan, &outcome);
    let Some(broken) = &outcome.broken else {
        println!(
            "height {}, of one mind {} ms after the last fault",
            outcome.height, outcome.settled_ms
        );
        println!("seed {seed}: ok, trace {}", outcome.hash);
        return ExitCode::SUCCESS;
    };
    println!("{broken}");
    println!("seed {seed}: BROKEN, trace {}", outcome.hash);
    ExitCode::FAILURE
}

fn show(plan: &Plan, outcome: &Outcome) {
    for (host, peer) in (1..).zip(&plan.peers) {
        println!("host {host}: {peer:?}");
    }
    for fault in &plan.faults {
        println!("{fault}");
    }
    for deed in &plan.deeds {
        println!("{deed}");
    }
    for line in &outcome.lines {
        println!("{line}");
    }
}

fn many(first: u64, count: u64) -> ExitCode {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut told = BTreeSet::new();
    let tell = |progress: Progress, all: &BTreeMap<u64, Broken>| {
        let Progress {
            done,
            of,
            broken,
            per_minute,
        } = progress;
        println!("{done:>6} of {of} seeds, {per_minute} a minute, {broken} broken");
        for (seed, how) in all.iter().filter(|(seed, _)| told.insert(**seed)) {
            println!("seed {seed}: {how}");
        }
    };
    let broken = run_all(first..first.saturating_add(count), threads, tell);
    for (seed, how) in &broken {
        println!("\nseed {seed}: {how}");
        let plan = Plan::draw(*seed);
        let failure = shrink(&plan, how.clone());
        let (smallest, mut outcome) = (failure.smallest, failure.outcome);
        println!(
            "of {} faults and {} deeds, {} and {} break the same (found in {} runs):",
            plan.faults.len(),
            plan.deeds.len(),
            smallest.faults.len(),
            smallest.deeds.len(),
            failure.runs
        );
        let (all, cut) = (
            outcome.lines.len(),
            outcome.lines.len().saturating_sub(SHOWN),
        );
        outcome.lines.drain(..cut);
        println!("the last {} of its {all} events:", outcome.lines.len());
        show(&smallest, &outcome);
        println!("all of it: make sim SEED={seed}");
    }
    match broken.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
