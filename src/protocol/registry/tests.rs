use super::members::{Ending, Entry, FORMER_NAME_ROW, MEMBER_ROW};
use super::*;
use crate::canonical;
use crate::chain::testing::{START, genesis, member, params};
use crate::clock::BEGUN;
use crate::protocol::testing::{
    Out, TRACKER, Tracker, genesis_by, hello, key, other_genesis, record, secret, statement,
};
use crate::wire::member::Leaving;
use crate::wire::message::{Lease, MAX_MEMBERS, MembersChanged, MessageError, Registered};
use std::collections::BTreeSet;

mod admission;
mod contesting;
mod copying;
mod founding;
mod lapsing;
mod statements;
mod watching;
mod working;

const NOBODY: NetworkId = NetworkId::ZERO;

fn registered(id: u32, genesis: Option<Genesis>, lease_ms: Option<u64>) -> Message {
    let lease = lease_ms.map(|remaining_ms| Lease {
        params: params(),
        remaining_ms,
    });
    let id = MemberId(id);
    Message::Registered(Registered { id, genesis, lease })
}

fn to(session: u64, message: Message) -> Out {
    Out::Sent(SessionId(session), message)
}

/// The one refusal that was said.
fn refusal(said: Vec<Out>) -> RefusalCode {
    match &said[..] {
        [Out::Sent(_, Message::Refused(refused))] => refused.code,
        other => panic!("no single refusal: {other:?}"),
    }
}

/// What this session was told of the members.
fn news(said: Vec<Out>, session: u64) -> Vec<MembersChanged> {
    let news = |out| match out {
        Out::Sent(to, Message::MembersChanged(news)) if to == SessionId(session) => Some(news),
        _ => None,
    };
    said.into_iter().filter_map(news).collect()
}

fn closed(said: &[Out]) -> Vec<u64> {
    let session = |out: &Out| match out {
        Out::Closed(SessionId(session), _) => Some(*session),
        Out::Sent(..) => None,
    };
    said.iter().filter_map(session).collect()
}

/// A tracker whose network is founded, by member 1.
fn founded() -> Tracker {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    assert_eq!(tracker.said().len(), 1);
    tracker
}

/// Re-joining duplicates the peer: lesson 13.
#[test]
fn attack_registering_again_changes_nothing() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    let before: Vec<_> = tracker.registry.members().collect();
    let rows = tracker.disk.clone();
    let again = to(2, registered(2, Some(genesis_by(1)), None));
    tracker.receive(2, &Message::Register(record(2, "bob", 1)));
    assert!(tracker.unsynced.is_empty(), "nothing is written");
    assert_eq!(tracker.said(), [again]);
    tracker.close(2);
    tracker.join(2, "bob");
    tracker.restart();
    for (number, name) in [(2, "bob"), (1, "alice")] {
        tracker.join(number, name);
    }
    assert_eq!(tracker.registry.members().collect::<Vec<_>>(), before);
    assert_eq!(tracker.disk, rows);
}

#[test]
fn a_name_belongs_to_its_first_key_for_ever_also_when_that_goes_by_another() {
    let mut tracker = founded();
    assert_eq!(refusal(tracker.join(2, "alice")), RefusalCode::NameTaken);
    tracker.restart();
    assert_eq!(refusal(tracker.join(2, "alice")), RefusalCode::NameTaken);
    tracker.open(1, 1, NOBODY);
    tracker.receive(1, &Message::Register(record(1, "alicia", 2)));
    assert_eq!(tracker.said().len(), 1);
    assert_eq!(refusal(tracker.join(2, "alice")), RefusalCode::NameTaken);
    tracker.restart();
    assert_eq!(refusal(tracker.join(2, "alice")), RefusalCode::NameTaken);
    tracker.open(1, 1, NOBODY);
    tracker.receive(1, &Message::Register(record(1, "alice", 3)));
    let first = registered(1, Some(genesis_by(1)), None);
    assert_eq!(tracker.said(), [to(1, first)]);
    assert_eq!(refusal(tracker.join(2, "alicia")), RefusalCode::NameTaken);
}

