//! How sends come into the outbox, and what their owner can still do about them.

use super::funding::Unfunded;
use super::requests::Request;
use super::{Entry, Outbox};
use crate::chain::ledger::Funds;
use crate::chain::{Action, Amount, EncodedTransaction, Rejected, TransactionId};
use crate::clock::Now;
use crate::protocol::delivery::outbox::{Effect, OrderError, SendError};
use crate::protocol::delivery::rows::{End, Place, Reason, SendFacts};
use crate::protocol::retry::Full;

impl Outbox {
    /// Its owner sends something: a transfer signed by this node's key. The answer is a promise and
    /// follows with the write. With `broadcast` it is handed to the network at once, and the answer is
    /// the ledger's. Under a key that was used before, nothing is sent: see [`SendError::Before`] and
    /// [`SendError::KeyTaken`].
    pub fn send(
        &mut self,
        ticket: u64,
        transaction: EncodedTransaction,
        broadcast: bool,
        request: Option<Request>,
        now: Now,
    ) -> Vec<Effect> {
        let is_free = transaction.payload().cost() == Some(Amount::ZERO);
        let send = Unfunded {
            ticket,
            transaction,
            broadcast,
            request,
        };
        if is_free {
            self.decide(&send, Amount::ZERO, now);
        } else {
            self.funding.wait(send);
            self.ask_funds();
        }
        self.take_effects()
    }

    fn ask_funds(&mut self) {
        if self.funding.ask(self.entries.reserved()) {
            self.decided.at_once(Effect::AskFunds);
        }
    }

    /// The ledger says what this node's key has, and what its open transactions cost.
    pub fn funds(&mut self, funds: &Funds, now: Now) -> Vec<Effect> {
        let reserved = self.entries.reserved();
        let (sends, spendable) = self.funding.answered(funds, reserved);
        for send in sends {
            self.decide(&send, spendable, now);
        }
        self.ask_funds();
        self.take_effects()
    }

    fn decide(&mut self, send: &Unfunded, spendable: Amount, now: Now) {
        let ticket = send.ticket;
        match self.take_in(send, spendable, now) {
            Ok(number) if send.broadcast => {
                self.entries
                    .edit(number, |entry| entry.ticket = Some(ticket));
                self.pass_on(number, now);
            }
            Ok(number) => {
                let answer = Ok(number);
                self.decided.after_rows(Effect::Answer { ticket, answer });
                self.call(now);
            }
            Err(error @ SendError::Before(_)) => {
                let answer = Err(error);
                self.decided.after_rows(Effect::Answer { ticket, answer });
            }
            Err(error) => self.decided.at_once(Effect::Answer {
                ticket,
                answer: Err(error),
            }),
        }
    }

    fn take_in(&mut self, send: &Unfunded, spendable: Amount, now: Now) -> Result<u64, SendError> {
        let (transaction, broadcast) = (&send.transaction, send.broadcast);
        if let Some(request) = send.request
            && let Some(before) = self.requests.find(&request.key)
        {
            return Err(match before.asked == request.asked {
                true => SendError::Before(before.id),
                false => SendError::KeyTaken(before.id),
            });
        }
        let payload = transaction.payload();
        let Action::Transfer { to, amount, .. } = payload.action else {
            return Err(Rejected::Meaningless.into());
        };
        if self.entries.number_of(&transaction.id()).is_some() {
            return Err(SendError::Known);
        }
        let size = transaction.size();
        self.queue.room_for(size)?;
        if self.entries.len() >= 2 * self.config.limits.entries {
            return Err(SendError::Full(Full {
                entries: self.entries.len(),
                bytes: self.queue.bytes(),
            }));
        }
        let needed = payload.cost().ok_or(Rejected::Meaningless)?;
        let available = u128::from(spendable.0).saturating_sub(self.entries.reserved());
        if u128::from(needed.0) > available {
            let available = Amount(u64::try_from(available).unwrap_or(u64::MAX));
            return Err(Rejected::InsufficientFunds { available, needed }.into());
        }
        let facts = SendFacts {
            id: transaction.id(),
            to,
            amount,
            fee: payload.fee,
            size,
            expires_at: payload.expires_at,
            queued_at: now.wall,
            broadcast,
            attempted: broadcast,
            delivered_at: None,
            end: None,
            reason: Reason::default(),
        };
        let id = facts.id;
        let number = self.begin(transaction, Entry::new(facts, Place::Nowhere));
        if let Some(request) = send.request {
            let row = self.requests.begin(request, number, id);
            self.decided.write(row);
        }
        if !broadcast {
            let expires = now.steady.plus_ms(self.config.keep_ms);
            self.queue.push(number, to, size, expires);
        }
        Ok(number)
    }

    /// Withdraws what has never left. The answer is a promise and follows with the write.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn withdraw(&mut self, ticket: u64, id: &TransactionId) -> Result<Vec<Effect>, OrderError> {
        let (number, entry) = self.entries.find(id).ok_or(OrderError::NotWaiting)?;
        if entry.facts.attempted {
            return Err(OrderError::Attempted(entry.facts.expires_at));
        }
        if entry.facts.end.is_some() || entry.place != Place::Nowhere {
            return Err(OrderError::NotWaiting);
        }
        self.end(
            number,
            End::Cancelled,
            &Reason::cut("withdrawn by its owner"),
        );
        let answer = Ok(number);
        self.decided.after_rows(Effect::Answer { ticket, answer });
        Ok(self.take_effects())
    }

    /// Tries again at once what waits, for its recipient or for its coins.
    ///
    /// # Errors
    /// [`OrderError::NotWaiting`].
    pub fn retry(&mut self, id: &TransactionId, now: Now) -> Result<Vec<Effect>, OrderError> {
        let (number, entry) = self.entries.find(id).ok_or(OrderError::NotWaiting)?;
        let to = entry.facts.to;
        if entry.place != Place::Nowhere {
            return Err(OrderError::NotWaiting);
        }
        if self.queue.hurry_one(number) {
            self.deliver(&to, now);
        } else {
            self.entries.edit(number, |entry| entry.facts.end = None);
            self.store(number);
            self.passing_on.at(number, now.steady);
        }
        self.call(now);
        self.due_to_network(now);
        Ok(self.take_effects())
    }
}
