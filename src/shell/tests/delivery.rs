//! What two ends promise each other holds, whatever happens on the line and to their disks.

mod world;

use crate::chain::ledger::Funds;
use crate::chain::testing::{Node, transfer};
use crate::chain::{Amount, Closed, Height};
use crate::messages::events::Event;
use crate::protocol::delivery::outbox::{self, SendError};
use crate::protocol::delivery::rows::SendState;
use proptest::prelude::*;
use std::collections::HashSet;
use world::{End, World};

#[test]
fn a_send_is_stored_delivered_receipted_passed_on_and_mined() {
    let mut world = World::new();
    let payment = transfer(1, 2, 5, 0, 1);
    let id = payment.id();
    let moved = |state| Event::SendChanged { id, state };
    let ticket = world.send(&payment, false);
    assert!(world.ends[0].answers.is_empty(), "nothing is promised yet");
    assert_eq!(world.ends[0].told(), []);
    world.write(0, 1);
    assert_eq!(world.ends[0].answers.remove(&ticket), Some(Ok(1)));
    assert_eq!(world.ends[0].told(), [moved(SendState::Queued)]);
    assert_eq!(world.ends[0].state(&id), SendState::Queued);
    assert_eq!(world.ends[0].waiting().reserved, Amount(5));
    assert!(world.wires[1].is_empty());

    world.connect();
    assert!(
        world.wires[1].is_empty(),
        "first it is stored that it leaves"
    );
    world.write(0, 1);
    world.arrive(1, false);
    assert!(world.wires[0].is_empty(), "no receipt before it is stored");
    assert_eq!(world.ends[1].told(), [], "nobody would find it yet");
    world.write(1, 9);
    assert_eq!(world.ends[1].received(), [id]);
    let received = Event::MessageReceived {
        id,
        from: world.ends[0].key(),
        amount: Amount(5),
        note: false,
    };
    assert_eq!(world.ends[1].told(), [received]);
    world.arrive(0, false);
    assert_eq!(world.ends[0].told(), [], "nobody would find it yet");
    world.write(0, 9);
    assert_eq!(world.ends[0].told(), [moved(SendState::Delivered)]);
    assert_eq!(world.ends[0].state(&id), SendState::Delivered);
    assert_eq!(world.ends[0].waiting().queued, 0);
    assert_eq!(world.ends[0].waiting().reserved, Amount(5));

    world.gossip();
    assert_eq!(world.ends[0].state(&id), SendState::Open);
    assert_eq!(world.ends[0].waiting().reserved, Amount(0));
    world.mine(1);
    world.gossip();
    assert_eq!(world.ends[0].state(&id), SendState::Mined);
    world.settle();
    assert_eq!(world.ends[1].received(), [id]);
    assert_eq!(world.ends[1].unread(), 1);
    let since = [moved(SendState::Open), moved(SendState::Mined)];
    assert_eq!(world.ends[0].told(), since);
}

#[test]
fn a_recipient_that_passes_nothing_on_holds_up_nothing() {
    let mut world = World::new();
    world.ends[1].silent = true;
    world.connect();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, false);
    world.settle();
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Delivered);
    world.pass(outbox::PASS_ON_WITHIN_MS - 1);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Delivered);
    world.pass(1);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Open);
    world.mine(0);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Mined);
}

#[test]
fn what_is_broadcast_is_answered_by_the_ledger() {
    let mut world = World::new();
    let payment = transfer(1, 2, 5, 0, 1);
    let ticket = world.send(&payment, true);
    world.settle();
    assert_eq!(world.ends[0].answers.remove(&ticket), Some(Ok(1)));
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Open);
    // The ledger knows better than the outbox what can be spent.
    let all = transfer(1, 2, 996, 0, 2);
    world.ends[0].believed = Some(Funds {
        balance: Amount(5_000),
        promised: Amount(0),
    });
    world.send(&all, true);
    world.settle();
    let refused = world.ends[0].answers.remove(&2).unwrap();
    assert!(
        matches!(refused, Err(SendError::Rejected(_))),
        "{refused:?}"
    );
    assert_eq!(world.ends[0].state(&all.id()), SendState::Refused);
    assert_eq!(world.ends[0].waiting().reserved, Amount(0));
}

