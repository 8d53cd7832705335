//! Killed while it starts.

use super::support::{Lab, so, wait_until};
use raclette::owner::answers::TransactionState;
use std::thread;
use std::time::Duration;

/// How often a node is killed in its start.
const KILLS: u64 = 40;
/// Within how many microseconds after it was begun: a start takes some 40 ms, or more on a busy
/// machine.
const MOMENTS_US: u64 = 60_000;
/// Most tries: kills that came after the start do not count.
const TRIES: u64 = 20 * KILLS;

#[test]
fn restart_after_40_kills_while_it_starts_has_all_that_was_answered() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    let mut last = alice.mine_blocks(20);
    let mut amid = 0;
    for round in 0..TRIES {
        if amid == KILLS {
            break;
        }
        let payment = alice.send("bob", 1);
        alice.kill();
        // Others go on meanwhile, so that there is something to catch up with at each start.
        last = match round % 4 {
            0 => bob.mine().id.to_string(),
            _ => last,
        };
        alice.spawn();
        let hash = blake3::hash(&round.to_le_bytes());
        let at = u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()) % MOMENTS_US;
        // No fact is waited for: the moment is to be any.
        thread::sleep(Duration::from_micros(at));
        amid += u64::from(alice.api().is_err());
        alice.kill();
        alice.start();
        assert_ne!(alice.transaction(&payment), TransactionState::Unknown);
    }
    assert_eq!(amid, KILLS, "kills that came in a start");
    wait_until("alice has caught up", || {
        let height = alice.height();
        so(height >= bob.height(), height)
    });
    assert_eq!(alice.block(&last).id.to_string(), last);
    alice.verify_chain();
}
