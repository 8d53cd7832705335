use super::*;
use crate::chain::ledger::Concern;
use crate::chain::testing::{rules, transfer};
use crate::chain::tree::Tip;
use crate::chain::{Amount, BlockId, BlockStatus, EncodedTransaction};

const NOW: Timestamp = Timestamp(1_000);

fn paid(number: u8) -> EncodedTransaction {
    transfer(1, 2, 5, 1, number)
}

fn id(number: u8) -> TransactionId {
    paid(number).id()
}

/// A change of the chain that took away the blocks of these heights, the former tip first.
fn change(disconnected: &[u64], own: Concern, goes_on: bool) -> TipChange {
    let genesis = rules().genesis_entry();
    assert_eq!(genesis.status, BlockStatus::Available);
    TipChange {
        tip: Box::new(Tip {
            id: rules().network(),
            entry: genesis,
        }),
        connected: Vec::new(),
        miner: None,
        disconnected: disconnected
            .iter()
            .map(|height| (BlockId([*height as u8; 32]), Height(*height)))
            .collect(),
        own,
        goes_on,
    }
}

fn back(taken_back: &[(u8, Fate)], rewards_lost: u64) -> Concern {
    Concern {
        taken_back: taken_back.iter().map(|(n, fate)| (id(*n), *fate)).collect(),
        rewards_lost: u128::from(Amount(rewards_lost).0),
        ..Concern::default()
    }
}

fn mined(numbers: &[(u8, u64)]) -> Concern {
    Concern {
        mined: numbers
            .iter()
            .map(|(n, at)| (paid(*n), Height(*at)))
            .collect(),
        ..Concern::default()
    }
}

#[test]
fn a_change_is_told_with_what_became_of_each_and_followed_from_then_on() {
    let mut changes = BranchChanges::default();
    assert_eq!(
        changes.tip_changed(&change(&[], mined(&[(1, 7)]), false), NOW),
        []
    );
    assert_eq!(changes.last(), None);
    let own = back(
        &[(1, Fate::Open), (2, Fate::Closed(Closed::Conflicted))],
        50,
    );
    let news = changes.tip_changed(&change(&[9, 8], own, false), NOW);
    let last = changes.last().unwrap().clone();
    assert_eq!(news, [News::Changed(last.clone())]);
    assert_eq!(
        (last.fork, last.undone, last.rewards_lost),
        (Height(7), 2, 50)
    );
    // A block mines the first; what does not concern us says nothing.
    let told = changes.tip_changed(&change(&[], mined(&[(1, 10), (3, 10)]), false), NOW);
    assert_eq!(told, [News::Moved(id(1), Fate::Mined(Height(10)))]);
    assert_eq!(changes.closed(&id(1), Closed::Mined), None);
    assert_eq!(
        changes.closed(&id(2), Closed::Conflicted),
        None,
        "told already"
    );
    assert_eq!(changes.closed(&id(9), Closed::Expired), None, "not ours");
    assert_eq!(changes.opened(&id(2)), Some(News::Moved(id(2), Fate::Open)));
    assert_eq!(
        changes.closed(&id(2), Closed::Expired),
        Some(News::Moved(id(2), Fate::Closed(Closed::Expired)))
    );
    assert_eq!(
        changes.last().unwrap().transactions[0].1,
        Fate::Mined(Height(10))
    );
}

#[test]
fn a_change_in_steps_is_told_once_at_its_end() {
    let mut changes = BranchChanges::default();
    let first = back(&[(1, Fate::Open)], 50);
    assert_eq!(changes.tip_changed(&change(&[9, 8], first, true), NOW), []);
    let second = back(&[(2, Fate::Open)], 50);
    let later = Timestamp(9_000);
    assert_eq!(
        changes.tip_changed(&change(&[7, 6], second, true), later),
        []
    );
    assert_eq!(changes.closed(&id(2), Closed::Conflicted), None);
    let news = changes.tip_changed(&change(&[], mined(&[(1, 6)]), false), later);
    let [News::Changed(told)] = &news[..] else {
        panic!("{news:?}");
    };
    assert_eq!((told.at, told.fork, told.undone), (NOW, Height(5), 4));
    assert_eq!(told.rewards_lost, 100);
    let fates = [Fate::Mined(Height(6)), Fate::Closed(Closed::Conflicted)];
    assert_eq!(told.transactions, [(id(1), fates[0]), (id(2), fates[1])]);
    // The next one stands for itself.
    let news = changes.tip_changed(&change(&[12], back(&[(5, Fate::Open)], 0), false), later);
    assert_eq!(news.len(), 1);
    assert_eq!(changes.last().unwrap().transactions, [(id(5), Fate::Open)]);
}

#[test]
fn a_change_without_anything_of_ours_is_logged_and_not_kept_for_the_status() {
    let mut changes = BranchChanges::default();
    let news = changes.tip_changed(&change(&[9], Concern::default(), false), NOW);
    assert!(matches!(&news[..], [News::Changed(_)]));
    assert_eq!(changes.last(), None);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut changes = BranchChanges::default();
    for step in 0..3u64 {
        let ids = (0..200).map(|n| (TransactionId([n; 32]), Fate::Open));
        let ids = ids.map(|(mut id, fate)| {
            id.0[0] = step as u8;
            (id, fate)
        });
        let own = Concern {
            taken_back: ids.collect(),
            ..Concern::default()
        };
        changes.tip_changed(&change(&[9 - step], own, step < 2), NOW);
    }
    let last = changes.last().unwrap();
    assert_eq!(last.transactions.len(), MAX_NAMED);
    assert_eq!(last.and_more, 600 - MAX_NAMED as u64);
}
