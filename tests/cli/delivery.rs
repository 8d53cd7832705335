//! Paying and writing at the command line: what is waited for, listed, read, and can't be undone.

use super::commands::{command, json};
use crate::support::{Lab, Node, agree, node, so, wait_until};
use raclette::keys::SecretKey;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// A command that is under way, whose both outputs are read.
fn begin(of: &Node, arguments: &[&str]) -> Child {
    let own = ["--config", of.config.to_str().unwrap()];
    let words = own.iter().chain(arguments).map(OsStr::new);
    let mut command = node(words);
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn unread(node: &Node) -> u64 {
    let status = json(node, &["status", "--json"]);
    status["chain"]["delivery"]["unread"].as_u64().unwrap()
}

/// Waits until so many messages are in a node's inbox.
fn has_unread(node: &Node, messages: u64) {
    wait_until(&format!("{messages} messages came"), || {
        so(unread(node) == messages, unread(node))
    });
}

/// The command line that a text tells to type behind these words.
fn told<'a>(text: &'a str, words: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(words));
    let line = line.unwrap_or_else(|| panic!("{words:?} is not in {text}"));
    let (_, arguments) = line.split_once(".toml").unwrap();
    arguments.split_whitespace().collect()
}

#[test]
fn cli_wait_delivered_waits_for_a_receipt_and_says_who_is_away() {
    let lab = Lab::start();
    let [alice, mut dan] = lab.peers(["alice", "dan"]);
    alice.mine_blocks(2);
    dan.stop();
    wait_until("alice hears that dan is away", || {
        let peers = alice.peers().peers;
        let dan = peers
            .iter()
            .find(|peer| peer.name.as_ref().is_some_and(|n| n.as_str() == "dan"));
        so(
            dan.is_some_and(|dan| dan.live == Some(false)),
            format!("{dan:?}"),
        )
    });
    // Open is not delivered, though it goes by way of the network: it waits for dan's receipt.
    let sent = ["send", "dan", "3", "--broadcast", "--wait", "delivered"];
    let mut broadcast = begin(&alice, &sent);
    let mut told = BufReader::new(broadcast.stderr.take().unwrap()).lines();
    let waits = told.any(|line| line.unwrap().contains("waiting to be delivered: open"));
    assert!(waits, "it says what it waits for");
    broadcast.kill().unwrap();
    broadcast.wait().unwrap();
    let open = ["send", "dan", "2", "--broadcast", "--wait", "open"];
    command(&alice, &open).succeeds();
    // Straight to him: it waits, and says for what.
    let arguments = ["send", "dan", "4", "--note", "hi", "--wait", "delivered"];
    let mut waiting = begin(&alice, &arguments);
    let mut told = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let line = told.find_map(|line| line.ok().filter(|line| line.contains("waiting")));
    let line = line.unwrap();
    assert!(
        line.contains("dan is offline") && line.contains("Ctrl-C leaves it queued"),
        "{line}"
    );
    let outbox = command(&alice, &["outbox"]).succeeds();
    assert!(outbox.contains("dan is offline"), "{outbox}");
    let history = command(&alice, &["history"]).succeeds();
    let row = history.lines().find(|line| line.contains("hi")).unwrap();
    assert!(row.contains("queued") && row.contains(" no "), "{history}");
    dan.start();
    let ended = waiting.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let history = command(&alice, &["history"]).succeeds();
    let row = history.lines().find(|line| line.contains("hi")).unwrap();
    assert!(row.contains(" yes "), "{history}");
}

#[test]
fn cli_ids_that_are_printed_can_be_typed_back() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(2);
    alice.knows(&["bob"]);
    let id = alice.send("bob", 5);
    wait_until("it is open", || {
        so(alice.open() == [id.clone()], "it is not")
    });
    let shown = |text: &str| -> String {
        let words = text.split_whitespace();
        let mut cut = words.filter(|word| word.ends_with('…'));
        cut.next().unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    for list in ["open", "history"] {
        let text = command(&alice, &[list]).succeeds();
        let short = shown(&text);
        assert!(id.starts_with(short.trim_end_matches('…')), "{text}");
        let state = json(&alice, &["--json", "tx", &short]);
        assert_eq!(state["id"], id.as_str(), "{list}");
    }
    let mined = command(&alice, &["mine"]).succeeds();
    let block = shown(&mined);
    let told = json(&alice, &["--json", "block", &block]);
    assert_eq!(told["height"], 3);
    let proof = command(&alice, &["prove", &block, "--json"]).succeeds();
    assert!(proof.contains(told["id"].as_str().unwrap()));
    // An address, whole, where the settings want it.
    let addresses = command(&alice, &["peers", "--addresses"]).succeeds();
    let bobs = addresses
        .lines()
        .find(|line| line.starts_with("bob"))
        .unwrap();
    let address = bobs.split_whitespace().last().unwrap();
    assert_eq!(
        json(&alice, &["--json", "balance", address])["balance"],
        "5"
    );
    drop(bob);
}

