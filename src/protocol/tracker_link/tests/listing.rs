//! What the tracker tells of the members.

use super::*;
use crate::wire::member::Leaving;

fn told(id: u32, record: MemberRecord, live: bool) -> Member {
    Member {
        id: MemberId(id),
        record,
        live,
        reachable: live,
        since: START,
    }
}

/// The word of who has this key that it leaves, with a number above all that it says here.
fn leaves(number: u8) -> Leaving {
    Leaving::sign(key(TRACKER), u64::MAX, &member(number))
}

fn tell(peer: &mut Peer, changed: Vec<Member>, left: Vec<Leaving>) -> (Vec<Member>, Vec<Member>) {
    let news = MembersChanged { changed, left };
    peer.receive(SESSION, &Message::MembersChanged(news));
    match peer.changed.pop() {
        Some(Effect::DirectoryChanged { changed, left }) => (changed, left),
        _ => (Vec::new(), Vec::new()),
    }
}

fn known(peer: &Peer) -> Vec<u32> {
    let members = peer.link.directory().members();
    members.map(|m| m.id.0).collect()
}

#[test]
fn the_directory_follows_the_tracker_and_survives_a_restart() {
    let mut peer = joined();
    let alice = told(1, record(1, "alice", START.0), true);
    let bob = told(2, record(2, "bob", 1), true);
    let (changed, left) = tell(&mut peer, vec![alice.clone(), bob.clone()], vec![]);
    assert_eq!((changed, left), (vec![alice.clone(), bob.clone()], vec![]));
    let (changed, _) = tell(&mut peer, vec![bob.clone()], vec![]);
    assert_eq!(changed, [], "no news");
    let away = told(2, record(2, "robert", 2), false);
    let (changed, _) = tell(&mut peer, vec![away.clone()], vec![]);
    assert_eq!(changed, std::slice::from_ref(&away));
    peer.restart(true);
    let directory = peer.link.directory();
    assert_eq!(directory.by_name(&"robert".parse().unwrap()), Some(&away));
    assert_eq!(directory.by_key(&key(2)), Some(&away));
    assert_eq!(directory.by_id(MemberId(2)), Some(&away));
    assert_eq!(directory.by_name(&"bob".parse().unwrap()), None);
    assert_eq!(directory.len(), 2);
}

#[test]
fn attack_l2_whom_the_tracker_does_not_name_is_away_and_not_forgotten() {
    let mut peer = joined();
    let alice = told(1, record(1, "alice", START.0), true);
    let bob = told(2, record(2, "bob", 1), true);
    let carol = told(3, record(3, "carol", 1), true);
    let all = vec![alice.clone(), bob.clone(), carol.clone()];
    tell(&mut peer, all, vec![]);
    let (_, left) = tell(&mut peer, vec![], vec![leaves(3), leaves(99)]);
    assert_eq!(left, [carol]);
    peer.close(SESSION);
    next_dial(&mut peer);
    peer.open(SESSION, &tracker_hello());
    peer.receive(SESSION, &registered(Some(genesis_by(9))));
    // An answer to a question is not the list.
    peer.receive(SESSION, &Message::Members(vec![alice.clone()]));
    assert_eq!(known(&peer), [1, 2]);
    assert!(peer.link.directory().is_named(&key(2)));
    let (changed, left) = tell(&mut peer, vec![alice], vec![]);
    assert!(!peer.link.directory().is_named(&key(2)));
    assert!(peer.link.directory().is_named(&key(1)));
    let away = Member {
        live: false,
        reachable: false,
        ..bob.clone()
    };
    assert_eq!((changed, left), (vec![away.clone()], vec![]));
    assert_eq!(peer.link.directory().by_key(&key(2)), Some(&away));
    // From now on it is told only what changes.
    tell(&mut peer, vec![bob], vec![]);
    assert_eq!(known(&peer), [1, 2]);
    peer.restart(true);
    assert_eq!(known(&peer), [1, 2]);
}

