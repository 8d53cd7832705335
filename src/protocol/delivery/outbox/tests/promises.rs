//! Deliveries that never lie: what waits, what is kept back, and what goes by way of the network.

use super::*;
use crate::clock::SteadyTime;

/// Somebody who is connected, and whom nothing is for.
const CAROL: u8 = 3;

impl Sender {
    /// The node is stopped and started again: by another steady clock, and at this wall time.
    fn again(self, wall: crate::chain::Timestamp) -> Self {
        let steady = SteadyTime::after_beginning(12_345);
        let now = Now { wall, steady };
        let chain = MemoryView::default();
        let outbox = Outbox::open(outbox_config(1), &self.rows, &chain, Height(0), now).unwrap();
        Self {
            outbox,
            rows: self.rows,
            now,
        }
    }

    fn state(&self, number: u64) -> SendState {
        self.facts(number).state(Place::Nowhere)
    }

    fn explained(&self, number: u64) -> String {
        self.facts(number).explained(Place::Nowhere, Height(0))
    }

    fn reserved(&self) -> u64 {
        self.outbox.waiting().reserved.0
    }

    fn ledger_says(&mut self, number: u64, verdict: Result<(), Rejected>) -> Vec<Effect> {
        let judgement = Judgement {
            verdict,
            height: Height(3),
            block: BlockId([3; 32]),
            syncing: false,
        };
        let effects = self.outbox.judged([(number, judgement)], self.now);
        self.done(effects)
    }

    /// Bob can't be reached for so long.
    fn bob_is_away(&mut self, ms: u64) -> Vec<Effect> {
        let bob = member(2).public_key();
        let mut effects = self.outbox.unreachable(&bob, self.now);
        effects = self.done(effects);
        effects.extend(self.pass(ms));
        effects
    }
}

fn passed_on(effects: &[Effect]) -> bool {
    effects.contains(&Effect::PassOn {
        number: 1,
        fresh: None,
    })
}

#[test]
fn a_wall_clock_a_month_ahead_or_in_1970_ends_no_send() {
    let mut sender = Sender::new();
    sender.send(&transfer(1, 2, 5, 0, 1));
    for wall in [
        START.plus_ms(30 * DAY_MS),
        crate::chain::Timestamp(0),
        START,
    ] {
        sender.now.wall = wall;
        sender.pass(5_000);
        assert_eq!(sender.state(1), SendState::Queued);
        // Stopped and started while the clock is wrong.
        sender = sender.again(wall);
        sender.pass(5_000);
        assert_eq!(sender.state(1), SendState::Queued);
    }
}

#[test]
fn a_week_off_ends_no_send_and_a_week_awake_does_over_restarts() {
    let mut sender = Sender::new();
    sender.send(&transfer(1, 2, 5, 0, 1));
    for day in 1..7 {
        sender.pass(DAY_MS);
        // Off for a month, by the wall clock.
        let wall = sender.now.wall.plus_ms(30 * DAY_MS);
        sender = sender.again(wall);
        sender.pass(1_000);
        assert_eq!(sender.state(1), SendState::Queued, "day {day}");
    }
    sender.pass(DAY_MS);
    assert_eq!(sender.state(1), SendState::Expired);
    assert!(sender.facts(1).reason.as_str().contains("at work"));
}

#[test]
fn a_crash_does_not_make_what_is_sent_late_wait_for_longer() {
    let mut sender = Sender::new();
    // Nothing waits for days, so nothing is written; then a send, and a crash right after it.
    sender.pass(5 * DAY_MS);
    sender.send(&transfer(1, 2, 5, 0, 1));
    let wall = sender.now.wall;
    let mut sender = sender.again(wall);
    sender.pass(3 * DAY_MS);
    assert_eq!(sender.state(1), SendState::Queued);
    // Each start counts on from what is written; without the five days it would count from then again.
    let wall = sender.now.wall;
    let mut sender = sender.again(wall);
    sender.pass(4 * DAY_MS);
    assert_eq!(sender.state(1), SendState::Expired);
}

