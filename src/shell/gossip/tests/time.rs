//! What ends by itself: connections for one delivery, bans, calls, pauses. The wall clock says anything
//! meanwhile.

mod life;

use super::*;
use crate::chain::testing::transfer;
use crate::chain::{EncodedTransaction, Timestamp};
use crate::keys::PublicKey;
use crate::messages::gossip::Candidate as Known;
use crate::protocol::gossip::delivery::DeliveryFact;
use crate::protocol::gossip::peers::Outlook;
use crate::protocol::spread::Spread;
use crate::wire::{Receipt, ReceiptCode, ReceiptStatement};
use life::Life;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// How long a connection for deliveries may be idle, in milliseconds.
const IDLE_MS: u64 = 30_000;
/// How long somebody is shunned, in milliseconds.
const BAN_MS: u64 = 600_000;
/// How long one that never answers keeps a connection for deliveries, in milliseconds.
const STUCK_MS: u64 = 300_000;

fn address(number: u8) -> String {
    format!("10.0.0.{number}:1")
}

/// A node that keeps one connection, and has a further one to each member from 2 to `last`.
fn with_extras(last: u8) -> (Life, Vec<SessionId>) {
    let mut life = Life::keeping(1);
    life.know(&[(1, &address(1))]);
    let kept = life.dials().remove(0);
    life.answers(&kept, 1);
    let addresses: Vec<_> = (1..=last + 1).map(address).collect();
    let members: Vec<_> = (1..).zip(addresses.iter().map(String::as_str)).collect();
    life.know(&members);
    let mut extras = Vec::new();
    for number in 2..=last {
        life.reach(number);
        assert_eq!(life.dials(), [address(number)]);
        extras.push(life.answers(&address(number), number));
        let reached = DeliveryFact::Reached(member(number).public_key());
        assert_eq!(life.told_of(number), [reached]);
    }
    (life, extras)
}

#[test]
fn t1_a_connection_made_for_one_delivery_ends_when_it_is_idle() {
    let (mut life, extras) = with_extras(2);
    let delivered = life.deliver(2, 1);
    life.pass(1_000);
    life.answer(extras[0], 2, &delivered);
    life.pass(IDLE_MS - 100);
    assert_eq!(life.closed, []);
    life.pass(100);
    assert_eq!(
        life.closed,
        [(extras[0], "everything is delivered".to_owned())]
    );
    // The one that the node keeps stays.
    assert_eq!(life.sessions(), [member(1).public_key()].into());
}

#[test]
fn t1_after_sixteen_recipients_the_seventeenth_is_reached_too() {
    let (mut life, extras) = with_extras(17);
    assert_eq!(extras.len(), 16);
    life.reach(18);
    assert_eq!(life.dials(), [address(18)]);
    // All places are taken, by what was used a moment ago.
    let refused = life.answers(&address(18), 18);
    assert_eq!(life.closed[0].0, refused);
    let gone = DeliveryFact::Unreachable(member(18).public_key());
    assert_eq!(life.told_of(18), [gone]);
    life.pass(IDLE_MS);
    life.reach(18);
    assert_eq!(life.dials(), [address(18)]);
    life.answers(&address(18), 18);
    let reached = DeliveryFact::Reached(member(18).public_key());
    assert_eq!(life.told_of(18), [reached]);
}

#[test]
fn c12_a_connection_in_which_something_waits_for_its_receipt_is_not_idle() {
    let (mut life, extras) = with_extras(2);
    let delivered = life.deliver(2, 1);
    life.pass(2 * IDLE_MS);
    assert_eq!(life.closed, []);
    life.answer(extras[0], 2, &delivered);
    life.pass(IDLE_MS - 100);
    assert_eq!(life.closed, [], "what is written next finds it still there");
    life.pass(100);
    assert_eq!(life.closed.len(), 1);
}

/// Lets so much time pass at once.
fn pass_exactly(life: &mut Life, ms: u64) {
    life.clock.pass(ms);
    life.node.shell.tick();
    life.settle();
}

#[test]
fn c12_an_idle_extra_connection_ends_to_the_millisecond() {
    let (mut life, extras) = with_extras(2);
    pass_exactly(&mut life, 7);
    let delivered = life.deliver(2, 1);
    pass_exactly(&mut life, 7);
    life.answer(extras[0], 2, &delivered);
    pass_exactly(&mut life, IDLE_MS - 1);
    assert_eq!(life.closed, []);
    pass_exactly(&mut life, 1);
    assert_eq!(life.closed.len(), 1);
}

