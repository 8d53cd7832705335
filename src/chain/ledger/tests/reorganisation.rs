//! Changing the branch: at any depth, through crashes, and back again.

use crate::chain::ledger::{BlockOutcome, Concern, Effect, Fate, Ledger, Origin, Ticket};
use crate::chain::rows::{RowKey, StateKey};
use crate::chain::testing::forge::Forge;
use crate::chain::testing::{HeadersRead, MemoryView, Node, START, member, rules, transfer};
use crate::chain::tree::{MAX_STEP_BLOCKS, Source};
use crate::chain::{Block, BlockId, Closed, Header, Height, Internal, MempoolLimits, StateView};
use std::cell::Cell;

/// Hands the effects to the node but for [`Effect::More`]: says whether there was one.
fn carry_out(node: &mut Node, effects: Vec<Effect>) -> bool {
    let is_more = |effect: &Effect| matches!(effect, Effect::More);
    let (more, rest): (Vec<_>, Vec<_>) = effects.into_iter().partition(is_more);
    node.carry_out(rest);
    !more.is_empty()
}

/// Hands in a block and stops after its first step.
pub(super) fn hand_in(node: &mut Node, block: &Block) -> bool {
    let origin = Origin::Relay(Ticket(0));
    let effects = node
        .ledger
        .block(origin, block.clone(), &node.disk, node.now);
    carry_out(node, effects.unwrap())
}

pub(super) fn step(node: &mut Node) -> bool {
    let effects = node.ledger.advance(&node.disk).unwrap();
    carry_out(node, effects)
}

fn reopened(node: &Node) -> Node {
    let limits = MempoolLimits::default();
    Node::reopened(rules(), limits, node.disk.clone(), node.now)
}

/// A node on `branch`.
pub(super) fn node_on(branch: &[Block]) -> Node {
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    for block in branch {
        assert_eq!(node.block(block.clone()), BlockOutcome::Accepted);
    }
    assert_eq!(node.ledger.tip().id, branch[branch.len() - 1].id());
    node
}

pub(super) fn headers(blocks: &[Block]) -> Vec<Header> {
    blocks.iter().map(|block| block.header).collect()
}

/// Hands in a whole branch so that its first body, coming last, completes all of it; then goes step
/// by step. After each step a second node starts on the rows there are, and must come to the very
/// rows the first one comes to in the end. Returns that one, and the number of steps.
fn change_branch(mut node: Node, branch: &[Block]) -> (Node, usize) {
    node.headers(&headers(branch)).unwrap();
    for block in branch.iter().skip(1).rev() {
        assert_eq!(node.block(block.clone()), BlockOutcome::Accepted);
    }
    let mut more = hand_in(&mut node, &branch[0]);
    let mut stopped = vec![reopened(&node)];
    while more {
        more = step(&mut node);
        stopped.push(reopened(&node));
    }
    assert!(node.disk.read(&RowKey::Reorganisation).unwrap().is_none());
    for other in &stopped {
        assert_eq!(other.ledger.tip().id, node.ledger.tip().id);
        assert_eq!(other.open(), node.open());
        assert!(other.disk == node.disk, "the rows differ after a crash");
    }
    (node, stopped.len())
}

#[test]
fn restart_in_a_deep_reorganisation_goes_on_to_the_same_rows() {
    let mut forge = Forge::new();
    let paid = [transfer(1, 2, 100, 1, 1), transfer(3, 4, 100, 1, 2)];
    let first = forge.child(forge.genesis(), 1_000, 5, &paid);
    let mut ours = vec![first.clone()];
    ours.extend(forge.branch(first.id(), 599, 5));
    let theirs = forge.branch(forge.genesis(), 700, 6);
    let (mut node, steps) = change_branch(node_on(&ours), &theirs);
    assert!(steps > 1_300 / MAX_STEP_BLOCKS, "{steps}");
    let tip = theirs[699].id();
    assert_eq!(node.ledger.tip().id, tip);
    assert_eq!(node.disk.state(), forge.state(&tip).unwrap().state());
    assert_eq!(node.supply(), 4_000 + 700 * 50);
    // What fell out is open again and gets mined.
    assert_eq!(node.open(), paid.iter().map(|t| t.id()).collect());
    let block = node.mine(7);
    assert_eq!(block.transactions.len(), 3);
    assert_eq!(node.balance(2), 1_100);
}

