//! What it costs to come onto the list, and to change what stands there.

use super::*;
use crate::membership::CertificateStatement;
use crate::wire::work::{Newcomer, WorkAsked, WorkDone};

/// A tracker of an open network that asks newcomers for work.
fn asking() -> Tracker {
    let mut tracker = Tracker::new();
    tracker.registry.ask_for_work(&secret(TRACKER));
    tracker
}

fn asked(said: &[Out]) -> Option<WorkAsked> {
    said.iter().find_map(|out| match out {
        Out::Sent(_, Message::WorkAsked(asked)) => Some(*asked),
        _ => None,
    })
}

fn is_registered(said: &[Out]) -> bool {
    let yes = |out: &Out| matches!(out, Out::Sent(_, Message::Registered(_)));
    said.iter().any(yes)
}

fn work(asked: WorkAsked, number: u8, name: &str) -> Message {
    let newcomer = Newcomer {
        tracker: key(TRACKER),
        network: NetworkId::ZERO,
        key: key(number),
        name: name.parse().unwrap(),
    };
    let work = |nonce| WorkDone { asked, nonce };
    let done = (0..).map(work).find(|work| work.is_done(&newcomer));
    Message::WorkDone(done.unwrap())
}

#[test]
fn a_newcomer_works_for_its_registration_and_a_member_never_again() {
    let mut tracker = asking();
    let asked = asked(&tracker.join(1, "alice")).expect("work");
    assert_eq!(tracker.registry.registered_len(), 0);
    // It searches without holding a place, and comes back.
    tracker.close(1);
    tracker.tick(60_000);
    tracker.open(2, 1, NetworkId::ZERO);
    tracker.receive(2, &work(asked, 1, "alice"));
    tracker.receive(2, &Message::Register(record(1, "alice", 1)));
    assert!(is_registered(&tracker.said()));
    tracker.restart();
    tracker.registry.ask_for_work(&secret(TRACKER));
    assert!(is_registered(&tracker.join(1, "alice")));
}

#[test]
fn attack_a1_keys_without_end_cost_one_hash_each_and_no_row() {
    let mut tracker = asking();
    let alices = asked(&tracker.join(1, "alice")).expect("work");
    tracker.close(1);
    for number in 2..=250 {
        let name = format!("m{number}");
        assert!(asked(&tracker.join(number, &name)).is_some());
        // Neither another's work nor none helps.
        tracker.receive(number.into(), &work(alices, 1, "alice"));
        tracker.receive(number.into(), &Message::Register(record(number, &name, 1)));
        assert!(asked(&tracker.said()).is_some());
        tracker.close(number.into());
    }
    assert_eq!(tracker.registry.registered_len(), 0);
    assert!(tracker.disk.is_empty(), "no row");
    // A spoilt signature is not even looked at.
    let mut spoilt = record(3, "spoilt", 1);
    spoilt.statement.addresses.clear();
    tracker.open(900, 3, NetworkId::ZERO);
    tracker.receive(900, &Message::Register(spoilt));
    assert!(asked(&tracker.said()).is_some());
}

#[test]
fn the_certified_pay_nothing() {
    let mut tracker = asking();
    let network = genesis_by(1).id();
    let name = "bob".parse().unwrap();
    let said = CertificateStatement::at(START, network, key(2), name, key(TRACKER));
    tracker.open_showing(2, 2, network, Some(said.sign(&secret(TRACKER))));
    tracker.receive(2, &Message::Register(record(2, "bob", 1)));
    assert!(is_registered(&tracker.said()));
    // By another's signature they are not.
    let name = "carol".parse().unwrap();
    let said = CertificateStatement::at(START, network, key(3), name, key(TRACKER));
    tracker.open_showing(3, 3, network, Some(said.sign(&secret(4))));
    tracker.receive(3, &Message::Register(record(3, "carol", 1)));
    assert!(asked(&tracker.said()).is_some());
}

#[test]
fn attack_a5_a_number_that_outranks_all_later_ones_is_refused() {
    let mut tracker = Tracker::new();
    let most = tracker.now.wall.plus_ms(MAX_RECORD_AHEAD_MS).0;
    for sequence in [u64::MAX, most + 1] {
        tracker.open(1, 1, NetworkId::ZERO);
        tracker.receive(1, &Message::Register(record(1, "alice", sequence)));
        assert_eq!(refusal(tracker.said()), RefusalCode::NumberAhead);
    }
    tracker.receive(1, &Message::Register(record(1, "alice", most)));
    assert!(is_registered(&tracker.said()));
}

#[test]
fn attack_a5_a_leave_with_the_greatest_number_keeps_nobody_out() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.join(2, "bob");
    tracker.receive(
        2,
        &Message::Leave(Leaving::sign(key(TRACKER), u64::MAX, &member(2))),
    );
    tracker.said();
    tracker.tick(TICK_MS);
    let told = news(tracker.said(), 1);
    assert_eq!(told[0].left.len(), 1);
    // It takes its own place, nobody else's, and comes back with whatever it says next.
    tracker.open(3, 2, NetworkId::ZERO);
    tracker.receive(3, &Message::Register(record(2, "bob", 3)));
    assert!(is_registered(&tracker.said()));
    assert_eq!(tracker.registry.registered_len(), 2);
}

#[test]
fn attack_p3_a_record_changes_a_few_times_at_once_and_then_once_a_minute() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    let mut taken = 0;
    let mut say = |tracker: &mut Tracker, sequence| {
        tracker.receive(1, &Message::Register(record(1, "alice", sequence)));
        taken += u64::from(is_registered(&tracker.said()));
        taken
    };
    let last = (2..100).map(|n| say(&mut tracker, n)).last();
    assert_eq!(last, Some(RECORDS.burst));
    for n in 100..110 {
        tracker.tick(RECORDS.every_ms);
        say(&mut tracker, 10 * n);
        say(&mut tracker, 10 * n + 1);
    }
    assert_eq!(say(&mut tracker, 5_000), RECORDS.burst + 10);
}

#[test]
fn attack_a2_names_are_not_given_up_without_end() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    let mut taken = 0;
    for n in 2..50 {
        tracker.tick(2 * RECORDS.every_ms);
        tracker.said();
        let name = format!("alice-{n}");
        tracker.receive(1, &Message::Register(record(1, &name, n)));
        taken += u64::from(is_registered(&tracker.said()));
    }
    assert_eq!(taken, RENAMES.burst);
}

#[test]
fn attack_p3_members_who_name_a_third_party_have_the_tracker_knock_there_rarely() {
    let mut tracker = Tracker::new();
    for number in 1..=199 {
        let mut said = statement(number, &format!("m{number}"), 1);
        let port = |n: u16| format!("192.0.2.1:{}", 8 * u16::from(number) + n);
        said.addresses = (0..8).map(|n| port(n).parse().unwrap()).collect();
        tracker.open(number.into(), number, NetworkId::ZERO);
        tracker.receive(
            number.into(),
            &Message::Register(said.sign(&member(number))),
        );
    }
    let mut knocks = 0;
    for _ in 0..600 {
        tracker.tick(1_000);
        tracker.said();
        knocks += tracker.knocks.drain(..).count();
        tracker.end_visits(|_| false);
    }
    assert!(knocks <= 256 + 600, "{knocks} in ten minutes");
    assert!(knocks > 300, "{knocks} in ten minutes");
}
