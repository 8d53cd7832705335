//! What a call for many transfers has promised, and a kill in the middle of it.

use super::support::{Lab, Node, wait_until};
use raclette::owner::answers::{OpenView, SendView, SentManyView, TransactionState};
use serde_json::json;
use std::thread;
use std::time::Duration;

/// How often it is killed.
const KILLS: u64 = 12;
/// Within how many microseconds after the calls have begun.
const MOMENTS_US: u64 = 30_000;
/// Transfers in a call: more than one batch of rows.
const MANY: usize = 150;

/// Sends many at a time until the node is gone; the ids that it has promised.
fn send_until_it_is_gone(node: &Node, round: u64) -> Vec<String> {
    let transfer = json!({"to": "bob", "amount": "1", "broadcast": round.is_multiple_of(2)});
    let call = json!({"transfers": vec![transfer; MANY]});
    let mut promised = Vec::new();
    while let Ok(answer) = node.try_post::<SentManyView>("/transactions/batch", &call) {
        let sent = answer.sent.iter().map(|one| one.id.to_string());
        promised.extend(sent);
        if !answer.refused.is_empty() {
            break;
        }
    }
    promised
}

fn random(round: u64) -> u64 {
    let hash = blake3::hash(&round.to_le_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()) % MOMENTS_US
}

#[test]
fn restart_in_the_middle_of_a_call_for_many_loses_nothing_that_was_promised() {
    let lab = Lab::start();
    let mut alice = lab.peer("alice");
    let bob = lab.peer("bob");
    let last = alice.mine_blocks(150);
    bob.reaches(&last);
    alice.knows(&["bob"]);
    let mut promised = Vec::new();
    for round in 0..KILLS {
        let told = thread::scope(|scope| {
            let sending = scope.spawn(|| send_until_it_is_gone(&alice, round));
            // No fact is waited for: the moment is to be any.
            thread::sleep(Duration::from_micros(random(round)));
            alice.strike();
            sending.join().unwrap()
        });
        alice.kill();
        alice.start();
        for id in &told {
            let sent = alice.try_get::<SendView>(&format!("/outbox/{id}"));
            assert!(sent.is_ok(), "round {round}: {id} is lost: {sent:?}");
        }
        promised.extend(told);
        // The open transaction is never there without the send.
        let open: OpenView = alice.try_get("/open?limit=200").unwrap();
        for one in open.transactions {
            let sent = alice.try_get::<SendView>(&format!("/outbox/{}", one.id));
            assert!(
                sent.is_ok(),
                "round {round}: {} is nobody's: {sent:?}",
                one.id
            );
        }
    }
    assert!(!promised.is_empty(), "no call was ever answered");
    alice.has_sessions(1);
    for id in promised {
        mines(&alice, &id);
    }
}

/// Mines until a transaction is in a block.
fn mines(node: &Node, id: &str) {
    wait_until(&format!("{id} is mined"), || match node.transaction(id) {
        TransactionState::Mined { .. } => Ok(()),
        other => {
            node.mine();
            Err(format!("{other:?}"))
        }
    });
}