#[test]
fn cli_what_was_not_shown_is_not_read_and_can_be_seen() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    for number in 0..70 {
        alice.write("bob", 0, Some(&format!("homework {number}.")));
    }
    has_unread(&bob, 70);
    // Nobody reads what goes into a closed pipe.
    let mut nobody = begin(&bob, &["--json", "inbox"]);
    drop(nobody.stdout.take());
    nobody.wait().unwrap();
    assert_eq!(unread(&bob), 70);
    let first = command(&bob, &["inbox"]).succeeds();
    assert_eq!(first.matches("homework").count(), 50, "{first}");
    assert!(first.contains("* was not read before"), "{first}");
    assert!(first.contains("20 messages are not read yet"), "{first}");
    assert_eq!(unread(&bob), 20);
    let older = command(&bob, &told(&first, "There is more")).succeeds();
    assert_eq!(older.matches("homework").count(), 20, "{older}");
    assert!(older.contains("homework 0.") && !older.contains("There is more"));
    assert_eq!(unread(&bob), 0);
    // What was sent goes on as well.
    let mut seen = 0;
    let mut arguments = vec!["history".to_owned(), "--limit".to_owned(), "40".to_owned()];
    for _ in 0..2 {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let page = command(&alice, &words).succeeds();
        seen += page.matches("homework").count();
        if page.contains("There is more") {
            arguments = told(&page, "There is more")
                .iter()
                .map(|w| (*w).to_owned())
                .collect();
        }
    }
    assert_eq!(seen, 70);
}

#[test]
fn cli_the_account_has_mined_coins_signs_and_what_there_was_then_and_goes_on() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    let empty = command(&bob, &["account"]).succeeds();
    assert!(empty.contains("nothing came into a block"), "{empty}");
    alice.mine();
    let send = ["send", "bob", "7", "--fee", "1", "--note", "for the cheese"];
    command(&alice, &[&send[..], &["--wait", "open"]].concat()).succeeds();
    alice.mine();
    agree(&[&alice, &bob]);
    let page = command(&alice, &["account", "--limit", "1"]).succeeds();
    let mut shown = page.clone();
    let mut more = page;
    while more.contains("There is more") {
        more = command(&alice, &told(&more, "There is more")).succeeds();
        shown.push_str(&more);
    }
    // Behind day and time of each.
    let rows = shown
        .lines()
        .filter(|line| line.contains("sent") || line.contains("mined"));
    let rows = rows.map(|line| {
        line.split_whitespace()
            .skip(2)
            .collect::<Vec<_>>()
            .join(" ")
    });
    let expected = [
        "2 sent -8 1 93 to bob: for the cheese",
        "2 mined +51 - 101",
        "1 mined +50 - 50",
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected, "{shown}");
    // Said on each of the two pages.
    assert_eq!(shown.matches("93 coins at height 2").count(), 2, "{shown}");
    let his = command(&bob, &["account"]).succeeds();
    assert!(
        his.contains("+7") && his.contains("from alice: for the cheese"),
        "{his}"
    );
}

#[test]
fn cli_what_can_not_be_undone_is_refused_without_a_terminal_and_without_yes() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    command(&alice, &["leave"]).fails(2, &["no logging out", "--yes"]);
    assert!(alice.status().tracker.registered);
    command(&alice, &["leave", "--yes"]).succeeds();
}

#[test]
fn cli_a_note_costs_no_coins_and_what_is_withdrawn_keeps_its_text() {
    let lab = Lab::start();
    let [alice, mut bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    bob.stop();
    alice.has_sessions(0);
    let sent = command(&alice, &["send", "bob", "0", "--note", "see you"]).succeeds();
    assert!(
        sent.contains("a note to bob") && !sent.contains("0 coins to"),
        "{sent}"
    );
    let id = sent
        .lines()
        .find_map(|line| line.strip_prefix("id "))
        .unwrap()
        .trim();
    // He was gone before it was written: it has never left.
    command(&alice, &["outbox", "withdraw", &id[..6]]).succeeds();
    let history = command(&alice, &["history"]).succeeds();
    let row = history.lines().find(|line| line.contains("see you"));
    assert!(
        row.is_some_and(|row| row.contains("withdrawn")),
        "{history}"
    );
    let refused = command(&alice, &["send", "bob", "0"]);
    refused.fails(2, &["0 coins and no text", "--note"]);
    let exported = lab.directory().join("chain.json");
    command(&alice, &["export", "--out", exported.to_str().unwrap()]).succeeds();
    let text = std::fs::read_to_string(&exported).unwrap();
    assert!(
        serde_json::from_str::<Vec<Value>>(&text).is_ok(),
        "it is no array"
    );
    let unknown = command(&alice, &["logs", "--actor", "foo"]);
    unknown.fails(1, &["foo", "tracker_link", "gossip"]);
}

#[test]
fn cli_the_nodes_terminal_tells_what_comes_in_by_name() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(2);
    alice.knows(&["bob"]);
    alice.write("bob", 5, Some("for the cheese"));
    wait_until("bob's terminal tells of it", || {
        let shown = bob.output();
        let told = [
            "alice sent you 5 coins, with a note",
            "block 2 by alice",
            "connected with alice",
        ];
        so(told.iter().all(|part| shown.contains(part)), shown)
    });
    let shown = bob.output();
    assert!(
        !shown.contains("until_ms=") && !shown.contains("for the cheese"),
        "{shown}"
    );
}

