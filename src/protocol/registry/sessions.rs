//! The connections to those who proved who they are, and whose they are.

use crate::chain::{Height, NetworkId};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::membership::Certificate;
use crate::protocol::SessionId;
use crate::wire::message::Invited;
use crate::wire::work::WorkDone;
use crate::wire::{Hello, MemberId};
use std::collections::BTreeMap;

/// A connection to somebody who may be a member.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) hello: Hello,
    /// What it showed of its membership, as it came.
    pub(super) certificate: Option<Certificate>,
    /// What it showed of having been invited, as it came.
    pub(super) invited: Option<Invited>,
    /// What it did for its registration, as it came.
    pub(super) work: Option<WorkDone>,
    /// It showed that it is of the network that it names.
    pub(super) is_of_network: bool,
    /// How often it asked whether it could join.
    inquiries: u8,
    /// When it began, and once it is registered, when it was.
    since: SteadyTime,
    /// Whose it is, once registered.
    pub(super) member: Option<MemberId>,
    /// It said goodbye.
    farewell: bool,
}

/// A session that has ended, as far as others have to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Whose it was, if its member has no other.
    pub(super) member: Option<MemberId>,
    /// It said goodbye.
    pub(super) farewell: bool,
}

/// A member with a session, as far as the founding of the network has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) id: MemberId,
    pub(super) key: PublicKey,
    /// It said in its hello that it has a network.
    pub(super) has_network: bool,
    /// It showed that it has.
    pub(super) is_of_network: bool,
}

/// All of them. A member has one session at most.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: BTreeMap<SessionId, Session>,
    of_member: BTreeMap<MemberId, SessionId>,
}

impl Sessions {
    /// Somebody has proven who it is.
    pub(super) fn begin(
        &mut self,
        session: SessionId,
        hello: Hello,
        (certificate, is_of_network): (Option<Certificate>, bool),
        now: SteadyTime,
    ) {
        let begun = Session {
            hello,
            certificate,
            invited: None,
            work: None,
            is_of_network,
            inquiries: 0,
            since: now,
            member: None,
            farewell: false,
        };
        self.open.insert(session, begun);
    }

    /// It is this member's from now on. The member's former one, which is taken off the list.
    pub(super) fn register(
        &mut self,
        session: SessionId,
        id: MemberId,
        now: SteadyTime,
    ) -> Option<SessionId> {
        let known = self.open.get_mut(&session)?;
        if known.member.is_none() {
            known.member = Some(id);
            known.since = now;
        }
        let former = self.of_member.insert(id, session);
        let former = former.filter(|former| *former != session)?;
        self.open.remove(&former);
        Some(former)
    }

    /// Takes one off the list, if it is on it.
    pub(super) fn end(&mut self, session: SessionId) -> Option<Ended> {
        let known = self.open.remove(&session)?;
        let own = |id: &MemberId| self.of_member.get(id) == Some(&session);
        let member = known.member.filter(own);
        if let Some(id) = member {
            self.of_member.remove(&id);
        }
        Some(Ended {
            member,
            farewell: known.farewell,
        })
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Session> {
        self.open.get(&session)
    }

    /// All of them, with the keys that were proven.
    pub(super) fn open(&self) -> impl Iterator<Item = (SessionId, PublicKey)> + '_ {
        self.open
            .iter()
            .map(|(id, session)| (*id, session.hello.key))
    }

    /// Whether it is a registered member's.
    pub(super) fn is_members(&self, session: SessionId) -> bool {
        let known = self.open.get(&session);
        known.is_some_and(|known| known.member.is_some())
    }

    /// The session of a member.
    pub(super) fn of(&self, id: MemberId) -> Option<SessionId> {
        self.of_member.get(&id).copied()
    }

