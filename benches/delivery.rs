//! How many messages a second two nodes on this machine deliver and acknowledge, each stored at both
//! ends before it counts; and what a hundred thousand that wait cost in memory.
//! `cargo bench --bench delivery`

#[path = "../tests/support/mod.rs"]
mod support;

use raclette::owner::answers::SentView;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{Lab, Node, so, wait_within};

/// How long messages are sent.
const SUSTAINED: Duration = Duration::from_secs(30);
/// Programs that send at the same time.
const WRITERS: usize = 8;
/// Blocks mined before, for the fees of what is sent.
const FIRST_BLOCKS: usize = 600;
/// Sends that wait for somebody who is away.
const WAITING: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(600);

fn main() {
    // Cargo asks each bench what is in it.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    delivered_per_second();
    memory_while_many_wait();
}

fn write(node: &Node, fee: u64) {
    let body = json!({"to": "bob", "amount": "0", "fee": fee.to_string(), "note": "one of many"});
    let sent = node.try_post::<SentView>("/transactions", body);
    sent.unwrap_or_else(|refused| panic!("{refused}"));
}

fn delivered_per_second() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let bob = lab.peer_with("bob", "[mining]\nmode = \"when-pending\"\n");
    let last = alice.mine_blocks(FIRST_BLOCKS);
    bob.reaches(&last);
    alice.knows(&["bob"]);
    let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begun = Instant::now();
    let acknowledged = thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    write(&alice, 1);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(SUSTAINED);
        let sent = sent.load(Ordering::Relaxed);
        let acknowledged = sent.saturating_sub(alice.outbox().queued);
        over.store(true, Ordering::Relaxed);
        acknowledged
    });
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "delivered and acknowledged: {:.0} a second, over {seconds:.0} s ({acknowledged} messages)",
        acknowledged as f64 / SUSTAINED.as_secs_f64()
    );
    wait_within(PATIENCE, "all are acknowledged", || {
        let queued = alice.outbox().queued;
        so(queued == 0, queued)
    });
    let received = bob.chain().delivery.unread;
    assert_eq!(received, sent.load(Ordering::Relaxed), "each once");
}

fn memory_while_many_wait() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let mut bob = lab.peer("bob");
    alice.knows(&["bob"]);
    bob.stop();
    let before = alice.resident_bytes();
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| (0..WAITING / WRITERS).for_each(|_| write(&alice, 0)));
        }
    });
    let rate = WAITING as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(alice.outbox().queued, WAITING);
    let grown = alice.resident_bytes().saturating_sub(before);
    println!(
        "{WAITING} sends wait: {} MiB more in memory, {} bytes each; taken in at {rate:.0} a second",
        grown >> 20,
        grown / WAITING as u64
    );
}