#[test]
fn what_came_over_the_network_alone_is_found_once_on_any_way() {
    let mut world = World::new();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, true);
    world.settle();
    world.mine(0);
    // Bob was away: it comes in a block, and it is found again after he was killed before he wrote.
    world.connect();
    world.gossip();
    world.kill(1);
    world.settle();
    assert_eq!(world.ends[1].received(), [payment.id()]);
    world.kill(1);
    world.settle();
    assert_eq!(world.ends[1].received(), [payment.id()]);
}

#[test]
fn what_the_same_key_sent_from_another_machine_is_found_once_on_any_way() {
    let mut world = World::new();
    // Both ends are alice's.
    world.ends[1] = End::new(1);
    let (mined, open) = (transfer(1, 2, 5, 0, 1), transfer(1, 2, 6, 0, 2));
    world.send(&mined, true);
    world.settle();
    world.mine(0);
    world.send(&open, true);
    world.settle();
    world.connect();
    world.gossip();
    // Told and not written: then found among the open ones that the ledger kept, and in the blocks.
    assert_eq!(world.ends[1].sent(), []);
    world.kill(1);
    world.settle();
    assert_eq!(world.ends[1].sent(), [open.id(), mined.id()]);
    assert_eq!(world.ends[1].state(&mined.id()), SendState::Mined);
    assert_eq!(world.ends[1].state(&open.id()), SendState::Open);
    // The ledger counts the coins of what is open: they are not kept back twice.
    assert_eq!(world.ends[1].waiting().reserved, Amount(0));
    // Each once, whatever comes after, and at neither end what the other has.
    world.mine(1);
    world.kill(1);
    world.connect();
    world.gossip();
    world.settle();
    for end in &world.ends {
        assert_eq!(end.sent().len(), 2);
        assert_eq!(end.state(&open.id()), SendState::Mined);
        assert_eq!(end.received(), []);
    }
}

#[test]
fn what_another_machine_sent_is_looked_after_when_it_falls_out_of_the_chain() {
    let mut world = World::new();
    world.ends[1] = End::new(1);
    world.connect();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, true);
    world.settle();
    world.mine(0);
    world.gossip();
    world.settle();
    assert_eq!(world.ends[1].state(&payment.id()), SendState::Mined);
    let mut other = Node::new();
    for _ in 0..3 {
        let block = other.mine(9);
        world.ends[1].ledger.block(block);
    }
    world.news(1);
    world.settle();
    assert_eq!(world.ends[1].state(&payment.id()), SendState::Open);
    world.mine(1);
    world.settle();
    assert_eq!(world.ends[1].state(&payment.id()), SendState::Mined);
    assert_eq!(world.ends[1].sent(), [payment.id()]);
}

#[test]
fn a_reorganisation_takes_mined_back_to_open() {
    let mut world = World::new();
    world.connect();
    let payment = transfer(1, 2, 5, 0, 1);
    world.send(&payment, false);
    world.settle();
    world.gossip();
    world.mine(0);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Mined);
    // Bob mines a heavier branch without it.
    let mut other = Node::new();
    for _ in 0..3 {
        other.mine(4);
    }
    let branch: Vec<_> = (1..=3)
        .map(|height| {
            let id = crate::chain::StateView::active(&other.disk, Height(height));
            let id = id.unwrap().unwrap();
            crate::chain::StateView::block(&other.disk, &id)
                .unwrap()
                .unwrap()
        })
        .collect();
    world.ends[0].clock.set_wall(other.now);
    for block in branch {
        world.ends[0].ledger.block(block);
    }
    world.news(0);
    world.settle();
    assert_eq!(world.ends[0].ledger.tip().height().0, 3);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Open);
    world.mine(0);
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Mined);
}

