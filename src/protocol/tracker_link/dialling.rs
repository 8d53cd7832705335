//! When the tracker is dialled, and what follows when that, or the conversation, fails.

use super::{Effect, PUT_OUT_PAUSE_MS, Phase, Talk, TrackerLink, Warning};
use crate::clock::Now;

impl TrackerLink {
    /// Dials the tracker, if it is time.
    pub(super) fn dial(&mut self, now: Now) {
        if self.pause.is_due(now.steady) {
            self.phase = Phase::Dialling { since: now.steady };
            let address = self.address();
            self.decided.at_once(Effect::Dial { address });
        }
    }

    pub(super) fn unreachable(&mut self, reason: String, now: Now) {
        let address = self.address();
        let retry_ms = self.retry_later(now);
        self.decided.at_once(Effect::Warn(Warning::Unreachable {
            address,
            reason,
            retry_ms,
        }));
    }

    pub(super) fn lost(&mut self, reason: String, now: Now) {
        let address = self.address();
        let retry_ms = self.retry_later(now);
        self.decided.at_once(Effect::Warn(Warning::ConnectionLost {
            address,
            reason,
            retry_ms,
        }));
    }

    /// Ends the conversation from our side, to try again later.
    pub(super) fn give_up(&mut self, reason: &str, now: Now) {
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            let reason = reason.to_owned();
            self.decided.at_once(Effect::Close { session, reason });
        }
        self.lost(reason.to_owned(), now);
    }

    /// Ends the conversation for good.
    pub(super) fn rest(&mut self, last: Effect) {
        self.stop_mining();
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            let reason = "nothing more to say".to_owned();
            self.decided.at_once(Effect::Close { session, reason });
        }
        self.phase = Phase::AtRest;
        self.decided.at_once(last);
    }

    /// It is dialled again later; in how many milliseconds.
    pub(super) fn retry_later(&mut self, now: Now) -> u64 {
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            self.former = Some(session);
        }
        self.phase = Phase::Waiting;
        self.ask_another();
        self.pause.failed(now.steady);
        if self.own_expulsion().is_some() {
            self.pause.hold(now.steady, PUT_OUT_PAUSE_MS);
        }
        self.pause.due().since(now.steady)
    }
}
