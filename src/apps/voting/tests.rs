//! Voting over real chains: applied, undone, and counted again by a naive count.

mod attacks;
mod properties;

use super::*;
use crate::chain::rows::{Draft, RowKey, StateView};
use crate::chain::testing::counter::{record, signed};
use crate::chain::testing::{Node, START, genesis_with, member, params};
use crate::chain::{
    Action, EncodedTransaction, Height, MempoolLimits, Params, Rejected, Rules, TransactionId,
};
use crate::keys::PublicKey;

fn key(number: u8) -> PublicKey {
    member(number).public_key()
}

/// The rules of a network that votes.
fn voting_rules() -> Rules {
    let genesis = genesis_with(Params {
        applications: vec![topic()],
        ..params()
    });
    Rules::new(genesis, &crate::apps::built_in()).unwrap()
}

fn node() -> Node {
    Node::with(voting_rules(), MempoolLimits::default())
}

/// A ballot of three choices for the members 1 to 9, with two choices a vote, until a height.
fn opening(last_height: u64) -> Opening {
    let choice = |text| Choice::new(text).unwrap();
    Opening {
        question: Question::new("Where to?").unwrap(),
        choices: vec![choice("Rome"), choice("Bern"), choice("Oslo")],
        max: 2,
        roll: Roll::keys((1..=9).map(key)),
        closes_at: None,
        last_height: Height(last_height),
    }
}

fn sign(from: u8, salt: u8, parcel: Parcel) -> EncodedTransaction {
    let body = parcel.encode().unwrap();
    let action = record(TOPIC, body.as_slice());
    signed(&voting_rules(), from, salt, 0, action)
}

fn open(from: u8, salt: u8, opening: Opening) -> EncodedTransaction {
    sign(from, salt, Parcel::Open(opening))
}

fn vote(from: u8, salt: u8, ballot: BallotId, revision: u64, choices: &[u8]) -> EncodedTransaction {
    let choices = choices.to_vec();
    sign(
        from,
        salt,
        Parcel::Vote(Vote {
            ballot,
            revision,
            choices,
        }),
    )
}

fn result(from: u8, salt: u8, ballot: BallotId, counts: &[u64], voters: u64) -> EncodedTransaction {
    let counts = counts.to_vec();
    sign(
        from,
        salt,
        Parcel::Result(Outcome {
            ballot,
            counts,
            voters,
        }),
    )
}

/// Why the ledger refuses it.
fn why(node: &mut Node, transaction: EncodedTransaction) -> String {
    match node.send(transaction) {
        Err(Rejected::Application { topic, reason, .. }) => {
            assert_eq!(topic, TOPIC);
            reason
        }
        other => panic!("{other:?}"),
    }
}

/// A node with a ballot that is open until a height.
fn opened(last_height: u64) -> (Node, BallotId) {
    let mut node = node();
    let ballot = open(1, 1, opening(last_height));
    node.send(ballot.clone()).unwrap();
    node.mine(1);
    (node, ballot.id())
}

fn tally(node: &Node, ballot: &BallotId) -> (Vec<u64>, u64) {
    let (_, tally) = Ballots(&node.disk).ballot(ballot).unwrap().unwrap();
    (tally.counts, tally.voters)
}

#[test]
fn the_greatest_revision_of_each_voter_counts() {
    let (mut node, ballot) = opened(50);
    for (from, revision, choices) in [(1, 1, &[0][..]), (2, 1, &[0, 2]), (3, 7, &[1])] {
        node.send(vote(from, 10, ballot, revision, choices))
            .unwrap();
    }
    node.mine(1);
    assert_eq!(tally(&node, &ballot), (vec![2, 1, 1], 3));
    node.send(vote(3, 11, ballot, 8, &[2])).unwrap();
    node.mine(1);
    assert_eq!(tally(&node, &ballot), (vec![2, 0, 2], 3));
    let counted = Ballots(&node.disk)
        .vote_of(&ballot, &key(3))
        .unwrap()
        .unwrap();
    assert_eq!((counted.revision, counted.number), (8, 2));
    assert_eq!(counted.place.height, Height(3));
}

