//! The open transactions: valid, not mined yet.

mod judged;
mod place;

pub use place::{NoPlace, OpenPlace};

use super::awake::AwakeTime;
use super::fold_hash::{FoldMap, FoldSet};
use super::free_use::FreeUse;
use super::rows::StateView;
use super::{
    Action, Amount, EncodedTransaction, Height, Internal, Rejected, Rejection, Topic, TransactionId,
};
use crate::keys::PublicKey;
use judged::Judged;
use place::{FeeRate, Place};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, hash_map};
use std::ops::Bound;

/// What all open transactions may take in memory: about 30 full blocks, and small against the memory of the
/// smallest machine.
const MAX_OPEN_BYTES: usize = 64_000_000;
/// What each takes beside its bytes, here, in the relay and in the orders of both, as measured: 382,622 small
/// ones took 476 MiB.
const ENTRY_BYTES: usize = 1_100;
/// How long a transaction may stay open, in milliseconds in which this node is awake: who is not mined within
/// a day should be told.
const MAX_OPEN_MS: u64 = 24 * 3_600_000;
/// One sender may take one part in so many, so that no single member fills the place for all.
const SENDER_SHARE: usize = 8;
/// What one sender may send without a fee within [`FREE_BLOCKS`](super::FREE_BLOCKS) blocks, bytes of those
/// that are open and of those that were mined: about 2,500 notes.
const FREE_BYTES: u64 = 1_000_000;
/// All transactions without a fee may take one part in so many: there is always room for who pays.
const FREE_SHARE: usize = 2;
/// What one sender may have open without a fee outside of that, in bytes: joins and such.
const OUTSIDE_BYTES: usize = 256 * 1024;
/// Open records that are judged again at a move of the chain at most, of the senders concerned, and as many of the
/// others: as many as a large network has members, some milliseconds. What waits for its turn is in no block
/// meanwhile, since a template judges what it takes.
const MAX_JUDGED_AGAIN: usize = 2_048;

/// How much the open transactions may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MempoolLimits {
    /// What all open transactions together may take in memory, in bytes.
    pub bytes: usize,
    /// What each takes beside its bytes.
    pub entry_bytes: usize,
    /// How long a transaction may stay open, in milliseconds in which this node is awake.
    pub age_ms: u64,
    /// One sender may take `bytes / share`.
    pub sender_share: usize,
    /// Bytes that one sender may send without a fee, open and in the last blocks.
    pub free_bytes: u64,
    /// All that counts against such budgets may take `bytes / share`.
    pub free_share: usize,
    /// Bytes without a fee that one sender may have open outside of its budget.
    pub outside_bytes: usize,
    /// Records that are judged again at a move of the chain, of the senders concerned and of the others.
    pub judged_again: usize,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            bytes: MAX_OPEN_BYTES,
            entry_bytes: ENTRY_BYTES,
            age_ms: MAX_OPEN_MS,
            sender_share: SENDER_SHARE,
            free_bytes: FREE_BYTES,
            free_share: FREE_SHARE,
            outside_bytes: OUTSIDE_BYTES,
            judged_again: MAX_JUDGED_AGAIN,
        }
    }
}

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
}

struct Entry {
    transaction: EncodedTransaction,
    place: Place,
    arrived: AwakeTime,
    is_budgeted: bool,
    /// The sender's open transactions that came before and after this one.
    older: Option<TransactionId>,
    newer: Option<TransactionId>,
}

