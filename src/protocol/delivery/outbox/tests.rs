mod asked_again;
mod falling_out;
mod promises;
mod reasons;

use super::*;
use crate::chain::ledger::Funds;
use crate::chain::testing::{MemoryView, START, member, network, transfer};
use crate::chain::{BlockId, Closed, EncodedTransaction, Rejected};
use crate::clock::BEGUN;
use crate::clock::Now;
use crate::keys::verify_batch;
use crate::protocol::SessionId;
use crate::protocol::delivery::rows::{Route, SendState};
use crate::protocol::delivery::testing::{DAY_MS, MINUTE_MS, MemoryRows, moved, outbox_config};
use crate::protocol::delivery::{Judgement, OwnNews};
use crate::protocol::retry::{FIRST_RETRY_MS, LONGEST_RETRY_MS, Standing};
use crate::wire::{ReceiptCode, ReceiptStatement};
use std::collections::{BTreeSet, HashSet, VecDeque};

const HERE: SessionId = SessionId(1);

/// What alice can spend.
const FUNDS: Funds = Funds {
    balance: Amount(1_000),
    promised: Amount(0),
};

/// One wish by this ticket.
fn wish(
    ticket: u64,
    transaction: EncodedTransaction,
    route: Route,
    request: Option<Request>,
) -> Vec<Wish> {
    let transaction = transaction.into();
    vec![Wish {
        ticket,
        transaction,
        route,
        request,
    }]
}

struct Sender {
    outbox: Outbox,
    rows: MemoryRows,
    now: Now,
}

impl Sender {
    fn new() -> Self {
        Self::with(MemoryRows::default())
    }

    fn with(rows: MemoryRows) -> Self {
        let chain = MemoryView::default();
        let outbox = Outbox::open(outbox_config(1), &rows, &chain, Height(0), BEGUN);
        Self {
            outbox: outbox.unwrap(),
            rows,
            now: BEGUN,
        }
    }

    /// Writes what is to be written, and gathers everything else.
    fn done(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut others = Vec::new();
        let mut open: VecDeque<_> = effects.into();
        while let Some(effect) = open.pop_front() {
            match effect {
                Effect::Commit { batch, rows } => {
                    self.rows.commit(rows);
                    open.extend(self.outbox.committed(batch));
                }
                Effect::CheckReceipts(items) => {
                    let verdicts = verify_batch(&items);
                    open.extend(self.outbox.receipts_checked(&verdicts, self.now));
                }
                Effect::AskFunds => open.extend(self.outbox.funds(&FUNDS, self.now)),
                other => others.push(other),
            }
        }
        others
    }

    fn send(&mut self, transaction: &EncodedTransaction) -> Vec<Effect> {
        let effects = self
            .outbox
            .send(wish(1, transaction.clone(), Route::Direct, None), self.now);
        self.done(effects)
    }

    fn reached(&mut self, number: u8) -> Vec<Effect> {
        let effects = self.outbox.reached(&member(number).public_key(), self.now);
        self.done(effects)
    }

    fn receipt(&mut self, id: TransactionId, code: ReceiptCode, reason: &str) -> Vec<Effect> {
        let receipt = statement(id, code, reason).sign(&member(2));
        let from = member(2).public_key();
        let effects = self.outbox.receipt((HERE, &from), &receipt);
        self.done(effects)
    }

    fn pass(&mut self, ms: u64) -> Vec<Effect> {
        self.now = self.now.plus_ms(ms);
        let effects = self.outbox.tick(self.now);
        self.done(effects)
    }

    fn told(&mut self, news: OwnNews) -> Vec<Effect> {
        let effects = self.outbox.ledger_told(&[news], &self.rows, self.now);
        self.done(effects.unwrap())
    }

    fn facts(&self, number: u64) -> SendFacts {
        rows::facts(&self.rows, number).unwrap().unwrap()
    }
}

fn statement(id: TransactionId, code: ReceiptCode, reason: &str) -> ReceiptStatement {
    ReceiptStatement {
        network: network(),
        transaction: id,
        recipient: member(2).public_key(),
        code,
        reason: Reason::cut(reason),
        height: Height(3),
        block: BlockId([3; 32]),
    }
}

fn delivered(effects: &[Effect]) -> Vec<u64> {
    let numbers = effects.iter().filter_map(|effect| match effect {
        Effect::Deliver { number, .. } => Some(*number),
        _ => None,
    });
    numbers.collect()
}

