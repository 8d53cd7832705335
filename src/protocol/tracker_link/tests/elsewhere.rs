//! What a node does that has no certificate, and that its tracker would not register.

use super::super::*;
use super::{SESSION, joined, next_dial, refused, registered, sent};
use crate::protocol::testing::{
    Out, Peer, TRACKER, address, genesis_by, hello, key, other_genesis,
};
use crate::wire::message::RefusalCode;

/// A node without a network, whose settings name three trackers, of which it has dialled the first one.
fn new_one(tracker_key: Option<PublicKey>) -> Peer {
    let mut peer = Peer::new(1, "alice");
    let mut config = peer.link.config.clone();
    config.others = vec![address("second:7000"), address("third:7000")];
    config.tracker_key = tracker_key;
    peer.link = TrackerLink::open(config, []).unwrap();
    peer.tick(0);
    peer
}

/// Opens a session with a tracker of this key, which names this network, and says no.
fn says_no(peer: &mut Peer, session: u64, number: u8, network: NetworkId) {
    peer.open(session, &hello(number, NodeRole::Tracker, network));
    peer.receive(session, &refused(RefusalCode::BadRecord));
}

fn dialled(peer: &mut Peer) -> Address {
    next_dial(peer);
    peer.dials.last().unwrap().clone()
}

fn is_closed(peer: &mut Peer) -> bool {
    let said = peer.said();
    said.iter().any(|out| matches!(out, Out::Closed(..)))
}

#[test]
fn no_refusal_ends_a_node_that_knows_its_network_though_it_has_no_certificate() {
    for code in [RefusalCode::NameTaken, RefusalCode::BadRecord] {
        let mut peer = joined();
        assert_eq!(peer.link.certificate(), None);
        let effects = peer
            .link
            .received(SessionId(SESSION), refused(code), peer.now);
        let warned = |effect: &Effect| matches!(effect, Effect::Warn(Warning::Refused { .. }));
        assert!(effects.iter().any(warned), "{effects:?}");
        assert!(effects.contains(&Effect::RegisterElsewhere), "{effects:?}");
        peer.carry_out(effects);
        assert_eq!(peer.rest, None);
        next_dial(&mut peer);
    }
}

#[test]
fn a_name_that_is_taken_is_taken_wherever_whoever_is_new_asks() {
    let mut peer = new_one(None);
    peer.open(
        SESSION,
        &hello(TRACKER, NodeRole::Tracker, genesis_by(9).id()),
    );
    peer.receive(SESSION, &refused(RefusalCode::NameTaken));
    assert!(peer.rest.is_some());
}

/// Also where the owner has named the key of the first one, and over several rounds.
#[test]
fn who_is_new_asks_the_others_in_turn_where_the_first_one_only_introduces() {
    for named in [None, Some(key(TRACKER))] {
        let mut peer = new_one(named);
        let network = genesis_by(9).id();
        says_no(&mut peer, SESSION, TRACKER, network);
        assert_eq!(peer.rest, None);
        for (turn, at) in (2..).zip(["second", "third", "tracker", "second", "third"]) {
            assert_eq!(dialled(&mut peer), address(&format!("{at}:7000")));
            // One that can't be reached has its turn, too.
            if at == "third" {
                let effects = peer.link.dial_failed("gone".to_owned(), peer.now);
                peer.carry_out(effects);
                continue;
            }
            let number = if at == "tracker" { TRACKER } else { 77 };
            peer.said();
            peer.open(turn, &hello(number, NodeRole::Tracker, network));
            match &sent(&mut peer)[..] {
                [Message::Register(record)] => {
                    assert_eq!(record.statement.tracker, key(TRACKER));
                }
                other => panic!("{other:?}"),
            }
            peer.receive(turn, &refused(RefusalCode::BadRecord));
        }
        // The next one lets it in.
        assert_eq!(dialled(&mut peer), address("tracker:7000"));
        peer.open(9, &hello(77, NodeRole::Tracker, network));
        peer.receive(9, &registered(Some(genesis_by(9))));
        assert_eq!(peer.networks, [genesis_by(9)]);
        assert!(peer.link.is_registered());
        let known = peer.link.statements().unwrap();
        assert_eq!(known.authority().admin(), key(TRACKER));
        // That one is talked with from now on.
        peer.close(9);
        assert_eq!(dialled(&mut peer), address("tracker:7000"));
    }
}

#[test]
fn whose_place_is_taken_is_talked_with_by_the_introducer() {
    let mut peer = new_one(None);
    peer.open(
        SESSION,
        &hello(TRACKER, NodeRole::Tracker, genesis_by(9).id()),
    );
    let no = refused(RefusalCode::BadRecord);
    let effects = peer.link.received(SessionId(SESSION), no, peer.now);
    let instead = Effect::Instead {
        introducer: 0,
        address: address("tracker:7000"),
    };
    assert!(effects.contains(&instead), "{effects:?}");
}

/// Only the one that is taken for the first tracker says which network it is.
#[test]
fn attack_another_tracker_of_the_settings_brings_nobody_into_another_network() {
    let network = genesis_by(9).id();
    let mut peer = new_one(None);
    says_no(&mut peer, SESSION, TRACKER, network);
    dialled(&mut peer);
    peer.said();
    // It shows another network; or none, and then another.
    peer.open(2, &hello(77, NodeRole::Tracker, other_genesis().id()));
    assert!(is_closed(&mut peer));
    dialled(&mut peer);
    says_no(&mut peer, 3, 78, NetworkId::ZERO);
    dialled(&mut peer);
    peer.said();
    peer.open(4, &hello(78, NodeRole::Tracker, other_genesis().id()));
    assert!(is_closed(&mut peer));
    dialled(&mut peer);
    peer.open(5, &hello(78, NodeRole::Tracker, NetworkId::ZERO));
    peer.said();
    peer.receive(5, &registered(Some(other_genesis())));
    assert!(is_closed(&mut peer));
    assert_eq!(peer.networks, []);
}
