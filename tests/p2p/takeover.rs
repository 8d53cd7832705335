//! Trackers that take over: a delegate while the first one is away, and another one in its place for good.

use crate::support::{Lab, Node, free_address, node, now, so, wait_until, wait_within};
use raclette::entropy::OsEntropy;
use raclette::keys::SecretKey;
use raclette::membership::{InvitationStatement, InvitationString};
use raclette::owner::answers::{DelegateView, DelegatesView, InvitedView, OnLedgerState};
use serde_json::json;
use std::ffi::OsStr;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;
use zeroize::Zeroizing;

const BY_INVITATION: &str = "admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n";

/// How soon a session ends with whom nobody is to talk to: at once, with room for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(10);

fn invite(tracker: &Node) -> String {
    let wish = json!({"uses": 1, "lasts_ms": 3_600_000});
    let invited: InvitedView = tracker.try_post("/invite", wish).unwrap();
    invited.invitation
}

/// A further tracker, which copies from the lab's.
fn second(lab: &Lab) -> Node {
    let (first, at) = (lab.tracker.tracker_status().address, lab.tracker.listen);
    let settings = format!("introduces_for = \"{first}\"\nfirst = [\"{at}\"]\n");
    let mut second = lab.prepare_tracker("second", &settings);
    second.start();
    second
}

fn named(node: &Node) -> Vec<String> {
    let peers = node.peers().peers.into_iter();
    let mut names: Vec<_> = peers
        .filter_map(|peer| peer.name)
        .map(|name| name.to_string())
        .collect();
    names.sort();
    names
}

fn knows(node: &Node, names: &[&str]) {
    wait_until(&format!("{} knows {names:?}", node.name), || {
        let known = named(node);
        so(known == names, format!("{known:?}"))
    });
}

fn delegates(tracker: &Node) -> Vec<DelegateView> {
    let view: DelegatesView = tracker.try_get("/delegates").unwrap();
    view.delegates
}

/// The lab's tracker gives the other one the right to issue, which then copies the register.
fn delegate(lab: &Lab, second: &Node) {
    let address = second.tracker_status().address;
    let given = lab
        .tracker
        .command(["tracker", "delegate", &address, "--until", "30d", "--json"]);
    assert!(given.status.success(), "{given:?}");
    wait_until("the delegate copies", || {
        let (first, other) = (delegates(&lab.tracker), delegates(second));
        let copies = first.iter().all(|one| one.copying) && other.len() == 1;
        so(copies, format!("{first:?} {other:?}"))
    });
}

#[test]
fn p2p_a_delegate_admits_and_tells_while_the_first_tracker_is_away() {
    let mut lab = Lab::start_with(BY_INVITATION);
    let invitation = invite(&lab.tracker);
    let second = second(&lab);
    let alice = lab.joined(&invitation, "alice", &[&lab.tracker, &second]);
    alice.mine();
    delegate(&lab, &second);
    knows(&second, &["alice"]);

    let of_the_first = invite(&lab.tracker);
    lab.tracker.stop();
    let listen = free_address().to_string();
    let nobody = lab.join(&of_the_first, "bob", &listen);
    let why = String::from_utf8(nobody.stderr).unwrap();
    assert!(why.contains("ask for one of another tracker"), "{why}");
    let mut bob = lab.joined(&invite(&second), "bob", &[&second, &lab.tracker]);
    knows(&alice, &["alice", "bob"]);
    alice.has_sessions(1);
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    alice.mines_members(&["alice", "bob"]);

    // Back again, the first one learns whom the other admitted: of bob by the other alone, since he is away.
    bob.stop();
    lab.tracker.start();
    knows(&lab.tracker, &["alice", "bob"]);
    bob.start();
    bob.joins();
    alice.has_sessions(1);
    // The right can be taken back.
    let address = second.tracker_status().address;
    let revoked = lab.tracker.command(["tracker", "revoke", &address]);
    assert!(revoked.status.success(), "{revoked:?}");
    wait_within(
        AT_ONCE,
        "alice's session with whom it certified ends",
        || {
            let said = alice.output();
            let ended = |line: &str| line.contains("bob") && line.contains("does not count");
            so(said.lines().any(ended), said)
        },
    );
    wait_until("the delegate hears of it", || {
        let wish = json!({"uses": 1, "lasts_ms": 3_600_000});
        match second.try_post::<InvitedView>("/invite", wish) {
            Ok(_) => Err("it still invites".to_owned()),
            Err(refused) => so(refused.error.code == "only_introduces", refused),
        }
    });
    // The first one certifies him anew.
    alice.has_sessions(1);
}

