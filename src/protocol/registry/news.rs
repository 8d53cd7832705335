//! Who is told what of the members.

use super::{MAX_MEMBERS_LISTED, MAX_WAITING, Registry, Session};
use crate::wire::message::{MAX_MEMBERS, MembersChanged};
use crate::wire::{Member, MemberId, Message};

impl Registry {
    /// All members if they are few, else some by chance; those with a session first.
    pub(super) fn some_members(&mut self) -> Vec<Member> {
        let (mut chosen, mut away): (Vec<_>, Vec<_>) = self
            .members
            .ids()
            .partition(|id| self.live.contains_key(id));
        self.spread.choose(&mut chosen, MAX_MEMBERS_LISTED);
        chosen.truncate(MAX_MEMBERS_LISTED);
        let room = MAX_MEMBERS_LISTED - chosen.len();
        self.spread.choose(&mut away, room);
        chosen.extend(away.into_iter().take(room));
        chosen.into_iter().filter_map(|id| self.tell(id)).collect()
    }

    pub(super) fn tell(&self, id: MemberId) -> Option<Member> {
        self.members.tell(id, self.live.contains_key(&id))
    }

    /// Notes for everyone who was told of this member that there is news.
    pub(super) fn touch(&mut self, id: MemberId) {
        for session in self.sessions.values_mut() {
            if session.member.is_some() && session.told >= id {
                session.changed.insert(id);
            }
        }
    }

    /// Sends every session one message of what it was not told yet.
    pub(super) fn push_changes(&mut self) {
        let newest = self.members.newest();
        let due: Vec<_> = self.session_ids(|s| {
            let news = !s.listed || !s.changed.is_empty() || s.told < newest;
            s.member.is_some() && s.writable && s.waiting < MAX_WAITING / 2 && news
        });
        for id in due {
            if let Some(mut session) = self.sessions.remove(&id) {
                let news = self.next_news(&mut session);
                self.sessions.insert(id, session);
                self.send(id, Message::MembersChanged(news));
            }
        }
    }

    /// The next part of the list first, and then what changed in the part that was told.
    fn next_news(&self, session: &mut Session) -> MembersChanged {
        let mut news = MembersChanged::default();
        for id in self.members.after(session.told).take(MAX_MEMBERS) {
            news.changed.extend(self.tell(id));
            session.told = id;
        }
        while news.changed.len() < MAX_MEMBERS && news.left.len() < MAX_MEMBERS {
            let Some(id) = session.changed.pop_first() else {
                break;
            };
            match self.tell(id) {
                Some(member) => news.changed.push(member),
                None => news.left.push(id),
            }
        }
        session.listed |= news.changed.len() < MAX_MEMBERS;
        news
    }
}
