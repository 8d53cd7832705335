//! Whose registration lapses where there is no room.

use super::*;
use crate::membership::CertificateStatement;

const DAY_MS: u64 = 86_400_000;

/// A tracker whose list is full of those who registered once, long ago, and of alice, who came after them and is
/// here; carol was invited.
fn full() -> Tracker {
    let mut tracker = Tracker::new();
    let most = u32::try_from(MAX_MEMBERS_REGISTERED).unwrap() - 1;
    let mut rows = crowd(most);
    let invited = canonical::decode::<Entry>(&rows[0].1).map(|entry| Entry {
        invitation: Some(key(77)),
        ..entry
    });
    rows[0].1 = canonical::encode(&invited.unwrap());
    tracker.disk = rows.into_iter().collect();
    tracker.restart();
    tracker.join(250, "alice");
    tracker
}

fn is_full(said: &[Out]) -> bool {
    let no = |out: &Out| matches!(out, Out::Sent(_, Message::Refused(no)) if no.code == RefusalCode::Full);
    said.iter().any(no)
}

fn lapsed(tracker: &Tracker) -> Vec<u32> {
    let lapsed = |fact: &Fact| match fact {
        Fact::MemberLapsed { id, .. } => Some(id.0),
        _ => None,
    };
    tracker.facts.iter().filter_map(lapsed).collect()
}

#[test]
fn attack_a1_where_there_is_no_room_who_came_once_and_was_silent_for_long_gives_way() {
    let mut tracker = full();
    // A month after they registered, to the millisecond.
    tracker.now.wall = START.plus_ms(LAPSE_MS - 1);
    assert!(is_full(&tracker.join(251, "newcomer")));
    tracker.now = tracker.now.plus_ms(1);
    assert!(!is_full(&tracker.join(251, "newcomer")));
    assert_eq!(lapsed(&tracker), [2], "carol was invited");
    assert_eq!(tracker.registry.registered_len(), MAX_MEMBERS_REGISTERED);
    // The name stays its key's, over a restart, too.
    for restart in [false, true] {
        if restart {
            tracker.restart();
        }
        assert_eq!(refusal(tracker.join(249, "m2")), RefusalCode::NameTaken);
    }
}

#[test]
fn whoever_is_here_or_was_heard_lately_keeps_its_place_and_whoever_lapsed_comes_back_by_its_certificate()
 {
    let mut tracker = full();
    let alice = MemberId(u32::try_from(MAX_MEMBERS_REGISTERED).unwrap());
    // A session that lasts for months: it is noted each day, and outlasts a kill.
    for _ in 0..40 {
        tracker.tick(DAY_MS);
        tracker.said();
    }
    tracker.restart();
    for number in 101..=130 {
        tracker.tick(1);
        assert!(!is_full(
            &tracker.join(number, &format!("newcomer-{number}"))
        ));
    }
    assert!(tracker.registry.members().any(|member| member.id == alice));
    // All the others give way first, and then nobody does.
    let others: Vec<_> = tracker
        .registry
        .members()
        .map(|m| m.id)
        .filter(|id| *id != alice)
        .collect();
    let now = tracker.now.wall;
    let is_left = |id: MemberId| others.contains(&id);
    assert_eq!(tracker.registry.members.lapsed(is_left, now), None);
    let in_a_month = now.plus_ms(LAPSE_MS);
    assert_eq!(
        tracker.registry.members.lapsed(is_left, in_a_month),
        Some(alice)
    );

    // One that came back on another day gives way after those who never did, though it was silent for longer.
    let mut members = Members::new(1..u32::MAX);
    let at = |days| Now {
        wall: START.plus_ms(days * DAY_MS),
        ..BEGUN
    };
    members.register(record(1, "anna", 1), None, at(0)).unwrap();
    members.hear(MemberId(1), at(1).wall);
    members.register(record(2, "bert", 1), None, at(2)).unwrap();
    assert_eq!(members.lapsed(|_| false, at(60).wall), Some(MemberId(2)));

    // Who lapsed has its place again for its certificate, without working.
    let mut tracker = Tracker::new();
    let network = genesis_by(1).id();
    tracker.join(2, "bob");
    tracker.registry.strike(MemberId(1), Ending::Lapses);
    tracker.said();
    tracker.restart();
    tracker.registry.ask_for_work(&secret(TRACKER));
    let said =
        CertificateStatement::at(START, network, key(2), "bob".parse().unwrap(), key(TRACKER));
    tracker.open_showing(2, 2, network, Some(said.sign(&secret(TRACKER))));
    tracker.receive(2, &Message::Register(record(2, "bob", 1)));
    let said = tracker.said();
    assert!(
        matches!(said[..], [Out::Sent(_, Message::Registered(_))]),
        "{said:?}"
    );
}