#[test]
fn what_can_not_count_is_refused_in_words() {
    let (mut node, ballot) = opened(50);
    node.send(vote(2, 1, ballot, 5, &[0])).unwrap();
    node.mine(1);
    let unknown = TransactionId([7; 32]);
    for (transaction, reason) in [
        (vote(2, 2, ballot, 5, &[1]), "its revision 5 is not above"),
        (
            vote(2, 2, ballot, 4, &[1]),
            "in the block at height 2, counts",
        ),
        (
            vote(3, 2, ballot, 1, &[3]),
            "there is no choice 4: the ballot has 3",
        ),
        (
            vote(3, 2, ballot, 1, &[]),
            "0 choices, but a vote in this ballot has 1 to 2",
        ),
        (vote(3, 2, ballot, 1, &[0, 1, 2]), "3 choices, but a vote"),
        (vote(3, 2, ballot, 1, &[1, 1]), "a choice is there twice"),
        (vote(3, 2, ballot, 1, &[1, 0]), "they do not rise"),
        (vote(3, 2, unknown, 1, &[0]), "is not mined yet"),
        (result(1, 2, ballot, &[1, 0, 0], 1), "open still"),
        (
            sign(1, 2, Parcel::Roll(RollPart { keys: Vec::new() })),
            "rising keys",
        ),
        (
            signed(&voting_rules(), 1, 2, 0, record(TOPIC, b"\x94\x05")),
            "no record about a vote",
        ),
        (
            signed(&voting_rules(), 1, 2, 0, record(TOPIC, b"")),
            "no record about a vote",
        ),
    ] {
        let told = why(&mut node, transaction);
        assert!(told.contains(reason), "{told:?} does not say {reason:?}");
    }
    let stranger = Roll::keys([key(4)]);
    let other = open(
        1,
        3,
        Opening {
            roll: stranger,
            ..opening(50)
        },
    );
    node.send(other.clone()).unwrap();
    node.mine(1);
    let told = why(&mut node, vote(2, 4, other.id(), 1, &[0]));
    assert!(told.contains("is not on the roll"), "{told}");
    node.send(vote(4, 4, other.id(), 1, &[0])).unwrap();
}

#[test]
fn a_ballot_that_makes_no_sense_is_not_opened() {
    let mut node = node();
    let choice = |text: &str| Choice::new(text).unwrap();
    let base = || opening(50);
    for (wrong, reason) in [
        (
            Opening {
                question: Question::new("").unwrap(),
                ..base()
            },
            "question",
        ),
        (
            Opening {
                question: Question::new("a\u{1b}").unwrap(),
                ..base()
            },
            "question",
        ),
        (
            Opening {
                choices: vec![choice("one")],
                ..base()
            },
            "2 to 64 choices",
        ),
        (
            Opening {
                choices: vec![choice("one"), choice("one")],
                ..base()
            },
            "twice",
        ),
        (
            Opening {
                choices: vec![choice("one"), choice(" two")],
                ..base()
            },
            "no choice",
        ),
        (Opening { max: 0, ..base() }, "chooses 1 or more"),
        (Opening { max: 4, ..base() }, "chooses 1 or more"),
        (
            Opening {
                roll: Roll::keys([]),
                ..base()
            },
            "a roll is",
        ),
        (
            Opening {
                roll: Roll {
                    members: true,
                    ..base().roll
                },
                ..base()
            },
            "a roll is",
        ),
        (
            Opening {
                roll: Roll {
                    keys: vec![key(1), key(1)],
                    ..Roll::keys([])
                },
                ..base()
            },
            "do not rise",
        ),
        (
            Opening {
                last_height: Height(1),
                ..base()
            },
            "its last height is 1",
        ),
        (
            Opening {
                last_height: Height(MAX_SPAN + 2),
                ..base()
            },
            "its last height is",
        ),
        (
            Opening {
                closes_at: Some(START),
                ..base()
            },
            "close before it opens",
        ),
        (
            Opening {
                roll: Roll::parts(vec![RollHash([1; 32])]),
                ..base()
            },
            "is not mined yet",
        ),
    ] {
        let told = why(&mut node, open(1, 1, wrong));
        assert!(told.contains(reason), "{told:?} does not say {reason:?}");
    }
}

#[test]
fn a_vote_counts_by_its_own_blocks_height_and_time() {
    let (mut node, ballot) = opened(3);
    node.mine(1);
    node.send(vote(1, 1, ballot, 1, &[0])).unwrap();
    node.mine(1);
    assert_eq!(tally(&node, &ballot).1, 1, "in the last block it counts");
    let told = why(&mut node, vote(2, 1, ballot, 1, &[0]));
    assert!(told.contains("closed"), "{told}");
    // By time: what is open at the close is in no block that a template fills after it.
    let close = node.now.plus_ms(2_500);
    let timed = open(
        1,
        2,
        Opening {
            closes_at: Some(close),
            ..opening(50)
        },
    );
    node.send(timed.clone()).unwrap();
    node.mine(1);
    node.send(vote(1, 3, timed.id(), 1, &[0])).unwrap();
    node.mine(1);
    node.send(vote(2, 3, timed.id(), 1, &[0])).unwrap();
    node.mine(1);
    assert!(node.now > close);
    assert_eq!(tally(&node, &timed.id()), (vec![1, 0, 0], 1));
}

#[test]
fn eight_votes_a_voter_and_sixteen_ballots_a_key() {
    let (mut node, ballot) = opened(50);
    for revision in 1..=8 {
        node.send(vote(1, revision, ballot, u64::from(revision), &[0]))
            .unwrap();
        node.mine(1);
    }
    let told = why(&mut node, vote(1, 9, ballot, 9, &[1]));
    assert!(told.contains("more than 8 times"), "{told}");
    for salt in 20..35 {
        node.send(open(1, salt, opening(12))).unwrap();
        node.mine(2);
        if node.ledger.tip().height() >= Height(11) {
            break;
        }
    }
    let mut node = self::node();
    for salt in 0..16 {
        node.send(open(1, salt, opening(4))).unwrap();
    }
    node.mine(1);
    let told = why(&mut node, open(1, 99, opening(30)));
    assert!(told.contains("16 ballots of this key are open"), "{told}");
    node.send(open(2, 99, opening(30))).unwrap();
    for _ in 0..3 {
        node.mine(1);
    }
    node.send(open(1, 99, opening(30))).unwrap();
}

