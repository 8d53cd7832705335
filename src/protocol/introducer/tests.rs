use super::*;
use crate::chain::Timestamp;
use crate::chain::testing::START;
use crate::clock::STARTED;
use crate::membership::{Act, Statement};
use crate::protocol::testing::{
    TRACKER, address, genesis_by, hello, key, other_genesis, record, secret, statement,
};
use crate::wire::message::{Goodbye, MembersChanged, RefusalCode, Refused, Registered};

const SESSION: SessionId = SessionId(1);

fn new() -> Introducer {
    Introducer::new(address("second:7000"), 1)
}

/// One that has registered, with what it said.
fn registered() -> Introducer {
    let mut introducer = new();
    let _ = introducer.network_known(genesis_by(9));
    let _ = introducer.record_known(record(1, "alice", 1));
    assert_eq!(dials(&introducer.tick(STARTED)), 1);
    let hello = hello(201, NodeRole::Tracker, NetworkId::ZERO);
    let said = introducer.opened(SESSION, &hello, STARTED);
    assert_eq!(sent(&said), [Message::Register(record(1, "alice", 1))]);
    let _ = introducer.received(SESSION, yes(Some(genesis_by(9))), STARTED);
    introducer
}

fn yes(genesis: Option<Genesis>) -> Message {
    Message::Registered(Registered {
        id: MemberId(77),
        genesis,
        lease: None,
    })
}

fn dials(effects: &[Effect]) -> usize {
    let is_dial = |effect: &&Effect| matches!(effect, Effect::Dial { .. });
    effects.iter().filter(is_dial).count()
}

fn sent(effects: &[Effect]) -> Vec<Message> {
    let message = |effect: &Effect| match effect {
        Effect::Send { message, .. } => Some(message.clone()),
        _ => None,
    };
    effects.iter().filter_map(message).collect()
}

fn closes(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Close { .. }))
}

fn told(id: u32, record: MemberRecord, live: bool) -> Member {
    Member {
        id: MemberId(id),
        record,
        live,
        reachable: live,
        since: START,
    }
}

fn tell(introducer: &mut Introducer, changed: Vec<Member>, left: Vec<u8>) -> Vec<String> {
    let word = |number| Leaving::sign(key(TRACKER), 9, &crate::chain::testing::member(number));
    let left = left.into_iter().map(word).collect();
    let news = Message::MembersChanged(MembersChanged { changed, left });
    let effects = introducer.received(SESSION, news, STARTED);
    assert_eq!(effects, [Effect::Changed]);
    let names = introducer.introduced();
    names
        .map(|member| member.record.statement.name.to_string())
        .collect()
}

#[test]
fn it_begins_when_there_is_something_to_register() {
    let mut introducer = new();
    assert_eq!(introducer.tick(STARTED), []);
    let _ = introducer.record_known(record(1, "alice", 1));
    assert_eq!(dials(&introducer.tick(STARTED)), 1);
    assert_eq!(introducer.tick(STARTED), []);
}

#[test]
fn it_names_those_that_answer_and_are_of_our_network() {
    let mut introducer = registered();
    let bob = told(5, record(2, "bob", 1), true);
    let away = told(6, record(3, "carol", 1), false);
    let mut forged = told(7, record(4, "dave", 1), true);
    forged.record.statement.addresses.clear();
    let mut abroad = statement(5, "erin", 1);
    abroad.tracker = key(201);
    let abroad = told(8, abroad.sign(&crate::chain::testing::member(5)), true);
    let all = vec![bob.clone(), away, forged, abroad];
    assert_eq!(tell(&mut introducer, all, vec![]), ["bob"]);
    let carol = told(6, record(3, "carol", 1), true);
    assert_eq!(tell(&mut introducer, vec![carol], vec![]), ["bob", "carol"]);
    assert_eq!(tell(&mut introducer, vec![], vec![2]), ["carol"]);
    // After a new start of the conversation, its list is a new one.
    let _ = introducer.closed(SESSION, "cut", STARTED);
    let names = introducer.introduced().count();
    assert_eq!(names, 1, "while it is away, what it said holds");
    let later = STARTED.plus_ms(MAX_BACK_OFF_MS);
    assert_eq!(dials(&introducer.tick(later)), 1);
    let hello = hello(201, NodeRole::Tracker, NetworkId::ZERO);
    let _ = introducer.opened(SESSION, &hello, later);
    let _ = introducer.received(SESSION, yes(Some(genesis_by(9))), later);
    assert_eq!(tell(&mut introducer, vec![bob], vec![]), ["bob"]);
}

#[test]
fn attack_another_genesis_or_number_is_not_taken_from_it() {
    let mut introducer = registered();
    let known = Message::GenesisKnown(other_genesis());
    assert!(closes(&introducer.received(SESSION, known, STARTED)));
    let mut introducer = new();
    let _ = introducer.network_known(genesis_by(9));
    let _ = introducer.record_known(record(1, "alice", 1));
    let _ = introducer.tick(STARTED);
    let abroad = hello(201, NodeRole::Tracker, other_genesis().id());
    assert!(closes(&introducer.opened(SESSION, &abroad, STARTED)));
    let mut introducer = new();
    let _ = introducer.record_known(record(1, "alice", 1));
    let _ = introducer.tick(STARTED);
    let peer = hello(201, NodeRole::Peer, NetworkId::ZERO);
    assert!(closes(&introducer.opened(SESSION, &peer, STARTED)));
}

