//! Whether enough was heard of others: to fetch what they have shown, and to say that it is all there is.

use super::Sync;
use crate::clock::SteadyTime;

/// Peers that a node which has just come, or was alone, hears before it fetches anything: what the first
/// one shows may be what nobody else believes.
const HEARD_FIRST: usize = 3;
/// How long it waits for them, in milliseconds: others may be away.
const HEAR_MS: u64 = 2_000;

impl Sync {
    /// So many members are known that could be heard. Whether they are more than before.
    pub(in super::super) fn are_around(&mut self, members: usize) -> bool {
        std::mem::replace(&mut self.around, members) < members
    }

    /// Whether enough were heard to fetch what they have shown.
    pub(super) fn has_heard(&mut self, now: SteadyTime) -> bool {
        let heard = self.sessions.values().filter(|s| s.was_heard).count();
        let is_enough = heard >= self.around.min(HEARD_FIRST);
        self.hearing
            .take_if(|since| is_enough || now.since(*since) >= HEAR_MS);
        self.hearing.is_none()
    }

    /// Whether somebody is still showing headers that may lead beyond the tip: whom the owner has asked for its
    /// chain, and whoever has shown no less work than the tip's. Others could show light branches for ever.
    pub(in super::super) fn are_more_to_come(&self) -> bool {
        self.sessions.iter().any(|(id, session)| {
            let may_lead = session.best.is_none_or(|(.., work)| work >= self.tip_work);
            session.is_showing && (may_lead || self.preferred == Some(*id))
        })
    }
}
