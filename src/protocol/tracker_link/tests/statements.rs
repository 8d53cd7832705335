//! What the admin has said is kept, over restarts, and told to the tracker.

use super::super::*;
use crate::canonical::CappedText;
use crate::chain::Timestamp;
use crate::chain::testing::START;
use crate::chain::testing::member;
use crate::membership::{Act, SignedStatement, Statement};
use crate::protocol::testing::{Out, Peer, TRACKER, genesis_by, hello, key, record};
use crate::wire::message::{MembersChanged, RefusalCode, Refused, Registered};
use crate::wire::{Member, MemberId};

const SESSION: u64 = 1;

fn expel(number: u64) -> SignedStatement {
    let reason = CappedText::new("spam").unwrap();
    let statement = Statement {
        network: genesis_by(1).id(),
        number: Timestamp(number),
        act: Act::Expel {
            key: key(5),
            reason,
        },
    };
    statement.sign(&member(TRACKER))
}

/// Alice, on a network, registered with its tracker.
fn registered(peer: &mut Peer, session: u64) {
    while peer.dials.is_empty() {
        peer.tick(TICK_MS);
    }
    peer.dials.clear();
    peer.open(session, &hello(TRACKER, NodeRole::Tracker, NetworkId::ZERO));
    peer.said();
    let yes = Registered {
        id: MemberId(1),
        genesis: Some(genesis_by(1)),
        lease: None,
    };
    peer.receive(session, &Message::Registered(yes));
}

fn told(peer: &mut Peer) -> Vec<Vec<SignedStatement>> {
    let said = peer.said().into_iter();
    let statements = said.filter_map(|out| match out {
        Out::Sent(_, Message::Statements(told)) => Some(told),
        _ => None,
    });
    statements.collect()
}

fn is_out(peer: &Peer) -> bool {
    let statements = peer.link.statements();
    statements.is_some_and(|statements| statements.out(&key(5)).is_some())
}

#[test]
fn what_the_tracker_says_is_kept_over_a_restart_and_said_to_the_next_one() {
    let mut peer = Peer::new(1, "alice");
    registered(&mut peer, SESSION);
    assert_eq!(told(&mut peer), [] as [Vec<_>; 0]);
    peer.receive(SESSION, &Message::Statements(vec![expel(5)]));
    assert!(is_out(&peer));
    assert_eq!(told(&mut peer), [] as [Vec<_>; 0], "it knows");
    peer.restart(true);
    assert!(is_out(&peer));
    registered(&mut peer, SESSION + 1);
    assert_eq!(told(&mut peer), [vec![expel(5)]]);
}

/// A list that was under way came behind the word that another member had told.
#[test]
fn whoever_is_put_out_is_on_no_list_whatever_the_tracker_says() {
    let mut peer = Peer::new(1, "alice");
    registered(&mut peer, SESSION);
    let told = |number| Member {
        id: MemberId(u32::from(number)),
        record: record(number, "erin", 1),
        live: true,
        reachable: true,
        since: START,
    };
    let listed = |peer: &Peer| peer.link.directory().by_key(&key(5)).is_some();
    let list = || {
        let (changed, left) = (vec![told(5)], Vec::new());
        Message::MembersChanged(MembersChanged { changed, left })
    };
    peer.receive(SESSION, &list());
    assert!(listed(&peer));
    let effects = peer.link.statements_heard(vec![expel(5)], peer.now);
    peer.carry_out(effects);
    assert!(!listed(&peer));
    peer.receive(SESSION, &list());
    peer.receive(SESSION, &Message::Members(vec![told(5)]));
    assert!(!listed(&peer));
    // Nor on that of another tracker, where neither key nor name was ever heard of.
    for is_out in [false, true] {
        let mut peer = Peer::new(1, "alice");
        registered(&mut peer, SESSION);
        if is_out {
            let effects = peer.link.statements_heard(vec![expel(5)], peer.now);
            peer.carry_out(effects);
        }
        let effects = peer.link.told_elsewhere(vec![told(5)]);
        peer.carry_out(effects);
        assert_eq!(listed(&peer), !is_out);
    }
}

