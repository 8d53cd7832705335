//! Killed again and again, at moments that nobody chose.

use super::support::{Apart, Node, agree, so, wait_until};
use raclette::owner::answers::{MinedView, SentView, TransactionState};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// How often one of two nodes is killed.
const KILLS: u64 = 160;
/// Within how many microseconds after something has begun the kill comes: a search, a few payments
/// and the adoption of a branch all fall into it.
const MOMENTS_US: u64 = 60_000;
/// Payments in one round; all of them can be paid from what was mined before the first kill.
const SENT: usize = 4;

/// What a node has promised.
#[derive(Default)]
struct Answered {
    sent: Vec<String>,
    mined: Vec<String>,
}

/// Pays and mines until the node is gone, and keeps what was answered.
fn use_until_it_is_gone(node: &Node, other: &str) -> Answered {
    let mut answered = Answered::default();
    loop {
        if answered.sent.len() < SENT {
            match node.try_post::<SentView>(
                "/transactions",
                json!({"to": other, "amount": "1", "broadcast": true}),
            ) {
                Ok(sent) => answered.sent.push(sent.id.to_string()),
                Err(_) => return answered,
            }
        }
        match node.try_post::<MinedView>("/mine", json!({})) {
            Ok(mined) => answered.mined.push(mined.id.to_string()),
            // A race that was lost too often is an answer, too.
            Err(refused) if refused.status != 0 => {}
            Err(_) => return answered,
        }
    }
}

fn random(round: u64) -> u64 {
    let hash = blake3::hash(&round.to_le_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()) % MOMENTS_US
}

#[test]
fn restart_after_160_kills_at_random_moments_all_that_was_answered_is_true() {
    let mut apart = Apart::start();
    let last = apart.alice.mine_blocks(5);
    apart.bob.reaches(&last);
    let last = apart.bob.mine_blocks(5);
    apart.alice.reaches(&last);
    let mut sent = Vec::new();
    let mut reorganised = 0;
    for round in 0..KILLS {
        let to_reorganise = round % 2 == 0;
        if to_reorganise {
            apart.alice.has_sessions(1);
            apart.cut();
            apart.bob.mine_blocks(6);
            apart.alice.mine_blocks(2);
            reorganised += 1;
            apart.line.mend();
        }
        // Who has to adopt the other's branch is struck while at it; else each in turn.
        let is_alice = to_reorganise || round % 4 == 1;
        let (victim, other) = match is_alice {
            true => (&mut apart.alice, "bob"),
            false => (&mut apart.bob, "alice"),
        };
        let answered = thread::scope(|scope| {
            let using = scope.spawn(|| use_until_it_is_gone(victim, other));
            // No fact is waited for: the moment is to be any.
            thread::sleep(Duration::from_micros(random(round)));
            victim.strike();
            using.join().unwrap()
        });
        victim.kill();
        victim.start();
        for id in &answered.mined {
            let block = victim.try_get::<Value>(&format!("/blocks/{id}"));
            assert!(
                block.is_ok(),
                "round {round}: block {id} is lost: {block:?}"
            );
        }
        for id in &answered.sent {
            let state = victim.transaction(id);
            assert_ne!(
                state,
                TransactionState::Unknown,
                "round {round}: payment {id}"
            );
        }
        sent.extend(answered.sent);
    }
    assert_eq!(reorganised, KILLS / 2);
    let both = [&apart.alice, &apart.bob];
    wait_until("both agree, and nothing is open", || {
        both.iter().for_each(|node| node.has_sessions(1));
        apart.bob.mine();
        agree(&both);
        let open: usize = both.iter().map(|node| node.open().len()).sum();
        so(open == 0, format!("{open} open"))
    });
    for node in both {
        for id in &sent {
            let state = node.transaction(id);
            assert!(
                matches!(state, TransactionState::Mined { .. }),
                "{id}: {state:?}"
            );
        }
        node.verify_chain();
    }
    assert!(
        sent.len() > 10,
        "the kills left time for {} payments",
        sent.len()
    );
}
