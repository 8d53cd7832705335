mod elsewhere;
mod founding;
mod listing;
mod pinning;
mod reach;
mod statements;
mod working;

use super::*;
use crate::chain::GenesisContent;
use crate::chain::testing::{START, member, params};
use crate::protocol::testing::{
    Out, Peer, TRACKER, genesis_by, hello, key, mine, other_genesis, record, statement,
};
use crate::wire::message::{Goodbye, Lease, MAX_MEMBERS, RefusalCode, Refused, Registered};
use crate::wire::{Member, MemberId};

const NOBODY: NetworkId = NetworkId::ZERO;
const SESSION: u64 = 1;

fn tracker_hello() -> Hello {
    hello(TRACKER, NodeRole::Tracker, NOBODY)
}

fn registered(genesis: Option<Genesis>) -> Message {
    Message::Registered(Registered {
        id: MemberId(1),
        genesis,
        lease: None,
    })
}

fn lease() -> Message {
    Message::Registered(Registered {
        id: MemberId(1),
        genesis: None,
        lease: Some(Lease {
            params: params(),
            remaining_ms: 1_000,
        }),
    })
}

fn refused(code: RefusalCode) -> Message {
    let reason = Goodbye::new("because").reason;
    Message::Refused(Refused { code, reason })
}

/// A link that has dialled.
fn dialled() -> Peer {
    let mut peer = Peer::new(1, "alice");
    peer.tick(0);
    assert_eq!(peer.dials.len(), 1);
    peer
}

/// A link that has sent its registration.
fn greeted() -> Peer {
    let mut peer = dialled();
    peer.open(SESSION, &tracker_hello());
    peer
}

/// A link that is registered on a network.
fn joined() -> Peer {
    let mut peer = greeted();
    peer.receive(SESSION, &registered(Some(genesis_by(9))));
    peer.said();
    peer
}

/// Lets time pass until the next dial; how long it took, to the second.
fn next_dial(peer: &mut Peer) -> u64 {
    let dials = peer.dials.len();
    let since = peer.now;
    while peer.dials.len() == dials {
        peer.tick(TICK_MS);
    }
    peer.now.steady.since(since.steady)
}

fn sent(peer: &mut Peer) -> Vec<Message> {
    let message = |out| match out {
        Out::Sent(_, message) => Some(message),
        Out::Closed(..) => None,
    };
    peer.said().into_iter().filter_map(message).collect()
}

fn sequence(peer: &mut Peer) -> u64 {
    match &sent(peer)[..] {
        [Message::Register(record)] => record.statement.sequence,
        other => panic!("no registration: {other:?}"),
    }
}

#[test]
fn it_registers_and_learns_its_network_once() {
    let mut peer = greeted();
    let said = sent(&mut peer);
    assert_eq!(said, [Message::Register(record(1, "alice", START.0))]);
    peer.receive(SESSION, &registered(Some(genesis_by(9))));
    peer.receive(SESSION, &Message::GenesisKnown(genesis_by(9)));
    assert_eq!(peer.networks, [genesis_by(9)]);
    assert_eq!(peer.joined, [MemberId(1)]);
    assert!(peer.link.is_registered() && peer.warnings.is_empty());
    assert_eq!(peer.link.network(), genesis_by(9).id());
}

#[test]
fn a_record_is_on_the_disk_before_it_leaves_and_one_that_is_there_does_not_wait() {
    let mut peer = dialled();
    let session = SessionId(SESSION);
    let asked = peer.link.opened(session, &tracker_hello(), peer.now);
    let Some(Effect::Sign(statement)) = asked.last() else {
        panic!("{asked:?}");
    };
    let record = statement.clone().sign(&member(1));
    let stored = peer.link.signed(record.clone(), peer.now);
    let [Effect::Commit { batch: 1, rows }] = &stored[..] else {
        panic!("{stored:?}");
    };
    assert_eq!(rows.len(), 1);
    let message = Message::Register(record.clone());
    assert_eq!(
        peer.link.committed(1),
        [Effect::Send {
            session,
            message: message.clone()
        }]
    );
    // The connection ends: the same words go out at once.
    let _ = peer.link.closed(session, "cut".to_owned(), peer.now);
    let dialled = peer.now.plus_ms(MAX_BACK_OFF_MS);
    let again = peer.link.tick(dialled);
    assert!(again.iter().any(|e| matches!(e, Effect::Dial { .. })));
    let session = SessionId(SESSION + 1);
    let said = peer.link.opened(session, &tracker_hello(), dialled);
    assert_eq!(said, [Effect::Send { session, message }]);
}

