use super::*;
use crate::chain::testing::transfer;
use crate::clock::STARTED;
use crate::protocol::gossip::peers::Outlook;
use std::collections::BTreeSet;

pub(super) fn candidate(number: u8) -> Candidate {
    Candidate {
        key: member(number).public_key(),
        addresses: vec![format!("10.0.0.{number}:1")],
        outlook: Outlook::Unknown,
        since: None,
    }
}

pub(super) fn dials(effects: &[Effect]) -> Vec<String> {
    let dial = |effect: &Effect| match effect {
        Effect::Dial(address) => Some(address.clone()),
        _ => None,
    };
    effects.iter().filter_map(dial).collect()
}

pub(super) fn later(ms: u64) -> SteadyTime {
    STARTED.plus_ms(ms)
}

pub(super) fn open(
    gossip: &mut Gossip,
    n: u8,
    key: u8,
    direction: Direction,
    now: SteadyTime,
) -> Vec<Effect> {
    let hello = hello_of(member(key).public_key());
    let effects = gossip.opened(session(n), &hello, direction, now);
    answer(gossip, &effects, now);
    effects
}

#[test]
fn it_dials_as_many_as_it_may_each_key_once_and_never_itself() {
    let mut gossip = gossip(100);
    let mut candidates: Vec<_> = (1..=20).map(candidate).collect();
    candidates[2].addresses.push("second:1".into());
    candidates.push(Candidate {
        key: member(100).public_key(),
        addresses: vec!["own:1".into()],
        outlook: Outlook::Good,
        since: None,
    });
    let dialled = dials(&gossip.candidates(candidates.clone(), STARTED));
    assert_eq!(dialled.len(), LIMITS.outgoing);
    assert_eq!(
        dialled.iter().collect::<BTreeSet<_>>().len(),
        LIMITS.outgoing
    );
    assert_eq!(dials(&tick(&mut gossip, later(100))), [""; 0]);
    // All fail for an hour: every address but its own is tried, and no key twice at a time.
    let mut tried: BTreeSet<String> = BTreeSet::new();
    let mut under_way = dialled;
    for second in 1..3_600 {
        let now = later(second * 1_000);
        for address in std::mem::take(&mut under_way) {
            tried.insert(address.clone());
            gossip.dial_failed(&address, now);
        }
        under_way = dials(&tick(&mut gossip, now));
        let both = ["10.0.0.3:1".to_owned(), "second:1".to_owned()];
        assert!(!both.iter().all(|address| under_way.contains(address)));
    }
    assert_eq!(tried.len(), 21);
    assert!(!tried.contains("own:1"));
}

#[test]
fn who_is_said_to_answer_is_dialled_first_and_the_others_all_the_same() {
    let with = |outlook: fn(u8) -> Outlook| -> Vec<Candidate> {
        let candidates = (1..=20).map(candidate).zip(1..);
        let outlooked = candidates.map(|(candidate, number)| Candidate {
            outlook: outlook(number),
            ..candidate
        });
        outlooked.collect()
    };
    let good: fn(u8) -> Outlook = |number| match number {
        1..=5 => Outlook::Good,
        _ => Outlook::Poor,
    };
    let mut gossip = gossip(100);
    let dialled = dials(&gossip.candidates(with(good), STARTED));
    let first: BTreeSet<_> = dialled[..5].iter().cloned().collect();
    let expected: BTreeSet<_> = (1..=5).map(|n| format!("10.0.0.{n}:1")).collect();
    assert_eq!(first, expected);
    assert_eq!(dialled.len(), LIMITS.outgoing, "the rest is tried as well");
}

