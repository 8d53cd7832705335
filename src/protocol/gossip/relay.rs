//! Open transactions: announced by id, asked for, passed on as they came.

use super::Effect;
use crate::chain::{EncodedTransaction, Rejected, Timestamp, TransactionId};
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::{MAX_IDS, MAX_TRANSACTIONS_BYTES};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Ids that are remembered to be known to one session; what is forgotten may be announced twice.
const KNOWN_PER_SESSION: usize = 20_000;
/// Ids that may be asked for and not there yet, over all sessions.
const MAX_ASKED: usize = 20_000;
/// How long an answer may take before another session is asked, in milliseconds.
const ANSWER_MS: u64 = 5_000;
/// Sessions remembered as others to ask, for one id.
const OTHERS: usize = 3;
/// Ids of refused transactions that are not asked for again until the tip moves.
const REFUSED: usize = 10_000;
/// Open transactions that a new session is told of; the rest reaches it in blocks.
const TOLD_AT_FIRST: usize = 20_000;

/// A set that forgets its oldest above a bound.
struct Recent {
    set: HashSet<TransactionId>,
    order: VecDeque<TransactionId>,
    bound: usize,
}

impl Recent {
    fn new(bound: usize) -> Self {
        Self {
            set: HashSet::new(),
            order: VecDeque::new(),
            bound,
        }
    }

    /// Whether it was not there.
    fn insert(&mut self, id: TransactionId) -> bool {
        if !self.set.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > self.bound
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    fn clear(&mut self) {
        self.set.clear();
        self.order.clear();
    }
}

struct Asked {
    from: SessionId,
    since: Timestamp,
    others: Vec<SessionId>,
}

pub(super) struct Relay {
    open: HashMap<TransactionId, EncodedTransaction>,
    known: BTreeMap<SessionId, Recent>,
    asked: HashMap<TransactionId, Asked>,
    refused: Recent,
    fresh: Vec<TransactionId>,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            known: BTreeMap::new(),
            asked: HashMap::new(),
            refused: Recent::new(REFUSED),
            fresh: Vec::new(),
        }
    }
}

impl Relay {
    pub(super) fn opened(&mut self, session: SessionId) -> Vec<Effect> {
        let mut known = Recent::new(KNOWN_PER_SESSION);
        let ids: Vec<_> = self.open.keys().take(TOLD_AT_FIRST).copied().collect();
        for id in &ids {
            known.insert(*id);
        }
        self.known.insert(session, known);
        announcements(session, &ids)
    }

    pub(super) fn closed(&mut self, session: SessionId) {
        self.known.remove(&session);
        for asked in self.asked.values_mut() {
            asked.others.retain(|other| *other != session);
            if asked.from == session {
                // Due for another session at the next tick.
                asked.since = Timestamp(0);
            }
        }
    }

    pub(super) fn announced(
        &mut self,
        session: SessionId,
        ids: Vec<TransactionId>,
        now: Timestamp,
    ) -> Vec<Effect> {
        let Some(known) = self.known.get_mut(&session) else {
            return Vec::new();
        };
        let mut ask = Vec::new();
        for id in ids {
            known.insert(id);
            if self.open.contains_key(&id) || self.refused.set.contains(&id) {
                continue;
            }
            if let Some(asked) = self.asked.get_mut(&id) {
                if asked.others.len() < OTHERS && asked.from != session {
                    asked.others.push(session);
                }
            } else if self.asked.len() < MAX_ASKED {
                self.asked.insert(
                    id,
                    Asked {
                        from: session,
                        since: now,
                        others: Vec::new(),
                    },
                );
                ask.push(id);
            }
        }
        if ask.is_empty() {
            return Vec::new();
        }
        vec![Effect::Send(session, Message::GetTransactions(ask))]
    }

    /// Answers with what is open, as much as fits a message; the rest is asked for again.
    pub(super) fn asked(&self, session: SessionId, ids: &[TransactionId]) -> Vec<Effect> {
        let mut list: Vec<EncodedTransaction> = Vec::new();
        let mut bytes = 0;
        for transaction in ids.iter().filter_map(|id| self.open.get(id)) {
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
    ) -> Vec<Effect> {
        let wanted: Vec<_> = list
            .into_iter()
            .filter(|t| {
                let was_asked = self.asked.get(&t.id()).is_some_and(|a| a.from == session);
                was_asked && self.asked.remove(&t.id()).is_some()
            })
            .collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        vec![Effect::SubmitTransactions(session, wanted)]
    }

    pub(super) fn judged(&mut self, verdicts: &[(TransactionId, Result<(), Rejected>)]) {
        for (id, verdict) in verdicts {
            match verdict {
                Ok(()) | Err(Rejected::Busy) => {}
                Err(_) => {
                    self.refused.insert(*id);
                }
            }
        }
    }

    pub(super) fn tip_changed(&mut self) {
        self.refused.clear();
    }

    pub(super) fn became_open(&mut self, transaction: EncodedTransaction) {
        let id = transaction.id();
        self.asked.remove(&id);
        self.open.insert(id, transaction);
        self.fresh.push(id);
    }

    pub(super) fn became_closed(&mut self, id: &TransactionId) {
        self.open.remove(id);
    }

    /// Tells every session of the fresh ones that it is not known to know.
    pub(super) fn announce(&mut self) -> Vec<Effect> {
        let fresh: Vec<_> = std::mem::take(&mut self.fresh)
            .into_iter()
            .filter(|id| self.open.contains_key(id))
            .collect();
        let mut effects = Vec::new();
        for (session, known) in &mut self.known {
            let news: Vec<_> = fresh
                .iter()
                .filter(|id| known.insert(**id))
                .copied()
                .collect();
            effects.extend(announcements(*session, &news));
        }
        effects
    }

    /// Asks others for what did not come.
    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut ask: BTreeMap<SessionId, Vec<TransactionId>> = BTreeMap::new();
        self.asked.retain(|id, asked| {
            if now.since(asked.since) < ANSWER_MS {
                return true;
            }
            let Some(next) = asked.others.pop() else {
                return false;
            };
            asked.from = next;
            asked.since = now;
            ask.entry(next).or_default().push(*id);
            true
        });
        let message = |ids: &[TransactionId]| Message::GetTransactions(ids.to_vec());
        ask.iter()
            .flat_map(|(session, ids)| {
                ids.chunks(MAX_IDS)
                    .map(move |ids| Effect::Send(*session, message(ids)))
            })
            .collect()
    }
}

fn announcements(session: SessionId, ids: &[TransactionId]) -> Vec<Effect> {
    ids.chunks(MAX_IDS)
        .map(|ids| Effect::Send(session, Message::AnnounceTransactions(ids.to_vec())))
        .collect()
}
