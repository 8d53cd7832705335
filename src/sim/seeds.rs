//! Many seeds, one after the other on every core; and of one that breaks something, the smallest plan
//! that still does.

use super::deed::Deed;
use super::plan::{Fault, Plan};
use super::watch::Broken;
use super::world::{Outcome, run};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tracing::Level;

/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// Runs that the search for the smallest plan may take, so that it is found within a minute.
const SHRINK_RUNS: usize = 150;

/// A seed that broke something.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it broke at first.
    pub broken: Broken,
    /// The smallest plan found that breaks the same.
    pub smallest: Plan,
    /// What happens by that plan.
    pub outcome: Outcome,
    /// How many runs it took to find it.
    pub runs: usize,
}

/// How far many seeds are.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// How many are done.
    pub done: u64,
    /// How many there are.
    pub of: u64,
    /// How many broke something.
    pub broken: u64,
    /// How many are done in a minute.
    pub per_minute: u64,
}

/// Runs all of them on so many threads, and tells of progress, and of all that broke so far, now and then.
/// What breaks is found again by its seed.
pub fn run_all(
    seeds: Range<u64>,
    threads: usize,
    mut tell: impl FnMut(Progress, &BTreeMap<u64, Broken>),
) -> BTreeMap<u64, Broken> {
    let begun = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let broken = Mutex::new(BTreeMap::new());
    let done = AtomicU64::new(0);
    let progress = |broken: &BTreeMap<u64, Broken>| {
        let done = done.load(Ordering::Relaxed);
        Progress {
            done,
            of: seeds.end - seeds.start,
            broken: broken.len() as u64,
            per_minute: (done as f64 * 60.0 / begun.elapsed().as_secs_f64()) as u64,
        }
    };
    std::thread::scope(|scope| {
        let (ended, end) = mpsc::channel::<()>();
        for _ in 0..threads.max(1) {
            let ended = ended.clone();
            scope.spawn(|| {
                let _ended = ended;
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Some(how) = run(&Plan::draw(seed), Level::INFO).broken {
                        locked(&broken).insert(seed, how);
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        drop(ended);
        // Every thread has dropped its end when all seeds are done.
        while end.recv_timeout(TOLD_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
            let broken = locked(&broken);
            tell(progress(&broken), &broken);
        }
    });
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell(progress(&broken), &broken);
    broken
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves out of the plan whatever the same invariant breaks without, as far as [`SHRINK_RUNS`] go.
pub fn shrink(plan: &Plan, broken: Broken) -> Failure {
    let mut shrinking = Shrinking {
        invariant: broken.invariant,
        smallest: plan.clone(),
        outcome: run(plan, Level::INFO),
        runs: 1,
    };
    shrinking.leave_out(|plan| &mut plan.faults);
    shrinking.leave_out(|plan| &mut plan.deeds);
    for number in 0..plan.peers.len() {
        shrinking.make_plain(number);
    }
    while shrinking.smallest.peers.len() > 2
        && !touches(&shrinking.smallest, shrinking.smallest.peers.len())
        && shrinking.tries(|plan| plan.peers.truncate(plan.peers.len() - 1))
    {}
    Failure {
        broken,
        smallest: shrinking.smallest,
        outcome: shrinking.outcome,
        runs: shrinking.runs,
    }
}

/// A plan on its way to its smallest.
struct Shrinking {
    invariant: &'static str,
    smallest: Plan,
    outcome: Outcome,
    runs: usize,
}

impl Shrinking {
    /// Whether the same breaks with this change, which stays if it does.
    fn tries(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        if self.runs == SHRINK_RUNS {
            return false;
        }
        self.runs += 1;
        let mut smaller = self.smallest.clone();
        change(&mut smaller);
        let outcome = run(&smaller, Level::INFO);
        let same = |broken: &Broken| broken.invariant == self.invariant;
        let breaks = outcome.broken.as_ref().is_some_and(same);
        if breaks {
            (self.smallest, self.outcome) = (smaller, outcome);
        }
        breaks
    }

    /// Leaves out of a list first all of it, then halves, and so on down to single entries.
    fn leave_out<T>(&mut self, list: fn(&mut Plan) -> &mut Vec<T>) {
        let mut size = list(&mut self.smallest).len();
        while size > 0 {
            let mut end = list(&mut self.smallest).len();
            while end > 0 {
                let begin = end.saturating_sub(size);
                self.tries(|plan| drop(list(plan).drain(begin..end)));
                end = begin;
            }
            size /= 2;
        }
    }

    /// Takes away what is special about a peer.
    fn make_plain(&mut self, number: usize) {
        let peer = self.smallest.peers[number].clone();
        if peer.lie.is_some() {
            self.tries(|plan| plan.peers[number].lie = None);
        }
        if peer.leaves_out.is_some() {
            self.tries(|plan| plan.peers[number].leaves_out = None);
        }
        if peer.leaves_ms.is_some() {
            self.tries(|plan| plan.peers[number].leaves_ms = None);
        }
        if peer.joins_ms > 0 {
            self.tries(|plan| plan.peers[number].joins_ms = 0);
        }
        if peer.skew_ms != 0 {
            self.tries(|plan| plan.peers[number].skew_ms = 0);
        }
    }
}

/// Whether a fault or a deed names the host.
fn touches(plan: &Plan, host: usize) -> bool {
    let mut faults = plan.faults.iter().map(Fault::hosts);
    let mut deeds = plan.deeds.iter().map(Deed::hosts);
    faults.any(|hosts| hosts.contains(&host)) || deeds.any(|hosts| hosts.contains(&host))
}
