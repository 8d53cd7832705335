//! What strangers can't do with records and sessions: part friends, take all places, make us knock.

use super::peers::{candidate, dials, later, open};
use super::*;
use crate::protocol::gossip::peers::Outlook;
use std::collections::BTreeSet;

fn naming(number: u8, addresses: &[&str]) -> Candidate {
    Candidate {
        addresses: addresses.iter().map(ToString::to_string).collect(),
        ..candidate(number)
    }
}

/// Members 1 to `count`, who joined in this order.
fn in_order_of_joining(count: u8) -> Vec<Candidate> {
    let since = |number: u8| Candidate {
        since: Some(number.into()),
        ..candidate(number)
    };
    (1..=count).map(since).collect()
}

/// Dials, all of which fail at once, until `ms` from the beginning.
fn dials_until(
    gossip: &mut Gossip,
    ms: u64,
    mut known: impl FnMut(u64) -> Option<Vec<Candidate>>,
) -> Vec<String> {
    let mut dialled = Vec::new();
    for step in 0..ms / 1_000 {
        let now = later(step * 1_000);
        let mut due = dials(&tick(gossip, now));
        if let Some(candidates) = known(step) {
            due.extend(dials(&gossip.candidates(candidates, now)));
        }
        while !due.is_empty() {
            dialled.append(&mut due.clone());
            let failed = |address: &String| dials(&gossip.dial_failed(address, now));
            due = due.iter().flat_map(failed).collect();
        }
    }
    dialled
}

#[test]
fn attack_p1_naming_a_friends_address_parts_nobody_from_the_friend() {
    // 1 is the friend; 2 to 5 name its address beside their own, and are connected.
    for thief in 2..=5 {
        let mut gossip = gossip(100);
        let _ = open(&mut gossip, thief, thief, Direction::Incoming, STARTED);
        let thiefs = naming(thief, &["10.0.0.1:1", "10.0.9.9:1"]);
        let dialled = dials(&gossip.candidates(vec![candidate(1), thiefs], STARTED));
        assert_eq!(dialled, ["10.0.0.1:1"], "with thief {thief}");
    }
    // Also if none of the thieves is connected, and all have the same.
    let mut gossip = gossip(100);
    let thieves = (2..=90).map(|thief| naming(thief, &["10.0.0.1:1"]));
    let all = [candidate(1)].into_iter().chain(thieves).collect();
    assert_eq!(dials(&gossip.candidates(all, STARTED)), ["10.0.0.1:1"]);
}

#[test]
fn attack_p1_where_a_friend_lives_nobody_else_is_looked_for_while_it_is_connected() {
    let mut gossip = gossip(100);
    let dialled = dials(&gossip.candidates(vec![candidate(1)], STARTED));
    gossip.dial_connected(session(1), &dialled[0]);
    let _ = open(&mut gossip, 1, 1, Direction::Outgoing, STARTED);
    let _ = gossip.closed(session(1), "gone", later(20_000));
    let _ = open(&mut gossip, 2, 1, Direction::Incoming, later(20_001));
    // Each dial there would make the friend take us for somebody who has lost the connection.
    let thief = naming(2, &["10.0.0.1:1"]);
    let known = vec![candidate(1), thief.clone()];
    assert_eq!(dials(&gossip.candidates(known, later(60_000))), [""; 0]);
    assert_eq!(dials(&tick(&mut gossip, later(200_000))), [""; 0]);
    // Once the friend has moved, the address is whose it is.
    let moved = naming(1, &["10.0.0.7:1"]);
    let dialled = dials(&gossip.candidates(vec![moved, thief], later(300_000)));
    assert_eq!(dialled, ["10.0.0.1:1"]);
}

#[test]
fn attack_p2_a_crowd_keeps_neither_friends_nor_the_oldest_members_out() {
    let mut gossip = gossip(100);
    let _ = gossip.candidates(in_order_of_joining(120), STARTED);
    // 119 was met, and has gone; then 32 who came after all others take all places.
    let _ = open(&mut gossip, 200, 119, Direction::Incoming, STARTED);
    let _ = tick(&mut gossip, later(10_000));
    let _ = gossip.closed(session(200), "gone", later(10_000));
    for n in 61..=92 {
        let opened = open(&mut gossip, n, n, Direction::Incoming, later(11_000));
        assert_eq!(closes(&opened), []);
    }
    let _ = tick(&mut gossip, later(60_000));
    // One more of the crowd finds no place.
    let opened = open(&mut gossip, 93, 93, Direction::Incoming, later(60_000));
    assert_eq!(closes(&opened), [session(93)]);
    // The friend and the oldest members do, in the places of those of the crowd who came last.
    let opened = open(&mut gossip, 201, 119, Direction::Incoming, later(60_000));
    assert_eq!(closes(&opened), [session(92)]);
    for n in 1..=8 {
        let opened = open(&mut gossip, n, n, Direction::Incoming, later(60_000));
        assert_eq!(closes(&opened).len(), 1, "member {n}");
        assert!(!closes(&opened).contains(&session(n)), "member {n}");
    }
    // The places of all who are known for longest are kept, and no more than these.
    let opened = open(&mut gossip, 9, 9, Direction::Incoming, later(60_000));
    assert_eq!(closes(&opened), [session(9)]);
}

