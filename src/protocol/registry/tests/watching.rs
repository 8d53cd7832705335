//! Who answers, and who is told.

use super::*;
use crate::chain::Height;
use crate::membership::CertificateStatement;
use crate::protocol::doorstep::{MAX_STRANGERS_OF_ADDRESS, STRANGER_PATIENCE_MS};
use crate::protocol::liveness::{LONGEST_PAUSE_MS, ROUND_MS};
use crate::wire::message::ChallengeAnswer;

#[test]
fn who_is_live_is_pushed_to_all_once_a_tick() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    tracker.tick(TICK_MS);
    tracker.said();
    tracker.leave_off(2);
    assert_eq!(tracker.said(), [], "collected until the tick");
    tracker.join(2, "bob");
    tracker.leave_off(2);
    tracker.said();
    tracker.tick(TICK_MS);
    let told = news(tracker.said(), 1);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].changed.len(), 1);
    assert!(!told[0].changed[0].live);
    tracker.tick(TICK_MS);
    assert_eq!(tracker.said(), [], "and said once");
}

#[test]
fn a_record_that_changed_is_pushed_to_all() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    tracker.tick(TICK_MS);
    tracker.said();
    tracker.receive(2, &Message::Register(record(2, "robert", 2)));
    tracker.tick(TICK_MS);
    let told = news(tracker.said(), 1);
    let names = told.iter().flat_map(|n| &n.changed);
    let names: Vec<_> = names.map(|m| m.record.statement.name.as_str()).collect();
    assert_eq!(names, ["robert"]);
}

#[test]
fn while_the_disk_is_busy_news_is_collected_and_closes_nobody() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    tracker.tick(TICK_MS);
    tracker.said();
    tracker.receive(2, &Message::Register(record(2, "bob", 2)));
    for number in 0..10 * MAX_WAITING as u64 {
        let (session, online) = (1_000 + number, number % 2 == 0);
        tracker.open(session, 3, NOBODY);
        tracker.receive(session, &Message::Register(record(3, "carol", 1)));
        if !online {
            tracker.close(session);
        }
        tracker.tick(TICK_MS);
    }
    let to_alice = |out: &&Out| matches!(out, Out::Sent(SessionId(1), _));
    let said = tracker.said();
    assert!(said.iter().filter(to_alice).count() <= MAX_WAITING / 2);
    tracker.receive(1, &Message::GetMembers(()));
    assert!(!closed(&tracker.said()).contains(&1));
}

#[test]
fn for_one_that_does_not_read_news_is_collected_each_member_once() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    tracker.tick(TICK_MS);
    tracker.said();
    // Alice reads no more: she is sent one piece of news, and a challenge behind it.
    let mut challenge = None;
    let mut pieces = Vec::new();
    for _ in 0..50 {
        tracker.leave_off(2);
        tracker.tick(TICK_MS);
        tracker.join_quietly(2, "bob");
        tracker.tick(TICK_MS);
        tracker.sync();
        let said: Vec<_> = tracker.out.drain(..).collect();
        for out in &said {
            if let Out::Sent(SessionId(1), Message::Challenge(number)) = out {
                assert_eq!(challenge.replace(*number), None, "asked once");
            }
        }
        let said = tracker.answer(said, |session| session != 1);
        pieces.extend(news(said, 1));
    }
    assert_eq!((pieces.len(), pieces[0].changed.len()), (1, 1));
    let (number, height) = (challenge.unwrap(), Height(7));
    let answer = ChallengeAnswer { number, height };
    tracker.receive(1, &Message::ChallengeAnswer(answer));
    assert_eq!(tracker.registry.height(), Some(height));
    tracker.tick(TICK_MS);
    let told = news(tracker.said(), 1);
    assert_eq!((told.len(), told[0].changed.len()), (1, 1));
    assert!(told[0].changed[0].live, "as it is now");
}

#[test]
fn what_many_are_told_is_one_message() {
    let mut tracker = founded();
    for (number, name) in [(2, "bob"), (3, "carol"), (4, "dave")] {
        tracker.join(number, name);
    }
    for _ in 0..3 {
        tracker.tick(TICK_MS);
        tracker.said();
    }
    tracker.leave_off(4);
    tracker.now = tracker.now.plus_ms(TICK_MS);
    let effects = tracker.registry.tick(tracker.now);
    let to_all = |effect: &Effect| match effect {
        Effect::SendAll { sessions, message } => (sessions.clone(), message.name()),
        other => panic!("not to all: {other:?}"),
    };
    let three: Vec<_> = (1..=3).map(SessionId).collect();
    let said: Vec<_> = effects.iter().map(to_all).collect();
    assert_eq!(
        said,
        [(three.clone(), "MembersChanged"), (three, "Challenge")]
    );
}

