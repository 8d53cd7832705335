//! What was in a block that is gone from the chain.

use super::*;
use crate::chain::testing::counter::{record, signed};
use crate::chain::testing::rules;
use crate::protocol::delivery::outbox::entries::SETTLED_BLOCKS;

#[test]
fn what_falls_out_of_the_chain_after_its_last_height_lapses() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 1, 1);
    sender.send(&payment);
    sender.told(moved(99_999, std::slice::from_ref(&payment), &[]));
    sender.told(moved(100_000, &[], &[]));
    sender.told(OwnNews::Closed(payment.id(), Closed::Expired));
    assert_eq!(sender.outbox.waiting().reserved, Amount(6));
    sender.told(moved(100_001, &[], &[payment.id()]));
    assert_eq!(sender.outbox.waiting().reserved, Amount(0));
    let facts = sender.facts(1);
    assert_eq!(facts.state(Place::Nowhere), SendState::Expired);
    assert!(!facts.reason.is_empty());
    assert_eq!(sender.outbox.lines(None, 10), []);
}

#[test]
fn a_record_that_fell_out_says_so_and_waits_for_what_it_builds_on() {
    let mut sender = Sender::new();
    let record = signed(&rules(), 1, 1, 0, record("vote", b"x"));
    let effects = sender
        .outbox
        .send(wish(1, record.clone(), Route::Network, None), sender.now);
    sender.done(effects);
    let judged = |sender: &mut Sender, verdict| {
        let judgement = Judgement {
            verdict,
            height: Height(11),
            block: BlockId([1; 32]),
            syncing: false,
        };
        let effects = sender.outbox.judged([(1, judgement)], sender.now);
        sender.done(effects)
    };
    let refused = |reason: &str, not_yet| {
        Err(Rejected::Application {
            topic: "vote".to_owned(),
            reason: reason.to_owned(),
            not_yet,
        })
    };
    judged(&mut sender, Ok(()));
    sender.told(moved(10, std::slice::from_ref(&record), &[]));
    // Its block is undone, and that of its ballot with it.
    let asked = sender.told(OwnNews::Closed(record.id(), Closed::Conflicted));
    assert!(
        asked.contains(&Effect::PassOn {
            number: 1,
            fresh: None
        }),
        "{asked:?}"
    );
    sender.told(moved(11, &[], &[record.id()]));
    judged(&mut sender, refused("there is no ballot", true));
    assert_eq!(sender.facts(1).end, None, "it may be taken again");
    let again = sender.pass(LONGEST_RETRY_MS);
    assert!(
        again.contains(&Effect::PassOn {
            number: 1,
            fresh: None
        }),
        "{again:?}"
    );
    judged(&mut sender, refused("the ballot is closed", false));
    let facts = sender.facts(1);
    assert_eq!(facts.state(Place::Nowhere), SendState::Conflicted);
    assert!(facts.fell_out(), "{}", facts.reason.as_str());
    assert!(facts.reason.as_str().contains("the ballot is closed"));
}

#[test]
fn what_falls_out_of_the_chain_late_is_looked_after_again() {
    let mut sender = Sender::new();
    let payment = transfer(1, 2, 5, 1, 1);
    sender.send(&payment);
    sender.told(moved(10, std::slice::from_ref(&payment), &[]));
    sender.told(moved(10 + SETTLED_BLOCKS, &[], &[]));
    sender.told(moved(11 + SETTLED_BLOCKS, &[], &[payment.id()]));
    assert_eq!(sender.outbox.waiting().reserved, Amount(6));
    let handed_on = sender.pass(FIRST_RETRY_MS);
    assert!(handed_on.contains(&Effect::PassOn {
        number: 1,
        fresh: None
    }));
    // So it is by a restart, and says why it waits.
    let again = Sender::with(sender.rows);
    let lines = again.outbox.lines(None, 10);
    let said: Vec<_> = lines
        .iter()
        .map(|line| line.facts.reason.as_str())
        .collect();
    assert_eq!(said, ["the block that held it is gone from the chain"]);
}
