//! Many seeds, one after the other on every core; and of one that breaks something, the smallest plan
//! that still does.

use super::plan::Plan;
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

/// A seed that broke something.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it broke at first.
    pub broken: Broken,
    /// The smallest plan found that breaks the same.
    pub smallest: Plan,
    /// What happens by that plan.
    pub outcome: Outcome,
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

/// Runs all of them on so many threads, and tells of progress now and then. What breaks is found again by
/// its seed.
pub fn run_all(
    seeds: Range<u64>,
    threads: usize,
    mut tell: impl FnMut(Progress),
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
            tell(progress(&locked(&broken)));
        }
    });
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell(progress(&broken));
    broken
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves out of the plan whatever the same invariant breaks without.
pub fn shrink(plan: &Plan, broken: Broken) -> Failure {
    let mut smallest = plan.clone();
    let mut outcome = run(&smallest, Level::INFO);
    let mut try_smaller = |smaller: Plan, smallest: &mut Plan| {
        let tried = run(&smaller, Level::INFO);
        let same = |b: &Broken| b.invariant == broken.invariant;
        let breaks = tried.broken.as_ref().is_some_and(same);
        if breaks {
            *smallest = smaller;
            outcome = tried;
        }
        breaks
    };
    for number in (0..smallest.faults.len()).rev() {
        let mut smaller = smallest.clone();
        smaller.faults.remove(number);
        try_smaller(smaller, &mut smallest);
    }
    for number in (0..smallest.payments.len()).rev() {
        let mut smaller = smallest.clone();
        smaller.payments.remove(number);
        try_smaller(smaller, &mut smallest);
    }
    while smallest.peers.len() > 2 && !touches(&smallest, smallest.peers.len()) {
        let mut smaller = smallest.clone();
        smaller.peers.pop();
        if !try_smaller(smaller, &mut smallest) {
            break;
        }
    }
    Failure {
        broken,
        smallest,
        outcome,
    }
}

/// Whether a fault or a payment names the host.
fn touches(plan: &Plan, host: usize) -> bool {
    let payments = plan.payments.iter().any(|p| p.from == host || p.to == host);
    payments
        || plan
            .faults
            .iter()
            .any(|fault| fault.hosts().contains(&host))
}
