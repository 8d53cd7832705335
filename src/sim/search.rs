//! Searches that take simulated time: how long is drawn from the distribution that a real one follows,
//! at a hash rate of choice against the real target; what is found is real.

use super::chance::Chance;
use super::trace::OnHost;
use crate::actors::{Order, Search};
use crate::pow::{NativeEngine, PowEngine, Scan};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Hashes a second of one host; zero finds nothing.
#[derive(Debug, Default)]
pub struct Rate(AtomicU64);

impl Rate {
    /// From the next search on, so many hashes a second. A node begins a new one every second.
    pub fn set(&self, per_second: u64) {
        self.0.store(per_second, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The search of one host.
pub struct SimSearch {
    host: usize,
    rate: Arc<Rate>,
    chance: Arc<Mutex<Chance>>,
    engine: NativeEngine,
    search: Option<Running>,
    busy: Duration,
    tries: f64,
}

/// A search under way.
struct Running {
    task: AbortHandle,
    since: Instant,
    rate: u64,
}

impl Running {
    fn tries(&self) -> f64 {
        self.since.elapsed().as_secs_f64() * self.rate as f64
    }
}

impl SimSearch {
    /// As fast as `rate` says at each beginning, with luck from `chance`.
    pub fn new(host: usize, rate: Arc<Rate>, chance: Arc<Mutex<Chance>>) -> Self {
        Self {
            host,
            rate,
            chance,
            engine: NativeEngine::new(),
            search: None,
            busy: Duration::ZERO,
            tries: 0.0,
        }
    }
}

/// How many tries a target takes on average.
pub fn mean_tries(target: &[u8; 32]) -> f64 {
    let target = target
        .iter()
        .fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte));
    256.0_f64.powi(32) / (target + 1.0)
}

impl Search for SimSearch {
    fn begin(&mut self, order: Order) {
        self.stop();
        let rate = self.rate.get();
        if rate == 0 {
            return;
        }
        let mean_ms = mean_tries(&order.target) / rate as f64 * 1_000.0;
        let wait = {
            let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
            Duration::from_millis(chance.waiting_ms(mean_ms))
        };
        let engine = self.engine;
        let search = async move {
            tokio::time::sleep(wait).await;
            let stop = AtomicBool::new(false);
            let nonces = order.part.share(0, 1);
            let found = match engine.scan(&order.header, &order.target, nonces, &stop) {
                Scan::Found { nonce, .. } => Some(nonce),
                Scan::Exhausted { .. } | Scan::Stopped { .. } => None,
            };
            (order.done)(found);
        };
        let task = tokio::task::spawn_local(OnHost::new(self.host, search));
        self.search = Some(Running {
            task: task.abort_handle(),
            since: Instant::now(),
            rate,
        });
    }

    fn stop(&mut self) {
        if let Some(search) = self.search.take() {
            search.task.abort();
            self.busy += search.since.elapsed();
            self.tries += search.tries();
        }
    }

    fn effort(&self) -> (u64, Duration) {
        let Some(search) = &self.search else {
            return (self.tries as u64, self.busy);
        };
        let busy = self.busy + search.since.elapsed();
        ((self.tries + search.tries()) as u64, busy)
    }
}

impl Drop for SimSearch {
    fn drop(&mut self) {
        self.stop();
    }
}
