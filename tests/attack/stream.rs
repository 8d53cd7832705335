//! Bytes that are no conversation: cut, merged, endless, too large, none at all.

use super::{SOON, Target};
use crate::support::{Heard, RawPeer, free_address, so, wait_until};
use raclette::wire::Message;
use raclette::wire::channel::RecordKind;
use raclette::wire::limits::FRAME_CAP;
use std::time::{Duration, Instant};

/// Connections of a flood.
const FLOOD: u8 = 100;
/// Over how long the processor time of a node at rest is taken.
const AT_REST: Duration = Duration::from_secs(3);
/// The part of one processor that a node at rest may use. It uses next to nothing; one that runs in
/// circles uses all of it.
const RESTING_LOAD: f64 = 0.3;

/// Codes of a ping and of a block.
const PING: u16 = 2;
const BLOCK: u16 = 20;

/// A frame under `code` that announces `length` bytes and brings none of them.
fn announcing(code: u16, length: usize) -> Vec<u8> {
    let mut bytes = (length as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&code.to_le_bytes());
    bytes
}

/// Waits for an answer to a ping. Says nothing meanwhile: a message is half said.
fn next_pong(raw: &mut RawPeer) -> u64 {
    loop {
        match raw.hear(SOON) {
            Heard::Message(Message::Pong(pong)) => return pong.number,
            Heard::Message(_) => {}
            other => panic!("expected a pong, heard {other:?}"),
        }
    }
}

#[test]
fn attack_messages_merged_and_cut_are_understood() {
    let target = Target::start();
    let mut raw = RawPeer::connect(target.alice.listen, 1);
    let statement =
        raw.statement_of_membership(target.network(), target.lab.tracker_key().public_key());
    raw.certificate = Some(statement.sign(&target.lab.tracker_key()));
    // The handshake byte by byte.
    raw.piece = 1;
    raw.shake_hands();
    raw.say_hello(target.network());
    raw.hear_hello();
    let ping = |number| Message::Ping(number).to_frame().unwrap();
    let length = ping(1).len();
    // The first record: a whole ping and the beginning of the next. Each later one: the rest of that, a
    // whole one, and the beginning of one more, cut at every place in turn. The answer to the whole one
    // tells that the beginning behind it was read without its rest.
    let mut bytes = Vec::new();
    for (number, cut) in (1..).step_by(2).zip(1..length) {
        let next = ping(number + 1);
        bytes.extend(ping(number));
        bytes.extend_from_slice(&next[..cut]);
        raw.send_bytes(&bytes);
        if number > 1 {
            assert_eq!(next_pong(&mut raw), number - 1);
        }
        assert_eq!(next_pong(&mut raw), number, "each is answered, in order");
        bytes = next[cut..].to_vec();
    }
}

#[test]
fn attack_connections_that_say_nothing_or_close_leave_the_node_at_rest() {
    let target = Target::start();
    for seed in 0..FLOOD {
        // Closed at once; closed in the midst of a frame; half closed after the hello.
        drop(RawPeer::connect(target.alice.listen, seed));
        RawPeer::connect(target.alice.listen, seed).send_bytes(&[9, 0]);
        RawPeer::connect(target.alice.listen, seed).close_sending();
    }
    let mut half = target.attacker(201);
    half.close_sending();
    half.expect_close(SOON);
    target.has_sessions(0);
    let mut silent = target.attacker(202);
    let before = target.alice.cpu_seconds();
    while_silent(&mut silent, AT_REST);
    let used = target.alice.cpu_seconds() - before;
    let allowed = AT_REST.as_secs_f64() * RESTING_LOAD;
    assert!(used < allowed, "{used} s of processor time at rest");
    target.assert_well();
}

/// Stays connected and says nothing.
fn while_silent(raw: &mut RawPeer, length: Duration) {
    let end = Instant::now() + length;
    while Instant::now() < end {
        match raw.hear(end.saturating_duration_since(Instant::now())) {
            Heard::Closed => panic!("closed"),
            Heard::Message(_) | Heard::Nothing => {}
        }
    }
}

#[test]
fn attack_a_stranger_who_never_says_hello_is_let_go() {
    let target = Target::start();
    let mut raw = RawPeer::connect(target.alice.listen, 1);
    raw.expect_close(Duration::from_secs(60));
}

