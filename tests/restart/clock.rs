//! A clock that somebody sets back, or forth, while the node runs.

use super::support::{Lab, Node, so, wait_within};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Blocks whose times may lie so far ahead of a clock (6 intervals) that a jump does not part the two.
const NETWORK: &str = "block_interval_ms = 20000\nstart_work = 64\n";
/// By how much the clock is set back, in seconds.
const BACK: i64 = -90;
/// How long anything may take that takes a fraction of a second: far less than the jump.
const SOON: Duration = Duration::from_secs(30);

/// A library under which a node's clock is wrong by what a file says, and that file.
fn shifted_clock(directory: &Path) -> (PathBuf, PathBuf) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/native/shifted_clock.c");
    let library = directory.join("shifted_clock.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    let is_made = compiled.is_ok_and(|status| status.success());
    assert!(
        is_made,
        "no C compiler `cc` to make another clock with: install one (`make setup` does)"
    );
    (library, directory.join("shift"))
}

/// Whether a payment from one is open at the other soon, and mined by the other soon after.
fn pays_and_mines(from: &Node, to: &Node) {
    let payment = from.send(&to.name, 1);
    wait_within(SOON, "the payment is open at the other", || {
        so(to.open().contains(&payment), "it is not")
    });
    let block = to.mine().id.to_string();
    wait_within(SOON, "the block is the tip of both", || {
        let tip = from.tip();
        so(tip.1 == block, format!("{tip:?}"))
    });
}

#[test]
fn restart_or_not_a_clock_that_is_set_back_stops_nothing() {
    let lab = Lab::start_with(NETWORK);
    let (library, shift) = shifted_clock(lab.directory());
    let set = |seconds: i64| fs::write(&shift, seconds.to_string()).unwrap();
    set(0);
    let mut alice = lab.prepare_peer("alice");
    alice.environment = vec![
        ("LD_PRELOAD", library.into_os_string()),
        ("CLOCK_SHIFT_FILE", OsString::from(&shift)),
    ];
    alice.start().joins();
    let mut bob = lab.peer("bob");
    alice.has_sessions(1);
    for node in [&alice, &bob] {
        node.mine();
    }
    pays_and_mines(&alice, &bob);
    set(BACK);
    pays_and_mines(&alice, &bob);
    pays_and_mines(&bob, &alice);
    // Whoever was away is found again as soon as ever.
    bob.stop();
    alice.has_sessions(0);
    bob.start().joins();
    wait_within(SOON, "they are connected again", || {
        let sessions = alice.chain().sessions;
        so(sessions == 1, sessions)
    });
    set(0);
    pays_and_mines(&alice, &bob);
    alice.stop();
    set(BACK);
    alice.start().joins();
    pays_and_mines(&bob, &alice);
    alice.verify_chain();
}
