//! What the tracker tells of who is there, and what becomes of it when the tracker is not.

use crate::support::{Lab, Node, RawPeer, agree, free_address, so, wait_until, wait_within};
use raclette::owner::answers::PeerView;
use raclette::protocol::liveness::ROUND_MS;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// A round of the tracker.
const ROUND: Duration = Duration::from_millis(ROUND_MS);
/// Until somebody is found to be gone without a word, on a busy machine.
const TWO_ROUNDS: Duration = Duration::from_millis(4 * ROUND_MS);

fn told(node: &Node, name: &str) -> Option<PeerView> {
    let peers = node.peers().peers.into_iter();
    let mut named = peers.filter(|peer| peer.name.as_ref().is_some_and(|n| n.as_str() == name));
    named.next()
}

/// Waits until all of these find the member so.
fn stands(nodes: &[&Node], name: &str, live: bool, reachable: bool) {
    let what = format!("{name} is live: {live}, reachable: {reachable}");
    wait_within(TWO_ROUNDS, &what, || {
        nodes.iter().try_for_each(|node| {
            let peer = told(node, name).ok_or("not known")?;
            let found = (peer.live, peer.reachable);
            so(
                found == (Some(live), Some(reachable)),
                format!("{}: {found:?}", node.name),
            )
        })
    });
}

/// Registers by hand, with an address or without.
fn register(lab: &Lab, seed: u8, name: &str, address: Option<SocketAddr>) -> RawPeer {
    RawPeer::register_at(lab.tracker.listen, seed, name, address.as_slice()).0
}

#[test]
fn p2p_who_stops_is_offline_at_once_and_who_is_killed_after_two_rounds() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let mut bob = lab.peer("bob");
    let all = [&lab.tracker, &alice];
    stands(&all, "bob", true, true);
    let since = Instant::now();
    assert!(bob.stop().success());
    stands(&all, "bob", false, false);
    let took = since.elapsed();
    assert!(took < ROUND, "a goodbye was not heard, it took {took:?}");
    bob.start();
    stands(&all, "bob", true, true);
    let id = told(&alice, "bob").unwrap().id;
    bob.kill();
    stands(&all, "bob", false, false);
    bob.start();
    stands(&all, "bob", true, true);
    assert_eq!(
        told(&alice, "bob").unwrap().id,
        id,
        "no second registration"
    );
    assert_eq!(lab.tracker.tracker_status().registered, 2);
}

#[test]
fn p2p_stored_lists_are_right_again_after_a_restart() {
    let lab = Lab::start();
    let mut alice = lab.peer("alice");
    let mut bob = lab.peer("bob");
    let carol = lab.peer("carol");
    stands(&[&alice], "bob", true, true);
    stands(&[&alice], "carol", true, true);
    // What alice has stored is wrong when she is back.
    alice.stop();
    bob.stop();
    assert!(carol.command(["leave", "--yes"]).status.success());
    alice.start();
    stands(&[&alice], "bob", false, false);
    // The tracker passes on carol's own word that she left.
    wait_until("alice knows that carol has left", || {
        so(told(&alice, "carol").is_none(), "she is there")
    });
}

#[test]
fn p2p_a_member_that_nobody_can_dial_is_live_and_told_so() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    // Nobody listens there; and there somebody else does.
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nowhere.local_addr().unwrap();
    drop(nowhere);
    let _inside = register(&lab, 71, "inside", Some(address));
    let _silent = register(&lab, 72, "silent", None);
    let _impostor = register(&lab, 73, "impostor", Some(alice.listen));
    for name in ["inside", "silent", "impostor"] {
        stands(&[&lab.tracker, &alice], name, true, false);
    }
    stands(&[&lab.tracker], "alice", true, true);
}

#[test]
fn p2p_the_lease_passes_on_when_its_holder_vanishes() {
    let lab = Lab::start();
    let (holder, registered) = RawPeer::register(lab.tracker.listen, 80, "holder");
    assert!(registered.lease.is_some());
    let mut alice = lab.prepare_peer("alice");
    alice.start();
    wait_until("alice waits for the holder", || {
        let status = alice.status();
        so(status.tracker.registered, format!("{status:?}"))
    });
    assert!(alice.status().chain.is_none());
    drop(holder);
    alice.joins();
    let founder = alice.block(0).genesis.unwrap().founder;
    assert_eq!(founder.address, alice.status().address);
}

/// Tracker gone = network gone: lesson 18.
#[test]
fn p2p_the_network_goes_on_while_the_tracker_is_away() {
    let mut lab = Lab::start();
    let [alice, mut bob] = lab.peers(["alice", "bob"]);
    lab.tracker.kill();
    // Blocks, payments, and a restart in the midst of it.
    alice.mine();
    let sent = alice.send("bob", 5);
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    assert_eq!(bob.balance("bob"), 5);
    bob.kill();
    let last = alice.mine().id.to_string();
    bob.start();
    bob.reaches(&last);
    bob.send("alice", 2);
    wait_until("the payment is at alice", || {
        so(alice.open().len() == 1, alice.open().len())
    });
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    assert!(
        bob.block(2)
            .transactions
            .iter()
            .any(|t| t.id.to_string() == sent)
    );
    // Back with its register: the same members, without a second registration.
    lab.tracker.start();
    stands(&[&lab.tracker, &alice], "bob", true, true);
    stands(&[&lab.tracker, &bob], "alice", true, true);
    let status = lab.tracker.tracker_status();
    assert_eq!((status.registered, status.live), (2, 2));
    let carol = lab.peer("carol");
    carol.reaches(&last);
}

