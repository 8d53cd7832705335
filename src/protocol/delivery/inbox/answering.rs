//! How what is delivered straight comes to its receipt.

use super::{Effect, Inbox};
use crate::chain::transaction::Note;
use crate::chain::{Action, EncodedTransaction, Internal, Rejected, Timestamp, TransactionId};
use crate::keys::{NoteContext, OpenError};
use crate::protocol::SessionId;
use crate::protocol::credit::Credit;
use crate::protocol::delivery::Judgement;
use crate::protocol::delivery::rows::{Cursor, DeliveryRows, Reason};
use crate::wire::{Receipt, ReceiptCode, ReceiptStatement, Verdict};

/// A delivery without an answer.
pub(super) struct Pending {
    ticket: u64,
    credit: Credit,
    transaction: EncodedTransaction,
    receipt: Option<Receipt>,
}

impl Inbox {
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
        Rejected::PoolFull(_) | Rejected::FreeShareUsed { .. } => ReceiptCode::PoolFull,
        Rejected::Busy => ReceiptCode::Busy,
        Rejected::ZeroFeeStranger | Rejected::SenderPutOut => ReceiptCode::SenderUnknown,
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