#[test]
fn attack_l2_a_tracker_makes_nobody_vanish_without_that_ones_word() {
    let mut peer = joined();
    let bob = told(2, record(2, "bob", 5), true);
    tell(&mut peer, vec![bob.clone()], vec![]);
    // Another's word for it, one that is older than what he said since, one to another tracker, one that is made up.
    let by_another = Leaving {
        key: key(2),
        ..leaves(3)
    };
    let to_another = Leaving::sign(key(9), 6, &member(2));
    let made_up = Leaving {
        sequence: 7,
        ..Leaving::sign(key(TRACKER), 6, &member(2))
    };
    let old = Leaving::sign(key(TRACKER), 5, &member(2));
    let none = tell(
        &mut peer,
        vec![],
        vec![by_another, to_another, made_up, old],
    );
    assert_eq!(none, (vec![], vec![]));
    assert_eq!(peer.warnings.len(), 3, "{:?}", peer.warnings);
    assert_eq!(known(&peer), [2]);
    // Who was off when he left hears it when it is back, and whoever says something later is there again.
    peer.restart(true);
    peer.tick(0);
    peer.open(SESSION, &tracker_hello());
    peer.receive(SESSION, &registered(None));
    let word = Leaving::sign(key(TRACKER), 6, &member(2));
    assert_eq!(tell(&mut peer, vec![], vec![word.clone()]).1, [bob]);
    peer.restart(true);
    assert_eq!(known(&peer), [] as [u32; 0]);
    peer.tick(0);
    peer.open(SESSION, &tracker_hello());
    peer.receive(SESSION, &registered(None));
    tell(
        &mut peer,
        vec![told(7, record(2, "bob", 8), true)],
        vec![word],
    );
    assert_eq!(known(&peer), [7]);
}

#[test]
fn attack_l5_a_tracker_that_may_not_issue_introduces_nobody_whom_nobody_certified() {
    let mut peer = joined();
    tell(&mut peer, vec![told(2, record(2, "bob", 1), true)], vec![]);
    let moved = told(77, record(2, "bob", 2), true);
    let invented = told(78, record(66, "mallory", 1), true);
    assert!(peer.link.is_introduced(&moved, false));
    assert!(!peer.link.is_introduced(&invented, false));
    assert!(peer.link.is_introduced(&invented, true));
}

#[test]
fn of_a_list_in_parts_nobody_is_taken_to_be_away_before_its_end() {
    let mut peer = joined();
    let bob = told(2, record(2, "bob", 1), true);
    tell(&mut peer, vec![bob.clone()], vec![]);
    peer.close(SESSION);
    next_dial(&mut peer);
    peer.open(SESSION, &tracker_hello());
    peer.receive(SESSION, &registered(Some(genesis_by(9))));
    let alice = told(1, record(1, "alice", START.0), true);
    let is_live = |peer: &Peer| peer.link.directory().by_key(&key(2)).map(|bob| bob.live);
    tell(&mut peer, vec![alice; MAX_MEMBERS], vec![]);
    assert_eq!(is_live(&peer), Some(true));
    tell(&mut peer, vec![], vec![]);
    assert_eq!(is_live(&peer), Some(false));
    assert_eq!(known(&peer), [1, 2]);
}

#[test]
fn a_record_that_its_key_did_not_sign_is_not_entered() {
    let mut peer = joined();
    let mut forged = record(2, "bob", 1);
    forged.statement.sealing_key = member(66).sealing_key();
    let mut abroad = statement(3, "carol", 1);
    abroad.tracker = key(77);
    let abroad = abroad.sign(&member(3));
    let news = vec![told(2, forged, true), told(3, abroad, true)];
    assert_eq!(tell(&mut peer, news, vec![]), (vec![], vec![]));
    assert!(peer.link.directory().is_empty());
    assert!(matches!(
        peer.warnings[..],
        [Warning::BadRecord { .. }, Warning::BadRecord { .. }]
    ));
}

#[test]
fn an_old_record_told_again_does_not_replace_the_latest() {
    let mut peer = joined();
    tell(&mut peer, vec![told(2, record(2, "bob", 5), true)], vec![]);
    tell(
        &mut peer,
        vec![told(2, record(2, "bobby", 4), false)],
        vec![],
    );
    let bob = peer.link.directory().by_key(&key(2)).unwrap();
    assert_eq!((bob.record.statement.sequence, bob.live), (5, false));
}

