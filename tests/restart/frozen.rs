//! Data directories and settings files of versions that are kept: `tests/frozen/VERSION/`. Each is unpacked,
//! started, and found to be what it was.

use crate::support::{Lab, Node, so, wait_until};
use raclette::store::SCHEMA_VERSION;
use raclette::wire::version::{PROTOCOL_DRAFT, PROTOCOL_VERSION};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a data directory is found to hold.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    height: u64,
    tip: String,
    balances: [u64; 2],
    members: Vec<String>,
    inbox: Vec<String>,
    waiting: usize,
    ballot: Value,
}

/// The directory of a version. While it is a draft, its formats change, and it is replaced; what is frozen stays.
fn place() -> PathBuf {
    let version = match PROTOCOL_DRAFT {
        0 => format!("{PROTOCOL_VERSION}.0"),
        draft => format!("{PROTOCOL_VERSION}-draft-{draft}-schema-{SCHEMA_VERSION}"),
    };
    frozen().join(version)
}

fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen")
}

fn json(node: &Node, what: &[&str]) -> Value {
    let output = match what {
        [one] => node.command(["--json", one]),
        [one, two] => node.command(["--json", one, two]),
        _ => panic!("{what:?}"),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().next();
    line.and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_else(|| panic!("{what:?}: {text}"))
}

/// Names that its ledger knows as members.
fn members(node: &Node) -> Vec<String> {
    let listed = json(node, &["members"]);
    let members = listed["members"].as_array().unwrap().iter();
    let mut names: Vec<_> = members
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn held(node: &Node) -> Held {
    let (height, tip) = node.tip();
    let mut ballot = json(node, &["vote", "list"])["ballots"][0].take();
    // What stands in it of the tip is said above.
    ballot.as_object_mut().unwrap().remove("tip");
    Held {
        height,
        tip,
        balances: ["alice", "bob"].map(|name| node.balance(name)),
        members: members(node),
        inbox: node.notes(),
        waiting: node.outbox().queued,
        ballot,
    }
}

fn tar(arguments: &[&str]) {
    let ran = Command::new("tar").args(arguments).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

#[test]
fn restart_on_what_a_kept_version_wrote_finds_everything() {
    assert!(
        place().is_dir(),
        "the formats have changed, and {} is not there: `git rm -r` what is there of the draft before, and make it \
         with: cargo test --release --test restart -- --ignored write_a_frozen_version",
        place().display()
    );
    for version in fs::read_dir(frozen()).unwrap() {
        let version = version.unwrap().path();
        reads(&version);
    }
}

fn reads(version: &Path) {
    let expected = fs::read_to_string(version.join("held.json")).unwrap();
    let expected: Held = serde_json::from_str(&expected).unwrap();
    let mut lab = Lab::prepare("");
    let mut alice = lab.prepare_peer("alice");
    for (node, name) in [(&lab.tracker, "tracker"), (&alice, "peer")] {
        fs::create_dir_all(&node.data_dir).unwrap();
        let archive = version.join(format!("{name}.tar.gz"));
        let to = node.data_dir.to_str().unwrap();
        tar(&["-xzf", archive.to_str().unwrap(), "-C", to]);
        // The settings files of that version are understood, each as what it is.
        let settings = lab.directory().join(format!("frozen-{name}.toml"));
        fs::copy(version.join(format!("{name}.toml")), &settings).unwrap();
        let program = env!("CARGO_BIN_EXE_node");
        let mut check = Command::new(program);
        check
            .arg("--config")
            .arg(&settings)
            .args(["config", "check"]);
        let checked = check.output().unwrap();
        assert!(checked.status.success(), "{checked:?}");
    }
    // Before anybody could tell it anything.
    alice.start();
    wait_until("the chain is there", || {
        let status = alice.status();
        so(status.chain.is_some(), format!("{status:?}"))
    });
    assert_eq!(held(&alice), expected, "{}", version.display());
    alice.verify_chain();
    lab.tracker.start();
    alice.joins();
    let known = lab.tracker.tracker_status();
    assert_eq!(known.registered, 2, "{known:?}");
    alice.mine();
    assert_eq!(alice.height(), expected.height + 1);
}

/// Makes the directory of this version. `cargo test --release --test restart -- --ignored write_a_frozen_version`
#[test]
#[ignore = "writes into the repository"]
fn write_a_frozen_version() {
    let place = place();
    assert!(!place.exists(), "{} is there", place.display());
    let mut lab = Lab::start();
    let [mut alice, mut bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(2);
    alice.knows(&["bob"]);
    bob.knows(&["alice"]);
    // The first ballot has members write on the ledger that they are.
    let roll = lab.directory().join("roll");
    fs::write(&roll, "alice\nbob\n").unwrap();
    let opened = alice.command([
        "vote",
        "open",
        "Where to?",
        "--choices",
        "Rome,Bern",
        "--roll",
        roll.to_str().unwrap(),
        "--closes",
        "+100000",
    ]);
    assert!(opened.status.success(), "{opened:?}");
    wait_until("both are members by the ledger", || {
        alice.mine();
        let found = members(&alice);
        so(found == ["alice", "bob"], format!("{found:?}"))
    });
    let paid = alice.write("bob", 3, Some("for the cheese"));
    alice.has_receipt(&paid);
    let thanks = bob.write("alice", 0, Some("thank you"));
    bob.has_receipt(&thanks);
    alice.has_notes(&["thank you"]);
    alice.mine();
    bob.stop();
    alice.write("bob", 1, Some("for later"));
    fs::create_dir_all(&place).unwrap();
    let text = serde_json::to_string_pretty(&held(&alice)).unwrap();
    fs::write(place.join("held.json"), text + "\n").unwrap();
    alice.stop();
    lab.tracker.stop();
    for (node, name) in [(&lab.tracker, "tracker"), (&alice, "peer")] {
        let archive = place.join(format!("{name}.tar.gz"));
        let from = node.data_dir.to_str().unwrap();
        let archive = archive.to_str().unwrap();
        // Logs are not read back, and what RocksDB tells of itself is none of the data.
        let without = ["--exclude=./logs", "--exclude=./db/LOG*"];
        tar(&["-czf", archive, "-C", from, without[0], without[1], "."]);
        let written = node.command(["config", "default", name]);
        fs::write(place.join(format!("{name}.toml")), written.stdout).unwrap();
    }
}
