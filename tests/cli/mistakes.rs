//! Mistakes in settings, and things that are in the way.

use super::run;
use crate::support::{Lab, Node, so, wait_until};
use std::fs;
use std::net::TcpListener;

/// Starts a node that can't start, and returns what it said.
fn fails_to_start(mut node: Node, code: i32) -> String {
    node.spawn();
    let status = node.wait();
    let output = node.output();
    assert_eq!(status.code(), Some(code), "{output}");
    output
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn cli_a_wrong_key_is_named_with_file_line_and_the_nearest_right_one() {
    let directory = tempfile::tempdir().unwrap();
    let text = "role = \"peer\"\nname = \"alice\"\ntrakers = [\"127.0.0.1:7000\"]\n";
    fs::write(directory.path().join("peer.toml"), text).unwrap();
    let ran = run(directory.path(), &["--config", "peer.toml"]);
    ran.fails(2, &["peer.toml:3", "trakers", "trackers"]);
    let ran = run(directory.path(), &["--config", "nowhere.toml"]);
    ran.fails(2, &["nowhere.toml", "node init"]);
}

#[test]
fn cli_init_never_overwrites() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tracker.toml");
    fs::write(&file, "mine").unwrap();
    run(directory.path(), &["init", "tracker"]).fails(1, &["tracker.toml", "exists"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn cli_a_node_that_does_not_run_is_not_asked() {
    let lab = Lab::prepare("");
    let alice = lab.prepare_peer("alice");
    let config = alice.config.to_str().unwrap();
    run(lab.directory(), &["--config", config, "status"]).fails(1, &["not run", config]);
    // Nor is one that was killed, whatever it has left behind.
    let mut lab = lab;
    lab.tracker.start();
    lab.tracker.kill();
    let config = lab.tracker.config.to_str().unwrap().to_owned();
    run(lab.directory(), &["--config", &config, "status"]).fails(1, &[&config]);
}

#[test]
fn cli_what_is_no_number_of_coins_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    for amount in ["-5", "1.5", "many", "1e3"] {
        let ran = run(directory.path(), &["send", "bob", amount]);
        ran.fails(2, &[amount, "whole numbers"]);
        let ran = run(directory.path(), &["send", "bob", "1", "--fee", amount]);
        ran.fails(2, &[amount, "whole numbers"]);
    }
    let ran = run(directory.path(), &["send", "bob", "18446744073709551616"]);
    ran.fails(2, &["more than all coins"]);
}

#[test]
fn cli_a_port_in_use_is_named() {
    let lab = Lab::prepare("");
    let _somebody = TcpListener::bind(lab.tracker.listen).unwrap();
    let port = lab.tracker.listen.to_string();
    let said = fails_to_start(lab.tracker, 1);
    says(&said, &[&port, "listen"]);
}

#[test]
fn cli_a_port_of_the_api_in_use_is_named() {
    let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = somebody.local_addr().unwrap().to_string();
    let lab = Lab::prepare("");
    for node in [lab.prepare_peer("alice"), lab.tracker] {
        let mut settings = fs::read_to_string(&node.config).unwrap();
        settings += &format!("\n[api]\nlisten = \"{port}\"\n");
        fs::write(&node.config, settings).unwrap();
        let said = fails_to_start(node, 1);
        says(&said, &[&port, "[api] listen"]);
        assert!(!said.contains("panic"), "{said}");
    }
}

#[test]
fn cli_a_second_node_on_the_same_data_is_kept_out() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let mut second = lab.prepare_peer("second");
    let text = fs::read_to_string(&second.config).unwrap();
    let data = alice.data_dir.to_str().unwrap();
    fs::write(&second.config, format!("data_dir = \"{data}\"\n{text}")).unwrap();
    second.data_dir.clone_from(&alice.data_dir);
    let said = fails_to_start(second, 1);
    says(&said, &[data]);
    assert!(alice.mine().height.0 > 0, "the first one is unharmed");
}

#[test]
fn cli_a_name_that_is_taken_is_told_with_what_to_do() {
    let lab = Lab::start();
    let _alice = lab.peer("alice");
    let other = lab.prepare_peer("other");
    let text = fs::read_to_string(&other.config).unwrap();
    let text = text.replace(
        "name = \"other\"",
        "name = \"alice\"\ndata_dir = \"other-data\"",
    );
    fs::write(&other.config, text).unwrap();
    let said = fails_to_start(other, 1);
    says(&said, &["\"alice\"", "another key", "choose another name"]);
}

#[test]
fn cli_an_unreachable_tracker_is_named_and_dialled_again() {
    let mut lab = Lab::prepare("block_interval_ms = 100\nstart_work = 64\n");
    let mut alice = lab.prepare_peer("alice");
    let tracker = lab.tracker.listen.to_string();
    alice.start();
    wait_until("it says which tracker does not answer", || {
        let status = alice.status();
        let trouble = status.tracker.trouble.clone().unwrap_or_default();
        let named = status.tracker.endpoint == tracker && !trouble.is_empty();
        so(named && status.waiting.is_some(), format!("{status:?}"))
    });
    says(&alice.output(), &[&tracker]);
    lab.tracker.start();
    alice.joins();
}
