//! Whatever the order in which blocks and headers come in, and wherever the node is stopped in
//! between, it ends where a model ends that simply looks at all complete branches.

use crate::chain::ledger::BlockOutcome;
use crate::chain::rows::RowKey;
use crate::chain::testing::forge::{Forge, reward};
use crate::chain::testing::{Node, member, rules, transfer};
use crate::chain::tree::HeadersOutcome;
use crate::chain::{
    Block, BlockId, BlockStatus, EncodedTransaction, MempoolLimits, StateView, TransactionId,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What is wrong with a made block, beside payments that can't be afforded.
#[derive(Debug, Clone, Copy)]
enum Flaw {
    None,
    Reward,
    Signature,
}

#[derive(Debug, Clone)]
struct Plan {
    parent: prop::sample::Index,
    after_ms: u64,
    miner: u8,
    payments: Vec<(u8, u8, u64, u64)>,
    flaw: Flaw,
}

fn plan() -> impl Strategy<Value = Plan> {
    let payment = (1..=4u8, 1..=4u8, 1..500u64, 0..3u64);
    (
        any::<prop::sample::Index>(),
        prop_oneof![Just(300), Just(1_000), Just(1_000), Just(2_500)],
        1..=6u8,
        prop::collection::vec(payment, 0..3),
        prop_oneof![
            12 => Just(Flaw::None),
            1 => Just(Flaw::Reward),
            1 => Just(Flaw::Signature),
        ],
    )
        .prop_map(|(parent, after_ms, miner, payments, flaw)| Plan {
            parent,
            after_ms,
            miner,
            payments,
            flaw,
        })
}

/// Makes the blocks; most stand on one of the last three.
fn make(forge: &mut Forge, plans: &[Plan]) -> Vec<Block> {
    let mut made = Vec::new();
    let mut ids = vec![forge.genesis()];
    for (plan, salt) in plans.iter().zip(1..) {
        let recent = &ids[ids.len().saturating_sub(3)..];
        let parent = *plan.parent.get(recent);
        let payments = plan.payments.iter().filter(|(from, to, ..)| from != to);
        let payments: Vec<EncodedTransaction> = payments
            .zip(0..)
            .map(|(&(from, to, amount, fee), place)| {
                let sent = transfer(from, to, amount, fee, salt * 4 + place);
                match plan.flaw {
                    Flaw::Signature => {
                        let payload = sent.payload().clone();
                        EncodedTransaction::new(payload.sign(&member(99)))
                    }
                    _ => sent,
                }
            })
            .collect();
        let mut body = forge.body(parent, plan.miner, &payments);
        if matches!(plan.flaw, Flaw::Reward) {
            let height = forge.entry(&parent).header.height.next();
            body[0] = reward(plan.miner, height.0, 1_000);
        }
        let block = forge.seal(parent, plan.after_ms, body);
        ids.push(block.id());
        made.push(block);
    }
    made
}

/// Looks at everything that has come, each time anew.
struct Model<'a> {
    forge: &'a Forge,
    /// Those that are valid with all before them.
    valid: BTreeSet<BlockId>,
    come: BTreeSet<BlockId>,
    tip: BlockId,
}

impl<'a> Model<'a> {
    fn new(forge: &'a Forge, blocks: &[Block]) -> Self {
        let ids = blocks.iter().map(Block::id);
        Self {
            forge,
            valid: ids.filter(|id| forge.state(id).is_some()).collect(),
            come: BTreeSet::new(),
            tip: forge.genesis(),
        }
    }

    fn is_complete(&self, id: &BlockId) -> bool {
        self.valid.contains(id) && self.forge.path(id).iter().all(|at| self.come.contains(at))
    }

    /// Holds the node against the model after `id` has come to both.
    fn check(&mut self, id: BlockId, node: &Node) {
        self.come.insert(id);
        let complete = self.come.iter().filter(|id| self.is_complete(id));
        let most = complete.map(|id| self.forge.work(id)).max();
        let tip = node.ledger.tip().id;
        if most.is_some_and(|most| most > self.forge.work(&self.tip)) {
            assert!(self.is_complete(&tip));
            assert_eq!(Some(self.forge.work(&tip)), most);
            self.tip = tip;
        }
        assert_eq!(tip, self.tip, "on a tie the first seen stays");
        self.check_rows(node);
    }