#[test]
fn p2p_a_tracker_that_lost_its_data_takes_the_network_from_its_members() {
    let mut lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    let last = alice.mine_blocks(3);
    bob.reaches(&last);
    let genesis = alice.block(0).id;
    lab.tracker.kill();
    // The key is kept apart from the rest, in a drawer.
    fs::remove_dir_all(lab.tracker.data_dir.join("db")).unwrap();
    lab.tracker.start();
    wait_until("both are registered anew", || {
        let status = lab.tracker.tracker_status();
        so(
            status.live == 2 && status.network.id == Some(genesis),
            format!("{status:?}"),
        )
    });
    // The founder comes back, and somebody new gets what all have.
    alice.stop();
    alice.start().joins();
    let carol = lab.peer("carol");
    carol.reaches(&last);
    assert_eq!(carol.block(0).id, genesis);
    agree(&[&alice, &bob, &carol]);
    stands(&[&alice, &bob, &carol], "alice", true, true);
}

#[test]
fn p2p_a_new_name_or_address_is_a_new_record_of_the_same_member() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let mut bob = lab.peer("bob");
    let all = [&lab.tracker, &alice];
    stands(&all, "bob", true, true);
    let before = told(&alice, "bob").unwrap();
    bob.stop();
    bob.move_to(free_address());
    let settings = fs::read_to_string(&bob.config).unwrap();
    // The directory keeps its name, and with it the wallet.
    let renamed = settings.replace(
        "name = \"bob\"",
        "name = \"robert\"\ndata_dir = \"bob-data\"",
    );
    fs::write(&bob.config, renamed).unwrap();
    bob.start();
    stands(&all, "robert", true, true);
    for node in all {
        let after = told(node, "robert").unwrap();
        assert_eq!(after.endpoints, [bob.listen.to_string()]);
        assert_ne!(after.endpoints, before.endpoints);
        assert_eq!(
            (after.id, &after.address, after.since),
            (before.id, &before.address, before.since)
        );
        assert!(told(node, "bob").is_none(), "{} knows both", node.name);
    }
    // By the new name, and the old one is nobody's.
    alice.has_sessions(1);
    alice.mine();
    alice.send("robert", 1);
    let shown = alice.command(["peers"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("since") && shown.contains(&bob.listen.to_string()));
    let former = alice.command(["send", "bob", "1"]);
    assert!(!former.status.success());
}

#[test]
fn p2p_a_registration_that_nobody_could_hear_is_heard_when_the_tracker_is_back() {
    let mut lab = Lab::start();
    let [alice, mut bob] = lab.peers(["alice", "bob"]);
    lab.tracker.kill();
    bob.stop();
    bob.move_to(free_address());
    bob.start();
    // She is not told where he is now; he finds her.
    alice.has_sessions(1);
    let former = told(&alice, "bob").unwrap().endpoints;
    assert_ne!(former, [bob.listen.to_string()]);
    lab.tracker.start();
    for node in [&lab.tracker, &alice] {
        wait_until("bob's new address is told", || {
            let endpoints = told(node, "bob").map(|bob| bob.endpoints);
            so(
                endpoints == Some(vec![bob.listen.to_string()]),
                format!("{endpoints:?}"),
            )
        });
    }
    assert_eq!(lab.tracker.tracker_status().registered, 2);
}

#[test]
fn p2p_whom_nobody_can_dial_is_told_what_to_do() {
    let lab = Lab::start();
    let dead = free_address();
    let alice = lab.peer_with("alice", &format!("advertise = [\"{dead}\"]"));
    let bob = lab.peer("bob");
    let reach = |node: &Node| node.status().reach;
    wait_until("alice hears that nobody dials her", || {
        let reach = reach(&alice);
        so(reach.reachable == Some(false), format!("{reach:?}"))
    });
    let trouble = reach(&alice).trouble.unwrap();
    assert!(
        trouble.contains(&dead.to_string()) && trouble.contains("advertise"),
        "{trouble}"
    );
    let shown = String::from_utf8(alice.command(["status"]).stdout).unwrap();
    assert!(shown.contains("others can't dial"), "{shown}");
    assert!(
        alice.output().contains("others can't dial this node"),
        "{}",
        alice.output()
    );
    // Where it listens, and what it names, are two things.
    let listen = alice.listen;
    let up = format!("others reach it at {dead}, where {listen} is to be found");
    assert!(alice.output().contains(&up), "{}", alice.output());
    assert_eq!(reach(&bob).reachable, Some(true));
    assert!(!bob.output().contains("dial this node"));
}
