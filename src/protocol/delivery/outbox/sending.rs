//! How sends come into the outbox, and what their owner can still do about them.

use super::funding::Wish;
use super::{Entry, Outbox, coins};
use crate::chain::ledger::Funds;
use crate::chain::{Action, Amount, Rejected, TransactionId};
use crate::clock::Now;
use crate::protocol::delivery::outbox::{Effect, OrderError, SendError};
use crate::protocol::delivery::rows::{End, Place, Reason, Route, SendFacts};
use crate::protocol::retry::Full;

impl Outbox {
    /// Its owner sends something: transfers or records signed by this node's key, whose rows are one batch. The
    /// answers are promises and follow with the write. What goes by way of the network is handed to the ledger
    /// at once, whose rows are written with these or behind them, and the answer is the ledger's. Under a key
    /// that was used before, nothing is sent: see [`SendError::Before`] and [`SendError::KeyTaken`].
    pub fn send(&mut self, wishes: Vec<Wish>, now: Now) -> Vec<Effect> {
        for wish in wishes {
            let cost = wish.transaction.transaction().payload().cost();
            let free = cost.and_then(|cost| self.funding.free(cost));
            match (cost, free) {
                (Some(Amount::ZERO), _) => self.decide(&wish, Amount::ZERO, now),
                (_, Some(free)) => self.decide_by(&wish, free, now),
                (_, None) => self.funding.wait(wish),
            }
        }
        self.ask_funds();
        self.take_effects()
    }

    /// Decides by what is known to be left, beside what is reserved.
    fn decide_by(&mut self, wish: &Wish, free: Amount, now: Now) {
        let before = self.entries.reserved();
        let spendable = before.saturating_add(u128::from(free.0));
        self.decide(wish, coins(spendable), now);
        let taken = coins(self.entries.reserved().saturating_sub(before));
        self.funding.know(free.minus(taken).unwrap_or_default());
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
        let free = spendable.minus(coins(self.entries.reserved()));
        self.funding.know(free.unwrap_or_default());
        self.ask_funds();
        self.take_effects()
    }

    fn decide(&mut self, send: &Wish, spendable: Amount, now: Now) {
        let ticket = send.ticket;
        match self.take_in(send, spendable, now) {
            Ok(number) if send.route.by_network() => {
                let asked = (ticket, self.decided.batch());
                self.entries
                    .edit(number, |entry| entry.ticket = Some(asked));
                if self.passing_on.begin(number, now.steady) {
                    let fresh = Some(send.transaction.clone());
                    self.decided.at_once(Effect::PassOn { number, fresh });
                }
            }
            Ok(number) => {
                let answer = Ok(number);
                self.decided.after_rows(Effect::Answer { ticket, answer });
                // To whom is there already it leaves after this batch, which says so.
                if let Some(to) = self.entries.get(number).map(|entry| entry.facts.to) {
                    self.call_for(&to, now);
                }
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

    fn take_in(&mut self, send: &Wish, spendable: Amount, now: Now) -> Result<u64, SendError> {
        let (transaction, route) = (send.transaction.transaction(), send.route);
        if let Some(request) = send.request
            && let Some(before) = self.requests.find(&request.key)
        {
            return Err(match before.asked == request.asked {
                true => SendError::Before(before.id),
                false => SendError::KeyTaken(before.id),
            });
        }
        let payload = transaction.payload();
        let (to, amount) = match (&payload.action, route) {
            (Action::Transfer { to, amount, .. }, _) => (*to, *amount),
            // A record is for everybody.
            (Action::Record { .. }, Route::Network) => (payload.sender, Amount::ZERO),
            _ => return Err(Rejected::Meaningless.into()),
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
            queued_awake: self.awake.at(now.steady),
            route,
            attempted: route.by_network(),
            delivered_at: None,
            end: None,
            released: false,
            reason: Reason::default(),
        };
        if route == Route::Direct {
            self.deliver_later(self.next, &facts, now);
        }
        // With it, so that a crash can't make what waits wait for longer.
        let row = self.awake_row(now);
        row.into_iter().for_each(|row| self.decided.write(row));
        let id = facts.id;
        let number = self.begin(transaction, Entry::new(facts, Place::Nowhere));
        if let Some(request) = send.request {
            let row = self.requests.begin(request, number, id);
            self.decided.write(row);
        }
        self.tell(number);
        Ok(number)
    }

    /// Withdraws what has never left. The answer is a promise and follows with the write.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn withdraw(&mut self, ticket: u64, id: &TransactionId) -> Result<Vec<Effect>, OrderError> {
        let (number, entry) = self.entries.find(id).ok_or(OrderError::NotWaiting)?;
        if entry.facts.end.is_some() || entry.place != Place::Nowhere {
            return Err(OrderError::NotWaiting);
        }
        if entry.facts.attempted {
            let last = entry.facts.expires_at;
            return Err(match entry.facts.route.by_network() {
                true => OrderError::ByNetwork(last),
                false => OrderError::Attempted(last),
            });
        }
        self.end(
            number,
            End::Withdrawn,
            &Reason::cut("withdrawn by its owner"),
        );
        let answer = Ok(number);
        self.decided.after_rows(Effect::Answer { ticket, answer });
        Ok(self.take_effects())
    }

    /// Frees the coins of what has ended and may still be mined. The answer is a promise and follows with
    /// the write.
    ///
    /// # Errors
    /// [`OrderError::NothingHeld`], [`OrderError::NotWaiting`].
    pub fn release(&mut self, ticket: u64, id: &TransactionId) -> Result<Vec<Effect>, OrderError> {
        let (number, entry) = self.entries.find(id).ok_or(OrderError::NotWaiting)?;
        if entry.facts.end.is_none() || entry.reserved() == 0 {
            return Err(OrderError::NothingHeld);
        }
        self.entries
            .edit(number, |entry| entry.facts.released = true);
        self.store(number);
        self.tell(number);
        self.finish(number);
        let answer = Ok(number);
        self.decided.after_rows(Effect::Answer { ticket, answer });
        Ok(self.take_effects())
    }

    /// Tries again at once what waits, for its recipient or for its coins; and what had ended for want of
    /// either, for its whole time.
    ///
    /// # Errors
    /// [`OrderError::NotWaiting`], [`OrderError::Refused`].
    pub fn retry(&mut self, id: &TransactionId, now: Now) -> Result<Vec<Effect>, OrderError> {
        let (number, entry) = self.entries.find(id).ok_or(OrderError::NotWaiting)?;
        if entry.place != Place::Nowhere {
            return Err(OrderError::NotWaiting);
        }
        if entry.facts.end == Some(End::Refused) {
            return Err(OrderError::Refused);
        }
        let (to, to_network) = (entry.facts.to, entry.goes_to_network());
        if self.queue.hurry_one(number) {
            self.deliver(&to, now);
        } else {
            let awake = self.awake.at(now.steady);
            let facts = self.entries.edit(number, |entry| {
                entry.facts.end = None;
                entry.facts.queued_awake = awake;
                entry.facts.clone()
            });
            self.store(number);
            if let Some(facts) = facts.filter(|_| !to_network) {
                self.deliver_later(number, &facts, now);
            }
        }
        if to_network {
            self.passing_on.at(number, now.steady);
        }
        self.call(now);
        self.due_to_network(now);
        Ok(self.take_effects())
    }
}