#[test]
fn only_a_later_record_replaces_one() {
    let mut tracker = founded();
    tracker.open(2, 2, NOBODY);
    tracker.receive(2, &Message::Register(record(2, "bob", 5)));
    tracker.said();
    for (name, sequence) in [("bob", 4), ("robert", 4), ("robert", 5)] {
        tracker.receive(2, &Message::Register(record(2, name, sequence)));
        assert_eq!(refusal(tracker.said()), RefusalCode::OldRecord);
    }
    tracker.receive(2, &Message::Register(record(2, "robert", 6)));
    tracker.said();
    let names = |t: &Tracker| -> Vec<_> {
        let members = t.registry.members();
        members
            .map(|m| m.record.statement.name.to_string())
            .collect()
    };
    assert_eq!(names(&tracker), ["alice", "robert"]);
    tracker.restart();
    assert_eq!(names(&tracker), ["alice", "robert"]);
}

#[test]
fn a_record_must_be_signed_for_this_tracker_by_the_key_that_says_hello() {
    let mut tracker = Tracker::new();
    tracker.open(1, 1, NOBODY);
    let mut forged = record(1, "alice", 1);
    forged.statement.addresses.clear();
    let mut abroad = statement(1, "alice", 1);
    abroad.tracker = key(9);
    for bad in [forged, abroad.sign(&member(1)), record(2, "bob", 1)] {
        tracker.receive(1, &Message::Register(bad));
        assert_eq!(refusal(tracker.said()), RefusalCode::BadRecord);
    }
    assert_eq!(tracker.registry.registered_len(), 0);
}

#[test]
fn who_left_keeps_the_name_and_gets_another_number() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    tracker.tick(TICK_MS);
    tracker.said();
    for (leaving, code) in [
        (Leaving::sign(key(9), 2, &member(2)), RefusalCode::BadRecord),
        (
            Leaving::sign(key(TRACKER), 1, &member(2)),
            RefusalCode::OldRecord,
        ),
        (
            Leaving::sign(key(TRACKER), 2, &member(3)),
            RefusalCode::NotRegistered,
        ),
        (
            Leaving {
                sequence: 3,
                ..Leaving::sign(key(TRACKER), 2, &member(2))
            },
            RefusalCode::BadRecord,
        ),
    ] {
        tracker.receive(2, &Message::Leave(leaving));
        assert_eq!(refusal(tracker.said()), code);
    }
    let leaving = Leaving::sign(key(TRACKER), 2, &member(2));
    tracker.receive(2, &Message::Leave(leaving));
    assert!(tracker.out.is_empty(), "the disk first");
    let said = tracker.said();
    assert_eq!(said[0], to(2, Message::Left(())));
    assert_eq!(closed(&said), [2]);
    tracker.tick(TICK_MS);
    let told = news(tracker.said(), 1);
    assert_eq!(told[0].left, [Leaving::sign(key(TRACKER), 2, &member(2))]);
    tracker.restart();
    assert_eq!(refusal(tracker.join(3, "bob")), RefusalCode::NameTaken);
    let third = registered(3, Some(genesis_by(1)), None);
    tracker.open(2, 2, NOBODY);
    tracker.receive(2, &Message::Register(record(2, "bob", 3)));
    assert_eq!(tracker.said(), [to(2, third)]);
    let former = |t: &Tracker| t.disk.keys().any(|key| key[0] == FORMER_NAME_ROW);
    assert!(!former(&tracker), "it goes by it again");
}

#[test]
fn the_newer_session_of_a_key_replaces_the_older() {
    let mut tracker = founded();
    tracker.open(11, 1, NOBODY);
    assert_eq!(tracker.registry.sessions.members().count(), 1);
    tracker.receive(11, &Message::Register(record(1, "alice", 1)));
    let said = tracker.said();
    assert_eq!(closed(&said), [1]);
    tracker.receive(1, &Message::GetMembers(()));
    tracker.tick(TICK_MS);
    let said = tracker.said();
    let on_the_old = |out: &Out| matches!(out, Out::Sent(SessionId(1), _));
    assert!(
        !said.iter().any(on_the_old),
        "nothing is heard or said there"
    );
    // The end of the old one, noticed late, does not take the member off the list of the live.
    tracker.leave_off(1);
    assert!(tracker.registry.members().all(|m| m.live));
    tracker.leave_off(11);
    assert!(tracker.registry.members().all(|m| !m.live));
}