#[test]
fn a_refused_payment_keeps_its_coins_until_it_can_not_be_mined_any_more() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 600, 0, 1);
    sender.send(&payment);
    sender.reached(2);
    sender.receipt(payment.id(), ReceiptCode::Blocked, "not from you");
    assert_eq!(sender.state(1), SendState::Refused);
    assert_eq!(
        sender.explained(1),
        "not from you; its 600 coins stay reserved until height 100000, since whoever holds the signed \
         payment could still have it mined"
    );
    // They can't be spent a second time, over a restart either.
    let wall = sender.now.wall;
    let mut sender = sender.again(wall);
    assert_eq!(
        (sender.reserved(), sender.outbox.waiting().held),
        (600, Amount(600))
    );
    let refused = sender.send(&transfer(1, 2, 500, 0, 2));
    assert!(matches!(
        &refused[..],
        [Effect::Answer { answer: Err(_), .. }]
    ));
    // It is not sent again, whatever happens.
    let retried = sender.outbox.retry(&payment.id(), sender.now);
    assert_eq!(retried, Err(OrderError::Refused));
    sender.reached(CAROL);
    assert!(!passed_on(&sender.bob_is_away(10 * MINUTE_MS)));
    // Its recipient has it mined after all: that is what counts.
    let mined = sender.told(moved(7, std::slice::from_ref(&payment), &[]));
    assert!(mined.iter().any(|effect| matches!(
        effect,
        Effect::Tell {
            state: SendState::Mined,
            ..
        }
    )));
    assert_eq!(sender.reserved(), 0, "the ledger counts them");
    // Undone, it may be mined again until its last height.
    sender.told(moved(7, &[], &[payment.id()]));
    assert_eq!(sender.reserved(), 600);
    sender.told(moved(100_000, &[], &[]));
    assert_eq!(sender.reserved(), 0);
    let facts = sender.facts(1);
    assert_eq!(
        facts.explained(Place::Nowhere, Height(100_000)),
        "not from you"
    );
}

#[test]
fn a_conflicted_payment_keeps_its_coins_too() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 600, 0, 1);
    sender.send(&payment);
    sender.reached(2);
    sender.receipt(payment.id(), ReceiptCode::Accepted, "");
    sender.pass(PASS_ON_WITHIN_MS);
    let none = Rejected::InsufficientFunds {
        available: Amount(1),
        needed: Amount(600),
    };
    sender.ledger_says(1, Err(none));
    assert_eq!(sender.state(1), SendState::Conflicted);
    assert_eq!(sender.reserved(), 600, "new coins would let it be mined");
}

#[test]
fn what_nobody_else_has_seen_keeps_nothing_back() {
    let mut sender = Sender::new();
    let (kept, broadcast) = (transfer(1, 2, 5, 0, 1), transfer(1, 2, 6, 0, 2));
    sender.send(&kept);
    let effects = sender
        .outbox
        .send(wish(1, broadcast, Route::Network, None), sender.now);
    sender.done(effects);
    sender.ledger_says(2, Err(Rejected::PoolFull("")));
    assert_eq!(sender.state(2), SendState::Refused);
    sender.pass(7 * DAY_MS);
    assert_eq!(sender.state(1), SendState::Expired);
    assert_eq!(sender.reserved(), 0);
}

#[test]
fn the_owner_can_free_what_has_ended_and_is_told_what_that_means() {
    let mut sender = Sender::new();
    let (payment, waiting) = (transfer(1, 2, 600, 0, 1), transfer(1, 2, 5, 0, 2));
    sender.send(&payment);
    sender.send(&waiting);
    sender.reached(2);
    sender.receipt(payment.id(), ReceiptCode::Blocked, "not from you");
    let on_its_way = sender.outbox.release(9, &waiting.id());
    assert_eq!(on_its_way, Err(OrderError::NothingHeld));
    let released = sender.outbox.release(9, &payment.id()).unwrap();
    let released = sender.done(released);
    let answer = Ok(1);
    assert!(released.contains(&Effect::Answer { ticket: 9, answer }));
    assert_eq!(sender.reserved(), 5);
    assert_eq!(
        sender.explained(1),
        "not from you; its coins were freed by its owner, though it could still be mined until height \
         100000"
    );
    let twice = sender.outbox.release(9, &payment.id());
    assert_eq!(twice, Err(OrderError::NotWaiting));
    let wall = sender.now.wall;
    assert_eq!(sender.again(wall).reserved(), 5);
}