#[test]
fn a_name_keeps_its_key_until_the_owner_of_this_node_says_otherwise() {
    let mut peer = joined();
    let name: MemberName = "bob".parse().unwrap();
    let bob = told(2, record(2, "bob", 1), true);
    let thief = told(3, record(3, "bob", 1), true);
    tell(&mut peer, vec![bob.clone()], vec![]);
    for restart in [false, true] {
        if restart {
            // Also when bob has left, and after a restart.
            tell(&mut peer, vec![], vec![leaves(2)]);
            peer.restart(true);
            peer.tick(0);
            peer.open(SESSION, &tracker_hello());
            peer.receive(SESSION, &registered(None));
        }
        peer.warnings.clear();
        let (changed, _) = tell(&mut peer, vec![thief.clone()], vec![]);
        assert_eq!(changed, []);
        let warned = Warning::NameChangedKey {
            name: name.clone(),
            pinned: key(2),
            shown: key(3),
        };
        assert_eq!(peer.warnings, [warned]);
        tell(&mut peer, vec![thief.clone()], vec![]);
        assert_eq!(peer.warnings.len(), 1, "told once");
        assert_eq!(peer.link.directory().by_key(&key(3)), None);
    }
    let withheld: Vec<_> = peer.link.directory().withheld().collect();
    assert_eq!(withheld, [(&thief, key(2))]);
}

#[test]
fn who_left_is_not_withheld_any_more() {
    let mut peer = joined();
    tell(&mut peer, vec![told(2, record(2, "bob", 1), true)], vec![]);
    tell(&mut peer, vec![told(3, record(3, "bob", 1), true)], vec![]);
    tell(&mut peer, vec![], vec![leaves(3)]);
    assert_eq!(peer.link.directory().withheld().count(), 0);
    assert_eq!(known(&peer), [2]);
}

#[test]
fn attack_l2_a_number_that_is_given_to_another_makes_nobody_vanish() {
    let mut peer = joined();
    let bob = told(2, record(2, "bob", 1), true);
    let carol = told(3, record(3, "carol", 1), true);
    tell(&mut peer, vec![bob.clone(), carol], vec![]);
    // It lost its register, and gives them out anew.
    let carol = told(2, record(3, "carol", 1), true);
    let (changed, left) = tell(&mut peer, vec![carol.clone()], vec![]);
    // Bob stays a member, under a number that nobody has, also on the disk.
    let moved = Member {
        id: MemberId(u32::MAX),
        ..bob
    };
    assert_eq!((changed, left), (vec![moved.clone(), carol], vec![]));
    let stored = TrackerLink::open(peer.link.config.clone(), peer.disk.clone()).unwrap();
    for directory in [peer.link.directory(), stored.directory()] {
        assert_eq!(directory.by_key(&key(2)), Some(&moved));
        assert_eq!(directory.by_id(moved.id), Some(&moved));
        assert_eq!(directory.len(), 2);
    }
    let bob = told(3, record(2, "bob", 1), true);
    tell(&mut peer, vec![bob], vec![]);
    assert_eq!(known(&peer), [3, 2], "by name");
    assert_eq!(peer.link.directory().len(), 2);
}

#[test]
fn damaged_rows_are_told_at_the_start() {
    let mut peer = joined();
    tell(&mut peer, vec![told(2, record(2, "bob", 1), true)], vec![]);
    let config = peer.link.config.clone();
    for row_key in peer.disk.keys() {
        let mut damaged = peer.disk.clone();
        damaged.get_mut(row_key).unwrap().pop();
        assert!(TrackerLink::open(config.clone(), damaged).is_err());
    }
    let mut misplaced = peer.disk.clone();
    let bob = misplaced[&b"\x01bob"[..]].clone();
    misplaced.insert(b"\x01rob".to_vec(), bob);
    assert!(TrackerLink::open(config.clone(), misplaced).is_err());
    let mut strange = peer.disk.clone();
    strange.insert(vec![99], Vec::new());
    assert!(TrackerLink::open(config, strange).is_err());
}
