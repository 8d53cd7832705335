//! Members on the ledger, as they come and go: those who are not there yet, and who leaves before being there.

use crate::support::{Lab, Node, RawPeer, so, wait_until, wait_within};
use raclette::owner::answers::{InvitedView, LedgerMembersView, OnLedgerState};
use serde_json::json;
use std::time::Duration;

const BY_INVITATION: &str = "admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n";

/// How soon a session ends with whom nobody is to talk to: at once, with room for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(10);

fn joined(lab: &Lab, name: &str) -> Node {
    let wish = json!({"uses": 1, "lasts_ms": 3_600_000});
    let invited: InvitedView = lab.tracker.try_post("/invite", wish).unwrap();
    lab.joined(&invited.invitation, name, &[&lab.tracker])
}

/// What a command shows.
fn shown<const N: usize>(node: &Node, words: [&str; N]) -> String {
    let output = node.command(words);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn p2p_who_leaves_before_its_join_is_mined_is_no_member_afterwards() {
    let lab = Lab::start_with(BY_INVITATION);
    let alice = joined(&lab, "alice");
    alice.mines_members(&["alice"]);
    let bob = joined(&lab, "bob");
    wait_until("bob's join is open", || {
        let own = bob.status().on_ledger;
        let is_open = own
            .as_ref()
            .is_some_and(|own| own.state == OnLedgerState::Open);
        so(is_open, format!("{own:?}"))
    });
    wait_until("alice has the join", || so(!alice.open().is_empty(), "not"));
    // Nobody mines: he is admitted, and everybody says that he is not on the ledger yet.
    let not_yet = "not on the ledger yet";
    let status = shown(&bob, ["status"]);
    assert!(status.contains(not_yet), "{status}");
    let members = shown(&alice, ["members"]);
    let (on_ledger, told) = members.split_once(not_yet).expect(&members);
    assert!(
        on_ledger.contains("alice") && !on_ledger.contains("bob"),
        "{members}"
    );
    assert!(told.contains("bob") && !told.contains("alice"), "{members}");
    let peers = alice.peers().peers;
    let of = |name: &str| {
        let named = |n: &&raclette::owner::answers::PeerView| {
            n.name.as_ref().is_some_and(|n| n.as_str() == name)
        };
        peers.iter().find(named).and_then(|peer| peer.on_ledger)
    };
    assert_eq!((of("alice"), of("bob")), (Some(true), Some(false)));

    // He leaves: that waits for the block that holds the join, and is in the next one.
    let mut leaves = bob.begins(["leave", "--yes"]);
    assert!(leaves.try_wait().unwrap().is_none(), "it waits for a block");
    alice.mine();
    assert!(leaves.wait().unwrap().success());
    alice.mines_members(&["alice"]);
    wait_until("alice hears that he has left", || {
        let view: LedgerMembersView = alice.try_get("/ledger/members").unwrap();
        so(view.not_yet.is_empty(), format!("{view:?}"))
    });
}

#[test]
fn p2p_nobody_leaves_while_its_join_waits_for_a_block() {
    let lab = Lab::start_with(BY_INVITATION);
    let alice = joined(&lab, "alice");
    wait_until("her join is open", || so(!alice.open().is_empty(), "not"));
    let refused = alice.command(["leave", "--yes", "--json"]);
    let said = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("join_open"), "{said}");
    assert!(alice.status().tracker.registered, "nothing was done");
}

#[test]
fn p2p_the_sessions_of_who_is_put_out_end_at_once() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    alice.mine();
    let network = lab.tracker.tracker_status().network.id.unwrap();
    let seed = 81;
    let (registered, _) = RawPeer::register(lab.tracker.listen, seed, "mallory");
    let certificate = registered.certificate.clone();
    let mut with_alice = RawPeer::connect(alice.listen, seed);
    with_alice.certificate = certificate;
    with_alice.shake_hands();
    with_alice.say_hello(network);
    with_alice.hear_hello();
    alice.has_sessions(1);
    let words = ["expel", "mallory", "--reason", "took the cheese", "--yes"];
    let said = lab.tracker.command(words);
    assert!(said.status.success(), "{said:?}");
    let why = with_alice.expect_close(AT_ONCE);
    assert!(why.is_some_and(|why| why.contains("took the cheese")));
    wait_within(AT_ONCE, "alice has no session", || {
        let sessions = alice.chain().sessions;
        so(sessions == 0, sessions)
    });
}
