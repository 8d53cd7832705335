//! Search: who looks for nonces while the actors go on.

use crate::chain::Header;
use crate::pow::{PowEngine, Scan};
use crate::shell::{Order, Search, SearchDone};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How nice the searching threads are to others: the node answers even on one core.
const NICENESS: i32 = 15;
/// Indices that a thread scans before it adds up its tries: some ten milliseconds.
const SLICE: u64 = 1 << 20;

/// Searches on threads of its own, at low priority. They start with the first search and end with
/// their owner.
pub struct ThreadSearch {
    engine: Arc<dyn PowEngine>,
    threads: u16,
    workers: Vec<mpsc::Sender<Share>>,
    stop: Arc<AtomicBool>,
    effort: Arc<Effort>,
}

/// One thread's share of an order.
struct Share {
    header: [u8; Header::LEN],
    target: [u8; 32],
    indices: Range<u64>,
    done: SearchDone,
    stop: Arc<AtomicBool>,
}

/// What all threads did together.
#[derive(Default)]
struct Effort {
    tries: AtomicU64,
    /// Nanoseconds they were at it.
    busy: AtomicU64,
}

impl ThreadSearch {
    /// With this engine on so many threads.
    pub fn new(engine: Arc<dyn PowEngine>, threads: u16) -> Self {
        Self {
            engine,
            threads,
            workers: Vec::new(),
            stop: Arc::new(AtomicBool::new(true)),
            effort: Arc::default(),
        }
    }

    fn start_threads(&mut self) {
        for n in 0..self.threads {
            let (sender, receiver) = mpsc::channel();
            let (engine, effort) = (self.engine.clone(), self.effort.clone());
            let named = std::thread::Builder::new().name(format!("search-{n}"));
            match named.spawn(move || work(&*engine, &receiver, &effort)) {
                Ok(_) => self.workers.push(sender),
                Err(error) => tracing::error!(%error, "a searching thread could not be started"),
            }
        }
    }
}

impl Search for ThreadSearch {
    fn begin(&mut self, order: Order) {
        self.stop();
        self.stop = Arc::new(AtomicBool::new(false));
        if self.workers.is_empty() {
            self.start_threads();
        }
        for (worker, n) in self.workers.iter().zip(0..) {
            let share = Share {
                header: order.header,
                target: order.target,
                indices: order.part.share(n, self.threads),
                done: order.done.clone(),
                stop: self.stop.clone(),
            };
            // A thread ends only with this.
            let _ = worker.send(share);
        }
    }

    fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn effort(&self) -> (u64, Duration) {
        let busy = Duration::from_nanos(self.effort.busy.load(Ordering::Relaxed));
        (self.effort.tries.load(Ordering::Relaxed), busy)
    }
}

impl Drop for ThreadSearch {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One searching thread: takes the latest order, searches until it is found, exhausted or stopped.
fn work(engine: &dyn PowEngine, orders: &mpsc::Receiver<Share>, effort: &Effort) {
    // Where it is not allowed, threads compete as equals.
    let _ = rustix::process::setpriority_process(None, NICENESS);
    while let Ok(mut order) = orders.recv() {
        while let Ok(later) = orders.try_recv() {
            order = later;
        }
        if let Some(found) = search(engine, &order, effort) {
            (order.done)(found);
        }
    }
}

/// `None` if it was stopped.
fn search(engine: &dyn PowEngine, order: &Share, effort: &Effort) -> Option<Option<u64>> {
    let mut at = order.indices.start;
    while at < order.indices.end {
        let end = order.indices.end.min(at.saturating_add(SLICE));
        let begun = Instant::now();
        let scan = engine.scan(&order.header, &order.target, at..end, &order.stop);
        let busy = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        effort.busy.fetch_add(busy, Ordering::Relaxed);
        effort.tries.fetch_add(scan.tries(), Ordering::Relaxed);
        match scan {
            Scan::Found { nonce, .. } => return Some(Some(nonce)),
            Scan::Exhausted { .. } => at = end,
            Scan::Stopped { .. } => return None,
        }
    }
    Some(None)
}
