//! How fast questions for headers are answered.
//!
//! A question is forty bytes, its answer a walk through the chain and a quarter of a megabyte. Whoever asks
//! faster than it can read what it gets is answered later, never refused: also an honest newcomer may have
//! a long chain to read.

use super::Effect;
use crate::chain::BlockId;
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use std::collections::{BTreeMap, VecDeque};

/// Answers that a member gets at once: 64,000 headers, the chain of a week.
const BURST: u64 = 32;
/// How long it takes until it may have one more at once, in milliseconds: 8,000 headers a second, about what
/// a small machine checks.
const ANSWER_EVERY_MS: u64 = 250;
/// Answers beyond the bursts that are given at a tick, to all together, in turn: some forty a second, a few
/// hundredths of a core.
const ANSWERS_A_TICK: usize = 4;
/// Questions of a session that may wait. A member has one at a time; more come only from whoever floods.
const MAX_WAITING: usize = 16;

struct Asker {
    /// From then on its whole burst is there again.
    full_at: SteadyTime,
    session: SessionId,
    waiting: VecDeque<Vec<BlockId>>,
}

impl Asker {
    /// Whether it may have one more answer by now; takes it off if so.
    fn takes(&mut self, now: SteadyTime) -> bool {
        let from = self.full_at.max(now);
        let is_free = from.since(now) < BURST * ANSWER_EVERY_MS;
        if is_free {
            self.full_at = from.plus_ms(ANSWER_EVERY_MS);
        }
        is_free
    }
}

/// The questions for headers, by whose they are: another session of the same member has no burst of its own.
#[derive(Default)]
pub(super) struct HeaderAnswers {
    askers: BTreeMap<PublicKey, Asker>,
    /// Who had the last turn.
    last: Option<PublicKey>,
}

impl HeaderAnswers {
    /// A question came.
    ///
    /// # Errors
    /// Too many of this session wait: the rule that it broke.
    pub(super) fn asked(
        &mut self,
        (session, key): (SessionId, PublicKey),
        locator: Vec<BlockId>,
        now: SteadyTime,
    ) -> Result<Vec<Effect>, &'static str> {
        let asker = self.askers.entry(key).or_insert_with(|| Asker {
            full_at: now,
            session,
            waiting: VecDeque::new(),
        });
        if asker.session != session {
            asker.session = session;
            asker.waiting.clear();
        }
        if asker.waiting.is_empty() && asker.takes(now) {
            return Ok(vec![Effect::SendHeaders(session, locator)]);
        }
        if asker.waiting.len() >= MAX_WAITING {
            return Err("it asks for headers again and again without waiting for an answer");
        }
        asker.waiting.push_back(locator);
        Ok(Vec::new())
    }

    /// Nothing is answered in this session any more.
    pub(super) fn closed(&mut self, session: SessionId) {
        for asker in self.askers.values_mut() {
            if asker.session == session {
                asker.waiting.clear();
            }
        }
    }

    /// Answers what waits, each member in turn.
    pub(super) fn tick(&mut self, now: SteadyTime) -> Vec<Effect> {
        self.askers
            .retain(|_, asker| !asker.waiting.is_empty() || now < asker.full_at);
        let mut turns: VecDeque<_> = self.askers.keys().copied().collect();
        let behind = turns.iter().filter(|key| Some(**key) <= self.last).count();
        turns.rotate_left(behind);
        let mut effects = Vec::new();
        while effects.len() < ANSWERS_A_TICK
            && let Some(key) = turns.pop_front()
        {
            let Some(asker) = self.askers.get_mut(&key) else {
                continue;
            };
            if asker.waiting.is_empty() || !asker.takes(now) {
                continue;
            }
            if let Some(locator) = asker.waiting.pop_front() {
                effects.push(Effect::SendHeaders(asker.session, locator));
                self.last = Some(key);
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::member;
    use crate::clock::STARTED;

    fn asker(number: u8) -> (SessionId, PublicKey) {
        let session = SessionId(number.into());
        (session, member(number).public_key())
    }

    fn locator(number: u8) -> Vec<BlockId> {
        vec![BlockId([number; 32])]
    }

    /// Asks as often as the bounds let it, for `seconds`; returns how many answers there were.
    fn flood(answers: &mut HeaderAnswers, from: u8, seconds: u64, begin: SteadyTime) -> usize {
        let mut sent = 0;
        for tick in 0..10 * seconds {
            let now = begin.plus_ms(100 * tick);
            while let Ok(effects) = answers.asked(asker(from), locator(from), now) {
                sent += effects.len();
            }
            sent += answers.tick(now).len();
        }
        sent
    }

    #[test]
    fn attack_whoever_asks_without_end_is_answered_at_a_rate_in_this_session_and_the_next() {
        let mut answers = HeaderAnswers::default();
        let sent = flood(&mut answers, 1, 60, STARTED);
        let most = BURST + 60_000 / ANSWER_EVERY_MS + 1;
        assert!((most - 4..=most).contains(&(sent as u64)), "{sent} answers");
        answers.closed(asker(1).0);
        let again = (SessionId(99), asker(1).1);
        let later = STARTED.plus_ms(60_000);
        let at_once = answers.asked(again, locator(1), later).map(|e| e.len());
        assert_eq!(at_once, Ok(0), "it waits, as it did before");
    }

    #[test]
    fn attack_many_who_ask_without_end_hold_up_nobody_else() {
        let mut answers = HeaderAnswers::default();
        let mut answered = Vec::new();
        let mut turns: BTreeMap<SessionId, usize> = BTreeMap::new();
        for tick in 0..600 {
            let now = STARTED.plus_ms(100 * tick);
            for hostile in 2..40 {
                while answers.asked(asker(hostile), locator(hostile), now).is_ok() {}
            }
            if tick % 10 == 5 {
                let effects = answers.asked(asker(1), locator(1), now).unwrap();
                answered.extend(effects);
            }
            let effects = answers.tick(now);
            assert!(effects.len() <= ANSWERS_A_TICK);
            for effect in effects {
                let Effect::SendHeaders(session, _) = effect else {
                    panic!("no answer: {effect:?}");
                };
                *turns.entry(session).or_default() += 1;
            }
        }
        assert_eq!(answered.len(), 60, "one a second, each at once");
        assert_eq!(turns.remove(&asker(1).0), None);
        let all: usize = turns.values().sum();
        assert!(all > 2_000, "the others have what is left: {all}");
        let (least, most) = (turns.values().min(), turns.values().max());
        let (least, most) = least.zip(most).unwrap();
        assert!(turns.len() == 38 && most - least <= 2, "in turn: {turns:?}");
    }

    #[test]
    fn a_newcomer_reads_a_long_chain_at_full_speed_and_is_forgotten_after_that() {
        let mut answers = HeaderAnswers::default();
        let mut now = STARTED;
        let mut sent = 0;
        while sent < 200 {
            let mut effects = answers.asked(asker(1), locator(1), now).unwrap();
            while effects.is_empty() {
                now = now.plus_ms(100);
                effects = answers.tick(now);
            }
            sent += effects.len();
        }
        let took = now.since(STARTED);
        assert!(took <= 45_000, "{took} ms for 400,000 headers");
        let _ = answers.tick(now.plus_ms((BURST + 1) * ANSWER_EVERY_MS));
        assert!(answers.askers.is_empty());
    }
}
