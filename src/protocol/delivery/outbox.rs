//! The outbox: what this node's owner sends, until it is known what became of it.
//!
//! A send is stored before anything else happens to it, goes straight to its recipient until that one
//! has signed a receipt, and is handed to the network by this node itself if the recipient, having
//! signed, does not. Delivery is a stored fact; whether a send is open or mined is the ledger's to say,
//! and is only followed here: a reorganisation can take a mined one back.

use super::rows::{
    self, Cursor, DeliveryRows, End, Place, Reason, SendFacts, facts_key, mark_key, place_of,
};
use super::walk::Walk;
use crate::canonical;
use crate::chain::{Amount, EncodedTransaction, Height, Internal, StateView, TransactionId};
use crate::clock::{Now, SteadyTime};
use crate::keys::PublicKey;
use crate::protocol::backoff::Backoff;
use crate::protocol::commit_queue::CommitQueue;
use crate::protocol::retry::{LONGEST_RETRY_MS, RetryQueue};
use sending::{Asked, Unfunded};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

mod delivering;
mod effect;
mod elsewhere;
mod following;
mod sending;
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

struct Entry {
    facts: SendFacts,
    place: Place,
    /// When it is handed to the network.
    pass_on: Option<SteadyTime>,
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
    passing_on: BTreeSet<(SteadyTime, u64)>,
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
    /// What waits for what can be spent, and what the asking for it goes on for.
    unfunded: Vec<Unfunded>,
    asked: Option<Asked>,
    /// Sends from elsewhere whose rows are not on the disk yet, and the batch they are in.
    taken_up: HashMap<TransactionId, u64>,
    walk: Walk,
    decided: CommitQueue<Effect>,
}

impl Outbox {
    /// Takes up what was not settled when the node ended.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn open(
        config: Config,
        rows: &dyn DeliveryRows,
        chain: &dyn StateView,
        tip: Height,
        now: Now,
    ) -> Result<Self, Internal> {
        let walk = Walk::open(config.network, rows)?;
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
            unfunded: Vec::new(),
            asked: None,
            taken_up: HashMap::new(),
            walk,
            decided: CommitQueue::default(),
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

    fn take_up(&mut self, number: u64, mut entry: Entry, now: Now) {
        let facts = &entry.facts;
        self.by_id.insert(facts.id, number);
        self.by_expiry.insert((facts.expires_at, number));
        if let Place::Mined(height) = entry.place {
            self.settling.insert((height, number));
        } else if facts.end.is_none() {
            if entry.goes_to_network() {
                let due = now.steady.plus_ms(PASS_ON_WITHIN_MS);
                entry.pass_on = Some(due);
                self.passing_on.insert((due, number));
            } else {
                let expires = now.steady.plus_ms(self.config.keep_ms);
                self.queue.push(number, facts.to, facts.size, expires);
            }
        }
        self.reserved += entry.held();
        self.entries.insert(number, entry);
    }

    /// The disk holds all batches up to and including this one.
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        self.taken_up.retain(|_, taken| *taken > batch);
        self.decided.committed(batch);
        self.take_effects()
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        self.decided
            .take(|batch, rows| Effect::Commit { batch, rows })
    }

    /// Gives a new send its number, and has it written.
    fn begin(&mut self, transaction: &EncodedTransaction, entry: Entry) -> u64 {
        let number = self.next;
        self.next += 1;
        let (id, expires_at) = (entry.facts.id, entry.facts.expires_at);
        for row in rows::begun(number, &id, transaction.bytes().to_vec()) {
            self.decided.write(row);
        }
        self.by_id.insert(id, number);
        self.by_expiry.insert((expires_at, number));
        self.reserved += entry.held();
        self.entries.insert(number, entry);
        self.store(number);
        number
    }

    fn walked(&mut self, to: Cursor) {
        let row = self.walk.moved(to, self.decided.is_writing());
        if let Some(row) = row {
            self.decided.write(row);
        }
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

    /// Hands to the network what is due.
    fn due_to_network(&mut self, now: Now) {
        while let Some(&(due, number)) = self.passing_on.first()
            && due <= now.steady
            && self.with_ledger.len() < MAX_PASSING_ON
        {
            self.pass_on(number, now);
        }
    }

    fn pass_on(&mut self, number: u64, now: Now) {
        // Again, should it not become open by then.
        self.pass_on_at(number, now.steady.plus_ms(LONGEST_RETRY_MS));
        if self.with_ledger.insert(number) {
            self.decided.after_rows(Effect::PassOn { number });
        }
    }

    fn pass_on_at(&mut self, number: u64, due: SteadyTime) {
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
            self.decided.write((mark_key(number), None));
        }
    }

    fn store(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(&number) {
            let facts = canonical::encode(&entry.facts);
            self.decided.write((facts_key(number), Some(facts)));
        }
    }

    fn tell(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(&number) {
            self.decided.at_once(Effect::Tell {
                id: entry.facts.id,
                state: entry.facts.state(entry.place),
                reason: entry.facts.reason.clone(),
            });
        }
    }

    /// How much waits.
    pub fn waiting(&self) -> Waiting {
        Waiting {
            queued: self.queue.len(),
            bytes: self.queue.bytes(),
            reserved: Amount(u64::try_from(self.reserved).unwrap_or(u64::MAX)),
        }
    }

    /// What is looked after and neither open nor mined, the oldest first: behind the number `after`, at
    /// most `limit`.
    pub fn lines(&self, after: Option<u64>, limit: usize) -> Vec<Line> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let unsettled = self.entries.range((from, Bound::Unbounded));
        let unsettled = unsettled.filter(|(_, entry)| entry.place == Place::Nowhere);
        let line = |(&number, entry)| self.line_of(number, entry);
        unsettled.take(limit).map(line).collect()
    }

    /// A send that is looked after.
    pub fn line(&self, id: &TransactionId) -> Option<Line> {
        let number = *self.by_id.get(id)?;
        Some(self.line_of(number, self.entries.get(&number)?))
    }

    fn line_of(&self, number: u64, entry: &Entry) -> Line {
        Line {
            number,
            facts: entry.facts.clone(),
            place: entry.place,
            standing: self.queue.standing(number),
            tries: entry.tries,
        }
    }
}