#[test]
fn p2p_the_network_goes_on_after_its_first_tracker_is_gone_for_good() {
    let recovery = SecretKey::draw(&OsEntropy);
    let address = recovery.public_key().to_address();
    let mut lab = Lab::start_with(&format!("{BY_INVITATION}recovery = \"{address}\"\n"));
    let invitation = invite(&lab.tracker);
    let second = second(&lab);
    let mut alice = lab.joined(&invitation, "alice", &[&lab.tracker, &second]);
    alice.mine();
    wait_until("the second tracker has met her", || {
        let status = second.tracker_status();
        so(
            status.live == 1 && status.network.id.is_some(),
            format!("{status:?}"),
        )
    });
    lab.tracker.kill();

    // Other words can't.
    let new = second.tracker_status().address;
    let wrong = SecretKey::draw(&OsEntropy);
    let refused = hand_over(&second, &new, &wrong);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let done = hand_over(&second, &new, &recovery);
    assert!(done.status.success(), "{done:?}");

    let bob = lab.joined(&invite(&second), "bob", &[&second]);
    knows(&alice, &["alice", "bob"]);
    registers_at(&alice, &second);
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    alice.mines_members(&["alice", "bob"]);
    // Also whoever is started anew, while its settings name the former one first.
    alice.stop();
    alice.start();
    registers_at(&alice, &second);
    // It decides as the first one did.
    let out = second.command(["expel", "bob", "--reason", "took the cheese", "--yes"]);
    assert!(out.status.success(), "{out:?}");
    wait_until("bob is told", || {
        let status = bob.status();
        so(!status.tracker.registered, format!("{status:?}"))
    });
    alice.mines_members(&["alice"]);
}

/// Waits until it is registered at this tracker.
fn registers_at(member: &Node, tracker: &Node) {
    wait_until(
        &format!("{} is registered at {}", member.name, tracker.name),
        || {
            let standing = member.status().tracker;
            let there = standing.registered && standing.endpoint == tracker.listen.to_string();
            so(there, format!("{standing:?}"))
        },
    );
}

#[test]
fn p2p_a_tracker_hands_over_while_it_runs_and_members_go_to_the_new_one_by_themselves() {
    let lab = Lab::start_with(BY_INVITATION);
    let invitation = invite(&lab.tracker);
    let second = second(&lab);
    let mut alice = lab.joined(&invitation, "alice", &[&lab.tracker, &second]);
    alice.mine();
    delegate(&lab, &second);
    registers_at(&alice, &lab.tracker);
    let new = second.tracker_status().address;
    let done = lab.tracker.command(["tracker", "hand-over", &new, "--yes"]);
    assert!(done.status.success(), "{done:?}");
    registers_at(&alice, &second);
    // The former one is there still, and passed over.
    alice.stop();
    alice.start();
    registers_at(&alice, &second);
    let bob = lab.joined(&invite(&second), "bob", &[&second]);
    knows(&alice, &["alice", "bob"]);
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
}

