//! Records at the command line: added, mined, listed and followed.

use super::Ran;
use super::commands::{command, json};
use crate::support::{Lab, Node, node, so, wait_until};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// A command that is handed this on its standard input.
fn fed(of: &Node, arguments: &[&str], input: &[u8]) -> Ran {
    let own = ["--config", of.config.to_str().unwrap()];
    let mut command = node(own.iter().chain(arguments).map(OsStr::new));
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

fn texts(of: &Node, topic: &str) -> Vec<String> {
    let list = json(of, &["--json", "record", "list", topic]);
    let entries = list["entries"].as_array().unwrap();
    let text = |entry: &Value| entry["body"]["text"].as_str().unwrap().to_owned();
    entries.iter().map(text).collect()
}

#[test]
fn cli_a_record_is_added_mined_listed_and_followed() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    let added = fed(&alice, &["record", "add", "guest-book"], b"hello").succeeds();
    assert!(added.contains("recorded  under guest-book"), "{added}");
    assert!(added.contains("open"), "{added}");
    let none = command(&alice, &["record", "list", "guest-book"]).succeeds();
    assert!(none.contains("nothing is recorded"), "{none}");
    let mined = ["record", "add", "guest-book", "--mine"];
    let mined = fed(&alice, &mined, b"with \x1b[2J\nand lines").succeeds();
    assert!(mined.contains("added in the block at height 1"), "{mined}");
    wait_until("bob has both", || {
        let texts = texts(&bob, "guest-book");
        so(texts.len() == 2, format!("{texts:?}"))
    });
    let mut both = texts(&bob, "guest-book");
    both.sort();
    assert_eq!(both, ["hello", "with \u{1b}[2J\nand lines"]);
    let list = command(&bob, &["record", "list", "guest-book"]).succeeds();
    assert!(list.contains("alice  in block 1"), "{list}");
    assert!(list.contains("with \\u{1b}[2J"), "{list}");
    // Page by page, and followed.
    let first = json(
        &bob,
        &["--json", "record", "list", "guest-book", "--limit", "1"],
    );
    let next = first["next"].as_str().unwrap();
    let second = ["--json", "record", "list", "guest-book", "--after", next];
    assert_eq!(json(&bob, &second)["entries"].as_array().unwrap().len(), 1);
    let own = ["--config", bob.config.to_str().unwrap()];
    let follow = ["--json", "record", "follow", "guest-book"];
    let mut following = node(own.iter().chain(&follow).map(OsStr::new));
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let raw = ["record", "add", "guest-book", "--mine", "--json"];
    fed(&alice, &raw, b"\xff\x00").succeeds();
    let told: Vec<Value> = lines
        .take(3)
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    following.kill().unwrap();
    following.wait().unwrap();
    assert!(told.iter().all(|entry| entry["event"] == "added"));
    assert_eq!(told[2]["body"]["hex"], "ff00");
    // A program in another language has the feed.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/follow_records.py");
    let mut front = std::process::Command::new("python3");
    front
        .arg(script)
        .arg(&bob.data_dir)
        .args(["guest-book", "--once"]);
    let front: Ran = front.output().unwrap().into();
    let front = front.succeeds();
    assert_eq!(front.lines().count(), 3, "{front}");
    assert!(front.contains("\"hex\": \"ff00\""), "{front}");
    // The history names it.
    let history = command(&alice, &["history"]).succeeds();
    assert!(history.contains("under guest-book"), "{history}");
}

#[test]
fn cli_what_can_not_be_recorded_is_refused_in_words() {
    let lab = Lab::start();
    let [alice] = lab.peers(["alice"]);
    let long = vec![b'x'; 64 * 1024 + 1];
    fed(&alice, &["record", "add", "guest-book"], &long).fails(2, &["65536 bytes at most"]);
    let exact = vec![0; 64 * 1024];
    fed(&alice, &["record", "add", "guest-book"], &exact).succeeds();
    let topic = "a name that is longer than thirty-two bytes";
    fed(&alice, &["record", "add", topic], b"x").fails(2, &["1 to 32 bytes"]);
    fed(&alice, &["record", "add", "t", "--file", "/nowhere"], b"").fails(2, &["/nowhere"]);
    command(&alice, &["record", "list", "a/b ?"]).succeeds();
    let cursor = ["record", "list", "guest-book", "--after", "x"];
    command(&alice, &cursor).fails(2, &["no cursor of this list"]);
}

/// Somebody else mines without end: sooner or later their block comes first, and that is said and mined over.
#[test]
fn cli_a_record_whose_race_is_lost_is_mined_over_until_it_is_in() {
    const TRIES: u32 = 100;
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let mut bob = lab.prepare_peer_with("bob", "[mining]\nmode = \"always\"\n");
    bob.start().joins();
    let add = ["record", "add", "guest-book", "--mine"];
    let lost = (0..TRIES).any(|number| {
        let told = fed(&alice, &add, &number.to_le_bytes()).succeeds();
        assert!(told.contains("added in the block at height"), "{told}");
        told.contains("lost the race: retrying")
    });
    assert!(lost, "{TRIES} races against somebody who mines without end");
}
