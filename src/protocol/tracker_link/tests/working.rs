//! What registering costs: done between two conversations, and said before the record.

use super::*;
use crate::chain::Header;
use crate::wire::work::{MAX_WORK, WorkAsked};
use std::num::NonZeroU64;

fn asked(hashes: u64) -> Message {
    Message::WorkAsked(WorkAsked {
        issued: START,
        target: WorkAsked::target_for(NonZeroU64::new(hashes).unwrap()),
        seal: serde_bytes::ByteArray::new([4; 32]),
    })
}

/// What the search comes to, reported.
fn finish_search(peer: &mut Peer) {
    let mut header: Header = peer.search.take().expect("something is searched for");
    while !header.has_work() {
        header.nonce += 1;
    }
    let effects = peer.link.work_found(header);
    peer.carry_out(effects);
}

#[test]
fn what_registering_costs_is_searched_for_without_a_session_and_said_before_the_record() {
    let mut peer = greeted();
    peer.said();
    peer.receive(SESSION, &asked(64));
    let said = peer.said();
    assert!(matches!(said[..], [Out::Closed(..)]), "{said:?}");
    // However long it takes, the tracker is left alone.
    let dials = peer.dials.len();
    peer.tick(60_000);
    assert_eq!(peer.dials.len(), dials);
    finish_search(&mut peer);
    peer.tick(0);
    assert_eq!(peer.dials.len(), dials + 1);
    peer.open(2, &tracker_hello());
    let said = peer.said();
    let [
        Out::Sent(_, Message::WorkDone(work)),
        Out::Sent(_, Message::Register(_)),
    ] = &said[..]
    else {
        panic!("{said:?}");
    };
    assert!(Message::WorkAsked(work.asked) == asked(64));
    // Once it is registered, the work has served.
    peer.receive(2, &registered(None));
    peer.close(2);
    peer.tick(60_000);
    peer.open(3, &tracker_hello());
    let said = peer.said();
    assert!(
        matches!(said[..], [Out::Sent(_, Message::Register(_))]),
        "{said:?}"
    );
}

#[test]
fn attack_a_tracker_has_nobody_search_for_more_than_is_bearable_or_for_a_block() {
    let mut peer = greeted();
    peer.receive(SESSION, &asked(4 * MAX_WORK));
    assert_eq!(peer.search, None);
    let mut peer = greeted();
    peer.receive(SESSION, &asked(64));
    let header = peer.search.expect("it is searched for");
    assert_ne!(header.version, crate::chain::header::HEADER_VERSION);
    // Out of turn it is not.
    let mut peer = greeted();
    peer.receive(SESSION, &registered(None));
    peer.receive(SESSION, &asked(64));
    assert_eq!(peer.search, None);
}