#[test]
fn one_without_genesis_is_given_ours() {
    let mut introducer = new();
    let _ = introducer.record_known(record(1, "alice", 1));
    let _ = introducer.tick(STARTED);
    let hello = hello(TRACKER, NodeRole::Tracker, NetworkId::ZERO);
    let _ = introducer.opened(SESSION, &hello, STARTED);
    let said = introducer.received(SESSION, yes(None), STARTED);
    assert_eq!(sent(&said), [], "we have none yet");
    let said = introducer.network_known(genesis_by(9));
    assert_eq!(sent(&said), [Message::OfferGenesis(genesis_by(9))]);
    let said = introducer.received(SESSION, yes(None), STARTED);
    assert_eq!(sent(&said), [Message::OfferGenesis(genesis_by(9))]);
}

#[test]
fn a_new_record_is_registered_and_challenges_are_answered() {
    let mut introducer = registered();
    let said = introducer.record_known(record(1, "alice", 2));
    assert_eq!(sent(&said), [Message::Register(record(1, "alice", 2))]);
    assert_eq!(introducer.record_known(record(1, "alice", 2)), []);
    let asked = introducer.received(SESSION, Message::Challenge(5), STARTED);
    let answer = Effect::Answer {
        session: SESSION,
        number: 5,
    };
    assert_eq!(asked, [answer]);
}

#[test]
fn trouble_is_told_once_and_tried_again_for_ever() {
    let mut introducer = new();
    let _ = introducer.record_known(record(1, "alice", 1));
    let mut now = STARTED;
    let mut told = 0;
    for _ in 0..20 {
        while dials(&introducer.tick(now)) == 0 {
            now = now.plus_ms(200);
        }
        told += introducer.dial_failed("refused", now).len();
    }
    assert_eq!(told, 1);
    let mut introducer = registered();
    let refused = Refused {
        code: RefusalCode::NameTaken,
        reason: Goodbye::new("taken").reason,
    };
    let effects = introducer.received(SESSION, Message::Refused(refused), STARTED);
    assert!(closes(&effects), "a name is the first tracker's to refuse");
    let later = STARTED.plus_ms(MAX_BACK_OFF_MS);
    assert_eq!(dials(&introducer.tick(later)), 1);
    let silent = later.plus_ms(DIAL_PATIENCE_MS + 1);
    let _ = introducer.tick(silent);
    assert_eq!(dials(&introducer.tick(silent.plus_ms(MAX_BACK_OFF_MS))), 1);
}

#[test]
fn c12_a_dial_and_an_answer_are_waited_for_to_the_millisecond() {
    let mut introducer = new();
    let _ = introducer.network_known(genesis_by(9));
    let _ = introducer.record_known(record(1, "alice", 1));
    assert_eq!(dials(&introducer.tick(STARTED)), 1);
    let patient = STARTED.plus_ms(DIAL_PATIENCE_MS - 1);
    assert_eq!(introducer.tick(patient), []);
    assert_ne!(introducer.tick(STARTED.plus_ms(DIAL_PATIENCE_MS)), []);
    let again = STARTED.plus_ms(DIAL_PATIENCE_MS + MAX_BACK_OFF_MS);
    assert_eq!(dials(&introducer.tick(again)), 1);
    let hello = hello(201, NodeRole::Tracker, NetworkId::ZERO);
    let said = introducer.opened(SESSION, &hello, again);
    assert_eq!(sent(&said).len(), 1);
    let patient = again.plus_ms(ANSWER_PATIENCE_MS - 1);
    assert!(!closes(&introducer.tick(patient)));
    assert!(closes(&introducer.tick(again.plus_ms(ANSWER_PATIENCE_MS))));
}

#[test]
fn who_leaves_says_so_and_rests() {
    let mut introducer = registered();
    let leaving = Leaving::sign(key(TRACKER), 2, &crate::chain::testing::member(1));
    let said = introducer.leave(leaving.clone());
    assert_eq!(sent(&said), [Message::Leave(leaving)]);
    assert_eq!(introducer.closed(SESSION, "left", STARTED), []);
    assert_eq!(introducer.tick(STARTED.plus_ms(MAX_BACK_OFF_MS)), []);
}

