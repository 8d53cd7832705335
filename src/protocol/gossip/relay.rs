//! Open transactions: announced by id, asked for, passed on as they came.

mod recent;

use super::Effect;
use crate::chain::{EncodedTransaction, Rejected, TransactionId};
use crate::clock::SteadyTime;
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::{MAX_IDS, MAX_TRANSACTIONS_BYTES};
use recent::Recent;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Ids that are remembered to be known to one session; what is forgotten may be announced twice.
const KNOWN_PER_SESSION: usize = 20_000;
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
/// Ids of refused transactions that are not asked for again until the tip moves.
const REFUSED: usize = 10_000;
/// Transactions that were refused for now and are asked for again when the tip moves: those that had
/// run ahead of the block with the coins they spend. The oldest makes room.
const REFUSED_FOR_NOW: usize = 1_000;
/// Open transactions that a new session is told of; the rest reaches it in blocks.
const TOLD_AT_FIRST: usize = 20_000;

/// An open transaction in the order of ids, which stand in it.
struct ById(EncodedTransaction);

impl Borrow<TransactionId> for ById {
    fn borrow(&self) -> &TransactionId {
        self.0.id_ref()
    }
}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id_ref().cmp(other.0.id_ref())
    }
}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id_ref() == other.0.id_ref()
    }
}

impl Eq for ById {}

struct Session {
    /// What it has or was told of.
    known: Recent,
    /// Number of ids that are asked of it.
    asked: usize,
    /// When it last sent what it was asked for.
    delivered: SteadyTime,
}

struct Asked {
    /// Who was asked last.
    from: SessionId,
    since: SteadyTime,
    /// Whether it came, and is being judged.
    judging: bool,
    /// Who announced it, in that order.
    holders: Vec<Holder>,
}

struct Holder {
    session: SessionId,
    /// How often it was asked without an answer.
    asked: u32,
}

impl Asked {
    fn holder(&mut self, session: SessionId) -> Option<&mut Holder> {
        let mut holders = self.holders.iter_mut();
        holders.find(|holder| holder.session == session)
    }

    /// Notes that this session has it, too. Where there is no room, it takes the place of one that was
    /// asked and did not answer.
    fn held_by(&mut self, session: SessionId) {
        if self.holder(session).is_some() {
            return;
        }
        if self.holders.len() > OTHERS {
            let from = self.from;
            let failed = |h: &Holder| h.session != from && h.asked > 0;
            let Some(place) = self.holders.iter().position(failed) else {
                return;
            };
            self.holders.remove(place);
        }
        self.holders.push(Holder { session, asked: 0 });
    }

    /// Whom to ask now, `Some(None)` if there is nobody any more; `None` while the answer may still come.
    fn next(
        &mut self,
        sessions: &BTreeMap<SessionId, Session>,
        now: SteadyTime,
    ) -> Option<Option<SessionId>> {
        let waited = now.since(self.since);
        if self.judging || waited < ANSWER_MS {
            return None;
        }
        let (from, since) = (self.from, self.since);
        if sessions.get(&from).is_some_and(|s| s.delivered > since)
            && let Some(holder) = self.holder(from)
        {
            holder.asked = 1;
        }
        let Some(next) = self.holders.iter_mut().min_by_key(|holder| holder.asked) else {
            return Some(None);
        };
        if waited < ANSWER_MS << next.asked.saturating_sub(1) {
            return None;
        }
        next.asked += 1;
        Some((next.asked <= 1 + ASKED_AGAIN).then_some(next.session))
    }
}

#[derive(Default)]
struct Questions {
    asked: BTreeMap<TransactionId, Asked>,
    sessions: BTreeMap<SessionId, Session>,
}

impl Questions {
    fn remove(&mut self, id: &TransactionId) {
        if let Some(gone) = self.asked.remove(id)
            && let Some(from) = self.sessions.get_mut(&gone.from)
        {
            from.asked -= 1;
        }
    }

    /// Notes that the session has it. Whether it is to be asked for it.
    fn announced(&mut self, session: SessionId, id: TransactionId, now: SteadyTime) -> bool {
        if let Some(asked) = self.asked.get_mut(&id) {
            asked.held_by(session);
            // Announced anew by the one who was asked: it did not have it at that time, but has now.
            // Its time does not begin anew, or it could keep all others from being asked.
            return asked.from == session && !asked.judging && asked.since < now;
        }
        let Some(state) = self.sessions.get_mut(&session) else {
            return false;
        };
        if state.asked >= MAX_ASKED {
            return false;
        }
        state.asked += 1;
        self.asked.insert(
            id,
            Asked {
                from: session,
                since: now,
                judging: false,
                holders: vec![Holder { session, asked: 1 }],
            },
        );
        true
    }

