//! The open transactions: valid, not mined yet.

mod judged;
mod limits;
mod place;
mod room;
mod slots;

pub use limits::MempoolLimits;
pub use place::{NoPlace, OpenPlace};

use super::awake::AwakeTime;
use super::fold_hash::{FoldMap, FoldSet};
use super::free_use::FreeUse;
use super::rows::StateView;
use super::{
    Action, Amount, EncodedTransaction, Height, Internal, Rejection, Topic, TransactionId,
};
use crate::keys::PublicKey;
use judged::Judged;
use place::Place;
use slots::{Entry, Slot, Slots};
use std::collections::{BTreeMap, BTreeSet, hash_map};
use std::ops::Bound;

/// On which terms a transaction is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// It needs no fee, whoever sends it.
    pub is_free: bool,
    /// It pays no fee and counts against its sender's budget.
    pub is_budgeted: bool,
}

/// Why a transaction is open no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It is in a block of the connected chain.
    Mined,
    /// Its last height has passed.
    Expired,
    /// It was open here for a day, and nobody mined it. Others may still do.
    TimedOut,
    /// Better paying ones took its place.
    Evicted,
    /// Its sender's coins went elsewhere, or its application refuses it now.
    Conflicted,
    /// Its sender was put out of the network, and has nothing open free of charge. Let back, it may offer it again.
    PutOut,
}

/// What one sender has open: a list through the entries, since most have only one.
#[derive(Default)]
struct Account {
    /// The one that came last; where there is none, there is no account.
    latest: Option<Slot>,
    /// What they take in memory.
    taken: usize,
    /// Bytes that count against the budget of what is sent without a fee.
    budgeted: u64,
    /// Bytes without a fee that do not.
    outside: usize,
    cost: u128,
}

/// The open transactions of one node. Every sender's open transactions together never cost more
/// than the balance they were judged against, so that all of them can be mined.
pub struct Mempool {
    limits: MempoolLimits,
    entries: Slots,
    /// Worst first.
    queue: BTreeMap<Place, Slot>,
    /// By last height and number of arrival, so that what expires is found without looking at the rest.
    by_expiry: BTreeMap<(Height, u64), Slot>,
    /// By time of arrival, likewise.
    by_arrival: BTreeMap<(AwakeTime, u64), Slot>,
    accounts: FoldMap<PublicKey, Account>,
    members: FoldSet<PublicKey>,
    /// Who was put out: nothing of theirs is open free of charge.
    out: BTreeSet<PublicKey>,
    judged: Judged,
    bytes: usize,
    /// What all take in memory, and what those among them that count against budgets do.
    taken: usize,
    free_taken: usize,
    free_use: FreeUse,
    arrivals: u64,
}

impl Mempool {
    /// An empty one.
    pub fn new(limits: MempoolLimits) -> Self {
        Self {
            limits,
            entries: Slots::default(),
            queue: BTreeMap::new(),
            by_expiry: BTreeMap::new(),
            by_arrival: BTreeMap::new(),
            accounts: FoldMap::default(),
            members: FoldSet::default(),
            out: BTreeSet::new(),
            judged: Judged::default(),
            bytes: 0,
            taken: 0,
            free_taken: 0,
            free_use: FreeUse::default(),
            arrivals: 0,
        }
    }