#[test]
fn who_is_back_is_dialled_at_once_and_who_only_is_named_again_is_not() {
    let mut gossip = gossip(100);
    let with = |outlook| {
        vec![Candidate {
            outlook,
            ..candidate(1)
        }]
    };
    let address = dials(&gossip.candidates(with(Outlook::Poor), STARTED)).remove(0);
    gossip.dial_failed(&address, STARTED);
    assert_eq!(
        dials(&gossip.candidates(with(Outlook::Poor), later(1))),
        [""; 0]
    );
    assert_eq!(
        dials(&gossip.candidates(with(Outlook::Good), later(2))),
        [address.as_str()]
    );
    gossip.dial_failed(&address, later(2));
    assert_eq!(
        dials(&gossip.candidates(with(Outlook::Good), later(3))),
        [""; 0]
    );
}

#[test]
fn different_nodes_dial_different_ones() {
    let candidates: Vec<_> = (1..=60).map(candidate).collect();
    let chosen: BTreeSet<_> = (100..110)
        .flat_map(|n| dials(&gossip(n).candidates(candidates.clone(), STARTED)))
        .collect();
    assert!(chosen.len() > 30, "{} of 60", chosen.len());
}

#[test]
fn a_dial_that_failed_is_repeated_later_and_later_and_for_ever() {
    let mut gossip = gossip(100);
    let mut due = dials(&gossip.candidates(vec![candidate(1)], STARTED));
    let mut pauses = Vec::new();
    let mut last = STARTED;
    for step in 1..20_000 {
        let now = later(step * 100);
        for address in due {
            gossip.dial_failed(&address, last);
        }
        due = dials(&tick(&mut gossip, now));
        if !due.is_empty() {
            pauses.push(now.since(last));
            last = now;
        }
    }
    assert!((500..=1_100).contains(&pauses[0]), "{pauses:?}");
    assert!(
        pauses[10..]
            .iter()
            .all(|pause| (30_000..=60_100).contains(pause))
    );
    assert!(pauses.len() > 30, "{pauses:?}");
}

/// Dials `address` and opens the session, which lasts `ms`.
fn brief_session(gossip: &mut Gossip, n: u8, key: u8, address: &str, from: SteadyTime, ms: u64) {
    gossip.dial_connected(session(n), address);
    let _ = open(gossip, n, key, Direction::Outgoing, from);
    let _ = gossip.closed(session(n), "enough connections here", from.plus_ms(ms));
}

#[test]
fn who_takes_the_handshake_and_closes_at_once_is_dialled_ever_more_rarely() {
    let mut gossip = gossip(100);
    let _ = gossip.candidates(vec![candidate(1)], STARTED);
    let mut dialled = 0;
    let mut now = STARTED;
    brief_session(&mut gossip, 1, 1, "10.0.0.1:1", now, 10);
    while now < later(600_000) {
        now = now.plus_ms(100);
        for address in dials(&tick(&mut gossip, now)) {
            dialled += 1;
            brief_session(&mut gossip, dialled, 1, &address, now, 10);
        }
    }
    assert!(dialled < 30, "{dialled} dials in ten minutes");
    // One that lasted makes the next pause the first again.
    let address = loop {
        now = now.plus_ms(100);
        if let [address] = &dials(&tick(&mut gossip, now))[..] {
            break address.clone();
        }
    };
    brief_session(&mut gossip, 200, 1, &address, now, 10_000);
    now = now.plus_ms(10_000 + 1_100);
    assert_eq!(dials(&tick(&mut gossip, now)), [address]);
}

#[test]
fn connected_and_banned_keys_are_not_dialled() {
    let mut gossip = gossip(100);
    let _ = open(&mut gossip, 1, 1, Direction::Incoming, STARTED);
    let _ = open(&mut gossip, 2, 2, Direction::Incoming, STARTED);
    let effects = gossip.received(session(2), Message::GetMembers(()), STARTED);
    assert_eq!(closes(&effects), [session(2)]);
    let _ = gossip.closed(session(2), "gone", STARTED);
    assert_eq!(
        dials(&gossip.candidates(vec![candidate(1), candidate(2)], STARTED)),
        [""; 0]
    );
    // The ban ends.
    assert_eq!(dials(&tick(&mut gossip, later(10 * 60_000 - 1))), [""; 0]);
    assert_eq!(
        dials(&tick(&mut gossip, later(10 * 60_000))),
        ["10.0.0.2:1"]
    );
}

