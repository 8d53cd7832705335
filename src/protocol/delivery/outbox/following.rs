//! How the outbox follows what the ledger says of its sends.

use super::{DeliveryRows, Effect, End, Place, Reason, SendFacts, mark_key, rows};
use super::{Entry, MAX_SETTLING, Outbox, PASS_ON_WITHIN_MS, SETTLED_BLOCKS};
use crate::chain::ledger::Fate;
use crate::chain::{Closed, Height, Internal, Rejected, TransactionId};
use crate::clock::Now;
use crate::protocol::backoff::Backoff;
use crate::protocol::delivery::rows::Cursor;
use crate::protocol::delivery::{Judgement, LedgerNews};
use crate::protocol::retry::{FIRST_RETRY_MS, LONGEST_RETRY_MS};

impl Outbox {
    /// What the ledger said of a transaction that was handed to it.
    pub fn judged(&mut self, number: u64, judgement: &Judgement, now: Now) -> Vec<Effect> {
        self.with_ledger.remove(&number);
        let ticket = match self.entries.get_mut(&number) {
            Some(entry) => entry.ticket.take(),
            None => return Vec::new(),
        };
        match &judgement.verdict {
            Ok(()) | Err(Rejected::AlreadyOpen) => self.opened(number),
            Err(Rejected::AlreadyMined(height)) => self.mined(number, *height),
            Err(rejected) => self.not_opened(number, judgement, rejected, ticket.is_some(), now),
        }
        if let Some(ticket) = ticket {
            let refused = judgement.verdict.as_ref().err();
            let answer = match refused.filter(|_| !judgement.holds()) {
                Some(rejected) => Err(rejected.clone().into()),
                None => Ok(number),
            };
            self.decided.after_rows(Effect::Answer { ticket, answer });
        }
        self.take_effects()
    }

    /// The ledger did not take it: for good, since its coins went elsewhere, or for now.
    fn not_opened(
        &mut self,
        number: u64,
        judgement: &Judgement,
        rejected: &Rejected,
        first: bool,
        now: Now,
    ) {
        let reason = Reason::cut(&rejected.to_string());
        let spent = matches!(rejected, Rejected::InsufficientFunds { .. });
        if first {
            // Nobody but this node has seen it.
            return self.end(number, End::Refused, &reason);
        }
        if spent && !judgement.syncing {
            return self.end(number, End::Conflicted, &reason);
        }
        if !judgement.may_change() {
            let expired = matches!(rejected, Rejected::Expired { .. });
            let end = if expired { End::Expired } else { End::Refused };
            return self.end(number, end, &reason);
        }
        let seed = self.config.seed.wrapping_add(number);
        let mut due = now.steady;
        self.edit(number, |entry| {
            entry.facts.reason = reason;
            let fresh = || Box::new(Backoff::new(PASS_ON_WITHIN_MS, LONGEST_RETRY_MS, seed));
            let pauses = entry.pauses.get_or_insert_with(fresh);
            pauses.failed(now.steady);
            due = pauses.due();
        });
        self.pass_on_at(number, due);
    }

