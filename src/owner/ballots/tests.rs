//! Audits of real chains, counted again by the script that is shipped: as they are, and with one thing in
//! them changed.

use super::audit::write;
use super::*;
use crate::apps::voting::{RollPart, TOPIC};
use crate::chain::testing::counter::record;
use crate::chain::testing::{Node, START, genesis_with, member, params};
use crate::chain::{EncodedTransaction, MempoolLimits, Params, Payload, Rules, Salt, Transaction};
use crate::keys::Signature;
use crate::membership::statement::ExpulsionReason;
use crate::membership::{Act, Statement, Statements};
use crate::owner::testing::{FakeNode, peer};
use actix::Actor;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio::sync::watch;

fn voting_rules() -> Rules {
    let genesis = genesis_with(Params {
        applications: vec![topic()],
        ..params()
    });
    Rules::new(genesis, &crate::apps::built_in()).unwrap()
}

fn payload(sender: PublicKey, salt: u8, parcel: Parcel) -> Payload {
    Payload {
        network: voting_rules().network(),
        sender,
        salt: Salt([salt; 16]),
        expires_at: Height(1_000),
        fee: Amount::ZERO,
        action: record(TOPIC, parcel.encode().unwrap().as_slice()),
    }
}

fn sign(from: u8, salt: u8, parcel: Parcel) -> EncodedTransaction {
    let from = member(from);
    EncodedTransaction::new(payload(from.public_key(), salt, parcel).sign(&from))
}

fn vote(ballot: TransactionId, revision: u64, choice: u8) -> Parcel {
    Parcel::Vote(Vote {
        ballot,
        revision,
        choices: vec![choice],
    })
}

/// Asks where to, of this roll, up to this height.
fn where_to(roll: Roll, last_height: Height) -> Opening {
    Opening {
        question: Question::new("Where to?").unwrap(),
        choices: ["Rome", "Bern"]
            .map(|text| Choice::new(text).unwrap())
            .to_vec(),
        max: 1,
        roll,
        closes_at: None,
        last_height,
    }
}

/// A key of whose secret the tests make what no wallet does.
fn odd_key() -> (Scalar, PublicKey) {
    let secret = Scalar::from(0x5eed_u64);
    let key = (ED25519_BASEPOINT_POINT * secret).compress().to_bytes();
    (secret, PublicKey(key))
}

/// Signed so that only the rule of ZIP-215, which multiplies by the cofactor, takes it.
fn sign_oddly(salt: u8, parcel: Parcel) -> EncodedTransaction {
    let (secret, key) = odd_key();
    let payload = payload(key, salt, parcel);
    let unsigned = Transaction {
        payload: payload.clone(),
        signature: Signature([0; 64]),
    };
    let message = EncodedTransaction::new(unsigned).signature_item().message;
    let r = Scalar::from(0x0dd_u64);
    let point = ED25519_BASEPOINT_POINT * r + EIGHT_TORSION[1];
    let encoded = point.compress().to_bytes();
    let hash = Sha512::new()
        .chain_update(encoded)
        .chain_update(key.0)
        .chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&encoded);
    signature[32..].copy_from_slice(&(r + k * secret).to_bytes());
    EncodedTransaction::new(Transaction {
        payload,
        signature: Signature(signature),
    })
}

/// A ballot over a roll in two parts, voted in by three, one of them twice and one oddly; closed, with its
/// result mined. One vote was open at the close and in no block.
fn voted() -> (Node, TransactionId, Vec<EncodedTransaction>) {
    let mut node = Node::with(voting_rules(), MempoolLimits::default());
    let odd = odd_key().1;
    node.ledger
        .set_members((1..=9).map(|n| member(n).public_key()).chain([odd]));
    let keys = [
        vec![
            member(1).public_key(),
            member(2).public_key(),
            member(3).public_key(),
        ],
        vec![odd],
    ];
    let parts = keys.map(|keys| RollPart {
        keys: Roll::keys(keys).keys,
    });
    let named = Roll::parts(parts.iter().map(RollPart::hash).collect());
    let opening = where_to(named, Height(5));
    for (part, salt) in parts.into_iter().zip(1..) {
        node.send(sign(1, salt, Parcel::Roll(part))).unwrap();
    }
    node.mine(1);
    let opening = sign(1, 3, Parcel::Open(opening));
    let ballot = opening.id();
    node.send(opening).unwrap();
    node.mine(1);
    node.send(sign(1, 4, vote(ballot, 1, 0))).unwrap();
    node.send(sign(2, 4, vote(ballot, 1, 0))).unwrap();
    node.mine(2);
    node.send(sign(2, 5, vote(ballot, 2, 1))).unwrap();
    node.send(sign_oddly(4, vote(ballot, 1, 1))).unwrap();
    node.mine(3);
    // A miner that leaves out what it does not like.
    let late = sign(3, 4, vote(ballot, 1, 0));
    node.mine(1);
    node.mine(1);
    let outcome = Outcome {
        ballot,
        counts: vec![1, 2],
        voters: 3,
    };
    node.send(sign(1, 6, Parcel::Result(outcome))).unwrap();
    node.mine(1);
    node.mine(1);
    (node, ballot, vec![late])
}

