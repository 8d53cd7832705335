//! Undoing blocks gives back exactly the state there was, however deep.

use super::super::testing::counter::{counting_rules, record, signed};
use super::super::testing::forge::Forge;
use super::super::testing::{MemoryView, START, member, transfer};
use super::*;
use crate::chain::rows::StateKey;
use crate::chain::transaction::Payload;
use crate::chain::{Amount, BlockId};
use proptest::prelude::*;

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (1..=7u8, 1..900u64).prop_map(|(to, amount)| Action::Transfer {
            to: member(to).public_key(),
            amount: Amount(amount),
            note: Default::default(),
        }),
        prop_oneof![
            Just(&b"-"[..]),
            Just(&b"a"[..]),
            Just(&b"bb"[..]),
            Just(&b"!"[..])
        ]
        .prop_map(|body| record("count", body)),
        Just(record("drawer", b"kept, not judged")),
    ]
}

/// A state to apply transactions to, and the rules of its network.
fn begun() -> (Rules, MemoryView) {
    let rules = counting_rules();
    let mut state = MemoryView::default();
    let empty = MemoryView::default();
    let mut draft = Draft::new(&empty);
    apply_genesis(&rules, &mut draft);
    let rows = draft.into_rows();
    state.commit(rows);
    (rules, state)
}

/// The first block.
fn moment() -> Moment {
    Moment {
        height: Height(1),
        parent: BlockId::ZERO,
        parent_time: START,
        time: START.plus_ms(1),
    }
}

/// Those of `wanted` that can be applied one after the other.
fn affordable(
    rules: &Rules,
    view: &MemoryView,
    wanted: Vec<EncodedTransaction>,
) -> Vec<EncodedTransaction> {
    let mut draft = Draft::new(view);
    let first = moment();
    wanted
        .into_iter()
        .filter(|t| rules.check_form(t).is_ok())
        .filter(|t| rules.apply_transaction(&mut draft, t, &first, 1).is_ok())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn undoing_gives_the_identical_state_at_any_depth(
        plans in prop::collection::vec(
            (1..=7u8, prop::collection::vec((1..=4u8, 0..4u64, action()), 0..6)), 1..12),
    ) {
        let (rules, mut view) = begun();
        let mut forge = Forge::with(rules.clone());
        let mut at = forge.genesis();
        let mut before = Vec::new();
        let mut blocks = Vec::new();
        for ((miner, wanted), salt) in plans.into_iter().zip(0..) {
            let wanted = wanted.into_iter().zip(salt * 8..);
            let wanted = wanted.map(|((from, fee, action), salt)| signed(&rules, from, salt, fee, action));
            let chosen = affordable(&rules, &view, wanted.collect());
            let block = forge.child(at, 1_000, miner, &chosen);
            at = block.id();
            before.push(view.clone());
            let mut draft = Draft::new(&view);
            prop_assert_eq!(rules.apply_block(&mut draft, &block, START), Ok(()));
            let rows = draft.into_rows();
            view.commit(rows);
            prop_assert_eq!(view.supply(), 4_000 + 50 * before.len() as u64);
            blocks.push(block);
        }
        // One by one.
        let mut one_by_one = view.clone();
        for (block, earlier) in blocks.iter().zip(&before).rev() {
            let mut draft = Draft::new(&one_by_one);
            undo_block(&mut draft, block).unwrap();
            let rows = draft.into_rows();
            one_by_one.commit(rows);
            prop_assert_eq!(&one_by_one, earlier);
        }
        // All in one draft, as a reorganisation does.
        let mut draft = Draft::new(&view);
        for block in blocks.iter().rev() {
            undo_block(&mut draft, block).unwrap();
        }
        let rows = draft.into_rows();
        view.commit(rows);
        prop_assert_eq!(&view, &before[0]);
    }
}

