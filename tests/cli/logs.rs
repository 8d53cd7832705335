//! `node logs` on nodes that run.

use super::commands::command;
use crate::support::{Lab, Node, node, so, wait_until};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

/// What the logs of `alice` and of `with` hold of an id: node and event, in their order.
fn story(alice: &Node, with: &[&Node], id: &str) -> Vec<(String, String)> {
    let mut arguments = vec!["logs", "--json", "--id", id];
    for node in with {
        arguments.extend(["--with", node.config.to_str().unwrap()]);
    }
    let text = command(alice, &arguments).succeeds();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let word = |name: &str| line[name].as_str().unwrap().to_owned();
        (word("node"), word("event"))
    };
    text.lines().map(line).collect()
}

/// Fails unless `told` has these, among others, and those of each node in this order. (What happens
/// at two nodes within a millisecond stands in the order of the nodes.)
fn assert_order(told: &[(String, String)], expected: &[(&str, &str)]) {
    for name in ["alice", "bob"] {
        let mut rest = told.iter().filter(|(node, _)| node == name);
        for (_, event) in expected.iter().filter(|(node, _)| *node == name) {
            assert!(
                rest.any(|(_, e)| e == event),
                "{name}: {event} is missing, or too late, in {told:#?}"
            );
        }
    }
}

#[test]
fn cli_logs_follow_a_payment_and_a_block_across_nodes() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    let last = alice.mine_blocks(2);
    bob.reaches(&last);
    let payment = alice.send("bob", 7);
    wait_until("bob knows of the payment", || {
        so(!bob.open().is_empty(), "he does not")
    });
    let block = bob.mine().id.to_string();
    alice.reaches(&block);
    wait_until("alice has told of the block to its end", || {
        let told = story(&alice, &[&bob], &block);
        let last = ("alice".to_owned(), "block connected".to_owned());
        so(told.contains(&last), format!("{told:?}"))
    });

    let told = story(&alice, &[&bob], &payment);
    let way = [
        ("alice", "transaction open"),
        // Straight or by way of the network, whichever was faster.
        ("bob", "transaction open"),
        ("bob", "transaction closed"),
        ("alice", "transaction closed"),
    ];
    assert_order(&told, &way);
    let came = ["transaction received", "something came in"];
    let way_in = |event: &&str| told.contains(&("bob".to_owned(), (*event).to_owned()));
    assert!(came.iter().any(way_in), "{told:?}");
    let told = story(&alice, &[&bob], &block[..12]);
    let way = [
        ("bob", "block connected"),
        ("alice", "block received"),
        ("alice", "block connected"),
    ];
    assert_order(&told, &way);

    // What people see: the day, the part of the node, and nothing of what was not asked for.
    let text = command(&alice, &["logs", "--since", "1h", "--actor", "ledger"]).succeeds();
    assert!(text.lines().next().unwrap().starts_with("20"), "{text}");
    assert!(text.contains("ledger") && text.contains("block connected height=3"));
    assert!(!text.contains("peer connected"), "{text}");
    let one = command(&alice, &["logs", "--last", "1", "--json"]).succeeds();
    assert_eq!(one.lines().count(), 1);
    let copy = lab.directory().join("copy.jsonl");
    std::fs::copy(bob.data_dir.join("logs/node.jsonl"), &copy).unwrap();
    let both = ["logs", "--id", &payment, "--with", copy.to_str().unwrap()];
    assert!(command(&alice, &both).succeeds().contains("copy.jsonl"));
}

#[test]
fn cli_logs_follow_what_is_written_from_now_on() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let config = alice.config.to_str().unwrap();
    let arguments = [
        "--config", config, "logs", "--follow", "--last", "1", "--json",
    ];
    let mut process = node(arguments.map(AsRef::as_ref))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let (sender, seen) = mpsc::channel();
    let reading = thread::spawn(move || {
        lines.map_while(Result::ok).for_each(|line| {
            let _ = sender.send(line);
        });
    });
    let mined = alice.mine().id.to_string();
    let mut all = Vec::new();
    wait_until("the block is shown as it is mined", || {
        all.extend(seen.try_iter());
        let shown = all
            .iter()
            .any(|line| line.contains("block mined") && line.contains(&mined));
        so(shown, format!("{all:?}"))
    });
    process.kill().unwrap();
    process.wait().unwrap();
    reading.join().unwrap();
}

#[test]
fn cli_logs_without_a_log_say_so() {
    let lab = Lab::start();
    let alice = lab.prepare_peer("alice");
    command(&alice, &["logs"]).fails(1, &["never ran here"]);
    command(&lab.tracker, &["logs", "--with", "nowhere.jsonl"]).fails(1, &["check the path"]);
    command(&lab.tracker, &["logs", "--level", "loud"]).fails(2, &["error, warn, info"]);
    let told = command(&lab.tracker, &["logs"]).succeeds();
    assert!(told.contains("tracker up"), "{told}");
}

#[test]
fn cli_logs_level_has_a_running_node_tell_more_for_a_while() {
    let lab = Lab::start();
    let alice = lab.peer_with("alice", "[log]\nfile_level = \"info\"\n");
    // How often the ledger has told what it tells only with "debug".
    let told = || {
        let text = command(&alice, &["logs", "--json", "--last", "100000"]).succeeds();
        text.matches("\"block connected\"").count()
    };
    // What is told of an event below is in the file before what is told of one above it.
    let mine = |at_info: usize| {
        alice.mine();
        wait_until("the block is told of", || {
            let text = command(&alice, &["logs", "--json", "--last", "100000"]).succeeds();
            let found = text.matches("\"block mined\"").count();
            so(found == at_info, found)
        });
    };
    mine(1);
    assert_eq!(told(), 0);
    command(&alice, &["logs", "level", "ledger=debug"]).succeeds();
    mine(2);
    assert_eq!(told(), 1);
    let said = command(&alice, &["logs", "level", "ledger=debug", "--for", "1s"]).succeeds();
    assert!(said.contains("ledger"), "{said}");
    let mut blocks = 2;
    wait_until("its time is over", || {
        let before = told();
        blocks += 1;
        mine(blocks);
        so(told() == before, "it tells of it still")
    });
    command(&alice, &["logs", "level", "miner=warn"]).succeeds();
    command(&alice, &["logs", "level", "usual"]).succeeds();
    mine(blocks + 1);
    let refused = command(&alice, &["logs", "level", "cellar=debug"]);
    refused.fails(2, &["cellar", "ledger"]);
}
