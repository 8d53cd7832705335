//! Who of the members answers, who is asked, and who is told.

use super::news::MAX_LEAVES_TOLD;
use super::{Effect, Fact, MAX_MEMBERS_LISTED, MAX_WAITING, Registry, VISITS_OF_HOST, Visited};
use crate::clock::Now;
use crate::membership::Address;
use crate::membership::address::site;
use crate::protocol::SessionId;
use crate::wire::message::ChallengeAnswer;
use crate::wire::{Member, MemberId, Message};

impl Registry {
    /// Watches everybody who was read from the disk, and knows who has left.
    pub(super) fn watch_members(&mut self) {
        let ids: Vec<_> = self.members.ids().collect();
        for id in ids {
            self.watch(id);
        }
        for word in self.members.last_words(MAX_LEAVES_TOLD) {
            self.news.has_left(word);
        }
    }

    /// Watches a new member, of which nobody else has heard.
    pub(super) fn watch(&mut self, id: MemberId) {
        let has_address = self.members.has_address(id);
        self.liveness.watch(id, has_address);
        self.news.touch(id);
    }

    /// Asks everybody whose time has come.
    pub(super) fn ask_members(&mut self, now: Now) {
        let asks = self.liveness.tick(now.steady);
        if !asks.challenge.is_empty() {
            // Not kept back until the disk is done: it promises nothing.
            self.outgoing.at_once(Effect::SendAll {
                sessions: asks.challenge,
                message: Message::Challenge(asks.number),
            });
        }
        for session in asks.give_up {
            self.close(session, "you did not answer a challenge in time", now);
        }
        for id in asks.dial_back {
            let said = self.members.get(id).map(|entry| &entry.record.statement);
            let Some((key, named)) = said.map(|said| (said.key, said.addresses.clone())) else {
                self.liveness.dialled_back(id, false);
                continue;
            };
            // Nobody can have us knock at somebody else's door without end.
            let is_known = self.liveness.standing(id).reachable;
            let may_knock = |address: &Address| {
                let host = self.hosts.of(site(address.as_str()), now.steady);
                is_known || host.take(VISITS_OF_HOST, now.steady)
            };
            let addresses: Vec<_> = named.into_iter().filter(may_knock).collect();
            match addresses.is_empty() {
                true => self.liveness.dialled_back(id, false),
                false => self.outgoing.at_once(Effect::DialBack {
                    whom: Visited::Member(id),
                    key,
                    addresses,
                }),
            }
        }
        self.note_standings();
    }

    pub(super) fn answered(
        &mut self,
        session: SessionId,
        id: MemberId,
        answer: ChallengeAnswer,
        now: Now,
    ) {
        self.sessions.named_height(session, answer.height);
        self.liveness.answered(id, session, answer.number);
        self.note_standings();
        self.former_answered(session, id, answer.number, now);
    }

    /// Notes who came and who went, for the next push.
    pub(super) fn note_standings(&mut self) {
        for id in self.liveness.take_changed() {
            let Some(name) = self.members.name_of(id).cloned() else {
                continue;
            };
            self.news.touch(id);
            let standing = self.liveness.standing(id);
            let stands = Fact::MemberStands { id, name, standing };
            self.outgoing.say(Effect::Fact(stands));
        }
    }

    /// All members if they are few, else some by chance; those that answer first.
    pub(super) fn some_members(&mut self) -> Vec<Member> {
        let (mut chosen, mut away): (Vec<_>, Vec<_>) = self
            .members
            .ids()
            .partition(|id| self.liveness.standing(*id).live);
        self.spread.choose(&mut chosen, MAX_MEMBERS_LISTED);
        chosen.truncate(MAX_MEMBERS_LISTED);
        let room = MAX_MEMBERS_LISTED - chosen.len();
        self.spread.choose(&mut away, room);
        chosen.extend(away.into_iter().take(room));
        chosen.into_iter().filter_map(|id| self.tell(id)).collect()
    }

    pub(super) fn tell(&self, id: MemberId) -> Option<Member> {
        self.members.tell(id, self.liveness.standing(id))
    }

    /// Sends every session that has read the last news one message of what it was not told yet.
    pub(super) fn push_news(&mut self) {
        let Self {
            members,
            liveness,
            news,
            outgoing,
            copies,
            ..
        } = self;
        let can_take = |session, member| {
            let has_read = match copies.has(session) {
                true => copies.has_read(session),
                false => !liveness.is_asked(member),
            };
            has_read && outgoing.waiting(session) < MAX_WAITING / 2
        };
        let tell = |id| members.tell(id, liveness.standing(id));
        for piece in news.gather(can_take, tell) {
            let number = self.liveness.challenge(&piece.members);
            let sessions = piece.sessions;
            self.copies.asked(&sessions, number);
            for message in [
                Message::MembersChanged(piece.changed),
                Message::Challenge(number),
            ] {
                let sessions = sessions.clone();
                self.outgoing.say(Effect::SendAll { sessions, message });
            }
        }
    }
}
