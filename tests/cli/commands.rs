//! The commands on a network that runs.

use super::{Ran, run};
use crate::support::{Lab, Node, free_address, so, wait_until};
use raclette::owner::answers::TransactionState;
use serde_json::Value;
use std::fs;

pub fn json(node: &Node, arguments: &[&str]) -> Value {
    let text = command(node, arguments).succeeds();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub fn command(node: &Node, arguments: &[&str]) -> Ran {
    let config = node.config.to_str().unwrap();
    let arguments = [&["--config", config], arguments].concat();
    run(node.config.parent().unwrap(), &arguments)
}

#[test]
fn cli_a_walk_from_init_to_a_payment() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    run(at, &["init", "tracker"]).succeeds();
    let listen = free_address().to_string();
    for name in ["alice", "bob"] {
        let own = free_address().to_string();
        let out = format!("{name}.toml");
        let arguments = [
            "--name",
            name,
            "--tracker",
            &listen,
            "--listen",
            &own,
            "--out",
            &out,
        ];
        run(at, &[&["init", "peer"][..], &arguments].concat()).succeeds();
    }
    // The tracker's file as an owner edits it: another port, open to all, and blocks that cost nothing.
    let path = at.join("tracker.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("127.0.0.1:7000", &listen);
    let text = text.replace("admission = \"invite\"", "admission = \"open\"");
    let text = text.replace("start_work = 4_194_304", "start_work = 64");
    fs::write(&path, text).unwrap();
    let shared = std::sync::Arc::new(directory);
    let open = |name: &str| {
        let path = shared.path().join(format!("{name}.toml"));
        let text = fs::read_to_string(path).unwrap();
        Node::new(&shared, name, listen.parse().unwrap(), &text)
    };
    let [mut tracker, mut alice, mut bob] = ["tracker", "alice", "bob"].map(open);
    tracker.start();
    alice.start().joins();
    bob.start().joins();
    alice.has_sessions(1);

    command(&alice, &["mine", "--blocks", "2"]).succeeds();
    let sent = json(&alice, &["--json", "send", "bob", "5"]);
    let id = sent["id"].as_str().unwrap();
    wait_until("bob sees it open", || {
        let state = bob.transaction(id);
        so(state == TransactionState::Open, format!("{state:?}"))
    });
    assert_eq!(json(&bob, &["--json", "tx", id])["state"], "open");
    assert_eq!(json(&bob, &["--json", "open"])["count"], 1);
    command(&bob, &["mine"]).succeeds();
    assert_eq!(json(&bob, &["--json", "tx", id])["state"], "mined");
    assert_eq!(json(&bob, &["--json", "balance"])["balance"], "55");
    assert_eq!(json(&bob, &["--json", "balance", "alice"])["balance"], "95");
    assert_eq!(json(&bob, &["--json", "block", "3"])["height"], 3);
    assert_eq!(
        json(&bob, &["--json", "status"])["chain"]["tip"]["height"],
        3
    );
    command(&bob, &["chain", "verify"]).succeeds();
    // People read tables.
    let table = command(&bob, &["peers"]).succeeds();
    assert!(table.contains("alice") && table.contains("bob"), "{table}");
    let tracker_table = command(&tracker, &["status"]).succeeds();
    assert!(tracker_table.contains(&listen), "{tracker_table}");
}

#[test]
fn cli_a_fair_no_is_1_and_misuse_is_2() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    command(&alice, &["send", "nobody", "5"]).fails(1, &["nobody"]);
    command(&alice, &["send", "alice", "5"]).fails(1, &["same"]);
    lab.peer("bob");
    wait_until("alice knows bob", || {
        let peers = alice.peers().peers;
        so(peers.len() == 2, peers.len())
    });
    command(&alice, &["send", "bob", "5"]).fails(1, &["insufficient funds", "0 available"]);
    command(&alice, &["block", "99"]).fails(1, &["99"]);
    command(&alice, &["send", "bob", "-5"]).fails(2, &["-5"]);
    command(&alice, &["send", "bob", "many"]).fails(2, &["many"]);
    command(&alice, &["tx", "zz"]).fails(2, &["64 hexadecimal digits"]);
    command(&alice, &["dance"]).fails(2, &["dance"]);
    command(&alice, &["balance", "bob", "carol"]).fails(2, &["carol"]);
}

#[test]
fn cli_leave_takes_a_member_off_the_list_until_it_comes_anew() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    let lists_alice = |node: &Node| {
        let named = |name: &str| name == "alice";
        let peers = node.peers().peers;
        let mut names = peers.iter().filter_map(|peer| peer.name.as_ref());
        names.any(|name| named(name.as_str()))
    };
    wait_until("bob knows alice", || so(lists_alice(&bob), "he does not"));
    let said = command(&alice, &["leave", "--yes"]).succeeds();
    assert!(said.contains("alice has left"), "{said}");
    wait_until("bob hears that alice has left", || {
        so(!lists_alice(&bob), "she is listed still")
    });
    command(&alice, &["leave", "--yes"]).fails(1, &["not registered"]);
    alice.stop();
    alice.start();
    alice.joins();
    wait_until("bob knows alice again", || {
        so(lists_alice(&bob), "he does not")
    });
}
