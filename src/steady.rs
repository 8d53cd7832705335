//! Time that only runs forward: what waits is counted by it.

/// How long ago a steady clock has begun at the least, a day: longer than anything waits, so that
/// [`SteadyTime::LONG_AGO`] is always long ago.
pub const LONG_AGO_MS: u64 = 86_400_000;

/// A moment by a steady clock: milliseconds since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SteadyTime(u64);

impl SteadyTime {
    /// Before everything that may still be waited for.
    pub const LONG_AGO: Self = Self(0);

    /// So long after a steady clock began, which is [`LONG_AGO_MS`] after [`Self::LONG_AGO`].
    pub const fn after_beginning(ms: u64) -> Self {
        Self(LONG_AGO_MS.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; 0 if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment and `ms` milliseconds.
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Where the steady clocks of tests begin.
#[cfg(test)]
pub(crate) const STARTED: SteadyTime = SteadyTime::after_beginning(0);
