//! Backups: what was answered before one is in it, and what is restored breaks no promise.

use crate::support::{Cell, Lab, Node, agree, so, wait_until};
use raclette::owner::answers::TransactionState;
use raclette::protocol::delivery::rows::SendState;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Backups that are cut short.
const KILLED_BACKUPS: usize = 6;

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
    // Either may have missed something; he must not mine on what is no longer the end.
    agree(&[&bob, &elsewhere]);
    let last = bob.mine().id.to_string();
    elsewhere.reaches(&last);
}

/// A backup that is cut short by `kill -9`, of the node or of the command, leaves nothing that could be taken
/// for one; the next one has all that was answered before it, the wallet included.
#[test]
fn restart_from_a_backup_after_kills_amid_backups_has_all_that_was_answered() {
    let mut lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(3);
    let mut answered = Vec::new();
    for round in 0..KILLED_BACKUPS {
        answered.extend((0..4).map(|_| alice.send("bob", 1)));
        answered.push(alice.write("bob", 0, Some("a note")));
        let dir = lab.directory().join(format!("cut-{round}"));
        let mut making = alice.begins(["backup", dir.to_str().unwrap(), "--with-wallet"]);
        let unfinished = lab.directory().join(format!(".cut-{round}.part"));
        wait_until("the backup has begun, or is done", || {
            so(unfinished.exists() || dir.exists(), "not yet")
        });
        if round % 2 == 0 {
            alice.kill();
            making.wait().unwrap();
            alice.start();
        } else {
            making.kill().unwrap();
            making.wait().unwrap();
        }
        // There is a whole one, or none.
        assert!(!dir.exists() || raclette::backup::check(&dir).is_ok());
    }
    let dir = lab.directory().join("backup");
    let made = backup(&alice, &dir);
    assert!(made.status.success(), "{}", said(&made));
    alice.kill();

    let mut elsewhere = lab.prepare_peer("elsewhere");
    elsewhere.name_as(&alice);
    let restored = restore(&elsewhere, &dir);
    assert!(restored.status.success(), "{}", said(&restored));
    lab.tracker.stop();
    elsewhere.start();
    for id in &answered {
        let known = elsewhere.try_get::<serde_json::Value>(&format!("/outbox/{id}"));
        assert!(known.is_ok(), "{id}: {known:?}");
    }
    elsewhere.verify_chain();
    lab.tracker.start();
    elsewhere.joins();
    // Either may have missed something; he must not mine on what is no longer the end.
    agree(&[&bob, &elsewhere]);
    let last = bob.mine().id.to_string();
    elsewhere.reaches(&last);
}

/// Where the disk of the backup is full, that is said, nothing of it is left, and the node goes on.
#[test]
fn restart_a_backup_to_a_full_disk_is_refused_in_words_and_leaves_nothing() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    alice.mine_blocks(2);
    let disk = lab.directory().join("stick");
    fs::create_dir(&disk).unwrap();
    let shown = disk.display();
    let Some(cell) = Cell::new(false, &format!("mount -t tmpfs -o size=16m none {shown}")) else {
        return;
    };
    let program = env!("CARGO_BIN_EXE_node");
    let told = lab.directory().join("told");
    let refused = |node: &Node, arguments: &str, words: &str| {
        let (config, told) = (node.config.display(), told.display());
        let typed = format!("{program} --config {config} {arguments}");
        cell.run(&format!(
            "if {typed} 2>{told}; then exit 1; fi; cat {told}; grep -q '{words}' {told}"
        ));
    };
    refused(
        &alice,
        &format!("backup {shown}/backup"),
        "no room for a backup",
    );
    cell.run(&format!("test -z \"$(ls -A {shown})\""));
    alice.mine();
    alice.verify_chain();
    // What is restored to a disk that is full is refused likewise.
    let dir = lab.directory().join("backup");
    assert!(backup(&alice, &dir).status.success());
    let settings = fs::read_to_string(&alice.config).unwrap();
    let small = format!("data_dir = \"{shown}/data\"\n{settings}");
    let elsewhere = lab.node("small", alice.listen, &small);
    cell.run(&format!(
        "cat /dev/zero > {shown}/filler 2>/dev/null || true"
    ));
    let restore = format!("restore {} --original-gone", dir.display());
    refused(&elsewhere, &restore, "there is no room");
    cell.run(&format!(
        "! test -e {shown}/data/db; ! test -e {shown}/data/db.part"
    ));
}