#[test]
fn two_payments_of_the_same_coins_end_with_one_of_them_in_conflict() {
    let mut world = World::new();
    world.connect();
    let payment = transfer(1, 2, 600, 0, 1);
    world.send(&payment, false);
    world.settle();
    // The same key, on another machine, pays somebody else, and that is mined first.
    let other = transfer(1, 3, 600, 0, 2);
    let mut elsewhere = Node::new();
    elsewhere.send(other).unwrap();
    let block = elsewhere.mine(4);
    for at in 0..2 {
        world.ends[at].clock.set_wall(elsewhere.now);
        world.ends[at].ledger.block(block.clone());
        world.news(at);
    }
    world.pass(outbox::PASS_ON_WITHIN_MS);
    world.settle();
    assert_eq!(world.ends[0].state(&payment.id()), SendState::Conflicted);
    // Bob holds it, and could have it mined if new coins came.
    let waiting = world.ends[0].waiting();
    assert_eq!((waiting.reserved, waiting.held), (Amount(600), Amount(600)));
    let facts = world.ends[1].received_facts().remove(0);
    assert_eq!(facts.closed, Some(Closed::Conflicted));
}

/// What can happen.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send,
    Connect,
    Cut,
    Arrive(usize, bool),
    Write(usize, usize),
    Kill(usize),
    Gossip,
    Mine(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        3 => Just(Step::Connect),
        1 => Just(Step::Cut),
        8 => (0..2usize, prop::bool::weighted(0.2)).prop_map(|(at, twice)| Step::Arrive(at, twice)),
        6 => (0..2usize, 1..4usize).prop_map(|(at, batches)| Step::Write(at, batches)),
        1 => (0..2usize).prop_map(Step::Kill),
        2 => Just(Step::Gossip),
        1 => (0..2usize).prop_map(Step::Mine),
        3 => (0..4_000u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is lost, doubled or killed on the way: what was promised to be sent is received
    /// exactly once, in order, and mined.
    #[test]
    fn what_was_promised_arrives_exactly_once(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        let mut sent = Vec::new();
        let mut killed = false;
        for step in steps {
            match step {
                Step::Send if sent.len() < 60 => {
                    let payment = transfer(1, 2, 1 + sent.len() as u64 % 3, 0, sent.len() as u8 + 1);
                    let ticket = world.send(&payment, false);
                    sent.push((ticket, payment.id()));
                }
                Step::Send => {}
                Step::Connect => world.connect(),
                Step::Cut => world.cut(),
                Step::Arrive(at, doubled) => world.arrive(at, doubled),
                Step::Write(at, batches) => world.write(at, batches),
                Step::Kill(at) => {
                    killed |= at == 1;
                    world.kill(at);
                }
                Step::Gossip => world.gossip(),
                Step::Mine(at) => {
                    world.gossip();
                    let [one, other] = [0, 1].map(|at| world.ends[at].ledger.tip().id);
                    if one == other {
                        world.mine(at);
                    }
                }
                Step::Pass(ms) => world.pass(ms),
            }
        }
        // What was promised is what was answered; the rest died before it was stored.
        for _ in 0..20 {
            world.connect();
            world.settle();
            world.pass(outbox::PASS_ON_WITHIN_MS);
            world.gossip();
        }
        world.mine(0);
        world.gossip();
        world.settle();
        let promised: Vec<_> = sent
            .iter()
            .filter(|(ticket, _)| world.ends[0].answers.contains_key(ticket))
            .map(|(_, id)| *id)
            .collect();
        for id in &promised {
            prop_assert_eq!(world.ends[0].state(id), SendState::Mined);
        }
        let received = world.ends[1].received();
        let once: HashSet<_> = received.iter().collect();
        prop_assert_eq!(once.len(), received.len(), "each once");
        prop_assert!(promised.iter().all(|id| once.contains(id)));
        if !killed {
            let sent = sent.iter().map(|(_, id)| *id).filter(|id| once.contains(id));
            prop_assert_eq!(received.clone(), sent.collect::<Vec<_>>(), "in order");
        }
        prop_assert_eq!(world.ends[0].waiting().queued, 0);
        prop_assert_eq!([0, 1].map(|at| world.ends[at].owed()), [0, 0], "each delivery is answered");
        prop_assert_eq!(world.ends[0].waiting().reserved, Amount(0));
    }
}