    /// Whether this was asked of this session, be it that others were asked since, and has come only now.
    fn arrived(&mut self, session: SessionId, id: &TransactionId, now: SteadyTime) -> bool {
        let Some(asked) = self.asked.get_mut(id).filter(|asked| !asked.judging) else {
            return false;
        };
        if asked.holder(session).is_none_or(|holder| holder.asked == 0) {
            return false;
        }
        asked.judging = true;
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
    fn spoilt(&mut self, session: SessionId, id: &TransactionId, again: bool, now: SteadyTime) {
        let Some(asked) = self.asked.get_mut(id).filter(|asked| asked.judging) else {
            return;
        };
        if asked.from != session {
            return;
        }
        asked.judging = false;
        if !again {
            asked.since = SteadyTime::LONG_AGO;
            asked.holders.retain(|holder| holder.session != session);
        } else {
            asked.since = now;
            if let Some(holder) = asked.holder(session) {
                holder.asked = 0;
            }
        }
    }

    /// Asks the next session that has what did not come in time, or the same again: the question or its
    /// answer may be lost, or answers too long for one message.
    fn overdue(&mut self, now: SteadyTime) -> BTreeMap<SessionId, Vec<TransactionId>> {
        let mut ask: BTreeMap<SessionId, Vec<TransactionId>> = BTreeMap::new();
        let sessions = &mut self.sessions;
        self.asked.retain(|id, asked| {
            let Some(next) = asked.next(sessions, now) else {
                return true;
            };
            if let Some(from) = sessions.get_mut(&asked.from) {
                from.asked -= 1;
            }
            let Some((next, state)) = next.and_then(|n| Some((n, sessions.get_mut(&n)?))) else {
                return false;
            };
            state.asked += 1;
            asked.from = next;
            asked.since = now;
            ask.entry(next).or_default().push(*id);
            true
        });
        ask
    }
}

pub(super) struct Relay {
    open: BTreeSet<ById>,
    questions: Questions,
    refused: Recent,
    /// Those among them that another tip may make acceptable, and who has them.
    refused_for_now: VecDeque<(SessionId, TransactionId)>,
    fresh: Vec<TransactionId>,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            open: BTreeSet::new(),
            questions: Questions::default(),
            refused: Recent::new(REFUSED),
            refused_for_now: VecDeque::new(),
            fresh: Vec::new(),
        }
    }
}

impl Relay {
    pub(super) fn opened(&mut self, session: SessionId) -> Vec<Effect> {
        let mut known = Recent::new(KNOWN_PER_SESSION);
        let told = self.open.iter().take(TOLD_AT_FIRST);
        let ids: Vec<_> = told.map(|open| open.0.id()).collect();
        for id in &ids {
            known.insert(*id);
        }
        let state = Session {
            known,
            asked: 0,
            delivered: SteadyTime::LONG_AGO,
        };
        self.questions.sessions.insert(session, state);
        announcements(session, &ids)
    }

    pub(super) fn closed(&mut self, session: SessionId) {
        self.questions.sessions.remove(&session);
        for asked in self.questions.asked.values_mut() {
            asked.holders.retain(|holder| holder.session != session);
            if asked.from == session {
                // Due for another session at the next tick.
                asked.since = SteadyTime::LONG_AGO;
            }
        }
    }

    pub(super) fn announced(
        &mut self,
        session: SessionId,
        ids: Vec<TransactionId>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let Some(state) = self.questions.sessions.get_mut(&session) else {
            return Vec::new();
        };
        for id in &ids {
            state.known.insert(*id);
        }
        let ask: Vec<_> = ids
            .into_iter()
            .filter(|id| !self.open.contains(id) && !self.refused.contains(id))
            .filter(|id| self.questions.announced(session, *id, now))
            .collect();
        if ask.is_empty() {
            return Vec::new();
        }
        vec![Effect::Send(session, Message::GetTransactions(ask))]
    }

