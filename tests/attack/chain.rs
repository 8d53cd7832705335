//! Blocks and payments that break a rule: none of them changes anything.

use super::{SOON, Target};
use crate::support::{Forge, RawPeer, so, wait_until};
use raclette::canonical;
use raclette::chain::block::root_of;
use raclette::chain::target::Target as EasyTarget;
use raclette::chain::{
    Action, Amount, Block, EncodedTransaction, Header, Height, Payload, Timestamp,
};
use raclette::keys::{SecretKey, Signature};
use raclette::owner::answers::TransactionState;
use raclette::wire::Message;
use serde_json::json;
use std::num::NonZeroU64;

/// A forge at alice's tip.
fn forge(target: &Target, raw: &mut RawPeer) -> Forge {
    // What a peer is told comes from the disk, which is a moment behind what the API tells.
    wait_until("alice tells all her headers", || {
        let mut forge = Forge::new(target.genesis.clone());
        forge.follow(&raw.headers(target.network()));
        so(
            forge.height() as u64 == target.alice.height(),
            forge.height(),
        )?;
        Ok(forge)
    })
}

/// A block that only its header condemns, or its body, changes nothing and costs the connection.
fn refused(target: &Target, seed: u8, make: impl FnOnce(&Forge, &SecretKey) -> Block) {
    let before = target.alice.tip();
    let mut raw = target.attacker(seed);
    let forge = forge(target, &mut raw);
    let block = make(&forge, &raw.key);
    raw.send(&Message::AnnounceBlock(block.header));
    raw.send(&Message::Block(block.clone()));
    // A header that passes is followed by the question for the body.
    let mut answered = false;
    let closed = raw.expect_close_or(SOON, |raw, message| {
        if matches!(&message, Message::GetBlocks(ids) if ids.contains(&block.id())) && !answered {
            answered = true;
            raw.send(&Message::Block(block.clone()));
        }
    });
    assert!(
        closed.is_some_and(|reason| !reason.is_empty()),
        "with a reason"
    );
    assert_eq!(target.alice.tip(), before, "nothing was taken from it");
}

#[test]
fn attack_an_honest_block_made_by_hand_is_taken() {
    // The forge works: what the other tests get refused is refused for what they change.
    let target = Target::start();
    target.alice.mine_blocks(3);
    let mut raw = target.attacker(1);
    let forge = forge(&target, &mut raw);
    let block = forge.block(raw.public_key(), Vec::new(), |_| {});
    raw.offer(&block);
    target.alice.reaches(&block.id().to_string());
    let own = raw.public_key().to_address();
    assert_eq!(target.alice.balance(&own), 50);
}

/// A lie told in a header.
type Change = Box<dyn Fn(&mut Header)>;

#[test]
fn attack_declared_heights_targets_times_and_roots_are_not_believed() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    let easy = EasyTarget::from_expected_hashes(NonZeroU64::MIN).to_compact();
    let changes: [(&str, Change); 6] = [
        (
            "an easier target",
            Box::new(move |header| header.target = easy),
        ),
        (
            "a greater height",
            Box::new(|header| header.height = Height(1_000)),
        ),
        (
            "its parent's time",
            Box::new(|header| header.timestamp = Timestamp(1)),
        ),
        (
            "another history",
            Box::new(|header| header.history_root.0[0] ^= 1),
        ),
        ("another version", Box::new(|header| header.version += 1)),
        (
            "another body",
            Box::new(|header| header.transactions_root.0[0] ^= 1),
        ),
    ];
    for (seed, (what, change)) in (10..).zip(changes) {
        println!("{what}");
        refused(&target, seed, |forge, key| {
            forge.block(key.public_key(), Vec::new(), |header| change(header))
        });
    }
    target.assert_well();
}

/// The proof of work covers only part of the block: lesson 9.
#[test]
fn attack_the_proof_of_work_covers_every_part_of_a_block() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    // One proof of work, then something changed: each change makes another id, which lacks it.
    let changes: [fn(&mut Header); 5] = [
        |header| header.transactions_root.0[5] ^= 1,
        |header| header.history_root.0[5] ^= 1,
        |header| header.timestamp.0 += 1,
        |header| header.height.0 += 1,
        |header| header.previous.0[5] ^= 1,
    ];
    for (seed, change) in (10..).zip(changes) {
        refused(&target, seed, |forge, key| {
            // An id below its target by chance proves nothing: another proof of work, then.
            let mut salt = 0;
            loop {
                salt += 1;
                let mut block = forge.block(key.public_key(), Vec::new(), |header| {
                    header.nonce = salt * 1_000_000;
                });
                change(&mut block.header);
                if !block.header.has_work() {
                    return block;
                }
            }
        });
    }
    target.assert_well();
}

