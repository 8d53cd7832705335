//! Stopped, killed, started again: nothing that was promised is lost.

mod backup;
mod clock;
mod downloading;
mod frozen;
mod killing;
mod length;
mod many;
mod places;
mod starting;
#[path = "../support/mod.rs"]
mod support;
mod years;

use raclette::owner::answers::TransactionState;
use support::{Lab, Node, agree, so, wait_until};

/// What must be the same after a restart.
#[derive(Debug, PartialEq)]
struct State {
    tip: (u64, String),
    balances: Vec<u64>,
    open: Vec<String>,
}

fn state(node: &Node) -> State {
    let mut open = node.open();
    open.sort();
    State {
        tip: node.tip(),
        balances: ["alice", "bob"].map(|name| node.balance(name)).into(),
        open,
    }
}

/// Two peers, some blocks, one payment mined and two that are open.
fn with_history() -> (Lab, [Node; 2]) {
    let lab = Lab::start();
    let peers = lab.peers(["alice", "bob"]);
    peers[0].mine_blocks(3);
    peers[0].send("bob", 5);
    let last = peers[0].mine().id.to_string();
    peers[1].reaches(&last);
    peers[0].send("bob", 6);
    peers[1].send("alice", 2);
    wait_until("both payments are open at both", || {
        let open = peers.each_ref().map(|peer| peer.open().len());
        so(open == [2, 2], format!("{open:?}"))
    });
    (lab, peers)
}

#[test]
fn restart_keeps_height_balances_and_open_transactions() {
    let (_lab, mut peers) = with_history();
    let before = state(&peers[0]);
    assert_eq!(before.tip.0, 4);
    assert_eq!(before.balances, [195, 5]);
    for peer in &mut peers {
        assert!(peer.stop().success());
    }
    // One after the other, so that neither can have it from the other.
    for peer in &mut peers {
        peer.start();
        wait_until("the state is back", || {
            let after = state(peer);
            so(after == before, format!("{after:?}"))
        });
        peer.stop();
    }
}

#[test]
fn restart_after_kill_9_has_what_was_answered() {
    let (_lab, mut peers) = with_history();
    let [alice, bob] = &mut peers;
    bob.stop();
    for round in 0..5 {
        let mined = alice.mine();
        let sent = alice.send("bob", 1);
        alice.kill();
        alice.start();
        let tip = alice.tip();
        assert_eq!(tip, (mined.height.0, mined.id.to_string()), "round {round}");
        assert_eq!(alice.transaction(&sent), TransactionState::Open);
    }
    alice.mine();
    assert_eq!(alice.balance("bob"), 5 + 6 - 2 + 5);
    alice.verify_chain();
    bob.start();
    bob.reaches(&alice.tip().1);
}

#[test]
fn restart_after_kill_9_in_the_midst_of_mining_is_whole() {
    let lab = Lab::start();
    let mut alice = lab.peer_with("alice", "[mining]\nmode = \"always\"\n");
    let mut known = 0;
    for _ in 0..4 {
        let goal = known + 20;
        wait_until("it has mined on", || {
            known = alice.height();
            so(known >= goal, known)
        });
        alice.kill();
        alice.start();
        assert!(alice.height() >= known, "blocks were lost");
    }
    let verified = alice.command(["chain", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn restart_at_once_on_the_same_ports_works() {
    let mut lab = Lab::start();
    let mut peers = lab.peers(["alice", "bob"]);
    for round in 0..3 {
        // Killed with connections open, which then linger in the kernel.
        if round % 2 == 0 {
            lab.tracker.kill();
            peers[0].kill();
        } else {
            assert!(lab.tracker.stop().success());
            assert!(peers[0].stop().success());
        }
        lab.tracker.start();
        peers[0].start();
        peers.iter().for_each(Node::joins);
        peers[0].has_sessions(1);
    }
    let last = peers[0].mine().id.to_string();
    peers[1].reaches(&last);
}

#[test]
fn restart_of_the_tracker_keeps_members_and_genesis() {
    let mut lab = Lab::start();
    let peers = lab.peers(["alice", "bob"]);
    let before = lab.tracker.tracker_status().network;
    let members = |lab: &Lab| {
        let peers = lab.tracker.peers().peers;
        let members = peers
            .iter()
            .map(|one| (one.id, one.name.clone(), one.since));
        members.collect::<Vec<_>>()
    };
    let listed = members(&lab);
    assert_eq!(listed.len(), 2);
    lab.tracker.kill();
    lab.tracker.start();
    wait_until("both are live again", || {
        let live = lab.tracker.tracker_status().live;
        so(live == 2, live)
    });
    assert_eq!(members(&lab), listed, "the same members, none twice");
    assert_eq!(lab.tracker.tracker_status().network, before);
    let last = peers[0].mine().id.to_string();
    let carol = lab.peer("carol");
    carol.reaches(&last);
    assert_eq!(members(&lab).len(), 3);
}

/// Keys are regenerated at each start: lesson 14.
#[test]
fn restart_keeps_the_key_and_what_was_sealed_for_it() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    bob.knows(&["alice"]);
    bob.write("alice", 0, Some("for this key alone"));
    alice.has_notes(&["for this key alone"]);
    let members = || {
        let listed = lab.tracker.peers().peers.into_iter();
        let members = listed.map(|one| (one.id, one.name, one.address, one.since));
        members.collect::<Vec<_>>()
    };
    let (address, before) = (alice.status().address, members());
    assert_eq!(before.len(), 2);
    for round in 0..3 {
        if round == 1 {
            alice.kill();
        } else {
            assert!(alice.stop().success());
        }
        alice.start().joins();
        assert_eq!(alice.status().address, address);
        alice.has_notes(&["for this key alone"]);
        assert_eq!(members(), before);
    }
    // What is sealed for it from now on, too.
    bob.write("alice", 0, Some("and again"));
    alice.has_notes(&["for this key alone", "and again"]);
}

#[test]
fn restart_without_a_tracker_goes_on_from_what_is_on_the_disk() {
    let (mut lab, mut peers) = with_history();
    lab.tracker.stop();
    let [alice, bob] = &mut peers;
    let before = state(alice);
    alice.stop();
    bob.kill();
    alice.start();
    bob.start();
    // They know each other without being introduced.
    alice.has_sessions(1);
    assert_eq!(state(alice), before);
    bob.mine();
    let (height, _) = agree(&[alice, bob]);
    assert_eq!(height, 5);
    assert_eq!(alice.open(), Vec::<String>::new());
}
