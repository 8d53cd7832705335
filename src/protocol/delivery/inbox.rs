//! The inbox: what this node's owner receives, each exactly once, however it comes.
//!
//! What is delivered straight is opened, judged by the ledger, stored, and answered with a signed receipt,
//! in the order in which it came; the same delivery again gets the same receipt. A note that its owner
//! could not read is refused before the ledger hears of it: nobody signs for what can't be read. What comes over the
//! network alone, or was mined while this node was away, is found in the ledger's news and, for the
//! time in between, in the blocks themselves.

use super::OwnNews;
use super::rows::{self, Cursor, DeliveryRows, ReceivedFacts, facts_key, mark_key};
use super::walk::{STEPS_AT_A_TIME, Walk};
use crate::canonical;
use crate::chain::{
    Action, Closed, EncodedTransaction, Internal, StateView, Timestamp, TransactionId,
};
use crate::protocol::SessionId;
use crate::protocol::commit_queue::CommitQueue;
use crate::wire::Receipt;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

mod answering;
mod effect;
#[cfg(test)]
mod tests;

use answering::Pending;
pub use effect::{Config, Effect};

/// A row that is not on the disk yet, and the batch it is in.
struct Fresh {
    number: u64,
    facts: ReceivedFacts,
    batch: u64,
}

/// The machine.
pub struct Inbox {
    config: Config,
    /// Deliveries without an answer, in the order in which they came.
    pending: BTreeMap<SessionId, VecDeque<Pending>>,
    sessions: HashMap<u64, SessionId>,
    judging: HashMap<TransactionId, usize>,
    tickets: u64,
    /// Transactions for this owner that are open.
    open: HashSet<TransactionId>,
    fresh: HashMap<TransactionId, Fresh>,
    unread: BTreeSet<u64>,
    /// Messages that the disk does not hold yet, in the order of their numbers, with the batch each is in.
    arriving: VecDeque<(u64, u64)>,
    next: u64,
    walk: Walk,
    decided: CommitQueue<Effect>,
}

impl Inbox {
    /// Takes up what is there. Blocks that came since it was last at work are still to be looked
    /// through: [`Inbox::catch_up`].
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn open(config: Config, rows: &dyn DeliveryRows) -> Result<Self, Internal> {
        let mut unread = BTreeSet::new();
        let mut from = 0;
        while let Some(number) = rows::marked_from(rows, from)? {
            unread.insert(number);
            from = number + 1;
        }
        Ok(Self {
            walk: Walk::open(config.network, rows)?,
            config,
            pending: BTreeMap::new(),
            sessions: HashMap::new(),
            judging: HashMap::new(),
            tickets: 0,
            open: HashSet::new(),
            fresh: HashMap::new(),
            unread,
            arriving: VecDeque::new(),
            next: rows::next_number(rows)?,
            decided: CommitQueue::default(),
        })
    }

    /// How many have not been read, of those that the disk holds: whoever looks there next sees so many at least.
    pub fn unread(&self) -> usize {
        let arriving = self.arriving.iter();
        let not_there = arriving.filter(|(_, number)| self.unread.contains(number));
        self.unread.len() - not_there.count()
    }

    /// Stores what is not here yet. The receipt that counts: the first that was given.
    fn receive(
        &mut self,
        transaction: &EncodedTransaction,
        receipt: Option<Receipt>,
        disk: &dyn DeliveryRows,
        now: Timestamp,
    ) -> Result<Option<Receipt>, Internal> {
        let id = transaction.id();
        if let Some((number, mut facts)) = self.facts_of(&id, disk)? {
            let news = facts.receipt.is_none() && receipt.is_some();
            if news || facts.closed.is_some() {
                facts.receipt = facts.receipt.or(receipt);
                facts.closed = None;
                self.store(number, facts.clone());
            }
            return Ok(facts.receipt);
        }
        let payload = transaction.payload();
        let Action::Transfer { amount, note, .. } = &payload.action else {
            return Ok(None);
        };
        let (amount, note) = (*amount, !note.is_empty());
        let facts = ReceivedFacts {
            id,
            from: payload.sender,
            amount,
            received_at: now,
            receipt: receipt.clone(),
            closed: None,
        };
        let number = self.next;
        self.next += 1;
        self.unread.insert(number);
        let body = transaction.bytes();
        for row in rows::begun(number, &id, body) {
            self.decided.write(row);
        }
        let told = facts.clone();
        self.decided.after_rows(Effect::Tell { facts: told, note });
        self.store(number, facts);
        self.arriving.push_back((self.decided.batch(), number));
        Ok(receipt)
    }

