//! The network's first block: mined, offered, learnt, and never replaced.

use super::*;

/// A peer replaces the whole chain, genesis included: lesson 7.
#[test]
fn attack_another_genesis_never_replaces_ours() {
    let ours = genesis_by(9);
    for other in [genesis_by(2), other_genesis()] {
        for told in [
            registered(Some(other.clone())),
            Message::GenesisKnown(other),
        ] {
            let mut peer = joined();
            peer.receive(SESSION, &told);
            assert_eq!(peer.link.genesis(), Some(&ours));
            assert_eq!(peer.networks, std::slice::from_ref(&ours));
            assert!(matches!(peer.warnings[0], Warning::OtherNetwork { .. }));
            assert!(matches!(peer.said()[..], [Out::Closed(..)]));
            assert!(peer.rest.is_none(), "it goes on without this tracker");
            next_dial(&mut peer);
            peer.open(2, &hello(TRACKER, NodeRole::Tracker, other_genesis().id()));
            assert!(
                matches!(peer.said()[..], [Out::Closed(..)]),
                "not even greeted"
            );
        }
    }
}

#[test]
fn a_genesis_without_work_or_of_another_tracker_is_refused() {
    let mut idle = genesis_by(9);
    while idle.header.has_work() {
        idle.header.nonce += 1;
    }
    let content = GenesisContent::new(params(), key(77), key(9));
    let abroad = mine(content.header(START), content);
    for bad in [idle, abroad] {
        let mut peer = greeted();
        peer.receive(SESSION, &registered(Some(bad)));
        assert!(matches!(peer.warnings[0], Warning::BadGenesis { .. }));
        assert_eq!(peer.link.genesis(), None);
        assert!(!peer.link.is_registered());
    }
}

#[test]
fn who_holds_the_lease_mines_once_and_offers_until_genesis_is_known() {
    let mut peer = greeted();
    sent(&mut peer);
    peer.receive(SESSION, &lease());
    let (header, content) = peer.mining.clone().unwrap();
    assert_eq!((content.founder, content.tracker), (key(1), key(TRACKER)));
    let mined = mine(header, content);
    assert_eq!(mined.check(), Ok(()));
    peer.finish_mining();
    let offer = Message::OfferGenesis(mined.clone());
    assert_eq!(sent(&mut peer), std::slice::from_ref(&offer));
    assert!(
        peer.networks.is_empty(),
        "it counts once the tracker has it"
    );
    // Asked again after the connection was lost: the block is there already.
    peer.close(SESSION);
    next_dial(&mut peer);
    peer.open(2, &tracker_hello());
    peer.receive(2, &lease());
    assert!(peer.mining.is_none());
    assert_eq!(sent(&mut peer)[1..], [offer]);
    peer.receive(2, &Message::GenesisKnown(mined.clone()));
    assert_eq!(peer.networks, [mined]);
}

#[test]
fn a_block_that_the_tracker_refused_is_not_offered_again() {
    let mut peer = greeted();
    peer.receive(SESSION, &lease());
    peer.finish_mining();
    peer.receive(SESSION, &refused(RefusalCode::BadGenesis));
    next_dial(&mut peer);
    peer.said();
    peer.open(2, &tracker_hello());
    peer.receive(2, &lease());
    assert!(matches!(sent(&mut peer)[..], [Message::Register(_)]));
    assert!(peer.mining.is_some());
}

#[test]
fn the_search_ends_when_another_was_faster() {
    let mut peer = greeted();
    peer.receive(SESSION, &lease());
    let (header, content) = peer.mining.clone().unwrap();
    peer.said();
    peer.receive(SESSION, &Message::GenesisKnown(genesis_by(2)));
    assert!(peer.mining.is_none());
    assert_eq!(peer.networks, [genesis_by(2)]);
    let effects = peer.link.genesis_mined(mine(header, content));
    peer.carry_out(effects);
    assert_eq!(peer.said(), []);
}

#[test]
fn a_tracker_without_genesis_is_given_ours() {
    let mut peer = joined();
    peer.restart(true);
    peer.tick(0);
    assert_eq!(peer.link.network(), genesis_by(9).id());
    peer.open(2, &tracker_hello());
    peer.said();
    peer.receive(2, &lease());
    assert_eq!(sent(&mut peer), [Message::OfferGenesis(genesis_by(9))]);
    assert!(peer.mining.is_none());
    peer.receive(2, &Message::GenesisKnown(genesis_by(9)));
    assert_eq!(peer.networks.len(), 1, "told once, by the chain");
}
