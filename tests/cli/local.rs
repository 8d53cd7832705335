//! A command and its node: who is at the other end, who keeps whom waiting, and how it ends.

use super::{Ran, run};
use crate::support::{Lab, Node, agree, children_hear_signals, so, wait_until};
use raclette::http::ApiFile;
use raclette::owner::answers::PeerView;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

fn signal(node: &Node, signal: Signal) {
    let pid = node.api().unwrap().pid;
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn cli_a_node_is_disconnected_and_connected_again_and_the_others_see_it() {
    let lab = Lab::start();
    let [alice, bob, carol] = lab.peers(["alice", "bob", "carol"]);
    let sees = |node: &Node, live: bool| {
        wait_until(
            &format!("{} sees that bob is there: {live}", node.name),
            || {
                let peers = node.peers().peers;
                let is_bob =
                    |peer: &&PeerView| peer.name.as_ref().is_some_and(|n| n.as_str() == "bob");
                let bob = peers.iter().find(is_bob).ok_or("not known")?;
                let found = (bob.live, bob.session.is_some());
                so(found == (Some(live), live), format!("{found:?}"))
            },
        );
    };
    [&alice, &carol]
        .into_iter()
        .for_each(|node| sees(node, true));
    let said = Ran::from(bob.command(["disconnect"])).succeeds();
    assert!(said.contains("node") && said.contains("connect"), "{said}");
    [&alice, &carol]
        .into_iter()
        .for_each(|node| sees(node, false));
    // Its API is up, and says it; it even mines, by itself.
    let shown = Ran::from(bob.command(["status"])).succeeds();
    assert!(shown.contains("disconnected by you"), "{shown}");
    assert_eq!(bob.status().chain.unwrap().sessions, 0);
    Ran::from(bob.command(["mine"])).succeeds();
    let (height, _) = alice.tip();
    assert_eq!(height, 0, "nobody heard of it");
    Ran::from(bob.command(["connect"])).succeeds();
    [&alice, &carol]
        .into_iter()
        .for_each(|node| sees(node, true));
    agree(&[&alice, &bob, &carol]);
    assert_eq!(alice.tip().0, 1);
    let shown = Ran::from(bob.command(["status"])).succeeds();
    assert!(!shown.contains("disconnected by you"), "{shown}");
}

/// What an orderly stop must not leave behind, and must not say.
fn ended_well(node: &mut Node) {
    assert!(node.wait().success(), "{}", node.output());
    assert!(!ApiFile::path(&node.data_dir).exists());
    let output = node.output();
    assert!(output.contains("stopped"), "{output}");
    let odd = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
    assert_eq!(output.lines().find(odd), None);
}

#[test]
fn cli_children_hear_signals_also_where_these_tests_were_started_without() {
    let own = std::env::current_exe().unwrap();
    let mut shell = Command::new("/bin/sh");
    // As a shell starts what runs in the background, and `nohup` everything.
    shell
        .args(["-c", "trap '' INT HUP; exec \"$0\" \"$@\""])
        .arg(own);
    shell.args([
        "--ignored",
        "--exact",
        "local::cli_children_of_this_process_hear_signals",
    ]);
    let ran = Ran::from(shell.output().unwrap());
    assert!(ran.out.contains("1 passed"), "{ran:?}");
}

#[test]
#[ignore = "a process that another test starts"]
fn cli_children_of_this_process_hear_signals() {
    children_hear_signals();
    for signal in [Signal::INT, Signal::HUP] {
        let number = signal.as_raw();
        let mut child = Command::new("/bin/sh");
        let ended = child.args(["-c", &format!("kill -{number} $$; exit 7")]);
        assert_eq!(ended.status().unwrap().signal(), Some(number));
    }
}

#[test]
fn cli_a_window_that_is_closed_stops_the_node_in_order() {
    children_hear_signals();
    let lab = Lab::start();
    let alice = &mut lab.peer("alice");
    alice.joins();
    signal(alice, Signal::HUP);
    ended_well(alice);
}

/// Ctrl-C goes to all that run at one terminal, and a machine that is switched off stops all of its services.
#[test]
fn cli_a_node_that_stops_does_not_warn_of_a_tracker_that_stops_as_well() {
    let mut lab = Lab::start();
    let mut peers = [lab.peer("alice"), lab.peer("bob")];
    peers[0].has_sessions(1);
    for peer in &peers {
        peer.ask_to_stop();
    }
    lab.tracker.ask_to_stop();
    ended_well(&mut lab.tracker);
    for peer in &mut peers {
        assert!(peer.wait().success(), "{}", peer.output());
        // Before that line it was not stopping yet, and a tracker that goes is worth a word.
        let output = peer.output();
        let (_, after) = output.split_once("stopping;").expect("it says so");
        let odd = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
        assert_eq!(after.lines().find(odd), None, "{output}");
    }
}

#[test]
fn cli_a_node_is_stopped_without_its_terminal_and_the_command_waits_for_it() {
    let mut lab = Lab::start();
    let mut alice = lab.peer("alice");
    let said = Ran::from(alice.command(["stop"])).succeeds();
    assert!(said.contains("stopped"), "{said}");
    // Nothing keeps the next one out.
    ended_well(&mut alice);
    let config = alice.config.to_str().unwrap().to_owned();
    run(lab.directory(), &["--config", &config, "stop"]).fails(1, &["not running"]);
    // So does a tracker, and one that waits for its wallet.
    Ran::from(lab.tracker.command(["stop", "--json"])).succeeds();
    ended_well(&mut lab.tracker);
}

#[test]
fn cli_a_node_whose_output_nobody_reads_goes_on() {
    let lab = Lab::start();
    let mut alice = lab.prepare_peer("alice");
    // Its standard output and error end in a pipe that is closed at once.
    alice.prefix = ["sh", "-c", "exec \"$@\" 2>&1 | true", "sh"]
        .map(Into::into)
        .to_vec();
    alice.spawn();
    // The commands have readers.
    alice.prefix.clear();
    wait_until("its API answers", || {
        let ran = Ran::from(alice.command(["status"]));
        so(ran.code == Some(0), format!("{ran:?}"))
    });
    wait_until("it mines", || {
        let ran = Ran::from(alice.command(["mine"]));
        so(ran.code == Some(0), format!("{ran:?}"))
    });
    Ran::from(alice.command(["stop"])).succeeds();
    assert!(alice.wait().success());
}

#[test]
fn attack_whoever_takes_the_port_of_a_killed_node_gets_neither_token_nor_passphrase() {
    let lab = Lab::start();
    let mut alice = lab.peer("alice");
    let api = alice.api().unwrap();
    alice.kill();
    let taken = TcpListener::bind(api.address).unwrap();
    let spy = thread::spawn(move || {
        let (mut stream, _) = taken.accept().unwrap();
        let mut told = vec![0; 4096];
        let length = stream.read(&mut told).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).unwrap();
        told.truncate(length);
        let _ = stream.read_to_end(&mut told);
        String::from_utf8_lossy(&told).into_owned()
    });
    let ran = Ran::from(alice.command(["wallet", "load"]));
    ran.fails(1, &["not running", "another program"]);
    let told = spy.join().unwrap();
    assert!(told.starts_with("GET /api/v1/proof?challenge="), "{told}");
    assert!(
        !told.contains(&api.token) && !told.contains("POST"),
        "{told}"
    );
}

