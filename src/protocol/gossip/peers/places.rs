//! Who has a place where there are not enough for all.
//!
//! A crowd of new members may take all places that are free, and no others: some places each way are kept for
//! those whom this node met first, and some for those who have been members for longest. Whoever is among
//! them takes the place of somebody who is not.

use super::{Direction, Peers};
use crate::keys::PublicKey;
use crate::protocol::SessionId;

/// One place in so many, rounded up, is kept for those met first, and as many for those who have been members for
/// longest.
pub(super) const KEPT_EACH_WAY: usize = 4;

/// How long somebody is known, the longest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    /// Among those whom this node met, in which order.
    met: u64,
    /// Since when it is a member, by the tracker's word.
    since: u64,
}

impl Peers {
    /// Of so many places, how many are kept for those met first, and as many for those who have been members for
    /// longest: rounded up, or where there are few, a crowd would take all of them.
    pub(super) fn kept_of(places: usize) -> usize {
        places.div_ceil(KEPT_EACH_WAY)
    }

    /// How long this member is known.
    pub(super) fn standing(&self, key: &PublicKey) -> Known {
        Known {
            met: self.book.number(key).unwrap_or(u64::MAX),
            since: self.since.get(key).copied().flatten().unwrap_or(u64::MAX),
        }
    }

    /// Whose place a newcomer takes where all are taken: that of the last who came of those who are known
    /// for less, if the newcomer is among those for whom places are kept.
    pub(super) fn makes_way_for(
        &self,
        newcomer: &PublicKey,
        direction: Direction,
    ) -> Option<SessionId> {
        let most = match direction {
            Direction::Outgoing => self.limits.outgoing,
            Direction::Incoming => self.limits.incoming,
        };
        let kept = Self::kept_of(most);
        let open = self.open.iter().filter(|(_, open)| {
            open.direction == direction && open.extra.is_none() && !open.closing
        });
        let here: Vec<_> = open
            .map(|(session, open)| (*session, self.standing(&open.key)))
            .collect();
        let own = self.standing(newcomer);
        let counts = |of: fn(&Known) -> u64, known: &Known| {
            let others = here.iter().map(|(_, other)| other).chain([&own]);
            of(known) < u64::MAX && others.filter(|other| of(other) < of(known)).count() < kept
        };
        let is_kept = |known: &Known| counts(|k| k.met, known) || counts(|k| k.since, known);
        if !is_kept(&own) {
            return None;
        }
        let others = here.iter().rev();
        let mut others = others.filter(|(_, known)| !is_kept(known));
        others.next().map(|(session, _)| *session)
    }
}