/// What one sender has open: a list through the entries, since most have only one.
#[derive(Default)]
struct Account {
    /// The one that came last; where there is none, there is no account.
    latest: Option<TransactionId>,
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
    entries: FoldMap<TransactionId, Entry>,
    queue: BTreeSet<Place>,
    /// By last height, so that what expires is found without looking at the rest.
    by_expiry: BTreeMap<(Height, u64), TransactionId>,
    /// By time of arrival, likewise.
    by_arrival: BTreeMap<(AwakeTime, u64), TransactionId>,
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
            entries: FoldMap::default(),
            queue: BTreeSet::new(),
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
        self.entries.get(id).is_some_and(|entry| entry.is_budgeted)
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
        let concerned = concerned.filter(|id| self.judged.contains(id));
        let mut again: BTreeSet<_> = concerned.take(most).collect();
        again.extend(self.judged.turn(most));
        again
    }

    /// What a sender has open, the latest first.
    fn open_of(&self, sender: &PublicKey) -> impl Iterator<Item = TransactionId> {
        let latest = self.accounts.get(sender).and_then(|account| account.latest);
        std::iter::successors(latest, |id| self.entries.get(id)?.older)
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
        self.entries.contains_key(id)
    }

    /// An open transaction.
    pub fn get(&self, id: &TransactionId) -> Option<&EncodedTransaction> {
        self.entries.get(id).map(|entry| &entry.transaction)
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
        let transactions = places.by_ref().take(limit).filter_map(|place| {
            last = Some(OpenPlace(*place));
            self.get(&place.id).cloned()
        });
        let transactions = transactions.collect();
        (transactions, last.filter(|_| places.next().is_some()))
    }

    /// All of them, best fee first.
    pub fn by_fee(&self) -> impl Iterator<Item = &EncodedTransaction> {
        self.queue
            .iter()
            .rev()
            .filter_map(|place| self.entries.get(&place.id))
            .map(|e| &e.transaction)
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

    /// Judges whether a transaction may be open, as things stand. Form and signature are checked
    /// elsewhere; `view` is the state at the tip.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn judge(
        &self,
        transaction: &EncodedTransaction,
        view: &dyn StateView,
        terms: Terms,
    ) -> Result<(), Rejection> {
        self.check_stranger(transaction, terms)?;
        self.room_to_return(transaction, view, terms).map(drop)
    }

    fn check_stranger(
        &self,
        transaction: &EncodedTransaction,
        terms: Terms,
    ) -> Result<(), Rejected> {
        let payload = transaction.payload();
        if !terms.is_free && payload.fee == Amount::ZERO && !self.members.contains(&payload.sender)
        {
            return Err(Rejected::ZeroFeeStranger);
        }
        Ok(())
    }

    /// As [`Mempool::judge`], whoever the sender is: those that must leave for it.
    fn room_to_return(
        &self,
        transaction: &EncodedTransaction,
        view: &dyn StateView,
        terms: Terms,
    ) -> Result<Vec<TransactionId>, Rejection> {
        if self.contains(&transaction.id()) {
            return Err(Rejected::AlreadyOpen.into());
        }
        let payload = transaction.payload();
        if payload.fee == Amount::ZERO && self.out.contains(&payload.sender) {
            return Err(Rejected::ZeroFeeStranger.into());
        }
        if let Some(place) = view.mined(&transaction.id())? {
            return Err(Rejected::AlreadyMined(place.height).into());
        }
        self.check_funds(transaction, view)?;
        self.check_share(transaction, terms)?;
        Ok(self.room_for(transaction, terms)?)
    }

    fn check_funds(
        &self,
        transaction: &EncodedTransaction,
        view: &dyn StateView,
    ) -> Result<(), Rejection> {
        let payload = transaction.payload();
        let needed = payload.cost().ok_or(Rejected::Meaningless)?;
        let balance = u128::from(view.balance(&payload.sender)?.0);
        let available = balance.saturating_sub(self.promised(&payload.sender));
        if u128::from(needed.0) > available {
            let available = Amount(u64::try_from(available).unwrap_or(u64::MAX));
            return Err(Rejected::InsufficientFunds { available, needed }.into());
        }
        Ok(())
    }

    fn check_share(&self, transaction: &EncodedTransaction, terms: Terms) -> Result<(), Rejected> {
        let payload = transaction.payload();
        let account = self.accounts.get(&payload.sender);
        let (taken, outside) = account.map_or((0, 0), |a| (a.taken, a.outside));
        if taken + self.takes(transaction) > self.limits.bytes / self.limits.sender_share {
            return Err(Rejected::PoolFull(" for this sender"));
        }
        if terms.is_budgeted {
            if self.sent_with(transaction) > self.limits.free_bytes {
                return Err(Rejected::PoolFull(
                    " for this sender's transactions without a fee",
                ));
            }
        } else if payload.fee == Amount::ZERO
            && outside + transaction.size() > self.limits.outside_bytes
        {
            return Err(Rejected::PoolFull(" for this sender's records"));
        }
        Ok(())
    }

    /// Bytes that its sender will have sent without a fee, with this one.
    fn sent_with(&self, transaction: &EncodedTransaction) -> u64 {
        self.free_bytes_of(&transaction.payload().sender) + transaction.size() as u64
    }

    fn place_for(&self, transaction: &EncodedTransaction, terms: Terms, arrival: u64) -> Place {
        let sent = match terms.is_budgeted {
            true => self.sent_with(transaction),
            false => 0,
        };
        Place {
            rate: FeeRate::of(transaction),
            sent: Reverse(sent),
            arrival: Reverse(arrival),
            id: transaction.id(),
        }
    }

    /// Those that must leave for this one: those of the least worth, and none of as much.
    fn room_for(
        &self,
        transaction: &EncodedTransaction,
        terms: Terms,
    ) -> Result<Vec<TransactionId>, Rejected> {
        let own = self.place_for(transaction, terms, self.arrivals + 1);
        let takes = self.takes(transaction);
        let mut excess = (self.taken + takes).saturating_sub(self.limits.bytes);
        let free_limit = self.limits.bytes / self.limits.free_share;
        let mut free_excess = match terms.is_budgeted {
            true => (self.free_taken + takes).saturating_sub(free_limit),
            false => 0,
        };
        let mut leaving = Vec::new();
        for place in &self.queue {
            if excess == 0 && free_excess == 0 {
                break;
            }
            if place.worth() >= own.worth() {
                return Err(Rejected::PoolFull(""));
            }
            let entry = &self.entries[&place.id];
            let freed = self.takes(&entry.transaction);
            excess = excess.saturating_sub(freed);
            if entry.is_budgeted {
                free_excess = free_excess.saturating_sub(freed);
            }
            leaving.push(place.id);
        }
        if excess == 0 && free_excess == 0 {
            Ok(leaving)
        } else {
            Err(Rejected::PoolFull(""))
        }
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
        let id = transaction.id();
        let place = self.place_for(&transaction, terms, self.arrivals);
        let takes = self.takes(&transaction);
        let payload = transaction.payload();
        let account = self.accounts.entry(payload.sender).or_default();
        let older = account.latest.replace(id);
        account.taken += takes;
        if terms.is_budgeted {
            account.budgeted += transaction.size() as u64;
            self.free_taken += takes;
        } else if payload.fee == Amount::ZERO {
            account.outside += transaction.size();
        }
        account.cost += payload.cost().map_or(0, |cost| u128::from(cost.0));
        if let Some(older) = older.and_then(|older| self.entries.get_mut(&older)) {
            older.newer = Some(id);
        }
        self.bytes += transaction.size();
        self.taken += takes;
        self.judged.note(&transaction);
        self.queue.insert(place);
        self.by_expiry
            .insert((payload.expires_at, self.arrivals), id);
        self.by_arrival.insert((now, self.arrivals), id);
        self.entries.insert(
            id,
            Entry {
                transaction,
                place,
                arrived: now,
                is_budgeted: terms.is_budgeted,
                older,
                newer: None,
            },
        );
        Ok(leaving)
    }

    /// Tells who was put out, instead of whoever was before; takes out what these have open without a fee, and
    /// says what.
    pub fn put_out(&mut self, out: BTreeSet<PublicKey>) -> Vec<TransactionId> {
        let is_free = |id: &TransactionId| {
            let open = self.get(id);
            open.is_some_and(|open| open.payload().fee == Amount::ZERO)
        };
        let open = out.iter().flat_map(|key| self.open_of(key));
        let gone: Vec<_> = open.filter(is_free).collect();
        for id in &gone {
            self.remove(id);
        }
        self.out = out;
        gone
    }

    /// Takes a transaction out; `None` if it was not open.
    pub fn remove(&mut self, id: &TransactionId) -> Option<EncodedTransaction> {
        let Entry {
            transaction,
            place,
            arrived,
            is_budgeted,
            older,
            newer,
        } = self.entries.remove(id)?;
        self.queue.remove(&place);
        let number = place.arrival.0;
        self.by_arrival.remove(&(arrived, number));
        self.by_expiry
            .remove(&(transaction.payload().expires_at, number));
        let takes = self.takes(&transaction);
        self.bytes -= transaction.size();
        self.taken -= takes;
        if is_budgeted {
            self.free_taken -= takes;
        }
        self.judged.forget(id);
        if let Some(entry) = older.and_then(|older| self.entries.get_mut(&older)) {
            entry.newer = newer;
        }
        if let Some(entry) = newer.and_then(|newer| self.entries.get_mut(&newer)) {
            entry.older = older;
        }
        let payload = transaction.payload();
        if let hash_map::Entry::Occupied(mut held) = self.accounts.entry(payload.sender) {
            let account = held.get_mut();
            if newer.is_none() {
                account.latest = older;
            }
            account.taken -= takes;
            if is_budgeted {
                account.budgeted -= transaction.size() as u64;
            } else if payload.fee == Amount::ZERO {
                account.outside -= transaction.size();
            }
            account.cost -= payload.cost().map_or(0, |cost| u128::from(cost.0));
            if account.latest.is_none() {
                held.remove();
            }
        }
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
        {
            self.remove(&latest);
            gone.push(latest);
        }
        Ok(gone)
    }

    /// Takes out what can't be mined upon a tip at `tip` any more, or was open for too long; and says which
    /// it is.
    pub fn expire(&mut self, tip: Height, now: AwakeTime) -> Vec<(TransactionId, Closed)> {
        let mut gone = Vec::new();
        while let Some((&(expires_at, _), &id)) = self.by_expiry.first_key_value()
            && expires_at <= tip
        {
            self.remove(&id);
            gone.push((id, Closed::Expired));
        }
        while let Some((&(arrived, _), &id)) = self.by_arrival.first_key_value()
            && now.since(arrived) > self.limits.age_ms
        {
            self.remove(&id);
            gone.push((id, Closed::TimedOut));
        }
        gone
    }
}

#[cfg(test)]
mod tests;