#[test]
fn restart_on_the_way_to_an_invalid_block_leads_back_to_the_old_tip() {
    let mut forge = Forge::new();
    let ours = forge.branch(forge.genesis(), 560, 5);
    let mut theirs = forge.branch(forge.genesis(), 555, 6);
    let overdraw = [transfer(1, 2, 5_000, 0, 1)];
    let bad = forge.child(theirs[554].id(), 1_000, 6, &overdraw);
    theirs.push(bad.clone());
    theirs.extend(forge.branch(bad.id(), 10, 6));
    let before = node_on(&ours);
    let state = before.disk.state();
    let (mut node, steps) = change_branch(before, &theirs);
    assert!(steps > 3, "{steps}");
    assert_eq!(node.ledger.tip().id, ours[559].id());
    assert_eq!(node.disk.state(), state);
    // The bad end is out for good, and the branch goes on from where it was good.
    let end = theirs[565].id();
    let upon = forge.child(end, 1_000, 6, &[]);
    assert!(matches!(node.block(upon), BlockOutcome::Fault(_)));
    let best = node.ledger.chain().best_header().id;
    assert_eq!(best, ours[559].id());
    let better = forge.branch(theirs[554].id(), 6, 7);
    for block in &better {
        assert_eq!(node.block(block.clone()), BlockOutcome::Accepted);
    }
    assert_eq!(node.ledger.tip().id, better[5].id());
}

#[test]
fn restart_does_not_forget_a_better_branch_that_came_on_the_way() {
    let mut forge = Forge::new();
    let ours = forge.branch(forge.genesis(), 1_100, 5);
    let theirs = forge.branch(forge.genesis(), 1_101, 6);
    let better = forge.branch(theirs[1_099].id(), 2, 7);
    let mut node = node_on(&ours);
    for block in &theirs[..1_100] {
        node.block(block.clone());
    }
    assert!(hand_in(&mut node, &theirs[1_100]));
    for block in &better {
        assert!(hand_in(&mut node, block));
    }
    assert_ne!(node.ledger.tip().id, better[1].id());
    assert_eq!(reopened(&node).ledger.tip().id, better[1].id());
    while step(&mut node) {}
    assert_eq!(node.ledger.tip().id, better[1].id());
}

#[test]
fn of_two_branches_completed_at_once_the_invalid_one_does_not_hide_the_other() {
    let mut forge = Forge::new();
    let root = forge.child(forge.genesis(), 1_000, 5, &[]);
    let good = forge.child(root.id(), 1_000, 5, &[]);
    let bad = forge.child(root.id(), 1_000, 6, &[transfer(1, 2, 5_000, 0, 1)]);
    let upon_bad = forge.child(bad.id(), 1_000, 6, &[]);
    let mut node = Node::new();
    node.now = node.now.plus_ms(100_000);
    let all = [&root, &good, &bad, &upon_bad];
    for block in all {
        node.headers(&[block.header]).unwrap();
    }
    for block in [&upon_bad, &bad, &good] {
        assert_eq!(node.block(block.clone()), BlockOutcome::Accepted);
    }
    // A stop in between: which blocks stand on which is not only known in memory.
    let mut node = reopened(&node);
    assert_eq!(node.block(root), BlockOutcome::Accepted);
    assert_eq!(node.ledger.tip().id, good.id());
}

#[test]
fn with_equal_work_the_first_seen_stays_even_after_a_try_of_the_other() {
    let mut forge = Forge::new();
    let ours = forge.branch(forge.genesis(), 2, 5);
    let theirs = forge.branch(forge.genesis(), 2, 6);
    let bad = forge.child(theirs[1].id(), 1_000, 6, &[transfer(1, 2, 5_000, 0, 1)]);
    let mut node = node_on(&ours);
    for block in &theirs {
        node.block(block.clone());
        assert_eq!(node.ledger.tip().id, ours[1].id());
    }
    assert!(matches!(node.block(bad), BlockOutcome::Fault(_)));
    assert_eq!(node.ledger.tip().id, ours[1].id());
}

#[test]
fn a_damaged_state_stops_the_way_back_instead_of_going_round_for_ever() {
    let mut forge = Forge::new();
    let paid = transfer(1, 2, 600, 0, 1);
    let ours = forge.child(forge.genesis(), 1_000, 5, &[paid]);
    let theirs = forge.branch(forge.genesis(), 1, 6);
    let bad = forge.child(theirs[0].id(), 1_000, 6, &[transfer(1, 3, 5_000, 0, 2)]);
    let mut node = node_on(std::slice::from_ref(&ours));
    node.block(theirs[0].clone());
    // Undoing puts back less than there was.
    let payer = StateKey::Balance(member(1).public_key());
    let mut undo = node.disk.undo_of(&ours.id()).unwrap().unwrap();
    undo.0.retain(|(key, _)| *key != payer);
    let damaged = crate::canonical::encode(&undo);
    node.disk
        .commit(vec![(RowKey::Undo(ours.id()), Some(damaged))]);
    let origin = Origin::Relay(Ticket(0));
    let Node {
        ledger, disk, now, ..
    } = &mut node;
    let effects = ledger.block(origin, bad, disk, *now).unwrap();
    let Some(Effect::Verify { check, .. }) = effects.into_iter().last() else {
        panic!("its signature is new");
    };
    assert!(
        ledger
            .signatures_checked(&[(check, vec![Ok(())])], disk)
            .is_err()
    );
}

