//! The open transactions: valid, not mined yet.

use super::awake::AwakeTime;
use super::fold_hash::{FoldMap, FoldSet};
use super::rows::StateView;
use super::{
    Action, Amount, EncodedTransaction, Height, Internal, Rejected, Rejection, Topic, TransactionId,
};
use crate::keys::PublicKey;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, hash_map};
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

/// Bytes of all open transactions together: about 30 full blocks, and small against the memory of the
/// smallest machine.
const MAX_OPEN_BYTES: usize = 64_000_000;
/// How long a transaction may stay open, in milliseconds in which this node is awake: who is not mined within
/// a day should be told.
const MAX_OPEN_MS: u64 = 24 * 3_600_000;
/// One sender may take one part in so many, so that no single member fills the place for all.
const SENDER_SHARE: usize = 8;
/// Transactions of one sender that pay no fee may take one part in so many: about 4,000 notes.
const ZERO_FEE_SHARE: usize = 64;

/// How much the open transactions may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Bytes of all open transactions together.
    pub bytes: usize,
    /// How long a transaction may stay open, in milliseconds in which this node is awake.
    pub age_ms: u64,
    /// One sender may take `bytes / share`.
    pub sender_share: usize,
    /// Transactions of one sender that pay no fee may take `bytes / share`.
    pub zero_fee_share: usize,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            bytes: MAX_OPEN_BYTES,
            age_ms: MAX_OPEN_MS,
            sender_share: SENDER_SHARE,
            zero_fee_share: ZERO_FEE_SHARE,
        }
    }
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

/// Fee for each KiB, the measure by which transactions queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FeeRate(u128);

impl FeeRate {
    fn of(transaction: &EncodedTransaction) -> Self {
        let fee = u128::from(transaction.payload().fee.0);
        Self(fee * 1024 / transaction.size().max(1) as u128)
    }
}

/// A place in the queue: the better rate is greater, among equals the earlier arrival.
type Place = (FeeRate, Reverse<u64>, TransactionId);

/// Where an open transaction stands in the queue, as a text that leads back to it, also when it is open no
/// more: fee for each KiB, number of arrival, id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenPlace(Place);

impl fmt::Display for OpenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (FeeRate(rate), Reverse(arrival), id) = &self.0;
        write!(f, "{rate}-{arrival}-{id}")
    }
}

/// The text is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place among the open transactions")]
pub struct NoPlace;

impl FromStr for OpenPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().ok_or(NoPlace);
        let rate = part()?.parse().map_err(|_| NoPlace)?;
        let arrival = part()?.parse().map_err(|_| NoPlace)?;
        let id = part()?.parse().map_err(|_| NoPlace)?;
        Ok(Self((FeeRate(rate), Reverse(arrival), id)))
    }
}

struct Entry {
    transaction: EncodedTransaction,
    place: Place,
    arrived: AwakeTime,
    /// The sender's open transactions that came before and after this one.
    older: Option<TransactionId>,
    newer: Option<TransactionId>,
}