#[test]
fn the_same_words_are_signed_once_for_ever() {
    let mut peer = greeted();
    let first = sequence(&mut peer);
    peer.restart(false);
    peer.tick(60_000);
    peer.open(2, &tracker_hello());
    assert_eq!(sequence(&mut peer), first);
    peer.name = "alicia".to_owned();
    peer.restart(false);
    peer.tick(0);
    peer.open(3, &tracker_hello());
    assert!(sequence(&mut peer) > first);
}

#[test]
fn what_is_new_is_signed_also_while_the_tracker_is_away() {
    let mut peer = joined();
    let before = peer.link.record().unwrap().clone();
    peer.restart(true);
    peer.tick(TICK_MS);
    assert_eq!(peer.link.record(), Some(&before), "nothing is new");
    peer.name = "alicia".to_owned();
    peer.restart(true);
    peer.tick(TICK_MS);
    let signed = peer.link.record().unwrap().clone();
    assert_eq!(signed.statement.name.as_str(), "alicia");
    assert!(signed.statement.sequence > before.statement.sequence);
    assert_eq!(signed.check(), Ok(()));
    // That, and nothing newer, is what the tracker gets.
    peer.open(SESSION, &tracker_hello());
    assert_eq!(sent(&mut peer), [Message::Register(signed)]);
}

#[test]
fn a_challenge_is_answered_at_any_time() {
    let mut peer = greeted();
    peer.said();
    peer.receive(SESSION, &Message::Challenge(5));
    let said = sent(&mut peer);
    assert!(matches!(&said[..], [Message::ChallengeAnswer(answer)] if answer.number == 5));
}

#[test]
fn a_clock_that_was_set_back_does_not_lower_the_number() {
    let mut peer = greeted();
    let first = sequence(&mut peer);
    peer.name = "alicia".to_owned();
    peer.now.wall = crate::chain::Timestamp(5);
    peer.restart(false);
    peer.tick(0);
    peer.open(2, &tracker_hello());
    assert_eq!(sequence(&mut peer), first + 1);
}

#[test]
fn a_record_that_is_too_old_is_signed_anew_with_a_later_number() {
    let mut peer = greeted();
    let mut last = sequence(&mut peer);
    for doublings in 0..3 {
        peer.receive(SESSION, &refused(RefusalCode::OldRecord));
        let next = sequence(&mut peer);
        assert_eq!(next - last, SEQUENCE_STEP << doublings);
        last = next;
    }
    for _ in 0..100 {
        peer.receive(SESSION, &refused(RefusalCode::OldRecord));
    }
    assert!(matches!(
        peer.warnings[..],
        [Warning::Refused { .. }, Warning::ConnectionLost { .. }]
    ));
}

#[test]
fn a_tracker_that_is_away_is_dialled_for_ever_with_growing_waits() {
    let mut peer = dialled();
    let mut expected = MIN_BACK_OFF_MS;
    let mut waits = Vec::new();
    for _ in 0..20 {
        let effects = peer.link.dial_failed("refused".to_owned(), peer.now);
        peer.carry_out(effects);
        let wait = next_dial(&mut peer);
        let (least, most) = (expected / 2, expected + TICK_MS);
        assert!((least..=most).contains(&wait), "{wait} for {expected}");
        waits.push(wait);
        expected = (2 * expected).min(MAX_BACK_OFF_MS);
    }
    assert!(waits[10..].iter().any(|w| *w != waits[10]), "jitter");
    assert_eq!(peer.warnings.len(), 20);
    let told = peer.warnings[0].to_string();
    assert!(told.contains("tracker:7000") && told.contains("refused"));
    // Once it was well, the next wait is short again.
    peer.open(SESSION, &tracker_hello());
    peer.receive(SESSION, &registered(None));
    peer.close(SESSION);
    assert!(next_dial(&mut peer) <= MIN_BACK_OFF_MS + TICK_MS);
}

