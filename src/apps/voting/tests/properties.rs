//! Any votes in any order over any forks: each voter once, and the tally of a naive count.

use super::*;
use crate::chain::StateView;
use crate::chain::ledger::BlockOutcome;
use crate::chain::state::undo_block;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What happens on one of two sides of a network.
#[derive(Debug, Clone)]
enum Deed {
    Vote {
        voter: u8,
        revision: u64,
        choice: u8,
    },
    Mine,
    /// The side hears all blocks of the other.
    Hear,
}

fn deeds() -> impl Strategy<Value = Vec<(usize, Deed)>> {
    let deed = prop_oneof![
        3 => (1..6u8, 1..4u64, 0..4u8).prop_map(|(voter, revision, choice)| Deed::Vote {
            voter,
            revision,
            choice
        }),
        2 => Just(Deed::Mine),
        1 => Just(Deed::Hear),
    ];
    proptest::collection::vec((0..2usize, deed), 1..40)
}

/// Counts the votes on the connected chain by looking at every transaction, as anybody would.
fn naive_count(node: &Node, ballot: &BallotId) -> (Vec<u64>, u64) {
    let mut latest: BTreeMap<PublicKey, (u64, Vec<u8>)> = BTreeMap::new();
    for height in 1..=node.ledger.tip().height().0 {
        let id = node.disk.active(Height(height)).unwrap().unwrap();
        for transaction in node.disk.block(&id).unwrap().unwrap().transactions {
            let payload = transaction.payload();
            let Action::Record { body, .. } = &payload.action else {
                continue;
            };
            if let Ok(Parcel::Vote(vote)) = Parcel::decode(body)
                && vote.ballot == *ballot
            {
                let counted = latest.entry(payload.sender).or_default();
                assert!(
                    vote.revision > counted.0,
                    "one that can't count is in a block"
                );
                *counted = (vote.revision, vote.choices);
            }
        }
    }
    let mut counts = vec![0; 3];
    for (_, choices) in latest.values() {
        for choice in choices {
            counts[usize::from(*choice)] += 1;
        }
    }
    (counts, latest.len() as u64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn each_voter_has_one_vote_and_the_tally_is_that_of_a_naive_count(deeds in deeds()) {
        let (left, ballot) = opened(8);
        let (right, _) = opened(8);
        let mut sides = [left, right];
        let mut blocks = [Vec::new(), Vec::new()];
        let mut salt = 0;
        for (side, deed) in deeds {
            match deed {
                Deed::Vote { voter, revision, choice } => {
                    salt += 1;
                    // Refused or not: what may be in a block is for the ledger to say.
                    let _ = sides[side].send(vote(voter, salt, ballot, revision, &[choice]));
                }
                Deed::Mine => {
                    let block = sides[side].mine(side as u8 + 1);
                    blocks[side].push(block);
                }
                Deed::Hear => {
                    sides[side].now = sides[0].now.max(sides[1].now).plus_ms(1_000);
                    for block in blocks[1 - side].clone() {
                        let outcome = sides[side].block(block);
                        prop_assert!(matches!(outcome, BlockOutcome::Accepted | BlockOutcome::Known));
                    }
                    let heard = blocks[1 - side].clone();
                    blocks[side].extend(heard);
                    blocks[side].dedup();
                }
            }
            for side in &sides {
                prop_assert_eq!(tally(side, &ballot), naive_count(side, &ballot));
            }
        }
    }

    #[test]
    fn applied_and_undone_the_rows_are_what_they_were(
        votes in proptest::collection::vec((1..9u8, 0..3u8), 0..12),
    ) {
        let (mut node, ballot) = opened(4);
        let mut states = vec![node.disk.state()];
        let mut blocks = Vec::new();
        for (salt, (voter, choice)) in (1..).zip(votes) {
            let _ = node.send(vote(voter, salt, ballot, u64::from(salt), &[choice]));
            let _ = node.send(open(voter, salt, opening(20)));
            if salt % 3 == 0 {
                blocks.push(node.mine(1));
                states.push(node.disk.state());
            }
        }
        while let Some(block) = blocks.pop() {
            prop_assert!(node.disk.state() == states.pop().unwrap());
            let mut draft = Draft::new(&node.disk);
            undo_block(&mut draft, &block).unwrap();
            let rows = draft.into_rows();
            node.disk.commit(rows);
        }
        prop_assert!(node.disk.state() == states.pop().unwrap());
    }
}
