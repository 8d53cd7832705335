//! Why a send waits: said to its owner, also by a node that was started again.

use super::*;
use crate::protocol::delivery::rows::BY_NETWORK;

/// What a node that is started again says of its only send.
fn said_after_a_restart(sender: Sender) -> String {
    let again = Sender::with(sender.rows);
    let lines = again.outbox.lines(None, 10);
    assert_eq!(lines.len(), 1);
    lines[0].facts.explained(Place::Nowhere, Height(0))
}

/// With a send that has been delivered.
fn with_a_delivery() -> (Sender, TransactionId) {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    assert_eq!(delivered(&sender.reached(2)), [1]);
    (sender, payment.id())
}

#[test]
fn what_its_recipient_said_last_is_known_after_a_restart() {
    let (mut sender, id) = with_a_delivery();
    let told = sender.receipt(id, ReceiptCode::PoolFull, "the open transactions are full");
    assert!(tells(&told, "the open transactions are full"), "{told:?}");
    // The same again is no news.
    sender.pass(FIRST_RETRY_MS);
    let again = sender.receipt(id, ReceiptCode::PoolFull, "the open transactions are full");
    assert!(
        !tells(&again, "the open transactions are full"),
        "{again:?}"
    );
    assert_eq!(
        said_after_a_restart(sender),
        "the open transactions are full"
    );
}

#[test]
fn that_its_recipient_does_not_answer_is_known_after_a_restart() {
    let (mut sender, _) = with_a_delivery();
    let told = sender.pass(MINUTE_MS / 2);
    assert!(tells(&told, "its recipient does not answer"), "{told:?}");
    assert_eq!(
        said_after_a_restart(sender),
        "its recipient does not answer"
    );
}

#[test]
fn why_the_own_ledger_does_not_take_it_yet_is_known_after_a_restart() {
    let (mut sender, id) = with_a_delivery();
    sender.receipt(id, ReceiptCode::Accepted, "");
    let judgement = Judgement {
        verdict: Err(Rejected::Busy),
        height: Height(3),
        block: BlockId([3; 32]),
        syncing: false,
    };
    let effects = sender.outbox.judged([(1, judgement)], sender.now);
    let told = sender.done(effects);
    let busy = Rejected::Busy.to_string();
    assert!(tells(&told, &busy), "{told:?}");
    assert_eq!(said_after_a_restart(sender), busy);
}

#[test]
fn what_goes_by_way_of_the_network_by_itself_says_who_sees_it() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 0, 1);
    sender.send(&payment);
    sender.reached(3);
    let bob = member(2).public_key();
    let effects = sender.outbox.unreachable(&bob, sender.now);
    sender.done(effects);
    let told = sender.pass(MINUTE_MS);
    assert!(tells(&told, BY_NETWORK), "{told:?}");
    assert!(told.contains(&Effect::GoByNetwork(1)), "{told:?}");
    // Once it is open, and after a restart as well.
    let opened = sender.told(OwnNews::Opened(payment.clone()));
    assert!(tells(&opened, BY_NETWORK), "{opened:?}");
    let facts = sender.facts(1);
    assert_eq!(facts.explained(Place::Open, Height(0)), BY_NETWORK);
    assert_eq!(said_after_a_restart(sender), BY_NETWORK);
    assert_eq!(facts.explained(Place::Mined(Height(1)), Height(1)), "");
}

fn tells(effects: &[Effect], wanted: &str) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Tell { reason, .. } if reason.as_str() == wanted))
}