#[test]
fn what_was_withdrawn_stays_withdrawn() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    let withdrawn = sender.outbox.withdraw(9, &payment.id()).unwrap();
    sender.done(withdrawn);
    let wall = sender.now.wall;
    let mut sender = sender.again(wall);
    assert_eq!(
        sender.outbox.retry(&payment.id(), sender.now),
        Err(OrderError::NotWaiting)
    );
    assert_eq!(delivered(&sender.reached(2)), [0; 0]);
    // A restored copy of this node has sent it, and it is seen on the network: it is not taken up anew.
    sender.told(OwnNews::Opened(payment.clone()));
    sender.told(OwnNews::Closed(payment.id(), Closed::Expired));
    assert_eq!(sender.state(1), SendState::Withdrawn);
    assert_eq!(sender.facts(1).state(Place::Open), SendState::Open);
    assert!(!passed_on(&sender.pass(10 * MINUTE_MS)));
}

#[test]
fn a_minute_without_the_recipient_sends_it_by_way_of_the_network_as_well() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    assert!(!passed_on(&sender.bob_is_away(10 * MINUTE_MS)), "alone");
    sender.reached(CAROL);
    assert!(!passed_on(&sender.bob_is_away(MINUTE_MS - 1)));
    let due = sender.pass(1);
    assert!(passed_on(&due));
    let facts = sender.facts(1);
    assert_eq!(facts.route, Route::Both, "stored before it is handed on");
    let withdrawn = sender.outbox.withdraw(9, &payment.id());
    assert_eq!(withdrawn, Err(OrderError::ByNetwork(Height(100_000))));
    sender.ledger_says(1, Ok(()));
    // Delivery goes on for the receipt, over a restart too; and it is the same bytes.
    let wall = sender.now.wall;
    let mut sender = sender.again(wall);
    assert_eq!(delivered(&sender.reached(2)), [1]);
    sender.receipt(payment.id(), ReceiptCode::Accepted, "");
    assert!(sender.facts(1).delivered_at.is_some());
    assert_eq!(sender.outbox.waiting().queued, 0);
}

#[test]
fn what_is_with_its_recipient_or_was_refused_or_lacks_coins_does_not_go_by_the_network() {
    // It has it, and is about to answer.
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    sender.reached(CAROL);
    sender.pass(MINUTE_MS - 1_000);
    assert_eq!(delivered(&sender.reached(2)), [1]);
    assert!(!passed_on(&sender.pass(10_000)));
    // Its recipient does not find the coins: nor would the network.
    let coins = ReceiptCode::CoinsMissing;
    sender.receipt(payment.id(), coins, "insufficient funds");
    let gone = sender.outbox.lost(&member(2).public_key(), sender.now);
    sender.done(gone);
    assert!(!passed_on(&sender.bob_is_away(MINUTE_MS)));
    // It finds them, and has no room: then the network may.
    sender.reached(2);
    sender.receipt(payment.id(), ReceiptCode::PoolFull, "full");
    let gone = sender.outbox.lost(&member(2).public_key(), sender.now);
    sender.done(gone);
    assert!(passed_on(&sender.pass(10_000)));
    // "never" is never.
    let mut config = outbox_config(1);
    config.by_network_after_ms = None;
    let rows = MemoryRows::default();
    let chain = MemoryView::default();
    let mut sender = Sender {
        outbox: Outbox::open(config, &rows, &chain, Height(0), BEGUN).unwrap(),
        rows,
        now: BEGUN,
    };
    sender.send(&payment);
    sender.reached(CAROL);
    assert!(!passed_on(&sender.bob_is_away(DAY_MS)));
}

#[test]
fn what_is_for_somebody_who_was_put_out_does_not_go_by_the_network_until_it_is_let_back() {
    let mut sender = Sender::new();
    sender.send(&transfer(1, 2, 5, 0, 1));
    sender.reached(CAROL);
    let told = |sender: &mut Sender, out: &[u8]| {
        let out = out.iter().map(|number| member(*number).public_key());
        let effects = sender
            .outbox
            .members_live(HashSet::new(), out.collect(), sender.now);
        sender.done(effects)
    };
    told(&mut sender, &[2]);
    for _ in 0..9 {
        assert!(!passed_on(&sender.bob_is_away(MINUTE_MS)));
    }
    assert!(!sender.facts(1).attempted, "it can be withdrawn");
    told(&mut sender, &[]);
    assert!(passed_on(&sender.bob_is_away(MINUTE_MS)));
}

#[test]
fn a_send_that_is_open_does_not_expire_with_its_delivery() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    sender.reached(CAROL);
    sender.pass(MINUTE_MS);
    sender.ledger_says(1, Ok(()));
    sender.pass(7 * DAY_MS);
    assert_eq!(sender.facts(1).end, None);
    // It fell out of the open ones, and goes to them again.
    sender.told(OwnNews::Closed(payment.id(), Closed::Evicted));
    assert!(passed_on(&sender.pass(FIRST_RETRY_MS)));
}

