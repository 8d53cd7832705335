//! What time it is on a simulated host.

use crate::chain::Timestamp;
use crate::clock::{Clock, SteadyTime};
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::time::Instant;

/// The moment at which every simulation begins: in January 2027.
pub const BEGINNING_MS: u64 = 1_800_000_000_000;

/// A host's clock: the simulated time, and by how much it is wrong.
pub struct HostClock {
    begun: Instant,
    skew_ms: AtomicI64,
}

impl HostClock {
    /// A clock of a simulation that began at `begun`.
    pub fn new(begun: Instant, skew_ms: i64) -> Self {
        let skew_ms = AtomicI64::new(skew_ms);
        Self { begun, skew_ms }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Sets it to be wrong by so much.
    pub fn set_skew(&self, skew_ms: i64) {
        self.skew_ms.store(skew_ms, Ordering::Relaxed);
    }
}

impl Clock for HostClock {
    fn wall(&self) -> Timestamp {
        let right = BEGINNING_MS.saturating_add(self.elapsed_ms());
        Timestamp(right.saturating_add_signed(self.skew_ms.load(Ordering::Relaxed)))
    }

    fn steady(&self) -> SteadyTime {
        SteadyTime::after_beginning(self.elapsed_ms())
    }
}