/// Rows of members with made-up keys and signatures, which nobody checks again.
fn crowd(count: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let row = |id: u32| {
        let mut record = record(1, "x", 1);
        record.statement.key.0[..4].copy_from_slice(&id.to_be_bytes());
        record.statement.name = format!("m{id}").parse().unwrap();
        let since = START;
        let mut row_key = vec![MEMBER_ROW];
        row_key.extend(id.to_be_bytes());
        (
            row_key,
            canonical::encode(&Entry {
                record,
                since,
                invitation: None,
                heard: since,
            }),
        )
    };
    (1..=count).map(row).collect()
}

#[test]
fn the_list_comes_in_parts_and_a_short_one_ends_it() {
    let most = u32::try_from(MAX_MEMBERS).unwrap();
    for (count, parts) in [(2 * most - 1, vec![500, 500, 0]), (most, vec![500, 1])] {
        let mut tracker = Tracker::new();
        let rows = crowd(count);
        tracker.registry = Registry::open(secret(TRACKER), params(), 1, rows).unwrap();
        tracker.join(250, "newcomer");
        let mut told = Vec::new();
        for _ in 0..5 {
            tracker.tick(TICK_MS);
            told.extend(news(tracker.said(), 250));
        }
        let lengths: Vec<_> = told.iter().map(|n| n.changed.len()).collect();
        assert_eq!(lengths, parts);
        let ids = told.iter().flat_map(|n| &n.changed).map(|m| m.id.0);
        assert!(ids.eq(1..=count + 1));
    }
}

#[test]
fn the_fullest_part_of_the_list_fits_a_frame() {
    let mut longest = statement(1, &"n".repeat(32), u64::MAX);
    longest.addresses = crate::wire::member::longest_addresses();
    let fullest = Member {
        id: MemberId(u32::MAX),
        record: longest.sign(&member(1)),
        live: true,
        reachable: true,
        since: Timestamp(u64::MAX),
    };
    let changed = vec![fullest; MAX_MEMBERS];
    let left = vec![Leaving::sign(key(TRACKER), u64::MAX, &member(2)); MAX_MEMBERS];
    let message = Message::MembersChanged(MembersChanged { changed, left });
    assert!(message.to_frame().is_ok());
}

#[test]
fn who_asks_for_members_gets_all_or_ten_the_live_ones_first() {
    let mut tracker = Tracker::new();
    tracker.registry = Registry::open(secret(TRACKER), params(), 1, crowd(8)).unwrap();
    tracker.join(251, "one");
    let ask = |tracker: &mut Tracker| -> BTreeSet<u32> {
        tracker.receive(251, &Message::GetMembers(()));
        match tracker.said().pop() {
            Some(Out::Sent(_, Message::Members(members))) => {
                members.iter().map(|m| m.id.0).collect()
            }
            other => panic!("no members: {other:?}"),
        }
    };
    assert_eq!(ask(&mut tracker), (1..=9).collect());
    for (number, name) in [(252, "two"), (253, "three"), (254, "four")] {
        tracker.join(number, name);
    }
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        let members = ask(&mut tracker);
        assert_eq!(members.len(), MAX_MEMBERS_LISTED);
        assert!((9..=12).all(|live| members.contains(&live)));
        seen.extend(members);
    }
    assert_eq!(seen, (1..=12).collect());
}