#[test]
fn a_banned_key_is_turned_away_until_its_time_is_up() {
    let mut gossip = gossip(100);
    let _ = open(&mut gossip, 1, 1, Direction::Incoming, STARTED);
    let effects = gossip.received(session(1), Message::Left(()), STARTED);
    let told = facts(effects);
    assert!(matches!(told[..], [Fact::Misbehaved(..)]), "{told:?}");
    let _ = gossip.closed(session(1), "gone", STARTED);
    assert_eq!(
        closes(&open(&mut gossip, 2, 1, Direction::Incoming, later(1))),
        [session(2)]
    );
    let over = later(10 * 60_000);
    assert_eq!(
        closes(&open(&mut gossip, 3, 1, Direction::Incoming, over)),
        []
    );
}

#[test]
fn attack_p6_a_65th_delivery_without_an_answer_is_shunned() {
    let mut gossip = gossip(100);
    let _ = open(&mut gossip, 1, 1, Direction::Incoming, STARTED);
    for salt in 0..=64 {
        let delivery = Message::Deliver(transfer(1, 100, 5, 0, salt));
        let told = facts(gossip.received(session(1), delivery, STARTED));
        let is_shunned = matches!(told[..], [Fact::Misbehaved(..)]);
        assert_eq!(is_shunned, salt == 64, "{salt}: {told:?}");
    }
}

#[test]
fn attack_bans_are_bounded_and_the_oldest_makes_room() {
    let mut gossip = gossip(100);
    let key = |n: u64| {
        let secret = blake3::hash(&n.to_le_bytes());
        crate::keys::SecretKey::from_bytes(*secret.as_bytes()).public_key()
    };
    for n in 0..1_001 {
        let _ = gossip.opened(
            SessionId(n),
            &hello_of(key(n)),
            Direction::Incoming,
            later(n),
        );
        let _ = gossip.received(SessionId(n), Message::Left(()), later(n));
        let _ = gossip.closed(SessionId(n), "gone", later(n));
    }
    let mut shunned = |n: u64| {
        let again = SessionId(5_000 + n);
        let effects = gossip.opened(again, &hello_of(key(n)), Direction::Incoming, later(2_000));
        let _ = gossip.closed(again, "gone", later(2_000));
        !closes(&effects).is_empty()
    };
    assert!(!shunned(0));
    assert!((1..1_001).all(&mut shunned));
}

#[test]
fn strangers_are_admitted_up_to_the_limits() {
    let mut gossip = gossip(100);
    assert_eq!(gossip.admits(49), Admission::Welcome);
    assert_eq!(gossip.admits(50), Admission::InPlaceOfOldest);
    for n in 1..=32 {
        assert_eq!(gossip.admits(0), Admission::Welcome);
        assert_eq!(
            closes(&open(&mut gossip, n, n, Direction::Incoming, STARTED)),
            []
        );
    }
    // A few more may knock, and are told why they can't stay.
    assert_eq!(gossip.admits(3), Admission::Welcome);
    assert_eq!(gossip.admits(4), Admission::InPlaceOfOldest);
    // One that was in its handshake already.
    assert_eq!(
        closes(&open(&mut gossip, 40, 40, Direction::Incoming, STARTED)),
        [session(40)]
    );
    // A reconnecting one takes its own place.
    assert_eq!(
        closes(&open(&mut gossip, 41, 5, Direction::Incoming, STARTED)),
        [session(5)]
    );
}

