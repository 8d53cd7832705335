//! Places in which a node can't keep what it should: it stops in words, and goes on when there is room.

use super::support::{Cell, Lab, Node, so, wait_until};
use raclette::protocol::delivery::rows::SendState;
use std::fs;
use std::path::PathBuf;

/// Room of a small disk: enough for a short chain, and for little more.
const ROOM: &str = "24m";
/// What is left of it when the node is at work, in KiB. What the database has already set aside for its
/// log, some megabytes, comes on top.
const LEFT_KIB: u64 = 64;
/// Length of a note: the fewer it takes to fill the disk, the better.
const NOTE_BYTES: usize = 8_000;
/// Of these notes so many are waited for at their recipient.
const ARRIVE: usize = 50;

/// A peer whose data directory is a small disk of its own.
fn on_a_small_disk(lab: &Lab) -> Option<(Cell, Node, PathBuf)> {
    let disk = lab.directory().join("disk");
    fs::create_dir(&disk).unwrap();
    let inside = disk.join("data");
    let shown = disk.display();
    let cell = Cell::new(
        false,
        &format!("mount -t tmpfs -o size={ROOM} none {shown}; mkdir {shown}/data"),
    )?;
    let settings = format!("data_dir = {:?}\n", inside.display().to_string());
    let mut peer = lab.prepare_peer_with("alice", &settings);
    peer.prefix = cell.prefix();
    peer.data_dir = cell.seen(&inside);
    Some((cell, peer, disk))
}

#[test]
fn restart_after_the_disk_was_full_has_all_that_was_answered_and_goes_on() {
    let lab = Lab::start();
    let Some((cell, mut alice, disk)) = on_a_small_disk(&lab) else {
        return;
    };
    let mut bob = lab.peer("bob");
    alice.start().joins();
    alice.knows(&["bob"]);
    bob.stop();
    let mined = [alice.mine().id.to_string(), alice.mine().id.to_string()];
    let filler = disk.join("filler");
    cell.run(&format!(
        "free=$(df --output=avail -k {} | tail -1); head -c $((free - {LEFT_KIB}))k /dev/zero > {}",
        disk.display(),
        filler.display()
    ));
    // Until there is no room any more.
    let note = "x".repeat(NOTE_BYTES);
    let mut written = Vec::new();
    while let Ok(id) = alice.try_write("bob", 0, Some(&note)) {
        written.push(id);
    }
    let status = alice.wait();
    assert!(!status.success(), "{status}");
    let said = alice.output();
    assert!(said.contains("is full; make room there"), "{said}");
    // Not even room for a start: the same words again, and nothing is harmed.
    cell.run(&format!("cat /dev/zero >> {} || true", filler.display()));
    alice.spawn();
    assert!(!alice.wait().success());
    let said = &alice.output()[said.len()..];
    assert!(said.contains("is full; make room there"), "{said}");

    cell.run(&format!("rm {}", filler.display()));
    alice.start();
    // The API answers from the chain as soon as it answers at all: nothing else is waited for.
    for id in &mined {
        assert_eq!(alice.block(id).id.to_string(), *id);
    }
    assert!(written.len() > ARRIVE, "only {} fitted in", written.len());
    for id in &written {
        assert_eq!(alice.sent(id).state, SendState::Queued);
    }
    alice.mine();
    alice.verify_chain();
    // All would take a few blocks: more than a megabyte of one sender's notes is not open at a time.
    bob.start();
    for id in &written[..ARRIVE] {
        alice.sees_one_of(id, &[SendState::Delivered, SendState::Open]);
    }
    let last = written.last().expect("some were written");
    wait_until("the last one says why it waits", || {
        let reason = alice.sent(last).reason;
        so(reason.contains("free share is used up"), reason)
    });
}

#[test]
fn restart_in_a_directory_that_can_only_be_read_is_refused_in_words() {
    let lab = Lab::start();
    let Some((cell, mut alice, disk)) = on_a_small_disk(&lab) else {
        return;
    };
    alice.start().joins();
    let last = alice.mine_blocks(2);
    alice.stop();
    cell.run(&format!("mount -o remount,ro {}", disk.display()));
    alice.spawn();
    assert!(!alice.wait().success());
    let said = alice.output();
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(said.contains("may read and write"), "{said}");
    cell.run(&format!("mount -o remount,rw {}", disk.display()));
    alice.start().joins();
    alice.reaches(&last);
}

#[test]
fn restart_of_a_second_node_on_one_directory_is_refused_and_the_first_goes_on() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    alice.mine();
    let mut second = lab.prepare_peer_with(
        "second",
        &format!("data_dir = {:?}\n", alice.data_dir.display().to_string()),
    );
    second.spawn();
    assert!(!second.wait().success());
    let said = second.output();
    assert!(said.contains("in use by another running node"), "{said}");
    wait_until("the first one goes on", || {
        so(alice.try_mine().is_ok(), "it does not mine")
    });
    alice.verify_chain();
}