    /// Answers with what is open, as much as fits a message; the rest is asked for again.
    pub(super) fn asked(&self, session: SessionId, ids: &[TransactionId]) -> Vec<Effect> {
        let mut list: Vec<EncodedTransaction> = Vec::new();
        let mut bytes = 0;
        for ById(transaction) in ids.iter().filter_map(|id| self.open.get(id)) {
            bytes += transaction.size();
            if bytes > MAX_TRANSACTIONS_BYTES && !list.is_empty() {
                break;
            }
            list.push(transaction.clone());
        }
        if list.is_empty() {
            return Vec::new();
        }
        vec![Effect::Send(session, Message::Transactions(list))]
    }

    /// Takes what this session was asked for and passes over the rest.
    pub(super) fn transactions(
        &mut self,
        session: SessionId,
        list: Vec<EncodedTransaction>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let wanted: Vec<_> = list
            .into_iter()
            .filter(|t| self.questions.arrived(session, &t.id(), now))
            .collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        vec![Effect::SubmitTransactions(session, wanted)]
    }

    pub(super) fn judged(
        &mut self,
        session: SessionId,
        verdicts: &[(TransactionId, Result<(), Rejected>)],
        now: SteadyTime,
    ) {
        for (id, verdict) in verdicts {
            match verdict {
                Ok(()) => self.questions.remove(id),
                Err(Rejected::Busy) => self.questions.spoilt(session, id, true, now),
                // The id does not cover the signature: others may have the right one.
                Err(Rejected::BadSignature(_)) => self.questions.spoilt(session, id, false, now),
                Err(rejected) => {
                    self.questions.remove(id);
                    if self.refused.insert(*id) && rejected.is_for_now() {
                        self.refused_for_now.push_back((session, *id));
                        if self.refused_for_now.len() > REFUSED_FOR_NOW {
                            self.refused_for_now.pop_front();
                        }
                    }
                }
            }
        }
    }

    /// Asks again for what may be acceptable now: nobody announces it a second time.
    pub(super) fn tip_changed(&mut self, now: SteadyTime) -> Vec<Effect> {
        self.refused.clear();
        let mut ask: BTreeMap<SessionId, Vec<TransactionId>> = BTreeMap::new();
        for (session, id) in std::mem::take(&mut self.refused_for_now) {
            if !self.open.contains(&id) && self.questions.announced(session, id, now) {
                ask.entry(session).or_default().push(id);
            }
        }
        questions(&ask)
    }

    pub(super) fn became_open(&mut self, transaction: EncodedTransaction) {
        let id = transaction.id();
        self.questions.remove(&id);
        self.open.insert(ById(transaction));
        self.fresh.push(id);
    }

    pub(super) fn became_closed(&mut self, id: &TransactionId) {
        self.open.remove(id);
        // Should a reorganisation bring it back, everybody is told again: those who asked for it while
        // it was mined got no answer.
        for session in self.questions.sessions.values_mut() {
            session.known.remove(id);
        }
    }

    /// Tells every session of the fresh ones that it is not known to know.
    pub(super) fn announce(&mut self) -> Vec<Effect> {
        let fresh: Vec<_> = std::mem::take(&mut self.fresh)
            .into_iter()
            .filter(|id| self.open.contains(id))
            .collect();
        let mut effects = Vec::new();
        for (session, state) in &mut self.questions.sessions {
            let news: Vec<_> = fresh
                .iter()
                .filter(|id| state.known.insert(**id))
                .copied()
                .collect();
            effects.extend(announcements(*session, &news));
        }
        effects
    }

    /// Asks others for what did not come.
    pub(super) fn tick(&mut self, now: SteadyTime) -> Vec<Effect> {
        questions(&self.questions.overdue(now))
    }
}

fn questions(ask: &BTreeMap<SessionId, Vec<TransactionId>>) -> Vec<Effect> {
    let message = |ids: &[TransactionId]| Message::GetTransactions(ids.to_vec());
    ask.iter()
        .flat_map(|(session, ids)| {
            ids.chunks(MAX_IDS)
                .map(move |ids| Effect::Send(*session, message(ids)))
        })
        .collect()
}

fn announcements(session: SessionId, ids: &[TransactionId]) -> Vec<Effect> {
    ids.chunks(MAX_IDS)
        .map(|ids| Effect::Send(session, Message::AnnounceTransactions(ids.to_vec())))
        .collect()
}