#[test]
fn a_connection_that_ends_before_the_greeting_is_a_dial_that_failed() {
    let mut peer = joined();
    peer.receive(SESSION, &Message::Left(()));
    assert!(!peer.link.is_registered());
    next_dial(&mut peer);
    peer.warnings.clear();
    peer.close(SESSION);
    assert_eq!(peer.warnings, [], "the late end of the session before");
    peer.close(2);
    assert!(matches!(peer.warnings[..], [Warning::Unreachable { .. }]));
    next_dial(&mut peer);
}

#[test]
fn who_does_not_answer_is_given_up() {
    let mut peer = dialled();
    peer.tick(DIAL_PATIENCE_MS + 1);
    assert!(matches!(peer.warnings[..], [Warning::Unreachable { .. }]));
    peer.open(SESSION, &tracker_hello());
    assert!(matches!(peer.said()[..], [Out::Closed(..)]), "too late");
    next_dial(&mut peer);
    peer.open(2, &tracker_hello());
    peer.said();
    peer.tick(ANSWER_PATIENCE_MS + 1);
    assert!(matches!(peer.said()[..], [Out::Closed(..)]));
    next_dial(&mut peer);
    assert_eq!(peer.dials.len(), 3);
}

#[test]
fn another_tracker_key_is_refused_with_both_keys() {
    let mut peer = joined();
    for restart in [false, true] {
        if restart {
            peer.restart(false);
            peer.tick(0);
        } else {
            peer.close(SESSION);
            next_dial(&mut peer);
        }
        peer.warnings.clear();
        let other = hello(77, NodeRole::Tracker, NOBODY);
        peer.open(9, &other);
        assert!(matches!(peer.said()[..], [Out::Closed(..)]), "not a word");
        let told = peer.warnings[0].to_string();
        assert!(told.contains(&key(77).to_address()) && told.contains(&key(TRACKER).to_address()));
    }
    next_dial(&mut peer);
    peer.open(10, &tracker_hello());
    assert!(matches!(sent(&mut peer)[..], [Message::Register(_)]));
}

#[test]
fn a_peer_in_the_trackers_place_is_told_and_left() {
    let mut peer = dialled();
    peer.open(SESSION, &hello(5, NodeRole::Peer, NOBODY));
    assert!(matches!(peer.warnings[..], [Warning::NotATracker { .. }]));
    assert!(matches!(peer.said()[..], [Out::Closed(..)]));
    next_dial(&mut peer);
}

#[test]
fn what_no_retry_can_mend_ends_the_link() {
    for code in [RefusalCode::NameTaken, RefusalCode::BadRecord] {
        let mut peer = greeted();
        peer.receive(SESSION, &refused(code));
        assert!(peer.rest.as_ref().unwrap().contains("because"));
        peer.tick(1_000_000);
        assert_eq!(peer.dials.len(), 1);
    }
    for code in [RefusalCode::Full, RefusalCode::NotRegistered] {
        let mut peer = greeted();
        peer.receive(SESSION, &refused(code));
        assert!(matches!(peer.warnings[0], Warning::Refused { .. }));
        next_dial(&mut peer);
    }
}

