//! How the outbox gets what it holds to the recipients.

use super::by_network::AT_A_TIME;
use super::receipts::Arrived;
use super::{Outbox, PASS_ON_WITHIN_MS};
use crate::clock::Now;
use crate::keys::{PublicKey, SignatureError};
use crate::protocol::SessionId;
use crate::protocol::delivery::outbox::Effect;
use crate::protocol::delivery::rows::{BY_NETWORK, End, Place, Reason, Route};
use crate::protocol::retry::Standing;
use crate::wire::{Receipt, ReceiptCode, ReceiptError, Verdict};
use std::collections::{BTreeSet, HashSet};

impl Outbox {
    /// There is a session with this member.
    pub fn reached(&mut self, key: &PublicKey, now: Now) -> Vec<Effect> {
        if self.by_network.met(*key, now.steady) {
            self.passing_on.hurry(now.steady);
        }
        self.queue.reached(key, now.steady);
        self.deliver(key, now);
        self.take_effects()
    }

    /// A session with this member is gone: what it has not answered may not have arrived.
    pub fn lost(&mut self, key: &PublicKey, now: Now) -> Vec<Effect> {
        self.by_network.parted(key, now.steady);
        self.queue.unreachable(key, now.steady);
        self.keep_back(key);
        self.take_effects()
    }

    /// What was to leave as soon as that was stored leaves in its turn in the next session, not before
    /// what came before it.
    fn keep_back(&mut self, key: &PublicKey) {
        let leaves = |effect: &Effect| matches!(effect, Effect::Deliver { to, .. } if to == key);
        self.decided.retain_waiting(|effect| !leaves(effect));
    }

    /// No session with this member can be made.
    pub fn unreachable(&mut self, key: &PublicKey, now: Now) -> Vec<Effect> {
        self.queue.unreachable(key, now.steady);
        self.keep_back(key);
        self.take_effects()
    }

    /// What has waited for long enough goes by way of the network as well.
    fn go_by_network(&mut self, now: Now) {
        let mut begun = 0;
        for _ in 0..AT_A_TIME {
            let Some(number) = self.by_network.next(now.steady) else {
                break;
            };
            if self.may_go_by_network(number) {
                self.by_network.leave(number);
                self.entries.edit(number, |entry| {
                    entry.facts.route = Route::Both;
                    entry.facts.attempted = true;
                    entry.facts.reason = Reason::cut(BY_NETWORK);
                });
                // Stored before anybody hears of it: it can't be taken back from then on.
                self.store(number);
                self.tell(number);
                self.passing_on.at(number, now.steady);
                begun += 1;
            } else {
                self.by_network.look_again(number, now.steady);
            }
        }
        if begun > 0 {
            self.decided.after_rows(Effect::GoByNetwork(begun));
        }
    }

    /// Whether there is nothing but time that it waits for: its recipient has it and is about to answer, or
    /// did not find the coins, which by way of the network would be found no better; or it was put out, and whether it
    /// is to be paid all the same is for the owner to say.
    fn may_go_by_network(&self, number: u64) -> bool {
        let is_sent = self.queue.standing(number) == Some(Standing::Sent);
        let entry = self.entries.get(number);
        !is_sent
            && entry.is_some_and(|entry| {
                entry.place == Place::Nowhere
                    && entry.said != Some(ReceiptCode::CoinsMissing)
                    && !self.out.contains(&entry.facts.to)
            })
    }

    /// The tracker's word on who is alive, of all members, and the admin's on who is put out. Who is alive again is
    /// called at once.
    pub fn members_live(
        &mut self,
        live: HashSet<PublicKey>,
        out: BTreeSet<PublicKey>,
        now: Now,
    ) -> Vec<Effect> {
        for back in live.difference(&self.live) {
            self.queue.hurry(back);
        }
        self.live = live;
        self.out = out;
        self.call(now);
        self.take_effects()
    }

    /// A receipt came in a session with `from`. One that is not its recipient's own word breaks a rule,
    /// and counts for nothing.
    pub fn receipt(
        &mut self,
        (session, from): (SessionId, &PublicKey),
        receipt: &Receipt,
    ) -> Vec<Effect> {
        self.queue.answered(from);
        let meant = self.entries.find(&receipt.statement.transaction);
        if meant.is_none_or(|(_, entry)| entry.facts.to != *from) {
            return Vec::new();
        }
        match receipt.check_words(&self.config.network, from) {
            Ok(()) => {
                self.receipts.wait(Arrived {
                    session,
                    from: *from,
                    receipt: receipt.clone(),
                });
                self.check_receipts();
            }
            Err(fault) => {
                let reason = fault.to_string();
                self.decided.at_once(Effect::Blame { session, reason });
            }
        }
        self.take_effects()
    }

    fn check_receipts(&mut self) {
        if let Some(items) = self.receipts.ask() {
            self.decided.at_once(Effect::CheckReceipts(items));
        }
    }