#[test]
fn what_was_open_of_whoever_is_put_out_is_sent_again_as_soon_as_it_is_let_back() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    sender.reached(CAROL);
    sender.pass(MINUTE_MS);
    sender.ledger_says(1, Ok(()));
    sender.told(OwnNews::Closed(payment.id(), Closed::PutOut));
    assert_eq!(sender.facts(1).end, None);
    assert!(
        sender.explained(1).contains("put out"),
        "{}",
        sender.explained(1)
    );
    // Nobody talks to it.
    let carol = member(CAROL).public_key();
    let effects = sender.outbox.lost(&carol, sender.now);
    sender.done(effects);
    for _ in 0..9 {
        assert!(passed_on(&sender.pass(LONGEST_RETRY_MS)));
        sender.ledger_says(1, Err(Rejected::SenderPutOut));
        assert_eq!(sender.facts(1).end, None);
    }
    sender.reached(CAROL);
    assert!(passed_on(&sender.pass(0)), "after no pause");
}

/// Seed 10071 of the simulator: a disk was slow, and the ledger's answer came behind what it told of later.
#[test]
fn an_answer_that_news_have_overtaken_does_not_make_a_send_open_again() {
    for (why, asked_again) in [(Closed::Evicted, true), (Closed::Conflicted, false)] {
        let mut sender = Sender::new();
        let payment = transfer(1, 2, 5, 0, 1);
        let id = payment.id();
        let place = |sender: &Sender| sender.outbox.line(&id).map(|line| line.place);
        let wish = wish(1, payment, Route::Both, None);
        let sent = sender.outbox.send(wish, sender.now);
        sender.done(sent);
        sender.told(OwnNews::Closed(id, why));
        let answered = sender.ledger_says(1, Ok(()));
        assert!(
            answered
                .iter()
                .any(|effect| matches!(effect, Effect::Answer { answer: Ok(1), .. })),
            "{answered:?}"
        );
        assert_eq!(passed_on(&answered), asked_again, "{why:?}");
        assert_ne!(place(&sender), Some(Place::Open), "{why:?}");
        if asked_again {
            sender.ledger_says(1, Ok(()));
            assert_eq!(place(&sender), Some(Place::Open));
        }
    }
}

#[test]
fn what_is_broadcast_to_a_member_is_delivered_for_the_receipt_once_the_ledger_has_it() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    let effects = sender
        .outbox
        .send(wish(1, payment.clone(), Route::Both, None), sender.now);
    let fresh = Some(payment.clone().into());
    let passed_on = Effect::PassOn { number: 1, fresh };
    assert!(sender.done(effects).contains(&passed_on));
    assert_eq!(
        delivered(&sender.reached(2)),
        [0; 0],
        "nobody else has seen it"
    );
    let opened = sender.ledger_says(1, Ok(()));
    assert!(opened.contains(&Effect::Reach(member(2).public_key())));
    assert_eq!(delivered(&sender.reached(2)), [1]);
    assert_eq!(sender.facts(1).state(Place::Open), SendState::Open);
    sender.receipt(payment.id(), ReceiptCode::Accepted, "");
    assert!(sender.facts(1).delivered_at.is_some());
}

#[test]
fn an_answer_does_not_wait_for_what_was_sent_after_it() {
    let mut sender = Sender::new();
    let send = |sender: &mut Sender, number: u8| {
        let payment = transfer(1, 2, 5, 0, number);
        let wishes = wish(number.into(), payment, Route::Network, None);
        let effects = sender.outbox.send(wishes, sender.now);
        match effects.contains(&Effect::AskFunds) {
            true => sender.outbox.funds(&FUNDS, sender.now),
            false => effects,
        }
    };
    let first = send(&mut sender, 1);
    sender.done(first);
    // Its rows are on their way when the ledger answers for the first.
    let second = send(&mut sender, 2);
    assert!(matches!(
        second[..],
        [Effect::Commit { .. }, Effect::PassOn { .. }]
    ));
    let (ticket, answer) = (1, Ok(1));
    let told = sender.ledger_says(1, Ok(()));
    assert!(
        told.contains(&Effect::Answer { ticket, answer }),
        "{told:?}"
    );
}