/// A quarter of fewer than four is none: a crowd took all places, and friends found none for good.
#[test]
fn attack_p2_a_node_with_few_places_keeps_one_of_them_for_friends() {
    for few in 1..LIMITS.outgoing {
        let limits = PeersLimits {
            outgoing: few,
            incoming: few,
        };
        let own = member(100).public_key();
        // Nobody takes the only place of somebody who has been a member for longer.
        let friend = if few == 1 { 5 } else { 99 };
        for direction in [Direction::Incoming, Direction::Outgoing] {
            let mut gossip = Gossip::new(own, limits, Work::ZERO, 100, STARTED);
            let _ = gossip.candidates(in_order_of_joining(99), STARTED);
            // A friend was met, and has gone; then a crowd takes all places.
            let _ = open(&mut gossip, 200, friend, direction, STARTED);
            let _ = tick(&mut gossip, later(10_000));
            let _ = gossip.closed(session(200), "gone", later(10_000));
            for n in (61..).take(few) {
                let opened = open(&mut gossip, n, n, direction, later(11_000));
                assert_eq!(closes(&opened), []);
            }
            let opened = open(&mut gossip, 201, friend, direction, later(60_000));
            assert_eq!(closes(&opened).len(), 1, "{few} {direction:?}");
            assert_ne!(closes(&opened), [session(201)], "{few} {direction:?}");
        }
        // Whom it met is dialled first.
        let mut gossip = Gossip::new(own, limits, Work::ZERO, 100, STARTED);
        let _ = open(&mut gossip, 200, friend, Direction::Incoming, STARTED);
        let _ = tick(&mut gossip, later(10_000));
        let _ = gossip.closed(session(200), "gone", later(10_000));
        let dialled = dials(&gossip.candidates(in_order_of_joining(99), later(200_000)));
        assert_eq!(dialled[0], format!("10.0.0.{friend}:1"), "{few}");
    }
}

#[test]
fn attack_p2_known_members_come_back_to_the_places_that_a_crowd_has_taken_outside() {
    let mut gossip = gossip(100);
    let all = in_order_of_joining(90);
    let mut under_way: BTreeSet<_> = dials(&gossip.candidates(all, STARTED))
        .into_iter()
        .collect();
    let mut next = 1;
    let mut open_now: Vec<(SessionId, String)> = Vec::new();
    // The two oldest are away for a minute, then answer for ever; all others do at once.
    for second in 0..7_200 {
        let now = later(second * 1_000);
        for address in std::mem::take(&mut under_way) {
            let number: u8 = address[7..address.len() - 2].parse().unwrap();
            if number <= 2 && second < 60 {
                let _ = gossip.dial_failed(&address, now);
                continue;
            }
            next += 1;
            let session = SessionId(next);
            gossip.dial_connected(session, &address);
            let hello = hello_of(member(number).public_key());
            let effects = gossip.opened(session, &hello, Direction::Outgoing, now);
            answer(&mut gossip, &effects, now);
            open_now.push((session, address));
            for closed in closes(&effects) {
                let _ = gossip.closed(closed, "no place", now);
                open_now.retain(|(open, _)| *open != closed);
            }
        }
        under_way.extend(dials(&tick(&mut gossip, now)));
    }
    let places: BTreeSet<_> = open_now
        .iter()
        .map(|(_, address)| address.as_str())
        .collect();
    assert!(
        places.contains("10.0.0.1:1") && places.contains("10.0.0.2:1"),
        "{places:?}"
    );
    assert_eq!(places.len(), LIMITS.outgoing);
}

