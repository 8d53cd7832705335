//! Places in which a node can't keep what it should: it stops in words, and goes on when there is room.

use super::support::{Cell, Lab, Node, so, wait_until};
use std::fs;
use std::path::PathBuf;

/// Room that a node gets which is to run out of it.
const ROOM: &str = "24m";
/// What is left of it when the node is at work, in KiB.
const LEFT_KIB: u64 = 512;

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
    alice.start().joins();
    let mut mined = vec![alice.mine_blocks(3)];
    let filler = disk.join("filler");
    cell.run(&format!(
        "free=$(df --output=avail -k {0} | tail -1); dd if=/dev/zero of={1} bs=1k count=$((free - {LEFT_KIB})) 2>/dev/null",
        disk.display(),
        filler.display()
    ));
    // Until there is no room any more.
    while let Ok(block) = alice.try_mine() {
        mined.push(block.id.to_string());
    }
    let status = alice.wait();
    assert!(!status.success(), "{status}");
    let said = alice.output();
    assert!(said.contains("is full; make room there"), "{said}");
    // Still no room: the same words again, and nothing is harmed.
    alice.spawn();
    assert!(!alice.wait().success());

    cell.run(&format!("rm {}", filler.display()));
    alice.start().joins();
    for id in &mined {
        let block = alice.block(id);
        assert_eq!(block.id.to_string(), *id);
    }
    assert!(mined.len() > 5, "only {} blocks fitted in", mined.len());
    alice.mine();
    alice.verify_chain();
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
    assert!(said.contains("Make its directory writable"), "{said}");
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