fn refusal(rules: &Rules, view: &MemoryView, sent: &EncodedTransaction) -> (Rejected, usize) {
    let mut draft = Draft::new(view);
    let first = moment();
    match rules.apply_transaction(&mut draft, sent, &first, 1) {
        Err(Rejection::Rejected(reason)) => (reason, draft.into_rows().len()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_transaction_changes_nothing() {
    let (rules, view) = begun();
    let to = |to: u8, amount| Action::Transfer {
        to: member(to).public_key(),
        amount: Amount(amount),
        note: Default::default(),
    };
    let overdraw = signed(&rules, 1, 1, 1, to(2, 1_000));
    let (reason, rows) = refusal(&rules, &view, &overdraw);
    let (available, needed) = (Amount(1_000), Amount(1_001));
    assert_eq!(reason, Rejected::InsufficientFunds { available, needed });
    assert_eq!(rows, 0);
    let refused = signed(&rules, 1, 2, 5, record("count", b"!"));
    let (reason, rows) = refusal(&rules, &view, &refused);
    assert!(matches!(reason, Rejected::Application { .. }));
    assert_eq!(rows, 0, "neither the application's rows nor the fee");
    let unpaid = signed(&rules, 9, 3, 1, record("count", b"a"));
    let (reason, rows) = refusal(&rules, &view, &unpaid);
    assert!(matches!(reason, Rejected::InsufficientFunds { .. }));
    assert_eq!(rows, 0);
}

#[test]
fn attack_a_credit_beyond_all_numbers_is_refused() {
    let (rules, mut view) = begun();
    let rich = RowKey::State(StateKey::Balance(member(2).public_key()));
    view.0.insert(rich, u64::MAX.to_le_bytes().to_vec());
    let to_rich = signed(
        &rules,
        1,
        1,
        0,
        Action::Transfer {
            to: member(2).public_key(),
            amount: Amount(1),
            note: Default::default(),
        },
    );
    assert_eq!(refusal(&rules, &view, &to_rich), (Rejected::Meaningless, 0));
    let reward = Payload::reward(
        rules.network(),
        member(2).public_key(),
        Height(1),
        Amount(50),
    );
    let reward = EncodedTransaction::new(reward.unsigned());
    assert_eq!(refusal(&rules, &view, &reward), (Rejected::Meaningless, 0));
}

#[test]
fn a_transaction_is_applied_once_and_again_after_its_block_is_undone() {
    let (rules, mut view) = begun();
    let mut forge = Forge::with(rules.clone());
    let paid = transfer_in(&rules, 1, 2, 10);
    let block = forge.child(forge.genesis(), 1_000, 5, std::slice::from_ref(&paid));
    let twice = forge.child(forge.genesis(), 1_000, 6, &[paid.clone(), paid.clone()]);
    let mut draft = Draft::new(&view);
    let fault = rules.apply_block(&mut draft, &twice, START);
    assert!(matches!(fault, Err(Refusal::Fault(_))), "{fault:?}");
    let mut draft = Draft::new(&view);
    rules.apply_block(&mut draft, &block, START).unwrap();
    let rows = draft.into_rows();
    view.commit(rows);
    let (reason, rows) = refusal(&rules, &view, &paid);
    assert_eq!((reason, rows), (Rejected::AlreadyMined(Height(1)), 0));
    let mut draft = Draft::new(&view);
    undo_block(&mut draft, &block).unwrap();
    let rows = draft.into_rows();
    view.commit(rows);
    let mut draft = Draft::new(&view);
    assert_eq!(rules.apply_block(&mut draft, &block, START), Ok(()));
}

fn transfer_in(rules: &Rules, from: u8, to: u8, amount: u64) -> EncodedTransaction {
    let action = transfer(from, to, amount, 0, 0).payload().action.clone();
    signed(rules, from, 0, 0, action)
}

#[test]
fn undoing_without_undo_data_is_our_own_failure() {
    let (rules, view) = begun();
    let mut forge = Forge::with(rules);
    let block = forge.child(forge.genesis(), 1_000, 5, &[]);
    let mut draft = Draft::new(&view);
    assert!(undo_block(&mut draft, &block).is_err());
    assert_ne!(block.id(), BlockId::ZERO);
}
