//! What members may send without a fee, counted from the chain.

use crate::chain::rows::RowKey;
use crate::chain::testing::forge::Forge;
use crate::chain::testing::{Node, member, rules, transfer};
use crate::chain::transaction::Note;
use crate::chain::{
    Action, Amount, Block, Closed, EncodedTransaction, FREE_BLOCKS, Mempool, MempoolLimits,
    Payload, Rejected, TransactionId,
};

/// Room for three of the transactions below.
fn limits() -> MempoolLimits {
    MempoolLimits {
        free_bytes: 3 * free(0).size() as u64,
        ..MempoolLimits::default()
    }
}

/// Of member 1, who has coins from the start.
fn free(salt: u8) -> EncodedTransaction {
    transfer(1, 2, 1, 0, salt)
}

fn sent(node: &Node) -> u64 {
    let pool: &Mempool = node.ledger.mempool();
    pool.free_bytes_of(&member(1).public_key())
}

fn is_full(verdict: Result<(), Rejected>) -> bool {
    matches!(verdict, Err(Rejected::FreeShareUsed { .. }))
}

#[test]
fn attack_a3_a_budget_counts_what_was_mined_through_a_restart_and_comes_back_with_time() {
    let mut node = Node::with(rules(), limits());
    for salt in 0..3 {
        assert_eq!(node.send(free(salt)), Ok(()));
        node.mine(2);
    }
    let full = node.send(free(3)).unwrap_err().to_string();
    let size = free(0).size();
    let used = format!("{0} of {0} bytes", 3 * size);
    for told in [
        &used,
        &format!("takes {size}."),
        "last 720 blocks",
        "--fee 1",
    ] {
        assert!(full.contains(told), "{told}: {full}");
    }
    assert_eq!(node.send(transfer(1, 2, 1, 5, 4)), Ok(()), "a fee helps");
    let mut node = Node::reopened(rules(), limits(), node.disk.clone(), node.now);
    assert!(is_full(node.send(free(3))));
    for _ in 3..FREE_BLOCKS {
        node.mine(2);
    }
    assert!(
        is_full(node.send(free(3))),
        "the first of them counts still"
    );
    node.mine(2);
    assert_eq!(node.send(free(3)), Ok(()));
    assert!(is_full(node.send(free(5))), "the second counts still");
}

#[test]
fn another_branch_counts_as_if_there_had_been_no_other() {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let trunk = forge.branch(genesis, 2, 5);
    let fork = trunk[1].id();
    let light = vec![forge.child(fork, 1_000, 6, &[free(0), free(1)])];
    let mut heavy = vec![forge.child(fork, 1_000, 7, &[free(2)])];
    heavy.extend(forge.branch(heavy[0].id(), 1, 7));
    let mut there = Node::with(rules(), limits());
    let mut straight = Node::with(rules(), limits());
    let all = |node: &mut Node, blocks: &[Block]| {
        blocks
            .iter()
            .for_each(|block| drop(node.block(block.clone())));
    };
    all(&mut there, &trunk);
    all(&mut there, &light);
    assert_eq!(sent(&there), 2 * free(0).size() as u64);
    all(&mut there, &heavy);
    all(&mut straight, &trunk);
    all(&mut straight, &heavy);
    let open: Vec<TransactionId> = there.ledger.mempool().by_fee().map(|t| t.id()).collect();
    assert_eq!(open.len(), 2, "what fell out is open again, and counts");
    assert_eq!(sent(&there), 3 * free(0).size() as u64);
    assert_eq!(sent(&straight), free(0).size() as u64);
    assert_eq!(kept(&there), kept(&straight));
    // Without the rows it is counted from the blocks.
    let mut bare = straight.disk.clone();
    bare.0.retain(|key, _| !matches!(key, RowKey::FreeUse(_)));
    let bare = Node::reopened(rules(), limits(), bare, straight.now);
    assert_eq!(sent(&bare), sent(&straight));
}

/// The sums of blocks that are kept.
fn kept(node: &Node) -> Vec<(RowKey, Vec<u8>)> {
    let rows = node.disk.0.iter();
    let rows = rows.filter(|(key, _)| matches!(key, RowKey::FreeUse(_)));
    rows.map(|(key, row)| (key.clone(), row.clone())).collect()
}