#[test]
fn what_was_said_while_the_own_clock_was_a_month_behind_counts_once_it_is_right() {
    let mut peer = Peer::new(1, "alice");
    registered(&mut peer, SESSION);
    let right = peer.now.wall;
    peer.now.wall = Timestamp(right.0 - 30 * 86_400_000);
    peer.receive(SESSION, &Message::Statements(vec![expel(right.0)]));
    peer.tick(TICK_MS);
    assert!(!is_out(&peer));
    peer.now.wall = right;
    peer.tick(TICK_MS);
    assert!(is_out(&peer), "nobody has to say it again");
    assert_eq!(told(&mut peer), [vec![expel(right.0)]]);
    peer.restart(true);
    assert!(is_out(&peer));
}

#[test]
fn what_a_member_tells_is_said_to_the_tracker_and_forgeries_are_not() {
    let mut peer = Peer::new(1, "alice");
    registered(&mut peer, SESSION);
    told(&mut peer);
    let mut forged = expel(5);
    forged.statement.number.0 += 1;
    let effects = peer.link.statements_heard(vec![forged], peer.now);
    assert_eq!(effects, []);
    let effects = peer.link.statements_heard(vec![expel(5)], peer.now);
    peer.carry_out(effects);
    assert!(is_out(&peer));
    assert_eq!(told(&mut peer), [vec![expel(5)]]);
    let again = peer.link.statements_heard(vec![expel(5)], peer.now);
    assert_eq!(again, []);
}

#[test]
fn a_node_that_is_put_out_leaves_the_tracker_alone_for_a_while_and_registers_when_it_may_come_back()
{
    let mut peer = Peer::new(5, "erin");
    registered(&mut peer, SESSION);
    peer.receive(SESSION, &Message::Statements(vec![expel(5)]));
    assert!(peer.link.own_expulsion().is_some());
    peer.close(SESSION);
    let dials = |peer: &mut Peer, ms| {
        peer.tick(ms);
        std::mem::take(&mut peer.dials).len()
    };
    assert_eq!(dials(&mut peer, PUT_OUT_PAUSE_MS - 1), 0);
    assert_eq!(dials(&mut peer, 1), 1);
    let tracker = hello(TRACKER, NodeRole::Tracker, NetworkId::ZERO);
    peer.open(SESSION + 1, &tracker);
    let refused = Refused {
        code: RefusalCode::PutOut,
        reason: CappedText::new("out").unwrap(),
    };
    peer.receive(SESSION + 1, &Message::Refused(refused));
    assert_eq!(dials(&mut peer, PUT_OUT_PAUSE_MS / 2), 0);
    // At once where its owner wants it, and then no more often than before.
    peer.link.connect();
    assert_eq!(dials(&mut peer, TICK_MS), 1);
    peer.open(SESSION + 2, &tracker);
    peer.close(SESSION + 2);
    assert_eq!(dials(&mut peer, PUT_OUT_PAUSE_MS - 1), 0);
    // Started anew it asks at once, and once.
    peer.restart(true);
    assert!(peer.link.own_expulsion().is_some());
    assert_eq!(dials(&mut peer, TICK_MS), 1);
}

#[test]
fn a_name_goes_with_the_key_that_the_admin_gave_it_to_whichever_is_heard_first() {
    let name: MemberName = "bob".parse().unwrap();
    let given = Statement {
        network: genesis_by(1).id(),
        number: Timestamp(5),
        act: Act::Reassign {
            name: name.clone(),
            key: key(7),
        },
    };
    let given = Message::Statements(vec![given.sign(&member(TRACKER))]);
    let told = |number: u8| {
        let told = Member {
            id: MemberId(number.into()),
            record: record(number, "bob", 1),
            live: true,
            reachable: true,
            since: START,
        };
        Message::MembersChanged(MembersChanged {
            changed: vec![told],
            left: Vec::new(),
        })
    };
    for statement_first in [true, false] {
        let mut peer = Peer::new(1, "alice");
        registered(&mut peer, SESSION);
        peer.receive(SESSION, &told(2));
        let found = |peer: &Peer| {
            let known = peer.link.directory().by_name(&name);
            known.map(|member| member.record.statement.key)
        };
        assert_eq!(found(&peer), Some(key(2)));
        if statement_first {
            peer.receive(SESSION, &given);
            assert_eq!(found(&peer), None, "nothing is sent to the lost key");
            peer.receive(SESSION, &told(7));
        } else {
            peer.receive(SESSION, &told(7));
            assert_eq!(found(&peer), Some(key(2)), "anybody could say so");
            peer.receive(SESSION, &given);
        }
        assert_eq!(found(&peer), Some(key(7)));
        peer.receive(SESSION, &told(2));
        assert_eq!(found(&peer), Some(key(7)));
        peer.restart(true);
        assert_eq!(found(&peer), Some(key(7)));
    }
}