#[test]
fn a_long_roll_is_recorded_in_parts() {
    let mut node = node();
    let parts = [Roll::keys([key(1), key(2)]), Roll::keys([key(3)])];
    let parts = parts.map(|roll| RollPart { keys: roll.keys });
    let named = Roll::parts(parts.iter().map(RollPart::hash).collect());
    for (part, salt) in parts.iter().zip(1..) {
        node.send(sign(1, salt, Parcel::Roll(part.clone())))
            .unwrap();
    }
    node.mine(1);
    let told = why(&mut node, sign(2, 1, Parcel::Roll(parts[0].clone())));
    assert!(told.contains("recorded already"), "{told}");
    let ballot = open(
        1,
        9,
        Opening {
            roll: named,
            ..opening(50)
        },
    );
    node.send(ballot.clone()).unwrap();
    node.mine(1);
    for voter in [1, 3] {
        node.send(vote(voter, 3, ballot.id(), 1, &[0])).unwrap();
    }
    let told = why(&mut node, vote(4, 3, ballot.id(), 1, &[0]));
    assert!(told.contains("not on the roll"), "{told}");
    let (row, _) = Ballots(&node.disk).ballot(&ballot.id()).unwrap().unwrap();
    let listed = Ballots(&node.disk).in_lists(&row.roll.lists).unwrap();
    assert_eq!(listed, Roll::keys((1..=3).map(key)).keys);
}

#[test]
fn a_result_is_what_every_node_has_counted_and_comes_once() {
    let (mut node, ballot) = opened(2);
    node.send(vote(1, 1, ballot, 1, &[0, 1])).unwrap();
    node.mine(1);
    for (counts, voters) in [(&[1, 0, 0][..], 1), (&[1, 1, 0], 2), (&[1, 1], 1)] {
        let told = why(&mut node, result(2, 1, ballot, counts, voters));
        assert!(told.contains("not what the votes"), "{told}");
    }
    node.send(result(2, 1, ballot, &[1, 1, 0], 1)).unwrap();
    node.mine(1);
    let told = why(&mut node, result(3, 1, ballot, &[1, 1, 0], 1));
    assert!(told.contains("at height 3 already"), "{told}");
}

#[test]
fn what_builds_on_what_is_not_there_is_not_refused_for_good() {
    let (mut node, ballot) = opened(50);
    let missing = TransactionId([7; 32]);
    for (transaction, may_come) in [
        (vote(2, 1, missing, 1, &[0]), true),
        (result(2, 1, ballot, &[0, 0, 0], 0), true),
        (vote(2, 1, ballot, 1, &[7]), false),
    ] {
        match node.send(transaction) {
            Err(Rejected::Application { not_yet, .. }) => assert_eq!(not_yet, may_come),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_vote_that_nobody_mined_before_the_close_is_kept_to_be_shown() {
    let (mut node, ballot) = opened(3);
    // Two more blocks by a miner that leaves the vote out: it is heard of after they were filled.
    let mut others = self::node();
    for height in 1..=1 {
        let id = node.disk.active(Height(height)).unwrap().unwrap();
        others.now = others.now.plus_ms(9_000);
        others.block(node.disk.block(&id).unwrap().unwrap());
    }
    let blocks = [others.mine(2), others.mine(2)];
    let left = vote(3, 1, ballot, 1, &[0]);
    let mut vote_until = left.payload().clone();
    vote_until.expires_at = Height(3);
    let left = EncodedTransaction::new(vote_until.sign(&member(3)));
    node.send(left.clone()).unwrap();
    node.now = node.now.plus_ms(60_000);
    for block in blocks {
        node.block(block);
    }
    assert_eq!(node.ledger.tip().height(), Height(3));
    assert!(node.open().is_empty(), "its last height has passed");
    let kept = node.disk.read(&RowKey::Left(0)).unwrap().unwrap();
    assert_eq!(crate::canonical::decode(&kept), Ok(left));
}

#[test]
fn votes_and_results_stand_outside_of_what_is_sent_without_a_fee() {
    let outside = |transaction: &EncodedTransaction| match &transaction.payload().action {
        Action::Record { body, .. } => Voting::default().is_outside_free_budget(body),
        other => panic!("{other:?}"),
    };
    let ballot = TransactionId([7; 32]);
    assert!(outside(&vote(1, 1, ballot, 1, &[0])));
    assert!(outside(&result(1, 1, ballot, &[0, 0, 0], 0)));
    assert!(!outside(&open(1, 1, opening(9))));
    assert!(!outside(&sign(
        1,
        1,
        Parcel::Roll(RollPart { keys: vec![key(1)] })
    )));
}
