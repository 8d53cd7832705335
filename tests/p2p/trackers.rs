//! Several trackers.

use crate::support::{Lab, Node, Proxy, free_address, so, wait_until};

/// A further tracker of the lab's network.
fn second(lab: &Lab) -> Node {
    let first = lab.tracker.tracker_status().address;
    let mut second = lab.prepare_tracker("second", &format!("introduces_for = \"{first}\"\n"));
    second.start();
    second
}

/// A peer that knows both trackers, in this order, with these lines in its settings.
fn peer(lab: &Lab, second: &Node, name: &str, settings: &str) -> Node {
    let trackers = [lab.tracker.listen, second.listen];
    lab.prepare_peer_of(name, &trackers, settings)
}

fn is_introduced(second: &Node, count: usize) {
    wait_until("the second tracker knows them", || {
        let status = second.tracker_status();
        so(
            status.live == count && status.network.id.is_some(),
            format!("{status:?}"),
        )
    });
}

#[test]
fn p2p_a_second_tracker_founds_nothing() {
    let mut lab = Lab::start();
    let second = second(&lab);
    lab.tracker.stop();
    // Alone it has no network to offer: its lease would be worth nothing.
    let mut alice = peer(&lab, &second, "alice", "");
    alice.start();
    let mut bob = lab.prepare_peer_of("bob", &[second.listen], "");
    bob.spawn();
    assert!(!bob.wait().success());
    assert!(
        bob.output().contains("name that one first"),
        "{}",
        bob.output()
    );
    assert!(alice.status().chain.is_none());
    lab.tracker.start();
    alice.joins();
    is_introduced(&second, 1);
    let network = lab.tracker.tracker_status().network.id;
    assert_eq!(second.tracker_status().network.id, network);
}

#[test]
fn p2p_a_second_tracker_introduces_who_moved_while_the_first_is_away() {
    let mut lab = Lab::start();
    let second = second(&lab);
    // Nobody can dial alice: she has to find the others.
    let nowhere = Proxy::start();
    let hidden = format!("advertise = [\"{}\"]\n", nowhere.listen);
    let mut alice = peer(&lab, &second, "alice", &hidden);
    alice.start().joins();
    let mut bob = peer(&lab, &second, "bob", "");
    bob.start().joins();
    alice.has_sessions(1);
    is_introduced(&second, 2);

    lab.tracker.kill();
    bob.stop();
    alice.has_sessions(0);
    bob.move_to(free_address());
    bob.start();
    alice.has_sessions(1);
    let last = bob.mine().id.to_string();
    alice.reaches(&last);
    // What the first one gave, the second one does not change.
    let named: Vec<_> = alice
        .peers()
        .peers
        .into_iter()
        .filter_map(|p| p.name)
        .collect();
    assert_eq!(named.len(), 2);
}