#[test]
fn attack_a_flood_of_silent_connections_does_not_keep_others_out() {
    let target = Target::start();
    let flood: Vec<RawPeer> = (0..FLOOD)
        .map(|seed| RawPeer::connect(target.alice.listen, seed))
        .collect();
    // Nobody can dial bob, so that he has to get in.
    let dead = format!("advertise = [\"{}\"]\n", free_address());
    let bob = target.lab.peer_with("bob", &dead);
    bob.has_sessions(1);
    drop(flood);
    target.assert_well_with(&bob);
}

#[test]
fn attack_frames_beyond_their_cap_are_refused_unread() {
    let target = Target::start();
    let longest = 2 + Message::most(BLOCK).unwrap();
    let too_long = [
        (BLOCK, longest + 1),
        (BLOCK, FRAME_CAP + 1),
        (BLOCK, u32::MAX as usize),
        (PING, 12),
    ];
    for (seed, (code, length)) in (2..).zip(too_long) {
        let mut peer = target.attacker(seed);
        peer.send_bytes(&announcing(code, length));
        peer.expect_close(SOON);
    }
    target.assert_well();
}

#[test]
fn attack_announced_bytes_that_never_come_cost_no_memory() {
    let target = Target::start();
    let longest = 2 + Message::most(BLOCK).unwrap();
    let before = target.alice.resident_bytes();
    let peers: Vec<RawPeer> = (0..20)
        .map(|seed| {
            let mut peer = target.attacker(seed);
            peer.send_bytes(&announcing(BLOCK, longest));
            peer
        })
        .collect();
    target.has_sessions(peers.len());
    target.alice.mine();
    let grown = target.alice.resident_bytes().saturating_sub(before);
    assert!(grown < FRAME_CAP as u64 * 5, "{grown} bytes more");
}

#[test]
fn attack_garbage_closes_its_own_connection_only() {
    let target = Target::start();
    let honest = target.lab.peer("bob");
    honest.has_sessions(1);
    let mut web = RawPeer::connect(target.alice.listen, 1);
    web.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    web.expect_close(SOON);
    // An introduction that is none, frames in the place of one, a second one, an unknown code, a
    // payload that is not canonical, a message that belongs to the tracker, a length that cannot even
    // hold the code.
    let mut raw = RawPeer::connect(target.alice.listen, 2);
    raw.shake_hands();
    raw.send_record(RecordKind::Introduction, &[0xc1; 40]);
    raw.expect_close(SOON);
    let mut raw = RawPeer::connect(target.alice.listen, 3);
    raw.shake_hands();
    raw.send(&Message::Ping(1));
    raw.expect_close(SOON);
    let mut raw = target.attacker(4);
    raw.say_hello(target.network());
    raw.expect_close(SOON);
    let mut raw = target.attacker(5);
    raw.send_frame(60_000, &[]);
    raw.expect_close(SOON);
    let mut raw = target.attacker(6);
    // 1 as a two-byte integer, where one byte would do.
    raw.send_frame(Message::Ping(1).code(), &[0xcc, 1]);
    raw.expect_close(SOON);
    let mut raw = target.attacker(7);
    raw.send(&Message::GetMembers(()));
    raw.expect_close(SOON);
    let mut raw = target.attacker(8);
    raw.send_bytes(&[1, 0, 0, 0, 0, 0, 0, 0]);
    raw.expect_close(SOON);
    assert_eq!(honest.chain().sessions, 1, "the honest one stays");
    target.assert_well_with(&honest);
}

#[test]
fn attack_questions_without_end_are_answered_without_growing() {
    let target = Target::start();
    target.alice.mine_blocks(20);
    let mut raw = target.attacker(1);
    let before = target.alice.resident_bytes();
    let question = Message::GetHeaders(vec![target.network()]);
    let questions: Vec<u8> = (0..2_000)
        .flat_map(|_| question.to_frame().unwrap())
        .collect();
    // Nothing is read meanwhile: the node must not keep answers for somebody who does not listen.
    raw.send_bytes(&questions);
    wait_until("alice mines on", || {
        target.alice.mine();
        let grown = target.alice.resident_bytes().saturating_sub(before);
        so(grown < 64 << 20, format!("{grown} bytes more"))
    });
    // It is let go for that, though it answers what it is asked.
    raw.expect_close_or(SOON, |raw, message| {
        if let Message::GetHeaders(_) = message {
            raw.send(&Message::Headers(Vec::new()));
        }
    });
    target.assert_well();
}

impl Target {
    /// As [`Target::assert_well`], where bob is there already.
    fn assert_well_with(&self, bob: &crate::support::Node) {
        let mined = self.alice.mine();
        bob.reaches(&mined.id.to_string());
    }
}
