//! Whoever is put out, in the hands of somebody who wants to stay.

use crate::support::{Lab, Node, RawPeer, agree, node, so, wait_until};
use raclette::membership::SignedStatement;
use raclette::owner::answers::{LedgerMembersView, ReceivedState, SaidView, SentView};
use raclette::protocol::delivery::rows::SendState;
use raclette::wire::Message;
use raclette::wire::message::RefusalCode;
use serde_json::json;
use std::ffi::OsStr;
use std::process::Output;

/// Runs a command at the tracker, as its owner types it.
fn typed<const N: usize>(lab: &Lab, words: [&str; N]) -> Output {
    let config = lab.tracker.config.to_str().unwrap().to_owned();
    let mut all = vec!["--config".to_owned(), config];
    all.extend(words.map(str::to_owned));
    node(all.iter().map(OsStr::new)).output().unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn expel(lab: &Lab, who: &str) -> SaidView {
    let words = [
        "expel",
        who,
        "--reason",
        "took the cheese",
        "--yes",
        "--json",
    ];
    let output = typed(lab, words);
    assert!(output.status.success(), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until a node says of itself that it is put out, and why.
fn knows_it_is_out(node: &Node) {
    wait_until(&format!("{} says that it is put out", node.name), || {
        let status = node.status();
        let out = status.put_out.as_ref().and_then(|out| out.reason.clone());
        so(
            out.as_deref() == Some("took the cheese") && status.tracker.member_until.is_none(),
            format!("{status:?}"),
        )
    });
    let shown = text(&node.command(["status"]));
    // As it is read, wherever its lines end.
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("took the cheese") && shown.contains("readmit"),
        "{shown}"
    );
}

/// Where the last statement is on the ledger, by this node.
fn on_ledger(node: &Node) -> Option<u64> {
    let view: LedgerMembersView = node.try_get("/ledger/members").unwrap();
    let last = view.statements.first()?;
    last.on_ledger.map(|height| height.0)
}

/// What a member answers to somebody with this key and a fresh certificate of the tracker's: the statement by which
/// it is turned away, if it is.
fn turned_away(lab: &Lab, by: &Node, seed: u8) -> Option<SignedStatement> {
    let network = by.chain().network.id.unwrap();
    let mut raw = RawPeer::connect(by.listen, seed);
    let tracker = lab.tracker_key();
    let said = raw.statement_of_membership(network, tracker.public_key());
    raw.certificate = Some(said.sign(&tracker));
    raw.shake_hands();
    raw.say_hello(network);
    let frames = raw.hear_refusal()?;
    match frames {
        Message::Statements(mut said) => said.pop(),
        other => panic!("{} says {other:?}", by.name),
    }
}

#[test]
fn attack_who_is_put_out_stays_out_with_every_tracker_off_after_restarts_and_under_a_new_name() {
    let mut lab = Lab::start();
    let [mut alice, mut bob, mut carol] = lab.peers(["alice", "bob", "carol"]);
    alice.mine_blocks(2);
    agree(&[&alice, &bob, &carol]);
    let said = expel(&lab, "bob");
    assert_eq!(said.told, 2, "alice and carol: {said:?}");
    alice.has_sessions(1);
    carol.has_sessions(1);
    knows_it_is_out(&bob);
    bob.has_sessions(0);

    // All trackers are off; everybody starts again, bob with his old cache and certificate.
    lab.tracker.stop();
    for node in [&mut alice, &mut carol, &mut bob] {
        node.stop();
        node.start();
    }
    alice.has_sessions(1);
    carol.has_sessions(1);
    knows_it_is_out(&bob);
    let tip = alice.mine_blocks(2);
    carol.reaches(&tip);
    assert_eq!(bob.height(), 2, "nobody told him");

    // The tracker is back; under a new name he is the same.
    lab.tracker.start();
    bob.stop();
    let settings = std::fs::read_to_string(&bob.config).unwrap();
    let data_dir = format!(
        "name = \"robert\"\ndata_dir = {:?}",
        bob.data_dir.to_str().unwrap()
    );
    std::fs::write(&bob.config, settings.replace("name = \"bob\"", &data_dir)).unwrap();
    bob.start();
    wait_until("the tracker has refused robert", || {
        let trouble = bob.status().tracker.trouble.unwrap_or_default();
        so(trouble.contains("took the cheese"), trouble)
    });
    let listed = lab.tracker.peers().peers;
    assert_eq!(listed.len(), 2, "{listed:?}");
    bob.has_sessions(0);
}

#[test]
fn attack_no_certificate_lets_in_who_is_put_out_also_when_the_record_was_undone() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(1);
    agree(&[&alice, &bob]);
    // Mallory registers by hand, and is put out by address.
    let seed = 77;
    let (raw, _) = RawPeer::register(lab.tracker.listen, seed, "mallory");
    let address = raw.key.public_key().to_address();
    drop(raw);
    assert!(
        turned_away(&lab, &alice, seed).is_none(),
        "a member is talked to"
    );
    expel(&lab, "mallory");
    let told = wait_until("alice turns mallory away", || {
        turned_away(&lab, &alice, seed).ok_or_else(|| "she talks to it".to_owned())
    });
    assert_eq!(told.statement.act.key().to_address(), address);
    assert!(turned_away(&lab, &bob, seed).is_some());

    // It comes on the ledger by itself, at alice's, while bob is apart and mines a branch with more work.
    let _: serde_json::Value = bob.try_post("/disconnect", json!({})).unwrap();
    let mut looks = 0;
    let height = wait_until("the statement is on the ledger", || {
        looks += 1;
        // Seldom, so that her branch is a short one.
        if looks % 20 == 0 {
            alice.mine();
        }
        on_ledger(&alice).ok_or_else(|| "not yet".to_owned())
    });
    let written_in = alice.block(height).id;
    let tip = bob.mine_blocks(2 * usize::try_from(height).unwrap());
    let _: serde_json::Value = bob.try_post("/connect", json!({})).unwrap();
    alice.reaches(&tip);
    // Bob's node may have written it down by itself, in a block of his own.
    assert_ne!(alice.block(height).id, written_in, "the record was undone");
    assert!(turned_away(&lab, &alice, seed).is_some());
    assert!(turned_away(&lab, &bob, seed).is_some());
    // It is open again, and so in the next block.
    wait_until("the statement is on the ledger again", || {
        alice.mine();
        on_ledger(&alice).ok_or_else(|| "not yet".to_owned())
    });
    assert_eq!(register_again(&lab, seed, "malory"), RefusalCode::PutOut);
}

/// What the tracker answers to somebody who registers again, under this name.
fn register_again(lab: &Lab, seed: u8, name: &str) -> RefusalCode {
    let network = lab.tracker.tracker_status().network.id.unwrap();
    let mut raw = RawPeer::peer(lab.tracker.listen, seed, network);
    let statement = raclette::wire::MemberStatement {
        tracker: raw.other.as_ref().unwrap().key,
        sequence: u64::MAX / 2,
        name: name.parse().unwrap(),
        key: raw.key.public_key(),
        sealing_key: raw.key.sealing_key(),
        addresses: Vec::new(),
    };
    let record = statement.sign(&raw.key);
    raw.send(&Message::Register(record));
    raw.expect("a no", |message| match message {
        Message::Refused(refused) => Some(refused.code),
        _ => None,
    })
}

#[test]
fn who_is_readmitted_comes_back_and_each_no_is_in_words_as_a_user_types_it() {
    let lab = Lab::start();
    let [alice, mut bob, carol] = lab.peers(["alice", "bob", "carol"]);
    alice.mine_blocks(1);
    agree(&[&alice, &bob, &carol]);
    for (words, reason) in [
        (
            ["expel", "bobb", "--reason", "x", "--yes"],
            "did you mean bob?",
        ),
        (["expel", "bob", "--reason", " ", "--yes"], "1 to 200 bytes"),
        (["expel", "bob", "--reason", "x", "--json"], "--yes"),
    ] {
        let output = typed(&lab, words);
        assert!(
            !output.status.success() && text(&output).contains(reason),
            "{}",
            text(&output)
        );
    }
    let refused = typed(&lab, ["readmit", "bob"]);
    assert!(text(&refused).contains("not put out"), "{}", text(&refused));
    expel(&lab, "bob");
    knows_it_is_out(&bob);
    let again = typed(&lab, ["expel", "bob", "--reason", "x", "--yes"]);
    assert!(text(&again).contains("put out already"), "{}", text(&again));
    let back = typed(&lab, ["readmit", "bob"]);
    assert!(
        back.status.success() && text(&back).contains("told to 2"),
        "{}",
        text(&back)
    );
    // It asks at its start, and every few minutes.
    bob.stop();
    bob.start();
    bob.joins();
    bob.has_sessions(2);
    assert!(bob.status().put_out.is_none());
}

/// Waits until the one message in this inbox is in a state.
fn receives(node: &Node, state: ReceivedState) {
    wait_until(&format!("{} sees {state:?}", node.name), || {
        let inbox = node.inbox();
        so(
            inbox.len() == 1 && inbox[0].state == state,
            format!("{inbox:?}"),
        )
    });
}

#[test]
fn what_waits_of_who_is_put_out_is_no_conflict_and_is_mined_after_all_when_it_is_let_back() {
    let lab = Lab::start();
    let [alice, mut bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(1);
    agree(&[&alice, &bob]);
    let id = bob.write("alice", 0, Some("who took the cheese?"));
    bob.sees(&id, SendState::Open);
    receives(&alice, ReceivedState::Open);
    expel(&lab, "bob");
    receives(&alice, ReceivedState::PutOut);
    assert_eq!(alice.chain().open_transactions, 0);
    wait_until("bob says why it waits", || {
        let reason = bob.sent(&id).reason;
        so(reason.contains("put out"), reason)
    });
    // It is the same after a restart, and neither node takes it for void.
    bob.stop();
    bob.start();
    knows_it_is_out(&bob);
    assert_ne!(bob.sent(&id).state, SendState::Conflicted);
    assert!(typed(&lab, ["readmit", "bob"]).status.success());
    bob.stop();
    bob.start();
    bob.joins();
    receives(&alice, ReceivedState::Open);
    bob.sees(&id, SendState::Open);
    alice.mine_blocks(1);
    receives(&alice, ReceivedState::Mined);
    bob.sees(&id, SendState::Mined);
}

#[test]
fn a_name_whose_wallet_is_lost_goes_to_another_key_and_the_lost_one_stays_out() {
    let lab = Lab::start();
    let [alice, mut lost] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(1);
    agree(&[&alice, &lost]);
    lost.stop();
    // On another machine bob makes another wallet, and tells its address to whoever runs the tracker.
    let mut bob = lab.prepare_peer("anew");
    bob.name_as(&lost);
    let made = bob.command(["wallet", "new"]);
    assert!(made.status.success(), "{}", text(&made));
    let address = String::from_utf8(bob.command(["wallet", "address"]).stdout).unwrap();
    let address = address.trim();
    let wrong = typed(&lab, ["rekey", "bob", &address[..40], "--yes"]);
    assert!(!wrong.status.success(), "{}", text(&wrong));
    let rekeyed = typed(&lab, ["rekey", "bob", address, "--yes"]);
    assert!(rekeyed.status.success(), "{}", text(&rekeyed));
    bob.start();
    bob.joins();
    // Whoever sends to the name sends to the new key.
    wait_until("alice pays the new bob", || {
        let body = json!({"to": "bob", "amount": "1", "broadcast": true});
        let sent: Result<SentView, _> = alice.try_post("/transactions", body);
        sent.map(drop).map_err(|refused| refused.to_string())
    });
    alice.mine();
    wait_until("the new bob has it", || {
        let balance = alice.balance(address);
        so(balance == 1, balance.to_string())
    });
    // Whoever found the lost wallet is nobody's friend.
    lost.start();
    wait_until("the lost key is told that it is out", || {
        let out = lost.status().put_out;
        so(out.is_some(), "it is not".to_owned())
    });
}
