//! Whole networks of the real actors in simulated time, by their seeds; each bad day that once broke
//! something, with what it broke; and who is let in, put out, or told lies by a tracker.

mod besieged;
mod membership;
mod regressions;

use raclette::sim::seeds::{Failure, run_all, shrink};
use raclette::sim::{Outcome, Plan, Polls, run};
use std::collections::BTreeMap;
use std::ops::Range;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::Level;

/// Seeds that are run every time.
const FIXED: Range<u64> = 0..150;
/// How many are run that nobody has seen before.
const FRESH: u64 = 50;
/// Last events that are shown of what broke.
const SHOWN: usize = 60;
/// Says to [`a_process_that_prints_traces`] which seed to run.
const SEED: &str = "SIMULATED_SEED";

/// What happens by a plan, or why that must not be.
fn lives_through(plan: &Plan) -> Outcome {
    let outcome = run(plan, Level::INFO);
    if let Some(broken) = &outcome.broken {
        let lines = outcome.lines.join("\n");
        panic!("{lines}\n{broken}");
    }
    outcome
}

fn live_through(seeds: Range<u64>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut told = String::new();
    for (seed, how) in run_all(seeds, threads, |_, _| {}) {
        let plan = Plan::draw(seed);
        let Failure {
            smallest,
            outcome,
            runs,
            ..
        } = shrink(&plan, how.clone());
        let lines = outcome.lines.len().saturating_sub(SHOWN);
        told += &format!("seed {seed} (make sim SEED={seed}): {how}\n");
        told += &format!(
            "by these alone of {} faults and {} deeds (found in {runs} runs):\n",
            plan.faults.len(),
            plan.deeds.len()
        );
        let faults = smallest.faults.iter().map(ToString::to_string);
        for line in faults.chain(smallest.deeds.iter().map(ToString::to_string)) {
            told += &format!("{line}\n");
        }
        told += &outcome.lines[lines..].join("\n");
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn fixed_seeds_break_nothing() {
    live_through(FIXED);
}

#[test]
fn fresh_seeds_break_nothing() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let first = now.as_millis() as u64;
    println!("fresh seeds: make sim FIRST={first} SEEDS={FRESH}");
    live_through(first..first + FRESH);
}

#[test]
fn seeds_hold_ballots_that_come_to_something() {
    let polls = (0..10).map(|seed| lives_through(&Plan::draw(seed)).polls);
    let is_held = |polls: Polls| polls.votes > 0 && polls.results > 0;
    assert!(polls.into_iter().any(is_held));
}

#[test]
fn a_seed_is_the_same_run_in_every_process() {
    let mut hashes: BTreeMap<u64, String> = BTreeMap::new();
    for seed in [1, 5, 11, 12] {
        hashes.insert(seed, run(&Plan::draw(seed), Level::INFO).hash);
        // Seen or not, the rest is the same.
        let wordy = run(&Plan::draw(seed), Level::TRACE).hash;
        assert_eq!(
            hashes[&seed], wordy,
            "seed {seed} at another level of detail"
        );
    }
    for (seed, hash) in &hashes {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_process_that_prints_traces"]);
        command.args(["--ignored", "--nocapture"]);
        let ended = command.env(SEED, seed.to_string()).output().unwrap();
        let printed = String::from_utf8_lossy(&ended.stdout);
        assert!(
            printed.contains(&format!("trace {hash}")),
            "seed {seed}: {hash}, but {printed}"
        );
    }
    let different: std::collections::BTreeSet<_> = hashes.values().collect();
    assert_eq!(different.len(), hashes.len());
}

/// The process that the test above starts.
#[test]
#[ignore = "it is started by another test, which says which seed to run"]
fn a_process_that_prints_traces() {
    let seed = std::env::var(SEED).expect("the variable that says which seed to run");
    let outcome = run(&Plan::draw(seed.parse().unwrap()), Level::INFO);
    println!("trace {}", outcome.hash);
}
