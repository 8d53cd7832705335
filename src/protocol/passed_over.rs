//! How much a session may send that this program does not know.
//!
//! Whoever speaks a greater minor version may send messages that we pass over. They cost us reading and
//! opening, so they are counted; what would be too much for one who knows them, is too much here.

use crate::clock::SteadyTime;
use crate::wire::frame::Dropped;

/// Bytes that may be passed over at once: sixteen of the longest such messages.
const BURST_BYTES: u64 = 1024 * 1024;
/// Bytes a second that may be passed over for ever: about a message a second of the longest kind.
const BYTES_A_SECOND: u64 = 64 * 1024;
/// What each counts for beside its bytes: a small one is work, too.
const BYTES_EACH: u64 = 256;

/// What a session has sent that was passed over.
#[derive(Debug)]
pub struct PassedOver {
    bytes: u64,
    since: SteadyTime,
}

/// More was passed over than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more messages of kinds that this program does not know than it passes over")]
pub struct TooMuchPassedOver;

impl PassedOver {
    /// Nothing yet.
    pub fn new(now: SteadyTime) -> Self {
        Self {
            bytes: 0,
            since: now,
        }
    }

    /// So much more was passed over.
    ///
    /// # Errors
    /// [`TooMuchPassedOver`]: close the session.
    pub fn count(&mut self, more: Dropped, now: SteadyTime) -> Result<(), TooMuchPassedOver> {
        let forgotten = now.since(self.since).saturating_mul(BYTES_A_SECOND) / 1_000;
        if forgotten > 0 {
            self.bytes = self.bytes.saturating_sub(forgotten);
            self.since = now;
        }
        let each = (more.frames as u64).saturating_mul(BYTES_EACH);
        let more = (more.bytes as u64).saturating_add(each);
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > BURST_BYTES {
            return Err(TooMuchPassedOver);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;

    fn one(bytes: usize) -> Dropped {
        Dropped { frames: 1, bytes }
    }

    /// Counts messages of so many bytes until one is too much.
    fn taken(bytes: usize) -> usize {
        let mut passed = PassedOver::new(STARTED);
        (0..)
            .take_while(|_| passed.count(one(bytes), STARTED).is_ok())
            .count()
    }

    #[test]
    fn what_is_passed_over_at_once_is_bounded_by_bytes_and_by_number() {
        assert_eq!(taken(64 * 1024), 15);
        assert_eq!(taken(6), (BURST_BYTES / (BYTES_EACH + 6)) as usize);
        assert_eq!(taken(usize::MAX), 0);
    }

    #[test]
    fn a_message_now_and_then_is_passed_over_for_ever() {
        let mut passed = PassedOver::new(STARTED);
        for second in 0..100_000 {
            let now = STARTED.plus_ms(1_000 * second);
            assert_eq!(passed.count(one(60_000), now), Ok(()));
        }
        // Small pieces of a second are not lost.
        let mut passed = PassedOver::new(STARTED);
        for look in 0..100_000 {
            let now = STARTED.plus_ms(5 * look);
            assert_eq!(passed.count(one(6), now), Ok(()));
        }
    }
}