#[test]
fn strangers_are_shown_the_door() {
    let mut tracker = founded();
    tracker.open(5, 5, other_genesis().id());
    let hello = hello(6, NodeRole::Tracker, NOBODY);
    let effects = tracker
        .registry
        .session_opened(SessionId(6), hello, None, tracker.now);
    tracker.carry_out(effects);
    assert_eq!(closed(&tracker.said()), [5, 6]);
    tracker.open(7, 7, NOBODY);
    tracker.receive(7, &Message::Left(()));
    assert_eq!(closed(&tracker.said()), [7]);
    tracker.open(8, 8, NOBODY);
    tracker.tick(REGISTER_WITHIN_MS);
    assert!(closed(&tracker.said()).is_empty());
    tracker.tick(1);
    assert_eq!(closed(&tracker.said()), [8]);
}

#[test]
fn who_asks_on_and_on_while_the_disk_is_busy_is_closed() {
    let mut tracker = founded();
    tracker.open(2, 2, NOBODY);
    tracker.receive(2, &Message::Register(record(2, "bob", 1)));
    for _ in 0..10 * MAX_WAITING {
        tracker.receive(1, &Message::GetMembers(()));
    }
    assert_eq!(tracker.unsynced.len(), 1);
    let said = tracker.said();
    assert_eq!(closed(&said), [1]);
    let answers = said
        .iter()
        .filter(|out| matches!(out, Out::Sent(SessionId(1), _)));
    assert_eq!(answers.count(), MAX_WAITING);
}

/// SQL injected through a peer's name: lesson 19.
#[test]
fn attack_a_name_that_is_more_than_a_name_is_no_message() {
    let good = record(1, "robert", 1);
    let payload = |name: &str| {
        let s = &good.statement;
        let statement = (
            &s.tracker,
            s.sequence,
            name,
            &s.key,
            &s.sealing_key,
            &s.addresses,
        );
        canonical::encode(&(statement, &good.signature))
    };
    let decode = |name: &str| {
        let code = Message::Register(good.clone()).code();
        let payload = payload(name);
        Message::decode(&crate::wire::frame::Frame { code, payload })
    };
    assert_eq!(decode("robert"), Ok(Message::Register(good.clone())));
    let long = "a".repeat(33);
    for name in [
        "robert'); DROP TABLE members;--",
        "../../etc/passwd",
        "<script>",
        "a\u{1b}[2J",
        "rob\u{435}rt",
        "Robert",
        "-rf",
        "",
        &long,
    ] {
        let refused = decode(name);
        assert!(
            matches!(refused, Err(MessageError::Malformed { .. })),
            "{name:?}"
        );
    }
}

#[test]
fn a_full_network_takes_nobody_until_somebody_leaves() {
    let most = u32::try_from(MAX_MEMBERS_REGISTERED).unwrap();
    let mut members = Members::new(1..u32::MAX);
    for (row_key, value) in crowd(most) {
        members.open_member(&row_key[1..], &value).unwrap();
    }
    let refused = members.register(record(251, "late", 1), None, BEGUN);
    assert_eq!(refused.unwrap_err().0, RefusalCode::Full);
    assert_eq!(
        members
            .remove(MemberId(5), Ending::PutOut(BEGUN.wall))
            .len(),
        2
    );
    let (registration, _) = members
        .register(record(251, "late", 1), None, BEGUN)
        .unwrap();
    assert_eq!(registration.id(), MemberId(most + 1));
}

#[test]
fn damaged_rows_and_a_strange_key_are_told_at_the_start() {
    let disk = founded().disk;
    let open = |rows, tracker| Registry::open(secret(tracker), params(), 1, rows);
    assert!(matches!(
        open(disk.clone(), 9),
        Err(RegistryError::OtherKey { .. })
    ));
    for row_key in disk.keys() {
        let mut damaged = disk.clone();
        damaged.get_mut(row_key).unwrap().pop();
        let opened = open(damaged, TRACKER);
        assert!(
            matches!(opened, Err(RegistryError::Internal(_))),
            "{row_key:?}"
        );
    }
    let mut twice = disk.clone();
    let member = disk[&vec![MEMBER_ROW, 0, 0, 0, 1]].clone();
    twice.insert(vec![MEMBER_ROW, 0, 0, 0, 9], member);
    assert!(open(twice, TRACKER).is_err());
    let mut strange = disk;
    strange.insert(vec![99], Vec::new());
    assert!(open(strange, TRACKER).is_err());
}
