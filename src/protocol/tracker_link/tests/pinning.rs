//! Which tracker is believed: genesis first, then the owner's word, then the first meeting.

use super::super::*;
use crate::protocol::testing::{Out, Peer, TRACKER, genesis_by, hello, key};
use crate::wire::MemberId;
use crate::wire::message::Registered;

const SESSION: u64 = 1;

fn tracker_hello(number: u8) -> Hello {
    hello(number, NodeRole::Tracker, NetworkId::ZERO)
}

/// Alice, whose owner names the key of this tracker.
fn named(peer: &mut Peer, number: u8) -> Result<(), OpenError> {
    let mut config = peer.link.config.clone();
    config.tracker_key = Some(key(number));
    peer.link = TrackerLink::open(config, peer.disk.clone())?;
    peer.dials.clear();
    Ok(())
}

/// Whether it says who it is to a tracker of this key.
fn talks_to(peer: &mut Peer, session: u64, number: u8) -> bool {
    while peer.dials.is_empty() {
        peer.tick(TICK_MS);
    }
    peer.dials.clear();
    peer.open(session, &tracker_hello(number));
    let said = peer.said();
    said.iter().any(|out| matches!(out, Out::Sent(..)))
}

fn registered() -> Message {
    Message::Registered(Registered {
        id: MemberId(1),
        genesis: None,
        lease: None,
    })
}

#[test]
fn a_named_key_keeps_impostors_away_from_the_first_meeting_on() {
    let mut peer = Peer::new(1, "alice");
    named(&mut peer, TRACKER).unwrap();
    assert!(!talks_to(&mut peer, SESSION, 7));
    let shown = [key(TRACKER), key(7)].map(|key| key.to_address());
    let warning = peer.warnings[0].to_string();
    assert!(shown.iter().all(|key| warning.contains(key)), "{warning}");
    assert!(talks_to(&mut peer, SESSION + 1, TRACKER));
}

#[test]
fn the_owner_may_accept_another_key_while_there_is_no_network() {
    let mut peer = Peer::new(1, "alice");
    assert!(talks_to(&mut peer, SESSION, TRACKER));
    peer.receive(SESSION, &registered());
    peer.close(SESSION);
    assert!(!talks_to(&mut peer, 2, 7), "the first one is pinned");
    named(&mut peer, 7).unwrap();
    assert!(talks_to(&mut peer, 3, 7));
    peer.receive(3, &registered());
    // From then on that one is pinned, named or not.
    peer.restart(false);
    assert!(!talks_to(&mut peer, 4, TRACKER));
    assert!(talks_to(&mut peer, 5, 7));
}

#[test]
fn a_key_that_is_not_that_of_genesis_is_refused_with_both_shown() {
    let mut peer = Peer::new(1, "alice");
    peer.networks.push(genesis_by(9));
    peer.restart(true);
    assert_eq!(named(&mut peer, TRACKER), Ok(()));
    let refused = named(&mut peer, 7).unwrap_err().to_string();
    let shown = [key(TRACKER), key(7)].map(|key| key.to_address());
    assert!(shown.iter().all(|key| refused.contains(key)), "{refused}");
}
