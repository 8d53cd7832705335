//! Who is told what of the members.
//!
//! Every change of a member gets a number, and only the last one of each member is kept: so what a
//! session is still to be told is what was changed after the last change that it was told of, and
//! takes no room of its own. Sessions that are equally far are told the same, encoded once.

use super::{Effect, MAX_MEMBERS_LISTED, MAX_WAITING, Registry, Session};
use crate::protocol::SessionId;
use crate::wire::message::{MAX_MEMBERS, MembersChanged};
use crate::wire::{Member, MemberId, Message};
use std::collections::{BTreeMap, HashMap};

/// The order in which the members changed last.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Number of the last change.
    newest: u64,
    /// Each member once, those that left included as long as somebody has to be told.
    by_number: BTreeMap<u64, MemberId>,
    of_member: HashMap<MemberId, u64>,
    /// The changes by which somebody left.
    departures: BTreeMap<u64, MemberId>,
}

impl Changes {
    /// Number of the last change.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// A member is new or has changed.
    pub(super) fn touch(&mut self, id: MemberId) {
        self.newest += 1;
        if let Some(former) = self.of_member.insert(id, self.newest) {
            self.by_number.remove(&former);
        }
        self.by_number.insert(self.newest, id);
    }

    /// A member has left for good.
    fn depart(&mut self, id: MemberId) {
        self.touch(id);
        self.departures.insert(self.newest, id);
    }

    /// Forgets who left before this change: everybody was told.
    fn forget_departures(&mut self, before: u64) {
        let needed = self.departures.split_off(&before);
        for (number, id) in std::mem::replace(&mut self.departures, needed) {
            self.by_number.remove(&number);
            self.of_member.remove(&id);
        }
    }

    /// How many changes are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// The changes after this one, oldest first.
    fn after(&self, number: u64) -> impl Iterator<Item = (u64, MemberId)> {
        let range = self.by_number.range(number.saturating_add(1)..);
        range.map(|(number, id)| (*number, *id))
    }
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Progress {
    told: u64,
    /// Departures up to this change are not told to it.
    departures_after: u64,
    listed: bool,
}

impl Progress {
    fn of(session: &Session) -> Self {
        Self {
            told: session.told,
            departures_after: session.first.max(session.told),
            listed: session.listed,
        }
    }
}

impl Registry {
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

    pub(super) fn note_departure(&mut self, id: MemberId) {
        self.liveness.forget(id);
        self.changes.depart(id);
    }

    /// Sends every session that has read the last news one message of what it was not told yet.
    pub(super) fn push_changes(&mut self) {
        for (progress, sessions) in self.due_for_news() {
            let (news, told) = self.news_for(progress);
            let ends_list = news.changed.len() < MAX_MEMBERS;
            let is_news = !progress.listed || news != MembersChanged::default();
            let mut members = Vec::new();
            for id in &sessions {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.told = told;
                    session.listed |= ends_list;
                    members.extend(session.member);
                }
            }
            if is_news {
                let number = self.liveness.challenge(&members);
                for message in [Message::MembersChanged(news), Message::Challenge(number)] {
                    let sessions = sessions.clone();
                    self.say(Effect::SendAll { sessions, message });
                }
            }
        }
        self.forget_departures();
    }

    /// The sessions that there is news for and that can take it, by how far they are.
    fn due_for_news(&self) -> BTreeMap<Progress, Vec<SessionId>> {
        let newest = self.changes.newest();
        let mut due: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, session) in &self.sessions {
            let has_read = |member| !self.liveness.is_asked(member);
            if session.member.is_some_and(has_read)
                && session.waiting < MAX_WAITING / 2
                && (!session.listed || session.told < newest)
            {
                due.entry(Progress::of(session)).or_default().push(*id);
            }
        }
        due
    }

    /// What follows upon this progress, as far as it fits a message, and the last change of it.
    fn news_for(&self, progress: Progress) -> (MembersChanged, u64) {
        let mut news = MembersChanged::default();
        let mut told = progress.told;
        for (number, id) in self.changes.after(progress.told) {
            if news.changed.len() >= MAX_MEMBERS || news.left.len() >= MAX_MEMBERS {
                break;
            }
            told = number;
            match self.tell(id) {
                Some(member) => news.changed.push(member),
                None if number > progress.departures_after => news.left.push(id),
                None => {}
            }
        }
        (news, told)
    }

    /// Forgets who left, once nobody has to be told any more.
    fn forget_departures(&mut self) {
        let registered = self.sessions.values().filter(|s| s.member.is_some());
        let told_all = registered.map(|s| Progress::of(s).departures_after).min();
        let told_all = told_all.unwrap_or(self.changes.newest());
        self.changes.forget_departures(told_all.saturating_add(1));
    }
}