#[test]
fn attack_blocks_without_end_leave_the_sums_of_the_last_ones_only_on_any_branch() {
    let most = 2 * FREE_BLOCKS as usize;
    let mut forge = Forge::new();
    let trunk = forge.branch(forge.genesis(), most + 10, 5);
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    for block in &trunk {
        node.block(block.clone());
    }
    let has = |node: &Node, block: &Block| {
        kept(node)
            .iter()
            .any(|(key, _)| *key == RowKey::FreeUse(block.id()))
    };
    assert_eq!(kept(&node).len(), most);
    assert!(!has(&node, &trunk[9]) && has(&node, &trunk[10]));
    // Going to and fro leaves nothing, either.
    let mut below = trunk[most + 2..].to_vec();
    for (miner, length) in [(6, 6), (7, 4), (8, 2)] {
        let branch = forge.branch(below[2].id(), length, miner);
        for block in &branch {
            node.block(block.clone());
        }
        assert_eq!(node.ledger.tip().id, branch[length - 1].id());
        assert_eq!(kept(&node).len(), most);
        below = branch;
    }
}

#[test]
fn attack_what_falls_out_of_the_chain_of_whoever_is_put_out_is_not_open_again_also_after_a_restart()
{
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let trunk = forge.branch(genesis, 2, 5);
    let fork = trunk[1].id();
    let paid = transfer(1, 2, 1, 5, 9);
    let light = forge.child(fork, 1_000, 6, &[free(0), paid.clone()]);
    let heavy = forge.branch(fork, 2, 7);
    let mut node = Node::with(rules(), limits());
    for block in trunk.into_iter().chain([light]) {
        node.block(block);
    }
    let note = free(1);
    assert_eq!(node.send(note.clone()), Ok(()));
    let out = std::collections::BTreeSet::from([member(1).public_key()]);
    let effects = node.ledger.put_out(out.clone(), &node.disk).unwrap();
    node.carry_out(effects);
    assert!(node.open().is_empty(), "it is closed at once");
    assert_eq!(node.closed(note.id()), Some(Closed::PutOut));
    for block in heavy {
        node.block(block);
    }
    let only_paid = std::collections::BTreeSet::from([paid.id()]);
    assert_eq!(node.open(), only_paid, "coins go on being spent");
    assert_eq!(node.closed(free(0).id()), Some(Closed::PutOut));
    let nobody = std::collections::BTreeSet::new();
    let effects = node.ledger.put_out(nobody, &node.disk).unwrap();
    node.carry_out(effects);
    assert_eq!(node.send(note), Ok(()), "let back, it may be sent again");
    let effects = node.ledger.put_out(out.clone(), &node.disk).unwrap();
    node.carry_out(effects);
    let mut node = Node::reopened(rules(), limits(), node.disk.clone(), node.now);
    let effects = node.ledger.put_out(out, &node.disk).unwrap();
    node.carry_out(effects);
    assert_eq!(node.open(), only_paid);
}

/// A note of a kilobyte without coins.
fn note(from: u8, number: u16) -> EncodedTransaction {
    let [high, low] = number.to_be_bytes();
    let mut bytes = vec![0; 1_000];
    bytes[..2].copy_from_slice(&[high, low]);
    let payload = Payload {
        action: Action::Transfer {
            to: member(10).public_key(),
            amount: Amount(0),
            note: Note::new(bytes).unwrap(),
        },
        ..transfer(from, 10, 0, 0, 0).payload().clone()
    };
    EncodedTransaction::new(payload.sign(&member(from)))
}

#[test]
fn attack_a3_a_flood_from_many_keys_holds_up_no_honest_note_and_fills_neither_memory_nor_disk() {
    let limits = MempoolLimits {
        bytes: 4_000_000,
        ..MempoolLimits::default()
    };
    let mut node = Node::with(rules(), limits);
    for number in 0..250 {
        node.send_all((1..=8).map(|from| note(from, number)).collect());
    }
    let pool = node.ledger.mempool();
    assert!(pool.taken() <= limits.bytes / limits.free_share);
    assert!(pool.len() > 400, "it is full of {}", pool.len());
    for number in 0..5 {
        let honest = note(9, number);
        assert_eq!(node.send(honest.clone()), Ok(()));
        // More of the flood comes before the next block.
        node.send_all((1..=8).map(|from| note(from, 1_000 + number)).collect());
        let block = node.mine(5);
        let ids = block.transactions.iter().map(EncodedTransaction::id);
        assert!(ids.collect::<Vec<_>>().contains(&honest.id()));
        let bytes: usize = block
            .transactions
            .iter()
            .map(EncodedTransaction::size)
            .sum();
        let most = node.ledger.chain().rules().params().max_block_bytes as usize / 4;
        assert!((most / 2..=most + 300).contains(&bytes), "{bytes} bytes");
    }
}
