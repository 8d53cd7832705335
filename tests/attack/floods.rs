//! Floods, in figures. Small ones always; those that the promises are made of by `make soak`.

use crate::support::{Heard, Lab, Node, RawPeer, so, wait_until};
use raclette::chain::transaction::Note;
use raclette::chain::{
    Action, Amount, EncodedTransaction, Genesis, Height, NetworkId, Payload, Salt,
};
use raclette::keys::SecretKey;
use raclette::wire::channel::Side;
use raclette::wire::{MemberStatement, Message};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(super) const MIB: u64 = 1024 * 1024;

/// For each connection this process and the node that it started need a file.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = 16_384;
    let raised = Rlimit {
        current: Some(limit.maximum.map_or(wanted, |most| most.min(wanted))),
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// So many strangers come to a tracker, one after the other, and send all but the last byte of the longest
/// Register that there may be. By how many bytes the tracker grew, once it had seen some before.
fn half_sent(count: usize) -> u64 {
    raise_file_limit();
    let lab = Lab::start();
    let tracker = lab.tracker.listen;
    let halves = |count: usize| -> Vec<RawPeer> {
        let most = Message::most(64).expect("a message") as u32;
        let mut frame = [most + 2].map(u32::to_le_bytes).concat();
        frame.extend(64u16.to_le_bytes());
        frame.resize(frame.len() + most as usize - 1, 0x90);
        let half = |number: usize| {
            let mut raw = RawPeer::connect(tracker, 1 + (number % 200) as u8);
            // Whoever is turned away has cost nothing.
            if raw.try_to_shake_hands(Side::Initiator) {
                raw.say_hello(NetworkId::ZERO);
                raw.send_bytes(&frame);
            }
            raw
        };
        (0..count).map(half).collect()
    };
    drop(halves(50));
    wait_until("they have gone", || {
        let sessions = lab.tracker.tracker_status().sessions;
        so(sessions == 0, sessions)
    });
    let before = lab.tracker.resident_bytes();
    let held = halves(count);
    let grown = lab.tracker.resident_bytes().saturating_sub(before);
    let sessions = lab.tracker.tracker_status().sessions;
    println!("{count} half-sent frames: {sessions} sessions, {grown} bytes more");
    drop(held);
    let alice = lab.peer("alice");
    alice.mine();
    grown
}

#[test]
#[ignore = "takes a minute: make soak"]
fn attack_soak_four_thousand_half_sent_frames_cost_a_tracker_less_than_64_mib() {
    let grown = half_sent(4_000);
    assert!(grown < 64 * MIB, "{grown} bytes");
}

/// Somebody comes with ever new keys to be registered, without working for it, at most so many times a minute and
/// as often as this machine can; after `warm_up` an honest newcomer joins, and `class` more behind the same address.
/// How long both took, and how many came a minute.
fn flood_of_registrations(
    a_minute: usize,
    warm_up: Duration,
    class: u8,
) -> (Duration, Duration, usize) {
    const FLOODERS: usize = 4;
    raise_file_limit();
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let (tracker, begun) = (lab.tracker.listen, Instant::now());
    let (is_over, came) = (AtomicBool::new(false), AtomicUsize::new(0));
    let every = Duration::from_secs(60) / u32::try_from(a_minute / FLOODERS).unwrap();
    thread::scope(|scope| {
        for flooder in 0..FLOODERS {
            let (is_over, came) = (&is_over, &came);
            scope.spawn(move || {
                for number in 0u32.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    ask_to_register(
                        tracker,
                        100 + (number % 100) as u8,
                        &format!("m{flooder}-{number}"),
                    );
                    came.fetch_add(1, Ordering::Relaxed);
                    let due = begun + every * number;
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                }
            });
        }
        wait_until("the flood has come", || {
            let there = begun.elapsed() >= warm_up && came.load(Ordering::Relaxed) > 100;
            so(there, begun.elapsed().as_millis())
        });
        let since = Instant::now();
        let bob = lab.peer("bob");
        let alone = since.elapsed();
        let since = Instant::now();
        let pupils: Vec<_> = (1..=class)
            .map(|seed| RawPeer::register(tracker, seed, &format!("pupil-{seed}")).0)
            .collect();
        let all = since.elapsed();
        let took = begun.elapsed().as_secs_f64() / 60.0;
        let rate = (came.load(Ordering::Relaxed) as f64 / took) as usize;
        is_over.store(true, Ordering::Relaxed);
        drop(pupils);
        let last = alice.mine().id.to_string();
        bob.reaches(&last);
        let registered = lab.tracker.tracker_status().registered;
        assert_eq!(registered, 2 + usize::from(class), "the flood has a place");
        println!("{rate} a minute: one joined within {alone:?}, {class} more within {all:?}");
        (alone, all, rate)
    })
}

