//! Whether others reach this node, as the tracker tells.

use super::*;
use crate::protocol::testing::address;

fn tell_reachable(peer: &mut Peer, reachable: bool) {
    let changed = vec![Member {
        id: MemberId(1),
        record: record(1, "alice", START.0),
        live: true,
        reachable,
        since: START,
    }];
    let left = Vec::new();
    peer.receive(
        SESSION,
        &Message::MembersChanged(MembersChanged { changed, left }),
    );
}

#[test]
fn whom_nobody_can_dial_is_told_once_and_what_to_do() {
    let mut peer = joined();
    tell_reachable(&mut peer, false);
    peer.tick(0);
    peer.tick(REACH_PATIENCE_MS - 1);
    assert_eq!(peer.link.reach(), Reach::Unknown, "it may be visited still");
    peer.tick(1);
    assert_eq!(peer.link.reach(), Reach::NotReached);
    let told = peer.link.unreached().unwrap();
    assert!(
        told.contains("127.0.0.1:7001") && told.contains("advertise"),
        "{told}"
    );
    peer.tick(REACH_PATIENCE_MS);
    assert_eq!(peer.reaches, [Reach::NotReached]);
    // The tracker goes and comes back: the same is not told again.
    peer.close(SESSION);
    peer.tick(0);
    assert_eq!(peer.link.reach(), Reach::Unknown);
    next_dial(&mut peer);
    peer.open(SESSION, &tracker_hello());
    peer.receive(SESSION, &registered(Some(genesis_by(9))));
    tell_reachable(&mut peer, false);
    peer.tick(0);
    peer.tick(REACH_PATIENCE_MS);
    assert_eq!(peer.reaches, [Reach::NotReached]);
    tell_reachable(&mut peer, true);
    peer.tick(0);
    assert_eq!(peer.reaches, [Reach::NotReached, Reach::Reached]);
    assert_eq!(peer.link.unreached(), None);
}

#[test]
fn the_advice_fits_what_is_wrong() {
    let said = |own: &[&str], tracker: &str| {
        let own: Vec<_> = own.iter().map(|own| address(own)).collect();
        crate::protocol::tracker_link::reach::advice(&own, &address(tracker))
    };
    for own in ["127.0.0.1:7009", "localhost:7009", "[::1]:7009"] {
        let told = said(&[own], "192.0.2.10:7000");
        assert!(told.contains("advertise = [\"HOST:7009\"]"), "{told}");
    }
    for (own, tracker) in [
        (&["127.0.0.1:7009"][..], "localhost:7000"),
        (&["127.0.0.1:7009", "box.example:7009"], "192.0.2.10:7000"),
    ] {
        let told = said(own, tracker);
        assert!(told.contains("no answer at 127.0.0.1:7009"), "{told}");
    }
}