#[test]
fn attack_rewards_are_exact_and_come_once() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    let reward = |forge: &Forge, key: &SecretKey, amount| {
        let height = Height(forge.height() as u64 + 1);
        let payload = Payload::reward(forge.network(), key.public_key(), height, Amount(amount));
        EncodedTransaction::new(payload.unsigned())
    };
    refused(&target, 10, |forge, key| {
        forge.block_with(vec![reward(forge, key, 51)], |_| {})
    });
    refused(&target, 11, |forge, key| {
        let one = reward(forge, key, 50);
        let other = reward(forge, &SecretKey::from_bytes([77; 32]), 50);
        forge.block_with(vec![one, other], |_| {})
    });
    refused(&target, 12, |forge, _| forge.block_with(Vec::new(), |_| {}));
    refused(&target, 13, |forge, key| {
        // A payment in the place of the reward.
        let stray = forge.transfer(key, target.genesis.content.founder, 1, 1);
        forge.block_with(vec![stray], |_| {})
    });
    target.assert_well();
}

/// A payment of -1,000 credits its sender: lesson 6.
#[test]
fn attack_coins_that_nobody_has_are_not_spent_and_negative_ones_do_not_exist() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    let alice = target.genesis.content.founder;
    let before = target.alice.balance("alice");
    // In a block, twice the same amount: more than its own reward of 50, a number that would be -1 if
    // it could, and one whose double would wrap to 0.
    for (seed, amount) in [(10, 26), (11, u64::MAX), (12, 1 << 63)] {
        refused(&target, seed, |forge, key| {
            let payments = vec![
                forge.transfer(key, alice, amount, 1),
                forge.transfer(key, alice, amount, 2),
            ];
            forge.block(key.public_key(), payments, |_| {})
        });
    }
    // By itself: never open.
    let mut raw = target.attacker(20);
    let forge = forge(&target, &mut raw);
    let payment = forge.transfer(&raw.key, alice, u64::MAX, 3);
    raw.send(&Message::AnnounceTransactions(vec![payment.id()]));
    raw.expect("to be asked", |message| match message {
        Message::GetTransactions(ids) => ids.contains(&payment.id()).then_some(()),
        _ => None,
    });
    raw.send(&Message::Transactions(vec![payment.clone()]));
    raw.send(&Message::Ping(9));
    raw.expect("a pong", |message| {
        matches!(message, Message::Pong(pong) if pong.number == 9).then_some(())
    });
    // By the API.
    for amount in [
        json!(-1),
        json!(-1_000),
        json!(1.5),
        json!(5),
        json!(u64::MAX.to_string()),
        json!("-1"),
        json!("05"),
    ] {
        let body = json!({"to": raw.public_key().to_address(), "amount": amount});
        let sent = target
            .alice
            .try_post::<serde_json::Value>("/transactions", body);
        let refused = sent.expect_err("no such payment exists");
        assert!([400, 422].contains(&refused.status), "{amount}: {refused}");
    }
    assert_eq!(target.alice.open(), Vec::<String>::new());
    assert_eq!(target.alice.balance("alice"), before);
    target.assert_well();
}

/// The signature is never checked: lesson 14.
#[test]
fn attack_signatures_are_checked_in_payments_and_in_blocks() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    let thief = SecretKey::from_bytes([88; 32]);
    // Alice's coins, signed by somebody else.
    let stolen = |forge: &Forge| {
        let mut payload = forge.payload(&thief, thief.public_key(), 10, 1);
        payload.sender = target.genesis.content.founder;
        EncodedTransaction::new(payload.sign(&thief))
    };
    refused(&target, 10, |forge, key| {
        forge.block(key.public_key(), vec![stolen(forge)], |_| {})
    });
    refused(&target, 11, |forge, key| {
        let mut unsigned = stolen(forge).transaction().clone();
        unsigned.signature = Signature([0; 64]);
        let unsigned = EncodedTransaction::new(unsigned);
        forge.block(key.public_key(), vec![unsigned], |_| {})
    });
    let mut raw = target.attacker(12);
    let forge = forge(&target, &mut raw);
    let payment = stolen(&forge);
    raw.send(&Message::AnnounceTransactions(vec![payment.id()]));
    raw.expect("to be asked", |message| match message {
        Message::GetTransactions(ids) => ids.contains(&payment.id()).then_some(()),
        _ => None,
    });
    raw.send(&Message::Transactions(vec![payment.clone()]));
    raw.expect_close(SOON);
    let state = target.alice.transaction(&payment.id().to_string());
    assert_eq!(state, TransactionState::Unknown);
    target.assert_well();
}

