//! Several peers on one network: they find each other, agree, catch up, and heal.

#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod delivery;
mod embedded;
mod examples;
mod hosts;
mod leaving;
mod liveness;
mod same_key;
mod soak;
mod sync;
mod takeover;
mod trackers;

use raclette::chain::Height;
use raclette::owner::answers::{MovedTo, MovedView, TransactionState};
use std::collections::HashSet;
use std::thread;
use support::{API_ABOVE, Apart, Claims, Lab, Node, agree, so, wait_until};

/// What a block pays where the settings say nothing else.
const REWARD: u64 = 50;
/// Blocks that a newcomer has to catch up with.
const BEHIND: usize = 300;

/// Waits until a payment is open at all of these nodes.
fn open_at_all(nodes: &[&Node], id: &str) {
    wait_until("the payment is open at all", || {
        nodes.iter().try_for_each(|node| {
            let state = node.transaction(id);
            so(
                state == TransactionState::Open,
                format!("{}: {state:?}", node.name),
            )
        })
    });
}

fn mined_at(node: &Node, id: &str) -> Option<u64> {
    match node.transaction(id) {
        TransactionState::Mined { height, .. } => Some(height.0),
        _ => None,
    }
}

fn balances(node: &Node, names: &[&str]) -> Vec<u64> {
    names.iter().map(|name| node.balance(name)).collect()
}

/// Mines at `miner` until nothing is open at any of `nodes`, and all agree.
fn settle(miner: &Node, nodes: &[&Node]) -> (u64, String) {
    // Two branches with the same work stay as they are until one of them grows.
    wait_until("nothing is open any more, and all agree", || {
        let tips: Vec<_> = nodes.iter().map(|node| node.tip()).collect();
        let open: usize = nodes.iter().map(|node| node.open().len()).sum();
        if open == 0 && tips.windows(2).all(|two| two[0] == two[1]) {
            return Ok(tips[0].clone());
        }
        miner.mine();
        Err(format!("{open} open, {tips:?}"))
    })
}

#[test]
fn p2p_three_peers_with_different_payloads_converge_on_one_tip() {
    let names = ["alice", "bob", "carol"];
    let lab = Lab::start();
    let peers = lab.peers(names);
    let all: Vec<&Node> = peers.iter().collect();
    for peer in &peers {
        let last = peer.mine_blocks(2);
        all.iter().for_each(|other| other.reaches(&last));
    }
    // Each has something else to say, and all mine at the same time.
    let sent: Vec<String> = thread::scope(|scope| {
        let handles: Vec<_> = (0..3)
            .map(|own| {
                let peer = &peers[own];
                scope.spawn(move || {
                    let amounts = (1..=4).map(|n| n * (own as u64 + 1));
                    let sent = amounts.map(|amount| {
                        let id = peer.send(names[(own + 1) % 3], amount);
                        peer.mine();
                        id
                    });
                    sent.collect::<Vec<_>>()
                })
            })
            .collect();
        let sent = handles.into_iter().flat_map(|one| one.join().unwrap());
        sent.collect()
    });
    assert_eq!(sent.iter().collect::<HashSet<_>>().len(), 12);
    let (height, _) = settle(&peers[0], &all);
    for id in &sent {
        let places: HashSet<_> = all.iter().map(|node| mined_at(node, id)).collect();
        assert_eq!(places.len(), 1, "{id} in one block everywhere");
        assert!(!places.contains(&None), "{id} is mined");
    }
    let seen: HashSet<_> = all.iter().map(|node| balances(node, &names)).collect();
    assert_eq!(seen.len(), 1, "one balance sheet everywhere: {seen:?}");
    let supply: u64 = seen.iter().flatten().sum();
    assert_eq!(supply, height * REWARD, "no coin was lost or made");
    peers[2].verify_chain();
}

#[test]
fn p2p_a_peer_300_blocks_behind_catches_up() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let mut bob = lab.peer("bob");
    let last = alice.mine_blocks(2);
    bob.reaches(&last);
    bob.stop();
    let mut sent = Vec::new();
    for _ in 0..BEHIND / 10 {
        sent.push(alice.send("bob", 1));
        alice.mine_blocks(10);
    }
    bob.start();
    let tip = alice.tip();
    bob.reaches(&tip.1);
    assert_eq!(tip.0 as usize, BEHIND + 2);
    assert_eq!(bob.balance("bob"), sent.len() as u64);
    assert!(sent.iter().all(|id| mined_at(&bob, id).is_some()));
    bob.verify_chain();
    // One who was never there does, too, from whom its owner chooses.
    let carol = lab.peer("carol");
    carol.has_sessions(2);
    let synced = carol.command(["sync", "--from", "bob"]);
    assert!(synced.status.success(), "{synced:?}");
    assert_eq!(carol.tip(), tip);
    assert_eq!(carol.balance("alice"), alice.balance("alice"));
}