#[test]
fn another_node_with_our_wallet_throws_nobody_out_and_is_told() {
    let refused = || {
        let reason = Goodbye::new("another node is running").reason;
        let code = RefusalCode::KeyInUse;
        Message::Refused(Refused { code, reason })
    };
    let trouble = |effects: &[Effect]| {
        let is_trouble = |effect: &Effect| matches!(effect, Effect::Trouble { .. });
        effects.iter().any(is_trouble)
    };
    let mut introducer = registered();
    let told = introducer.received(SESSION, refused(), STARTED);
    assert!(trouble(&told) && !closes(&told), "{told:?}");

    let mut introducer = new();
    let _ = introducer.record_known(record(1, "alice", 1));
    let _ = introducer.tick(STARTED);
    let hello = hello(201, NodeRole::Tracker, NetworkId::ZERO);
    let _ = introducer.opened(SESSION, &hello, STARTED);
    let told = introducer.received(SESSION, refused(), STARTED);
    assert!(trouble(&told) && closes(&told), "{told:?}");
    let before = STARTED.plus_ms(RIVAL_PAUSE_MS - 1);
    assert_eq!(dials(&introducer.tick(before)), 0);
    assert_eq!(dials(&introducer.tick(STARTED.plus_ms(RIVAL_PAUSE_MS))), 1);
}

#[test]
fn while_its_owner_has_disconnected_the_node_it_dials_nobody() {
    let mut introducer = registered();
    assert!(closes(&introducer.disconnect()));
    let _ = introducer.closed(SESSION, "said goodbye", STARTED);
    for minutes in 1..100 {
        assert_eq!(introducer.tick(STARTED.plus_ms(minutes * 60_000)), []);
    }
    introducer.connect();
    assert_eq!(dials(&introducer.tick(STARTED.plus_ms(100 * 60_000))), 1);
}

#[test]
fn what_the_admin_has_said_is_told_in_both_directions_and_each_statement_once() {
    let mut introducer = registered();
    let said = |number: u64| {
        let statement = Statement {
            network: genesis_by(9).id(),
            number: Timestamp(number),
            act: Act::Readmit { key: key(5) },
        };
        statement.sign(&secret(TRACKER))
    };
    let known = |numbers: &[u64]| {
        let mut known = Statements::new(&genesis_by(9));
        for number in numbers {
            known.take(said(*number), START).unwrap();
        }
        Arc::new(known)
    };
    let told = introducer.statements_known(known(&[1]));
    assert_eq!(sent(&told), [Message::Statements(vec![said(1)])]);
    assert_eq!(introducer.statements_known(known(&[1])), []);
    let told = introducer.statements_known(known(&[1, 2]));
    assert_eq!(sent(&told), [Message::Statements(vec![said(2)])]);
    let heard = introducer.received(SESSION, Message::Statements(vec![said(3)]), STARTED);
    assert_eq!(heard, [Effect::Hear(vec![said(3)])]);
}

#[test]
fn the_tracker_that_speaks_for_the_network_is_handed_to_the_link_and_the_other_one_is_talked_to() {
    let mut introducer = registered();
    let knows = |key| {
        let mut known = Statements::new(&genesis_by(9));
        let statement = Statement {
            network: genesis_by(9).id(),
            number: Timestamp(5),
            act: Act::Succeed { key },
        };
        known.take(statement.sign(&secret(TRACKER)), START).unwrap();
        Arc::new(known)
    };
    let met = |effects: &[Effect]| {
        let met = Effect::MetAdmin {
            address: address("second:7000"),
            key: key(201),
        };
        effects.contains(&met)
    };
    let mut other = registered();
    assert!(!met(&other.statements_known(knows(key(77)))));
    assert!(met(&introducer.statements_known(knows(key(201)))));
    // As well if it was known before it was met.
    let _ = introducer.closed(SESSION, "gone", STARTED);
    let again = STARTED.plus_ms(MAX_BACK_OFF_MS);
    assert_eq!(dials(&introducer.tick(again)), 1);
    let hello = hello(201, NodeRole::Tracker, NetworkId::ZERO);
    assert!(met(&introducer.opened(SESSION, &hello, again)));
    let effects = introducer.take_over(address("first:7000"));
    assert!(
        closes(&effects) && effects.contains(&Effect::Changed),
        "{effects:?}"
    );
    let again = again.plus_ms(MAX_BACK_OFF_MS);
    let address = address("first:7000");
    assert_eq!(introducer.tick(again), [Effect::Dial { address }]);
}

#[test]
fn attack_members_without_end_displace_none_that_a_further_tracker_has_named() {
    let mut introducer = registered();
    let bob = told(1, record(2, "bob", 1), true);
    // One record under ever new numbers: nothing but its place is looked at here.
    let crowd = record(3, "carol", 1);
    let mut named = 0;
    for first in (2..=MAX_INTRODUCED as u32 + 600).step_by(500) {
        let mut some: Vec<_> = (first..first + 499)
            .map(|id| told(id, crowd.clone(), true))
            .collect();
        if first == 2 {
            some.insert(0, bob.clone());
        }
        named = tell(&mut introducer, some, vec![]).len();
    }
    assert_eq!(named, MAX_INTRODUCED);
    // Who is known is told of anew, and makes room when it goes.
    let away = told(1, record(2, "bob", 2), true);
    let names = tell(&mut introducer, vec![away.clone()], vec![]);
    assert_eq!((names.len(), names[0].as_str()), (MAX_INTRODUCED, "bob"));
    let current = introducer.introduced().find(|m| m.id == MemberId(1));
    assert_eq!(current.unwrap().record, away.record);
    let names = tell(&mut introducer, vec![], vec![2]);
    assert_eq!(names.len(), MAX_INTRODUCED - 1);
}
