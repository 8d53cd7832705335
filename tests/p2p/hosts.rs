//! Hosts of their own: each node has its network, and between them are lines that can be cut.

use crate::support::{Cell, Node, so, wait_within};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Four hosts on one switch; `hostN` has the address 10.9.0.N.
const HOSTS: &str = "
mount -t tmpfs none /run
ip link add switch type bridge
ip link set switch up
for n in 1 2 3 4; do
    ip netns add host$n
    ip link add line$n type veth peer name eth0 netns host$n
    ip link set line$n master switch up
    ip netns exec host$n ip address add 10.9.0.$n/24 dev eth0
    ip netns exec host$n ip link set eth0 up
    ip netns exec host$n ip link set lo up
done";
/// Latency and loss of each line, where the system has them.
const BAD_LINES: &str = "
for n in 1 2 3 4; do
    ip netns exec host$n tc qdisc add dev eth0 root netem delay 40ms 10ms loss 2%
done";
/// How long the two sides of a cut may take to notice, and to find each other again: nobody says
/// goodbye, so it is for pings to be missed and pauses to end.
const LONG: Duration = Duration::from_secs(150);

/// A node on a host of its own.
fn on_host(
    cell: &Cell,
    directory: &Arc<tempfile::TempDir>,
    number: u8,
    name: &str,
    settings: &str,
) -> Node {
    let listen = SocketAddr::from(([10, 9, 0, number], 7_000));
    let settings = format!("listen = \"{listen}\"\n{settings}");
    let mut node = Node::new(directory, name, listen, &settings);
    node.prefix = cell.prefix();
    let host = format!("host{number}");
    node.prefix
        .extend(["ip", "netns", "exec", &host].map(Into::into));
    node
}

/// What a command says as JSON. The API of another host can't be reached from here.
fn ask<const N: usize>(node: &Node, arguments: [&str; N]) -> Result<serde_json::Value, String> {
    let output = node.command(arguments);
    if output.status.success() {
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn status(node: &Node) -> Result<serde_json::Value, String> {
    ask(node, ["status", "--json"])
}

fn tip(node: &Node) -> Result<String, String> {
    let tip = status(node)?["chain"]["tip"]["id"].to_string();
    so(tip != "null", "no network yet")?;
    Ok(tip)
}

fn has_sessions(node: &Node, count: u64) {
    wait_within(LONG, &format!("{} has {count} sessions", node.name), || {
        let found = status(node)?["chain"]["sessions"].clone();
        so(found == count, found)
    });
}

fn agree(nodes: &[Node]) -> String {
    wait_within(LONG, "all agree", || {
        let tips: Result<Vec<_>, _> = nodes.iter().map(tip).collect();
        let tips = tips?;
        so(
            tips.windows(2).all(|two| two[0] == two[1]),
            format!("{tips:?}"),
        )?;
        Ok(tips[0].clone())
    })
}

fn mine(node: &Node, blocks: &str) {
    let mined = node.command(["mine", "--blocks", blocks]);
    assert!(mined.status.success(), "{mined:?}");
}

#[test]
fn p2p_hosts_that_are_parted_without_a_word_come_to_one_chain_again() {
    let Some(cell) = Cell::new(true, HOSTS) else {
        return;
    };
    if !cell.tries(BAD_LINES) {
        eprintln!("without latency and loss: this system has no netem");
    }
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let tracker = "role = \"tracker\"\n[network]\nadmission = \"open\"\nblock_interval_ms = 100\nstart_work = 64\n";
    let mut tracker = on_host(&cell, &directory, 1, "tracker", tracker);
    tracker.spawn();
    let peer = |number, name: &str| {
        let settings =
            format!("role = \"peer\"\nname = \"{name}\"\ntrackers = [\"10.9.0.1:7000\"]\n");
        let mut peer = on_host(&cell, &directory, number, name, &settings);
        peer.spawn();
        peer
    };
    let peers = [(2, "alice"), (3, "bob"), (4, "carol")].map(|(number, name)| peer(number, name));
    let [alice, _, carol] = &peers;
    peers.iter().for_each(|peer| has_sessions(peer, 2));
    mine(alice, "3");
    agree(&peers);

    // The line is dead: nothing comes back, not even a refusal.
    cell.run("ip link set line4 nomaster");
    mine(carol, "2");
    mine(alice, "4");
    let kept = tip(alice).unwrap();
    has_sessions(carol, 0);
    has_sessions(alice, 1);
    let paid = ask(alice, ["send", "carol", "7", "--json"]);
    assert!(paid.is_ok(), "{paid:?}");

    cell.run("ip link set line4 master switch");
    assert_eq!(agree(&peers), kept, "more work wins");
    peers.iter().for_each(|peer| has_sessions(peer, 2));
    let change = status(carol).unwrap()["chain"]["branch_change"].clone();
    assert_eq!(change["blocks"], 2, "carol is told what it lost: {change}");
    mine(alice, "1");
    agree(&peers);
    let balance = ask(carol, ["balance", "--json"]).unwrap();
    assert_eq!(balance["balance"], "7", "{balance}");
}