fn lines_of(node: &Node, ballot: TransactionId, seen: &[EncodedTransaction]) -> Vec<Value> {
    let mut text = Vec::new();
    let network = voting_rules().network();
    let end = write(&node.disk, network, ballot, seen, |line| {
        text.extend(line);
        Ok(())
    });
    text.extend(end.unwrap());
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// What the script says; `None` where there is no Python.
fn checked(lines: &[Value], trust: Option<BlockId>) -> Option<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text: Vec<_> = lines.iter().map(Value::to_string).collect();
    fs::write(file.path(), text.join("\n")).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check_vote.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(file.path()).arg("--json");
    if let Some(trust) = trust {
        command.args(["--trust", &trust.to_string()]);
    }
    let output = command.output().ok()?;
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}")))
}

#[test]
fn the_script_comes_to_what_every_node_has_counted() {
    let (node, ballot, seen) = voted();
    let lines = lines_of(&node, ballot, &seen);
    let Some(told) = checked(&lines, Some(node.ledger.tip().id)) else {
        println!("there is no python3 here: not tested");
        return;
    };
    assert_eq!(told["verdict"], "correct", "{told}");
    let votes = json!([{"choice": "Rome", "votes": 1}, {"choice": "Bern", "votes": 2}]);
    assert_eq!(told["choices"], votes);
    assert_eq!((&told["voters"], &told["roll"]), (&json!(3), &json!(4)));
    assert_eq!(told["not_mined"], 1, "what no block holds is shown");
}

/// What is done to an audit, behind what the script says of it.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Vec<Value>));

/// The transactions of a block's line.
fn transactions(line: &mut Value) -> &mut Vec<Value> {
    line["block"]["transactions"].as_array_mut().unwrap()
}