#[test]
fn p2p_a_fork_heals_and_the_losers_payments_come_back_and_are_mined() {
    let apart = Apart::start();
    let (alice, bob) = (&apart.alice, &apart.bob);
    let last = alice.mine_blocks(2);
    bob.reaches(&last);

    apart.cut();
    let payment = alice.send("bob", 7);
    alice.mine_blocks(2);
    let lost = mined_at(alice, &payment).expect("mined on the branch that will lose");
    let tip = bob.mine_blocks(6);
    assert_eq!(bob.transaction(&payment), TransactionState::Unknown);

    apart.mend();
    alice.reaches(&tip);
    assert_eq!(
        alice.balance("alice"),
        2 * REWARD,
        "its own blocks are gone"
    );
    open_at_all(&[alice, bob], &payment);
    let change = alice.chain().branch_change.expect("alice is told");
    assert_eq!((change.blocks, change.rewards_lost.as_str()), (2, "100"));
    let moved = |to| MovedView {
        id: payment.parse().unwrap(),
        to,
    };
    assert_eq!(change.transactions, [moved(MovedTo::Open)]);
    assert_eq!(bob.chain().branch_change, None, "nothing of bob's fell out");

    let last = bob.mine().id.to_string();
    alice.reaches(&last);
    let height = Height(bob.height());
    let change = alice.chain().branch_change.unwrap();
    assert_eq!(change.transactions, [moved(MovedTo::Mined { height })]);
    let told = alice.command(["status"]).stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("gave way to a branch"), "{told}");
    for node in [alice, bob] {
        assert!(mined_at(node, &payment).expect("mined again") > lost);
        assert_eq!(balances(node, &["alice", "bob"]), [93, 357]);
        assert_eq!(node.open(), Vec::<String>::new());
    }
    alice.verify_chain();
}

#[test]
fn p2p_the_branch_with_more_work_wins_not_the_one_that_came_later() {
    let apart = Apart::start();
    let (alice, bob) = (&apart.alice, &apart.bob);
    apart.cut();
    let heavy = bob.mine_blocks(5);
    alice.mine_blocks(2);
    apart.mend();
    alice.reaches(&heavy);
    assert_eq!(bob.tip().1, heavy);
    assert_eq!(bob.balance("alice"), 0, "the lost blocks pay nobody");
}

#[test]
fn p2p_mining_complete_sends_the_loser_of_a_race_on_to_the_next_block() {
    // Blocks that take a while, so that both are at it when one is found.
    let lab = Lab::start_with("block_interval_ms = 2000\nstart_work = 50_000_000\n");
    let peers = lab.peers(["alice", "bob"]);
    wait_until(
        "one loses a race, and builds upon the winner's block",
        || {
            let both = thread::scope(|scope| {
                let handles = peers.each_ref().map(|peer| scope.spawn(|| peer.mine()));
                handles.map(|one| one.join().unwrap())
            });
            let [first, second] = match both {
                [alice, bob] if alice.height < bob.height => [alice, bob],
                [alice, bob] => [bob, alice],
            };
            // Found at the same moment, before either knew of the other's: another round.
            let found = format!("{first:?}, {second:?}");
            so(second.races_lost > 0, &found)?;
            agree(&[&peers[0], &peers[1]]);
            let block = peers[0].block(second.height);
            so(block.previous == first.id && block.id == second.id, &found)
        },
    );
}

/// Two processes, or two threads of one, are given neither the same port nor one where the other's API listens.
#[test]
fn p2p_tests_that_run_side_by_side_are_given_ports_of_their_own() {
    let place = tempfile::tempdir().unwrap();
    let from = |first: u16| Claims::new(place.path().to_owned(), first);
    let mut all = [from(12_000), from(12_000), from(12_500)];
    let mut given = HashSet::new();
    for number in 0..150 {
        let port = all[number % 3].next().port();
        assert!(given.insert(port), "{port} twice");
        let above = port + API_ABOVE;
        assert_ne!(from(above).next().port(), above, "an API may listen there");
    }
    // Whoever ends gives back what it had.
    let [mut first, mut second, _] = all;
    let port = first.next().port();
    assert!(!second.claim(port));
    drop(first);
    assert!(second.claim(port));
}
