//! What time it is, behind a trait, so that a whole network can run in simulated time.
//!
//! There are two kinds of time, and they are two types. The [wall clock](Clock::wall) tells
//! [`Timestamp`]s, which people and other nodes understand, and which step when somebody sets the clock.
//! The [steady clock](Clock::steady) tells [`SteadyTime`]s, which only run forward, and mean nothing to
//! anybody else nor after a restart. Neither converts into the other; the signature of a machine says which
//! one it takes.

use crate::chain::Timestamp;
#[cfg(test)]
pub(crate) use crate::steady::STARTED;
pub use crate::steady::{LONG_AGO_MS, SteadyTime};
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where both clocks of tests begin.
#[cfg(test)]
pub(crate) const BEGUN: Now = Now {
    wall: crate::chain::testing::START,
    steady: STARTED,
};

/// One moment by both clocks, for machines that live by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// What the wall clock says: for what people read, and what is compared with others.
    pub wall: Timestamp,
    /// What the steady clock says: for what waits, and for what must not wait for ever.
    pub steady: SteadyTime,
}

impl Now {
    /// Both clocks `ms` milliseconds later.
    pub fn plus_ms(self, ms: u64) -> Self {
        Self {
            wall: self.wall.plus_ms(ms),
            steady: self.steady.plus_ms(ms),
        }
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the start of 1970, UTC. It steps when somebody sets the clock.
    fn wall(&self) -> Timestamp;

    /// The time that passes: it never steps, whatever the wall clock does.
    fn steady(&self) -> SteadyTime;

    /// Both.
    fn now(&self) -> Now {
        Now {
            wall: self.wall(),
            steady: self.steady(),
        }
    }
}

/// The operating system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn steady(&self) -> SteadyTime {
        /// The moment: when it was asked for first.
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        let since = BEGINNING.elapsed();
        SteadyTime::after_beginning(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