    /// Who has one, in the order of their numbers.
    pub(super) fn members(&self) -> impl Iterator<Item = (MemberId, SessionId)> + '_ {
        self.of_member.iter().map(|(id, session)| (*id, *session))
    }

    /// As [`Sessions::members`], for the founding of the network.
    pub(super) fn present(&self) -> impl Iterator<Item = Present> + Clone + '_ {
        self.of_member.iter().filter_map(|(id, session)| {
            let known = self.open.get(session)?;
            Some(Present {
                id: *id,
                key: known.hello.key,
                has_network: known.hello.network != NetworkId::ZERO,
                is_of_network: known.is_of_network,
            })
        })
    }

    /// Those that have not registered within so many milliseconds.
    pub(super) fn late(&self, patience_ms: u64, now: SteadyTime) -> Vec<SessionId> {
        let open = self.open.iter();
        let late = open.filter(|(_, s)| s.member.is_none() && now.since(s.since) > patience_ms);
        late.map(|(id, _)| *id).collect()
    }

    /// Its owner showed an invitation.
    pub(super) fn showed(&mut self, session: SessionId, invited: Invited) {
        if let Some(known) = self.open.get_mut(&session) {
            known.invited = Some(invited);
        }
    }

    /// Its owner worked for its registration.
    pub(super) fn worked(&mut self, session: SessionId, work: WorkDone) {
        if let Some(known) = self.open.get_mut(&session) {
            known.work = Some(work);
        }
    }

    /// Its owner asks whether it could join; how often it has, this time counted.
    pub(super) fn asked(&mut self, session: SessionId) -> u8 {
        self.open.get_mut(&session).map_or(0, |known| {
            known.inquiries = known.inquiries.saturating_add(1);
            known.inquiries
        })
    }

    /// Its owner said goodbye.
    pub(super) fn said_goodbye(&mut self, session: SessionId) {
        if let Some(known) = self.open.get_mut(&session) {
            known.farewell = true;
        }
    }

    /// Its owner named the height of its tip.
    pub(super) fn named_height(&mut self, session: SessionId, height: Height) {
        if let Some(known) = self.open.get_mut(&session) {
            known.hello.height = height;
        }
    }

    /// The greatest height that a member named last.
    pub(super) fn height(&self) -> Option<Height> {
        let registered = self.open.values().filter(|s| s.member.is_some());
        registered.map(|s| s.hello.height).max()
    }

    /// Whether both are of one start of one node.
    pub(super) fn are_of_one_start(&self, one: SessionId, other: SessionId) -> bool {
        let start = |session| self.open.get(&session).map(|s: &Session| s.hello.nonce);
        start(one) == start(other)
    }

    /// Whose key a session proved.
    pub(super) fn key(&self, session: SessionId) -> Option<PublicKey> {
        self.open.get(&session).map(|s| s.hello.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;
    use crate::protocol::testing::{genesis_by, hello, key};
    use crate::wire::NodeRole;

    fn begin(sessions: &mut Sessions, number: u64, network: NetworkId) {
        let hello = hello(1, NodeRole::Peer, network);
        sessions.begin(SessionId(number), hello, (None, false), STARTED);
    }

    #[test]
    fn a_member_has_one_session_and_the_end_of_a_former_one_is_nobodys() {
        let mut sessions = Sessions::default();
        for number in [1, 2] {
            begin(&mut sessions, number, NetworkId::ZERO);
        }
        let (first, second, id) = (SessionId(1), SessionId(2), MemberId(7));
        assert_eq!(sessions.register(first, id, STARTED), None);
        assert_eq!(sessions.register(first, id, STARTED), None, "again");
        assert_eq!(sessions.register(second, id, STARTED), Some(first));
        assert_eq!(sessions.end(first), None, "it is off the list already");
        assert_eq!(sessions.of(id), Some(second));
        sessions.said_goodbye(second);
        let ended = Ended {
            member: Some(id),
            farewell: true,
        };
        assert_eq!(sessions.end(second), Some(ended));
        assert_eq!(sessions.members().count(), 0);
    }

    #[test]
    fn whoever_has_not_registered_in_time_is_late() {
        let mut sessions = Sessions::default();
        for number in [1, 2] {
            begin(&mut sessions, number, NetworkId::ZERO);
        }
        sessions.register(SessionId(1), MemberId(1), STARTED);
        assert_eq!(sessions.late(10, STARTED.plus_ms(10)), []);
        assert_eq!(sessions.late(10, STARTED.plus_ms(11)), [SessionId(2)]);
    }

    #[test]
    fn only_what_members_say_counts_for_the_height_and_the_founding() {
        let mut sessions = Sessions::default();
        begin(&mut sessions, 1, genesis_by(1).id());
        assert_eq!(sessions.key(SessionId(1)), Some(key(1)));
        sessions.named_height(SessionId(1), Height(5));
        assert_eq!((sessions.height(), sessions.present().next()), (None, None));
        sessions.register(SessionId(1), MemberId(3), STARTED.plus_ms(9));
        assert_eq!(sessions.height(), Some(Height(5)));
        let present = Present {
            id: MemberId(3),
            key: key(1),
            has_network: true,
            is_of_network: false,
        };
        assert_eq!(sessions.present().collect::<Vec<_>>(), [present]);
    }
}