#[test]
fn whom_it_met_is_dialled_first_after_a_restart_whatever_the_tracker_says() {
    let mut before = gossip(100);
    let mut all = in_order_of_joining(90);
    let _ = before.candidates(all.clone(), STARTED);
    for n in [70, 71] {
        before.dial_connected(session(n), &format!("10.0.0.{n}:1"));
        let _ = open(&mut before, n, n, Direction::Outgoing, STARTED);
    }
    let kept = before.tick(later(20_000)).into_iter();
    let kept: Vec<_> = kept
        .filter_map(|effect| match effect {
            Effect::Keep(rows) => Some(rows),
            _ => None,
        })
        .flatten()
        .map(|(key, value)| (key, value.unwrap()))
        .collect();
    assert_eq!(kept.len(), 2);
    let mut after = gossip(100).taking_up(kept).unwrap();
    for candidate in &mut all {
        let is_friend = [70, 71].contains(&candidate.since.unwrap());
        candidate.outlook = if is_friend {
            Outlook::Poor
        } else {
            Outlook::Good
        };
    }
    let dialled = dials(&after.candidates(all, STARTED));
    assert_eq!(dialled[..2], ["10.0.0.70:1", "10.0.0.71:1"]);
    assert_eq!(dialled.len(), LIMITS.outgoing);
}

#[test]
fn attack_p3_records_that_name_a_third_party_make_nobody_knock_there_without_end() {
    let mut gossip = gossip(100);
    let ports = |member: u8| -> Candidate {
        let port = |n: u16| format!("192.0.2.1:{}", 8 * u16::from(member) + n);
        Candidate {
            addresses: (0..8).map(port).collect(),
            ..candidate(member)
        }
    };
    let mut known = Some((1..=90).map(ports).collect());
    let dialled = dials_until(&mut gossip, 600_000, |_| known.take());
    // A class behind one router at once, and one in five seconds.
    assert!(
        dialled.len() <= 64 + 120,
        "{} in ten minutes",
        dialled.len()
    );
    assert!(dialled.len() > 120);
}

#[test]
fn attack_p3_names_without_end_make_nobody_knock_more_often_than_once_a_second() {
    let mut gossip = gossip(100);
    let named = |step: u64| -> Vec<Candidate> {
        let address = |n: u8| format!("h{n}-{step}.example:1");
        (1..=90)
            .map(|n| Candidate {
                addresses: vec![address(n)],
                ..candidate(n)
            })
            .collect()
    };
    let dialled = dials_until(&mut gossip, 300_000, |step| Some(named(step)));
    let count = dialled.len();
    assert!(count <= 256 + 300, "{count} in five minutes");
}

#[test]
fn attack_p3_no_new_record_and_no_coming_and_going_makes_us_knock_sooner() {
    let mut still = gossip(100);
    let mut known = Some(vec![candidate(1)]);
    let usual = dials_until(&mut still, 600_000, |_| known.take()).len();
    let other_outlook = |step: u64| Candidate {
        outlook: if step.is_multiple_of(2) {
            Outlook::Good
        } else {
            Outlook::Poor
        },
        ..candidate(1)
    };
    let other_member = |step: u64| naming(2 + (step % 80) as u8, &["10.0.0.1:1"]);
    type Records<'a> = &'a dyn Fn(u64) -> Vec<Candidate>;
    let flapping: [(&str, Records<'_>); 4] = [
        ("said to be there and not", &|step| {
            vec![other_outlook(step)]
        }),
        ("another names it", &|step| vec![other_member(step)]),
        ("another names it, too", &|step| {
            vec![candidate(1), other_member(step)]
        }),
        ("named now and then", &|step| match step % 2 {
            0 => vec![candidate(1)],
            _ => Vec::new(),
        }),
    ];
    for (what, records) in flapping {
        let dialled = dials_until(&mut gossip(100), 600_000, |step| Some(records(step)));
        assert!(
            dialled.len() <= usual + 15,
            "{what}: {} for {usual}",
            dialled.len()
        );
    }
}

#[test]
fn of_those_who_promise_the_same_different_neighbourhoods_are_dialled_first() {
    for number in 100..110 {
        let crowd = (1..=60).map(|n| naming(n, &[&format!("198.51.100.{n}:1")]));
        let others = (61..=67).map(|n| naming(n, &[&format!("203.0.{n}.1:1")]));
        let all = crowd.chain(others).collect();
        let dialled = dials(&gossip(number).candidates(all, STARTED));
        let of_crowd = dialled.iter().filter(|a| a.starts_with("198.51.100."));
        assert_eq!((of_crowd.count(), dialled.len()), (1, 8));
        // A class in one room has no other neighbours.
        let class = (1..=30).map(|n| naming(n, &[&format!("192.168.1.{n}:1")]));
        let dialled = dials(&gossip(number).candidates(class.collect(), STARTED));
        assert_eq!(dialled.len(), LIMITS.outgoing);
    }
}
