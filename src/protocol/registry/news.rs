//! Who is told what of the members.
//!
//! Every change of a member gets a number, and only the last one of each member is kept: so what a
//! reader is still to be told is what was changed after the last change that it was told of, and
//! takes no room of its own. Readers that are equally far are told the same, encoded once.

use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::wire::member::Leaving;
use crate::wire::message::{MAX_MEMBERS, MembersChanged};
use crate::wire::{Member, MemberId};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Most leaves that are told to who comes: whoever was away when more have left takes the others to be away. Less
/// than a message holds of members, so that no message is full of leaves.
pub(super) const MAX_LEAVES_TOLD: usize = 400;
const _: () = assert!(MAX_LEAVES_TOLD < MAX_MEMBERS);

/// What is to be told.
#[derive(Debug)]
enum Change {
    /// A member is new or has changed.
    Of(MemberId),
    /// Somebody has left, in its own words.
    Left(Leaving),
}

/// The order in which the members changed last.
#[derive(Debug, Default)]
struct Changes {
    /// Number of the last change.
    newest: u64,
    /// Each member once.
    by_number: BTreeMap<u64, Change>,
    of_member: HashMap<MemberId, u64>,
    /// The changes by which somebody left, the last ones.
    departures: VecDeque<(u64, PublicKey)>,
}

impl Changes {
    fn touch(&mut self, id: MemberId) {
        self.forget(id);
        self.newest += 1;
        self.of_member.insert(id, self.newest);
        self.by_number.insert(self.newest, Change::Of(id));
    }

    fn forget(&mut self, id: MemberId) {
        if let Some(former) = self.of_member.remove(&id) {
            self.by_number.remove(&former);
        }
    }

    fn depart(&mut self, word: Leaving) {
        self.is_back(&word.key);
        if self.departures.len() >= MAX_LEAVES_TOLD
            && let Some((oldest, _)) = self.departures.pop_front()
        {
            self.by_number.remove(&oldest);
        }
        self.newest += 1;
        self.departures.push_back((self.newest, word.key));
        self.by_number.insert(self.newest, Change::Left(word));
    }

    fn is_back(&mut self, key: &PublicKey) {
        if let Some(at) = self.departures.iter().position(|(_, left)| left == key)
            && let Some((number, _)) = self.departures.remove(at)
        {
            self.by_number.remove(&number);
        }
    }

    /// The changes after this one, oldest first.
    fn after(&self, number: u64) -> impl Iterator<Item = (u64, &Change)> {
        let range = self.by_number.range(number.saturating_add(1)..);
        range.map(|(number, change)| (*number, change))
    }
}

/// How far a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Progress {
    /// It was told of all changes up to this one.
    told: u64,
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

    /// A member has left for good, and this is its word.
    pub(super) fn depart(&mut self, id: MemberId, word: Leaving) {
        self.changes.forget(id);
        self.changes.depart(word);
    }

    /// Somebody left before this tracker was started, and this is its word.
    pub(super) fn has_left(&mut self, word: Leaving) {
        self.changes.depart(word);
    }

    /// A member is off the list, and nobody is told.
    pub(super) fn forget(&mut self, id: MemberId) {
        self.changes.forget(id);
    }

    /// Whoever has this key is a member again: that it left is told to nobody any more.
    pub(super) fn is_back(&mut self, key: &PublicKey) {
        self.changes.is_back(key);
    }

    /// A member reads on this session from now on: first the whole list.
    pub(super) fn begin(&mut self, session: SessionId, member: MemberId) {
        let progress = Progress {
            told: 0,
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
                    reader.progress.listed |= ends_list;
                }
            }
            if !progress.listed || piece.changed != MembersChanged::default() {
                pieces.push(piece);
            }
        }
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
        for (number, change) in self.changes.after(progress.told) {
            if news.changed.len() >= MAX_MEMBERS {
                break;
            }
            told = number;
            match change {
                Change::Of(id) => news.changed.extend(tell(*id)),
                Change::Left(word) => news.left.push(word.clone()),
            }
        }
        told
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
    use crate::chain::testing::member as chain_member;
    use crate::protocol::testing::{TRACKER, key, record};

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
            let number = |word: &Leaving| (1..=200u8).find(|n| key(*n) == word.key);
            let left = piece.changed.left.iter().filter_map(number);
            let left = left.map(u32::from).collect();
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
    fn an_empty_list_is_told_once_and_leaves_to_everybody_until_they_are_too_many() {
        let mut news = News::default();
        let leaves = |news: &mut News, number: u8| {
            let word = Leaving::sign(key(TRACKER), 1, &chain_member(number));
            news.depart(MemberId(number.into()), word);
        };
        news.begin(SessionId(1), MemberId(1));
        assert_eq!(gather(&mut news, &[]), [(vec![1], vec![], vec![])]);
        news.touch(MemberId(9));
        leaves(&mut news, 9);
        news.begin(SessionId(2), MemberId(2));
        let told = gather(&mut news, &[9]);
        // Who comes is told as well: it may have heard of member 9 before.
        assert_eq!(
            told,
            [(vec![2], vec![], vec![9]), (vec![1], vec![], vec![9])]
        );
        // Back again: nobody is told any more that it had left.
        news.is_back(&key(9));
        news.begin(SessionId(3), MemberId(3));
        assert_eq!(gather(&mut news, &[]), [(vec![3], vec![], vec![])]);
        assert_eq!(news.len(), 0);
        // Put out, or lapsed: the admin's word is told, and a place is no news.
        news.touch(MemberId(8));
        news.forget(MemberId(8));
        assert_eq!(gather(&mut news, &[8]), []);
        // However many leave, and come back to leave again: the last words are kept, one of each.
        for round in 0..3 {
            for number in 1..=200 {
                let word = Leaving::sign(key(TRACKER), round, &chain_member(number));
                news.has_left(word);
            }
        }
        assert_eq!(news.len(), 200);
        let word = Leaving::sign(key(TRACKER), 1, &chain_member(1));
        for n in 0..2 * MAX_LEAVES_TOLD {
            let mut word = word.clone();
            word.key.0[..8].copy_from_slice(&n.to_le_bytes());
            news.has_left(word);
        }
        assert_eq!(news.len(), MAX_LEAVES_TOLD);
    }
}
