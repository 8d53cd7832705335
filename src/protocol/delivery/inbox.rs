//! The inbox: what this node's owner receives, each exactly once, however it comes.
//!
//! What is delivered straight is opened, judged by the ledger, stored, and answered with a signed receipt,
//! in the order in which it came; the same delivery again gets the same receipt. A note that its owner
//! could not read is refused before the ledger hears of it: nobody signs for what can't be read. What comes over the
//! network alone, or was mined while this node was away, is found in the ledger's news and, for the
//! time in between, in the blocks themselves.

use super::rows::{self, Cursor, DeliveryRows, Reason, ReceivedFacts, facts_key, mark_key};
use super::walk::{STEPS_AT_A_TIME, Walk};
use super::{Judgement, OwnNews};
use crate::canonical;
use crate::chain::transaction::Note;
use crate::chain::{
    Action, Closed, EncodedTransaction, Internal, NetworkId, Rejected, StateView, Timestamp,
    TransactionId,
};
use crate::keys::{NoteContext, OpenError, PublicKey};
use crate::protocol::commit_queue::CommitQueue;
use crate::protocol::credit::Credit;
use crate::protocol::{Row, SessionId};
use crate::wire::{Receipt, ReceiptCode, ReceiptStatement, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

#[cfg(test)]
mod tests;

/// What the shell has to do, in order.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Write these rows, of the inbox's table, in one synced batch, and report [`Inbox::committed`].
    Commit {
        /// Number of the batch.
        batch: u64,
        /// Rows to write in one batch: key, and value or none to remove it.
        rows: Vec<Row>,
    },
    /// Have the note of a transaction opened, and report [`Inbox::opened`].
    OpenNote {
        /// Stands for the delivery.
        ticket: u64,
        /// What it is about.
        about: NoteContext,
        /// The note.
        note: Note,
    },
    /// Have the ledger judge a transaction and make it open, with a promise, and report
    /// [`Inbox::judged`].
    Judge {
        /// Stands for the delivery.
        ticket: u64,
        /// What was delivered.
        transaction: EncodedTransaction,
    },
    /// Have a receipt signed, and report [`Inbox::signed`].
    Sign {
        /// Stands for the delivery.
        ticket: u64,
        /// What the receipt says.
        statement: ReceiptStatement,
    },
    /// Send a receipt.
    Answer {
        /// Came with the delivery.
        credit: Credit,
        /// Where the delivery came from.
        session: SessionId,
        /// The receipt.
        receipt: Receipt,
    },
    /// Whoever delivered this did what no honest program does: have its session closed.
    Blame {
        /// Where the delivery came from.
        session: SessionId,
        /// What was wrong with it.
        reason: String,
    },
    /// Tell the owner that something came; the disk holds it.
    Tell {
        /// What is known of it.
        facts: ReceivedFacts,
        /// Whether a note is with it.
        note: bool,
    },
    /// Tell the owner that so many are left to read; the disk knows which.
    TellUnread(usize),
}

/// What an inbox is opened with.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node's key.
    pub own: PublicKey,
    /// The network.
    pub network: NetworkId,
    /// Whose deliveries are refused.
    pub blocked: HashSet<PublicKey>,
}