#[test]
fn leaving_is_signed_with_a_later_number_and_ends_the_link() {
    let mut peer = joined();
    let effects = peer.link.leave(peer.now);
    peer.carry_out(effects);
    match &sent(&mut peer)[..] {
        [Message::Leave(leaving)] => {
            assert_eq!(leaving.check(), Ok(()));
            assert!(leaving.sequence > START.0);
        }
        other => panic!("{other:?}"),
    }
    peer.receive(SESSION, &Message::Left(()));
    assert_eq!(peer.rest.as_deref(), Some("left"));
    peer.tick(1_000_000);
    assert_eq!(peer.dials.len(), 1);
}

#[test]
fn leaving_without_a_tracker_is_done_as_soon_as_there_is_one() {
    let mut peer = joined();
    peer.close(SESSION);
    let effects = peer.link.leave(peer.now);
    peer.carry_out(effects);
    peer.tick(0);
    assert_eq!(peer.dials.len(), 2, "at once");
    peer.open(2, &tracker_hello());
    peer.receive(2, &registered(Some(genesis_by(9))));
    let said = sent(&mut peer);
    assert!(matches!(
        said[..],
        [Message::Register(_), Message::Leave(_)]
    ));
}

#[test]
fn a_tracker_that_speaks_out_of_turn_is_left() {
    for message in [
        Message::Left(()),
        Message::GetMembers(()),
        Message::GetBlocks(vec![]),
    ] {
        let mut peer = joined();
        peer.receive(SESSION, &message);
        assert!(matches!(peer.said()[..], [Out::Closed(..)]), "{message:?}");
    }
    let mut peer = joined();
    peer.receive(7, &Message::Left(()));
    assert_eq!(peer.said(), [], "of another session: passed over");
}

#[test]
fn a_node_whose_wallet_another_one_uses_says_so_and_asks_again_much_later() {
    let mut peer = greeted();
    peer.said();
    peer.receive(SESSION, &refused(RefusalCode::KeyInUse));
    assert!(matches!(peer.said()[..], [Out::Closed(..)]));
    let told = Warning::WalletUsedTwice {
        reason: "because".to_owned(),
    };
    assert_eq!(peer.warnings, [told]);
    assert_eq!(peer.link.rival(), Some("because"));
    assert_eq!(peer.rest, None, "the other one may go");
    let pause = next_dial(&mut peer);
    assert!(
        (RIVAL_PAUSE_MS..RIVAL_PAUSE_MS + TICK_MS).contains(&pause),
        "{pause}"
    );
}

#[test]
fn a_registered_node_is_told_of_another_with_its_wallet_and_goes_on() {
    let mut peer = joined();
    peer.receive(SESSION, &refused(RefusalCode::KeyInUse));
    assert_eq!(peer.said(), [], "it stays");
    assert!(peer.link.is_registered());
    assert_eq!(peer.warnings.len(), 1);
    peer.tick(RIVAL_TOLD_MS - 1);
    assert_eq!(peer.link.rival(), Some("because"));
    peer.tick(1);
    assert_eq!(peer.link.rival(), None, "it was not heard of again");
}

#[test]
fn a_node_that_its_owner_disconnects_says_goodbye_and_dials_again_only_when_told() {
    let mut peer = joined();
    let effects = peer.link.disconnect();
    peer.carry_out(effects);
    assert!(matches!(
        peer.said()[..],
        [Out::Closed(SessionId(SESSION), _)]
    ));
    peer.close(SESSION);
    let dialled = peer.dials.len();
    for _ in 0..100 {
        peer.tick(MAX_BACK_OFF_MS);
    }
    assert_eq!(peer.dials.len(), dialled);
    assert!(peer.link.is_apart() && !peer.link.is_registered());
    assert_eq!(peer.warnings, [], "it is no trouble");
    peer.link.connect();
    peer.tick(0);
    assert_eq!(peer.dials.len(), dialled + 1);
    // A tracker that greets when nobody waits for it any more is told so.
    let effects = peer.link.disconnect();
    peer.carry_out(effects);
    peer.open(2, &tracker_hello());
    assert!(matches!(peer.said()[..], [Out::Closed(SessionId(2), _)]));
}
