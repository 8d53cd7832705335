//! What has been tried against votes.

use super::*;
use crate::chain::ledger::BlockOutcome;
use crate::chain::testing::forge::Forge;
use crate::chain::testing::mine;
use crate::chain::{Block, Transaction};
use crate::keys::Signature;

/// A block upon `parent` of these transactions, checked by nobody.
fn block_of(node: &Node, transactions: &[EncodedTransaction]) -> Block {
    let rules = voting_rules();
    let forge = Forge::with(rules);
    let template = node
        .ledger
        .template(key(9), &node.disk, node.now.plus_ms(1_000))
        .unwrap();
    let body = forge.body_at(template.header.height, 9, transactions);
    let mut header = template.header;
    header.transactions_root = crate::chain::block::root_of(&body);
    mine(Block {
        header,
        transactions: body,
    })
}

fn refused(node: &mut Node, block: Block, saying: &str) {
    let state = node.disk.state();
    node.now = node.now.plus_ms(2_000);
    match node.block(block) {
        BlockOutcome::Fault(fault) => {
            let told = fault.to_string();
            assert!(told.contains(saying), "{told:?} does not say {saying:?}");
        }
        // A rule of the application is found when the block is connected.
        BlockOutcome::Accepted => assert_eq!(saying, "", "it was accepted"),
        other => panic!("{other:?}"),
    }
    assert!(node.disk.state() == state, "nothing of it counts");
}

#[test]
fn attack_fifty_forged_votes_behind_one_proof_of_work_count_nothing() {
    let (mut node, ballot) = opened(50);
    // Each is signed, by somebody else than the voter that it names.
    let forged: Vec<_> = (0..50)
        .map(|salt| {
            let voter = 2 + salt % 8;
            let honest = vote(voter, salt, ballot, u64::from(salt) + 1, &[1]);
            let payload = honest.payload().clone();
            let signature = payload.clone().sign(&member(1)).signature;
            EncodedTransaction::new(Transaction { payload, signature })
        })
        .collect();
    for one in forged.iter().take(3) {
        assert!(matches!(
            node.send(one.clone()),
            Err(Rejected::BadSignature(_))
        ));
    }
    let block = block_of(&node, &forged);
    refused(&mut node, block, "bad signature");
    assert_eq!(tally(&node, &ballot), (vec![0, 0, 0], 0));
    let unsigned = vote(2, 1, ballot, 1, &[1]).payload().clone();
    let unsigned = EncodedTransaction::new(Transaction {
        payload: unsigned,
        signature: Signature([0; 64]),
    });
    let block = block_of(&node, &[unsigned]);
    refused(&mut node, block, "bad signature");
}

#[test]
fn attack_a_block_with_a_vote_that_can_not_count_is_no_block() {
    let (mut node, ballot) = opened(50);
    for wrong in [
        vec![vote(2, 1, ballot, 1, &[0]), vote(2, 2, ballot, 1, &[1])],
        vec![vote(2, 1, ballot, 2, &[0]), vote(2, 2, ballot, 1, &[1])],
        vec![vote(10, 1, ballot, 1, &[0])],
        vec![vote(2, 1, ballot, 1, &[7])],
        vec![result(1, 1, ballot, &[0, 0, 0], 0)],
    ] {
        let tip = node.ledger.tip().id;
        let block = block_of(&node, &wrong);
        refused(&mut node, block, "");
        assert_eq!(node.ledger.tip().id, tip);
    }
}

