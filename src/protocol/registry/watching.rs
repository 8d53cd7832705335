//! Who of the members answers, and who is asked.

use super::{Effect, Fact, Registry};
use crate::clock::Now;
use crate::protocol::SessionId;
use crate::wire::message::ChallengeAnswer;
use crate::wire::{MemberId, Message};

impl Registry {
    /// Watches everybody who was read from the disk.
    pub(super) fn watch_members(&mut self) {
        let ids: Vec<_> = self.members.ids().collect();
        for id in ids {
            self.watch(id);
        }
    }

    /// Watches a new member, of which nobody else has heard.
    pub(super) fn watch(&mut self, id: MemberId) {
        self.liveness.watch(id, self.has_address(id));
        self.changes.touch(id);
    }

    pub(super) fn has_address(&self, id: MemberId) -> bool {
        let entry = self.members.get(id);
        entry.is_some_and(|entry| !entry.record.statement.addresses.is_empty())
    }

    /// Asks everybody whose time has come.
    pub(super) fn ask_members(&mut self, now: Now) {
        let asks = self.liveness.tick(now.steady);
        if !asks.challenge.is_empty() {
            // Not kept back until the disk is done: it promises nothing.
            self.effects.push(Effect::SendAll {
                sessions: asks.challenge,
                message: Message::Challenge(asks.number),
            });
        }
        for session in asks.give_up {
            self.close(session, "you did not answer a challenge in time");
        }
        for id in asks.dial_back {
            match self.members.get(id).map(|entry| &entry.record.statement) {
                Some(statement) => self.effects.push(Effect::DialBack {
                    id,
                    key: statement.key,
                    addresses: statement.addresses.clone(),
                }),
                None => self.liveness.dialled_back(id, false),
            }
        }
        self.note_standings();
    }

    pub(super) fn answered(&mut self, session: SessionId, id: MemberId, answer: ChallengeAnswer) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.hello.height = answer.height;
        }
        self.liveness.answered(id, session, answer.number);
        self.note_standings();
    }

    pub(super) fn said_goodbye(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.farewell = true;
        }
    }

    /// Notes who came and who went, for the next push.
    pub(super) fn note_standings(&mut self) {
        for id in self.liveness.take_changed() {
            let Some(name) = self.members.name_of(id).cloned() else {
                continue;
            };
            self.changes.touch(id);
            let standing = self.liveness.standing(id);
            self.say(Effect::Fact(Fact::MemberStands { id, name, standing }));
        }
    }
}