/// Hands the network over at this node, with the words of this key.
fn hand_over(at: &Node, to: &str, by: &SecretKey) -> std::process::Output {
    let config = at.config.as_os_str();
    let words = ["tracker", "hand-over", to, "-"].map(OsStr::new);
    let mut command = node(["--config".as_ref(), config].into_iter().chain(words));
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let text: Vec<_> = by.words().iter().collect();
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.join(" ").as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

#[test]
fn attack_an_invitation_used_at_two_trackers_that_do_not_see_each_other_is_settled_by_the_ledger() {
    let mut lab = Lab::start_with(BY_INVITATION);
    let invitation = invite(&lab.tracker);
    let mut second = second(&lab);
    let alice = lab.joined(&invitation, "alice", &[&lab.tracker, &second]);
    alice.mine();
    delegate(&lab, &second);
    // For one, by the tracker's own key, as it is to be met at either tracker.
    let seed = Zeroizing::new([0x5e; 32]);
    let now = now();
    let statement = InvitationStatement {
        network: lab.tracker.tracker_status().network.id,
        key: SecretKey::from_bytes(*seed).public_key(),
        issuer: lab.tracker_key().public_key(),
        delegation: None,
        uses: 1,
        serial: now,
        expires: now.plus_ms(3_600_000),
    };
    let signed = statement.sign(&lab.tracker_key());
    let string = |at: &Node| {
        let key = raclette::keys::PublicKey::from_address(&at.tracker_status().address).unwrap();
        let at = at.listen.to_string().parse().unwrap();
        let string = InvitationString::new(signed.clone(), seed.clone(), vec![at], key).unwrap();
        string.reveal().to_string()
    };
    let at_second = string(&second);
    second.stop();
    let bob = lab.joined(&string(&lab.tracker), "bob", &[&lab.tracker]);
    alice.mines_members(&["alice", "bob"]);
    lab.tracker.stop();
    second.start();
    let cleo = lab.joined(&at_second, "cleo", &[&second]);
    let last = alice.mine().id.to_string();
    cleo.reaches(&last);
    wait_until("cleo is told what the ledger has against her", || {
        let own = cleo.status().on_ledger;
        let trouble = own
            .as_ref()
            .and_then(|own| own.trouble.clone())
            .unwrap_or_default();
        let told = trouble.contains("was for 1, and 1 have joined");
        so(told, format!("{own:?}"))
    });
    let own = bob.status().on_ledger.map(|own| own.state);
    assert_eq!(own, Some(OnLedgerState::Member));
    alice.mines_members(&["alice", "bob"]);
}

#[test]
fn p2p_whose_settings_name_only_the_former_tracker_is_told_what_to_write_there() {
    let mut lab = Lab::start_with(BY_INVITATION);
    let second = second(&lab);
    let mut alice = lab.joined(&invite(&lab.tracker), "alice", &[&lab.tracker]);
    let bob = lab.joined(&invite(&lab.tracker), "bob", &[&lab.tracker]);
    alice.mines_members(&["alice", "bob"]);
    delegate(&lab, &second);
    let new = second.tracker_status().address;
    let done = lab.tracker.command(["tracker", "hand-over", &new, "--yes"]);
    assert!(done.status.success(), "{done:?}");
    // The new one is at an address that nobody has told them.
    for member in [&alice, &bob] {
        wait_until("it is told who speaks for the network", || {
            let trouble = member.status().tracker.trouble.unwrap_or_default();
            let told = trouble.contains(&new) && trouble.contains("\"trackers\"");
            so(told, trouble)
        });
    }
    // Members that know each other go on meanwhile.
    let last = alice.mine().id.to_string();
    bob.reaches(&last);
    lab.tracker.stop();
    // What it says is what helps: nothing else is to be accepted or begun anew.
    let settings = std::fs::read_to_string(&alice.config).unwrap();
    let (former, at) = (lab.tracker.listen.to_string(), second.listen.to_string());
    std::fs::write(&alice.config, settings.replace(&former, &at)).unwrap();
    alice.stop();
    alice.start();
    registers_at(&alice, &second);
    let cleo = lab.joined(&invite(&second), "cleo", &[&second]);
    let last = alice.mine().id.to_string();
    cleo.reaches(&last);
    bob.reaches(&last);
}
