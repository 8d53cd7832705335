//! A tracker in the hands of those who stall, flood, or vanish.

use crate::support::{Heard, Lab, RawPeer, so, wait_until};
use raclette::chain::NetworkId;
use raclette::protocol::doorstep::MAX_STRANGERS_OF_ADDRESS;
use raclette::protocol::gossip::peers::MAX_HANDSHAKES;
use raclette::wire::Message;
use raclette::wire::channel::preamble;
use raclette::wire::version::Version;
use std::time::{Duration, Instant};

/// A lock held across network I/O blocks all later joins: lesson 17. Here everybody who could hold
/// one does: they connect and say nothing, say half of what they must, or never read an answer.
#[test]
fn attack_who_stalls_does_not_hold_up_later_joins() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let tracker = lab.tracker.listen;
    let _silent: Vec<_> = (0..20).map(|_| RawPeer::connect(tracker, 1)).collect();
    let mut halves: Vec<_> = (0..20).map(|_| RawPeer::connect(tracker, 2)).collect();
    for half in &mut halves {
        let begun = [&preamble(Version::OURS)[..], &[9; 32]].concat();
        half.send_plain(&begun[..begun.len() / 2]);
    }
    let mut deaf: Vec<_> = (10..30)
        .map(|seed| RawPeer::register(tracker, seed, &format!("deaf{seed}")).0)
        .collect();
    // They ask and ask, and read no answer.
    for raw in &mut deaf {
        for _ in 0..500 {
            raw.send(&Message::GetMembers(()));
        }
    }
    let since = Instant::now();
    let bob = lab.peer("bob");
    let took = since.elapsed();
    assert!(took < Duration::from_secs(20), "joining took {took:?}");
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    wait_until("alice is told of bob", || {
        let named = alice.peers().peers.into_iter().filter_map(|p| p.name);
        so(
            named.into_iter().any(|name| name.as_str() == "bob"),
            "not yet",
        )
    });
}

#[test]
fn attack_a_flood_of_strangers_leaves_room_for_members() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let tracker = lab.tracker.listen;
    // More than may stand about, all from here, where the members are, too.
    let mut flood = Vec::new();
    for _ in 0..3 * MAX_STRANGERS_OF_ADDRESS {
        flood.push(RawPeer::connect(tracker, 1));
    }
    let bob = lab.peer("bob");
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    assert!(alice.status().tracker.registered, "who was in stays in");
    let sessions = lab.tracker.tracker_status().sessions;
    assert!(sessions <= MAX_HANDSHAKES + 2, "{sessions}");
    let turned_away = flood.iter_mut().rev().take(10);
    for raw in turned_away {
        assert!(matches!(
            raw.hear(Duration::from_secs(20)),
            Heard::Closed | Heard::Message(_)
        ));
    }
}

/// Its key was kept apart, and its disk is gone. Whoever comes first then is no member of its network.
#[test]
fn attack_l_a_tracker_whose_disk_is_gone_founds_no_second_network() {
    let mut lab = Lab::start();
    let mut alice = lab.peer("alice");
    let last = alice.mine().id.to_string();
    let genesis = alice.block(0).id;
    alice.stop();
    lab.tracker.kill();
    std::fs::remove_dir_all(lab.tracker.data_dir.join("db")).unwrap();
    lab.tracker.start();
    wait_until("it says that its register is lost", || {
        let said = lab.tracker.output();
        so(said.contains("the register is lost"), said)
    });
    let mut bob = lab.prepare_peer("bob");
    bob.start();
    wait_until("bob is told that there is nothing to join yet", || {
        let shown = bob.output();
        so(shown.contains("lost its register"), shown)
    });
    let status = lab.tracker.tracker_status();
    assert_eq!((status.registered, status.network.id), (0, None));
    alice.start().joins();
    bob.joins();
    bob.reaches(&last);
    assert_eq!(bob.block(0).id, genesis);
    assert_eq!(lab.tracker.tracker_status().network.id, Some(genesis));
}

/// What a stranger makes a tracker hold before it has said anything. With thousands of members each of them
/// could hold as much.
#[test]
fn attack_m1_half_sent_frames_cost_a_tracker_little() {
    const COUNT: usize = 200;
    /// Of 4,000 sessions, 64 MiB.
    const EACH: u64 = 16 * 1024;
    let lab = Lab::start();
    let tracker = lab.tracker.listen;
    let halves = || -> Vec<RawPeer> {
        (0..COUNT)
            .map(|number| {
                let seed = 1 + (number % 200) as u8;
                let mut raw = RawPeer::peer(tracker, seed, NetworkId::ZERO);
                // All but the last byte of the longest Register that there may be.
                let most = Message::most(64).expect("a message") as u32;
                let mut frame = [most + 2].map(u32::to_le_bytes).concat();
                frame.extend(64u16.to_le_bytes());
                frame.resize(frame.len() + most as usize - 1, 0x90);
                raw.send_bytes(&frame);
                raw
            })
            .collect()
    };
    // What is taken once for all is not theirs.
    drop(halves());
    wait_until("they have gone", || {
        let sessions = lab.tracker.tracker_status().sessions;
        so(sessions == 0, sessions)
    });
    let before = lab.tracker.resident_bytes();
    let held = halves();
    wait_until("they are there", || {
        let sessions = lab.tracker.tracker_status().sessions;
        so(sessions == COUNT, sessions)
    });
    let grown = lab.tracker.resident_bytes().saturating_sub(before);
    println!("{COUNT} half-sent frames: {grown} bytes");
    assert!(grown < EACH * COUNT as u64, "{grown} bytes more");
    drop(held);
    // What is longer ends the session unread: a list of statements as a member may send one, and a block.
    for (seed, code) in [(250, 80), (251, 20), (252, 67)] {
        let mut raw = RawPeer::peer(tracker, seed, NetworkId::ZERO);
        let length = 8u32 * 1024;
        raw.send_bytes(&[&length.to_le_bytes()[..], &u16::to_le_bytes(code)].concat());
        let reason = raw.expect_close(Duration::from_secs(20));
        assert!(reason.is_some_and(|reason| reason.contains("allowed")));
    }
}
