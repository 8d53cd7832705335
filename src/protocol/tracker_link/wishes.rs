//! What the owner wants of the link: to leave, to be apart for a while, to believe a changed key.

use super::{Effect, Phase, Stage, Talk, TrackerLink};
use crate::clock::Now;
use crate::wire::Message;
use crate::wire::member::Leaving;

impl TrackerLink {
    /// The owner leaves the network for good; at once, or when the tracker is reached.
    #[must_use]
    pub fn leave(&mut self, now: Now) -> Vec<Effect> {
        self.leaving = true;
        match self.phase {
            Phase::Waiting => self.pause.hurry(),
            _ if self.is_registered() => self.sign_leaving(now),
            _ => {}
        }
        self.take_effects()
    }

    /// The Wallet signed that we leave.
    #[must_use]
    pub fn leaving_signed(&mut self, leaving: Leaving) -> Vec<Effect> {
        if self.leaving
            && let Phase::Talking(talk) = &self.phase
            && matches!(talk.stage, Stage::Registered(_))
        {
            let message = Message::Leave(leaving);
            let session = talk.session;
            self.decided.at_once(Effect::Send { session, message });
        }
        self.take_effects()
    }

    /// The owner disconnects this node: says goodbye, and dials no more until [`TrackerLink::connect`].
    #[must_use]
    pub fn disconnect(&mut self) -> Vec<Effect> {
        self.apart = true;
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            let reason = "its owner has disconnected this node for a while".to_owned();
            self.decided.at_once(Effect::Close { session, reason });
            self.former = Some(session);
        }
        if !matches!(self.phase, Phase::AtRest) {
            self.phase = Phase::Waiting;
        }
        self.take_effects()
    }

    /// The owner connects this node again: the tracker is dialled at once.
    pub fn connect(&mut self) {
        self.apart = false;
        self.pause.hurry();
    }

    /// Whether the owner has disconnected this node.
    pub fn is_apart(&self) -> bool {
        self.apart
    }
}
