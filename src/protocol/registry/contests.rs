//! Two nodes with one wallet: which of them the tracker takes as the member.
//!
//! A key registers on a second session while its former one is still there. If both are of one start
//! of one node, the node has lost the former one. If not, either the former node is gone and its end
//! was not noticed, or two nodes use one wallet. So the former one is asked whether it is there: if it
//! answers, it stays and the newcomer is refused; if not, the newcomer takes its place. Nothing
//! alternates, and both are told.

use crate::clock::SteadyTime;
use crate::protocol::SessionId;
use crate::wire::{MemberId, MemberRecord};
use std::collections::BTreeMap;

/// How long a former session has to answer, in milliseconds: longer than any honest one that is there
/// takes, shorter than a node waits for the answer to its registration.
pub const CONTEST_MS: u64 = 5_000;
/// How often the tracker's owner is told of the same two nodes, in milliseconds: an hour.
pub const NAME_EVERY_MS: u64 = 3_600_000;

/// Somebody who waits to hear whether the former session answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contest {
    pub(super) challenger: SessionId,
    /// What it registers.
    pub(super) record: MemberRecord,
    /// Number of the challenge that the former session has to answer.
    pub(super) number: u64,
    pub(super) since: SteadyTime,
}

/// The contests under way: one for a member at most.
#[derive(Debug, Default)]
pub(super) struct Contests {
    open: BTreeMap<MemberId, Contest>,
    /// The members whose two nodes were named to the owner, and when.
    named: BTreeMap<MemberId, SteadyTime>,
}

impl Contests {
    /// Who contests a member's session.
    pub(super) fn challenger(&self, id: MemberId) -> Option<SessionId> {
        self.open.get(&id).map(|contest| contest.challenger)
    }

    pub(super) fn begin(&mut self, id: MemberId, contest: Contest) {
        self.open.insert(id, contest);
    }

    /// The former session answered a challenge: the contest that it has won by that.
    pub(super) fn answered(&mut self, id: MemberId, number: u64) -> Option<Contest> {
        let asked = self.open.get(&id)?.number;
        if asked != number {
            return None;
        }
        self.open.remove(&id)
    }

    /// The member's former session has ended, or the member has left: the contest that is over.
    pub(super) fn end(&mut self, id: MemberId) -> Option<Contest> {
        self.open.remove(&id)
    }

    /// A session has ended: it contests nothing any more.
    pub(super) fn withdraw(&mut self, session: SessionId) {
        self.open.retain(|_, contest| contest.challenger != session);
    }

    /// The contests in which the former session did not answer in time.
    pub(super) fn overdue(&mut self, now: SteadyTime) -> Vec<(MemberId, Contest)> {
        self.named.retain(|_, at| now.since(*at) < NAME_EVERY_MS);
        let is_overdue = |contest: &Contest| now.since(contest.since) >= CONTEST_MS;
        let over = self.open.iter().filter(|(_, c)| is_overdue(c));
        let over: Vec<_> = over.map(|(id, c)| (*id, c.clone())).collect();
        self.open.retain(|_, contest| !is_overdue(contest));
        over
    }

    /// Whether the owner is to be told now that two nodes use this member's wallet.
    pub(super) fn is_news(&mut self, id: MemberId, now: SteadyTime) -> bool {
        let known = self.named.get(&id);
        let is_news = known.is_none_or(|at| now.since(*at) >= NAME_EVERY_MS);
        if is_news {
            self.named.insert(id, now);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;
    use crate::protocol::testing::record;

    const ALICE: MemberId = MemberId(1);

    fn contest(challenger: u64) -> Contest {
        Contest {
            challenger: SessionId(challenger),
            record: record(1, "alice", 1),
            number: 7,
            since: STARTED,
        }
    }

    fn begun() -> Contests {
        let mut contests = Contests::default();
        contests.begin(ALICE, contest(2));
        contests
    }

    #[test]
    fn the_former_wins_by_the_answer_that_it_was_asked_for() {
        let mut contests = begun();
        assert_eq!(contests.answered(ALICE, 6), None);
        assert_eq!(contests.challenger(ALICE), Some(SessionId(2)), "goes on");
        assert_eq!(contests.answered(ALICE, 7), Some(contest(2)));
        assert_eq!(contests.answered(ALICE, 7), None);
    }

    #[test]
    fn the_newcomer_wins_when_the_former_is_silent_to_the_end() {
        let mut contests = begun();
        assert_eq!(contests.overdue(STARTED.plus_ms(CONTEST_MS - 1)), []);
        let over = contests.overdue(STARTED.plus_ms(CONTEST_MS));
        assert_eq!(over, [(ALICE, contest(2))]);
        assert_eq!(contests.challenger(ALICE), None);
    }

    #[test]
    fn a_newcomer_that_is_gone_wins_nothing() {
        let mut contests = begun();
        contests.withdraw(SessionId(1));
        assert_eq!(contests.challenger(ALICE), Some(SessionId(2)));
        contests.withdraw(SessionId(2));
        assert_eq!(contests.end(ALICE), None);
    }

    #[test]
    fn the_same_two_are_named_once_an_hour() {
        let mut contests = Contests::default();
        assert!(contests.is_news(ALICE, STARTED));
        assert!(!contests.is_news(ALICE, STARTED.plus_ms(NAME_EVERY_MS - 1)));
        assert!(contests.is_news(ALICE, STARTED.plus_ms(NAME_EVERY_MS)));
        contests.overdue(STARTED.plus_ms(2 * NAME_EVERY_MS));
        assert!(contests.named.is_empty());
    }
}
