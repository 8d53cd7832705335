//! Open transactions: announced by id, asked for, passed on as they came.

mod questions;
mod recent;

use super::Effect;
use crate::chain::{EncodedTransaction, Rejected, TransactionId};
use crate::clock::SteadyTime;
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::{MAX_IDS, MAX_TRANSACTIONS_BYTES};
use questions::{Questions, Session};
use recent::Recent;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Ids that are remembered to be known to one session; what is forgotten may be announced twice.
const KNOWN_PER_SESSION: usize = 20_000;
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
        let state = Session::new(known);
        self.questions.sessions.insert(session, state);
        announcements(session, &ids)
    }

    pub(super) fn closed(&mut self, session: SessionId) {
        self.questions.closed(session);
    }

    /// A session has these. Asked for are those that are not here; what this node has `sent` it to be delivered is
    /// judged as if it came back.
    pub(super) fn announced(
        &mut self,
        session: SessionId,
        ids: Vec<TransactionId>,
        sent: impl Fn(&TransactionId) -> Option<EncodedTransaction>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let Some(state) = self.questions.sessions.get_mut(&session) else {
            return Vec::new();
        };
        for id in &ids {
            state.known.insert(*id);
        }
        let (mut ask, mut here) = (Vec::new(), Vec::new());
        for id in ids {
            let is_news = !self.open.contains(&id) && !self.refused.contains(&id);
            if !is_news || !self.questions.announced(session, id, now) {
                continue;
            }
            match sent(&id) {
                Some(own) if self.questions.arrived(session, &id, now) => here.push(own),
                _ => ask.push(id),
            }
        }
        let mut effects = Vec::new();
        if !here.is_empty() {
            effects.push(Effect::SubmitDelivered(session, here));
        }
        if !ask.is_empty() {
            effects.push(Effect::Send(session, Message::GetTransactions(ask)));
        }
        effects
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
    pub(super) fn ask_again(&mut self, now: SteadyTime) -> Vec<Effect> {
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