    /// The ledger tells of this owner's transactions.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn ledger_told(
        &mut self,
        news: &LedgerNews,
        disk: &dyn DeliveryRows,
        now: Now,
    ) -> Result<Vec<Effect>, Internal> {
        match news {
            LedgerNews::Opened(transaction) => match self.by_id.get(&transaction.id()) {
                Some(&number) => self.opened(number),
                None => self.found(transaction, Place::Open, disk, now)?,
            },
            LedgerNews::Closed(id, why) => {
                if let Some(&number) = self.by_id.get(id) {
                    self.closed(number, *why, now);
                }
            }
            LedgerNews::Moved { height, block, own } => {
                self.tip = *height;
                for (id, fate) in &own.taken_back {
                    // Where it was mined again follows.
                    if !matches!(fate, Fate::Mined(_)) {
                        self.undone(id, disk, now)?;
                    }
                }
                for (transaction, height) in &own.mined {
                    match self.by_id.get(&transaction.id()) {
                        Some(&number) => self.mined(number, *height),
                        None => self.found(transaction, Place::Mined(*height), disk, now)?,
                    }
                }
                if self.walk.is_caught_up() {
                    let (height, block) = (*height, *block);
                    self.walked(Cursor { height, block });
                }
                self.settle();
            }
        }
        Ok(self.take_effects())
    }

    fn opened(&mut self, number: u64) {
        self.leave_passing_on(number);
        let ended = self.entries.get(&number).and_then(|e| e.facts.end);
        self.edit(number, |entry| {
            entry.place = Place::Open;
            entry.pauses = None;
            entry.facts.end = None;
            entry.facts.reason = Reason::default();
        });
        if ended.is_some() {
            self.store(number);
        }
        self.tell(number);
    }

    fn closed(&mut self, number: u64, why: Closed, now: Now) {
        let reason = match why {
            // Followed by the block.
            Closed::Mined => return,
            Closed::Expired => "it was open for too long without being mined",
            Closed::Evicted => "transactions that pay more took its place among the open ones",
            Closed::Conflicted => "other payments of the same coins came first",
        };
        let reason = Reason::cut(reason);
        self.edit(number, |entry| entry.facts.reason = reason.clone());
        self.fell_out(number);
        if why == Closed::Conflicted {
            return self.end(number, End::Conflicted, &reason);
        }
        self.store(number);
        self.tell(number);
        if self
            .entries
            .get(&number)
            .is_some_and(Entry::goes_to_network)
        {
            self.pass_on_at(number, now.steady.plus_ms(FIRST_RETRY_MS));
        }
    }

    fn mined(&mut self, number: u64, height: Height) {
        self.queue.remove(number);
        self.leave_passing_on(number);
        self.edit(number, |entry| entry.place = Place::Mined(height));
        self.settling.insert((height, number));
        self.tell(number);
    }

    /// The block that held it is gone from the chain.
    fn undone(
        &mut self,
        id: &TransactionId,
        disk: &dyn DeliveryRows,
        now: Now,
    ) -> Result<(), Internal> {
        let Some(&number) = self.by_id.get(id) else {
            return self.undone_late(id, disk, now);
        };
        let place = self.entries.get(&number).map(|entry| entry.place);
        let Some(Place::Mined(_)) = place else {
            return Ok(());
        };
        self.fell_out(number);
        self.tell(number);
        let waits = self.entries.get(&number);
        if waits.is_some_and(|entry| entry.facts.end.is_none()) {
            self.pass_on_at(number, now.steady.plus_ms(FIRST_RETRY_MS));
        }
        Ok(())
    }

    /// It was mined for so long that it was not looked after any more.
    fn undone_late(
        &mut self,
        id: &TransactionId,
        disk: &dyn DeliveryRows,
        now: Now,
    ) -> Result<(), Internal> {
        // Most of the owner's transactions that are undone were received.
        let Some(number) = rows::find(disk, id)? else {
            return Ok(());
        };
        let missing = || Internal(format!("send {number} of the outbox is missing"));
        let facts: SendFacts = rows::facts(disk, number)?.ok_or_else(missing)?;
        let waits = facts.end.is_none();
        self.decided.write((mark_key(number), Some(Vec::new())));
        self.take_up(number, Entry::new(facts, Place::Nowhere), now);
        self.tell(number);
        if waits {
            self.pass_on_at(number, now.steady.plus_ms(FIRST_RETRY_MS));
        }
        Ok(())
    }

    /// It is neither open nor mined any more, and may lapse.
    fn fell_out(&mut self, number: u64) {
        let Some(entry) = self.entries.get(&number) else {
            return;
        };
        self.by_expiry.insert((entry.facts.expires_at, number));
        if let Place::Mined(height) = entry.place {
            self.settling.remove(&(height, number));
        }
        self.edit(number, |entry| entry.place = Place::Nowhere);
    }

    /// Lets go of what is mined for long, and of what can't be mined any more.
    pub(super) fn settle(&mut self) {
        while let Some(&(height, number)) = self.settling.first()
            && (height.0.saturating_add(SETTLED_BLOCKS) <= self.tip.0
                || self.settling.len() > MAX_SETTLING)
        {
            self.settling.pop_first();
            let is_mined = self.entries.get(&number);
            if is_mined.is_some_and(|entry| matches!(entry.place, Place::Mined(_))) {
                self.finish(number);
            }
        }
        let mut open = Vec::new();
        while let Some(&(expires_at, number)) = self.by_expiry.first()
            && expires_at <= self.tip
        {
            self.by_expiry.pop_first();
            match self.entries.get(&number).map(|entry| entry.place) {
                Some(Place::Nowhere) => self.lapse(number),
                // The ledger is about to close it.
                Some(Place::Open) => open.push((self.tip.next(), number)),
                Some(Place::Mined(_)) | None => {}
            }
        }
        self.by_expiry.extend(open);
    }

    fn lapse(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(&number)
            && entry.facts.end.is_none()
        {
            let height = entry.facts.expires_at;
            let before = &entry.facts.reason;
            let reason = match before.is_empty() {
                true => format!("not mined up to height {height}, its last"),
                false => format!("not mined up to height {height}, its last: {before}"),
            };
            self.edit(number, |entry| {
                entry.facts.end = Some(End::Expired);
                entry.facts.reason = Reason::cut(&reason);
            });
            self.store(number);
            self.tell(number);
        }
        self.finish(number);
    }
}
