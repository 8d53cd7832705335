//! Strangers who say little, much, or nothing, and many of them.

use super::{SOON, Target};
use crate::support::{Heard, RawPeer, free_address, so, wait_until};
use raclette::wire::channel::preamble;
use raclette::wire::version::Version;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::{Duration, Instant};

/// How long a stranger may take, with room for a busy machine; a node gives it 5 s.
pub const STRANGERS_TIME: Duration = Duration::from_secs(15);

#[test]
fn attack_slow_silent_and_talkative_strangers_are_let_go() {
    let target = Target::start();
    // Nothing.
    let begin = Instant::now();
    let mut silent = RawPeer::connect(target.alice.listen, 1);
    let mut after_handshake = target.stranger(2);
    // A byte a second.
    let mut slow = RawPeer::connect(target.alice.listen, 3);
    let said = [&preamble(Version::OURS)[..], &[9; 32]].concat();
    let mut bytes = said.iter();
    loop {
        assert!(
            begin.elapsed() < STRANGERS_TIME,
            "a slow one is still there"
        );
        slow.send_plain(&[*bytes.next().unwrap_or(&0)]);
        match slow.hear(Duration::from_secs(1)) {
            Heard::Closed => break,
            Heard::Nothing => {}
            Heard::Message(message) => panic!("answered: {message:?}"),
        }
    }
    silent.expect_close(STRANGERS_TIME);
    after_handshake.expect_close(STRANGERS_TIME);
    // More than 4 KiB, before the handshake, and announced as a first record after it.
    let mut much = RawPeer::connect(target.alice.listen, 4);
    much.send_plain(&[9; 4097]);
    much.expect_close(SOON);
    let mut much = target.stranger(5);
    let begin = Instant::now();
    much.send_plain(&4097_u16.to_le_bytes());
    much.expect_close(SOON);
    assert!(begin.elapsed() < Duration::from_secs(4), "refused unread");
    target.has_sessions(0);
    target.assert_well();
}

#[test]
fn attack_a_thousand_half_open_connections_hold_up_no_payment() {
    const HALF_OPEN: usize = 1_000;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let target = Target::start();
    let bob = target.lab.peer("bob");
    bob.has_sessions(1);
    target.alice.mine_blocks(2);
    let before = target.alice.resident_bytes();
    let begun = [&preamble(Version::OURS)[..], &[9; 32]].concat();
    let held: Vec<RawPeer> = (0..HALF_OPEN)
        .map(|number| {
            let mut raw = RawPeer::connect(target.alice.listen, (number % 250) as u8);
            // Half of them have begun their handshake.
            raw.send_plain(&begun[..begun.len() * (number % 2)]);
            raw
        })
        .collect();
    let payment = target.alice.send("bob", 7);
    wait_until("bob has the payment", || {
        let open = bob.open();
        so(open.contains(&payment), format!("{open:?}"))
    });
    let mined = target.alice.mine().id.to_string();
    bob.reaches(&mined);
    assert_eq!(bob.balance("bob"), 7);
    assert_eq!(bob.chain().sessions, 1, "the session was never lost");
    // And whoever comes anew gets in, though he can't be dialled.
    let dead = format!("advertise = [\"{}\"]\n", free_address());
    let carol = target.lab.peer_with("carol", &dead);
    wait_until("carol has a session with alice", || {
        let sessions = target.alice.chain().sessions;
        so(sessions == 2, sessions)
    });
    carol.reaches(&mined);
    let grown = target.alice.resident_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes for strangers");
    drop(held);
}