#[test]
fn attack_sessions_that_are_being_closed_keep_their_places_until_they_are_gone() {
    let mut gossip = gossip(100);
    for n in 1..=32 {
        let _ = open(&mut gossip, n, n, Direction::Incoming, STARTED);
        let _ = gossip.received(session(n), Message::Left(()), STARTED);
    }
    // Each could keep its connection open for long by not reading.
    assert_eq!(gossip.admits(4), Admission::InPlaceOfOldest);
    assert_eq!(gossip.sessions().count(), 0);
    for n in 1..=32 {
        let _ = gossip.closed(session(n), "gone", STARTED);
    }
    assert_eq!(gossip.admits(4), Admission::Welcome);
}

#[test]
fn outgoing_sessions_are_bounded_however_the_candidates_change() {
    let mut gossip = gossip(100);
    let mut dialled = dials(&gossip.candidates((1..=20).map(candidate).collect(), STARTED));
    // Those under way are named no more; others are dialled in their place.
    dialled.extend(dials(
        &gossip.candidates((30..=50).map(candidate).collect(), STARTED),
    ));
    assert!(dialled.len() > LIMITS.outgoing);
    for (n, address) in (1..).zip(&dialled) {
        let key: u8 = address[7..address.len() - 2].parse().unwrap();
        gossip.dial_connected(session(n), address);
        let _ = open(&mut gossip, n, key, Direction::Outgoing, STARTED);
    }
    assert_eq!(gossip.sessions().count(), LIMITS.outgoing);
}

#[test]
fn an_address_at_which_another_answers_is_not_dialled_without_end() {
    let mut gossip = gossip(100);
    // Number 2 is gone, and number 1 answers at its address, too.
    let _ = gossip.candidates(vec![candidate(1), candidate(2)], STARTED);
    let mut connected = 0;
    for step in 0..6_000 {
        let now = later(step * 100);
        let due = if step == 0 {
            vec!["10.0.0.1:1".into(), "10.0.0.2:1".into()]
        } else {
            dials(&tick(&mut gossip, now))
        };
        for address in due {
            connected += 1;
            gossip.dial_connected(SessionId(connected), &address);
            let hello = hello_of(member(1).public_key());
            let effects = gossip.opened(SessionId(connected), &hello, Direction::Outgoing, now);
            answer(&mut gossip, &effects, now);
            for session in closes(&effects) {
                let _ = gossip.closed(session, "connected anew", now);
            }
        }
    }
    assert!(connected < 30, "{connected} connections in ten minutes");
    assert_eq!(gossip.sessions().count(), 1);
}

#[test]
fn a_node_with_our_own_key_is_turned_away() {
    let mut gossip = gossip(100);
    for (n, direction) in [(1, Direction::Incoming), (2, Direction::Outgoing)] {
        assert_eq!(
            closes(&open(&mut gossip, n, 100, direction, STARTED)),
            [session(n)]
        );
    }
    assert_eq!(gossip.sessions().count(), 0);
}

#[test]
fn nothing_is_said_or_heard_in_a_session_that_is_being_closed() {
    let mut gossip = with_sessions(2);
    let first = gossip.received(session(1), Message::Left(()), STARTED);
    assert_eq!(closes(&first), [session(1)]);
    let again = gossip.received(session(1), Message::Left(()), STARTED);
    assert_eq!(again, []);
    gossip.transaction_opened(transfer(1, 2, 1, 1, 1));
    let told = gossip.announce();
    assert!(
        matches!(told[..], [Effect::Send(SessionId(2), _)]),
        "{told:?}"
    );
    let gone = facts(gossip.closed(session(1), "closed", STARTED));
    assert!(matches!(gone[..], [Fact::Disconnected(..)]), "{gone:?}");
}

#[test]
fn every_session_that_was_told_is_told_to_be_gone_also_when_it_was_replaced() {
    let mut gossip = gossip(100);
    let first = open(&mut gossip, 1, 1, Direction::Incoming, STARTED);
    let second = open(&mut gossip, 2, 1, Direction::Incoming, later(1));
    assert_eq!(closes(&second), [session(1)]);
    let gone = gossip.closed(session(1), "connected anew", later(2));
    assert_eq!(
        facts([first, second].into_iter().flatten().collect()).len(),
        2
    );
    assert!(matches!(
        facts(gone)[..],
        [Fact::Disconnected(SessionId(1), ..)]
    ));
    assert_eq!(
        gossip.sessions().map(|(s, _)| s).collect::<Vec<_>>(),
        [session(2)]
    );
}

