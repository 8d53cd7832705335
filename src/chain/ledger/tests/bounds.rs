//! What others can make a ledger do and keep, beyond what is tested beside blocks, branches and promises.

use super::reorganisation::{hand_in, headers, step};
use crate::chain::application::{
    Application, ApplicationError, ApplicationState, MAX_BLOCK_CHECKS, Record, Verdict,
};
use crate::chain::ledger::{BlockOutcome, MAX_LEFT};
use crate::chain::params::MAX_BLOCK_BYTES;
use crate::chain::rows::RowKey;
use crate::chain::testing::counter::{record, signed};
use crate::chain::testing::forge::Forge;
use crate::chain::testing::{Node, genesis_with, member, params, transfer};
use crate::chain::transaction::RecordBody;
use crate::chain::tree::MAX_STEP_BYTES;
use crate::chain::{
    Block, EncodedTransaction, Height, MempoolLimits, NetworkId, Params, Payload, Rejected, Rules,
    Topic,
};
use crate::keys::{PublicKey, SignatureItem};
use std::sync::Arc;

/// Takes records whose first bytes say how many signatures are in them, all of them good.
struct Signed {
    topic: Topic,
    item: SignatureItem,
}

impl Application for Signed {
    fn topic(&self) -> &Topic {
        &self.topic
    }

    fn check(
        &self,
        _: &NetworkId,
        _: &PublicKey,
        body: &RecordBody,
    ) -> Result<Vec<SignatureItem>, String> {
        let count = body
            .as_slice()
            .first_chunk()
            .map_or(0, |count| u16::from_le_bytes(*count));
        Ok(vec![self.item; count.into()])
    }

    fn is_outside_free_budget(&self, _: &RecordBody) -> bool {
        true
    }

    fn judge(
        &self,
        _: &mut ApplicationState<'_, '_>,
        _: &Record<'_>,
    ) -> Result<Verdict, ApplicationError> {
        Ok(Verdict::default())
    }
}

/// A network with such records, and the largest blocks that there are.
fn signing_rules() -> Rules {
    let topic = Topic::new("signed").unwrap();
    let genesis = genesis_with(Params {
        max_block_bytes: MAX_BLOCK_BYTES,
        applications: vec![topic.clone()],
        ..params()
    });
    let item = transfer(1, 2, 1, 0, 1).signature_item();
    let mut applications = crate::apps::built_in();
    applications.push(Arc::new(Signed { topic, item }));
    Rules::new(genesis, &applications).unwrap()
}

/// A record with so many signatures.
fn with_signatures(rules: &Rules, from: u8, salt: u8, count: usize) -> EncodedTransaction {
    let count = u16::try_from(count).unwrap().to_le_bytes();
    signed(rules, from, salt, 0, record("signed", &count))
}

#[test]
fn attack_records_full_of_signatures_hold_up_neither_blocks_nor_what_else_is_open() {
    let rules = signing_rules();
    let of = |from, count| with_signatures(&rules, from, 1, count);
    let mut node = Node::with(rules.clone(), MempoolLimits::default());
    let most = MAX_BLOCK_CHECKS;
    let alone = node.send(of(1, most + 1));
    assert!(
        matches!(&alone, Err(Rejected::Application { reason, .. }) if reason.contains("8192")),
        "{alone:?}"
    );
    let half = [of(1, most / 2), of(2, most / 2)];
    let one_more = of(3, 1);
    let mut forge = Forge::with(rules.clone());
    let full = forge.child(forge.genesis(), 1_000, 5, &half);
    let beyond = [&half[..], std::slice::from_ref(&one_more)].concat();
    let beyond = forge.child(forge.genesis(), 1_000, 6, &beyond);
    assert!(matches!(node.block(beyond), BlockOutcome::Fault(_)));
    // All of it may be open. What has no room in a block with the others leaves room for what has none of them.
    let honest = signed(&rules, 4, 1, 0, record("drawer", b"an honest word"));
    for transaction in half.iter().chain([&one_more, &honest]) {
        assert_eq!(node.send(transaction.clone()), Ok(()));
    }
    let template = node.next_block(5);
    let has = |one: &EncodedTransaction| template.transactions.contains(one);
    let held = half
        .iter()
        .chain([&one_more])
        .filter(|one| has(one))
        .count();
    assert!(has(&honest) && held == 2, "{held} with signatures");
    assert_eq!(node.block(full), BlockOutcome::Accepted);
}