/// What one sender has open: a list through the entries, since most have only one.
#[derive(Default)]
struct Account {
    /// The one that came last; where there is none, there is no account.
    latest: Option<TransactionId>,
    bytes: usize,
    zero_fee_bytes: usize,
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
    /// The records of each topic that an application judges.
    judged: BTreeMap<Topic, BTreeSet<TransactionId>>,
    bytes: usize,
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
            judged: BTreeMap::new(),
            bytes: 0,
            arrivals: 0,
        }
    }

    /// Keeps apart the records of topics that applications judge.
    pub fn judging<'t>(mut self, topics: impl IntoIterator<Item = &'t Topic>) -> Self {
        let empty = |topic: &Topic| (topic.clone(), BTreeSet::new());
        self.judged = topics.into_iter().map(empty).collect();
        self
    }

    /// The open records of a topic that an application judges.
    pub fn records(&self, topic: &Topic) -> impl Iterator<Item = &EncodedTransaction> {
        let ids = self.judged.get(topic).into_iter().flatten();
        ids.filter_map(|id| self.get(id))
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
            self.get(&place.2).cloned()
        });
        let transactions = transactions.collect();
        (transactions, last.filter(|_| places.next().is_some()))
    }

    /// All of them, best fee first.
    pub fn by_fee(&self) -> impl Iterator<Item = &EncodedTransaction> {
        self.queue
            .iter()
            .rev()
            .filter_map(|place| self.entries.get(&place.2))
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

    /// Tells who may send without a fee.
    pub fn admit_members(&mut self, members: impl IntoIterator<Item = PublicKey>) {
        self.members.extend(members);
    }

    /// Judges whether a transaction may be open, as things stand. Form and signature are checked
    /// elsewhere; `view` is the state at the tip. `free` says whether it needs no fee, whoever sends it.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn judge(
        &self,
        transaction: &EncodedTransaction,
        view: &dyn StateView,
        free: bool,
    ) -> Result<(), Rejection> {
        self.check_stranger(transaction, free)?;
        self.room_to_return(transaction, view).map(drop)
    }

    fn check_stranger(&self, transaction: &EncodedTransaction, free: bool) -> Result<(), Rejected> {
        let payload = transaction.payload();
        if !free && payload.fee == Amount::ZERO && !self.members.contains(&payload.sender) {
            return Err(Rejected::ZeroFeeStranger);
        }
        Ok(())
    }

    /// As [`Mempool::judge`], whoever the sender is: those that must leave for it.
    fn room_to_return(
        &self,
        transaction: &EncodedTransaction,
        view: &dyn StateView,
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
        self.check_share(transaction)?;
        Ok(self.room_for(transaction)?)
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

    fn check_share(&self, transaction: &EncodedTransaction) -> Result<(), Rejected> {
        let free = transaction.payload().fee == Amount::ZERO;
        let account = self.accounts.get(&transaction.payload().sender);
        let (used, unpaid) = account.map_or((0, 0), |a| (a.bytes, a.zero_fee_bytes));
        let size = transaction.size();
        if used + size > self.limits.bytes / self.limits.sender_share {
            return Err(Rejected::PoolFull(" for this sender"));
        }
        if free && unpaid + size > self.limits.bytes / self.limits.zero_fee_share {
            return Err(Rejected::PoolFull(
                " for this sender's transactions without a fee",
            ));
        }
        Ok(())
    }

    /// Those that must leave for this one: the worst paying, and none that pays as well.
    fn room_for(&self, transaction: &EncodedTransaction) -> Result<Vec<TransactionId>, Rejected> {
        let rate = FeeRate::of(transaction);
        let mut excess = (self.bytes + transaction.size()).saturating_sub(self.limits.bytes);
        let mut leaving = Vec::new();
        for (worse, _, id) in &self.queue {
            if excess == 0 {
                break;
            }
            if *worse >= rate {
                return Err(Rejected::PoolFull(""));
            }
            excess = excess.saturating_sub(self.entries[id].transaction.size());
            leaving.push(*id);
        }
        if excess == 0 {
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
        free: bool,
        now: AwakeTime,
    ) -> Result<Vec<TransactionId>, Rejection> {
        self.check_stranger(&transaction, free)?;
        self.take_back(transaction, view, now)
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
        now: AwakeTime,
    ) -> Result<Vec<TransactionId>, Rejection> {
        let leaving = self.room_to_return(&transaction, view)?;
        for id in &leaving {
            self.remove(id);
        }
        self.arrivals += 1;
        let id = transaction.id();
        let place = (FeeRate::of(&transaction), Reverse(self.arrivals), id);
        let payload = transaction.payload();
        let account = self.accounts.entry(payload.sender).or_default();
        let older = account.latest.replace(id);
        account.bytes += transaction.size();
        if payload.fee == Amount::ZERO {
            account.zero_fee_bytes += transaction.size();
        }
        account.cost += payload.cost().map_or(0, |cost| u128::from(cost.0));
        if let Some(older) = older.and_then(|older| self.entries.get_mut(&older)) {
            older.newer = Some(id);
        }
        self.bytes += transaction.size();
        if let Some(records) = self.judged_with(&transaction) {
            records.insert(id);
        }
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
                older,
                newer: None,
            },
        );
        Ok(leaving)
    }

    /// The records with which a transaction is judged.
    fn judged_with(
        &mut self,
        transaction: &EncodedTransaction,
    ) -> Option<&mut BTreeSet<TransactionId>> {
        match &transaction.payload().action {
            Action::Record { topic, .. } => self.judged.get_mut(topic),
            _ => None,
        }
    }

    /// Tells who was put out, instead of whoever was before; takes out what these have open without a fee, and
    /// says what.
    pub fn put_out(&mut self, out: BTreeSet<PublicKey>) -> Vec<TransactionId> {
        let mut gone = Vec::new();
        for key in &out {
            let mut next = self.accounts.get(key).and_then(|account| account.latest);
            while let Some(id) = next {
                let Some(entry) = self.entries.get(&id) else {
                    break;
                };
                next = entry.older;
                if entry.transaction.payload().fee == Amount::ZERO {
                    gone.push(id);
                }
            }
        }
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
            older,
            newer,
        } = self.entries.remove(id)?;
        self.queue.remove(&place);
        let number = place.1.0;
        self.by_arrival.remove(&(arrived, number));
        self.by_expiry
            .remove(&(transaction.payload().expires_at, number));
        self.bytes -= transaction.size();
        if let Some(records) = self.judged_with(&transaction) {
            records.remove(id);
        }
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
            account.bytes -= transaction.size();
            if payload.fee == Amount::ZERO {
                account.zero_fee_bytes -= transaction.size();
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
