//! How the network gets its one genesis block.

use super::*;
use crate::membership::CertificateStatement;

#[test]
fn the_first_is_asked_for_genesis_and_the_others_wait_until_it_is_there() {
    let mut tracker = Tracker::new();
    let asked = registered(1, None, Some(LEASE_MS));
    assert_eq!(tracker.join(1, "alice"), [to(1, asked)]);
    assert_eq!(tracker.join(2, "bob"), [to(2, registered(2, None, None))]);
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    let known = Message::GenesisKnown(genesis_by(1));
    assert_eq!(tracker.said(), [to(1, known.clone()), to(2, known)]);
    let at_once = registered(3, Some(genesis_by(1)), None);
    assert_eq!(tracker.join(3, "carol"), [to(3, at_once)]);
}

/// Two peers, two genesis blocks: lesson 4.
#[test]
fn attack_a_second_genesis_is_answered_with_the_first_for_ever() {
    let mut tracker = founded();
    tracker.join(2, "bob");
    let known = Message::GenesisKnown(genesis_by(1));
    for offer in [genesis_by(2), genesis_by(1), other_genesis()] {
        tracker.receive(2, &Message::OfferGenesis(offer));
        assert_eq!(tracker.said(), [to(2, known.clone())]);
    }
    tracker.restart();
    assert_eq!(tracker.registry.genesis(), Some(&genesis_by(1)));
    let again = registered(2, Some(genesis_by(1)), None);
    assert_eq!(tracker.join(2, "bob"), [to(2, again)]);
    tracker.receive(2, &Message::OfferGenesis(genesis_by(2)));
    assert_eq!(tracker.said(), [to(2, known)]);
}

#[test]
fn nothing_is_said_before_the_disk_has_it() {
    let mut tracker = Tracker::new();
    tracker.open(1, 1, NOBODY);
    tracker.receive(1, &Message::Register(record(1, "alice", 1)));
    tracker.receive(1, &Message::GetMembers(()));
    assert!(tracker.out.is_empty() && tracker.facts.is_empty());
    tracker.sync_one();
    assert_eq!(tracker.out.len(), 2);
    tracker.out.clear();

    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    tracker.open(2, 2, NOBODY);
    tracker.receive(2, &Message::Register(record(2, "bob", 1)));
    tracker.receive(2, &Message::OfferGenesis(genesis_by(2)));
    tracker.tick(TICK_MS);
    assert!(tracker.out.is_empty());
    tracker.sync_one();
    let known = Message::GenesisKnown(genesis_by(1));
    assert_eq!(tracker.out.drain(..).collect::<Vec<_>>(), [to(1, known)]);
    // A power cut before the second batch: nobody had been told of bob.
    tracker.restart();
    assert_eq!(tracker.registry.registered_len(), 1);
    assert_eq!(tracker.registry.genesis(), Some(&genesis_by(1)));
}

#[test]
fn a_lease_that_runs_out_goes_to_the_next_and_round() {
    let mut tracker = Tracker::new();
    for (number, name) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        tracker.join(number, name);
    }
    tracker.tick(LEASE_MS - 1);
    tracker.said();
    for next in [2, 3, 1] {
        tracker.tick(1);
        let asked = registered(next, None, Some(LEASE_MS));
        assert!(tracker.said().contains(&to(next.into(), asked)));
        tracker.tick(LEASE_MS - 1);
        assert_eq!(tracker.said(), []);
    }
}

#[test]
fn a_member_alone_is_asked_again_and_may_be_late() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.now = tracker.now.plus_ms(LEASE_MS + 1);
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    assert_eq!(
        tracker.said(),
        [to(1, Message::GenesisKnown(genesis_by(1)))]
    );

    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.tick(LEASE_MS);
    let asked = registered(1, None, Some(LEASE_MS));
    assert_eq!(tracker.said()[0], to(1, asked));
}

#[test]
fn a_late_offer_counts_for_nothing_once_another_was_asked() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.join(2, "bob");
    tracker.tick(LEASE_MS);
    tracker.said();
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    assert_eq!(tracker.said(), []);
    tracker.receive(2, &Message::OfferGenesis(genesis_by(2)));
    let known = Message::GenesisKnown(genesis_by(2));
    assert_eq!(tracker.said(), [to(1, known.clone()), to(2, known.clone())]);
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    assert_eq!(tracker.said(), [to(1, known)]);
}

#[test]
fn the_lease_of_a_member_that_is_gone_goes_to_the_next_at_once() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.join(2, "bob");
    tracker.close(1);
    let asked = registered(2, None, Some(LEASE_MS));
    assert_eq!(tracker.said(), [to(2, asked)]);
    tracker.close(2);
    let asked = registered(1, None, Some(LEASE_MS));
    assert_eq!(tracker.join(1, "alice"), [to(1, asked)]);
}

#[test]
fn an_offer_that_is_not_what_was_asked_for_is_refused() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    let mut idle = genesis_by(1);
    while idle.header.has_work() {
        idle.header.nonce += 1;
    }
    let content = crate::chain::GenesisContent::new(params(), key(9), key(1));
    let other_tracker = crate::protocol::testing::mine(content.header(START), content);
    for bad in [idle, other_genesis(), genesis_by(2), other_tracker] {
        tracker.receive(1, &Message::OfferGenesis(bad));
        assert_eq!(refusal(tracker.said()), RefusalCode::BadGenesis);
    }
    tracker.open(7, 7, NOBODY);
    for question in [
        Message::OfferGenesis(genesis_by(7)),
        Message::GetMembers(()),
    ] {
        tracker.receive(7, &question);
        assert_eq!(refusal(tracker.said()), RefusalCode::NotRegistered);
    }
    assert_eq!(tracker.registry.genesis(), None);
}

