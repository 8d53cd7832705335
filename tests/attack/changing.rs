//! One of very many members changes without end, and everybody hears it each time.

use crate::Target;
use crate::lying::{OWN, listed, stand_in, stay};
use crate::support::{Node, RawPeer, now, so, wait_within};
use raclette::keys::{PublicKey, SecretKey};
use raclette::owner::answers::PeersView;
use raclette::wire::message::{MAX_MEMBERS, MembersChanged};
use raclette::wire::{Member, MemberId, MemberRecord, MemberStatement, Message};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Between two changes.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST: &str = "crowd-0";
const LAST: &str = "crowd-last";

/// What one of the crowd says of itself, for the so-many-th time; it is somewhere else each time.
fn word(key: &SecretKey, tracker: PublicKey, name: &str, sequence: u64) -> MemberRecord {
    let port = 1_024 + sequence % 60_000;
    let statement = MemberStatement {
        tracker,
        sequence,
        name: name.parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: vec![format!("192.0.2.7:{port}").parse().unwrap()],
    };
    statement.sign(key)
}

fn away(id: u32, record: MemberRecord) -> Member {
    Member {
        live: false,
        ..listed(MemberId(id), record)
    }
}

fn tell(raw: &mut RawPeer, changed: Vec<Member>) {
    let left = Vec::new();
    raw.send(&Message::MembersChanged(MembersChanged { changed, left }));
}

fn knows(alice: &Node, name: &str) {
    wait_within(PATIENCE, &format!("alice knows {name}"), || {
        let peers: PeersView = alice.try_get(&format!("/peers?matching={name}")).unwrap();
        so(!peers.peers.is_empty(), format!("{peers:?}"))
    });
}

/// The share of a core that alice takes while one of so many members changes for so long, and while nobody does; and
/// how often it changed.
fn share_while_one_changes(members: u32, lasts: Duration) -> (f64, f64, u64) {
    let Target {
        mut lab,
        alice,
        genesis,
    } = Target::start();
    let tracker = lab.tracker_key().public_key();
    let key = |number: u32| {
        let seed = *blake3::hash(&number.to_le_bytes()).as_bytes();
        SecretKey::from_bytes(seed)
    };
    let crowd: Vec<Member> = (0..members)
        .map(|number| {
            let name = format!("crowd-{number}");
            away(1_000 + number, word(&key(number), tracker, &name, 1))
        })
        .collect();
    let goes = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let [begin, end] = goes.clone();
    stand_in(&mut lab, genesis, move |mut raw, record| {
        tell(&mut raw, vec![listed(OWN, record)]);
        for part in crowd.chunks(MAX_MEMBERS - 1) {
            tell(&mut raw, part.to_vec());
        }
        let changing = key(0);
        let mut sequence = now().0;
        while !end.load(Ordering::Relaxed) {
            thread::sleep(PAUSE);
            if begin.load(Ordering::Relaxed) {
                sequence += 1;
                let word = word(&changing, tracker, FIRST, sequence);
                tell(&mut raw, vec![away(1_000, word)]);
            }
        }
        // Right behind a change, while the directory rests.
        tell(
            &mut raw,
            vec![away(1_000, word(&changing, tracker, FIRST, sequence + 1))],
        );
        let last = SecretKey::from_bytes([77; 32]);
        tell(&mut raw, vec![away(999, word(&last, tracker, LAST, 1))]);
        stay(raw);
    });
    for name in [FIRST.to_owned(), format!("crowd-{}", members - 1)] {
        knows(&alice, &name);
    }
    let share = || {
        let (before, from) = (alice.cpu_seconds(), Instant::now());
        thread::sleep(lasts);
        (alice.cpu_seconds() - before) / from.elapsed().as_secs_f64()
    };
    let [begin, end] = goes;
    let quiet = share();
    begin.store(true, Ordering::Relaxed);
    let changing = share();
    end.store(true, Ordering::Relaxed);
    // What was said at last is heard: nothing waits behind the changes.
    knows(&alice, LAST);
    (
        changing,
        quiet,
        (lasts.as_millis() / PAUSE.as_millis()) as u64,
    )
}

#[test]
fn attack_one_of_many_members_that_changes_without_end_keeps_nobody_from_hearing_of_others() {
    let (changing, quiet, _) = share_while_one_changes(1_000, Duration::from_secs(2));
    println!("{changing:.3} of a core, {quiet:.3} while nobody changes");
}

#[test]
#[ignore = "takes a minute: make soak"]
fn attack_soak_one_of_ten_thousand_members_that_changes_without_end_costs_a_seventh_of_a_core() {
    let (changing, quiet, times) = share_while_one_changes(10_000, Duration::from_secs(20));
    println!("{times} changes: {changing:.3} of a core, {quiet:.3} while nobody changes");
    assert!(
        changing - quiet < 0.15,
        "{changing} of a core, {quiet} at rest"
    );
}
