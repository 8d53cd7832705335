use super::*;
use crate::canonical::CappedText;
use crate::chain::testing::{START, member};
use crate::chain::{Genesis, NetworkId, Timestamp};
use crate::keys::PublicKey;
use crate::membership::certificate::{CERTIFICATE_MS, CertificateStatement};
use crate::protocol::testing::{Out, Peer, TRACKER, genesis_by, hello, key, other_genesis};
use crate::protocol::tracker_link::TICK_MS;
use crate::wire::message::{RefusalCode, Refused, Registered};
use crate::wire::{MemberId, NodeRole};

const SESSION: u64 = 1;
const DAY_MS: u64 = 86_400_000;

fn certificate(holder: PublicKey, network: NetworkId, until: Timestamp) -> Certificate {
    let statement = CertificateStatement {
        from: Timestamp(0),
        until,
        ..CertificateStatement::at(
            START,
            network,
            holder,
            "alice".parse().unwrap(),
            key(TRACKER),
        )
    };
    statement.sign(&member(TRACKER))
}

/// Alice's.
fn until(until: Timestamp) -> Certificate {
    certificate(key(1), genesis_by(9).id(), until)
}

fn registered(genesis: Option<Genesis>) -> Message {
    Message::Registered(Registered {
        id: MemberId(1),
        genesis,
        lease: None,
    })
}

/// Alice, who has said her record to the tracker.
fn greeted() -> Peer {
    let mut peer = Peer::new(1, "alice");
    peer.tick(0);
    let tracker = hello(TRACKER, NodeRole::Tracker, NetworkId::ZERO);
    peer.open(SESSION, &tracker);
    peer.said();
    peer
}

fn issue(peer: &mut Peer, certificate: &Certificate) {
    let message = Message::CertificateIssued(certificate.clone());
    peer.receive(SESSION, &message);
}

/// Alice with a certificate and on a network.
fn certified(end: Timestamp) -> Peer {
    let mut peer = greeted();
    issue(&mut peer, &until(end));
    assert_eq!(peer.certificates, [], "for which network is not known yet");
    peer.receive(SESSION, &registered(Some(genesis_by(9))));
    assert_eq!(peer.certificates, [until(end)]);
    peer.said();
    peer
}

fn renewals(peer: &mut Peer) -> usize {
    let said = peer.said().into_iter();
    said.filter(|out| matches!(out, Out::Sent(_, Message::Register(_))))
        .count()
}

#[test]
fn it_is_kept_over_restarts() {
    let end = START.plus_ms(CERTIFICATE_MS);
    let mut peer = certified(end);
    peer.restart(true);
    assert_eq!(peer.link.certificate(), Some(&until(end)));
    // With a wallet of somebody else's it is of no use.
    peer.number = 2;
    peer.restart(true);
    assert_eq!(peer.link.certificate(), None);
}

#[test]
fn what_is_not_ours_or_not_the_trackers_is_not_taken() {
    let end = START.plus_ms(CERTIFICATE_MS);
    let network = genesis_by(9).id();
    let mut by_another = until(end);
    by_another = by_another.statement.sign(&member(1));
    let wrong = [
        certificate(key(2), network, end),
        certificate(key(1), other_genesis().id(), end),
        by_another,
        until(START),
    ];
    for wrong in wrong {
        let mut peer = certified(end);
        issue(&mut peer, &wrong);
        assert_eq!(peer.certificates.len(), 1);
        assert!(matches!(peer.warnings[..], [Warning::BadCertificate(_)]));
        assert_eq!(peer.link.certificate(), Some(&until(end)));
    }
}