    /// The signatures of receipts were checked: the verdicts in the order in which they were asked for. What all
    /// of them write is one batch. One without a verdict counts for nothing.
    pub fn receipts_checked(
        &mut self,
        verdicts: &[Result<(), SignatureError>],
        now: Now,
    ) -> Vec<Effect> {
        let mut answered = BTreeSet::new();
        for (arrived, verdict) in self.receipts.answered().into_iter().zip(verdicts) {
            let Arrived {
                session,
                from,
                receipt,
            } = arrived;
            match verdict {
                Ok(()) => {
                    self.heard(&receipt, now);
                    answered.insert(from);
                }
                Err(error) => {
                    let reason = ReceiptError::Forged(*error).to_string();
                    self.decided.at_once(Effect::Blame { session, reason });
                }
            }
        }
        for from in answered {
            self.deliver(&from, now);
        }
        self.check_receipts();
        // That something was received is for the owner to see. What leaves for the first time waits for its row.
        let is_told = |effect: &Effect| matches!(effect, Effect::Tell { .. });
        let is_idle = self.decided.waiting().all(is_told);
        match is_idle {
            true => self
                .decided
                .take_idle(|batch, rows| Effect::Commit { batch, rows }),
            false => self.take_effects(),
        }
    }

    /// Its recipient has said something of a send.
    fn heard(&mut self, receipt: &Receipt, now: Now) {
        let said = &receipt.statement;
        let Some((number, _)) = self.entries.find(&said.transaction) else {
            return;
        };
        self.entries
            .edit(number, |entry| entry.said = Some(said.code));
        match said.code.verdict() {
            Verdict::Accepted => self.accepted(number, now),
            Verdict::Refused => {
                self.end(number, End::Refused, &said.reason);
            }
            Verdict::NotYet => {
                self.queue.set_aside(number, now.steady);
                self.say(number, said.reason.clone());
            }
        }
    }

    fn accepted(&mut self, number: u64, now: Now) {
        self.stop_delivering(number);
        self.entries.edit(number, |entry| {
            entry.facts.delivered_at.get_or_insert(now.wall);
            entry.facts.end = None;
            entry.facts.reason = Reason::default();
        });
        self.store(number);
        let nowhere = self.entries.get(number);
        if nowhere.is_some_and(|entry| entry.place == Place::Nowhere) {
            let due = now.steady.plus_ms(PASS_ON_WITHIN_MS);
            self.passing_on.at(number, due);
        }
        self.tell(number);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) -> Vec<Effect> {
        let ticked = self.queue.tick(now.steady);
        for number in ticked.expired {
            self.kept_for_too_long(number);
        }
        for key in ticked.silent {
            self.keep_back(&key);
            for number in self.queue.numbers_for(&key) {
                self.say(number, Reason::cut("its recipient does not answer"));
            }
        }
        self.call(now);
        for key in self.queue.ready(now.steady) {
            self.deliver(&key, now);
        }
        self.go_by_network(now);
        self.due_to_network(now);
        if !self.queue.is_empty() {
            let row = self.awake_row(now);
            row.into_iter().for_each(|row| self.decided.write(row));
        }
        self.take_effects()
    }

    fn kept_for_too_long(&mut self, number: u64) {
        let Some(entry) = self.entries.get(number) else {
            return;
        };
        let facts = &entry.facts;
        self.by_network.leave(number);
        // It was delivered for the receipt alone: whether it is mined is the network's to say.
        if entry.goes_to_network() || entry.place != Place::Nowhere {
            return;
        }
        let days = self.config.keep_ms / 86_400_000;
        let mut reason = format!(
            "its recipient did not take it within {days} days in which this node was at work"
        );
        if !facts.reason.is_empty() {
            reason.push_str(&format!("; last it was: {}", facts.reason));
        }
        self.end(number, End::Expired, &Reason::cut(&reason));
    }

    /// What waits for this member leaves at once if it is there. Else it is called, as all are who are due.
    pub(super) fn call_for(&mut self, to: &PublicKey, now: Now) {
        self.call(now);
        self.deliver(to, now);
    }

    pub(super) fn call(&mut self, now: Now) {
        let calls = self.queue.calls(now.steady);
        for receiver in calls {
            self.decided.at_once(Effect::Reach(receiver));
        }
    }

    pub(super) fn deliver(&mut self, key: &PublicKey, now: Now) {
        for number in self.queue.next(key, now.steady) {
            let first = self.entries.edit(number, |entry| {
                entry.tries = entry.tries.saturating_add(1);
                !std::mem::replace(&mut entry.facts.attempted, true)
            });
            if first == Some(true) {
                // Stored before it leaves: nobody can take it back from then on.
                self.store(number);
            }
            self.decided
                .after_rows(Effect::Deliver { number, to: *key });
        }
    }
}
