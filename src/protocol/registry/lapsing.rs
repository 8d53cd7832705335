//! Whose registration lapses: where there is no room for a newcomer, whoever has not been heard of for long gives
//! way.
//!
//! A tracker has no chain, and can't know whose `join` is on the ledger. So what lapses is a place and nothing
//! else: the name stays its key's here as it does on the ledger, and the certificate goes on counting, so that
//! whoever comes back has its place again without working for it.

use super::members::{Ending, HEARD_EVERY_MS};
use super::{Effect, Fact, Registry};
use crate::clock::Now;
use crate::wire::MemberId;

impl Registry {
    /// Notes who is here, once a day: a session may last for months.
    pub(super) fn note_heard(&mut self, now: Now) {
        if now.wall.since(self.heard) < HEARD_EVERY_MS && self.heard <= now.wall {
            return;
        }
        self.heard = now.wall;
        let here: Vec<_> = self.sessions.members().map(|(id, _)| id).collect();
        for id in here {
            self.hear_of(id, now);
        }
    }

    /// A member is here.
    pub(super) fn hear_of(&mut self, id: MemberId, now: Now) {
        let row = self.members.hear(id, now.wall);
        self.outgoing.write(row.into_iter().collect());
    }

    /// Makes room for a newcomer, if there is none and somebody was silent for long enough.
    pub(super) fn make_room(&mut self, now: Now) {
        if !self.members.is_full() {
            return;
        }
        let is_here = |id| self.sessions.of(id).is_some();
        let Some(id) = self.members.lapsed(is_here, now.wall) else {
            return;
        };
        let name = self.members.name_of(id).cloned();
        self.strike(id, Ending::Lapses);
        if let Some(name) = name {
            let lapsed = Fact::MemberLapsed { id, name };
            self.outgoing.say(Effect::Fact(lapsed));
        }
    }
}
