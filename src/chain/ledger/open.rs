//! How transactions come to be open, and cease to be.

use super::judge::Judge;
use super::pending::Check;
use super::{Answer, Effect, Judged, Ledger, Origin};
use crate::canonical;
use crate::chain::application::Moment;
use crate::chain::awake::AwakeTime;
use crate::chain::mempool::Terms;
use crate::chain::rows::{Draft, OpenEntry, RowKey, StateView};
use crate::chain::tree::Step;
use crate::chain::{
    Action, Closed, EncodedTransaction, Internal, Rejected, Rejection, Rules, TransactionId,
};
use crate::keys::PublicKey;
use crate::steady::SteadyTime;
use std::collections::BTreeSet;

/// How a transaction comes to be open.
#[derive(Clone, Copy)]
enum Arrival {
    /// From its sender or from the network.
    New,
    /// Open or mined before; its row may be there.
    Back,
}

impl Ledger {
    /// Transactions came in.
    pub fn transactions(
        &mut self,
        origin: Origin,
        transactions: Vec<EncodedTransaction>,
        disk: &dyn StateView,
    ) -> Result<Vec<Effect>, Internal> {
        let view = self.overlay.over(disk);
        let mut judged = Vec::with_capacity(transactions.len());
        let mut unseen = Vec::new();
        let busy = self.overlay.is_full() || self.checks.is_full();
        for transaction in transactions {
            let verdict = match self.judge.may_open(&transaction, &view) {
                Ok(()) if busy => Err(Rejected::Busy),
                Ok(()) => Ok(()),
                Err(Rejection::Rejected(reason)) => Err(reason),
                Err(Rejection::Internal(error)) => return Err(error),
            };
            if verdict.is_ok() && !self.judge.good.contains(&transaction) {
                unseen.push(judged.len());
            }
            judged.push((transaction, verdict));
        }
        drop(view);
        if unseen.is_empty() {
            self.accept_transactions(origin, judged, disk)?;
        } else {
            let transactions = unseen.iter().map(|&at| judged[at].0.clone()).collect();
            let check = self.checks.begin(Check::Transactions {
                origin,
                judged,
                unseen,
            });
            self.effects.push(Effect::Verify {
                check,
                transactions,
            });
        }
        Ok(self.take_effects())
    }

    pub(super) fn accept_transactions(
        &mut self,
        origin: Origin,
        judged: Vec<Judged>,
        disk: &dyn StateView,
    ) -> Result<(), Internal> {
        let since = self.judge.age();
        let answers = self.in_one_batch(disk, |judge, draft, effects| {
            let mut answers = Vec::with_capacity(judged.len());
            for (transaction, verdict) in judged {
                let id = transaction.id();
                let verdict = match verdict {
                    Ok(()) => judge.make_open(draft, transaction, Arrival::New, since, effects)?,
                    refused => refused,
                };
                answers.push((id, verdict));
            }
            Ok(answers)
        })?;
        self.answer(origin, Answer::Transactions(answers));
        Ok(())
    }

    /// Time has passed: open transactions grow old.
    ///
    /// # Errors
    /// What is stored is damaged.
    pub fn tick(&mut self, disk: &dyn StateView, now: SteadyTime) -> Result<Vec<Effect>, Internal> {
        self.judge.ticked = now;
        self.in_one_batch(disk, |judge, draft, effects| {
            judge.expire(draft, effects)?;
            if !judge.mempool.is_empty() {
                judge.store_age(draft);
            }
            Ok(())
        })?;
        Ok(self.take_effects())
    }
}

/// Records that left without being mined that are kept, the latest: of those kinds of which their applications take
/// only so many from anybody, as votes are. Of others whoever likes may send without end, and have them leave unmined.
pub const MAX_LEFT: u32 = 4_096;
/// Bytes of the longest that is: a vote has a third of it.
const MAX_LEFT_BYTES: usize = 1_024;

