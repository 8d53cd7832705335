//! How many members were here over the last hours: counted now and then, kept in memory.

use super::{Peer, Refused};
use crate::chain::Timestamp;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often they are counted.
const EVERY: Duration = Duration::from_secs(60);

/// Counts that are kept: of four hours, a lesson and the break after it.
pub const MAX_COUNTS: usize = 240;

/// How many were here at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// When.
    pub at: Timestamp,
    /// Members whose nodes answered, this one included.
    pub here: usize,
}

/// What was counted.
#[derive(Clone, Default)]
pub(crate) struct Presence(Arc<Mutex<VecDeque<Present>>>);

impl Presence {
    fn push(&self, present: Present) {
        let mut kept = self.lock();
        if kept.len() >= MAX_COUNTS {
            kept.pop_front();
        }
        kept.push_back(present);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Present>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer {
    /// Counts who is here, for as long as the node runs.
    pub(crate) async fn count_presence(&self) {
        loop {
            // A node that stops has nothing to count.
            if let Ok(present) = self.present().await {
                self.presence.push(present);
            }
            self.pause(EVERY).await;
        }
    }

    /// How many were here over the last hours, the earliest first, and how many are here now.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn presence(&self) -> Result<Vec<Present>, Refused> {
        let mut counted: Vec<_> = self.presence.lock().iter().copied().collect();
        counted.push(self.present().await?);
        Ok(counted)
    }

    async fn present(&self) -> Result<Present, Refused> {
        Ok(Present {
            at: self.clock.wall(),
            here: self.company().await?.here,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_count_makes_room() {
        let presence = Presence::default();
        for at in 0..MAX_COUNTS as u64 + 3 {
            presence.push(Present {
                at: Timestamp(at),
                here: 1,
            });
        }
        let kept = presence.lock();
        assert_eq!((kept.len(), kept[0].at), (MAX_COUNTS, Timestamp(3)));
    }
}