#[test]
fn being_alone_is_told_once_a_minute_until_it_ends() {
    let mut gossip = gossip(100);
    let mut told = Vec::new();
    for second in 0..150 {
        told.extend(facts(tick(&mut gossip, later(second * 1_000))));
    }
    assert_eq!(told, [Fact::Alone(STARTED), Fact::Alone(STARTED)]);
    let _ = open(&mut gossip, 1, 1, Direction::Incoming, later(150_000));
    assert_eq!(facts(tick(&mut gossip, later(200_000))), []);
    let _ = gossip.closed(session(1), "gone", later(210_000));
    assert_eq!(facts(tick(&mut gossip, later(269_999))), []);
    assert_eq!(
        facts(tick(&mut gossip, later(270_000))),
        [Fact::Alone(later(210_000))]
    );
}

#[test]
fn attack_headers_from_the_future_do_not_fill_the_log() {
    let mut gossip = with_sessions(2);
    let header = crate::chain::testing::genesis().header;
    let mut told = 0;
    for step in 0..1_200 {
        let (from, now) = (SessionId(1 + step % 2), later(step * 100));
        let _ = gossip.received(from, Message::AnnounceBlock(header), now);
        let held = Ok(HeadersOutcome::Known {
            last: header.id(),
            height: Height(0),
            work: Work::ZERO,
            held: true,
        });
        told += facts(gossip.headers_judged(from, held, now)).len();
    }
    assert_eq!(told, 2);
}

#[test]
fn a_node_that_its_owner_disconnects_is_alone_until_he_connects_it() {
    let mut gossip = gossip(100);
    let candidates = vec![candidate(1), candidate(2), candidate(3)];
    let under_way = dials(&gossip.candidates(candidates.clone(), STARTED));
    assert_eq!(under_way.len(), 3);
    open(&mut gossip, 1, 1, Direction::Incoming, STARTED);
    gossip.reach(member(3).public_key(), STARTED);
    let apart = gossip.disconnect(STARTED);
    assert!(
        apart.contains(&Effect::TellOutbox(DeliveryFact::Unreachable(
            member(3).public_key()
        )))
    );
    let closes =
        |effect: &Effect| matches!(effect, Effect::Close(closed, _) if *closed == session(1));
    assert_eq!(apart.iter().filter(|effect| closes(effect)).count(), 1);
    assert_eq!(gossip.sessions().count(), 0);
    gossip.closed(session(1), "goodbye", STARTED);
    // Nobody stays, nobody is let in, nobody is dialled, whatever is wanted and however long it lasts.
    assert_eq!(gossip.admits(0), Admission::Full);
    let refused = open(&mut gossip, 2, 2, Direction::Outgoing, STARTED);
    assert!(matches!(refused[..], [Effect::Close(..)]), "{refused:?}");
    for address in &under_way {
        assert_eq!(dials(&gossip.dial_failed(address, STARTED)), [""; 0]);
    }
    let wanted = gossip.reach(member(3).public_key(), STARTED);
    let unreachable = Effect::TellOutbox(DeliveryFact::Unreachable(member(3).public_key()));
    assert_eq!(wanted, [unreachable]);
    for seconds in 1..200 {
        let effects = tick(&mut gossip, later(seconds * 1_000));
        assert_eq!(effects, [], "after {seconds} s");
    }
    assert_eq!(
        dials(&gossip.candidates(candidates, later(200_000))),
        [""; 0]
    );
    // And back: everybody is dialled at once.
    assert_eq!(dials(&gossip.connect(later(200_000))).len(), 3);
}