#[test]
fn attack_a_wrong_body_is_its_senders_fault_and_the_right_one_is_taken() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    let mut liar = target.attacker(10);
    let forge = forge(&target, &mut liar);
    let right = forge.block(liar.public_key(), Vec::new(), |_| {});
    let mut wrong = right.clone();
    let someone = SecretKey::from_bytes([77; 32]);
    wrong.transactions = forge
        .block(someone.public_key(), Vec::new(), |_| {})
        .transactions;
    assert_ne!(root_of(&wrong.transactions), right.header.transactions_root);
    liar.offer(&wrong);
    liar.expect_close(SOON);
    let mut honest = target.attacker(11);
    honest.offer(&right);
    target.alice.reaches(&right.id().to_string());
}

#[test]
fn attack_a_chain_of_another_genesis_replaces_nothing() {
    let target = Target::start();
    let tip = target.alice.mine_blocks(3);
    let mut content = target.genesis.content.clone();
    content.params.reward = Amount(1_000_000);
    let mut header = content.header(target.genesis.header.timestamp);
    while !header.has_work() {
        header.nonce += 1;
    }
    let own = raclette::chain::Genesis { header, content };
    let mut other = Forge::new(own.clone());
    let mut headers = Vec::new();
    for _ in 0..20 {
        let block = other.block(own.content.founder, Vec::new(), |_| {});
        headers.push(block.header);
        other.extend(&block);
    }
    // Longer than alice's chain; told as the answer to her question, and as news.
    let mut raw = target.attacker(10);
    raw.send(&Message::Headers(headers.clone()));
    raw.send(&Message::AnnounceBlock(*headers.last().unwrap()));
    raw.send(&Message::Ping(7));
    wait_until("alice has judged it", || {
        let sessions = target.alice.chain().sessions;
        let tip_now = target.alice.tip().1;
        so(tip_now == tip, format!("{tip_now}, {sessions} sessions"))
    });
    assert_eq!(target.alice.block(0).id, target.network());
    target.assert_well();
}

#[test]
fn attack_a_heavier_header_without_its_body_does_not_stop_anybody() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    let mut raw = target.attacker(10);
    let mut forge = forge(&target, &mut raw);
    // Three blocks that are worked for, but never handed over.
    for _ in 0..3 {
        let block = forge.block(raw.public_key(), Vec::new(), |_| {});
        raw.send(&Message::AnnounceBlock(block.header));
        forge.extend(&block);
    }
    raw.expect("to be asked for a body", |message| {
        matches!(message, Message::GetBlocks(_)).then_some(())
    });
    // Alice mines on and takes her own blocks, though a heavier branch is said to exist.
    let before = target.alice.height();
    target.alice.mine_blocks(5);
    assert_eq!(target.alice.height(), before + 5);
    target.assert_well();
}

#[test]
fn attack_a_payment_is_not_mined_twice() {
    let target = Target::start();
    target.alice.mine_blocks(3);
    let mut raw = target.attacker(10);
    let mut forge = forge(&target, &mut raw);
    let first = forge.block(raw.public_key(), Vec::new(), |_| {});
    raw.offer(&first);
    target.alice.reaches(&first.id().to_string());
    forge.extend(&first);
    let payment = forge.transfer(&raw.key, target.genesis.content.founder, 10, 1);
    let second = forge.block(raw.public_key(), vec![payment.clone()], |_| {});
    raw.offer(&second);
    target.alice.reaches(&second.id().to_string());
    assert_eq!(target.alice.balance("alice"), 160);
    refused(&target, 11, |forge, key| {
        forge.block(key.public_key(), vec![payment.clone()], |_| {})
    });
    // Nor is one with the same bytes but another form of its encoding a different one.
    let mut longer = payment.bytes();
    longer.push(0);
    assert!(canonical::decode::<raclette::chain::Transaction>(&longer).is_err());
    assert!(matches!(payment.payload().action, Action::Transfer { .. }));
    assert_eq!(target.alice.balance("alice"), 160);
}
