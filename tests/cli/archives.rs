//! The chain as a file, and proofs of it, on nodes that run and nodes that do not.

use super::commands::{command, json};
use super::run;
use crate::support::{Lab, agree, so, wait_until};
use serde_json::Value;
use std::fs;

#[test]
fn cli_a_chain_goes_from_one_node_to_another_as_a_file() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    wait_until("alice knows bob", || {
        let known = alice.peers().peers.len();
        so(known == 2, known)
    });
    alice.mine_blocks(3);
    let paid = alice.send("bob", 7);
    let tip = alice.mine_blocks(2);
    bob.reaches(&tip);
    // While it runs, through its API; as one array, and line by line.
    let directory = lab.directory();
    let out = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    for format in ["json", "jsonl"] {
        let (name, file) = (
            format!("running.{format}"),
            out(&format!("running.{format}")),
        );
        let exported = ["--json", "export", "--format", format, "--out", &file];
        let end = json(&alice, &exported);
        assert_eq!(
            (&end["height"], &end["tip"]),
            (&5.into(), &Value::from(tip.clone()))
        );
        command(&alice, &exported).fails(1, &["there already", &name]);
    }
    let array: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(out("running.json")).unwrap()).unwrap();
    let lines = fs::read_to_string(out("running.jsonl")).unwrap();
    let printed = command(&alice, &["export"]).succeeds();
    assert_eq!(printed, lines);
    let lines: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(array, lines);
    // Not into a node that runs, and not into a tracker.
    command(&bob, &["import", &out("running.json")]).fails(1, &["is running", "stop it first"]);
    command(&lab.tracker, &["import", &out("running.json")]).fails(2, &["tracker"]);
    // Into one that never ran; once more changes nothing.
    let mut carol = lab.prepare_peer("carol");
    command(&carol, &["export"]).fails(1, &["never ran"]);
    let first = json(&carol, &["--json", "import", &out("running.json")]);
    assert_eq!((&first["added"], &first["known"]), (&5.into(), &0.into()));
    assert_eq!(first["tip"], tip.as_str());
    let again = json(&carol, &["--json", "import", &out("running.jsonl")]);
    assert_eq!((&again["added"], &again["known"]), (&0.into(), &5.into()));
    // Out of it again while it does not run: the same to the byte.
    command(&carol, &["export", "--out", &out("carol.jsonl")]).succeeds();
    assert_eq!(
        fs::read(out("carol.jsonl")).unwrap(),
        fs::read(out("running.jsonl")).unwrap()
    );
    // A node starts on what was imported, and is one of the network.
    alice.stop();
    carol.start().joins();
    assert_eq!(carol.tip(), (5, tip));
    wait_until("carol knows bob", || {
        let known = carol.peers().peers.len();
        so(known == 3, known)
    });
    assert_eq!(carol.balance("bob"), 7);
    carol.verify_chain();
    assert!(matches!(
        carol.transaction(&paid),
        raclette::owner::answers::TransactionState::Mined { .. }
    ));
}

#[test]
fn cli_a_file_of_another_network_or_a_changed_one_is_refused() {
    let (lab, other) = (Lab::start(), Lab::start());
    let mut alice = lab.peer("alice");
    let stranger = other.peer("stranger");
    alice.mine_blocks(2);
    let file = lab.directory().join("chain.jsonl");
    let name = file.to_str().unwrap();
    command(&alice, &["export", "--out", name]).succeeds();
    alice.stop();
    let foreign = lab.directory().join("foreign.jsonl");
    let foreign = foreign.to_str().unwrap();
    command(&stranger, &["export", "--out", foreign]).succeeds();
    command(&alice, &["import", foreign]).fails(1, &["the file holds the network"]);
    let text = fs::read_to_string(&file).unwrap();
    let carol = lab.prepare_peer("carol");
    let lines: Vec<_> = text.lines().collect();
    fs::write(&file, lines[..4].join("\n")).unwrap();
    command(&carol, &["import", name]).fails(1, &["cut short", "is kept"]);
    fs::write(&file, text.replacen("\"nonce\":\"", "\"nonce\":\"1", 3)).unwrap();
    command(&carol, &["import", name]).fails(1, &["was changed"]);
    fs::write(&file, &text).unwrap();
    let imported = json(&carol, &["--json", "import", name]);
    assert_eq!(
        (&imported["added"], &imported["known"]),
        (&0.into(), &2.into())
    );
    command(&carol, &["import", "nowhere"]).fails(1, &["nowhere"]);
}

