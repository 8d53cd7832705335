//! Who is certified, by whom, and until when.

use super::*;
use crate::chain::testing::START;
use crate::membership::certificate::{BACKDATED_MS, CERTIFICATE_MS};
use crate::membership::statement::{Act, Statement};
use crate::protocol::testing::{TRACKER, Tracker, genesis_by, key, record, secret, statement};
use crate::wire::Message;

fn issued(tracker: &mut Tracker) -> Vec<(u64, Certificate)> {
    tracker.sync();
    let issued = tracker.issued.drain(..);
    issued.map(|(session, one)| (session.0, one)).collect()
}

/// A network that has its genesis, and two members.
fn founded() -> Tracker {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.join(2, "bob");
    assert_eq!(
        issued(&mut tracker),
        [],
        "there is no network to be a member of"
    );
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    tracker
}

#[test]
fn whoever_waited_for_genesis_is_certified_with_the_news_of_it() {
    let mut tracker = founded();
    assert_eq!(tracker.issued.len(), 0, "not before it is on the disk");
    let issued = issued(&mut tracker);
    let sessions: Vec<_> = issued.iter().map(|(session, _)| *session).collect();
    assert_eq!(sessions, [1, 2]);
    let (_, alice) = &issued[0];
    let network = genesis_by(1).id();
    assert_eq!(
        alice.check(
            &Authority::new(key(TRACKER), None),
            &network,
            &key(1),
            START
        ),
        Ok(())
    );
    assert_eq!(alice.statement.name.as_str(), "alice");
    assert_eq!(alice.statement.until, START.plus_ms(CERTIFICATE_MS));
    let from = Timestamp(START.0 - BACKDATED_MS);
    assert_eq!(alice.statement.from, from);
}

#[test]
fn each_registration_is_answered_with_a_new_one() {
    let mut tracker = founded();
    issued(&mut tracker);
    tracker.join(3, "carol");
    assert_eq!(issued(&mut tracker).len(), 1);
    tracker.now = tracker.now.plus_ms(1_000);
    tracker.receive(3, &Message::Register(record(3, "carol", 1)));
    let again = issued(&mut tracker);
    let until = START.plus_ms(1_000 + CERTIFICATE_MS);
    assert_eq!(again[0].1.statement.until, until);
}

#[test]
fn only_a_certificate_of_the_first_tracker_under_the_same_name_introduces() {
    let first = Certificates::new(secret(TRACKER), key(TRACKER));
    let other = Certificates::new(secret(9), key(9));
    let judging = Certificates::new(secret(8), key(TRACKER));
    let (network, now) = (genesis_by(1).id(), crate::clock::BEGUN);
    let (bob, robert) = (statement(2, "bob", 1), statement(2, "robert", 1));
    let issue = |by: &Certificates, on| by.issue(on, &bob, None, None, now);
    assert_eq!(issue(&first, NetworkId::ZERO), None, "of no network");
    assert_eq!(issue(&judging, network), None);
    let check = |shown: Option<Certificate>, on, statement| {
        judging.check(shown.as_ref(), on, statement, now).is_ok()
    };
    let good = issue(&first, network);
    assert!(check(good.clone(), network, &bob) && check(good.clone(), NetworkId::ZERO, &bob));
    assert!(!check(good.clone(), genesis_by(2).id(), &bob));
    assert!(!check(good, network, &robert));
    assert!(!check(issue(&other, network), network, &bob));
    assert!(!check(None, network, &bob));
}

#[test]
fn a_delegate_issues_as_long_as_its_right_counts_and_nothing_that_outlasts_it() {
    let (first, now) = (
        Certificates::new(secret(TRACKER), key(TRACKER)),
        crate::clock::BEGUN,
    );
    let network = genesis_by(1).id();
    let until = now.wall.plus_ms(1_000);
    let right = DelegationStatement {
        network,
        admin: key(TRACKER),
        delegate: key(8),
        serial: now.wall,
        from: now.wall,
        until,
    };
    let mut delegate = Certificates::new(secret(8), key(TRACKER));
    let bob = statement(2, "bob", 1);
    let issue = |by: &Certificates, now| by.issue(network, &bob, None, None, now);
    assert_eq!(issue(&delegate, now), None);
    delegate.given(first.sign_delegation(right.clone()));
    let issued = issue(&delegate, now).unwrap();
    let authority = Authority::new(key(TRACKER), None);
    assert_eq!(
        issued.check(&authority, &network, &key(2), now.wall),
        Ok(())
    );
    assert_eq!(issued.statement.until, until);
    assert_eq!(
        issue(&delegate, now.plus_ms(1_000)),
        None,
        "its time is over"
    );
    // Of somebody who may not give it, or another's.
    delegate.given(right.clone().sign(&secret(9)));
    assert_eq!(issue(&delegate, now), None);
    let mut third = Certificates::new(secret(7), key(TRACKER));
    third.given(first.sign_delegation(right));
    assert_eq!(issue(&third, now), None);
}

/// The admin's clock was an hour ahead when it handed the network over.
#[test]
fn what_a_new_admin_signs_counts_whatever_clock_its_own_word_was_numbered_by() {
    let (network, now) = (genesis_by(1).id(), crate::clock::BEGUN);
    let ahead = now.wall.plus_ms(3_600_000);
    let succeed = |number| {
        let act = Act::Succeed { key: key(8) };
        Statement {
            network,
            number,
            act,
        }
        .sign(&secret(TRACKER))
    };
    let mut authority = Authority::new(key(TRACKER), None);
    authority.take(&succeed(ahead)).unwrap();
    let mut new = Certificates::new(secret(8), key(TRACKER));
    new.follow(authority.clone());
    let bob = statement(2, "bob", 1);
    // One that was put out and let in again before the hand-over, and one of whom nothing was said.
    for void in [None, Some(Timestamp(ahead.0 - 1)), Some(ahead.plus_ms(7))] {
        let issued = new.issue(network, &bob, None, void, now).unwrap();
        let checked = issued.check(&authority, &network, &key(2), now.wall);
        assert_eq!(checked, Ok(()), "{void:?}");
        assert!(Some(issued.statement.serial) > void);
        assert_eq!(issued.statement.until, now.wall.plus_ms(CERTIFICATE_MS));
    }
    // Who does not speak for the network numbers by its clock.
    let old = Certificates::new(secret(TRACKER), key(TRACKER));
    assert_eq!(old.serial(None, now.wall), now.wall);
}

#[test]
fn who_is_refused_or_has_left_gets_none() {
    let mut tracker = founded();
    issued(&mut tracker);
    tracker.join(4, "alice");
    assert_eq!(issued(&mut tracker), [], "the name is taken");
}