#[test]
fn attack_l2_who_left_is_told_in_its_own_words_also_to_those_who_come_later_and_after_a_restart() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    tracker.tick(TICK_MS);
    tracker.said();
    let leaving = Leaving::sign(key(TRACKER), 2, &member(2));
    tracker.receive(2, &Message::Leave(leaving.clone()));
    tracker.said();
    tracker.join(3, "carol");
    tracker.tick(TICK_MS);
    let said = tracker.said();
    for session in [1, 3] {
        assert_eq!(
            news(said.clone(), session)[0].left,
            std::slice::from_ref(&leaving)
        );
    }
    tracker.tick(TICK_MS);
    assert_eq!(tracker.said(), []);
    // A node that was off meanwhile, and a tracker that was started anew.
    tracker.restart();
    tracker.join(1, "alice");
    tracker.tick(TICK_MS);
    assert_eq!(news(tracker.said(), 1)[0].left, [leaving]);
    // Once he is back, nobody is told any more that he had left.
    tracker.open(2, 2, NOBODY);
    tracker.receive(2, &Message::Register(record(2, "bob", 3)));
    tracker.said();
    tracker.restart();
    tracker.join(3, "carol");
    tracker.tick(TICK_MS);
    assert_eq!(news(tracker.said(), 3)[0].left, []);
    let entries = tracker.registry.news.len();
    assert_eq!(entries, 3, "alice, bob and carol");
}

#[test]
fn a_member_without_a_session_is_dialled_back_and_may_return_without_a_word() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    tracker.tick(TICK_MS);
    tracker.said();
    tracker.end_visits(|_| true);
    tracker.close(2);
    let bob = |tracker: &Tracker| {
        let mut members = tracker.registry.members();
        members.find(|m| m.id == MemberId(2)).unwrap()
    };
    assert!(bob(&tracker).live, "for two rounds it may come back");
    let pass = |tracker: &mut Tracker, open: bool| {
        for _ in 0..LONGEST_PAUSE_MS / 1_000 + 1 {
            tracker.tick(1_000);
            tracker.said();
            tracker.end_visits(|id| open || id == MemberId(1));
        }
    };
    pass(&mut tracker, false);
    assert!(!bob(&tracker).live && !bob(&tracker).reachable);
    tracker.tick(TICK_MS);
    tracker.said();
    pass(&mut tracker, true);
    assert!(bob(&tracker).live && bob(&tracker).reachable);
    // After a restart nobody has been heard of, until each was.
    tracker.restart();
    assert!(tracker.registry.members().all(|m| !m.live));
    pass(&mut tracker, true);
    assert!(tracker.registry.members().all(|m| m.live && m.reachable));
}

#[test]
fn a_session_that_does_not_answer_is_closed() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    let mut ended = Vec::new();
    for _ in 0..3 * ROUND_MS / 1_000 {
        tracker.tick(1_000);
        tracker.sync();
        let said = tracker.out.drain(..).collect();
        let said = tracker.answer(said, |session| session != 2);
        ended.extend(closed(&said));
        tracker.end_visits(|id| id == MemberId(1));
    }
    assert_eq!(ended, [2]);
    let live: Vec<_> = tracker.registry.members().map(|m| m.live).collect();
    assert_eq!(live, [true, false]);
}

