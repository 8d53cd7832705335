//! A tracker that was restored from a copy of its data directory that is older than much of what it has done.

use crate::support::{Lab, free_address, so, wait_until};
use raclette::owner::answers::InvitedView;
use serde_json::json;
use std::fs;
use std::path::Path;

const BY_INVITATION: &str = "admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n";

/// A week, in seconds.
const WEEK: i64 = 7 * 86_400;

fn invite(lab: &Lab) -> String {
    let wish = json!({"uses": 1, "lasts_ms": 30 * 86_400_000_u64});
    let invited: InvitedView = lab.tracker.try_post("/invite", wish).unwrap();
    invited.invitation
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Who is there, by the word of the tracker.
fn there(lab: &Lab) -> Vec<String> {
    let peers = lab.tracker.peers().peers.into_iter();
    let live = peers.filter(|peer| peer.live == Some(true));
    let mut names: Vec<_> = live
        .filter_map(|peer| peer.name)
        .map(|name| name.to_string())
        .collect();
    names.sort();
    names
}

#[test]
fn attack_a_tracker_restored_from_a_week_old_copy_learns_whom_it_admitted_and_put_out_since() {
    let mut lab = Lab::start_by_clock(BY_INVITATION, -WEEK);
    let alice = lab.joined(&invite(&lab), "alice", &[&lab.tracker]);
    alice.mine();
    let mut eve = lab.joined(&invite(&lab), "eve", &[&lab.tracker]);
    let of_bob = invite(&lab);
    lab.tracker.stop();
    let old = lab.directory().join("old-copy");
    copy(&lab.tracker.data_dir, &old);

    // What the copy does not hold: bob came by an invitation for one, eve was put out.
    lab.tracker.start();
    let bob = lab.joined(&of_bob, "bob", &[&lab.tracker]);
    wait_until("eve is put out", || {
        let words = ["expel", "eve", "--reason", "took the cheese", "--yes"];
        let said = lab.tracker.command(words);
        let told = String::from_utf8_lossy(&said.stderr).into_owned();
        so(said.status.success(), told)
    });
    alice.mines_members(&["alice", "bob"]);

    // A week later, for all of them.
    lab.tracker.stop();
    lab.clock().set(0);
    alice.mine();
    fs::remove_dir_all(&lab.tracker.data_dir).unwrap();
    copy(&old, &lab.tracker.data_dir);
    lab.tracker.start();
    wait_until("alice and bob are there again, and nobody else", || {
        let names = there(&lab);
        so(names == ["alice", "bob"], format!("{names:?}"))
    });
    // His certificate says by which invitation he came: it lets in nobody else.
    let again = lab.join(&of_bob, "cleo", &free_address().to_string());
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && said.contains("used"), "{said}");
    // Eve, who begins anew, is turned away by what the others have told the tracker.
    eve.stop();
    eve.start();
    wait_until("eve is told again", || {
        let status = eve.status();
        so(
            status.put_out.is_some() && !status.tracker.registered,
            format!("{status:?}"),
        )
    });
    let status = lab
        .tracker
        .command(["expel", "eve", "--reason", "again", "--yes"]);
    let said = String::from_utf8(status.stderr).unwrap();
    assert!(!status.status.success() && said.contains("out"), "{said}");
    assert_eq!(there(&lab), ["alice", "bob"]);
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    alice.mines_members(&["alice", "bob"]);
}
