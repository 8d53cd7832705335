//! The outbox: what this node's owner sends, until it is known what became of it.
//!
//! A send is stored before anything else happens to it, goes straight to its recipient until that one
//! has signed a receipt, and is handed to the network by this node itself if the recipient, having
//! signed, does not, or can't be reached for a while. Delivery is a stored fact; whether a send is open or mined is the ledger's to say,
//! and is only followed here: a reorganisation can take a mined one back.

use super::rows::{
    self, Cursor, DeliveryRows, End, Place, Reason, Route, SendFacts, awake_key, facts_key,
    mark_key, place_of,
};
use crate::canonical;
use crate::chain::awake::Awake;
use crate::chain::{Amount, EncodedTransaction, Height, Internal, StateView, TransactionId};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::protocol::Row;
use crate::protocol::commit_queue::CommitQueue;
use crate::protocol::retry::RetryQueue;
use by_network::ByNetwork;
use elsewhere::Elsewhere;
use entries::{Entries, Entry};
use funding::Funding;
use passing_on::PassingOn;
use receipts::Receipts;
use requests::Requests;
use std::collections::{BTreeSet, HashSet};

mod by_network;
mod delivering;
mod effect;
mod elsewhere;
mod entries;
mod following;
mod funding;
mod passing_on;
mod receipts;
mod requests;
mod sending;
#[cfg(test)]
mod tests;

pub use effect::{Config, Effect, Line, OrderError, SendError, Waiting};
pub use funding::Wish;
pub use passing_on::PASS_ON_WITHIN_MS;
pub use requests::{MAX_SETTLED_KEYS, Request};

/// Most sends that wait for their recipients.
pub const MAX_WAITING: usize = 100_000;
/// Most bytes of sends that wait.
pub const MAX_WAITING_BYTES: usize = 256 * 1024 * 1024;
/// The machine.
pub struct Outbox {
    config: Config,
    entries: Entries,
    /// What is on its way to its recipient.
    queue: RetryQueue<PublicKey>,
    passing_on: PassingOn,
    by_network: ByNetwork,
    awake: Awake,
    /// Members that the tracker finds alive.
    live: HashSet<PublicKey>,
    /// Who is put out of the network.
    out: BTreeSet<PublicKey>,
    funding: Funding,
    receipts: Receipts,
    elsewhere: Elsewhere,
    requests: Requests,
    next: u64,
    tip: Height,
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
        let mut outbox = Self {
            config,
            entries: Entries::default(),
            queue: RetryQueue::new(config.limits, config.seed),
            passing_on: PassingOn::new(config.seed),
            by_network: ByNetwork::new(config.by_network_after_ms),
            awake: Awake::go_on(rows::awake(rows)?, now.steady),
            live: HashSet::new(),
            out: BTreeSet::new(),
            funding: Funding::default(),
            receipts: Receipts::default(),
            elsewhere: Elsewhere::open(config.network, rows)?,
            requests: Requests::default(),
            next: rows::next_number(rows)?,
            tip,
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
        outbox.requests = Requests::open(rows, |number| outbox.entries.get(number).is_some())?;
        Ok(outbox)
    }

    fn take_up(&mut self, number: u64, entry: Entry, now: Now) {
        let facts = &entry.facts;
        let is_mined = matches!(entry.place, Place::Mined(_));
        if !is_mined && facts.end.is_none() {
            if entry.goes_to_network() {
                let due = now.steady.plus_ms(PASS_ON_WITHIN_MS);
                self.passing_on.at(number, due);
            }
            if facts.route.is_delivered() && facts.delivered_at.is_none() {
                self.deliver_later(number, facts, now);
            }
        }
        self.entries.insert(number, entry);
    }

    /// It waits for its recipient, for as long as is left of its time.
    fn deliver_later(&mut self, number: u64, facts: &SendFacts, now: Now) {
        let waited = self.awake.at(now.steady).since(facts.queued_awake);
        let expires = now
            .steady
            .plus_ms(self.config.keep_ms.saturating_sub(waited));
        self.queue.push(number, facts.to, facts.size, expires);
        if facts.route == Route::Direct {
            self.by_network.begin(number, now.steady);
        }
    }