/// One time of many: dials, asks to be registered, hears what that costs, and is off.
fn ask_to_register(tracker: std::net::SocketAddr, seed: u8, name: &str) {
    let mut raw = RawPeer::connect(tracker, seed);
    if !raw.try_to_shake_hands(Side::Initiator) {
        return;
    }
    raw.say_hello(NetworkId::ZERO);
    let Some(theirs) = raw.hear_introduction() else {
        return;
    };
    let key = SecretKey::from_bytes([seed; 32]);
    let statement = MemberStatement {
        tracker: theirs.hello.key,
        sequence: 1,
        name: name.parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: Vec::new(),
    };
    raw.send(&Message::Register(statement.sign(&key)));
    let _ = raw.hear(Duration::from_secs(5));
}

#[test]
fn attack_a_flood_of_registrations_keeps_no_newcomer_out() {
    let (_, _, rate) = flood_of_registrations(3_000, Duration::from_secs(1), 3);
    assert!(rate > 0);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn attack_soak_ten_thousand_registrations_a_minute_hold_up_no_newcomer_and_no_class() {
    let (alone, class, rate) = flood_of_registrations(10_000, Duration::from_secs(60), 30);
    assert!(alone < Duration::from_secs(40), "{alone:?}");
    assert!(class < Duration::from_secs(60), "{class:?}");
    assert!(rate > 5_000, "no flood: {rate} a minute");
}

/// A note of a kilobyte without coins and fee.
fn free_note(genesis: &Genesis, key: &SecretKey, number: u64) -> EncodedTransaction {
    let mut note = vec![7; 1_000];
    note[..8].copy_from_slice(&number.to_le_bytes());
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&number.to_le_bytes());
    let payload = Payload {
        network: genesis.id(),
        sender: key.public_key(),
        salt: Salt(salt),
        expires_at: Height(1_000),
        fee: Amount::ZERO,
        action: Action::Transfer {
            to: genesis.content.founder,
            amount: Amount::ZERO,
            note: Note::new(note).unwrap(),
        },
    };
    EncodedTransaction::new(payload.sign(key))
}

/// A member announces notes without end, and hands over what it is asked for, as fast as it is asked; where it is
/// not, it announces more after a moment, whatever else it hears. How many it handed over.
fn flood_of_notes(
    target: &Node,
    lab: &Lab,
    genesis: &Genesis,
    seed: u8,
    is_over: &AtomicBool,
) -> usize {
    const AT_ONCE: u64 = 200;
    /// As many as a node asks of one.
    const OFFERED: usize = 4_000;
    const PATIENCE: Duration = Duration::from_millis(200);
    let (key, tracker) = (SecretKey::from_bytes([seed; 32]), lab.tracker_key());
    let mut raw = RawPeer::member(target.listen, seed, genesis.id(), &tracker);
    let (mut sent, mut batch) = (0, 0);
    let mut offered: Vec<EncodedTransaction> = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let numbers = batch * AT_ONCE..(batch + 1) * AT_ONCE;
        batch += 1;
        let notes: Vec<_> = numbers
            .map(|number| free_note(genesis, &key, number))
            .collect();
        let ids = notes.iter().map(EncodedTransaction::id).collect();
        raw.send(&Message::AnnounceTransactions(ids));
        offered.drain(..(offered.len() + notes.len()).saturating_sub(OFFERED));
        offered.extend(notes);
        let announced = Instant::now();
        while announced.elapsed() < PATIENCE {
            match raw.hear(PATIENCE) {
                Heard::Message(Message::GetTransactions(wanted)) => {
                    let wanted: HashSet<_> = wanted.into_iter().collect();
                    let asked = offered.iter().filter(|note| wanted.contains(&note.id()));
                    let asked: Vec<_> = asked.cloned().collect();
                    sent += asked.len();
                    raw.send(&Message::Transactions(asked));
                    break;
                }
                Heard::Message(Message::Ping(number)) => {
                    raw.send(&Message::Pong(crate::support::pong(number)));
                }
                Heard::Message(_) => {}
                Heard::Nothing => break,
                Heard::Closed => return sent,
            }
        }
    }
    sent
}

/// What somebody with the key of a seed floods a node with until it is over. How often.
pub(super) type Flood = fn(&Node, &Lab, &Genesis, u8, &AtomicBool) -> usize;