#[test]
fn c12_an_extra_connection_without_an_answer_ends_to_the_millisecond() {
    let (mut life, _) = with_extras(2);
    pass_exactly(&mut life, 7);
    life.deliver(2, 1);
    pass_exactly(&mut life, STUCK_MS - 1);
    assert_eq!(life.closed, []);
    pass_exactly(&mut life, 1);
    assert_eq!(life.closed.len(), 1);
}

#[test]
fn c12_sixteen_members_are_called_at_a_time_and_not_one_more() {
    let mut life = Life::keeping(0);
    let addresses: Vec<_> = (1..=17).map(address).collect();
    let members: Vec<_> = (1..).zip(addresses.iter().map(String::as_str)).collect();
    life.know(&members);
    for number in 1..=16 {
        life.reach(number);
        assert_eq!(life.dials(), [address(number)], "{number}");
        assert_eq!(life.told_of(number), []);
    }
    let unreachable = |number| DeliveryFact::Unreachable(member(number).public_key());
    life.reach(17);
    assert_eq!(life.dials(), [""; 0]);
    assert_eq!(life.told_of(17), [unreachable(17)], "it hears so at once");
    // One call ends: there is room for one.
    life.fails(&address(1));
    assert_eq!(life.told_of(1), [unreachable(1)]);
    life.reach(17);
    assert_eq!(life.dials(), [address(17)]);
}

#[test]
fn one_that_never_answers_does_not_keep_its_connection_for_ever() {
    let (mut life, extras) = with_extras(2);
    life.deliver(2, 1);
    // The outbox takes it for lost every half minute, and tries again.
    for _ in 0..STUCK_MS / 30_000 {
        assert_eq!(life.closed, []);
        life.pass(30_000);
        life.reach(2);
        life.deliver(2, 1);
    }
    assert_eq!(
        life.closed,
        [(extras[0], "what was delivered is not answered".to_owned())]
    );
}

#[test]
fn t1_who_is_blamed_for_what_it_delivered_is_shunned_for_ten_minutes() {
    let mut life = Life::keeping(1);
    life.know(&[(1, &address(1))]);
    let dialled = life.dials().remove(0);
    let session = life.answers(&dialled, 1);
    let reason = "what was delivered is invalid".to_owned();
    life.node.shell.blame(BlameSession { session, reason });
    life.settle();
    assert_eq!(life.closed.len(), 1);
    life.pass(BAN_MS - 100);
    assert_eq!(life.dials(), [""; 0]);
    life.reach(1);
    let shunned = DeliveryFact::Unreachable(member(1).public_key());
    assert_eq!(life.told_of(1).last(), Some(&shunned));
    life.pass(100);
    assert_eq!(life.dials(), [address(1)]);
    life.answers(&address(1), 1);
    assert_eq!(life.sessions().len(), 1);
}

#[test]
fn t1_pauses_between_dials_are_kept_whatever_the_wall_clock_says() {
    let mut life = Life::keeping(1);
    life.know(&[(1, &address(1))]);
    let mut dialled = 0;
    for _ in 0..600 {
        for address in life.dials() {
            dialled += 1;
            life.fails(&address);
        }
        life.pass(1_000);
    }
    // 1 + 2 + ... + 32 s, then a minute each, half of it at the least.
    assert!((12..=30).contains(&dialled), "{dialled} dials in 10 min");
}

#[test]
fn p4_a_member_whose_record_changes_while_it_is_dialled_is_dialled_where_it_is_now() {
    let mut life = Life::keeping(1);
    life.know(&[(1, "old:1")]);
    assert_eq!(life.dials(), ["old:1"]);
    // A laptop that changed networks; its old address swallows everything.
    life.know(&[(1, "new:1")]);
    assert_eq!(life.dials(), ["new:1"]);
    life.answers("new:1", 1);
    life.fails("old:1");
    life.pass(120_000);
    assert_eq!(life.sessions().len(), 1);
    assert_eq!(life.dials(), [""; 0]);
}