#[test]
fn it_is_renewed_well_before_its_end() {
    let end = START.plus_ms(CERTIFICATE_MS);
    let mut peer = certified(end);
    peer.tick(CERTIFICATE_MS - RENEW_BEFORE_MS);
    assert_eq!(renewals(&mut peer), 0);
    peer.tick(TICK_MS);
    assert_eq!(renewals(&mut peer), 1);
    // An answer may take its time; the question is not repeated meanwhile.
    peer.tick(TICK_MS);
    assert_eq!(renewals(&mut peer), 0);
    peer.tick(ASK_EVERY_MS);
    assert_eq!(renewals(&mut peer), 1);
    let later = peer.now.wall.plus_ms(CERTIFICATE_MS);
    issue(&mut peer, &until(later));
    assert_eq!(peer.link.certificate(), Some(&until(later)));
    peer.tick(ASK_EVERY_MS);
    assert_eq!(renewals(&mut peer), 0);
    assert_eq!(peer.warnings, []);
}

#[test]
fn its_end_is_told_the_owner_in_time_and_every_day() {
    let mut peer = certified(START.plus_ms(CERTIFICATE_MS));
    peer.close(SESSION);
    peer.warnings.clear();
    let warnings = |peer: &mut Peer, ms| {
        peer.tick(ms);
        let told = peer.warnings.drain(..);
        let ends = |w: &Warning| matches!(w, Warning::CertificateEnds { .. });
        told.filter(ends).map(|w| w.to_string()).collect::<Vec<_>>()
    };
    let until_then = CERTIFICATE_MS - WARN_BEFORE_MS;
    assert!(warnings(&mut peer, until_then).is_empty());
    let told = warnings(&mut peer, TICK_MS);
    assert!(told[0].contains("ends in 29 days"), "{told:?}");
    assert!(warnings(&mut peer, TICK_MS).is_empty());
    assert_eq!(warnings(&mut peer, WARN_EVERY_MS).len(), 1);
    let told = warnings(&mut peer, WARN_BEFORE_MS + DAY_MS);
    assert!(told[0].contains("ended 2 days ago"), "{told:?}");
}

/// The clock of the tracker, or ours, was wrong when it was issued: nobody asked for another, and the member
/// was none for the others as long as its connection to the tracker lasted.
#[test]
fn another_is_asked_for_while_the_last_one_is_not_of_today() {
    let mut peer = greeted();
    issue(&mut peer, &until(START));
    peer.receive(SESSION, &registered(Some(genesis_by(9))));
    assert!(matches!(peer.warnings[..], [Warning::BadCertificate(_)]));
    peer.said();
    peer.tick(ASK_ANOTHER_MS - TICK_MS);
    assert_eq!(renewals(&mut peer), 0);
    peer.tick(TICK_MS);
    assert_eq!(renewals(&mut peer), 1);
    issue(&mut peer, &until(START));
    peer.tick(ASK_ANOTHER_MS);
    assert_eq!(renewals(&mut peer), 1, "and again");
    let end = START.plus_ms(CERTIFICATE_MS);
    issue(&mut peer, &until(end));
    assert_eq!(peer.certificates, [until(end)]);
    peer.tick(10 * ASK_ANOTHER_MS);
    assert_eq!(renewals(&mut peer), 0);
}

/// A tracker that forgot, or gave our name away: a member with chain and certificate goes on.
#[test]
fn no_word_of_the_tracker_ends_a_certified_member() {
    for code in [RefusalCode::NameTaken, RefusalCode::BadRecord] {
        let mut peer = certified(START.plus_ms(CERTIFICATE_MS));
        peer.close(SESSION);
        peer.warnings.clear();
        while peer.dials.len() < 2 {
            peer.tick(TICK_MS);
        }
        peer.open(2, &hello(TRACKER, NodeRole::Tracker, genesis_by(9).id()));
        let reason = CappedText::new("because").unwrap();
        peer.receive(2, &Message::Refused(Refused { code, reason }));
        assert_eq!(peer.rest, None);
        let refused = |warning: &Warning| matches!(warning, Warning::Refused { .. });
        assert!(peer.warnings.iter().any(refused), "{:?}", peer.warnings);
        while peer.dials.len() < 3 {
            peer.tick(TICK_MS);
        }
    }
}