/// Members flood a node for so long; all the time somebody honest is paid by it. The longest time that a payment took,
/// and by how many bytes the node grew.
pub(super) fn flood_beside_payments(
    flood: Flood,
    keys: u8,
    lasts: Duration,
    blocks: usize,
) -> (Duration, u64) {
    const FIRST: u8 = 100;
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    // Coins for as many payments as there is time for.
    bob.reaches(&alice.mine_blocks(blocks));
    let genesis = RawPeer::learn_genesis(lab.tracker.listen, 99, "reader");
    let names: Vec<_> = (0..keys).map(|n| format!("flooder-{n}")).collect();
    let members: Vec<_> = (FIRST..)
        .zip(&names)
        .map(|(seed, name)| RawPeer::register(lab.tracker.listen, seed, name).0)
        .collect();
    alice.knows(&names.iter().map(String::as_str).collect::<Vec<_>>());
    drop(members);
    let before = alice.resident_bytes();
    let (is_over, begun) = (AtomicBool::new(false), Instant::now());
    let (mut longest, mut most) = (Duration::ZERO, 0);
    thread::scope(|scope| {
        let floods: Vec<_> = (FIRST..FIRST + keys)
            .map(|seed| {
                scope.spawn({
                    let (alice, lab, genesis, is_over) = (&alice, &lab, &genesis, &is_over);
                    move || flood(alice, lab, genesis, seed, is_over)
                })
            })
            .collect();
        loop {
            let since = Instant::now();
            let id = alice.write("bob", 1, None);
            alice.has_receipt(&id);
            longest = longest.max(since.elapsed());
            most = most.max(alice.resident_bytes().saturating_sub(before));
            if begun.elapsed() >= lasts {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let sent: usize = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
        println!(
            "a flood of {sent} in {:?}: payments within {longest:?}, {most} bytes more",
            begun.elapsed()
        );
        assert!(sent > 0, "nothing was asked for: no flood");
    });
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    (longest, most)
}

/// Members ask for as much as may wait for them, and read none of it; beside that somebody honest is paid. By how
/// many bytes the node grew.
fn long_answers_unread(members: u8) -> u64 {
    const FIRST: u8 = 100;
    /// Notes of two members: more than one answer holds, and no more than each may send.
    const NOTES: u64 = 500;
    /// Answers that may wait for one session, of a mebibyte each.
    const ASKED: usize = 8;
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    bob.reaches(&alice.mine_blocks(10));
    let genesis = RawPeer::learn_genesis(lab.tracker.listen, 99, "reader");
    let names = ["writer-1", "writer-2"];
    let writers: Vec<_> = (1..)
        .zip(names)
        .map(|(seed, name)| RawPeer::register(lab.tracker.listen, seed, name).0)
        .collect();
    alice.knows(&names);
    let notes: Vec<_> = writers
        .iter()
        .flat_map(|writer| (0..NOTES).map(|number| free_note(&genesis, &writer.key, number)))
        .collect();
    let mut raw = RawPeer::member(alice.listen, 1, genesis.id(), &lab.tracker_key());
    for some in notes.chunks(200) {
        let ids = some.iter().map(EncodedTransaction::id).collect();
        raw.send(&Message::AnnounceTransactions(ids));
        raw.expect("to be asked", |message| {
            matches!(message, Message::GetTransactions(_)).then_some(())
        });
        raw.send(&Message::Transactions(some.to_vec()));
    }
    wait_until("all are open", || {
        let open = alice.chain().open_transactions;
        so(open == notes.len(), open)
    });
    let ids: Vec<_> = notes.iter().map(EncodedTransaction::id).collect();
    let question = Message::GetTransactions(ids).to_frame().unwrap();
    let before = alice.resident_bytes();
    let readers: Vec<_> = (FIRST..FIRST + members)
        .map(|seed| {
            let mut reader = RawPeer::member(alice.listen, seed, genesis.id(), &lab.tracker_key());
            (0..ASKED).for_each(|_| reader.send_bytes(&question));
            reader
        })
        .collect();
    let mut most = 0;
    for _ in 0..10 {
        let id = alice.write("bob", 1, None);
        alice.has_receipt(&id);
        most = most.max(alice.resident_bytes().saturating_sub(before));
    }
    println!("{} who read nothing: {most} bytes more", readers.len());
    most
}

#[test]
fn attack_long_answers_that_nobody_reads_cost_no_memory_of_their_own() {
    let most = long_answers_unread(20);
    assert!(most < 64 * MIB, "{most} bytes");
}

#[test]
#[cfg(target_env = "gnu")]
fn attack_freed_memory_is_not_kept_for_every_thread() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    assert!(alice.began_with("MALLOC_ARENA_MAX=2"));
    assert!(lab.tracker.began_with("MALLOC_ARENA_MAX=2"));
}

#[test]
fn attack_a_flood_of_free_notes_holds_up_no_payment() {
    let (_, most) = flood_beside_payments(flood_of_notes, 4, Duration::from_secs(3), 10);
    assert!(most < 64 * MIB, "{most} bytes");
}

#[test]
#[ignore = "takes minutes: make soak"]
fn attack_soak_a_minute_of_free_notes_from_twenty_keys_holds_up_no_payment() {
    let (longest, most) = flood_beside_payments(flood_of_notes, 20, Duration::from_secs(60), 100);
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    assert!(most < 64 * MIB, "{most} bytes");
}