    /// The row that says how long this node was awake, if the stored one is too old.
    fn awake_row(&mut self, now: Now) -> Option<Row> {
        let awake = self.awake.to_store(now.steady)?;
        Some((awake_key(), Some(canonical::encode(&awake))))
    }

    /// It waits for its recipient no more.
    fn stop_delivering(&mut self, number: u64) {
        self.queue.remove(number);
        self.by_network.leave(number);
    }

    /// The disk holds all batches up to and including this one.
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        self.elsewhere.committed(batch);
        self.decided.committed(batch);
        self.take_effects()
    }

    /// Whether nothing follows from a batch but what is told of it: it may wait for the next.
    pub fn is_idle(&self, batch: u64) -> bool {
        self.decided.is_idle(batch)
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        self.decided
            .take(|batch, rows| Effect::Commit { batch, rows })
    }

    /// Gives a new send its number, and has it written.
    fn begin(&mut self, transaction: &EncodedTransaction, entry: Entry) -> u64 {
        let number = self.next;
        self.next += 1;
        let body = transaction.bytes();
        for row in rows::begun(number, &entry.facts.id, body) {
            self.decided.write(row);
        }
        self.entries.insert(number, entry);
        self.store(number);
        number
    }

    fn walked(&mut self, to: Cursor) {
        let row = self.elsewhere.walk.moved(to, self.decided.is_writing());
        if let Some(row) = row {
            self.decided.write(row);
        }
    }

    /// A send has come to an end. Where somebody else may still have it mined, it is followed on.
    fn end(&mut self, number: u64, end: End, reason: &Reason) {
        self.stop_delivering(number);
        self.passing_on.leave(number);
        self.entries.edit(number, |entry| {
            entry.facts.end = Some(end);
            entry.facts.reason = reason.clone();
        });
        self.store(number);
        self.tell(number);
        let Some(entry) = self.entries.get(number) else {
            return;
        };
        // What holds nothing back needs no looking after; what it comes to is read off the chain.
        if entry.place == Place::Nowhere && entry.reserved() == 0 {
            self.finish(number);
        }
    }

    /// Hands to the network what is due.
    fn due_to_network(&mut self, now: Now) {
        while let Some(number) = self.passing_on.next(now.steady) {
            self.pass_on(number, now);
        }
    }

    fn pass_on(&mut self, number: u64, now: Now) {
        if self.passing_on.begin(number, now.steady) {
            let fresh = None;
            self.decided.after_rows(Effect::PassOn { number, fresh });
        }
    }

    /// It is not looked after any more; its rows stay for the history.
    fn finish(&mut self, number: u64) {
        self.stop_delivering(number);
        self.passing_on.opened(number);
        if self.entries.remove(number).is_some() {
            self.decided.write((mark_key(number), None));
            let row = self.requests.settle(number);
            row.into_iter().for_each(|row| self.decided.write(row));
        }
    }

    fn store(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(number) {
            let facts = canonical::encode(&entry.facts);
            self.decided.write((facts_key(number), Some(facts)));
        }
    }

    /// Why it still waits: told, and stored, so that it can be said after a restart as well.
    fn say(&mut self, number: u64, reason: Reason) {
        let is_new = self.entries.edit(number, |entry| {
            let before = std::mem::replace(&mut entry.facts.reason, reason);
            before != entry.facts.reason
        });
        if is_new == Some(true) {
            self.store(number);
            self.tell(number);
        }
    }

    fn tell(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(number) {
            self.decided.tell_after_rows(Effect::Tell {
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
            reserved: coins(self.entries.reserved()),
            held: coins(self.entries.held()),
        }
    }

    /// What is looked after and neither open nor mined, the oldest first: behind the number `after`, at
    /// most `limit`.
    pub fn lines(&self, after: Option<u64>, limit: usize) -> Vec<Line> {
        let unsettled = self.entries.unsettled_after(after).take(limit);
        unsettled
            .map(|(number, entry)| self.line_of(number, entry))
            .collect()
    }

    /// A send that is looked after.
    pub fn line(&self, id: &TransactionId) -> Option<Line> {
        let (number, entry) = self.entries.find(id)?;
        Some(self.line_of(number, entry))
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

fn coins(sum: u128) -> Amount {
    Amount(u64::try_from(sum).unwrap_or(u64::MAX))
}
