//! How the outbox follows what the ledger says of its sends.

use super::{DeliveryRows, Effect, End, Place, Reason, Route, SendFacts, mark_key, rows};
use super::{Entry, Outbox};
use crate::chain::ledger::Fate;
use crate::chain::{Closed, Height, Internal, Rejected, TransactionId};
use crate::clock::Now;
use crate::protocol::delivery::rows::{BY_NETWORK, Cursor, FELL_OUT};
use crate::protocol::delivery::{Judgement, OwnNews};
use crate::protocol::retry::FIRST_RETRY_MS;

impl Outbox {
    /// What the ledger said of transactions that were handed to it, by their numbers.
    pub fn judged(
        &mut self,
        judged: impl IntoIterator<Item = (u64, Judgement)>,
        now: Now,
    ) -> Vec<Effect> {
        for (number, judgement) in judged {
            self.judged_one(number, &judgement, now);
        }
        self.take_effects()
    }

    fn judged_one(&mut self, number: u64, judgement: &Judgement, now: Now) {
        let overtaken = self.passing_on.answered(number);
        let Some(ticket) = self.entries.edit(number, |entry| entry.ticket.take()) else {
            return;
        };
        match &judgement.verdict {
            _ if overtaken && (ticket.is_none() || judgement.holds()) => {
                self.overtaken(number, now)
            }
            Ok(()) | Err(Rejected::AlreadyOpen) => self.opened(number),
            Err(Rejected::AlreadyMined(height)) => self.mined(number, *height),
            Err(rejected) => self.not_opened(number, judgement, rejected, ticket.is_some(), now),
        }
        if let Some((ticket, batch)) = ticket {
            self.deliver_what_is_open(number, now);
            let refused = judgement.verdict.as_ref().err();
            let answer = match refused.filter(|_| !judgement.holds()) {
                Some(rejected) => {
                    // Whoever asks again is not answered that it was sent.
                    let row = self.requests.forget(number);
                    row.into_iter().for_each(|row| self.decided.write(row));
                    Err(rejected.clone().into())
                }
                None => Ok(number),
            };
            // What was sent after it is nothing to wait for.
            let answer = Effect::Answer { ticket, answer };
            match self.decided.is_writing() {
                true => self.decided.after_rows(answer),
                false => self.decided.after(batch, answer),
            };
        }
    }

    /// While the ledger's answer was under way, it told that the send is no more where it was: the answer is the
    /// older of the two, and where it is not known to be anywhere the ledger is asked once more.
    fn overtaken(&mut self, number: u64, now: Now) {
        let waits = self.entries.get(number);
        if waits.is_some_and(|entry| entry.place == Place::Nowhere && entry.facts.end.is_none()) {
            self.pass_on(number, now);
        }
    }

    /// What its owner handed to the network goes to its recipient as well, for the receipt: once the ledger
    /// has taken it, so that until then nobody else has seen it.
    fn deliver_what_is_open(&mut self, number: u64, now: Now) {
        let is_taken = |entry: &&Entry| {
            let is_mined = matches!(entry.place, Place::Mined(_));
            entry.facts.route == Route::Both && entry.facts.end.is_none() && !is_mined
        };
        let taken = self.entries.get(number).filter(is_taken);
        if let Some(facts) = taken.map(|entry| entry.facts.clone()) {
            self.deliver_later(number, &facts, now);
            self.call_for(&facts.to, now);
        }
    }

    /// The ledger did not take it: for good, since its coins went elsewhere or another record came before
    /// it, or for now.
    fn not_opened(
        &mut self,
        number: u64,
        judgement: &Judgement,
        rejected: &Rejected,
        first: bool,
        now: Now,
    ) {
        let fell_out = self.entries.get(number).is_some_and(|e| e.facts.fell_out());
        let reason = match fell_out {
            true => Reason::cut(&format!("{FELL_OUT}; {rejected}")),
            false => Reason::cut(&rejected.to_string()),
        };
        let lost = match rejected {
            Rejected::InsufficientFunds { .. } => true,
            // What it builds on may come back: another branch holds it, or it is mined again.
            Rejected::Application { not_yet, .. } => !not_yet,
            _ => false,
        };
        if first {
            // Nobody but this node has seen it.
            self.entries
                .edit(number, |entry| entry.facts.attempted = false);
            return self.end(number, End::Refused, &reason);
        }
        if lost && !judgement.syncing {
            return self.end(number, End::Conflicted, &reason);
        }
        if !judgement.may_change() {
            let expired = matches!(rejected, Rejected::Expired { .. });
            let end = if expired { End::Expired } else { End::Refused };
            return self.end(number, end, &reason);
        }
        self.say(number, reason);
        self.passing_on.again(number, now.steady);
    }