#[test]
fn attack_two_votes_from_two_sides_of_a_partition_are_one() {
    let (mut left, ballot) = opened(50);
    let (mut right, _) = opened(50);
    assert_eq!(left.ledger.tip().id, right.ledger.tip().id);
    left.send(vote(2, 1, ballot, 1, &[0])).unwrap();
    let lost = left.mine(1);
    right.send(vote(2, 2, ballot, 2, &[1])).unwrap();
    let mut won = vec![right.mine(2)];
    won.push(right.mine(2));
    left.now = left.now.plus_ms(9_000);
    right.now = right.now.plus_ms(9_000);
    for block in won {
        left.block(block);
    }
    right.block(lost);
    for node in [&mut left, &mut right] {
        assert_eq!(tally(node, &ballot), (vec![0, 1, 0], 1));
    }
    // The one that lost can't come back: its revision is below.
    let told = why(&mut right, vote(2, 1, ballot, 1, &[0]));
    assert!(told.contains("its revision 1 is not above"), "{told}");
}

#[test]
fn attack_a_vote_that_the_chain_lost_counts_once_after_the_partition() {
    let (mut left, ballot) = opened(50);
    let (mut right, _) = opened(50);
    left.send(vote(2, 1, ballot, 1, &[0])).unwrap();
    left.mine(1);
    let won: Vec<_> = (0..3).map(|_| right.mine(2)).collect();
    left.now = left.now.plus_ms(9_000);
    for block in won {
        left.block(block);
    }
    assert_eq!(tally(&left, &ballot), (vec![0, 0, 0], 0));
    left.mine(1);
    assert_eq!(tally(&left, &ballot), (vec![1, 0, 0], 1));
}

#[test]
fn attack_history_is_not_rewritten_but_by_more_work() {
    let (mut node, ballot) = opened(50);
    let (mut other, _) = opened(50);
    node.send(vote(2, 1, ballot, 1, &[0])).unwrap();
    let mined = node.mine(1);
    node.mine(1);
    // Another vote in its place: no longer what the header says, also to who has not seen the block.
    let mut changed = mined.clone();
    changed.transactions[1] = vote(2, 1, ballot, 1, &[1]);
    refused(&mut other, changed, "not the one its header names");
    // All of the work done again, for another vote: as much is not more.
    other.send(vote(2, 2, ballot, 1, &[1])).unwrap();
    let anew = [other.mine(2), other.mine(2)];
    node.now = node.now.plus_ms(9_000);
    for block in anew {
        node.block(block);
        assert_eq!(tally(&node, &ballot), (vec![1, 0, 0], 1));
    }
    // More is: which is why a vote is safer with each block upon it.
    node.block(other.mine(2));
    assert_eq!(tally(&node, &ballot), (vec![0, 1, 0], 1));
}

/// However many votes are open, a block has a bounded number of them judged again: first those of who is in it.
#[test]
fn attack_a_place_full_of_votes_costs_a_block_no_more() {
    let limits = MempoolLimits {
        judged_again: 2,
        ..MempoolLimits::default()
    };
    let mut node = Node::with(voting_rules(), limits);
    let opening = open(1, 1, opening(2));
    let ballot = opening.id();
    node.send(opening).unwrap();
    node.mine(1);
    let votes: Vec<_> = (2..=8).map(|n| vote(n, 2, ballot, 1, &[0])).collect();
    for one in &votes {
        node.send(one.clone()).unwrap();
    }
    let connect = |node: &mut Node, transactions: &[EncodedTransaction]| {
        let block = block_of(node, transactions);
        node.now = node.now.plus_ms(2_000);
        assert_eq!(node.block(block), BlockOutcome::Accepted);
        votes
            .iter()
            .filter(|one| node.open().contains(&one.id()))
            .count()
    };
    // With that block the ballot is closed. Member 8 is in it.
    let of_eight = signed(&voting_rules(), 8, 9, 0, record("notes", b"hello"));
    let left = connect(&mut node, &[of_eight]);
    assert!(!node.open().contains(&votes[6].id()));
    assert!((4..=5).contains(&left), "{left}");
    // The others in turn; none is in a block meanwhile.
    let next = connect(&mut node, &[]);
    assert!(next < left && next > 0, "{next} after {left}");
    assert_eq!(node.next_block(1).transactions.len(), 1);
    while connect(&mut node, &[]) > 0 {}
}
