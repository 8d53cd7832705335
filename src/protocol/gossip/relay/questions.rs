//! What is asked of whom, and when somebody else is asked: in the order in which that falls due, so that a tick
//! costs what is due and not all that was asked.

use super::recent::Recent;
use crate::chain::TransactionId;
use crate::clock::SteadyTime;
use crate::protocol::SessionId;
use std::collections::{BTreeMap, BTreeSet};

/// Ids that may be asked of one session and not there yet: what it announces beyond that is left to
/// others and to blocks, and a session that never answers fills no place but its own.
const MAX_ASKED: usize = 4_000;
/// How long an answer may take before another session is asked, in milliseconds.
const ANSWER_MS: u64 = 5_000;
/// How often a session is asked again, each time after twice as long: a single one for 75 s together.
/// Nobody announces a second time what it has announced, and a line that lets nothing through for so long
/// has ended its sessions.
const ASKED_AGAIN: u32 = 3;
/// Sessions remembered as others to ask, for one id.
const OTHERS: usize = 3;

/// What is known of a session.
pub(super) struct Session {
    /// What it has or was told of.
    pub(super) known: Recent,
    /// Number of ids that are asked of it.
    asked: usize,
    /// When it last sent what it was asked for.
    delivered: SteadyTime,
}

impl Session {
    pub(super) fn new(known: Recent) -> Self {
        Self {
            known,
            asked: 0,
            delivered: SteadyTime::LONG_AGO,
        }
    }
}

struct Asked {
    /// Who was asked last.
    from: SessionId,
    since: SteadyTime,
    /// When it is looked at next; `None` while it came and is being judged.
    look: Option<SteadyTime>,
    /// Who announced it, in that order.
    holders: Vec<Holder>,
}

struct Holder {
    session: SessionId,
    /// How often it was asked without an answer.
    asked: u32,
}

/// What is to be done about something that did not come.
enum Next {
    /// The answer may still come: it is looked at again then, or earlier.
    Later(SteadyTime),
    /// This session is asked.
    Ask(SessionId),
    /// Nobody is left to be asked.
    Nobody,
}

impl Asked {
    fn is_judged(&self) -> bool {
        self.look.is_none()
    }

    fn holder(&mut self, session: SessionId) -> Option<&mut Holder> {
        let mut holders = self.holders.iter_mut();
        holders.find(|holder| holder.session == session)
    }

    /// Notes that this session has it, too. Where there is no room, it takes the place of one that was
    /// asked and did not answer. Whether it is somebody new to ask.
    fn held_by(&mut self, session: SessionId) -> bool {
        if self.holder(session).is_some() {
            return false;
        }
        if self.holders.len() > OTHERS {
            let from = self.from;
            let failed = |h: &Holder| h.session != from && h.asked > 0;
            let Some(place) = self.holders.iter().position(failed) else {
                return false;
            };
            self.holders.remove(place);
        }
        self.holders.push(Holder { session, asked: 0 });
        true
    }

    /// What is to be done now.
    fn next(&mut self, sessions: &BTreeMap<SessionId, Session>, now: SteadyTime) -> Next {
        let (from, since) = (self.from, self.since);
        if now.since(since) < ANSWER_MS {
            return Next::Later(since.plus_ms(ANSWER_MS));
        }
        if sessions.get(&from).is_some_and(|s| s.delivered > since)
            && let Some(holder) = self.holder(from)
        {
            holder.asked = 1;
        }
        let Some(next) = self.holders.iter_mut().min_by_key(|holder| holder.asked) else {
            return Next::Nobody;
        };
        let patience = ANSWER_MS << next.asked.saturating_sub(1);
        if now.since(since) < patience {
            // Should it send other things meanwhile, it is asked sooner.
            let soon = now.plus_ms(ANSWER_MS);
            return Next::Later(since.plus_ms(patience).min(soon));
        }
        next.asked += 1;
        match next.asked <= 1 + ASKED_AGAIN {
            true => Next::Ask(next.session),
            false => Next::Nobody,
        }
    }
}

/// Everything that is asked for.
#[derive(Default)]
pub(super) struct Questions {
    asked: BTreeMap<TransactionId, Asked>,
    /// When each that is not being judged is looked at, the next one first.
    due: BTreeSet<(SteadyTime, TransactionId)>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
}

impl Questions {
    pub(super) fn remove(&mut self, id: &TransactionId) {
        let Some(gone) = self.asked.remove(id) else {
            return;
        };
        if let Some(look) = gone.look {
            self.due.remove(&(look, *id));
        }
        if let Some(from) = self.sessions.get_mut(&gone.from) {
            from.asked -= 1;
        }
    }