fn says(number: u64, act: Act) -> SignedStatement {
    let statement = Statement {
        network: genesis_by(1).id(),
        number: Timestamp(number),
        act,
    };
    statement.sign(&member(TRACKER))
}

/// The key of the tracker that takes over.
const NEW: u8 = 7;

/// Whether a tracker with this key is told who we are, once it was dialled where we look for it.
fn registers_with(peer: &mut Peer, session: u64, number: u8, at: &Address) -> bool {
    while peer.dials.is_empty() {
        peer.tick(TICK_MS);
    }
    assert_eq!(std::mem::take(&mut peer.dials), std::slice::from_ref(at));
    peer.open(session, &hello(number, NodeRole::Tracker, NetworkId::ZERO));
    let said = peer.said();
    said.iter()
        .any(|out| matches!(out, Out::Sent(_, Message::Register(_))))
}

#[test]
fn a_tracker_that_was_succeeded_is_left_at_once_for_the_new_one_where_that_is_met_also_after_a_restart()
 {
    let mut peer = Peer::new(1, "alice");
    registered(&mut peer, SESSION);
    peer.said();
    let (first, second) = (
        peer.link.address(),
        crate::protocol::testing::address("second:7000"),
    );
    let met = |peer: &mut Peer, number| {
        let (former, effects) = peer.link.admin_met(second.clone(), &key(number));
        peer.carry_out(effects);
        former
    };
    assert_eq!(met(&mut peer, NEW), None, "nobody has said that it leads");
    let succeed = says(5, Act::Succeed { key: key(NEW) });
    let effects = peer.link.statements_heard(vec![succeed.clone()], peer.now);
    peer.carry_out(effects);
    let said = peer.said();
    let tells = |out: &Out| matches!(out, Out::Sent(_, Message::Statements(told)) if *told == [succeed.clone()]);
    assert!(tells(&said[0]), "the former one is told first: {said:?}");
    assert!(matches!(said[1..], [Out::Closed(..)]), "{said:?}");
    assert!(
        matches!(peer.warnings[..], [Warning::LeadsNoMore { .. }]),
        "{:?}",
        peer.warnings
    );
    assert!(!registers_with(&mut peer, 2, TRACKER, &first));
    assert_eq!(met(&mut peer, TRACKER), None, "it leads no more");
    assert_eq!(met(&mut peer, NEW), Some(first.clone()));
    assert!(registers_with(&mut peer, 3, NEW, &second));
    assert_eq!(met(&mut peer, NEW), None, "it is talked with already");
    // Whoever starts anew knows it by the statement that was kept.
    peer.networks = vec![genesis_by(1)];
    peer.restart(true);
    peer.dials.clear();
    assert!(!registers_with(&mut peer, 4, TRACKER, &first));
    assert_eq!(met(&mut peer, NEW), Some(first));
    assert!(registers_with(&mut peer, 5, NEW, &second));
}

#[test]
fn whom_the_admin_puts_out_is_on_no_list_any_more_whoever_tells_of_it() {
    let mut peer = Peer::new(1, "alice");
    registered(&mut peer, SESSION);
    let told = Member {
        id: MemberId(5),
        record: record(5, "mallory", 1),
        live: true,
        reachable: true,
        since: START,
    };
    peer.receive(
        SESSION,
        &Message::MembersChanged(MembersChanged {
            changed: vec![told],
            left: Vec::new(),
        }),
    );
    assert_eq!(peer.link.directory().len(), 1);
    let effects = peer.link.statements_heard(vec![expel(3)], peer.now);
    peer.carry_out(effects);
    assert!(peer.link.directory().is_empty());
    peer.restart(true);
    assert!(peer.link.directory().is_empty(), "on the disk, too");
}
