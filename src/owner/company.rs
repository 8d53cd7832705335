//! Who is there: members in lists that can be narrowed down, one of them, how many there are, and whose name looks
//! like another's.

use super::answers::{Cursor, PeerView, PeersView, PersonView};
use super::tracker::{MAX_PEERS_LISTED, after_member, member_view, session_view};
use super::{Page, Peer, Refused};
use crate::chain::{Height, Timestamp};
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::messages::gossip::{GetGossipStatus, SessionStatus};
use crate::wire::Member;
use std::collections::BTreeMap;

/// Names that differ in so few characters are taken for each other.
const ALIKE: usize = 1;

/// Shorter names are too many to be told apart like that.
const LEAST_ALIKE: usize = 4;

/// Which members a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeersPage {
    /// Only those whose name has this within it, or whose address begins with it.
    pub matching: Option<String>,
    /// Only those who are here, or only those who are away.
    pub here: Option<bool>,
    /// Which part.
    pub page: Page,
}

impl PeersPage {
    /// This part of all of them.
    pub fn all(page: Page) -> Self {
        Self {
            page,
            ..Self::default()
        }
    }

    /// What is looked for, as names and addresses are written.
    pub(super) fn looked_for(&self) -> Option<String> {
        self.matching.as_deref().map(str::to_lowercase)
    }
}

/// Whether a member is looked for by this, in small letters.
pub(super) fn matches(member: &Member, looked_for: Option<&str>) -> bool {
    let Some(text) = looked_for else { return true };
    let said = &member.record.statement;
    said.name.as_str().contains(text)
        // No name is that like an address; what costs more is asked last.
        || text.starts_with("rac1") && said.key.to_address().starts_with(text)
}

/// Somebody with whom this node has a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// Who it is.
    pub person: PersonView,
    /// Whether this node called.
    pub outgoing: bool,
    /// How far its chain goes.
    pub height: Height,
}

/// How many members there are, and who is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// Members.
    pub all: usize,
    /// Those of them whose nodes answer, this one included.
    pub here: usize,
    /// The sessions, whoever they are with.
    pub connected: Vec<Connected>,
}

impl Peer {
    /// The members that are asked for, by number; whoever is connected and no member comes behind the last one. The
    /// cursor is the number that the page before ended with.
    ///
    /// # Errors
    /// [`Code::BadParameter`](super::Code::BadParameter), [`Code::BadCursor`](super::Code::BadCursor),
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn peers(&self, wanted: &PeersPage) -> Result<PeersView, Refused> {
        let limit = wanted.page.limit(MAX_PEERS_LISTED, MAX_PEERS_LISTED)?;
        let after = after_member(&wanted.page)?;
        let looked_for = wanted.looked_for();
        let mut sessions = self.sessions().await?;
        let known = self.known();
        let is_taken = |member: &&Member| {
            let key = &member.record.statement.key;
            let is_here = member.live || *key == self.key || sessions.contains_key(key);
            wanted.here.is_none_or(|here| here == is_here) && matches(member, looked_for.as_deref())
        };
        let mut members = known.directory.by_number(after).filter(is_taken);
        let some: Vec<&Member> = members.by_ref().take(limit).collect();
        let more = members.next().is_some();
        let next = some.last().filter(|_| more).map(|last| last.id);
        let own = Some(&self.key);
        let mut peers: Vec<PeerView> = some
            .into_iter()
            .map(|member| {
                let session = sessions.remove(&member.record.statement.key);
                member_view(member, session.map(session_view), own)
            })
            .collect();
        self.say_who_is_on_ledger(&mut peers)?;
        if let Some(last) = next {
            return Ok(PeersView {
                peers,
                next: Some(Cursor(last.0.to_string())),
            });
        }
        sessions.retain(|key, _| {
            let address = || key.to_address();
            let is_meant = looked_for
                .as_deref()
                .is_none_or(|text| address().starts_with(text));
            known.directory.by_key(key).is_none() && wanted.here != Some(false) && is_meant
        });
        peers.extend(sessions.into_iter().map(|(key, session)| PeerView {
            id: None,
            name: None,
            address: key.to_address(),
            this_node: false,
            live: None,
            reachable: None,
            since: None,
            endpoints: Vec::new(),
            session: Some(session_view(session)),
            on_ledger: None,
        }));
        Ok(PeersView { peers, next: None })
    }

    /// The member of this name or address, if it is one.
    ///
    /// # Errors
    /// [`Code::UnknownMember`](super::Code::UnknownMember), [`Code::BadAddress`](super::Code::BadAddress),
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn member(&self, typed: &str) -> Result<Option<PeerView>, Refused> {
        let mut sessions = self.sessions().await?;
        let known = self.known();
        let key = self.people(&known).key_of(typed)?;
        let member = known.directory.by_key(&key);
        let mut found: Vec<_> = member
            .map(|member| {
                let session = sessions.remove(&key).map(session_view);
                member_view(member, session, Some(&self.key))
            })
            .into_iter()
            .collect();
        self.say_who_is_on_ledger(&mut found)?;
        Ok(found.pop())
    }

