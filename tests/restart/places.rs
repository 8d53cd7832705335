//! Places in which a node can't keep what it should: it stops in words, and harms nothing.

use super::support::{Cell, Lab, Node, so, wait_until};
use std::fs;
use std::path::PathBuf;

/// Room of a small disk: enough for a short chain.
const ROOM: &str = "24m";
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