    /// The ledger tells of this owner's transactions; what is written of all that is told at once is one batch.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn ledger_told(
        &mut self,
        news: &[OwnNews],
        disk: &dyn DeliveryRows,
        now: Now,
    ) -> Result<Vec<Effect>, Internal> {
        for one in news {
            self.told(one, disk, now)?;
        }
        Ok(self.take_effects())
    }

    fn told(&mut self, news: &OwnNews, disk: &dyn DeliveryRows, now: Now) -> Result<(), Internal> {
        match news {
            OwnNews::Opened(transaction) => match self.entries.number_of(&transaction.id()) {
                Some(number) => self.opened(number),
                None => self.found(transaction, Place::Open, disk, now)?,
            },
            OwnNews::Closed(id, why) => {
                if let Some(number) = self.entries.number_of(id) {
                    self.closed(number, *why, now);
                }
            }
            OwnNews::Moved { height, block, own } => {
                self.tip = *height;
                self.funding.forget();
                for (id, fate) in &own.taken_back {
                    // Where it was mined again follows.
                    if !matches!(fate, Fate::Mined(_)) {
                        self.undone(id, disk, now)?;
                    }
                }
                for (transaction, height) in &own.mined {
                    match self.entries.number_of(&transaction.id()) {
                        Some(number) => self.mined(number, *height),
                        None => self.found(transaction, Place::Mined(*height), disk, now)?,
                    }
                }
                if self.elsewhere.walk.is_caught_up() {
                    let (height, block) = (*height, *block);
                    self.walked(Cursor { height, block });
                }
                self.settle();
            }
        }
        Ok(())
    }

    fn opened(&mut self, number: u64) {
        self.passing_on.opened(number);
        let ended = self.entries.edit(number, |entry| {
            entry.place = Place::Open;
            if entry.facts.reason.as_str() != BY_NETWORK {
                entry.facts.reason = Reason::default();
            }
            entry.facts.end.take()
        });
        if ended.flatten().is_some() {
            self.store(number);
        }
        self.tell(number);
    }

    fn closed(&mut self, number: u64, why: Closed, now: Now) {
        let reason = match why {
            // Followed by the block.
            Closed::Mined => return,
            Closed::Expired => "its last height has passed",
            Closed::TimedOut => "it was open for a day and nobody mined it",
            Closed::Evicted => "transactions that pay more took its place among the open ones",
            Closed::Conflicted => "other payments of the same coins came first",
            Closed::PutOut => {
                "this node was put out of the network; it is sent again once it is let back"
            }
        };
        self.passing_on.told(number);
        let own = self.config.own;
        let was_mined = self.entries.get(number).is_some_and(Entry::is_mined);
        let reason = match was_mined {
            true => Reason::cut(&format!("{FELL_OUT}; {reason}")),
            false => Reason::cut(reason),
        };
        let waits = self.entries.edit(number, |entry| {
            entry.place = Place::Nowhere;
            entry.facts.reason = reason.clone();
            (entry.facts.to == own, entry.goes_to_network())
        });
        let (is_record, waits) = waits.unwrap_or_default();
        if why == Closed::Conflicted {
            return match is_record {
                // Its application has the words for it: the ledger asks it once more.
                true => self.pass_on(number, now),
                false => self.end(number, End::Conflicted, &reason),
            };
        }
        self.store(number);
        self.tell(number);
        if waits {
            self.pass_on_soon(number, now);
        }
    }

    fn mined(&mut self, number: u64, height: Height) {
        self.stop_delivering(number);
        self.passing_on.told(number);
        self.passing_on.leave(number);
        self.entries
            .edit(number, |entry| entry.place = Place::Mined(height));
        self.tell(number);
    }

    /// The block that held it is gone from the chain.
    fn undone(
        &mut self,
        id: &TransactionId,
        disk: &dyn DeliveryRows,
        now: Now,
    ) -> Result<(), Internal> {
        let Some(number) = self.entries.number_of(id) else {
            return self.undone_late(id, disk, now);
        };
        let waits = self.entries.edit(number, |entry| {
            let was_mined = entry.is_mined();
            if was_mined {
                entry.place = Place::Nowhere;
                if entry.facts.end.is_none() {
                    entry.facts.reason = Reason::cut(FELL_OUT);
                }
                was_public(&mut entry.facts);
            }
            was_mined.then_some(entry.facts.end.is_none())
        });
        if let Some(waits) = waits.flatten() {
            self.passing_on.told(number);
            self.store(number);
            self.tell(number);
            if waits {
                self.pass_on_soon(number, now);
            }
        }
        Ok(())
    }

    /// It fell out of the chain, or of what is open.
    fn pass_on_soon(&mut self, number: u64, now: Now) {
        self.passing_on
            .at(number, now.steady.plus_ms(FIRST_RETRY_MS));
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
        let mut facts: SendFacts = rows::facts(disk, number)?.ok_or_else(missing)?;
        was_public(&mut facts);
        let waits = facts.end.is_none();
        if waits {
            facts.reason = Reason::cut(FELL_OUT);
        }
        self.decided.write((mark_key(number), Some(Vec::new())));
        self.take_up(number, Entry::new(facts, Place::Nowhere), now);
        self.store(number);
        self.tell(number);
        if waits {
            self.pass_on_soon(number, now);
        }
        Ok(())
    }

    /// Lets go of what is mined for long, and of what can't be mined any more.
    pub(super) fn settle(&mut self) {
        while let Some(number) = self.entries.next_settled(self.tip) {
            self.finish(number);
        }
        while let Some(number) = self.entries.next_lapsed(self.tip) {
            self.lapse(number);
        }
    }

    fn lapse(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(number)
            && entry.facts.end.is_none()
        {
            let height = entry.facts.expires_at;
            let before = &entry.facts.reason;
            let reason = match before.is_empty() {
                true => format!("not mined up to height {height}, its last"),
                false => format!("not mined up to height {height}, its last: {before}"),
            };
            self.entries.edit(number, |entry| {
                entry.facts.end = Some(End::Expired);
                entry.facts.reason = Reason::cut(&reason);
            });
            self.store(number);
            self.tell(number);
        }
        self.finish(number);
    }
}

/// It was in a block, for everybody to see: this node hands it to the network again.
fn was_public(facts: &mut SendFacts) {
    if facts.route == Route::Direct {
        facts.route = Route::Both;
    }
    facts.attempted = true;
}