#[test]
fn attack_idle_local_connections_do_not_keep_the_owner_out() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let address = alice.api().unwrap().address;
    let idle: Vec<_> = (0..300)
        .filter_map(|_| TcpStream::connect(address).ok())
        .collect();
    assert!(idle.len() > 200);
    // And some that have said half of something.
    for mut stream in idle.iter().step_by(7) {
        // It may have made room already.
        let _ = stream.write_all(b"GET /status HTTP/1.1\r\nHost: ");
    }
    let begun = Instant::now();
    Ran::from(alice.command(["status"])).succeeds();
    // Nobody's patience is waited for, which is longer.
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn cli_a_command_does_not_wait_for_ever_for_a_node_that_hangs() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    signal(&alice, Signal::STOP);
    let asked = ["status", "mine"].map(|command| Ran::from(alice.command([command])));
    signal(&alice, Signal::CONT);
    for ran in asked {
        ran.fails(
            1,
            &[
                "still waiting",
                "said nothing for",
                "Nothing was asked of it yet",
            ],
        );
    }
}

#[test]
fn cli_u12_a_node_that_stops_amid_mining_and_with_sends_for_somebody_away_stops_in_order() {
    let lab = Lab::start();
    let mut alice = lab.peer_with("alice", "[mining]\nmode = \"always\"\n");
    let mut bob = lab.peer("bob");
    alice.knows(&["bob"]);
    wait_until("alice mines by herself", || {
        so(alice.height() > 1, alice.height())
    });
    bob.stop();
    // Some of it is being tried, some waits, and a block may be found at any moment.
    for number in 0..5 {
        alice.write("bob", 1, Some(&format!("number {number}")));
    }
    alice.ask_to_stop();
    assert!(alice.wait().success(), "{}", alice.output());
    let output = alice.output();
    let (_, after) = output.split_once("stopping;").expect("it says so");
    let odd = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
    assert_eq!(after.lines().find(odd), None, "{output}");
    assert!(after.contains("up to this height is saved"), "{output}");
    // Who is the tracker's, who asks from outside, who mines, who talks, who delivers; then what was decided is written.
    let log = fs::read_to_string(alice.data_dir.join("logs/node.jsonl")).unwrap();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let over = lines.filter(|line| line["event"] == "a phase of the stop is over");
    let phases: Vec<_> = over
        .map(|line| line["phase"].as_str().unwrap().to_owned())
        .collect();
    let order = [
        "tracker", "api", "miner", "sessions", "delivery", "ledger", "store",
    ];
    assert_eq!(phases[..7], order, "{phases:?}");
}