#[test]
fn what_falls_out_returns_unless_the_other_branch_has_it_or_forbids_it() {
    let mut forge = Forge::new();
    let lost = transfer(1, 5, 100, 1, 1);
    let in_both = transfer(2, 5, 100, 1, 2);
    let (spent_here, spent_there) = (transfer(3, 5, 900, 1, 3), transfer(3, 6, 900, 1, 4));
    let waiting = transfer(4, 5, 100, 1, 5);
    let sent = [lost.clone(), in_both.clone(), spent_here.clone()];
    let ours = forge.child(forge.genesis(), 1_000, 7, &sent);
    let theirs = forge.child(forge.genesis(), 1_000, 8, &[in_both.clone(), spent_there]);
    let upon = forge.child(theirs.id(), 1_000, 8, &[]);
    let mut node = node_on(&[ours]);
    node.send(waiting.clone()).unwrap();
    node.block(theirs);
    node.block(upon);
    assert_eq!(node.open(), [lost.id(), waiting.id()].into());
    assert_eq!(node.closed(spent_here.id()), Some(Closed::Conflicted));
    assert_eq!(node.closed(in_both.id()), None);
    assert_eq!(reopened(&node).open(), node.open());
    node.mine(7);
    assert!(node.ledger.mempool().is_empty());
    assert_eq!(node.balance(5), 300);
}

#[test]
fn a_change_of_branch_names_what_it_took_from_the_watched_key() {
    let mut forge = Forge::new();
    let lost = transfer(1, 5, 100, 1, 1);
    let in_both = transfer(5, 2, 10, 1, 2);
    let (spent_here, spent_there) = (transfer(3, 5, 900, 1, 3), transfer(3, 6, 900, 1, 4));
    let of_others = transfer(2, 4, 100, 1, 5);
    let sent = [lost.clone(), in_both.clone(), spent_here.clone(), of_others];
    let ours = forge.child(forge.genesis(), 1_000, 5, &sent);
    let paid_first = transfer(1, 5, 50, 1, 6);
    let theirs = [paid_first.clone(), in_both.clone(), spent_there];
    let theirs = forge.child(forge.genesis(), 1_000, 8, &theirs);
    let upon = forge.child(theirs.id(), 1_000, 8, &[]);
    let mut node = Node::of(5, MemoryView::default(), START);
    node.now = node.now.plus_ms(10_000_000);
    for block in [ours, theirs, upon] {
        assert_eq!(node.block(block), BlockOutcome::Accepted);
    }
    let changes = node.told.iter().filter_map(|effect| match effect {
        Effect::TipStored(change) => Some(change.own.clone()),
        _ => None,
    });
    let [first, second]: [Concern; 2] = changes.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(
        first.mined.len(),
        3,
        "what others do among themselves is left out"
    );
    assert_eq!(first.taken_back, []);
    let taken_back = [
        (lost.id(), Fate::Open),
        (in_both.id(), Fate::Mined(Height(1))),
        (spent_here.id(), Fate::Closed(Closed::Conflicted)),
    ];
    assert_eq!(second.taken_back, taken_back);
    assert_eq!(second.rewards_lost, 54, "the reward of 50, and the fees");
    let mined = [(paid_first, Height(1)), (in_both, Height(1))];
    assert_eq!(second.mined, mined);
}

/// Counts what is read from the disk below.
struct Counted<'a>(&'a MemoryView, Cell<usize>);

impl StateView for Counted<'_> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        self.1.set(self.1.get() + 1);
        self.0.read(key)
    }
}

#[test]
fn headers_of_a_long_branch_from_far_below_cost_the_same_each() {
    let mut forge = Forge::new();
    let main = headers(&forge.branch(forge.genesis(), 1_500, 5));
    let side = headers(&forge.branch(forge.genesis(), 400, 6));
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    node.headers(&main).unwrap();
    let mut reads = Vec::new();
    for message in side.chunks(10) {
        let counted = Counted(&node.disk, Cell::new(0));
        let effects = node
            .ledger
            .headers(Ticket(0), Source(0), message, &counted, node.now);
        reads.push(counted.1.get());
        node.carry_out(effects.unwrap());
    }
    let (first, last) = (reads[1], reads[reads.len() - 1]);
    assert!(last <= 2 * first, "{first} reads at first, {last} at last");
    assert_eq!(node.ledger.chain().headers_in_memory(), 1_001);
}