    /// Keeps apart the records of topics that applications judge.
    pub fn judging<'t>(mut self, topics: impl IntoIterator<Item = &'t Topic>) -> Self {
        self.judged = Judged::under(topics);
        self
    }

    /// What was mined without a fee of late.
    pub(super) fn free_use_mut(&mut self) -> &mut FreeUse {
        &mut self.free_use
    }

    /// Bytes that a sender has sent without a fee of late, open and mined.
    pub fn free_bytes_of(&self, sender: &PublicKey) -> u64 {
        let open = self.accounts.get(sender).map_or(0, |a| a.budgeted);
        self.free_use.of(sender) + open
    }

    /// Whether this one is open and counts against its sender's budget.
    pub fn is_budgeted(&self, id: &TransactionId) -> bool {
        self.entry(id).is_some_and(|entry| entry.is_budgeted)
    }

    /// What they take in memory, with everything that is kept for each.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// What this one takes in memory.
    fn takes(&self, transaction: &EncodedTransaction) -> usize {
        transaction.size() + self.limits.entry_bytes
    }

    /// The open records that applications are to judge again after a move of the chain: those of the senders
    /// who had something in its blocks, of which most is known to have changed, and others in turn, so that a
    /// move costs no more however many are open.
    pub fn next_to_judge(&mut self, senders: &BTreeSet<PublicKey>) -> BTreeSet<TransactionId> {
        let most = self.limits.judged_again;
        let concerned = senders.iter().flat_map(|key| self.open_of(key));
        let concerned = concerned.map(EncodedTransaction::id);
        let concerned = concerned.filter(|id| self.judged.contains(id));
        let mut again: BTreeSet<_> = concerned.take(most).collect();
        again.extend(self.judged.turn(most));
        again
    }

    /// What a sender has open, the latest first.
    fn open_of(&self, sender: &PublicKey) -> impl Iterator<Item = &EncodedTransaction> {
        let slots = std::iter::successors(self.latest_of(sender), |slot| {
            self.entries.get(*slot)?.older
        });
        slots.filter_map(|slot| self.in_slot(slot))
    }

    /// Number of open transactions.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Their bytes together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether this one is open.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.entries.find(id).is_some()
    }

    /// An open transaction.
    pub fn get(&self, id: &TransactionId) -> Option<&EncodedTransaction> {
        self.entry(id).map(|entry| &entry.transaction)
    }

    fn entry(&self, id: &TransactionId) -> Option<&Entry> {
        self.entries.get(self.entries.find(id)?)
    }

    fn in_slot(&self, slot: Slot) -> Option<&EncodedTransaction> {
        self.entries.get(slot).map(|entry| &entry.transaction)
    }

    /// Some of them, best fee first: behind the place `after`, at most `limit`; and the place of the last
    /// one, if more follow.
    pub fn page(
        &self,
        after: Option<OpenPlace>,
        limit: usize,
    ) -> (Vec<EncodedTransaction>, Option<OpenPlace>) {
        let end = after.map_or(Bound::Unbounded, |place| Bound::Excluded(place.0));
        let mut places = self.queue.range((Bound::Unbounded, end)).rev();
        let mut last = None;
        let transactions = places.by_ref().take(limit).filter_map(|(place, slot)| {
            last = Some(OpenPlace(*place));
            self.in_slot(*slot).cloned()
        });
        let transactions = transactions.collect();
        (transactions, last.filter(|_| places.next().is_some()))
    }

    /// Records that applications judge, in the order of their ids; at most so many.
    pub fn judged(&self, most: usize) -> Vec<EncodedTransaction> {
        let records = self.judged.open().take(most);
        records.filter_map(|id| self.get(id).cloned()).collect()
    }

    /// All of them, best fee first.
    pub fn by_fee(&self) -> impl Iterator<Item = &EncodedTransaction> {
        let best_first = self.queue.values().rev();
        best_first.filter_map(|slot| self.in_slot(*slot))
    }

    /// Coins that a sender's open transactions will cost.
    pub fn promised(&self, sender: &PublicKey) -> u128 {
        self.accounts.get(sender).map_or(0, |account| account.cost)
    }

    /// Whether a sender has open transactions.
    pub fn has_open(&self, sender: &PublicKey) -> bool {
        self.accounts.contains_key(sender)
    }

    /// Tells who may send without a fee, instead of whoever might before.
    pub fn set_members(&mut self, members: impl IntoIterator<Item = PublicKey>) {
        self.members = members.into_iter().collect();
    }

    /// Takes a transaction in if [`Mempool::judge`] has nothing against it; returns those that had
    /// to leave for it.
    ///
    /// # Errors
    /// As [`Mempool::judge`].
    pub fn insert(
        &mut self,
        transaction: EncodedTransaction,
        view: &dyn StateView,
        terms: Terms,
        now: AwakeTime,
    ) -> Result<Vec<TransactionId>, Rejection> {
        self.check_stranger(&transaction, terms)?;
        self.take_back(transaction, view, terms, now)
    }

    /// As [`Mempool::insert`], for one that was open or mined before: whether its sender may send
    /// without a fee was judged then.
    ///
    /// # Errors
    /// As [`Mempool::judge`].
    pub fn take_back(
        &mut self,
        transaction: EncodedTransaction,
        view: &dyn StateView,
        terms: Terms,
        now: AwakeTime,
    ) -> Result<Vec<TransactionId>, Rejection> {
        let leaving = self.room_to_return(&transaction, view, terms)?;
        for id in &leaving {
            self.remove(id);
        }
        self.arrivals += 1;
        let (arrival, expires_at) = (self.arrivals, transaction.payload().expires_at);
        let sent = self.sent_on(&transaction, terms);
        let place = Place::of(&transaction, sent, arrival);
        let older = self.latest_of(&transaction.payload().sender);
        let slot = self.entries.insert(Entry {
            transaction: transaction.clone(),
            sent,
            arrival,
            arrived: now,
            is_budgeted: terms.is_budgeted,
            older,
            newer: None,
        });
        if let Some(older) = older.and_then(|older| self.entries.get_mut(older)) {
            older.newer = Some(slot);
        }
        self.count_in(&transaction, terms.is_budgeted, slot);
        self.judged.note(&transaction);
        self.queue.insert(place, slot);
        self.by_expiry.insert((expires_at, arrival), slot);
        self.by_arrival.insert((now, arrival), slot);
        Ok(leaving)
    }

    /// The last of a sender's open transactions.
    fn latest_of(&self, sender: &PublicKey) -> Option<Slot> {
        self.accounts.get(sender).and_then(|account| account.latest)
    }

    /// It counts in all sums, and is its sender's latest.
    fn count_in(&mut self, transaction: &EncodedTransaction, is_budgeted: bool, slot: Slot) {
        let (takes, size) = (self.takes(transaction), transaction.size());
        self.bytes += size;
        self.taken += takes;
        if is_budgeted {
            self.free_taken += takes;
        }
        let payload = transaction.payload();
        let account = self.accounts.entry(payload.sender).or_default();
        account.latest = Some(slot);
        account.taken += takes;
        if is_budgeted {
            account.budgeted += size as u64;
        } else if payload.fee == Amount::ZERO {
            account.outside += size;
        }
        account.cost += payload.cost().map_or(0, |cost| u128::from(cost.0));
    }

    /// It counts no more; `latest` is its sender's latest now.
    fn count_out(
        &mut self,
        transaction: &EncodedTransaction,
        is_budgeted: bool,
        latest: Option<Slot>,
    ) {
        let (takes, size) = (self.takes(transaction), transaction.size());
        self.bytes -= size;
        self.taken -= takes;
        if is_budgeted {
            self.free_taken -= takes;
        }
        let payload = transaction.payload();
        if let hash_map::Entry::Occupied(mut held) = self.accounts.entry(payload.sender) {
            let account = held.get_mut();
            account.latest = latest;
            account.taken -= takes;
            if is_budgeted {
                account.budgeted -= size as u64;
            } else if payload.fee == Amount::ZERO {
                account.outside -= size;
            }
            account.cost -= payload.cost().map_or(0, |cost| u128::from(cost.0));
            if account.latest.is_none() {
                held.remove();
            }
        }
    }

    /// Tells who was put out, instead of whoever was before; takes out what these have open without a fee, and
    /// says what.
    pub fn put_out(&mut self, out: BTreeSet<PublicKey>) -> Vec<TransactionId> {
        let open = out.iter().flat_map(|key| self.open_of(key));
        let free = open.filter(|open| open.payload().fee == Amount::ZERO);
        let gone: Vec<_> = free.map(EncodedTransaction::id).collect();
        for id in &gone {
            self.remove(id);
        }
        self.out = out;
        gone
    }

    /// Takes a transaction out; `None` if it was not open.
    pub fn remove(&mut self, id: &TransactionId) -> Option<EncodedTransaction> {
        self.take_out(self.entries.find(id)?)
    }

    fn take_out(&mut self, slot: Slot) -> Option<EncodedTransaction> {
        let Entry {
            transaction,
            sent,
            arrival,
            arrived,
            is_budgeted,
            older,
            newer,
        } = self.entries.remove(slot)?;
        self.queue.remove(&Place::of(&transaction, sent, arrival));
        self.by_arrival.remove(&(arrived, arrival));
        let payload = transaction.payload();
        self.by_expiry.remove(&(payload.expires_at, arrival));
        self.judged.forget(&transaction.id());
        if let Some(entry) = older.and_then(|older| self.entries.get_mut(older)) {
            entry.newer = newer;
        }
        if let Some(entry) = newer.and_then(|newer| self.entries.get_mut(newer)) {
            entry.older = older;
        }
        let latest = match newer {
            Some(_) => self.latest_of(&payload.sender),
            None => older,
        };
        self.count_out(&transaction, is_budgeted, latest);
        Some(transaction)
    }

    /// After `sender`'s balance changed: takes out its latest transactions until the rest is
    /// covered; returns them.
    pub fn rejudge(
        &mut self,
        sender: &PublicKey,
        view: &dyn StateView,
    ) -> Result<Vec<TransactionId>, Internal> {
        let mut gone = Vec::new();
        let balance = u128::from(view.balance(sender)?.0);
        while let Some(account) = self.accounts.get(sender)
            && account.cost > balance
            && let Some(latest) = account.latest
            && let Some(transaction) = self.take_out(latest)
        {
            gone.push(transaction.id());
        }
        Ok(gone)
    }

    /// Takes out what can't be mined upon a tip at `tip` any more, or was open for too long; and says which
    /// it is.
    pub fn expire(&mut self, tip: Height, now: AwakeTime) -> Vec<(TransactionId, Closed)> {
        let mut gone = Vec::new();
        while let Some((&(expires_at, _), &slot)) = self.by_expiry.first_key_value()
            && expires_at <= tip
            && let Some(transaction) = self.take_out(slot)
        {
            gone.push((transaction.id(), Closed::Expired));
        }
        while let Some((&(arrived, _), &slot)) = self.by_arrival.first_key_value()
            && now.since(arrived) > self.limits.age_ms
            && let Some(transaction) = self.take_out(slot)
        {
            gone.push((transaction.id(), Closed::TimedOut));
        }
        gone
    }
}

#[cfg(test)]
mod tests;
