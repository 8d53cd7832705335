//! Deliveries and receipts: what is said in a session to one member alone.

use super::Effect;
use crate::chain::{Action, EncodedTransaction, TransactionId};
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::protocol::retry::MAX_UNANSWERED;
use crate::wire::{Message, Receipt};
use std::collections::{BTreeMap, HashMap};

/// What the outbox hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryFact {
    /// There is a session with this member.
    Reached(PublicKey),
    /// A session with this member is gone: what was sent in it may not have arrived.
    Lost(PublicKey),
    /// No session with this member can be made.
    Unreachable(PublicKey),
    /// It answers a delivery.
    Receipt {
        /// Session that it came in.
        session: SessionId,
        /// Public key of the member that answers.
        from: PublicKey,
        /// What it says.
        receipt: Box<Receipt>,
    },
}

#[derive(Default)]
struct Session {
    /// What was delivered and has no receipt yet.
    sent: HashMap<TransactionId, EncodedTransaction>,
    /// Deliveries that wait for our receipt.
    taken: usize,
}

/// Who waits for whose answer.
pub(super) struct Delivery {
    own: PublicKey,
    sessions: BTreeMap<SessionId, Session>,
}

impl Delivery {
    pub(super) fn new(own: PublicKey) -> Self {
        Self {
            own,
            sessions: BTreeMap::new(),
        }
    }

    /// Whether something in this session waits for an answer.
    pub(super) fn is_busy(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Sends a transaction to its recipient. One that is under way in this session already is not sent
    /// again: its answer is still to come. Beyond what the other end takes, nothing is sent, as if the
    /// session had been lost: the outbox may believe less to be under way than there is.
    pub(super) fn deliver(
        &mut self,
        (session, to): (SessionId, PublicKey),
        transaction: EncodedTransaction,
    ) -> Option<Effect> {
        let sent = &mut self.sessions.entry(session).or_default().sent;
        if sent.contains_key(&transaction.id()) {
            return None;
        }
        if sent.len() >= MAX_UNANSWERED {
            return Some(Effect::TellOutbox(DeliveryFact::Lost(to)));
        }
        sent.insert(transaction.id(), transaction.clone());
        Some(Effect::Send(session, Message::Deliver(transaction)))
    }

    /// What was delivered in this session and has no receipt yet, by its id.
    pub(super) fn sent(
        &self,
        session: SessionId,
        id: &TransactionId,
    ) -> Option<EncodedTransaction> {
        self.sessions.get(&session)?.sent.get(id).cloned()
    }

    /// A member delivers a transaction.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn delivered(
        &mut self,
        session: SessionId,
        from: PublicKey,
        transaction: EncodedTransaction,
    ) -> Result<Effect, &'static str> {
        let payload = transaction.payload();
        let to_us = matches!(&payload.action, Action::Transfer { to, .. } if *to == self.own);
        if !to_us {
            return Err("a transaction was delivered that is for somebody else");
        }
        if payload.sender != from {
            return Err("a transaction was delivered by another than its sender");
        }
        let taken = &mut self.sessions.entry(session).or_default().taken;
        if *taken >= MAX_UNANSWERED {
            return Err("more was delivered at once than may be");
        }
        *taken += 1;
        Ok(Effect::TakeDelivery(session, transaction))
    }

    /// Answers a delivery.
    pub(super) fn answer(&mut self, session: SessionId, receipt: Receipt) -> Effect {
        if let Some(state) = self.sessions.get_mut(&session) {
            state.taken = state.taken.saturating_sub(1);
        }
        self.forget_idle(session);
        Effect::Send(session, Message::Receipt(receipt))
    }

    /// A member answers a delivery.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn receipt(
        &mut self,
        session: SessionId,
        from: PublicKey,
        receipt: Receipt,
    ) -> Result<Effect, &'static str> {
        let sent = self.sessions.get_mut(&session).map(|state| &mut state.sent);
        if sent.is_none_or(|sent| sent.remove(&receipt.statement.transaction).is_none()) {
            return Err("a receipt came for what was not delivered");
        }
        self.forget_idle(session);
        let receipt = Box::new(receipt);
        Ok(Effect::TellOutbox(DeliveryFact::Receipt {
            session,
            from,
            receipt,
        }))
    }

    fn forget_idle(&mut self, session: SessionId) {
        let idle = self.sessions.get(&session);
        if idle.is_some_and(|state| state.sent.is_empty() && state.taken == 0) {
            self.sessions.remove(&session);
        }
    }

    pub(super) fn closed(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::{member, transfer};
    use crate::wire::{ReceiptCode, ReceiptStatement};

    const SESSION: SessionId = SessionId(1);

    fn receipt(transaction: &EncodedTransaction) -> Receipt {
        let statement = ReceiptStatement {
            network: transaction.payload().network,
            transaction: transaction.id(),
            recipient: member(2).public_key(),
            code: ReceiptCode::Accepted,
            reason: Default::default(),
            height: crate::chain::Height(0),
            block: transaction.payload().network,
        };
        statement.sign(&member(2))
    }

    #[test]
    fn c12_a_session_delivers_as_much_as_may_be_without_a_receipt_and_not_one_more() {
        let (from, mut delivery) = (
            member(1).public_key(),
            Delivery::new(member(2).public_key()),
        );
        let deliver = |delivery: &mut Delivery, salt: usize| {
            let transaction = transfer(1, 2, 5, 0, salt as u8);
            delivery.delivered(SESSION, from, transaction).is_ok()
        };
        for salt in 0..MAX_UNANSWERED {
            assert!(deliver(&mut delivery, salt), "{salt}");
        }
        assert!(!deliver(&mut delivery, MAX_UNANSWERED));
        // A receipt makes room for one.
        let _ = delivery.answer(SESSION, receipt(&transfer(1, 2, 5, 0, 0)));
        assert!(deliver(&mut delivery, MAX_UNANSWERED));
        assert!(!deliver(&mut delivery, MAX_UNANSWERED + 1));
    }

    #[test]
    fn nothing_is_sent_twice_in_a_session_nor_more_than_the_other_end_takes() {
        let (to, mut delivery) = (
            member(2).public_key(),
            Delivery::new(member(1).public_key()),
        );
        let all: Vec<_> = (0..=MAX_UNANSWERED as u8)
            .map(|salt| transfer(1, 2, 5, 0, salt))
            .collect();
        for transaction in &all[..MAX_UNANSWERED] {
            let sent = delivery.deliver((SESSION, to), transaction.clone());
            assert!(matches!(
                sent,
                Some(Effect::Send(SESSION, Message::Deliver(_)))
            ));
            assert_eq!(delivery.deliver((SESSION, to), transaction.clone()), None);
        }
        let too_many = delivery.deliver((SESSION, to), all[MAX_UNANSWERED].clone());
        assert_eq!(too_many, Some(Effect::TellOutbox(DeliveryFact::Lost(to))));
        // Each has its one answer.
        assert!(delivery.receipt(SESSION, to, receipt(&all[0])).is_ok());
        assert!(delivery.receipt(SESSION, to, receipt(&all[0])).is_err());
        let sent = delivery.deliver((SESSION, to), all[MAX_UNANSWERED].clone());
        assert!(matches!(sent, Some(Effect::Send(..))));
    }
}
