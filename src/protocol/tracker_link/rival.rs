//! Another node uses this one's wallet: one of the two is registered, and both are told.

use super::{Effect, Phase, RIVAL_PAUSE_MS, RIVAL_TOLD_MS, Talk, TrackerLink, Warning};
use crate::clock::{Now, SteadyTime};

/// What we were told of the other node.
#[derive(Debug)]
pub(super) struct Rival {
    /// In the tracker's words: they say where it is.
    said: String,
    heard: SteadyTime,
}

impl TrackerLink {
    /// What the tracker said last of another node with our wallet, for people; for
    /// [`RIVAL_TOLD_MS`].
    pub fn rival(&self) -> Option<&str> {
        self.rival.as_ref().map(|rival| rival.said.as_str())
    }

    /// The tracker told of another node with our wallet: to whoever is registered, or instead of a
    /// registration.
    pub(super) fn key_in_use(&mut self, said: String, now: Now) {
        self.rival = Some(Rival {
            said: said.clone(),
            heard: now.steady,
        });
        let reason = said.clone();
        self.decided
            .at_once(Effect::Warn(Warning::WalletUsedTwice { reason }));
        if self.is_registered() {
            return;
        }
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            let reason = said;
            self.decided.at_once(Effect::Close { session, reason });
        }
        self.retry_later(now);
        self.pause.hold(now.steady, RIVAL_PAUSE_MS);
    }

    pub(super) fn forget_rival(&mut self, now: SteadyTime) {
        let is_old = |rival: &Rival| now.since(rival.heard) >= RIVAL_TOLD_MS;
        if self.rival.as_ref().is_some_and(is_old) {
            self.rival = None;
        }
    }
}
