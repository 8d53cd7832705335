//! What registering costs where nobody invited us: work, done between two conversations, so that we hold no
//! place at the tracker meanwhile.

use super::{Effect, Phase, Stage, Talk, TrackerLink};
use crate::chain::Header;
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::wire::Message;
use crate::wire::work::{Newcomer, WORK_VALID_MS, WorkAsked, WorkDone};

/// Work that a tracker asked for.
#[derive(Debug)]
pub(super) struct OwnWork {
    tracker: PublicKey,
    asked: WorkAsked,
    /// What is searched for.
    header: Header,
    done: Option<WorkDone>,
}

impl TrackerLink {
    /// The tracker wants work for the registration.
    pub(super) fn work_asked(&mut self, asked: WorkAsked, now: Now) {
        let Phase::Talking(Talk {
            session,
            tracker,
            network,
            stage: Stage::Registering,
            ..
        }) = self.phase
        else {
            return self.give_up("it asks for work out of turn", now);
        };
        if !asked.is_bearable() {
            return self.give_up("it asks for more work than anybody does", now);
        }
        let newcomer = Newcomer {
            tracker,
            network,
            key: self.config.key,
            name: self.config.name.clone(),
        };
        let header = asked.header(&newcomer);
        self.work = Some(OwnWork {
            tracker,
            asked,
            header,
            done: None,
        });
        self.decided.at_once(Effect::SearchForWork(header));
        let reason = "what the registration costs is being searched for".to_owned();
        self.decided.at_once(Effect::Close { session, reason });
        self.former = Some(session);
        self.phase = Phase::Waiting;
        // By then it counts no more.
        self.pause.hold(now.steady, WORK_VALID_MS);
    }

    /// The search has found this. The tracker is dialled at once.
    #[must_use]
    pub fn work_found(&mut self, found: Header) -> Vec<Effect> {
        if let Some(work) = &mut self.work {
            let nonce = found.nonce;
            if (Header { nonce: 0, ..found }) == work.header {
                let asked = work.asked;
                work.done = Some(WorkDone { asked, nonce });
                self.pause.hurry();
            }
        }
        self.take_effects()
    }

    /// What was done for this tracker, to be said before we register.
    pub(super) fn work_done(&self, tracker: PublicKey) -> Option<Message> {
        let work = self.work.as_ref().filter(|work| work.tracker == tracker)?;
        work.done.map(Message::WorkDone)
    }
}