#[test]
fn attack_an_audit_in_which_one_thing_is_changed_is_named() {
    let (node, ballot, seen) = voted();
    let honest = lines_of(&node, ballot, &seen);
    if checked(&honest, None).is_none() {
        println!("there is no python3 here: not tested");
        return;
    }
    // The lines are: the head, the blocks from the opening one (1) to that of the result, the end.
    let end = honest.len() - 1;
    let changes: [Change<'_>; 16] = [
        ("are not those of its header", &|lines| {
            transactions(&mut lines[2]).pop();
        }),
        ("are not those of its header", &|lines| {
            let moved = transactions(&mut lines[2]).pop().unwrap();
            transactions(&mut lines[3]).push(moved);
        }),
        ("are not those of its header", &|lines| {
            let twice = transactions(&mut lines[2])[1].clone();
            transactions(&mut lines[2]).push(twice);
        }),
        ("are not those of its header", &|lines| {
            transactions(&mut lines[2]).swap(1, 2);
        }),
        ("are not those of its header", &|lines| {
            // The last digit is the signature's.
            let vote = &mut transactions(&mut lines[2])[1];
            let text = vote.as_str().unwrap().to_owned();
            let other = if text.ends_with('0') { '1' } else { '0' };
            *vote = json!(format!("{}{other}", &text[..text.len() - 1]));
        }),
        ("a block is missing", &|lines| {
            lines.remove(2);
        }),
        ("a block is missing", &|lines| lines.swap(2, 3)),
        ("lacks its proof of work", &|lines| {
            let header = lines[2]["block"]["header"].as_str().unwrap().to_owned();
            let digits = header.len() - 2;
            // Easy as it is here, one of these has none.
            let other = (0..=255).map(|byte| format!("{}{byte:02x}", &header[..digits]));
            let target = |header: &String| {
                let bytes = crate::canonical::bytes_from_hex(header).unwrap();
                let bytes: [u8; 128] = bytes.try_into().unwrap();
                crate::chain::Header::from_bytes(&bytes).has_work()
            };
            let without = other.into_iter().find(|header| !target(header)).unwrap();
            lines[2]["block"]["header"] = json!(without);
        }),
        ("the part", &|lines| {
            lines[0]["head"]["parts"].as_array_mut().unwrap().pop();
        }),
        ("the part", &|lines| {
            let part = &mut lines[0]["head"]["parts"][1];
            let text = part.as_str().unwrap().to_owned();
            *part = json!(format!("{}00", &text[..text.len() - 2]));
        }),
        ("that are shown are not what was signed", &|lines| {
            lines[0]["head"]["choices"][0]["votes"] = json!(2);
        }),
        ("that are shown are not what was signed", &|lines| {
            lines[0]["head"]["question"] = json!("Where from?");
        }),
        ("cut off", &|lines| {
            lines.pop();
        }),
        ("the result that is named", &|lines| {
            lines[end]["end"]["result"] = Value::Null;
        }),
        ("of another block", &|lines| {
            lines.remove(end - 1);
            lines[end - 1]["end"]["result"] = Value::Null;
        }),
        ("no signed vote of this ballot", &|lines| {
            let vote = &mut lines[end]["end"]["not_mined"][0];
            let text = vote.as_str().unwrap().to_owned();
            let other = if text.ends_with('0') { '1' } else { '0' };
            *vote = json!(format!("{}{other}", &text[..text.len() - 1]));
        }),
    ];
    for (number, (saying, change)) in changes.iter().enumerate() {
        let mut lines = honest.clone();
        change(&mut lines);
        let told = checked(&lines, None).unwrap();
        assert_eq!(told["verdict"], "wrong", "change {number}: {told}");
        let reason = told["reason"].as_str().unwrap();
        assert!(reason.contains(saying), "change {number}: {reason:?}");
    }
    // A chain of one's own is no proof to whoever knows a block of the network.
    let told = checked(&honest, Some(BlockId([7; 32]))).unwrap();
    assert_eq!(told["verdict"], "wrong");
    assert!(told["reason"].as_str().unwrap().contains("trusted block"));
}

#[test]
fn an_audit_without_a_result_is_incomplete() {
    let (node, ballot, seen) = voted();
    let mut early = Node::with(voting_rules(), MempoolLimits::default());
    for height in 1..=4 {
        let id = crate::chain::StateView::active(&node.disk, Height(height))
            .unwrap()
            .unwrap();
        let block = crate::chain::StateView::block(&node.disk, &id)
            .unwrap()
            .unwrap();
        early.now = early.now.plus_ms(10_000);
        early.block(block);
    }
    let lines = lines_of(&early, ballot, &seen);
    let Some(told) = checked(&lines, Some(early.ledger.tip().id)) else {
        println!("there is no python3 here: not tested");
        return;
    };
    assert_eq!(told["verdict"], "incomplete", "{told}");
    assert_eq!(told["voters"], 3);
}

/// The rules of votes, and alice's ballot, which is closed and has no result.
fn without_result() -> (Node, Rules) {
    let mut node = Node::with(voting_rules(), MempoolLimits::default());
    node.ledger.set_members([member(1).public_key()]);
    let opening = where_to(Roll::keys([member(1).public_key()]), Height(2));
    node.send(sign(1, 1, Parcel::Open(opening))).unwrap();
    for _ in 0..3 {
        node.mine(1);
    }
    (node, voting_rules())
}

#[actix_rt::test]
async fn whoever_is_put_out_does_not_try_to_record_what_its_ballot_came_to() {
    let said = Statement {
        network: voting_rules().genesis().id(),
        number: START,
        act: Act::Expel {
            key: member(1).public_key(),
            reason: ExpulsionReason::new("spam").unwrap(),
        },
    };
    let mut statements = Statements::new(voting_rules().genesis());
    let admin = member(200);
    statements.take(said.sign(&admin), START).unwrap();
    for out in [true, false] {
        let (chain, rules) = without_result();
        let node = FakeNode::on(chain, rules, None);
        let played = node.played();
        let node = node.start();
        let mut alice = peer(&node, &played, Path::new(""));
        let mut known = (*alice.known()).clone();
        known.statements = out.then(|| Arc::new(statements.clone()));
        alice.known = watch::channel(Arc::new(known)).1;
        let recorded = alice.record_due_results().await.unwrap();
        assert_eq!(recorded, usize::from(!out));
        assert_eq!(played.last_sent().is_some(), !out);
    }
}
