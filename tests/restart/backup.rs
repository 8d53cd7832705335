//! Backups: what was answered before one is in it, and what is restored breaks no promise.

use crate::support::{Lab, Node, so, wait_until};
use raclette::owner::answers::TransactionState;
use raclette::protocol::delivery::rows::SendState;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn backup(node: &Node, dir: &Path) -> Output {
    node.command(["backup", dir.to_str().unwrap(), "--with-wallet"])
}

fn restore(node: &Node, dir: &Path) -> Output {
    node.command(["restore", dir.to_str().unwrap()])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn restart_from_a_backup_under_load_has_what_was_answered_before() {
    let mut lab = Lab::start();
    let [mut alice, mut bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(3);
    let dir = lab.directory().join("backup");
    let over = AtomicBool::new(false);
    let (before, made) = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut sent = Vec::new();
            while !over.load(Ordering::Relaxed) {
                sent.push(alice.send("bob", 1));
                if sent.len() % 8 == 0 {
                    alice.mine();
                }
            }
            sent.len()
        });
        wait_until("there is load", || {
            let open = alice.open().len() + alice.height() as usize;
            so(open > 8, open)
        });
        let before: Vec<String> = alice.open();
        let made = backup(&alice, &dir);
        over.store(true, Ordering::Relaxed);
        assert!(load.join().unwrap() > 8);
        (before, made)
    });
    assert!(made.status.success(), "{}", said(&made));
    let again = backup(&alice, &dir);
    assert!(said(&again).contains("not empty"), "{}", said(&again));

    // Two nodes with one wallet are refused, and nothing is left of the attempt.
    let mut elsewhere = lab.prepare_peer("elsewhere");
    elsewhere.name_as(&alice);
    let refused = restore(&elsewhere, &dir);
    assert!(said(&refused).contains("answers at"), "{}", said(&refused));
    assert!(!elsewhere.data_dir.exists());

    alice.kill();
    let restored = restore(&elsewhere, &dir);
    assert!(restored.status.success(), "{}", said(&restored));
    // Nobody is there from whom it could have it.
    bob.stop();
    lab.tracker.stop();
    elsewhere.start();
    for id in &before {
        let state = elsewhere.transaction(id);
        assert_ne!(state, TransactionState::Unknown, "{id}");
    }
    elsewhere.verify_chain();
    lab.tracker.start();
    bob.start();
    elsewhere.joins();
    let last = bob.mine().id.to_string();
    elsewhere.reaches(&last);
}

#[test]
fn restart_from_a_backup_does_not_send_what_was_withdrawn_since() {
    let lab = Lab::start();
    let [mut alice, mut bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(1);
    alice.knows(&["bob"]);
    bob.stop();
    let id = alice.write("bob", 5, None);
    let dir = lab.directory().join("backup");
    assert!(backup(&alice, &dir).status.success());
    let withdrawn = alice.command(["outbox", "withdraw", &id]);
    assert!(withdrawn.status.success(), "{}", said(&withdrawn));
    alice.stop();
    fs::rename(&alice.data_dir, lab.directory().join("lost")).unwrap();

    let restored = restore(&alice, &dir);
    assert!(restored.status.success(), "{}", said(&restored));
    let told = String::from_utf8(restored.stdout).unwrap();
    assert!(told.contains("1 send is held back"), "{told}");
    alice.start().joins();
    bob.start().joins();
    alice.has_sessions(1);
    assert_eq!(alice.sent(&id).state, SendState::Expired);
    let outbox = alice.command(["outbox"]);
    let outbox = String::from_utf8(outbox.stdout).unwrap();
    assert!(outbox.contains("held back"), "{outbox}");
    // Its owner says that it is still wanted: the very same goes out.
    let retried = alice.command(["outbox", "retry", &id]);
    assert!(retried.status.success(), "{}", said(&retried));
    wait_until("bob has it", || {
        let state = alice.sent(&id).state;
        so(state.has_arrived(), format!("{state:?}"))
    });
}

#[test]
fn restart_of_a_tracker_from_an_old_backup_gives_no_number_twice() {
    let mut lab = Lab::start();
    let alice = lab.peer("alice");
    let dir = lab.directory().join("backup");
    let made = backup(&lab.tracker, &dir);
    assert!(made.status.success(), "{}", said(&made));
    let carol = lab.peer("carol");
    let number = |lab: &Lab, name: &str| {
        let peers = lab.tracker.peers().peers.into_iter();
        let mut named = peers.filter(|one| one.name.as_ref().is_some_and(|n| n.as_str() == name));
        named.next().and_then(|one| one.id).map(|id| id.0)
    };
    let before = number(&lab, "carol").unwrap();
    lab.tracker.stop();
    fs::rename(&lab.tracker.data_dir, lab.directory().join("lost")).unwrap();
    let restored = restore(&lab.tracker, &dir);
    assert!(restored.status.success(), "{}", said(&restored));
    lab.tracker.start();
    wait_until("carol is a member again", || {
        number(&lab, "carol").ok_or_else(|| "she is not listed".to_owned())
    });
    lab.peer("dave");
    assert!(number(&lab, "carol").unwrap() > before + 1_000);
    assert!(number(&lab, "dave").unwrap() > before + 1_000);
    let last = alice.mine().id.to_string();
    carol.reaches(&last);
}
