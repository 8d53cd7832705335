//! What time it is, behind a trait, so that a whole network can run in simulated time.

use crate::chain::Timestamp;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How long ago a steady clock has begun at the least, a day: longer than anything waits, so that zero is
/// always long ago.
pub const LONG_AGO_MS: u64 = 86_400_000;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the start of 1970, UTC. It may step back when somebody sets the clock.
    fn now(&self) -> Timestamp;

    /// Milliseconds since a moment of this clock's choice, at least [`LONG_AGO_MS`] ago, which never step
    /// back: for what waits, and for what must not wait for ever.
    fn steady(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn steady(&self) -> Timestamp {
        /// The moment: when it was asked for first.
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        let since = BEGINNING.elapsed();
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Timestamp(since.saturating_add(LONG_AGO_MS))
    }
}