    /// How many members there are and how many of them are here, and who is connected.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn company(&self) -> Result<Company, Refused> {
        let sessions = self.sessions().await?;
        let known = self.known();
        let is_here = |member: &&Member| {
            let key = &member.record.statement.key;
            member.live || *key == self.key || sessions.contains_key(key)
        };
        let people = self.people(&known);
        let connected = sessions.iter().map(|(key, session)| Connected {
            person: people.person(key),
            outgoing: session.outgoing,
            height: Height(session.height),
        });
        Ok(Company {
            all: known.directory.len(),
            here: known.directory.members().filter(is_here).count(),
            connected: connected.collect(),
        })
    }

    /// For each of these, whose name it looks like who was a member before.
    pub fn lookalikes(&self, peers: &[PeerView]) -> Vec<Option<MemberName>> {
        let known = self.known();
        lookalikes(peers, known.directory.members())
    }

    async fn sessions(&self) -> Result<BTreeMap<PublicKey, SessionStatus>, Refused> {
        let Some(parts) = self.running.get() else {
            return Ok(BTreeMap::new());
        };
        let sessions = parts.gossip.send(GetGossipStatus).await?.sessions;
        Ok(sessions
            .into_iter()
            .map(|session| (session.key, session))
            .collect())
    }
}

/// For each of these, whose name among all `members` it looks like, of those who came before.
pub(super) fn lookalikes<'a>(
    peers: &[PeerView],
    members: impl Iterator<Item = &'a Member>,
) -> Vec<Option<MemberName>> {
    let known: Vec<(String, &MemberName, Timestamp)> = members
        .map(|member| {
            let name = &member.record.statement.name;
            (as_seen(name.as_str()), name, member.since)
        })
        .collect();
    let older = |peer: &PeerView| {
        let (name, since) = (peer.name.as_ref()?, peer.since?);
        let seen = as_seen(name.as_str());
        let mut others = known
            .iter()
            .filter(|(_, other, then)| *then < since && *other != name);
        let like = others.find(|(other_seen, other, _)| {
            *other_seen == seen || differ_little(other.as_str(), name.as_str())
        });
        like.map(|(_, other, _)| (*other).clone())
    };
    peers.iter().map(older).collect()
}

/// A name as it is seen at a glance.
fn as_seen(name: &str) -> String {
    let plain = name.chars().filter(|c| *c != '-');
    let plain = plain.map(|c| match c {
        '0' => 'o',
        '1' | 'i' => 'l',
        c => c,
    });
    plain.collect()
}

/// Whether one of two names becomes the other by one character more, less, another, or by two that change places.
fn differ_little(one: &str, other: &str) -> bool {
    if one.len().min(other.len()) < LEAST_ALIKE || one.len().abs_diff(other.len()) > ALIKE {
        return false;
    }
    // Names are ASCII. What is left between what is the same before and behind:
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let before = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[before..], &other[before..]);
    let behind = one.iter().rev().zip(other.iter().rev());
    let behind = behind.take_while(|(a, b)| a == b).count();
    match (&one[..one.len() - behind], &other[..other.len() - behind]) {
        ([a, b], [c, d]) => a == d && b == c,
        (one, other) => one.len().max(other.len()) <= ALIKE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::answers::PeerView;
    use crate::owner::testing::member_called;

    fn alike(older: &str, newer: &str) -> bool {
        let members: Vec<Member> = [(older, 1), (newer, 2)]
            .into_iter()
            .map(|(name, number)| {
                let mut member = member_called(name, number);
                member.since = Timestamp(member.since.0 + u64::from(number));
                member
            })
            .collect();
        let views: Vec<PeerView> = members
            .iter()
            .map(|one| member_view(one, None, None))
            .collect();
        let found = lookalikes(&views, members.iter());
        // The newcomer of the two is marked, never who was there before.
        assert_eq!(found[0], None);
        found[1].is_some()
    }

    #[test]
    fn lookalikes_are_seen_and_others_are_left_alone() {
        for (older, newer) in [
            ("alice", "a1ice"),
            ("alice", "allice"),
            ("alice", "alcie"),
            ("alice", "alic"),
            ("alice", "alise"),
            ("node-1", "node1"),
            ("bob", "b0b"),
        ] {
            assert!(alike(older, newer), "{older} {newer}");
        }
        for (older, newer) in [
            ("bob", "rob"),
            ("alice", "bob"),
            ("alice", "alise-2"),
            ("alice", "aliec-"),
            ("node-1", "node-22"),
            ("abcd", "badc"),
        ] {
            assert!(!alike(older, newer), "{older} {newer}");
        }
    }
}