impl Judge {
    /// What was mined leaves the open transactions; what fell out of the chain returns to them if
    /// it is still valid; what can't be paid any more goes.
    pub(super) fn settle_open(
        &mut self,
        draft: &mut Draft<'_>,
        step: &Step,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Internal> {
        let connected = step.connected.iter().flat_map(|block| &block.transactions);
        let rules = self.chain.rules();
        let free_use = self.mempool.free_use_mut();
        for block in &step.disconnected {
            free_use.disconnected(rules, draft, block)?;
        }
        for block in &step.connected {
            free_use.connected(rules, draft, block)?;
        }
        // At most so many are mined.
        let leaving = connected.clone().count().min(self.mempool.len());
        draft.reserve(leaving);
        effects.reserve(leaving);
        for transaction in connected.clone() {
            if self.mempool.remove(&transaction.id()).is_some() {
                close(draft, effects, transaction.id(), Closed::Mined);
            }
        }
        let returned = step
            .disconnected
            .iter()
            .rev()
            .flat_map(|block| &block.transactions);
        if !(step.connected.is_empty() && step.disconnected.is_empty()) {
            let moved = connected.clone().chain(returned.clone());
            let senders = moved.map(|transaction| transaction.payload().sender);
            self.rejudge_records(draft, effects, &senders.collect())?;
        }
        // In order, so that the same blocks always have the same effects.
        let mut touched: BTreeSet<PublicKey> = BTreeSet::new();
        // Most whose balance changed have nothing open.
        let changed = connected.chain(returned.clone()).flat_map(parties);
        touched.extend(changed.filter(|owner| self.mempool.has_open(owner)));
        for owner in touched {
            for id in self.mempool.rejudge(&owner, draft)? {
                close(draft, effects, id, Closed::Conflicted);
            }
        }
        self.expire(draft, effects)?;
        let since = self.age();
        let returned = returned.filter(|t| !t.is_reward()).cloned();
        let returned = returned.map(|transaction| OpenEntry { since, transaction });
        self.reopen(draft, returned.collect(), effects)
    }

    /// Makes transactions whose signatures are known to be good open again, where they still can be,
    /// as old as they are.
    pub(super) fn reopen(
        &mut self,
        draft: &mut Draft<'_>,
        entries: Vec<OpenEntry>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Internal> {
        for OpenEntry { since, transaction } in entries {
            let id = transaction.id();
            self.good.insert(&transaction);
            let back = self.make_open(draft, transaction.clone(), Arrival::Back, since, effects)?;
            let why = match back {
                Ok(()) | Err(Rejected::AlreadyOpen) => continue,
                Err(Rejected::AlreadyMined(_)) => {
                    draft.remove(RowKey::Open(id));
                    continue;
                }
                Err(Rejected::Expired { .. }) => Closed::Expired,
                Err(Rejected::SenderPutOut) => Closed::PutOut,
                Err(Rejected::PoolFull(_) | Rejected::FreeShareUsed { .. }) => Closed::Evicted,
                Err(_) => Closed::Conflicted,
            };
            keep_record(draft, self.chain.rules(), &transaction)?;
            close(draft, effects, id, why);
        }
        Ok(())
    }

    fn make_open(
        &mut self,
        draft: &mut Draft<'_>,
        transaction: EncodedTransaction,
        arrival: Arrival,
        since: AwakeTime,
        effects: &mut Vec<Effect>,
    ) -> Result<Result<(), Rejected>, Internal> {
        let moment = self.next_moment();
        let rules = self.chain.rules();
        // Also of one that was read from the disk it has to be known what is in its record.
        let formed = rules.check_form(&transaction);
        let in_time =
            formed.and_then(|()| rules.check_expiry(transaction.payload(), moment.height));
        if let Err(reason) = in_time {
            return Ok(Err(reason));
        }
        let terms = match rules.judge_record(draft, &transaction, &moment) {
            Ok(is_free) => terms(rules, &transaction, is_free),
            Err(Rejection::Rejected(reason)) => return Ok(Err(reason)),
            Err(Rejection::Internal(error)) => return Err(error),
        };
        let taken_in = match arrival {
            Arrival::New => self
                .mempool
                .insert(transaction.clone(), draft, terms, since),
            Arrival::Back => self
                .mempool
                .take_back(transaction.clone(), draft, terms, since),
        };
        match taken_in {
            Ok(leaving) => {
                for id in leaving {
                    close(draft, effects, id, Closed::Evicted);
                }
                let row = RowKey::Open(transaction.id());
                let is_there = matches!(arrival, Arrival::Back) && draft.read(&row)?.is_some();
                if !is_there {
                    let transaction = transaction.clone();
                    draft.put(row, &OpenEntry { since, transaction });
                    // With it, so that a crash can't make it younger than it is.
                    self.store_age(draft);
                }
                let own = self.is_own(&transaction);
                let is_sent = Some(transaction.payload().sender) == self.owner;
                effects.push(Effect::TransactionOpened {
                    held: is_sent && matches!(arrival, Arrival::New),
                    transaction,
                    own,
                });
                Ok(Ok(()))
            }
            Err(Rejection::Rejected(reason)) => Ok(Err(reason)),
            Err(Rejection::Internal(error)) => Err(error),
        }
    }

    pub(super) fn may_open(
        &self,
        transaction: &EncodedTransaction,
        view: &dyn StateView,
    ) -> Result<(), Rejection> {
        let (rules, moment) = (self.chain.rules(), self.next_moment());
        rules.check_form(transaction)?;
        rules.check_expiry(transaction.payload(), moment.height)?;
        let is_free = rules.judge_record(view, transaction, &moment)?;
        self.mempool
            .judge(transaction, view, terms(rules, transaction, is_free))
    }

    /// What is known of the next block.
    fn next_moment(&self) -> Moment {
        let tip = self.chain.tip();
        let parent_time = tip.entry.header.timestamp;
        Moment {
            height: tip.height().next(),
            parent: tip.id,
            parent_time,
            time: parent_time.plus_ms(1),
        }
    }

    /// After the chain moved: takes out records that their applications do not take any more, because of
    /// other records or of the next block's height and time alone. Else a vote whose ballot has closed would be
    /// open for as long as it may wait, and miners that wait for something to do would mine for it.
    fn rejudge_records(
        &mut self,
        draft: &mut Draft<'_>,
        effects: &mut Vec<Effect>,
        senders: &BTreeSet<PublicKey>,
    ) -> Result<(), Internal> {
        let again = self.mempool.next_to_judge(senders);
        let (rules, moment) = (self.chain.rules(), self.next_moment());
        let mut refused = Vec::new();
        for transaction in again.iter().filter_map(|id| self.mempool.get(id)) {
            match rules.judge_record(draft, transaction, &moment) {
                Ok(_) => {}
                Err(Rejection::Rejected(_)) => refused.push(transaction.clone()),
                Err(Rejection::Internal(error)) => return Err(error),
            }
        }
        for transaction in refused {
            let id = transaction.id();
            self.mempool.remove(&id);
            keep_record(draft, self.chain.rules(), &transaction)?;
            close(draft, effects, id, Closed::Conflicted);
        }
        Ok(())
    }

    /// How long this node was awake by the last tick.
    fn age(&self) -> AwakeTime {
        self.awake.at(self.ticked)
    }

    fn store_age(&mut self, draft: &mut Draft<'_>) {
        if let Some(awake) = self.awake.to_store(self.ticked) {
            draft.put(RowKey::Awake, &awake);
        }
    }

    fn expire(&mut self, draft: &mut Draft<'_>, effects: &mut Vec<Effect>) -> Result<(), Internal> {
        let (tip, age) = (self.chain.tip().height(), self.age());
        for (id, why) in self.mempool.expire(tip, age) {
            if let Some(entry) = draft.open_transaction(&id)? {
                keep_record(draft, self.chain.rules(), &entry.transaction)?;
            }
            close(draft, effects, id, why);
        }
        Ok(())
    }
}

fn terms(rules: &Rules, transaction: &EncodedTransaction, is_free: bool) -> Terms {
    Terms {
        is_free,
        is_budgeted: rules.is_in_free_budget(transaction),
    }
}

/// Those whose balance a transaction changes.
fn parties(transaction: &EncodedTransaction) -> impl Iterator<Item = PublicKey> {
    let payload = transaction.payload();
    let to = match &payload.action {
        Action::Transfer { to, .. } | Action::Reward { to, .. } => Some(*to),
        Action::Record { .. } => None,
    };
    std::iter::once(payload.sender).chain(to)
}

/// All of these are open no more.
pub(super) fn close_all(
    draft: &mut Draft<'_>,
    effects: &mut Vec<Effect>,
    gone: Vec<TransactionId>,
    why: Closed,
) {
    for id in gone {
        close(draft, effects, id, why);
    }
}

/// Keeps a record that leaves without being mined, for whoever asks later what was open here: of a vote that
/// nobody mined before the close, say.
fn keep_record(
    draft: &mut Draft<'_>,
    rules: &Rules,
    transaction: &EncodedTransaction,
) -> Result<(), Internal> {
    if !rules.is_bounded_record(transaction) || transaction.size() > MAX_LEFT_BYTES {
        return Ok(());
    }
    let count = draft.read(&RowKey::LeftCount)?;
    let count: Option<u32> = count
        .map(|bytes| canonical::decode(&bytes))
        .transpose()
        .map_err(|error| Internal(format!("the count of what left is damaged: {error}")))?;
    let count = count.unwrap_or(0);
    draft.put(RowKey::Left(count % MAX_LEFT), transaction);
    draft.put(RowKey::LeftCount, &count.wrapping_add(1));
    Ok(())
}

fn close(draft: &mut Draft<'_>, effects: &mut Vec<Effect>, id: TransactionId, why: Closed) {
    draft.remove(RowKey::Open(id));
    effects.push(Effect::TransactionClosed(id, why));
}
