use super::*;
use crate::chain::rows::RowKey;
use crate::chain::testing::{Node, member, network, transfer};
use crate::protocol::delivery::testing::MemoryRows;

/// The heights that are told until the tip is reached, and how many transactions of this owner with each.
fn walk_on(walk: &mut Walk, node: &Node, owner: u8) -> Vec<(u64, usize)> {
    let owner = member(owner).public_key();
    let mut shown = Vec::new();
    while !walk.is_caught_up() {
        let mut left = STEPS_AT_A_TIME;
        while let Some((at, transactions)) = walk.next(&node.disk, &owner, &mut left).unwrap() {
            assert_eq!(node.disk.active(at.height).unwrap(), Some(at.block));
            let _ = walk.moved(at, false);
            shown.push((at.height.0, transactions.len()));
        }
    }
    shown
}

fn open(rows: &MemoryRows) -> Walk {
    Walk::open(network(), rows).unwrap()
}

#[test]
fn every_block_is_shown_once_and_a_branch_from_where_it_began() {
    let (mut node, mut other) = (Node::new(), Node::new());
    let first = node.mine(1);
    other.block(first);
    node.mine(1);
    let mut walk = open(&MemoryRows::default());
    assert_eq!(walk_on(&mut walk, &node, 1), [(1, 1), (2, 1)]);
    let mut rows = MemoryRows::default();
    rows.commit(walk.moved(walk.cursor(), true).into_iter().collect());
    // While nobody was at work another branch has won.
    for _ in 0..3 {
        node.block(other.mine(2));
    }
    assert_eq!(
        walk_on(&mut open(&rows), &node, 2),
        [(2, 1), (3, 1), (4, 1)]
    );
}

#[test]
fn the_place_is_stored_now_and_then_and_with_other_rows() {
    let mut walk = open(&MemoryRows::default());
    let at = |height| Cursor {
        height: Height(height),
        ..walk.genesis
    };
    let [near, far, back] = [STORED_EVERY - 1, STORED_EVERY, STORED_EVERY - 1].map(at);
    assert_eq!(walk.moved(near, false), None);
    let row = walk.moved(far, false).expect("far enough");
    assert_eq!(row, (cursor_key(), Some(canonical::encode(&far))));
    assert_eq!(walk.moved(back, false), None);
    assert!(walk.moved(back, true).is_some());
}

#[test]
fn what_concerns_others_is_passed_over_and_what_concerns_the_owner_never() {
    let mut node = Node::new();
    for _ in 0..3 {
        node.mine(1);
    }
    // By the owner, to the owner, and of others, whose blocks name no one else.
    for to in [3, 2] {
        node.send(transfer(1, to, 1, 1, to)).unwrap();
        node.mine(4);
    }
    node.mine(4);
    let told = |owner| walk_on(&mut open(&MemoryRows::default()), &node, owner);
    let found = |owner| {
        let told = told(owner);
        let found = told.into_iter().filter(|(_, count)| *count > 0);
        found.collect::<Vec<_>>()
    };
    assert_eq!(found(3), [(4, 1)]);
    assert_eq!(found(2), [(5, 1)]);
    assert_eq!(found(1), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
    assert_eq!(found(9), []);
    assert_eq!(told(9).last(), Some(&(6, 0)), "up to the tip");
}

#[test]
fn a_long_way_is_gone_in_turns_that_end_where_they_end() {
    let mut node = Node::new();
    for _ in 0..STEPS_AT_A_TIME + 3 {
        node.mine(1);
    }
    let mut walk = open(&MemoryRows::default());
    let stranger = member(9).public_key();
    let mut left = STEPS_AT_A_TIME;
    let (at, found) = walk
        .next(&node.disk, &stranger, &mut left)
        .unwrap()
        .unwrap();
    assert_eq!(
        (at.height.0, found.len(), left),
        (STEPS_AT_A_TIME as u64, 0, 0)
    );
    let _ = walk.moved(at, false);
    assert!(
        walk.next(&node.disk, &stranger, &mut left)
            .unwrap()
            .is_none()
    );
    assert!(!walk.is_caught_up());
    assert_eq!(
        walk_on(&mut walk, &node, 9).last(),
        Some(&(STEPS_AT_A_TIME as u64 + 3, 0))
    );
}

#[test]
fn blocks_of_which_nothing_is_kept_are_read() {
    let mut node = Node::new();
    for miner in [1, 2, 1, 2, 1] {
        node.mine(miner);
    }
    let kept = walk_on(&mut open(&MemoryRows::default()), &node, 1);
    for heights in [&[3][..], &[1, 2], &[5], &[1, 2, 3, 4, 5]] {
        for height in heights {
            node.disk.0.remove(&RowKey::Named(Height(*height)));
        }
        let mut found = walk_on(&mut open(&MemoryRows::default()), &node, 1);
        found.retain(|(_, count)| *count > 0);
        assert_eq!(found, [(1, 1), (3, 1), (5, 1)]);
    }
    assert_eq!(kept.iter().filter(|(_, count)| *count > 0).count(), 3);
}