    fn facts_of(
        &self,
        id: &TransactionId,
        disk: &dyn DeliveryRows,
    ) -> Result<Option<(u64, ReceivedFacts)>, Internal> {
        if let Some(fresh) = self.fresh.get(id) {
            return Ok(Some((fresh.number, fresh.facts.clone())));
        }
        let Some(number) = rows::find(disk, id)? else {
            return Ok(None);
        };
        let facts = rows::facts(disk, number)?;
        let missing = || Internal(format!("message {number} of the inbox is missing"));
        Ok(Some((number, facts.ok_or_else(missing)?)))
    }

    fn store(&mut self, number: u64, facts: ReceivedFacts) {
        let encoded = canonical::encode(&facts);
        self.decided.write((facts_key(number), Some(encoded)));
        let fresh = Fresh {
            number,
            batch: self.decided.batch(),
            facts,
        };
        self.fresh.insert(fresh.facts.id, fresh);
    }

    /// The ledger tells of this owner's transactions; what is written of all that is told at once is one batch.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn ledger_told(
        &mut self,
        news: &[OwnNews],
        disk: &dyn DeliveryRows,
        now: Timestamp,
    ) -> Result<Vec<Effect>, Internal> {
        for one in news {
            self.told(one, disk, now)?;
        }
        Ok(self.take_effects())
    }

    fn told(
        &mut self,
        news: &OwnNews,
        disk: &dyn DeliveryRows,
        now: Timestamp,
    ) -> Result<(), Internal> {
        match news {
            OwnNews::Opened(transaction) => {
                let id = transaction.id();
                if self.is_for_owner(transaction) && self.open.insert(id) {
                    // What is being delivered is stored in its turn.
                    if !self.judging.contains_key(&id) {
                        self.receive(transaction, None, disk, now)?;
                    }
                }
            }
            OwnNews::Closed(id, why) => {
                self.open.remove(id);
                // It need not have been open: a block may have held it that is gone from the chain. Whose sender
                // was put out may be open again once it is let back: who is out is known elsewhere.
                if !matches!(why, Closed::Mined | Closed::PutOut) {
                    self.closed(id, *why, disk)?;
                }
            }
            OwnNews::Moved { height, block, own } => {
                for (transaction, _) in &own.mined {
                    if self.is_for_owner(transaction)
                        && !self.judging.contains_key(&transaction.id())
                    {
                        self.receive(transaction, None, disk, now)?;
                    }
                }
                if self.walk.is_caught_up() {
                    let (height, block) = (*height, *block);
                    self.walked(Cursor { height, block });
                }
            }
        }
        Ok(())
    }

    fn is_for_owner(&self, transaction: &EncodedTransaction) -> bool {
        matches!(&transaction.payload().action, Action::Transfer { to, .. } if *to == self.config.own)
    }

    fn closed(
        &mut self,
        id: &TransactionId,
        why: Closed,
        disk: &dyn DeliveryRows,
    ) -> Result<(), Internal> {
        if let Some((number, mut facts)) = self.facts_of(id, disk)? {
            facts.closed = Some(why);
            self.store(number, facts);
        }
        Ok(())
    }

    fn walked(&mut self, to: Cursor) {
        let row = self.walk.moved(to, self.decided.is_writing());
        if let Some(row) = row {
            self.decided.write(row);
        }
    }

    /// Looks through some of the blocks that came while this node, or its inbox, was not at work.
    /// Whether there are more.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn catch_up(
        &mut self,
        chain: &dyn StateView,
        disk: &dyn DeliveryRows,
        now: Timestamp,
    ) -> Result<(bool, Vec<Effect>), Internal> {
        let mut left = STEPS_AT_A_TIME;
        let own = self.config.own;
        while let Some((at, transactions)) = self.walk.next(chain, &own, &mut left)? {
            for transaction in &transactions {
                if self.is_for_owner(transaction) {
                    self.receive(transaction, None, disk, now)?;
                }
            }
            self.walked(at);
        }
        Ok((!self.walk.is_caught_up(), self.take_effects()))
    }

    /// The owner has read these messages: those that were not read before are from now on.
    pub fn read(&mut self, numbers: &[u64]) -> Vec<Effect> {
        for &number in numbers {
            if self.unread.remove(&number) {
                self.decided.write((mark_key(number), None));
            }
        }
        if self.decided.is_writing() {
            let left = Effect::TellUnread(self.unread.len());
            self.decided.after_rows(left);
        }
        self.take_effects()
    }

    /// The disk holds all batches up to and including this one.
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        self.fresh.retain(|_, fresh| fresh.batch > batch);
        while let Some((of, _)) = self.arriving.front()
            && *of <= batch
        {
            self.arriving.pop_front();
        }
        self.decided.committed(batch);
        self.take_effects()
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        self.decided
            .take(|batch, rows| Effect::Commit { batch, rows })
    }
}