#[test]
fn cli_a_send_repeated_after_a_lost_answer_is_a_question() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(2);
    alice.knows(&["bob"]);
    let process = Pid::from_raw(alice.api().unwrap().pid as i32).unwrap();
    let arguments = ["send", "bob", "5"];
    // The node hangs, and whoever waits for it gives up.
    kill_process(process, Signal::STOP).unwrap();
    let mut given_up = begin(&alice, &arguments);
    let sending = alice.data_dir.join("sending");
    wait_until("the send was begun", || {
        let begun = std::fs::read_dir(&sending).is_ok_and(|mut files| files.next().is_some());
        so(begun, "it was not")
    });
    given_up.kill().unwrap();
    given_up.wait().unwrap();
    kill_process(process, Signal::CONT).unwrap();
    // The same once more is not sent without a word.
    command(&alice, &arguments).fails(2, &["its answer was lost", "--same", "--another"]);
    command(&alice, &[&arguments[..], &["--same"]].concat()).succeeds();
    let paid = json(&alice, &["--json", "history"]);
    assert_eq!(paid["entries"].as_array().unwrap().len(), 1, "{paid}");
    // From then on it is another one.
    command(&alice, &arguments).succeeds();
    drop(bob);
}

#[test]
fn cli_send_many_says_which_lines_were_refused_and_takes_nothing_of_the_others_back() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    let last = alice.mine_blocks(2);
    bob.reaches(&last);
    let file = lab.directory().join("wages.csv");
    let path = file.to_str().unwrap();
    std::fs::write(
        &file,
        "to,coins,note\nbob,5,for the cheese\nbbo,1,\nbob,1000000,\nbob,7,\n",
    )
    .unwrap();
    let told = alice.command(["send-many", path, "--json"]);
    assert_eq!(told.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap();
    let lines = |list: &Value| -> Vec<_> {
        let list = list.as_array().unwrap().iter();
        list.map(|one| (one["line"].as_u64().unwrap(), one["code"].clone()))
            .collect()
    };
    assert_eq!(lines(&answer["sent"]), [(2, Value::Null), (5, Value::Null)]);
    let refused = [
        (3, "unknown_member".into()),
        (4, "insufficient_funds".into()),
    ];
    assert_eq!(lines(&answer["refused"]), refused);
    has_unread(&bob, 2);
    let told = alice.command(["send-many", path, "--broadcast"]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(
        text.contains("sent: 2 of 4") && text.contains("line 3: unknown_member"),
        "{text}"
    );
    assert!(text.contains("stays sent"), "{text}");
    // A file that can't be right sends nothing, also not what stands before the wrong line.
    std::fs::write(&file, "to,coins,note\nbob,5,\nbob,five,\n").unwrap();
    let told = alice.command(["send-many", path]);
    assert_eq!(told.status.code(), Some(2));
    let text = String::from_utf8(told.stderr).unwrap();
    assert!(
        text.contains("line 3") && text.contains("Nothing was sent"),
        "{text}"
    );
    has_unread(&bob, 4);
}

#[test]
fn cli_n14_coins_that_the_settings_give_are_there_with_the_first_block() {
    let [ann, ben] = [3, 4].map(|number| {
        SecretKey::from_bytes([number; 32])
            .public_key()
            .to_address()
    });
    let network = format!(
        "block_interval_ms = 100\nstart_work = 64\nallocations = [{{ address = \"{ann}\", amount = 100 }}, \
         {{ address = \"{ben}\", amount = 7 }}]\n"
    );
    let lab = Lab::start_with(&network);
    let alice = lab.peer("alice");
    for (who, coins) in [(ann, "100"), (ben, "7")] {
        let told = json(&alice, &["--json", "balance", &who]);
        assert_eq!(told["balance"], coins, "{told}");
    }
}
