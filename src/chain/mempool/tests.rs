use super::super::Payload;
use super::super::rows::{RowKey, StateKey};
use super::super::testing::{MemoryView, member, transfer};
use super::super::transaction::Note;
use super::super::{Action, Rejected, Salt};
use super::place::FeeRate;
use super::*;
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Room for about a dozen transactions, six of them from one sender, two of those without a fee.
const LIMITS: MempoolLimits = MempoolLimits {
    bytes: 4_000,
    age_ms: 1_000,
    sender_share: 2,
    entry_bytes: 0,
    free_bytes: 500,
    free_share: 1,
    outside_bytes: 500,
    judged_again: 2,
};

/// As everything that is judged by no application.
fn ordinary(transaction: &EncodedTransaction) -> Terms {
    Terms {
        is_free: false,
        is_budgeted: transaction.payload().fee == Amount::ZERO,
    }
}

/// Takes one in at the beginning of time.
fn take(
    pool: &mut Mempool,
    view: &MemoryView,
    transaction: EncodedTransaction,
) -> Result<Vec<TransactionId>, Rejection> {
    let terms = ordinary(&transaction);
    pool.insert(transaction, view, terms, AwakeTime(0))
}

fn payment(
    from: u8,
    amount: u64,
    fee: u64,
    note: usize,
    expires_at: u64,
    salt: u64,
) -> EncodedTransaction {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&salt.to_le_bytes());
    let payload = Payload {
        salt: Salt(bytes),
        expires_at: Height(expires_at),
        action: Action::Transfer {
            to: member(9).public_key(),
            amount: Amount(amount),
            note: Note::new(vec![0; note]).unwrap(),
        },
        ..transfer(from, 9, amount, fee, 0).payload().clone()
    };
    // The open transactions never look at signatures.
    EncodedTransaction::new(payload.unsigned())
}

fn set_balance(view: &mut MemoryView, of: u8, coins: u64) {
    let key = RowKey::State(StateKey::Balance(member(of).public_key()));
    view.0.insert(key, coins.to_le_bytes().to_vec());
}

fn view() -> MemoryView {
    let mut view = MemoryView::default();
    (1..=4).for_each(|n| set_balance(&mut view, n, 1_000));
    view
}

fn pool() -> Mempool {
    let mut pool = Mempool::new(LIMITS);
    pool.set_members((1..=3).map(|n| member(n).public_key()));
    pool
}

/// Everything that is kept in sums and orders, counted anew from the entries alone.
fn recount(pool: &Mempool) {
    let all: Vec<&Entry> = pool.entries.iter().collect();
    let size: usize = all.iter().map(|e| e.transaction.size()).sum();
    assert_eq!(pool.bytes(), size);
    assert!(size <= LIMITS.bytes);
    assert_eq!(pool.len(), all.len());
    assert_eq!(pool.queue.len(), all.len());
    assert_eq!(pool.by_expiry.len(), all.len());
    assert_eq!(pool.by_arrival.len(), all.len());
    let listed: Vec<_> = pool.by_fee().map(FeeRate::of).collect();
    assert_eq!(listed.len(), all.len());
    assert!(listed.is_sorted_by(|a, b| a >= b));
    let senders: HashSet<PublicKey> = all.iter().map(|e| e.transaction.payload().sender).collect();
    assert_eq!(pool.accounts.len(), senders.len());
    for sender in senders {
        let own = all.iter().map(|e| &e.transaction);
        let own: Vec<_> = own.filter(|t| t.payload().sender == sender).collect();
        let bytes: usize = own.iter().map(|t| t.size()).sum();
        let unpaid = own.iter().filter(|t| t.payload().fee == Amount::ZERO);
        let unpaid: usize = unpaid.map(|t| t.size()).sum();
        let cost: u128 = own
            .iter()
            .map(|t| u128::from(t.payload().cost().unwrap().0))
            .sum();
        let account = &pool.accounts[&sender];
        assert_eq!(
            (account.taken, account.budgeted as usize, account.cost),
            (bytes, unpaid, cost)
        );
        check_list(pool, account, own.iter().map(|t| t.id()).collect());
        assert_eq!(pool.promised(&sender), cost);
        assert!(bytes <= LIMITS.bytes / LIMITS.sender_share);
        assert!(unpaid as u64 <= LIMITS.free_bytes);
    }
}