#[test]
fn what_is_queued_can_not_be_spent_twice() {
    let mut sender = Sender::new();
    sender.send(&transfer(1, 2, 600, 0, 1));
    let refused = sender.send(&transfer(1, 2, 400, 1, 2));
    let insufficient = Rejected::InsufficientFunds {
        available: Amount(400),
        needed: Amount(401),
    };
    let answer = Err(SendError::Rejected(insufficient));
    assert_eq!(refused, [Effect::Answer { ticket: 1, answer }]);
    // After a restart as well.
    let mut sender = Sender::with(sender.rows);
    let refused = sender.send(&transfer(1, 2, 400, 1, 2));
    assert!(matches!(
        &refused[..],
        [Effect::Answer { answer: Err(_), .. }]
    ));
    let withdrawn = sender.outbox.withdraw(7, &transfer(1, 2, 600, 0, 1).id());
    sender.done(withdrawn.unwrap());
    let taken = sender.send(&transfer(1, 2, 400, 1, 2));
    let answer = |effect: &Effect| matches!(effect, Effect::Answer { answer: Ok(2), .. });
    assert!(taken.iter().any(answer), "{taken:?}");
}

#[test]
fn the_ledger_is_asked_for_what_is_left_once_a_block() {
    let mut sender = Sender::new();
    let ask = |sender: &mut Sender, coins, salt| {
        let payment = transfer(1, 2, coins, 0, salt);
        let effects = sender
            .outbox
            .send(wish(1, payment, Route::Direct, None), sender.now);
        let asked = effects.contains(&Effect::AskFunds);
        sender.done(effects);
        asked
    };
    assert!(ask(&mut sender, 100, 1));
    assert!(!ask(&mut sender, 900, 2), "so much is left, by the answer");
    assert!(ask(&mut sender, 1, 3), "nothing is, as far as is known");
    let first = transfer(1, 2, 100, 0, 1);
    let withdrawn = sender.outbox.withdraw(7, &first.id()).unwrap();
    sender.done(withdrawn);
    assert!(ask(&mut sender, 50, 4), "what came free is not counted on");
    assert!(!ask(&mut sender, 50, 5));
    // What a block, or what the same key sent from elsewhere, leaves is not known.
    let elsewhere = transfer(1, 3, 1, 0, 6);
    for news in [moved(1, &[], &[]), OwnNews::Opened(elsewhere)] {
        let mut sender = Sender::new();
        assert!(ask(&mut sender, 1, 1));
        assert!(!ask(&mut sender, 1, 2));
        sender.told(news);
        assert!(ask(&mut sender, 1, 3));
    }
}

#[test]
fn to_whom_is_there_a_send_leaves_with_the_batch_that_stores_it() {
    let mut sender = Sender::new();
    sender.send(&transfer(1, 2, 5, 0, 1));
    sender.reached(2);
    sender.receipt(transfer(1, 2, 5, 0, 1).id(), ReceiptCode::Accepted, "");
    let second = transfer(1, 2, 5, 0, 2);
    let effects = sender
        .outbox
        .send(wish(1, second, Route::Direct, None), sender.now);
    let [Effect::Commit { batch, rows }] = &effects[..] else {
        panic!("one batch, and nobody is called: {effects:?}");
    };
    sender.rows.commit(rows.clone());
    assert!(sender.facts(2).attempted, "stored before it leaves");
    let left = sender.outbox.committed(*batch);
    assert_eq!(delivered(&left), [2]);
    // Once the session is gone, the next has to be called for.
    let lost = sender.outbox.lost(&member(2).public_key(), sender.now);
    sender.done(lost);
    let third = sender.send(&transfer(1, 2, 5, 0, 3));
    assert!(delivered(&third).is_empty());
}

#[test]
fn only_what_has_never_left_can_be_withdrawn() {
    let mut sender = Sender::new();
    let (first, second) = (transfer(1, 2, 5, 0, 1), transfer(1, 2, 6, 0, 2));
    sender.send(&first);
    sender.send(&second);
    let withdrawn = sender.outbox.withdraw(9, &first.id()).unwrap();
    let withdrawn = sender.done(withdrawn);
    let answer = Effect::Answer {
        ticket: 9,
        answer: Ok(1),
    };
    assert!(withdrawn.contains(&answer));
    assert_eq!(sender.facts(1).state(Place::Nowhere), SendState::Withdrawn);
    assert_eq!(delivered(&sender.reached(2)), [2]);
    let attempted = sender.outbox.withdraw(9, &second.id());
    assert_eq!(attempted, Err(OrderError::Attempted(Height(100_000))));
    let gone = sender.outbox.withdraw(9, &first.id());
    assert_eq!(gone, Err(OrderError::NotWaiting));
    // It may have left, also in the eyes of a node that died right then.
    let mut again = Sender::with(sender.rows.clone());
    let attempted = again.outbox.withdraw(9, &second.id());
    assert_eq!(attempted, Err(OrderError::Attempted(Height(100_000))));
}

