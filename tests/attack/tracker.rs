//! A tracker in the hands of those who stall, flood, or vanish.

use crate::support::{Heard, Lab, RawPeer, so, wait_until};
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
