//! Blocks whose signatures are heard of together: connected in one step, as one by one.

use super::signatures::{check_in, forged};
use crate::chain::ledger::{Answer, BlockOutcome, Effect, Origin, Ticket};
use crate::chain::rows::RowKey;
use crate::chain::testing::forge::Forge;
use crate::chain::testing::{Node, transfer};
use crate::chain::{Block, EncodedTransaction, Header, PeerFault, check_signatures};

/// Blocks one upon the other, each with one of these payments.
fn branch(forge: &mut Forge, payments: &[EncodedTransaction]) -> Vec<Block> {
    let mut at = forge.genesis();
    let mut blocks = Vec::new();
    for payment in payments {
        let block = forge.child(at, 1_000, 5, std::slice::from_ref(payment));
        at = block.id();
        blocks.push(block);
    }
    blocks
}

fn relayed(ticket: usize) -> Origin {
    Origin::Relay(Ticket(1_000 + ticket as u64))
}

fn own(ticket: usize) -> Origin {
    Origin::Promise(Ticket(1_000 + ticket as u64))
}

/// A node that was handed these before any of their signatures was checked, and heard the verdicts together, or one
/// by one; what it answered, in the order in which it was asked; how many steps it took.
fn handed_in(blocks: &[(Origin, Block)], together: bool) -> (Node, Vec<BlockOutcome>, usize) {
    let mut node = Node::new();
    let mut headers: Vec<Header> = blocks.iter().map(|(_, block)| block.header).collect();
    headers.sort_unstable_by_key(|header| header.height);
    node.headers(&headers).unwrap();
    node.told.clear();
    let mut checked = Vec::new();
    for (origin, block) in blocks {
        let effects = node
            .ledger
            .block(*origin, block.clone(), &node.disk, node.now);
        let (check, transactions) = check_in(effects.unwrap());
        checked.push((check, check_signatures(&transactions)));
    }
    let heard: Vec<_> = match together {
        true => vec![checked],
        false => checked.into_iter().map(|one| vec![one]).collect(),
    };
    for checked in heard {
        let effects = node
            .ledger
            .signatures_checked(&checked, &node.disk)
            .unwrap();
        node.carry_out(effects);
    }
    let answered = |origin: &Origin| {
        node.told.iter().find_map(|effect| match effect {
            Effect::Answer {
                ticket,
                answer: Answer::Block(_, outcome),
            } if *ticket == origin.ticket() => Some(outcome.clone()),
            _ => None,
        })
    };
    let outcomes = blocks
        .iter()
        .map(|(origin, _)| answered(origin).unwrap())
        .collect();
    let steps = node.told.iter();
    let steps = steps.filter(|effect| matches!(effect, Effect::TipStored(_)));
    let steps = steps.count();
    (node, outcomes, steps)
}

fn pays(salt: u8) -> EncodedTransaction {
    transfer(1, 2, 5, 0, salt)
}

/// Both ways lead to the same; the outcomes, and the steps of the one together.
fn alike(blocks: Vec<(Origin, Block)>) -> (Vec<BlockOutcome>, usize) {
    let (one, singly, _) = handed_in(&blocks, false);
    let (other, outcomes, steps) = handed_in(&blocks, true);
    assert_eq!(outcomes, singly);
    // The body of a block upon a bad one may be kept, which nobody reads.
    let read = |node: &Node| {
        let rows = node.disk.0.iter();
        let rows = rows.filter(|(key, _)| !matches!(key, RowKey::Body(_)));
        let rows: Vec<_> = rows.map(|(key, row)| (key.clone(), row.clone())).collect();
        rows
    };
    assert!(read(&other) == read(&one), "rows differ");
    assert_eq!(other.ledger.tip(), one.ledger.tip());
    (outcomes, steps)
}

#[test]
fn blocks_that_follow_each_other_are_connected_in_one_step_in_whatever_order_they_came() {
    let mut forge = Forge::new();
    let blocks = branch(&mut forge, &[1, 2, 3, 4].map(pays));
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
        let blocks = order.map(|at| (relayed(at), blocks[at].clone()));
        let (mut node, outcomes, steps) = handed_in(&blocks, true);
        assert_eq!(outcomes, vec![BlockOutcome::Accepted; 4]);
        assert_eq!((node.ledger.tip().height().0, steps), (4, 1));
        assert_eq!(
            node.disk.state(),
            forge.state(&node.ledger.tip().id).unwrap().state()
        );
        // And they are taken back one by one.
        let longer = forge.branch(forge.genesis(), 6, 6);
        for block in &longer {
            assert_eq!(node.block(block.clone()), BlockOutcome::Accepted);
        }
        assert_eq!(node.ledger.tip().id, longer[5].id());
        assert_eq!(
            node.disk.state(),
            forge.state(&longer[5].id()).unwrap().state()
        );
    }
    let in_order = blocks.into_iter().enumerate();
    let in_order = in_order.map(|(at, block)| (relayed(at), block)).collect();
    assert_eq!(alike(in_order).0, vec![BlockOutcome::Accepted; 4]);
}

#[test]
fn attack_one_bad_block_among_good_ones_is_its_senders_fault_alone() {
    // Signed by somebody else, or more than there is.
    for bad in [forged(1, 9, 5, 3), transfer(1, 9, 10_000, 0, 3)] {
        let mut forge = Forge::new();
        let blocks = branch(&mut forge, &[pays(1), pays(2), bad, pays(4)]);
        let ids: Vec<_> = blocks.iter().map(Block::id).collect();
        let handed = blocks.into_iter().enumerate();
        let handed = handed.map(|(at, block)| (relayed(at), block)).collect();
        let (outcomes, _) = alike(handed);
        let [first, second, third, fourth] = &outcomes[..] else {
            panic!("{outcomes:?}");
        };
        assert_eq!([first, second], [&BlockOutcome::Accepted; 2]);
        let own = |id| matches!(third, BlockOutcome::Fault(PeerFault::InvalidBlock { id: of, .. }) if *of == id);
        assert!(own(ids[2]), "{third:?}");
        let parent = PeerFault::InvalidParent(ids[2]);
        assert_eq!(fourth, &BlockOutcome::Fault(parent));
    }
}

#[test]
fn who_mined_a_block_hears_that_it_came_to_be_the_tip_though_others_followed_at_once() {
    let mut forge = Forge::new();
    let blocks = branch(&mut forge, &[1, 2, 3].map(pays));
    let [first, second, third] = &blocks[..] else {
        panic!("three were made");
    };
    let handed = [
        (own(0), first.clone()),
        (relayed(1), second.clone()),
        (relayed(2), third.clone()),
    ];
    let (outcomes, steps) = alike(handed.into());
    assert_eq!(outcomes, vec![BlockOutcome::Accepted; 3]);
    assert_eq!(steps, 2);
}