/// Blocks one upon the other, each nearly as large as may be, upon an empty one whose signatures need no check.
fn large_branch(forge: &mut Forge, count: u8) -> Vec<Block> {
    let rules = forge.rules.clone();
    let mut branch = forge.branch(forge.genesis(), 1, 5);
    for number in 0..count {
        let of = |salt| signed(&rules, 1, salt, 0, record("drawer", &[number; 64 * 1024]));
        let filled: Vec<_> = (0..47).map(of).collect();
        let tip = branch[usize::from(number)].id();
        branch.push(forge.child(tip, 1_000, 5, &filled));
    }
    branch
}

#[test]
fn attack_the_largest_blocks_are_gone_over_in_steps_there_and_back() {
    let mut forge = Forge::with(signing_rules());
    let large = large_branch(&mut forge, 26);
    let size = large[1].size();
    assert!(size > MAX_BLOCK_BYTES as usize - 70_000);
    // A step ends with the block that makes it too large.
    let in_step = (MAX_STEP_BYTES / size + 1) as u64;
    let mut node = Node::with(forge.rules.clone(), MempoolLimits::default());
    node.now = node.now.plus_ms(10_000_000);
    let complete = |node: &mut Node, branch: &[Block]| {
        node.headers(&headers(branch)).unwrap();
        for block in branch[1..].iter().rev() {
            assert_eq!(node.block(block.clone()), BlockOutcome::Accepted);
        }
        hand_in(node, &branch[0])
    };
    assert!(complete(&mut node, &large));
    assert_eq!(node.ledger.tip().height(), Height(1 + in_step));
    assert!(!step(&mut node));
    assert_eq!(node.ledger.tip().id, large[26].id());
    let small = forge.branch(forge.genesis(), 28, 6);
    assert!(complete(&mut node, &small));
    assert_eq!(node.ledger.tip().height(), Height(27 - in_step));
    assert!(!step(&mut node));
    assert_eq!(node.ledger.tip().id, small[27].id());
}

#[test]
fn attack_records_that_leave_without_end_are_kept_as_far_as_there_is_room_and_none_that_cost_nothing()
 {
    let rules = signing_rules();
    let limits = MempoolLimits {
        outside_bytes: usize::MAX,
        ..MempoolLimits::default()
    };
    let mut node = Node::with(rules.clone(), limits);
    let leaving = |from: u8, topic: &str, body: &[u8]| {
        let payload = Payload {
            expires_at: Height(1),
            ..signed(&rules, from, 1, 0, record(topic, body))
                .payload()
                .clone()
        };
        EncodedTransaction::new(payload.sign(&member(from)))
    };
    let short = |number: u32| leaving(2, "signed", &[&[0; 2][..], &number.to_le_bytes()].concat());
    let all: Vec<_> = (0..MAX_LEFT + 10).map(short).collect();
    for some in all.chunks(500) {
        assert!(node.send_all(some.to_vec()).iter().all(Result::is_ok));
    }
    // The last to leave: of no application, and too long.
    let unbounded = leaving(1, "drawer", b"free of charge");
    let long = leaving(1, "signed", &[0; 1_000]);
    assert_eq!(node.send_all(vec![unbounded, long]), [Ok(()), Ok(())]);
    let empty = Forge::with(rules.clone()).branch(rules.network(), 1, 5);
    assert_eq!(node.block(empty[0].clone()), BlockOutcome::Accepted);
    assert!(node.open().is_empty(), "their last height has passed");
    let rows = node.disk.0.iter();
    let rows = rows.filter(|(key, _)| matches!(key, RowKey::Left(_)));
    let kept: Vec<EncodedTransaction> = rows
        .map(|(_, row)| crate::canonical::decode(row).unwrap())
        .collect();
    assert_eq!(kept.len(), MAX_LEFT as usize);
    assert!(kept.iter().all(|one| all.contains(one)));
    let gone = all.iter().filter(|one| !kept.contains(one));
    assert!(gone.eq(&all[..10]), "the oldest are written over");
}
