use super::*;
use crate::chain::testing::{Node, network};
use crate::protocol::delivery::testing::MemoryRows;

/// The heights of the blocks that are shown until the tip is reached.
fn walk_on(walk: &mut Walk, node: &Node) -> Vec<u64> {
    let mut shown = Vec::new();
    while !walk.is_caught_up() {
        if let Some((at, transactions)) = walk.step(&node.disk).unwrap() {
            assert_eq!(transactions.len(), 1, "its reward");
            assert_eq!(node.disk.active(at.height).unwrap(), Some(at.block));
            let _ = walk.moved(at, false);
            shown.push(at.height.0);
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
    assert_eq!(walk_on(&mut walk, &node), [1, 2]);
    let mut rows = MemoryRows::default();
    rows.commit(walk.moved(walk.cursor(), true).into_iter().collect());
    // While nobody was at work another branch has won.
    for _ in 0..3 {
        node.block(other.mine(2));
    }
    assert_eq!(walk_on(&mut open(&rows), &node), [2, 3, 4]);
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