    fn check_rows(&self, node: &Node) {
        let height = self.forge.entry(&self.tip).header.height.0;
        let state = self.forge.state(&self.tip).unwrap();
        assert_eq!(node.disk.state(), state.state());
        assert_eq!(node.supply(), 4_000 + 50 * height);
        assert_eq!(stored_open(node), node.open());
        let best = node.ledger.chain().best_header();
        assert!(best.work() >= node.ledger.tip().work());
        let entry = node.disk.header(&best.id).unwrap().unwrap();
        assert_ne!(entry.status, BlockStatus::Invalid);
        let active = |key: &&RowKey| matches!(key, RowKey::Active(_));
        assert_eq!(node.disk.0.keys().filter(active).count() as u64, height + 1);
        let named = |key: &&RowKey| matches!(key, RowKey::Named(_));
        assert_eq!(node.disk.0.keys().filter(named).count() as u64, height);
    }
}

fn stored_open(node: &Node) -> BTreeSet<TransactionId> {
    let keys = node.disk.0.keys();
    keys.filter_map(|key| match key {
        RowKey::Open(id) => Some(*id),
        _ => None,
    })
    .collect()
}

#[derive(Debug, Clone, Copy)]
struct Delivery {
    block: usize,
    as_header: bool,
    restart: bool,
}

/// Hands it in; `false` if it has to be tried again later.
fn deliver(node: &mut Node, model: &mut Model<'_>, blocks: &[Block], delivery: Delivery) -> bool {
    let block = &blocks[delivery.block];
    if delivery.as_header {
        return node.headers(&[block.header]) != Ok(HeadersOutcome::Orphan);
    }
    match node.block(block.clone()) {
        BlockOutcome::Orphan => return false,
        BlockOutcome::Accepted | BlockOutcome::Known => {}
        BlockOutcome::Fault(_) => assert!(!model.valid.contains(&block.id())),
        other => panic!("{other:?}"),
    }
    model.check(block.id(), node);
    true
}

fn restart(node: &mut Node) {
    let (tip, open) = (*node.ledger.tip(), node.open());
    let disk = std::mem::take(&mut node.disk);
    *node = Node::reopened(rules(), MempoolLimits::default(), disk, node.now);
    assert_eq!(node.ledger.tip().id, tip.id);
    assert_eq!(node.open(), open);
    assert!(node.ledger.is_settled());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_order_of_arrival_ends_where_the_model_ends(
        plans in prop::collection::vec(plan(), 1..22),
        shuffled in Just(()).prop_perturb(|(), rng| rng),
        headers_too in any::<bool>(),
        restarts in any::<bool>(),
    ) {
        let mut rng = shuffled;
        let mut forge = Forge::new();
        let blocks = make(&mut forge, &plans);
        let mut model = Model::new(&forge, &blocks);
        let mut node = Node::new();
        node.now = node.now.plus_ms(1_000_000);
        let mut deliveries: Vec<Delivery> = (0..blocks.len())
            .flat_map(|block| [false, true].map(|as_header| Delivery {
                block,
                as_header,
                restart: false,
            }))
            .filter(|d| headers_too || !d.as_header)
            .collect();
        for at in (1..deliveries.len()).rev() {
            deliveries.swap(at, rng.random_range(0..=at));
            deliveries[at].restart = restarts && rng.random_range(0..4) == 0;
        }
        let mut waiting: Vec<Delivery> = Vec::new();
        for delivery in deliveries {
            waiting.push(delivery);
            loop {
                let before = waiting.len();
                waiting.retain(|delivery| !deliver(&mut node, &mut model, &blocks, *delivery));
                if waiting.len() == before {
                    break;
                }
            }
            if delivery.restart {
                restart(&mut node);
            }
        }
        // Every body was handed in: none is asked for any more.
        let best = node.ledger.chain().best_header().id;
        prop_assert_eq!(node.ledger.missing_bodies(&best, 16, &node.disk), Ok(Vec::new()));
        // What stands on a refused header stays an orphan.
        prop_assert!(waiting.iter().all(|d| !model.valid.contains(&blocks[d.block].id())));
    }
}