#[test]
fn any_number_of_side_branches_takes_bounded_memory() {
    let mut forge = Forge::new();
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    let mut last = BlockId::ZERO;
    for n in 0..4_500 {
        let header = forge.child(forge.genesis(), 1_000 + n, 5, &[]).header;
        node.headers(&[header]).unwrap();
        last = header.id();
    }
    assert!(node.ledger.chain().headers_in_memory() <= 4_000);
    // What is no more in memory is still known.
    let upon = forge.child(last, 1_000, 5, &[]);
    assert!(node.headers(&[upon.header]).is_ok());
    assert_eq!(node.ledger.chain().best_header().id, upon.id());
}

#[test]
fn the_way_of_bodies_is_told_in_order_and_without_what_is_here() {
    let mut forge = Forge::new();
    let ours = forge.branch(forge.genesis(), 3, 5);
    let theirs = forge.branch(ours[0].id(), 4, 6);
    let mut node = node_on(&ours);
    node.headers(&headers(&theirs)).unwrap();
    let ids: Vec<BlockId> = theirs.iter().map(Block::id).collect();
    let missing = |node: &mut Node, toward: &BlockId, limit| {
        let ledger: &mut Ledger = &mut node.ledger;
        let missing = ledger.missing_bodies(toward, limit, &node.disk).unwrap();
        let ids = missing.into_iter().map(|(id, _)| id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(missing(&mut node, &ids[3], 16), ids);
    assert_eq!(missing(&mut node, &ids[3], 2), ids[..2]);
    let with_heights = node.ledger.missing_bodies(&ids[3], 2, &node.disk);
    assert_eq!(
        with_heights,
        Ok(vec![(ids[0], Height(2)), (ids[1], Height(3))])
    );
    assert!(
        missing(&mut node, &ids[0], 16).is_empty(),
        "no more work than ours"
    );
    node.block(theirs[1].clone());
    assert_eq!(missing(&mut node, &ids[3], 16), [ids[0], ids[2], ids[3]]);
    // A side branch that is not the best one by headers.
    let side = forge.branch(ours[2].id(), 1, 7);
    node.headers(&headers(&side)).unwrap();
    assert_eq!(missing(&mut node, &side[0].id(), 16), [side[0].id()]);
}

#[test]
fn headers_far_ahead_of_the_bodies_are_read_once_for_all_that_is_done_with_them() {
    const LOOKED_UP: usize = 256;
    let mut forge = Forge::new();
    let blocks = forge.branch(forge.genesis(), 1_500, 5);
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    node.headers(&headers(&blocks)).unwrap();
    let best = node.ledger.chain().best_header().id;
    let mut reads = 0;
    for turn in blocks[..400].chunks(200) {
        let disk = HeadersRead(&node.disk, Cell::new(0));
        let missing = node.ledger.missing_bodies(&best, LOOKED_UP, &disk).unwrap();
        assert_eq!(missing[0].0, turn[0].id());
        reads += disk.1.get();
        for block in turn {
            let (disk, origin) = (
                HeadersRead(&node.disk, Cell::new(0)),
                Origin::Relay(Ticket(0)),
            );
            let effects = node.ledger.block(origin, block.clone(), &disk, node.now);
            reads += disk.1.get();
            node.carry_out(effects.unwrap());
        }
    }
    assert_eq!(node.ledger.tip().id, blocks[399].id());
    assert!(reads <= 200 + LOOKED_UP + 10, "{reads} headers read");
    assert!(node.ledger.chain().headers_in_memory() <= 1_001 + 200 + LOOKED_UP);
}

#[test]
fn headers_that_are_held_for_their_bodies_take_bounded_memory_and_stay_true() {
    let mut forge = Forge::new();
    let blocks = forge.branch(forge.genesis(), 2_600, 5);
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    for some in headers(&blocks).chunks(2_000) {
        node.headers(some).unwrap();
    }
    let best = node.ledger.chain().best_header().id;
    for some in blocks.chunks(256) {
        node.ledger.missing_bodies(&best, 256, &node.disk).unwrap();
        for block in some {
            assert_eq!(node.block(block.clone()), BlockOutcome::Accepted);
        }
        let missing = node.ledger.missing_bodies(&best, 1, &node.disk).unwrap();
        assert!(
            missing
                .iter()
                .all(|(id, _)| !some.iter().any(|block| block.id() == *id))
        );
        assert!(node.ledger.chain().headers_in_memory() <= 1_001 + 1_024);
    }
    assert_eq!(node.ledger.tip().id, best);
}