/// The block is in the own database still, and its chain has gone over to another branch.
#[test]
fn cli_a_receipt_of_a_block_that_the_own_chain_has_left_convinces_nobody() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine();
    agree(&[&alice, &bob]);
    alice.knows(&["bob"]);
    let paid = alice.send("bob", 7);
    command(&alice, &["disconnect"]).succeeds();
    alice.mine();
    let file = alice.data_dir.join("receipt.json");
    let name = file.to_str().unwrap();
    command(&alice, &["prove", &paid, "--out", name]).succeeds();
    command(&alice, &["verify", name]).succeeds();
    let tip = bob.mine_blocks(3);
    command(&alice, &["connect"]).succeeds();
    alice.reaches(&tip);
    command(&alice, &["verify", name]).fails(1, &["--trust"]);
}

#[test]
fn cli_a_receipt_convinces_somebody_who_has_no_node() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    wait_until("alice knows bob", || {
        let known = alice.peers().peers.len();
        so(known == 2, known)
    });
    alice.mine();
    let paid = alice.send("bob", 7);
    let tip = alice.mine_blocks(12);
    bob.reaches(&tip);
    let elsewhere = tempfile::tempdir().unwrap();
    let receipt = elsewhere.path().join("receipt.json");
    let name = receipt.to_str().unwrap();
    let made = command(&alice, &["prove", &paid, "--out", name]).succeeds();
    // Whoever has a chain of their own need not say what to trust.
    for own in [&alice, &bob] {
        let told = command(own, &["verify", name]).succeeds();
        assert!(
            told.contains("on the chain of the block that you trust"),
            "{told}"
        );
    }
    alice.stop();
    command(&alice, &["verify", name]).fails(1, &["--trust"]);
    // The id of a block from a node of their own; or how much work is enough.
    let told = run(
        elsewhere.path(),
        &["verify", "receipt.json", "--trust", &tip],
    )
    .succeeds();
    assert!(told.contains("7 coins") && told.contains(&paid), "{told}");
    run(
        elsewhere.path(),
        &["verify", "receipt.json", "--work", "300"],
    )
    .succeeds();
    // Both who makes the proof and who checks it are told the same: the block that it is about.
    let json: Value = serde_json::from_str(&fs::read_to_string(&receipt).unwrap()).unwrap();
    let block = bob.block(json["block"]["height"].as_u64().unwrap());
    let block = block.id.to_string();
    let typed = |file: &str| format!("verify {file} --trust {block}");
    assert!(made.contains(&typed(name)), "{made}");
    let refused = run(elsewhere.path(), &["verify", "receipt.json"]);
    refused.fails(1, &["--work", &typed("receipt.json")]);
    run(
        elsewhere.path(),
        &["verify", "receipt.json", "--trust", &block],
    )
    .succeeds();
    run(
        elsewhere.path(),
        &["verify", "receipt.json", "--trust", &paid],
    )
    .fails(1, &["does not lead to"]);
    let text = fs::read_to_string(&receipt).unwrap();
    fs::write(
        &receipt,
        text.replace("\"amount\": \"7\"", "\"amount\": \"8\""),
    )
    .unwrap();
    run(
        elsewhere.path(),
        &["verify", "receipt.json", "--trust", &tip],
    )
    .fails(1, &["it was changed"]);
}

#[test]
fn cli_a_table_is_the_same_of_a_node_that_runs_and_of_one_at_rest() {
    let lab = Lab::start();
    let mut alice = lab.peer("alice");
    command(&alice, &["mine", "--blocks", "3"]).succeeds();
    let running = command(&alice, &["table", "blocks"]).succeeds();
    alice.stop();
    let at_rest = command(&alice, &["table", "blocks"]).succeeds();
    assert_eq!(running, at_rest);
    assert_eq!(running.lines().count(), 5, "{running}");
    command(&lab.tracker, &["table", "blocks"]).fails(2, &["has no chain"]);
}