    /// A session is gone. What was asked of it is due for another at the next tick.
    pub(super) fn closed(&mut self, session: SessionId) {
        self.sessions.remove(&session);
        for (id, asked) in &mut self.asked {
            asked.holders.retain(|holder| holder.session != session);
            if asked.from == session {
                asked.since = SteadyTime::LONG_AGO;
                if asked.look.is_some() {
                    look_at(&mut self.due, *id, asked, SteadyTime::LONG_AGO);
                }
            }
        }
    }

    /// Notes that the session has it. Whether it is to be asked for it.
    pub(super) fn announced(
        &mut self,
        session: SessionId,
        id: TransactionId,
        now: SteadyTime,
    ) -> bool {
        if let Some(asked) = self.asked.get_mut(&id) {
            if asked.held_by(session) && asked.look.is_some() {
                let at = asked.since.plus_ms(ANSWER_MS);
                look_at(&mut self.due, id, asked, at);
            }
            // Announced anew by the one who was asked: it did not have it at that time, but has now.
            // Its time does not begin anew, or it could keep all others from being asked.
            return asked.from == session && !asked.is_judged() && asked.since < now;
        }
        let Some(state) = self.sessions.get_mut(&session) else {
            return false;
        };
        if state.asked >= MAX_ASKED {
            return false;
        }
        state.asked += 1;
        let look = now.plus_ms(ANSWER_MS);
        self.due.insert((look, id));
        self.asked.insert(
            id,
            Asked {
                from: session,
                since: now,
                look: Some(look),
                holders: vec![Holder { session, asked: 1 }],
            },
        );
        true
    }

    /// Whether this was asked of this session, be it that others were asked since, and has come only now.
    pub(super) fn arrived(
        &mut self,
        session: SessionId,
        id: &TransactionId,
        now: SteadyTime,
    ) -> bool {
        let Some(asked) = self.asked.get_mut(id).filter(|asked| !asked.is_judged()) else {
            return false;
        };
        if asked.holder(session).is_none_or(|holder| holder.asked == 0) {
            return false;
        }
        if let Some(look) = asked.look.take() {
            self.due.remove(&(look, *id));
        }
        let before = std::mem::replace(&mut asked.from, session);
        if let Some(before) = self.sessions.get_mut(&before) {
            before.asked -= 1;
        }
        if let Some(state) = self.sessions.get_mut(&session) {
            state.asked += 1;
            state.delivered = now;
        }
        true
    }

    /// What a session sent could not be used: others are asked, `again` itself as well.
    pub(super) fn spoilt(
        &mut self,
        session: SessionId,
        id: &TransactionId,
        again: bool,
        now: SteadyTime,
    ) {
        let Some(asked) = self.asked.get_mut(id).filter(|asked| asked.is_judged()) else {
            return;
        };
        if asked.from != session {
            return;
        }
        if !again {
            asked.since = SteadyTime::LONG_AGO;
            asked.holders.retain(|holder| holder.session != session);
        } else {
            asked.since = now;
            if let Some(holder) = asked.holder(session) {
                holder.asked = 0;
            }
        }
        let at = asked.since;
        look_at(&mut self.due, *id, asked, at);
    }

    /// Takes out what is to be looked at now.
    fn take_due(&mut self, now: SteadyTime) -> Vec<TransactionId> {
        let mut due = Vec::new();
        while let Some((look, id)) = self.due.first().copied().filter(|(look, _)| *look <= now) {
            self.due.remove(&(look, id));
            due.push(id);
        }
        due
    }

    /// Asks the next session that has what did not come in time, or the same again: the question or its
    /// answer may be lost, or answers too long for one message.
    pub(super) fn overdue(&mut self, now: SteadyTime) -> BTreeMap<SessionId, Vec<TransactionId>> {
        let mut ask: BTreeMap<SessionId, Vec<TransactionId>> = BTreeMap::new();
        for id in self.take_due(now) {
            let Some(asked) = self.asked.get_mut(&id) else {
                continue;
            };
            let next = match asked.next(&self.sessions, now) {
                Next::Later(at) => {
                    look_at(&mut self.due, id, asked, at);
                    continue;
                }
                Next::Ask(session) => Some(session),
                Next::Nobody => None,
            };
            if let Some(from) = self.sessions.get_mut(&asked.from) {
                from.asked -= 1;
            }
            let Some((next, state)) = next.and_then(|n| Some((n, self.sessions.get_mut(&n)?)))
            else {
                self.asked.remove(&id);
                continue;
            };
            state.asked += 1;
            asked.from = next;
            asked.since = now;
            look_at(&mut self.due, id, asked, now.plus_ms(ANSWER_MS));
            ask.entry(next).or_default().push(id);
        }
        ask
    }
}