struct Pending {
    ticket: u64,
    credit: Credit,
    transaction: EncodedTransaction,
    receipt: Option<Receipt>,
}

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
            next: rows::next_number(rows)?,
            decided: CommitQueue::default(),
        })
    }

    /// How many have not been read.
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// A member delivers what it sends to this node's owner. The credit comes back with the one answer.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn delivered(
        &mut self,
        (credit, session): (Credit, SessionId),
        transaction: EncodedTransaction,
        disk: &dyn DeliveryRows,
    ) -> Result<Vec<Effect>, Internal> {
        let id = transaction.id();
        let known = self.facts_of(&id, disk)?;
        if let Some(receipt) = known.and_then(|(_, facts)| facts.receipt) {
            self.decided.after_rows(Effect::Answer {
                credit,
                session,
                receipt,
            });
            return Ok(self.take_effects());
        }
        self.tickets += 1;
        let ticket = self.tickets;
        let sender = transaction.payload().sender;
        self.sessions.insert(ticket, session);
        *self.judging.entry(id).or_default() += 1;
        let pending = Pending {
            ticket,
            credit,
            transaction: transaction.clone(),
            receipt: None,
        };
        self.pending.entry(session).or_default().push_back(pending);
        self.decided
            .at_once(if self.config.blocked.contains(&sender) {
                let why = "the recipient takes nothing from this sender";
                self.refusal(ticket, id, ReceiptCode::Blocked, why)
            } else {
                match noted(&transaction) {
                    Some((about, note)) => Effect::OpenNote {
                        ticket,
                        about,
                        note,
                    },
                    None => Effect::Judge {
                        ticket,
                        transaction,
                    },
                }
            });
        Ok(self.take_effects())
    }

    /// The note of a delivery was opened, or could not be.
    pub fn opened(&mut self, ticket: u64, opened: Result<(), OpenError>) -> Vec<Effect> {
        let Some(transaction) = self.find(ticket).map(|p| p.transaction.clone()) else {
            return Vec::new();
        };
        self.decided.at_once(match opened {
            Ok(()) => Effect::Judge {
                ticket,
                transaction,
            },
            Err(error) => {
                let why = format!("its recipient can't read the note: {error}");
                self.refusal(ticket, transaction.id(), ReceiptCode::NoteUnreadable, &why)
            }
        });
        self.take_effects()
    }

    /// Has a "no" signed that needs nobody's judgement.
    fn refusal(&self, ticket: u64, id: TransactionId, code: ReceiptCode, why: &str) -> Effect {
        let statement = self.statement(id, code, Reason::cut(why), self.walk.cursor());
        Effect::Sign { ticket, statement }
    }

    fn statement(
        &self,
        transaction: TransactionId,
        code: ReceiptCode,
        reason: Reason,
        tip: Cursor,
    ) -> ReceiptStatement {
        ReceiptStatement {
            network: self.config.network,
            transaction,
            recipient: self.config.own,
            code,
            reason,
            height: tip.height,
            block: tip.block,
        }
    }

    /// The ledger has judged a delivery.
    pub fn judged(&mut self, ticket: u64, judgement: &Judgement) -> Vec<Effect> {
        let Some(transaction) = self.find(ticket).map(|p| p.transaction.id()) else {
            return Vec::new();
        };
        if let Err(rejected) = &judgement.verdict
            && rejected.is_fault()
            && let Some(&session) = self.sessions.get(&ticket)
        {
            let reason = format!("what was delivered is invalid: {rejected}");
            self.decided.at_once(Effect::Blame { session, reason });
        }
        let (code, reason) = match &judgement.verdict {
            Err(rejected) if !judgement.holds() => {
                let code = code_of(rejected, judgement);
                let syncing = match code {
                    ReceiptCode::Syncing => "its recipient is still syncing: ",
                    _ => "",
                };
                (code, Reason::cut(&format!("{syncing}{rejected}")))
            }
            _ => (ReceiptCode::Accepted, Reason::default()),
        };
        let tip = Cursor {
            height: judgement.height,
            block: judgement.block,
        };
        let statement = self.statement(transaction, code, reason, tip);
        self.decided.at_once(Effect::Sign { ticket, statement });
        self.take_effects()
    }

    fn find(&mut self, ticket: u64) -> Option<&mut Pending> {
        let session = self.sessions.get(&ticket)?;
        let pending = self.pending.get_mut(session)?;
        pending.iter_mut().find(|p| p.ticket == ticket)
    }

    /// A receipt is signed.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn signed(
        &mut self,
        ticket: u64,
        receipt: Receipt,
        disk: &dyn DeliveryRows,
        now: Timestamp,
    ) -> Result<Vec<Effect>, Internal> {
        if let Some(pending) = self.find(ticket) {
            pending.receipt = Some(receipt);
        }
        // Judged in any order, stored and answered in that of their coming.
        if let Some(&session) = self.sessions.get(&ticket) {
            while let Some((pending, receipt)) = self.pop_answered(session) {
                self.answer(session, pending, receipt, disk, now)?;
            }
        }
        Ok(self.take_effects())
    }

    fn pop_answered(&mut self, session: SessionId) -> Option<(Pending, Receipt)> {
        let line = self.pending.get_mut(&session)?;
        let receipt = line.front()?.receipt.clone()?;
        let pending = line.pop_front()?;
        if line.is_empty() {
            self.pending.remove(&session);
        }
        self.sessions.remove(&pending.ticket);
        let id = pending.transaction.id();
        if let Some(count) = self.judging.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.judging.remove(&id);
            }
        }
        Some((pending, receipt))
    }

    fn answer(
        &mut self,
        session: SessionId,
        pending: Pending,
        receipt: Receipt,
        disk: &dyn DeliveryRows,
        now: Timestamp,
    ) -> Result<(), Internal> {
        let counts = match receipt.statement.code.verdict() {
            Verdict::Accepted => {
                self.receive(&pending.transaction, Some(receipt.clone()), disk, now)?
            }
            Verdict::Refused | Verdict::NotYet => None,
        };
        self.decided.after_rows(Effect::Answer {
            credit: pending.credit,
            session,
            receipt: counts.unwrap_or(receipt),
        });
        Ok(())
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
                // It need not have been open: a block may have held it that is gone from the chain.
                if *why != Closed::Mined {
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
        self.decided.committed(batch);
        self.take_effects()
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        self.decided
            .take(|batch, rows| Effect::Commit { batch, rows })
    }
}

/// The note of a transfer, and what it is about; `None` if it has none.
fn noted(transaction: &EncodedTransaction) -> Option<(NoteContext, Note)> {
    let payload = transaction.payload();
    match &payload.action {
        Action::Transfer { note, .. } if !note.is_empty() => {
            Some((payload.note_context()?, note.clone()))
        }
        _ => None,
    }
}

/// The code of what the ledger said no to.
fn code_of(rejected: &Rejected, judgement: &Judgement) -> ReceiptCode {
    if judgement.syncing && judgement.may_change() {
        return ReceiptCode::Syncing;
    }
    match rejected {
        Rejected::InsufficientFunds { .. } => ReceiptCode::CoinsMissing,
        Rejected::PoolFull(_) => ReceiptCode::PoolFull,
        Rejected::Busy => ReceiptCode::Busy,
        Rejected::ZeroFeeStranger => ReceiptCode::SenderUnknown,
        Rejected::ExpiresTooLate(_) => ReceiptCode::TooEarly,
        Rejected::Expired { .. } => ReceiptCode::Expired,
        Rejected::FeeTooLow { .. } => ReceiptCode::FeeTooLow,
        // What holds is accepted before, and no application judges a transfer.
        Rejected::AlreadyOpen
        | Rejected::AlreadyMined(_)
        | Rejected::Application { .. }
        | Rejected::WrongNetwork
        | Rejected::Meaningless
        | Rejected::ToSelf
        | Rejected::BadSignature(_)
        | Rejected::StrayReward
        | Rejected::TooLarge { .. } => ReceiptCode::Invalid,
    }
}