/// A sender's list goes from its latest transaction to its first and back, over all of them.
fn check_list(pool: &Mempool, account: &Account, own: Vec<TransactionId>) {
    let mut own: Vec<Slot> = own
        .iter()
        .map(|id| pool.entries.find(id).unwrap())
        .collect();
    let entry = |slot: &Slot| pool.entries.get(*slot).unwrap();
    own.sort_by_key(|slot| Reverse(entry(slot).arrival));
    assert_eq!(account.latest, own.first().copied());
    for (newer, older) in own.iter().zip(own.iter().skip(1)) {
        assert_eq!(entry(newer).older, Some(*older));
        assert_eq!(entry(older).newer, Some(*newer));
    }
    let (last, first) = (&own[0], &own[own.len() - 1]);
    assert_eq!(entry(last).newer, None);
    assert_eq!(entry(first).older, None);
}

/// An insertion against the words of its documentation.
fn insert(pool: &mut Mempool, sent: EncodedTransaction, view: &MemoryView, now: AwakeTime) {
    let worth =
        |(place, slot): (&Place, &Slot)| (pool.in_slot(*slot).unwrap().clone(), place.worth());
    let before: Vec<_> = pool.queue.iter().rev().map(worth).collect();
    let terms = ordinary(&sent);
    let own = Place::of(&sent, pool.sent_on(&sent, terms), 0).worth();
    let judged = pool.judge(&sent, view, terms);
    match pool.insert(sent.clone(), view, terms, now) {
        Ok(leaving) => {
            assert_eq!(judged, Ok(()));
            let (left, kept): (Vec<_>, Vec<_>) = before
                .iter()
                .partition(|(transaction, _)| leaving.contains(&transaction.id()));
            assert_eq!(left.len(), leaving.len());
            let worst_kept = kept.iter().map(|(_, worth)| *worth).min();
            for (_, worth) in &left {
                assert!(*worth < own, "none that is worth as much leaves");
                assert!(worst_kept.is_none_or(|kept| *worth <= kept));
            }
            if let Some(last) = leaving.last() {
                let (last, _) = left.iter().find(|(t, _)| t.id() == *last).unwrap();
                assert!(
                    pool.bytes() + last.size() > LIMITS.bytes,
                    "no more than had to"
                );
            }
        }
        Err(reason) => {
            assert_eq!(judged, Err(reason.clone()));
            let after: Vec<_> = pool.by_fee().cloned().collect();
            let unchanged: Vec<_> = before.iter().map(|(t, _)| t.clone()).collect();
            assert_eq!(after, unchanged, "a refusal changes nothing");
            if reason == Rejection::Rejected(Rejected::PoolFull("")) {
                let worse = before.iter().filter(|(_, worth)| *worth < own);
                let room: usize = worse.map(|(t, _)| t.size()).sum();
                assert!(pool.bytes() - room + sent.size() > LIMITS.bytes);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Insert {
        from: u8,
        amount: u64,
        fee: u64,
        note: usize,
        expires_at: u64,
    },
    Again(prop::sample::Index),
    Remove(prop::sample::Index),
    Balance(u8, u64),
    Expire {
        blocks: u64,
        ms: u64,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    let fee = prop_oneof![Just(0), 1..6u64];
    prop_oneof![
        8 => (1..=5u8, 1..300u64, fee, 0..300usize, 1..30u64).prop_map(
            |(from, amount, fee, note, expires_at)| Operation::Insert { from, amount, fee, note, expires_at }),
        1 => any::<prop::sample::Index>().prop_map(Operation::Again),
        1 => any::<prop::sample::Index>().prop_map(Operation::Remove),
        1 => (1..=5u8, 0..1_500u64).prop_map(|(of, coins)| Operation::Balance(of, coins)),
        1 => (0..4u64, 0..300u64).prop_map(|(blocks, ms)| Operation::Expire { blocks, ms }),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_operations_breaks_a_limit(operations in prop::collection::vec(operation(), 1..80)) {
        let (mut pool, mut view) = (pool(), view());
        let (mut now, mut tip) = (AwakeTime(0), Height(0));
        for (operation, salt) in operations.into_iter().zip(0..) {
            let open: Vec<EncodedTransaction> = pool.by_fee().cloned().collect();
            match operation {
                Operation::Insert { from, amount, fee, note, expires_at } => {
                    let expires_at = tip.0 + expires_at;
                    insert(&mut pool, payment(from, amount, fee, note, expires_at, salt), &view, now);
                }
                Operation::Again(at) if !open.is_empty() => {
                    let again = at.get(&open).clone();
                    let terms = ordinary(&again);
                    let refused = pool.insert(again, &view, terms, now);
                    prop_assert_eq!(refused, Err(Rejected::AlreadyOpen.into()));
                }
                Operation::Remove(at) if !open.is_empty() => {
                    let id = at.get(&open).id();
                    prop_assert_eq!(pool.remove(&id).map(|t| t.id()), Some(id));
                    prop_assert!(pool.remove(&id).is_none());
                }
                Operation::Again(_) | Operation::Remove(_) => {}
                Operation::Balance(of, coins) => {
                    set_balance(&mut view, of, coins);
                    let sender = member(of).public_key();
                    let gone = pool.rejudge(&sender, &view).unwrap();
                    let own = open.iter().filter(|t| t.payload().sender == sender).count();
                    let kept = pool.entries.iter();
                    let kept = kept.filter(|e| e.transaction.payload().sender == sender);
                    prop_assert_eq!(own - kept.count(), gone.len());
                }
                Operation::Expire { blocks, ms } => {
                    (tip, now) = (Height(tip.0 + blocks), AwakeTime(now.0 + ms));
                    let arrived = |id: &TransactionId| pool.entry(id).unwrap().arrived;
                    let over = open.iter().filter_map(|t| {
                        let is_old = now.since(arrived(&t.id())) > LIMITS.age_ms;
                        let old = is_old.then_some((t.id(), Closed::TimedOut));
                        let is_late = t.payload().expires_at <= tip;
                        is_late.then_some((t.id(), Closed::Expired)).or(old)
                    });
                    let over: HashMap<_, _> = over.collect();
                    let gone = pool.expire(tip, now);
                    prop_assert_eq!(gone.len(), over.len());
                    prop_assert_eq!(gone.into_iter().collect::<HashMap<_, _>>(), over);
                }
            }
            recount(&pool);
            for n in 1..=5 {
                let sender = member(n).public_key();
                prop_assert!(pool.promised(&sender) <= u128::from(view.balance(&sender).unwrap().0));
            }
        }
    }
}

#[test]
fn the_worst_paying_leave_first_and_among_equals_the_latest() {
    let (mut pool, view) = (pool(), view());
    let full = LIMITS.bytes / payment(1, 1, 1, 0, 9, 0).size();
    let mut sent = Vec::new();
    for salt in 0..full as u64 {
        let fee = if salt == 4 { 1 } else { 2 };
        let offer = payment(1 + (salt % 3) as u8, 1, fee, 0, 9, salt);
        assert_eq!(take(&mut pool, &view, offer.clone()), Ok(Vec::new()));
        sent.push(offer);
    }
    let same = payment(4, 1, 1, 0, 9, 100);
    let refused = take(&mut pool, &view, same);
    assert_eq!(refused, Err(Rejected::PoolFull("").into()));
    let better = |salt| payment(4, 1, 3, 0, 9, salt);
    assert_eq!(take(&mut pool, &view, better(101)), Ok(vec![sent[4].id()]));
    let latest = sent[full - 1].id();
    assert_eq!(take(&mut pool, &view, better(102)), Ok(vec![latest]));
    let best: Vec<_> = pool.by_fee().map(EncodedTransaction::id).take(3).collect();
    assert_eq!(best, [better(101).id(), better(102).id(), sent[0].id()]);
}

#[test]
fn a_stranger_pays_a_fee_and_a_member_need_not() {
    let (mut pool, view) = (pool(), view());
    let free = payment(4, 1, 0, 0, 9, 1);
    let refused = take(&mut pool, &view, free.clone());
    assert_eq!(refused, Err(Rejected::ZeroFeeStranger.into()));
    assert!(take(&mut pool, &view, payment(4, 1, 1, 0, 9, 2)).is_ok());
    assert!(take(&mut pool, &view, payment(3, 1, 0, 0, 9, 3)).is_ok());
    // One that was mined once comes back, and its sender is no member for it.
    assert!(
        pool.take_back(free.clone(), &view, ordinary(&free), AwakeTime(0))
            .is_ok()
    );
    let another = take(&mut pool, &view, payment(4, 1, 0, 0, 9, 4));
    assert_eq!(another, Err(Rejected::ZeroFeeStranger.into()));
}

#[test]
fn attack_one_sender_can_neither_fill_the_place_nor_promise_more_than_it_has() {
    let (mut pool, mut view) = (pool(), view());
    let mut salts = 0..;
    let mut flood = |fee: u64| {
        let sent = salts.by_ref().take(20);
        let refused = sent
            .map(|salt| take(&mut pool, &view, payment(1, 1, fee, 0, 9, salt)))
            .filter_map(Result::err);
        refused.last()
    };
    let used = flood(0);
    assert!(
        matches!(
            used,
            Some(Rejection::Rejected(Rejected::FreeShareUsed { .. }))
        ),
        "{used:?}"
    );
    assert_eq!(
        flood(5),
        Some(Rejected::PoolFull(" for this sender").into())
    );
    recount(&pool);
    assert!(take(&mut pool, &view, payment(2, 1, 0, 0, 9, 1)).is_ok());
    set_balance(&mut view, 3, 10);
    assert!(take(&mut pool, &view, payment(3, 6, 0, 0, 9, 2)).is_ok());
    let (available, needed) = (Amount(4), Amount(5));
    assert_eq!(
        take(&mut pool, &view, payment(3, 5, 0, 0, 9, 3)),
        Err(Rejected::InsufficientFunds { available, needed }.into())
    );
}

#[test]
fn attack_whoever_is_put_out_has_nothing_open_free_of_charge_and_does_not_get_it_back() {
    let view = view();
    let mut pool = pool();
    let sent: Vec<_> = [(1, 0), (1, 2), (2, 0)]
        .into_iter()
        .zip(1..)
        .map(|((from, fee), salt)| payment(from, 1, fee, 0, 9, salt))
        .collect();
    for one in &sent {
        assert!(take(&mut pool, &view, one.clone()).is_ok());
    }
    let gone = pool.put_out(BTreeSet::from([member(1).public_key()]));
    assert_eq!(gone, [sent[0].id()]);
    assert!(pool.contains(&sent[1].id()) && pool.contains(&sent[2].id()));
    // Neither when its block is undone, nor as a record that needs no fee of anybody.
    let back = pool.take_back(sent[0].clone(), &view, ordinary(&sent[0]), AwakeTime(0));
    assert_eq!(back, Err(Rejected::SenderPutOut.into()));
    let terms = Terms {
        is_free: true,
        is_budgeted: false,
    };
    let free = pool.judge(&sent[0], &view, terms);
    assert_eq!(free, Err(Rejected::SenderPutOut.into()));
    assert_eq!(pool.put_out(BTreeSet::new()), []);
    assert!(
        pool.take_back(sent[0].clone(), &view, ordinary(&sent[0]), AwakeTime(0))
            .is_ok()
    );
}

#[test]
fn a4_whoever_has_left_sends_nothing_more_without_a_fee() {
    let (mut pool, view) = (pool(), view());
    assert!(take(&mut pool, &view, payment(1, 1, 0, 0, 9, 1)).is_ok());
    pool.set_members([member(2).public_key()]);
    let after = take(&mut pool, &view, payment(1, 1, 0, 0, 9, 2));
    assert_eq!(after, Err(Rejected::ZeroFeeStranger.into()));
    assert_eq!(pool.len(), 1, "what was open stays");
}

/// Room for about two hundred, half of it for what pays nothing.
fn roomy() -> Mempool {
    let limits = MempoolLimits {
        bytes: 200 * payment(1, 1, 1, 0, 9, 0).size(),
        sender_share: 2,
        free_bytes: u64::MAX,
        free_share: 2,
        ..LIMITS
    };
    let mut pool = Mempool::new(limits);
    pool.set_members((1..=4).map(|n| member(n).public_key()));
    pool
}

#[test]
fn attack_a3_whoever_floods_without_a_fee_queues_behind_everybody_and_leaves_first() {
    let (mut pool, view) = (roomy(), view());
    for salt in 0..500 {
        let _ = take(
            &mut pool,
            &view,
            payment(1 + (salt % 3) as u8, 1, 0, 0, 9, salt),
        );
    }
    assert!(pool.taken() * 2 <= pool.limits.bytes + payment(1, 1, 0, 0, 9, 0).size());
    let full = pool.len();
    let honest = payment(4, 1, 0, 0, 9, 1_000);
    let left = take(&mut pool, &view, honest.clone()).unwrap();
    assert_eq!(
        (left.len(), pool.len()),
        (1, full),
        "one of the flood made room"
    );
    let place = pool.by_fee().position(|t| t.id() == honest.id()).unwrap();
    assert!(place <= 3, "it is number {place}, behind the first of each");
    // Whoever pays finds room at once, and has the rest for itself.
    let paying = (2_000..2_090).map(|salt| take(&mut pool, &view, payment(4, 1, 1, 0, 9, salt)));
    assert!(paying.into_iter().all(|taken| taken == Ok(Vec::new())));
}

#[test]
fn attack_what_needs_no_fee_of_anybody_is_bounded_by_itself() {
    let (mut pool, mut view) = (roomy(), view());
    set_balance(&mut view, 5, 1_000);
    let terms = Terms {
        is_free: true,
        is_budgeted: false,
    };
    let mut sent = |from| {
        let records = (0..20).map(|salt| payment(from, 1, 0, 0, 9, salt));
        let taken = records.map(|one| pool.insert(one, &view, terms, AwakeTime(0)));
        taken.collect::<Vec<_>>()
    };
    let full = Err(Rejected::PoolFull(" for this sender's records").into());
    assert_eq!(sent(1).last(), Some(&full));
    // A stranger's has room beside it.
    assert_eq!(sent(5)[0], Ok(Vec::new()));
}

#[test]
fn attack_small_transactions_are_counted_with_all_that_is_kept_for_them() {
    let view = view();
    let mut pool = Mempool::new(MempoolLimits {
        entry_bytes: 1_000,
        bytes: 40_000,
        ..LIMITS
    });
    pool.set_members((1..=3).map(|n| member(n).public_key()));
    for salt in 0..300 {
        let fee = 1 + salt;
        let _ = take(
            &mut pool,
            &view,
            payment(1 + (salt % 3) as u8, 1, fee, 0, 9, salt),
        );
    }
    let each = payment(1, 1, 1, 0, 9, 0).size() + 1_000;
    assert!(
        (2..=40_000 / each).contains(&pool.len()),
        "{} are open",
        pool.len()
    );
    assert_eq!(pool.taken(), pool.bytes() + 1_000 * pool.len());
}