#[test]
fn a_tracker_that_introduces_registers_for_the_first_and_founds_nothing() {
    let introducing = |rows| further(TRACKER, rows);
    let mut tracker = Tracker::new();
    tracker.registry = introducing(Vec::new()).unwrap();
    tracker.open_showing(1, 1, NOBODY, Some(certificate(1, "alice")));
    tracker.receive(1, &Message::Register(record(1, "alice", 1)));
    let own = tracker.registry.members().next().unwrap().id.0;
    let id_alone = registered(own, None, None);
    assert_eq!(tracker.said(), [to(1, id_alone)]);
    tracker.tick(2 * LEASE_MS);
    let said = tracker.said();
    let is_lease = |out: &Out| matches!(out, Out::Sent(_, Message::Registered(_)));
    assert!(!said.iter().any(is_lease), "it asks nobody for genesis");
    // Said to somebody else than the first tracker.
    tracker.open(2, 2, NOBODY);
    let mut abroad = statement(2, "bob", 1);
    abroad.tracker = key(201);
    tracker.receive(2, &Message::Register(abroad.sign(&member(2))));
    assert_eq!(refusal(tracker.said()), RefusalCode::BadRecord);
    // Made just now, or by another tracker: no.
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    assert_eq!(refusal(tracker.said()), RefusalCode::BadGenesis);
    // That of a member's chain: yes.
    let network = genesis_by(1).id();
    tracker.open_showing(3, 3, network, Some(certificate(3, "carol")));
    tracker.receive(3, &Message::Register(record(3, "carol", 1)));
    tracker.receive(3, &Message::OfferGenesis(genesis_by(1)));
    tracker.said();
    assert_eq!(tracker.registry.genesis(), Some(&genesis_by(1)));
    assert_eq!(tracker.issued, [], "only the first one certifies");
    let rows: Vec<_> = tracker.disk.into_iter().collect();
    assert!(introducing(rows.clone()).is_ok());
    let other = further(201, rows);
    assert!(matches!(other, Err(RegistryError::OtherKey { .. })));
}

/// A further tracker of the network that this one founded.
fn further(founder: u8, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Registry, RegistryError> {
    let further = Further {
        founder: key(founder),
        first: Vec::new(),
    };
    Registry::open_further(secret(8), further, params(), 1, rows)
}

/// What the network's first tracker would issue.
fn certificate(number: u8, name: &str) -> Certificate {
    let (network, name) = (genesis_by(1).id(), name.parse().unwrap());
    CertificateStatement::at(START, network, key(number), name, key(TRACKER)).sign(&member(TRACKER))
}

#[test]
fn attack_nobody_is_introduced_under_a_name_that_the_first_tracker_did_not_give_it() {
    let mut tracker = Tracker::new();
    tracker.registry = further(TRACKER, Vec::new()).unwrap();
    let mut forged = certificate(2, "alice");
    forged = forged.statement.sign(&member(2));
    let ended = |mut said: Certificate| {
        said.statement.until = START;
        said.statement.sign(&member(TRACKER))
    };
    let wrong = [
        None,
        Some(certificate(1, "alice")),
        Some(certificate(2, "bob")),
        Some(forged),
        Some(ended(certificate(2, "alice"))),
    ];
    for (session, shown) in (10..).zip(wrong) {
        tracker.open_showing(session, 2, NOBODY, shown);
        tracker.receive(session, &Message::Register(record(2, "alice", 1)));
        assert_eq!(refusal(tracker.said()), RefusalCode::BadRecord);
    }
    assert_eq!(tracker.registry.registered_len(), 0);
    tracker.open_showing(20, 1, NOBODY, Some(certificate(1, "alice")));
    tracker.receive(20, &Message::Register(record(1, "alice", 1)));
    assert_eq!(tracker.registry.registered_len(), 1);
}

#[test]
fn strangers_make_way_and_those_who_registered_do_not() {
    let mut tracker = founded();
    let from = "10.0.0.1:1";
    let dial = |tracker: &mut Tracker, session: u64| {
        let (admitted, effects) = tracker.registry.admit(from, tracker.now);
        tracker.carry_out(effects);
        if admitted {
            tracker
                .registry
                .entered(SessionId(session), from, tracker.now);
            tracker.open(session, 9, NOBODY);
        }
        admitted
    };
    assert!(dial(&mut tracker, 2));
    tracker.join(2, "bob");
    let strangers = (1_000..2_000).take_while(|session| dial(&mut tracker, *session));
    assert_eq!(strangers.count(), MAX_STRANGERS_OF_ADDRESS);
    tracker.now = tracker.now.plus_ms(STRANGER_PATIENCE_MS);
    assert!(dial(&mut tracker, 3_000));
    assert_eq!(closed(&tracker.said()), [1_000]);
    // Its end is noticed later, and counts once.
    tracker.close(1_000);
    assert!(dial(&mut tracker, 3_001));
    assert_eq!(closed(&tracker.said()), [1_001]);
}