#[test]
fn a_refusal_ends_it_with_the_recipients_reason() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    sender.reached(2);
    sender.receipt(payment.id(), ReceiptCode::Blocked, "not from you");
    let facts = sender.facts(1);
    assert_eq!(facts.state(Place::Nowhere), SendState::Refused);
    assert_eq!(facts.reason.as_str(), "not from you");
    assert_eq!(delivered(&sender.reached(2)), [0; 0]);
    // What the ledger says counts for more.
    assert_eq!(facts.state(Place::Mined(Height(1))), SendState::Mined);
}

#[test]
fn not_yet_is_tried_again_and_holds_nobody_up() {
    let mut sender = Sender::new();
    let (first, second) = (transfer(1, 2, 5, 0, 1), transfer(1, 2, 6, 0, 2));
    sender.send(&first);
    sender.send(&second);
    assert_eq!(delivered(&sender.reached(2)), [1, 2]);
    sender.receipt(
        first.id(),
        ReceiptCode::PoolFull,
        "the open transactions are full",
    );
    sender.receipt(second.id(), ReceiptCode::Accepted, "");
    let lines = sender.outbox.lines(None, 10);
    assert_eq!(
        lines[0].facts.reason.as_str(),
        "the open transactions are full"
    );
    assert!(matches!(lines[0].standing, Some(Standing::Aside(_))));
    assert_eq!(sender.facts(2).state(Place::Nowhere), SendState::Delivered);
    assert_eq!(delivered(&sender.pass(FIRST_RETRY_MS)), [1]);
    sender.receipt(first.id(), ReceiptCode::Accepted, "");
    assert!(sender.facts(1).reason.is_empty());
}

#[test]
fn attack_only_the_recipients_own_receipt_counts() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    sender.reached(2);
    let (bob, mallory) = (member(2).public_key(), member(3).public_key());
    let good = statement(payment.id(), ReceiptCode::Accepted, "");
    let other = ReceiptStatement {
        recipient: mallory,
        ..good.clone()
    };
    let elsewhere = ReceiptStatement {
        network: BlockId([9; 32]),
        ..good.clone()
    };
    let with_reason = statement(payment.id(), ReceiptCode::Accepted, "almost");
    // Not bob's word, though it came in his session: a rule is broken, and he is the one who broke it.
    for (receipt, rule) in [
        (good.clone().sign(&member(3)), "not signed by its recipient"),
        (other.sign(&member(3)), "to whom this was not sent"),
        (elsewhere.sign(&member(2)), "which is not this one"),
        (with_reason.sign(&member(2)), "gives a reason for a no"),
    ] {
        let effects = sender.outbox.receipt((HERE, &bob), &receipt);
        let effects = sender.done(effects);
        let [
            Effect::Blame {
                session: HERE,
                reason,
            },
        ] = &effects[..]
        else {
            panic!("passed over in silence: {effects:?}");
        };
        assert!(reason.contains(rule), "{reason}");
        assert_eq!(sender.facts(1).delivered_at, None);
    }
    let effects = sender
        .outbox
        .receipt((HERE, &mallory), &good.sign(&member(2)));
    assert_eq!(effects, []);
    assert_eq!(sender.facts(1).delivered_at, None);
    sender.receipt(payment.id(), ReceiptCode::Accepted, "");
    assert_eq!(sender.facts(1).delivered_at, Some(START));
}

#[test]
fn nothing_waits_for_ever() {
    let mut sender = Sender::new();
    sender.send(&transfer(1, 2, 5, 0, 1));
    sender.send(&transfer(1, 3, 6, 0, 2));
    sender.reached(3);
    // Alone again, so that nothing goes by way of the network.
    let gone = sender.outbox.lost(&member(3).public_key(), sender.now);
    sender.done(gone);
    sender.pass(7 * DAY_MS - 1);
    assert_eq!(sender.outbox.waiting().queued, 2);
    sender.pass(1);
    assert_eq!(sender.outbox.waiting().queued, 0);
    for number in [1, 2] {
        let facts = sender.facts(number);
        assert_eq!(facts.state(Place::Nowhere), SendState::Expired);
        assert!(facts.reason.as_str().contains("within 7 days"));
    }
    let explained = sender.facts(2).explained(Place::Nowhere, Height(0));
    assert!(
        explained.contains("6 coins stay reserved until height 100000"),
        "{explained}"
    );
    // What may have reached its recipient keeps its coins until it can't be mined any more.
    assert_eq!(sender.outbox.waiting().reserved, Amount(6));
    sender.told(moved(100_000, &[], &[]));
    assert_eq!(sender.outbox.waiting().reserved, Amount(0));
}

