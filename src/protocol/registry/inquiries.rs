//! Whoever wants to join may ask first whether it could, and whether others will reach it: nothing comes of
//! the question but the answer.

use super::effect::{Effect, Visited};
use super::{MAX_INQUIRIES, Registry};
use crate::clock::Now;
use crate::protocol::SessionId;
use crate::wire::message::Admissible;
use crate::wire::{MemberRecord, Message};
use std::collections::BTreeSet;

/// Most visits at a time to who asks; whoever asks beyond them is not told whether it can be reached.
pub const MAX_INQUIRERS_VISITED: usize = 16;

/// Whom a visit is under way to.
pub(super) type Visits = BTreeSet<SessionId>;

impl Registry {
    /// Somebody asks whether it could register so.
    pub(super) fn inquire(&mut self, session: SessionId, record: &MemberRecord, now: Now) {
        let asked = self.sessions.asked(session);
        if asked > MAX_INQUIRIES || self.visits.contains(&session) {
            return self.close(session, "you ask too often whether you could join", now);
        }
        if let Err((code, reason)) = self.judge(session, record, true, now) {
            return self.refuse(session, code, &reason);
        }
        let addresses = record.statement.addresses.clone();
        if asked > 1 || addresses.is_empty() || self.visits.len() >= MAX_INQUIRERS_VISITED {
            return self.answer_inquiry(session, None);
        }
        self.visits.insert(session);
        self.outgoing.at_once(Effect::DialBack {
            whom: Visited::Inquirer(session),
            key: record.statement.key,
            addresses,
        });
    }

    /// The visit to somebody who asked has ended.
    pub(super) fn inquirer_visited(&mut self, session: SessionId, reached: bool) {
        if self.visits.remove(&session) && self.sessions.get(session).is_some() {
            self.answer_inquiry(session, Some(reached));
        }
    }

    fn answer_inquiry(&mut self, session: SessionId, reached: Option<bool>) {
        let genesis = self.founding.genesis().cloned();
        self.send(
            session,
            Message::Admissible(Admissible { genesis, reached }),
        );
    }
}