#[test]
fn p4_a_call_is_answered_though_the_record_changes_while_it_is_under_way() {
    for at_once in [true, false] {
        let mut life = Life::keeping(0);
        life.know(&[(1, "old:1")]);
        life.reach(1);
        assert_eq!(life.dials(), ["old:1"]);
        life.know(&[(1, "new:1")]);
        assert_eq!(life.dials(), ["new:1"], "the new one is tried at once");
        assert_eq!(life.told_of(1), []);
        if at_once {
            life.fails("new:1");
            assert_eq!(life.told_of(1), [], "the old one may still answer");
            life.fails("old:1");
        } else {
            life.fails("old:1");
            assert_eq!(life.told_of(1), [], "the new one may still answer");
            life.fails("new:1");
        }
        let gone = DeliveryFact::Unreachable(member(1).public_key());
        assert_eq!(
            life.told_of(1),
            [gone],
            "so it can go by way of the network"
        );
    }
}

#[test]
fn p4_a_call_ends_though_its_member_leaves_the_directory() {
    let mut life = Life::keeping(0);
    life.know(&[(1, "old:1")]);
    life.reach(1);
    life.know(&[]);
    life.fails("old:1");
    let gone = DeliveryFact::Unreachable(member(1).public_key());
    assert_eq!(life.told_of(1), [gone]);
}

#[test]
fn a_call_ends_though_another_answers_where_it_was_made_and_stays() {
    let mut life = Life::keeping(1);
    life.know(&[(1, "there:1")]);
    assert_eq!(life.dials(), ["there:1"]);
    life.reach(1);
    assert_eq!(life.dials(), [""; 0], "it is on its way already");
    life.answers("there:1", 2);
    let gone = DeliveryFact::Unreachable(member(1).public_key());
    assert_eq!(life.told_of(1), [gone]);
}

#[test]
fn attack_a_record_that_changes_all_the_time_has_no_more_dials_under_way_than_may_be() {
    let mut life = Life::keeping(2);
    for n in 0..1_000 {
        let addresses = [1, 2, 3].map(|member| format!("host-{member}-{n}:1"));
        let members: Vec<_> = (1..).zip(addresses.iter().map(String::as_str)).collect();
        life.know(&members);
        life.pass(100);
    }
    let dials = life.dials().len();
    assert!(dials <= 2 * 2 + 16, "{dials} under way");
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    /// A member's record names another address.
    Moves(u8),
    Reach(u8),
    /// The oldest dial fails.
    Fails,
    /// This member answers where was dialled first.
    Answers(u8),
    /// The session that began last is gone.
    Gone,
    Pass(u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (1..6u8).prop_map(Deed::Moves),
        (1..6u8).prop_map(Deed::Reach),
        Just(Deed::Fails),
        (1..6u8).prop_map(Deed::Answers),
        Just(Deed::Gone),
        (1..200u16).prop_map(Deed::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_every_call_is_answered_and_every_extra_connection_ends(
        deeds in proptest::collection::vec(deed(), 0..60),
    ) {
        let mut life = Life::keeping(1);
        let mut places = [0u32; 6];
        let mut under_way: Vec<String> = Vec::new();
        let mut calls: BTreeSet<u8> = BTreeSet::new();
        for deed in deeds {
            match deed {
                Deed::Moves(member) => {
                    places[usize::from(member)] += 1;
                    let named: Vec<_> = (1..6u8)
                        .map(|n| (n, format!("host-{n}-{}:1", places[usize::from(n)])))
                        .collect();
                    let named: Vec<_> = named.iter().map(|(n, a)| (*n, a.as_str())).collect();
                    life.know(&named);
                }
                Deed::Reach(member) => {
                    life.reach(member);
                    calls.insert(member);
                }
                Deed::Fails if !under_way.is_empty() => life.fails(&under_way.remove(0)),
                Deed::Answers(member) if !under_way.is_empty() => {
                    life.answers(&under_way.remove(0), member);
                }
                Deed::Gone => {
                    let session = life.node.begun.last();
                    life.node.closed(session, "gone");
                    life.settle();
                }
                Deed::Pass(ticks) => life.pass(u64::from(ticks) * 100),
                Deed::Fails | Deed::Answers(_) => {}
            }
            under_way.extend(life.dials());
        }
        // Nobody answers any more, and no further dial is due.
        while !under_way.is_empty() {
            for address in std::mem::take(&mut under_way) {
                life.fails(&address);
            }
            under_way = life.dials();
        }
        for member in calls {
            let told = life.told_of(member);
            prop_assert!(!told.is_empty(), "the call of {member} is never answered");
        }
        life.pass(STUCK_MS + IDLE_MS);
        prop_assert!(life.sessions().len() <= 1);
    }
}
