//! Whether there is room for a transaction, and who makes it.

use super::place::Place;
use super::{Mempool, Terms};
use crate::chain::rows::StateView;
use crate::chain::{Amount, EncodedTransaction, Rejected, Rejection, TransactionId};

impl Mempool {
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

    pub(super) fn check_stranger(
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
    pub(super) fn room_to_return(
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
            return Err(Rejected::SenderPutOut.into());
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
            let (used, most) = (self.free_bytes_of(&payload.sender), self.limits.free_bytes);
            if self.sent_with(transaction) > most {
                let size = transaction.size();
                return Err(Rejected::FreeShareUsed { used, most, size });
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

    /// What counts against its sender's budget once it is open, for its place in the queue.
    pub(super) fn sent_on(&self, transaction: &EncodedTransaction, terms: Terms) -> u64 {
        match terms.is_budgeted {
            true => self.sent_with(transaction),
            false => 0,
        }
    }

    /// Those that must leave for this one: those of the least worth, and none of as much.
    fn room_for(
        &self,
        transaction: &EncodedTransaction,
        terms: Terms,
    ) -> Result<Vec<TransactionId>, Rejected> {
        let own = Place::of(transaction, self.sent_on(transaction, terms), 0).worth();
        let takes = self.takes(transaction);
        let mut excess = (self.taken + takes).saturating_sub(self.limits.bytes);
        let free_limit = self.limits.bytes / self.limits.free_share;
        let mut free_excess = match terms.is_budgeted {
            true => (self.free_taken + takes).saturating_sub(free_limit),
            false => 0,
        };
        let mut leaving = Vec::new();
        for (place, slot) in &self.queue {
            if excess == 0 && free_excess == 0 {
                break;
            }
            if place.worth() >= own {
                return Err(Rejected::PoolFull(""));
            }
            let Some(entry) = self.entries.get(*slot) else {
                continue;
            };
            let freed = self.takes(&entry.transaction);
            excess = excess.saturating_sub(freed);
            if entry.is_budgeted {
                free_excess = free_excess.saturating_sub(freed);
            }
            leaving.push(entry.transaction.id());
        }
        if excess == 0 && free_excess == 0 {
            Ok(leaving)
        } else {
            Err(Rejected::PoolFull(""))
        }
    }
}
