//! Whoever is put out is not talked to, and everybody hears of it.

use super::*;
use crate::canonical::CappedText;
use crate::chain::Timestamp;
use crate::chain::testing::{genesis, network};
use crate::membership::{Act, CertificateStatement, DelegationStatement, Statement};
use crate::protocol::gossip::peers::Outlook;

/// The admin of the tests' network.
const ADMIN: u8 = 200;

pub(super) fn out(number: u8, at: u64) -> SignedStatement {
    let reason = CappedText::new("spam").unwrap();
    let key = member(number).public_key();
    let statement = Statement {
        network: network(),
        number: Timestamp(at),
        act: Act::Expel { key, reason },
    };
    statement.sign(&member(ADMIN))
}

pub(super) fn back(number: u8, at: u64) -> SignedStatement {
    let key = member(number).public_key();
    let statement = Statement {
        network: network(),
        number: Timestamp(at),
        act: Act::Readmit { key },
    };
    statement.sign(&member(ADMIN))
}

pub(super) fn known(said: impl IntoIterator<Item = SignedStatement>) -> Arc<Statements> {
    let mut statements = Statements::new(&genesis());
    for signed in said {
        statements.take(signed, Timestamp(1_000)).unwrap();
    }
    Arc::new(statements)
}

fn tells(effects: &[Effect]) -> Vec<SessionId> {
    let told = |effect: &Effect| match effect {
        Effect::Send(session, Message::Statements(_)) => Some(*session),
        _ => None,
    };
    effects.iter().filter_map(told).collect()
}

#[test]
fn the_session_of_who_is_put_out_ends_and_the_others_are_told() {
    let mut gossip = with_sessions(3);
    assert_eq!(gossip.statements(known([]), STARTED), []);
    let effects = gossip.statements(known([out(2, 5)]), STARTED);
    assert_eq!(closes(&effects), [session(2)]);
    assert_eq!(tells(&effects), [session(1), session(2), session(3)]);
    let again = gossip.statements(known([out(2, 5)]), STARTED);
    assert_eq!(again, [], "once");
    // What is new is told, and only that.
    let effects = gossip.statements(known([out(2, 5), out(7, 6)]), STARTED);
    let only_new = |effect: &Effect| match effect {
        Effect::Send(_, Message::Statements(told)) => *told == [out(7, 6)],
        _ => true,
    };
    assert!(effects.iter().all(only_new));
}

#[test]
fn the_session_of_who_is_certified_by_a_tracker_that_lost_its_right_ends_and_no_other() {
    let (delegate, from, until) = (9, Timestamp(1), Timestamp(500_000));
    let right = DelegationStatement {
        network: network(),
        admin: member(ADMIN).public_key(),
        delegate: member(delegate).public_key(),
        serial: from,
        from,
        until,
    };
    let right = right.sign(&member(ADMIN));
    let certificate = |number: u8, issuer: u8, delegation| {
        let (key, name) = (member(number).public_key(), "x".parse().unwrap());
        let issuer_key = member(issuer).public_key();
        let said = CertificateStatement::at(from, network(), key, name, issuer_key);
        let said = CertificateStatement {
            delegation,
            until,
            ..said
        };
        said.sign(&member(issuer))
    };
    let mut gossip = with_sessions(3);
    gossip.showed(session(1), certificate(1, ADMIN, None));
    gossip.showed(session(2), certificate(2, delegate, Some(right)));
    let says = |number, act| {
        let (network, number) = (network(), Timestamp(number));
        let statement = Statement {
            network,
            number,
            act,
        };
        statement.sign(&member(ADMIN))
    };
    assert_eq!(closes(&gossip.statements(known([out(7, 4)]), STARTED)), []);
    let key = member(delegate).public_key();
    let revoked = [out(7, 4), says(5, Act::Revoke { key })];
    let effects = gossip.statements(known(revoked), STARTED);
    assert_eq!(closes(&effects), [session(2)]);
    assert_eq!(tells(&effects), [session(1), session(2), session(3)]);
}

#[test]
fn attack_whoever_is_put_out_gets_no_session_and_others_hear_all_at_its_beginning() {
    let mut gossip = gossip(100);
    let _ = gossip.statements(known([out(2, 5)]), STARTED);
    let open = |gossip: &mut Gossip, number| {
        let hello = hello_of(member(number).public_key());
        gossip.opened(session(number), &hello, Direction::Incoming, STARTED)
    };
    let effects = open(&mut gossip, 2);
    assert_eq!(closes(&effects), [session(2)]);
    assert!(!effects.contains(&Effect::AskHeaders(session(2), None)));
    let ping = gossip.received(session(2), Message::GetHeaders(Vec::new()), STARTED);
    assert_eq!(ping, [], "it is not answered");
    assert_eq!(tells(&open(&mut gossip, 3)), [session(3)]);
}

#[test]
fn attack_what_the_admin_did_not_sign_is_a_fault_and_what_is_known_is_passed_over() {
    let mut gossip = with_sessions(2);
    let say = |gossip: &mut Gossip, said: Vec<SignedStatement>| {
        gossip.received(session(1), Message::Statements(said), STARTED)
    };
    assert_eq!(
        say(&mut gossip, vec![out(5, 5)]),
        [],
        "nobody knows yet whose word counts"
    );
    let _ = gossip.statements(known([out(9, 5)]), STARTED);
    assert_eq!(say(&mut gossip, vec![out(9, 5), out(9, 4)]), []);
    let heard = say(&mut gossip, vec![out(9, 5), out(5, 5)]);
    assert_eq!(heard, [Effect::Hear(vec![out(5, 5)])]);
    let mut forged = out(5, 5);
    forged.statement.number = Timestamp(6);
    let effects = say(&mut gossip, vec![forged]);
    assert_eq!(closes(&effects), [session(1)]);
}

#[test]
fn a_node_that_is_put_out_itself_says_goodbye_and_dials_nobody_until_it_may_come_back() {
    let mut gossip = with_sessions(2);
    let own = 100;
    let candidates = vec![Candidate {
        key: member(7).public_key(),
        outlook: Outlook::Unknown,
        addresses: vec!["seven:7000".to_owned()],
        since: None,
    }];
    let effects = gossip.statements(known([out(own, 5)]), STARTED);
    assert_eq!(closes(&effects), [session(1), session(2)]);
    for number in [1, 2] {
        let _ = gossip.closed(session(number), "gone", STARTED);
    }
    let dials = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::Dial(_)));
    assert!(!dials(&gossip.candidates(candidates, STARTED)));
    assert!(!dials(&gossip.tick(STARTED.plus_ms(60_000))));
    assert_eq!(gossip.admits(0), Admission::Full);
    let back = back(own, 6);
    let effects = gossip.statements(known([out(own, 5), back]), STARTED.plus_ms(60_000));
    assert!(dials(&effects));
}