/// It is looked at then.
fn look_at(
    due: &mut BTreeSet<(SteadyTime, TransactionId)>,
    id: TransactionId,
    asked: &mut Asked,
    at: SteadyTime,
) {
    if let Some(before) = asked.look.replace(at) {
        due.remove(&(before, id));
    }
    due.insert((at, id));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;
    use proptest::prelude::*;

    fn id(number: u64) -> TransactionId {
        TransactionId(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn with_sessions(count: u64) -> Questions {
        let mut questions = Questions::default();
        for number in 0..count {
            let session = Session::new(Recent::new(10));
            questions.sessions.insert(SessionId(number), session);
        }
        questions
    }

    #[test]
    fn attack_a_tick_looks_at_what_is_due_however_much_was_asked_for() {
        let (sessions, each) = (10, MAX_ASKED as u64);
        let mut questions = with_sessions(sessions);
        // Every session is asked for all that it may be asked for, at moments of its own.
        for session in 0..sessions {
            for number in 0..each {
                let now = STARTED.plus_ms(100 * session + number % 50);
                assert!(questions.announced(SessionId(session), id(each * session + number), now));
            }
        }
        assert_eq!(questions.take_due(STARTED.plus_ms(ANSWER_MS - 1)), []);
        let first = questions.take_due(STARTED.plus_ms(ANSWER_MS + 9));
        assert_eq!(first.len() as u64, each / 5, "ten of fifty moments");
        assert!(
            first
                .iter()
                .all(|id| questions.asked[id].from == SessionId(0))
        );
        for id in first {
            questions.remove(&id);
        }
        let asked = questions.overdue(STARTED.plus_ms(ANSWER_MS + 10));
        assert_eq!(
            asked.values().map(Vec::len).sum::<usize>() as u64,
            each / 50
        );
        // What is asked again is not looked at until its answer is late.
        let again: Vec<_> = asked.into_values().flatten().collect();
        let rest = questions.take_due(STARTED.plus_ms(ANSWER_MS + 5_000));
        assert!(again.iter().all(|id| !rest.contains(id)));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Announced(usize, u64),
        Arrived(usize, u64),
        Spoilt(usize, u64, bool),
        Removed(u64),
        Closed(usize),
        Passed(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let (session, id) = (0..4_usize, 0..6_u64);
        let pair = (session.clone(), id.clone());
        prop_oneof![
            4 => pair.clone().prop_map(|(s, i)| Step::Announced(s, i)),
            2 => pair.clone().prop_map(|(s, i)| Step::Arrived(s, i)),
            2 => (pair, any::<bool>()).prop_map(|((s, i), again)| Step::Spoilt(s, i, again)),
            1 => id.prop_map(Step::Removed),
            1 => session.prop_map(Step::Closed),
            4 => (0..9_000_u64).prop_map(Step::Passed),
        ]
    }

    proptest! {
        /// All that waits for an answer is looked at once, and in time: somebody else is asked, or nobody any
        /// more, at most one answer's time after it could be.
        #[test]
        fn whatever_happens_everything_that_is_asked_for_is_looked_at(
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let (mut questions, mut now) = (with_sessions(4), STARTED);
            // No number is given twice.
            let mut numbers = [0, 1, 2, 3].map(SessionId);
            for step in steps {
                match step {
                    Step::Announced(s, i) => drop(questions.announced(numbers[s], id(i), now)),
                    Step::Arrived(s, i) => drop(questions.arrived(numbers[s], &id(i), now)),
                    Step::Spoilt(s, i, again) => questions.spoilt(numbers[s], &id(i), again, now),
                    Step::Removed(i) => questions.remove(&id(i)),
                    Step::Closed(s) => {
                        questions.closed(numbers[s]);
                        numbers[s].0 += 4;
                        let anew = Session::new(Recent::new(10));
                        questions.sessions.insert(numbers[s], anew);
                    }
                    Step::Passed(ms) => {
                        now = now.plus_ms(ms);
                        drop(questions.overdue(now));
                        prop_assert!(questions.due.iter().all(|(look, _)| *look > now));
                    }
                }
                let looks = questions.asked.iter();
                let looks = looks.filter_map(|(id, asked)| Some((asked.look?, *id)));
                prop_assert_eq!(looks.collect::<BTreeSet<_>>(), questions.due.clone());
                for (session, state) in &questions.sessions {
                    let of = questions.asked.values().filter(|asked| asked.from == *session);
                    prop_assert_eq!(of.count(), state.asked);
                }
                for asked in questions.asked.values() {
                    let latest = asked.since.max(now).plus_ms(ANSWER_MS);
                    prop_assert!(asked.look.is_none_or(|look| look <= latest));
                }
            }
        }
    }
}