#[test]
fn a_genesis_block_upon_which_nobody_could_mine_for_long_is_refused() {
    let most = params().max_ahead_ms();
    for (ahead_ms, taken) in [(most + 1, false), (most, true)] {
        let mut tracker = Tracker::new();
        tracker.join(1, "alice");
        let content = crate::chain::GenesisContent::new(params(), key(TRACKER), key(1));
        let stamped = content.header(tracker.now.wall.plus_ms(ahead_ms));
        let genesis = crate::protocol::testing::mine(stamped, content);
        tracker.receive(1, &Message::OfferGenesis(genesis.clone()));
        if !taken {
            assert_eq!(refusal(tracker.said()), RefusalCode::BadGenesis);
        }
        let known = tracker.registry.genesis().cloned();
        assert_eq!(known, taken.then_some(genesis));
    }
}

#[test]
fn a_tracker_that_lost_its_rows_takes_genesis_from_a_member_that_has_it() {
    let mut tracker = Tracker::new();
    let network = other_genesis().id();
    let name = "alice".parse().unwrap();
    let said = CertificateStatement::at(START, network, key(1), name, key(TRACKER));
    tracker.open_showing(1, 1, network, Some(said.sign(&secret(TRACKER))));
    tracker.receive(1, &Message::Register(record(1, "alice", 1)));
    assert_eq!(tracker.said(), [to(1, registered(1, None, None))]);
    // A newcomer is not asked for a new one meanwhile.
    assert_eq!(tracker.join(2, "bob"), [to(2, registered(2, None, None))]);
    tracker.receive(1, &Message::OfferGenesis(other_genesis()));
    let known = Message::GenesisKnown(other_genesis());
    assert_eq!(tracker.said(), [to(1, known.clone()), to(2, known)]);
    let adopted = Fact::GenesisAccepted {
        network: other_genesis().id(),
        from: MemberId(1),
        adopted: true,
        other_params: true,
    };
    assert_eq!(tracker.facts.last(), Some(&adopted));
    tracker.restart();
    assert_eq!(tracker.registry.network(), other_genesis().id());
}

#[test]
fn a_member_that_only_says_it_has_a_network_does_not_hold_up_the_others() {
    let mut tracker = Tracker::new();
    tracker.open(1, 1, other_genesis().id());
    tracker.receive(1, &Message::Register(record(1, "alice", 1)));
    let asked = registered(2, None, Some(LEASE_MS));
    assert!(tracker.join(2, "bob").contains(&to(2, asked)));
    // Nor is what it says it has taken, nor what it never said it has.
    tracker.receive(1, &Message::OfferGenesis(other_genesis()));
    assert_eq!(refusal(tracker.said()), RefusalCode::BadGenesis);
    tracker.receive(1, &Message::OfferGenesis(genesis()));
    assert_eq!(tracker.said(), []);
    assert_eq!(tracker.registry.genesis(), None);
}

/// The network of member 1's certificate, at a tracker that has founded it and lost its rows.
fn lost() -> Tracker {
    let mut tracker = Tracker::new();
    let network = genesis_by(1).id();
    assert_eq!(tracker.registry.has_founded(network), Some(network));
    tracker
}

#[test]
fn attack_l_a_tracker_that_lost_its_disk_founds_no_second_network_and_waits_for_its_members() {
    let mut tracker = lost();
    // A newcomer comes first, and comes again for an hour: it has no place, no name and no lease.
    for _ in 0..60 {
        assert_eq!(refusal(tracker.join(2, "alice")), RefusalCode::RegisterLost);
        tracker.tick(LEASE_MS);
        let said = tracker.said();
        assert!(
            said.iter().all(|out| matches!(out, Out::Closed(..))),
            "{said:?}"
        );
    }
    // Of another network of this tracker (it was founded twice, or somebody had its key) nobody takes it.
    let show = |tracker: &mut Tracker, genesis: Genesis, number: u8, name: &str| {
        let network = genesis.id();
        let called = name.parse().unwrap();
        let said = CertificateStatement::at(START, network, key(number), called, key(TRACKER));
        tracker.open_showing(
            number.into(),
            number,
            network,
            Some(said.sign(&secret(TRACKER))),
        );
        tracker.receive(number.into(), &Message::Register(record(number, name, 1)));
        tracker.said();
        tracker.receive(number.into(), &Message::OfferGenesis(genesis));
        tracker.said()
    };
    let other = show(&mut tracker, other_genesis(), 3, "carol");
    assert_eq!(refusal(other), RefusalCode::NotRegistered);
    let known = show(&mut tracker, genesis_by(1), 1, "alice");
    assert!(known.contains(&to(1, Message::GenesisKnown(genesis_by(1)))));
    // And now it is as it was.
    assert_eq!(refusal(tracker.join(4, "alice")), RefusalCode::NameTaken);
    let second = registered(2, Some(genesis_by(1)), None);
    assert_eq!(tracker.join(5, "dave"), [to(5, second)]);
}

#[test]
fn what_is_known_of_the_founding_changes_nothing_where_there_is_a_register() {
    let mut tracker = founded();
    assert_eq!(tracker.registry.has_founded(other_genesis().id()), None);
    let second = registered(2, Some(genesis_by(1)), None);
    assert_eq!(tracker.join(2, "bob"), [to(2, second)]);
}
