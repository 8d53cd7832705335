//! Who is told what of the members.
//!
//! Every change of a member gets a number, and only the last one of each member is kept: so what a
//! reader is still to be told is what was changed after the last change that it was told of, and
//! takes no room of its own. Readers that are equally far are told the same, encoded once.

use crate::protocol::SessionId;
use crate::wire::message::{MAX_MEMBERS, MembersChanged};
use crate::wire::{Member, MemberId};
use std::collections::{BTreeMap, HashMap};

/// The order in which the members changed last.
#[derive(Debug, Default)]
struct Changes {
    /// Number of the last change.
    newest: u64,
    /// Each member once, those that left included as long as somebody has to be told.
    by_number: BTreeMap<u64, MemberId>,
    of_member: HashMap<MemberId, u64>,
    /// The changes by which somebody left.
    departures: BTreeMap<u64, MemberId>,
}

impl Changes {
    fn touch(&mut self, id: MemberId) {
        self.newest += 1;
        if let Some(former) = self.of_member.insert(id, self.newest) {
            self.by_number.remove(&former);
        }
        self.by_number.insert(self.newest, id);
    }

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

    /// The changes after this one, oldest first.
    fn after(&self, number: u64) -> impl Iterator<Item = (u64, MemberId)> {
        let range = self.by_number.range(number.saturating_add(1)..);
        range.map(|(number, id)| (*number, *id))
    }
}

/// How far a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Progress {
    /// It was told of all changes up to this one.
    told: u64,
    /// Departures up to this change are not told to it: who left before it came is nobody to it.
    departures_after: u64,
    /// It was told that it has the whole list.
    listed: bool,
}

/// A member with a session.
#[derive(Debug)]
struct Reader {
    member: MemberId,
    progress: Progress,
}

/// One message, for all of these.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) sessions: Vec<SessionId>,
    /// Whose they are.
    pub(super) members: Vec<MemberId>,
    pub(super) changed: MembersChanged,
}

/// The news of the members, and who has read how much of it.
#[derive(Debug, Default)]
pub(super) struct News {
    changes: Changes,
    readers: BTreeMap<SessionId, Reader>,
}

impl News {
    /// A member is new or has changed.
    pub(super) fn touch(&mut self, id: MemberId) {
        self.changes.touch(id);
    }

    /// A member has left for good.
    pub(super) fn depart(&mut self, id: MemberId) {
        self.changes.depart(id);
    }

    /// A member reads on this session from now on: first the whole list.
    pub(super) fn begin(&mut self, session: SessionId, member: MemberId) {
        let progress = Progress {
            told: 0,
            departures_after: self.changes.newest,
            listed: false,
        };
        let reader = Reader { member, progress };
        self.readers.entry(session).or_insert(reader);
    }

    /// A session has ended.
    pub(super) fn end(&mut self, session: SessionId) {
        self.readers.remove(&session);
    }

    /// One message to each reader that there is something for and that can take it. `tell` says how a
    /// member is to be told, `None` if it has left.
    pub(super) fn gather(
        &mut self,
        can_take: impl Fn(SessionId, MemberId) -> bool,
        tell: impl Fn(MemberId) -> Option<Member>,
    ) -> Vec<Piece> {
        let newest = self.changes.newest;
        let mut due: BTreeMap<Progress, Piece> = BTreeMap::new();
        for (session, reader) in &self.readers {
            let has_news = !reader.progress.listed || reader.progress.told < newest;
            if has_news && can_take(*session, reader.member) {
                let piece = due.entry(reader.progress).or_insert_with(|| Piece {
                    sessions: Vec::new(),
                    members: Vec::new(),
                    changed: MembersChanged::default(),
                });
                piece.sessions.push(*session);
                piece.members.push(reader.member);
            }
        }
        let mut pieces = Vec::new();
        for (progress, mut piece) in due {
            let told = self.follow(progress, &mut piece.changed, &tell);
            let ends_list = piece.changed.changed.len() < MAX_MEMBERS;
            for session in &piece.sessions {
                if let Some(reader) = self.readers.get_mut(session) {
                    reader.progress.told = told;
                    reader.progress.departures_after = reader.progress.departures_after.max(told);
                    reader.progress.listed |= ends_list;
                }
            }
            if !progress.listed || piece.changed != MembersChanged::default() {
                pieces.push(piece);
            }
        }
        self.forget_departures();
        pieces
    }

