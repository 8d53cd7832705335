//! The outbox: what this node's owner sends, until it is known what became of it.
//!
//! A send is stored before anything else happens to it, goes straight to its recipient until that one
//! has signed a receipt, and is handed to the network by this node itself if the recipient, having
//! signed, does not. Delivery is a stored fact; whether a send is open or mined is the ledger's to say,
//! and is only followed here: a reorganisation can take a mined one back.

use super::rows::{
    self, End, Place, PostRows, Reason, SendFacts, body_key, facts_key, mark_key, number_key,
    place_of,
};
use crate::canonical;
use crate::chain::{
    Action, Amount, EncodedTransaction, Height, Internal, Rejected, StateView, Timestamp,
    TransactionId,
};
use crate::keys::PublicKey;
use crate::protocol::Row;
use crate::protocol::backoff::Backoff;
use crate::protocol::retry::{Full, LONGEST_RETRY_MS, RetryQueue};
use crate::wire::{Receipt, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

mod effect;
mod following;
#[cfg(test)]
mod tests;

pub use effect::{Config, Effect, Line, OrderError, SendError, Waiting};

/// Most sends that wait for their recipients.
pub const MAX_WAITING: usize = 100_000;
/// Most bytes of sends that wait.
pub const MAX_WAITING_BYTES: usize = 256 * 1024 * 1024;
/// How long after a receipt this node hands a transaction to the network itself, if its recipient has
/// not, in milliseconds.
pub const PASS_ON_WITHIN_MS: u64 = 10_000;
/// Blocks upon a mined send after which it is not looked after any more, until the ledger tells that it
/// fell out of the chain.
const SETTLED_BLOCKS: u64 = 100;
/// Mined sends that are looked after at most; the oldest is let go first.
const MAX_SETTLING: usize = 10_000;
/// Sends that are being handed to the network at a time: a restart may find all of them due.
const MAX_PASSING_ON: usize = 64;
/// Calls and sessions of a recipient without any receipt, though the tracker finds it alive, before its
/// mail goes by way of the network: it may be one that only dials out itself, or has no place for a
/// further connection. With the pauses in between about a minute, in which a tracker finds out that
/// somebody has died.
const FAILED_CALLS: u32 = 7;

struct Entry {
    facts: SendFacts,
    place: Place,
    /// When it is handed to the network.
    pass_on: Option<Timestamp>,
    /// Pauses between one handing over and the next, once there was one.
    pauses: Option<Box<Backoff>>,
    tries: u32,
    /// Who waits for the ledger's word.
    ticket: Option<u64>,
}

impl Entry {
    fn new(facts: SendFacts, place: Place) -> Self {
        Self {
            facts,
            place,
            pass_on: None,
            pauses: None,
            tries: 0,
            ticket: None,
        }
    }

    /// Coins that it keeps from being spent again: the ledger counts those of open ones.
    fn held(&self) -> u128 {
        let gone = matches!(
            self.facts.end,
            Some(End::Refused | End::Cancelled | End::Conflicted)
        );
        if gone || self.place != Place::Nowhere {
            return 0;
        }
        u128::from(self.facts.cost())
    }

    /// Whether this node hands it to the network itself.
    fn goes_to_network(&self) -> bool {
        self.facts.broadcast || self.facts.delivered_at.is_some()
    }
}

/// The machine.
pub struct Outbox {
    config: Config,
    queue: RetryQueue<PublicKey>,
    entries: BTreeMap<u64, Entry>,
    by_id: HashMap<TransactionId, u64>,
    by_expiry: BTreeSet<(Height, u64)>,
    passing_on: BTreeSet<(Timestamp, u64)>,
    /// With the ledger, which has not answered yet.
    with_ledger: HashSet<u64>,
    settling: BTreeSet<(Height, u64)>,
    /// Members that the tracker finds alive.
    live: HashSet<PublicKey>,
    /// Calls and sessions in a row that brought no receipt.
    failed_calls: HashMap<PublicKey, u32>,
    reserved: u128,
    next: u64,
    tip: Height,
    rows: Vec<Row>,
    batches: u64,
    committed: u64,
    /// What waits for a batch to be written.
    promises: VecDeque<(u64, Effect)>,
    effects: Vec<Effect>,
}

impl Outbox {
    /// Takes up what was not settled when the node ended.
    ///
    /// # Errors
    /// The disk failed, or holds what it can't hold.
    pub fn open(
        config: Config,
        rows: &dyn PostRows,
        chain: &dyn StateView,
        tip: Height,
        now: Timestamp,
    ) -> Result<Self, Internal> {
        let mut outbox = Self {
            config,
            queue: RetryQueue::new(config.limits, config.seed),
            entries: BTreeMap::new(),
            by_id: HashMap::new(),
            by_expiry: BTreeSet::new(),
            passing_on: BTreeSet::new(),
            with_ledger: HashSet::new(),
            settling: BTreeSet::new(),
            live: HashSet::new(),
            failed_calls: HashMap::new(),
            reserved: 0,
            next: rows::next_number(rows)?,
            tip,
            rows: Vec::new(),
            batches: 0,
            committed: 0,
            promises: VecDeque::new(),
            effects: Vec::new(),
        };
        let mut from = 0;
        while let Some(number) = rows::marked_from(rows, from)? {
            let facts: SendFacts = rows::facts(rows, number)?
                .ok_or_else(|| Internal(format!("send {number} of the outbox is missing")))?;
            let place = place_of(chain, &facts.id)?;
            outbox.take_up(number, Entry::new(facts, place), now);
            from = number + 1;
        }
        Ok(outbox)
    }

    fn take_up(&mut self, number: u64, mut entry: Entry, now: Timestamp) {
        let facts = &entry.facts;
        self.by_id.insert(facts.id, number);
        self.by_expiry.insert((facts.expires_at, number));
        if let Place::Mined(height) = entry.place {
            self.settling.insert((height, number));
        } else if facts.end.is_none() {
            if entry.goes_to_network() {
                let due = now.plus_ms(PASS_ON_WITHIN_MS);
                entry.pass_on = Some(due);
                self.passing_on.insert((due, number));
            } else {
                let expires = facts.queued_at.plus_ms(self.config.keep_ms);
                self.queue.push(number, facts.to, facts.size, expires);
            }
        }
        self.reserved += entry.held();
        self.entries.insert(number, entry);
    }

    /// Its owner sends something: a transfer signed by this node's key. `spendable` is what its key
    /// has on the chain less what its open transactions cost, as of any moment after this outbox last
    /// told it of a change. The answer is a promise and follows with the write. With `broadcast` it is
    /// handed to the network at once, and the answer is the ledger's.
    pub fn send(
        &mut self,
        ticket: u64,
        transaction: &EncodedTransaction,
        broadcast: bool,
        spendable: Amount,
        now: Timestamp,
    ) -> Vec<Effect> {
        match self.take_in(transaction, broadcast, spendable, now) {
            Ok(number) => {
                if broadcast {
                    self.edit(number, |entry| entry.ticket = Some(ticket));
                    self.pass_on(number, now);
                } else {
                    let answer = Ok(number);
                    self.after_rows(Effect::Answer { ticket, answer });
                    self.call(now);
                }
            }
            Err(error) => self.effects.push(Effect::Answer {
                ticket,
                answer: Err(error),
            }),
        }
        self.take_effects()
    }

    fn take_in(
        &mut self,
        transaction: &EncodedTransaction,
        broadcast: bool,
        spendable: Amount,
        now: Timestamp,
    ) -> Result<u64, SendError> {
        let payload = transaction.payload();
        let Action::Transfer { to, amount, .. } = payload.action else {
            return Err(Rejected::Meaningless.into());
        };
        if self.by_id.contains_key(&transaction.id()) {
            return Err(SendError::Known);
        }
        let size = transaction.size();
        self.queue.room_for(size)?;
        if self.entries.len() >= 2 * self.config.limits.entries {
            return Err(SendError::Full(Full {
                entries: self.entries.len(),
                bytes: self.queue.bytes(),
            }));
        }
        let needed = payload.cost().ok_or(Rejected::Meaningless)?;
        let available = u128::from(spendable.0).saturating_sub(self.reserved);
        if u128::from(needed.0) > available {
            let available = Amount(u64::try_from(available).unwrap_or(u64::MAX));
            return Err(Rejected::InsufficientFunds { available, needed }.into());
        }
        let number = self.next;
        self.next += 1;
        let facts = SendFacts {
            id: transaction.id(),
            to,
            amount,
            fee: payload.fee,
            size,
            expires_at: payload.expires_at,
            queued_at: now,
            broadcast,
            attempted: broadcast,
            delivered_at: None,
            end: None,
            reason: Reason::default(),
        };
        let numbered = canonical::encode(&number);
        self.rows.push((number_key(&facts.id), Some(numbered)));
        self.rows.push((mark_key(number), Some(Vec::new())));
        let body = transaction.bytes().to_vec();
        self.rows.push((body_key(number), Some(body)));
        self.by_id.insert(facts.id, number);
        self.by_expiry.insert((facts.expires_at, number));
        if !broadcast {
            let expires = now.plus_ms(self.config.keep_ms);
            self.queue.push(number, to, size, expires);
        }
        let entry = Entry::new(facts, Place::Nowhere);
        self.reserved += entry.held();
        self.entries.insert(number, entry);
        self.store(number);
        Ok(number)
    }

    /// The disk holds all batches up to and including this one.
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        self.committed = self.committed.max(batch);
        while let Some((waits_for, _)) = self.promises.front()
            && *waits_for <= batch
        {
            let promise = self.promises.pop_front();
            self.effects.extend(promise.map(|(_, effect)| effect));
        }
        self.take_effects()
    }

    /// There is a session with this member.
    pub fn reached(&mut self, key: &PublicKey, now: Timestamp) -> Vec<Effect> {
        self.queue.reached(key, now);
        self.deliver(key, now);
        self.take_effects()
    }

    /// A session with this member is gone: what it has not answered may not have arrived.
    pub fn lost(&mut self, key: &PublicKey, now: Timestamp) -> Vec<Effect> {
        self.queue.unreachable(key, now);
        self.keep_back(key);
        // One that has no place for us takes the handshake and closes at once.
        self.call_failed(key, now);
        self.take_effects()
    }

    /// What was to leave as soon as that was stored leaves in its turn in the next session, not before
    /// what came before it.
    fn keep_back(&mut self, key: &PublicKey) {
        let leaves = |effect: &Effect| matches!(effect, Effect::Deliver { to, .. } if to == key);
        self.promises.retain(|(_, effect)| !leaves(effect));
    }

    /// No session with this member can be made.
    pub fn unreachable(&mut self, key: &PublicKey, now: Timestamp) -> Vec<Effect> {
        self.queue.unreachable(key, now);
        self.keep_back(key);
        self.call_failed(key, now);
        self.take_effects()
    }

    fn call_failed(&mut self, key: &PublicKey, now: Timestamp) {
        let numbers = self.queue.numbers_for(key);
        if numbers.is_empty() {
            self.failed_calls.remove(key);
            return;
        }
        let failed = self.failed_calls.entry(*key).or_default();
        *failed = failed.saturating_add(1);
        if *failed < FAILED_CALLS || !self.live.contains(key) {
            return;
        }
        self.failed_calls.remove(key);
        for number in numbers {
            self.edit(number, |entry| {
                entry.facts.broadcast = true;
                entry.facts.attempted = true;
                entry.facts.reason = Reason::cut(
                    "its recipient is alive, but can't be dialled: it goes by way of the network",
                );
            });
            self.store(number);
            self.pass_on_at(number, now);
        }
    }

    /// The tracker's word on who is alive, of all members. Who is so again is called at once.
    pub fn members_live(&mut self, live: HashSet<PublicKey>, now: Timestamp) -> Vec<Effect> {
        for back in live.difference(&self.live) {
            self.queue.hurry(back);
        }
        self.live = live;
        self.call(now);
        self.take_effects()
    }

    /// A receipt came in a session with `from`.
    pub fn receipt(&mut self, from: &PublicKey, receipt: &Receipt, now: Timestamp) -> Vec<Effect> {
        self.queue.answered(from);
        let said = &receipt.statement;
        let number = self.by_id.get(&said.transaction).copied();
        let meant = number.and_then(|number| Some((number, self.entries.get(&number)?.facts.to)));
        let Some((number, to)) = meant else {
            return Vec::new();
        };
        if to != *from || receipt.check(&self.config.network, &to).is_err() {
            return Vec::new();
        }
        self.failed_calls.remove(from);
        match said.verdict {
            Verdict::Accepted => self.accepted(number, now),
            Verdict::Refused => {
                self.queue.remove(number);
                self.end(number, End::Refused, &said.reason);
            }
            Verdict::NotYet => {
                self.queue.set_aside(number, now);
                let reason = said.reason.clone();
                self.edit(number, |entry| entry.facts.reason = reason);
            }
        }
        self.deliver(from, now);
        self.take_effects()
    }

    fn accepted(&mut self, number: u64, now: Timestamp) {
        self.queue.remove(number);
        self.edit(number, |entry| {
            entry.facts.delivered_at.get_or_insert(now);
            entry.facts.end = None;
            entry.facts.reason = Reason::default();
        });
        self.store(number);
        let nowhere = self.entries.get(&number);
        if nowhere.is_some_and(|entry| entry.place == Place::Nowhere) {
            self.pass_on_at(number, now.plus_ms(PASS_ON_WITHIN_MS));
        }
        self.tell(number);
    }

    /// Withdraws what has never left. The answer is a promise and follows with the write.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn withdraw(&mut self, ticket: u64, id: &TransactionId) -> Result<Vec<Effect>, OrderError> {
        let number = self.by_id.get(id).ok_or(OrderError::NotWaiting)?;
        let (&number, entry) = (number, &self.entries[number]);
        if entry.facts.attempted {
            return Err(OrderError::Attempted(entry.facts.expires_at));
        }
        if entry.facts.end.is_some() || entry.place != Place::Nowhere {
            return Err(OrderError::NotWaiting);
        }
        self.end(
            number,
            End::Cancelled,
            &Reason::cut("withdrawn by its owner"),
        );
        let answer = Ok(number);
        self.after_rows(Effect::Answer { ticket, answer });
        Ok(self.take_effects())
    }

    /// Tries again at once what waits, for its recipient or for its coins.
    ///
    /// # Errors
    /// [`OrderError::NotWaiting`].
    pub fn retry(&mut self, id: &TransactionId, now: Timestamp) -> Result<Vec<Effect>, OrderError> {
        let &number = self.by_id.get(id).ok_or(OrderError::NotWaiting)?;
        let entry = &self.entries[&number];
        if entry.place != Place::Nowhere {
            return Err(OrderError::NotWaiting);
        }
        if self.queue.hurry_one(number) {
            let to = entry.facts.to;
            self.deliver(&to, now);
        } else {
            self.edit(number, |entry| entry.facts.end = None);
            self.store(number);
            self.pass_on_at(number, now);
        }
        self.call(now);
        self.due_to_network(now);
        Ok(self.take_effects())
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let ticked = self.queue.tick(now);
        for number in ticked.expired {
            self.kept_for_too_long(number);
        }
        for key in ticked.silent {
            self.keep_back(&key);
            for number in self.queue.numbers_for(&key) {
                self.edit(number, |entry| {
                    entry.facts.reason = Reason::cut("its recipient does not answer");
                });
            }
        }
        self.call(now);
        for key in self.queue.ready(now) {
            self.deliver(&key, now);
        }
        self.due_to_network(now);
        self.take_effects()
    }

    fn kept_for_too_long(&mut self, number: u64) {
        let Some(entry) = self.entries.get(&number) else {
            return;
        };
        let facts = &entry.facts;
        let days = self.config.keep_ms / 86_400_000;
        let mut reason = format!("its recipient did not take it within {days} days");
        if facts.attempted {
            let until = facts.expires_at;
            reason.push_str(&format!("; it can be mined up to height {until}"));
        }
        if !facts.reason.is_empty() {
            reason.push_str(&format!("; last it was: {}", facts.reason));
        }
        self.end(number, End::Expired, &Reason::cut(&reason));
    }

    /// A send has come to an end. Where somebody else may still have it mined, it is followed on.
    fn end(&mut self, number: u64, end: End, reason: &Reason) {
        self.queue.remove(number);
        self.leave_passing_on(number);
        self.edit(number, |entry| {
            entry.facts.end = Some(end);
            entry.facts.reason = reason.clone();
        });
        self.store(number);
        self.tell(number);
        let Some(entry) = self.entries.get(&number) else {
            return;
        };
        let told = matches!(end, End::Refused | End::Cancelled) || !entry.facts.attempted;
        if told && entry.place == Place::Nowhere {
            self.finish(number);
        }
    }

    fn call(&mut self, now: Timestamp) {
        let calls = self.queue.calls(now);
        self.effects.extend(calls.into_iter().map(Effect::Reach));
    }

    fn deliver(&mut self, key: &PublicKey, now: Timestamp) {
        for number in self.queue.next(key, now) {
            let mut first = false;
            self.edit(number, |entry| {
                entry.tries = entry.tries.saturating_add(1);
                first = !std::mem::replace(&mut entry.facts.attempted, true);
            });
            if first {
                // Stored before it leaves: nobody can take it back from then on.
                self.store(number);
            }
            self.after_rows(Effect::Deliver { number, to: *key });
        }
    }

    /// Hands to the network what is due.
    fn due_to_network(&mut self, now: Timestamp) {
        while let Some(&(due, number)) = self.passing_on.first()
            && due <= now
            && self.with_ledger.len() < MAX_PASSING_ON
        {
            self.pass_on(number, now);
        }
    }

    fn pass_on(&mut self, number: u64, now: Timestamp) {
        // Again, should it not become open by then.
        self.pass_on_at(number, now.plus_ms(LONGEST_RETRY_MS));
        if self.with_ledger.insert(number) {
            self.after_rows(Effect::PassOn { number });
        }
    }

    fn pass_on_at(&mut self, number: u64, due: Timestamp) {
        self.leave_passing_on(number);
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.pass_on = Some(due);
            self.passing_on.insert((due, number));
        }
    }

    fn leave_passing_on(&mut self, number: u64) {
        if let Some(entry) = self.entries.get_mut(&number)
            && let Some(due) = entry.pass_on.take()
        {
            self.passing_on.remove(&(due, number));
        }
    }

    fn edit(&mut self, number: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(&number) {
            self.reserved -= entry.held();
            change(entry);
            self.reserved += entry.held();
        }
    }

    /// It is not looked after any more; its rows stay for the history.
    fn finish(&mut self, number: u64) {
        self.queue.remove(number);
        self.leave_passing_on(number);
        if let Some(entry) = self.entries.remove(&number) {
            self.reserved -= entry.held();
            self.by_id.remove(&entry.facts.id);
            self.by_expiry.remove(&(entry.facts.expires_at, number));
            if let Place::Mined(height) = entry.place {
                self.settling.remove(&(height, number));
            }
            self.rows.push((mark_key(number), None));
        }
    }

    fn store(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(&number) {
            let facts = canonical::encode(&entry.facts);
            self.rows.push((facts_key(number), Some(facts)));
        }
    }

    fn tell(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(&number) {
            self.effects.push(Effect::Tell {
                id: entry.facts.id,
                state: entry.facts.state(entry.place),
                reason: entry.facts.reason.clone(),
            });
        }
    }

    /// Lets it follow everything that is decided and not written yet.
    fn after_rows(&mut self, effect: Effect) {
        let last = self.batches + u64::from(!self.rows.is_empty());
        if last <= self.committed {
            self.effects.push(effect);
        } else {
            self.promises.push_back((last, effect));
        }
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        if !self.rows.is_empty() {
            self.batches += 1;
            let commit = Effect::Commit {
                batch: self.batches,
                rows: std::mem::take(&mut self.rows),
            };
            // Before all else: whatever else there is to do may lead back here, and to the next batch.
            self.effects.insert(0, commit);
        }
        std::mem::take(&mut self.effects)
    }

    /// How much waits.
    pub fn waiting(&self) -> Waiting {
        Waiting {
            queued: self.queue.len(),
            bytes: self.queue.bytes(),
            reserved: Amount(u64::try_from(self.reserved).unwrap_or(u64::MAX)),
        }
    }

    /// What is looked after and neither open nor mined, the oldest first, at most `limit`.
    pub fn lines(&self, limit: usize) -> Vec<Line> {
        let unsettled = self.entries.iter();
        let unsettled = unsettled.filter(|(_, entry)| entry.place == Place::Nowhere);
        let line = |(&number, entry): (&u64, &Entry)| Line {
            number,
            facts: entry.facts.clone(),
            place: entry.place,
            standing: self.queue.standing(number),
            tries: entry.tries,
        };
        unsettled.take(limit).map(line).collect()
    }
}