/// A disk that seemed to have room, and fills while the backup is written: by a node at rest and by one that runs.
#[test]
fn restart_a_backup_to_a_disk_that_fills_midway_leaves_nothing_half_done() {
    let lab = Lab::start();
    let mut alice = lab.prepare_peer("alice");
    let disk = lab.directory().join("stick");
    fs::create_dir(&disk).unwrap();
    let shown = disk.display();
    // Bytes enough, and not as many files as a database has: whoever asks for room beforehand finds it.
    let mount = format!("mount -t tmpfs -o size=1g,nr_inodes=6 none {shown}");
    let Some(cell) = Cell::new(false, &mount) else {
        return;
    };
    alice.prefix = cell.prefix();
    alice.start().joins();
    alice.mine_blocks(2);
    let program = env!("CARGO_BIN_EXE_node");
    let told = lab.directory().join("told");
    let (config, told) = (alice.config.display().to_string(), told.display());
    let data_dir = alice.data_dir.clone();
    let refused = || {
        cell.run(&format!(
            "if {program} --config {config} backup {shown}/backup 2>{told}; then exit 1; fi; cat {told}; grep -q \
             'filled up while the copy' {told}; test -z \"$(ls -A {shown})\""
        ));
        assert_eq!(raclette::backup::last(&data_dir), None);
    };
    refused();
    alice.mine();
    let dir = lab.directory().join("backup");
    let made = backup(&alice, &dir);
    assert!(made.status.success(), "{}", said(&made));
    fs::remove_file(alice.data_dir.join("last-backup.json")).unwrap();
    alice.stop();
    refused();
    alice.start().verify_chain();
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

/// A peer goes back to a backup from before much that it has promised since: what it sent is neither paid twice
/// nor sent with the same number again, and what it acknowledged comes again.
#[test]
fn restart_of_a_peer_from_an_old_backup_breaks_no_promise() {
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(2);
    alice.knows(&["bob"]);
    bob.knows(&["alice"]);
    let dir = lab.directory().join("backup");
    assert!(backup(&alice, &dir).status.success());
    // Since then: coins that are mined, coins that are open, and a note that she has signed for.
    let mined = alice.write("bob", 5, None);
    alice.has_receipt(&mined);
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    let open = alice.send("bob", 7);
    let note = bob.write("alice", 0, Some("signed for"));
    bob.has_receipt(&note);
    wait_until("bob has the open payment", || {
        so(bob.open().contains(&open), "not yet")
    });
    alice.kill();
    fs::rename(&alice.data_dir, lab.directory().join("lost")).unwrap();
    let restored = restore(&alice, &dir);
    assert!(restored.status.success(), "{}", said(&restored));
    alice.start().joins();
    alice.reaches(&last);
    wait_until("she hears of her open payment from bob", || {
        so(alice.open().contains(&open), "not yet")
    });
    // She knows of what she paid, and so can't spend it again.
    assert_eq!(alice.balance("alice"), 145);
    alice.has_sessions(1);
    // What is sent now is as the open payment was, at the same height, and another one all the same.
    let again = alice.write("bob", 7, None);
    assert!(again != mined && again != open);
    alice.has_receipt(&again);
    wait_until("bob has all of it open", || {
        so(
            bob.open().contains(&open) && bob.open().contains(&again),
            "not yet",
        )
    });
    let last = bob.mine().id.to_string();
    alice.reaches(&last);
    assert_eq!(bob.balance("bob"), 5 + 7 + 7 + 50);
    // The note was signed for: it is not lost, since it is mined.
    alice.has_notes(&["signed for"]);
    alice.verify_chain();
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