#[test]
fn who_is_back_is_called_at_once() {
    let mut sender = Sender::new();
    let bob = member(2).public_key();
    let called = sender.send(&transfer(1, 2, 5, 0, 1));
    assert!(called.contains(&Effect::Reach(bob)));
    for _ in 0..12 {
        let effects = sender.outbox.unreachable(&bob, sender.now);
        sender.done(effects);
        sender.pass(LONGEST_RETRY_MS);
    }
    let effects = sender.outbox.unreachable(&bob, sender.now);
    assert_eq!(sender.done(effects), []);
    let back = HashSet::from([bob]);
    let effects = sender
        .outbox
        .members_live(back.clone(), BTreeSet::new(), sender.now);
    assert_eq!(sender.done(effects), [Effect::Reach(bob)]);
}

#[test]
fn the_bound_is_told_and_nothing_above_it_is_taken() {
    let mut sender = Sender::new();
    for salt in 0..100 {
        sender.send(&transfer(1, 2, 1, 0, salt));
    }
    let refused = sender.send(&transfer(1, 2, 1, 0, 200));
    let [Effect::Answer { answer, .. }] = &refused[..] else {
        panic!("{refused:?}");
    };
    let reason = answer.as_ref().unwrap_err().to_string();
    assert!(reason.contains("the outbox is full (100 wait"), "{reason}");
    assert_eq!(rows::next_number(&sender.rows).unwrap(), 101);
}

#[test]
fn c12_of_what_goes_by_the_network_twice_as_much_is_looked_after_and_not_one_more() {
    let mut sender = Sender::new();
    let send = |sender: &mut Sender, salt: u8| {
        let sent = transfer(1, 2, 1, 0, salt);
        let effects = sender
            .outbox
            .send(wish(1, sent, Route::Network, None), sender.now);
        sender.done(effects)
    };
    for salt in 0..200 {
        send(&mut sender, salt);
    }
    assert_eq!(rows::next_number(&sender.rows).unwrap(), 201);
    let refused = send(&mut sender, 200);
    let full = |effect: &Effect| matches!(effect, Effect::Answer { answer: Err(SendError::Full(full)), .. } if full.entries == 200);
    assert!(refused.iter().any(full), "{refused:?}");
    assert_eq!(rows::next_number(&sender.rows).unwrap(), 201);
}

#[test]
fn a_send_is_found_by_the_first_digits_of_its_id() {
    let mut sender = Sender::new();
    let payments: Vec<_> = (1..=3).map(|salt| transfer(1, 2, 5, 0, salt)).collect();
    for payment in &payments {
        sender.send(payment);
    }
    for payment in &payments {
        let id = payment.id();
        let padded = format!("{:0<64}", &id.to_string()[..7]);
        let lowest = padded.parse().unwrap();
        let found = rows::beginning_like(&sender.rows, &lowest, 7).unwrap();
        assert_eq!(found, [id]);
        let nobody = rows::beginning_like(&sender.rows, &lowest, 8).unwrap();
        assert_eq!(
            nobody.len(),
            usize::from(padded[..8] == id.to_string()[..8])
        );
    }
    let any = rows::beginning_like(&sender.rows, &TransactionId([0; 32]), 0).unwrap();
    assert_eq!(any.len(), 2, "more than one, and no more are sought");
}

#[test]
fn receipts_that_come_during_a_check_share_the_next_and_a_forged_one_takes_none_with_it() {
    let mut sender = Sender::new();
    let sent: Vec<_> = (1..=3).map(|salt| transfer(1, 2, 5, 0, salt)).collect();
    for one in &sent {
        sender.send(one);
    }
    sender.reached(2);
    let bob = member(2).public_key();
    let mut asked = Vec::new();
    for (one, signer) in sent.iter().zip([2, 3, 2]) {
        let receipt = statement(one.id(), ReceiptCode::Accepted, "").sign(&member(signer));
        asked.extend(sender.outbox.receipt((HERE, &bob), &receipt));
    }
    let [Effect::CheckReceipts(first)] = &asked[..] else {
        panic!("one check at a time: {asked:?}");
    };
    assert_eq!(
        sender.facts(1).delivered_at,
        None,
        "nothing is believed yet"
    );
    let then = sender
        .outbox
        .receipts_checked(&verify_batch(first), sender.now);
    let next = then.iter().find_map(|effect| match effect {
        Effect::CheckReceipts(items) => Some(items.len()),
        _ => None,
    });
    assert_eq!(next, Some(2));
    let effects = sender.done(then);
    let is_blame = |effect: &&Effect| matches!(effect, Effect::Blame { .. });
    assert_eq!(effects.iter().filter(is_blame).count(), 1);
    let delivered = [1, 2, 3].map(|number| sender.facts(number).delivered_at.is_some());
    assert_eq!(delivered, [true, false, true]);
}