    /// What follows upon this progress, as far as it fits a message; the last change of it.
    fn follow(
        &self,
        progress: Progress,
        news: &mut MembersChanged,
        tell: impl Fn(MemberId) -> Option<Member>,
    ) -> u64 {
        let mut told = progress.told;
        for (number, id) in self.changes.after(progress.told) {
            if news.changed.len() >= MAX_MEMBERS || news.left.len() >= MAX_MEMBERS {
                break;
            }
            told = number;
            match tell(id) {
                Some(member) => news.changed.push(member),
                None if number > progress.departures_after => news.left.push(id),
                None => {}
            }
        }
        told
    }

    /// Forgets who left, once nobody has to be told any more.
    fn forget_departures(&mut self) {
        let readers = self.readers.values();
        let told_all = readers.map(|r| r.progress.departures_after).min();
        let told_all = told_all.unwrap_or(self.changes.newest);
        self.changes.forget_departures(told_all.saturating_add(1));
    }

    /// How many changes are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.changes.by_number.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::START;
    use crate::protocol::testing::record;

    fn member(id: u8) -> Member {
        Member {
            id: MemberId(id.into()),
            record: record(id, &format!("m{id}"), 1),
            live: true,
            reachable: true,
            since: START,
        }
    }

    /// Who was told of whom, and of whose leaving; those in `gone` have left.
    fn gather(news: &mut News, gone: &[u32]) -> Vec<(Vec<u64>, Vec<u32>, Vec<u32>)> {
        let tell = |id: MemberId| {
            let number = u8::try_from(id.0).unwrap();
            (!gone.contains(&id.0)).then(|| member(number))
        };
        let pieces = news.gather(|_, _| true, tell).into_iter();
        let told = |piece: Piece| {
            let sessions = piece.sessions.iter().map(|s| s.0).collect();
            let changed = piece.changed.changed.iter().map(|m| m.id.0).collect();
            let left = piece.changed.left.iter().map(|id| id.0).collect();
            (sessions, changed, left)
        };
        pieces.map(told).collect()
    }

    #[test]
    fn readers_that_are_equally_far_share_a_message_and_each_change_is_told_once() {
        let mut news = News::default();
        (1..=2).for_each(|id| news.touch(MemberId(id)));
        news.begin(SessionId(1), MemberId(1));
        news.begin(SessionId(2), MemberId(2));
        assert_eq!(gather(&mut news, &[]), [(vec![1, 2], vec![1, 2], vec![])]);
        assert_eq!(gather(&mut news, &[]), []);
        news.touch(MemberId(1));
        news.touch(MemberId(1));
        assert_eq!(gather(&mut news, &[]), [(vec![1, 2], vec![1], vec![])]);
    }

    #[test]
    fn an_empty_list_is_told_once_and_departures_only_to_who_was_there() {
        let mut news = News::default();
        news.begin(SessionId(1), MemberId(1));
        assert_eq!(gather(&mut news, &[]), [(vec![1], vec![], vec![])]);
        news.depart(MemberId(9));
        news.begin(SessionId(2), MemberId(2));
        let told = gather(&mut news, &[9]);
        assert_eq!(
            told,
            [(vec![1], vec![], vec![9]), (vec![2], vec![], vec![])]
        );
        assert_eq!(news.len(), 0, "who left and was told of takes no room");
        news.end(SessionId(1));
        news.end(SessionId(2));
        news.depart(MemberId(8));
        assert_eq!(gather(&mut news, &[8]), []);
        assert_eq!(news.len(), 0, "there was nobody to tell");
    }
}
