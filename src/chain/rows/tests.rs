use super::*;
use crate::chain::testing::MemoryView;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What is done to a draft, on one of a few accounts.
#[derive(Debug, Clone)]
enum Doing {
    LookUp(u8),
    Set(u8, u64),
    Put(u8, u64),
    /// More of it on top, which is then taken over or dropped.
    OnTop(Vec<Doing>, bool),
}

fn doing() -> impl Strategy<Value = Doing> {
    let owner = 0..6u8;
    let one = prop_oneof![
        owner.clone().prop_map(Doing::LookUp),
        (owner.clone(), 0..4u64).prop_map(|(owner, coins)| Doing::Set(owner, coins)),
        (owner, 0..4u64).prop_map(|(owner, coins)| Doing::Put(owner, coins)),
    ];
    one.prop_recursive(3, 40, 12, |inner| {
        (prop::collection::vec(inner, 0..12), any::<bool>())
            .prop_map(|(doings, kept)| Doing::OnTop(doings, kept))
    })
}

fn owner(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

/// Does the same to the draft and to a map of all accounts, and compares them on the way.
fn run(draft: &mut Draft<'_>, model: &mut BTreeMap<u8, u64>, doings: &[Doing]) {
    for doing in doings {
        match doing {
            Doing::LookUp(number) => {
                let (_, coins) = draft.account(owner(*number)).unwrap();
                assert_eq!(coins.0, model[number]);
            }
            Doing::Set(number, coins) => {
                let (account, _) = draft.account(owner(*number)).unwrap();
                draft.set_coins(account, Amount(*coins));
                model.insert(*number, *coins);
            }
            Doing::Put(number, coins) => {
                draft.set_balance(owner(*number), Amount(*coins));
                model.insert(*number, *coins);
            }
            Doing::OnTop(doings, kept) => {
                let mut above = model.clone();
                let mut attempt = Draft::new(draft);
                run(&mut attempt, &mut above, doings);
                let changes = attempt.into_changes();
                if *kept {
                    draft.absorb(changes);
                    *model = above;
                }
            }
        }
        for (number, coins) in model.iter() {
            assert_eq!(draft.balance(&owner(*number)).unwrap().0, *coins);
        }
    }
}

proptest! {
    /// Whatever is looked up, set and taken over in whatever order: the draft shows it, its rows lead
    /// to it, each once and nothing that was only looked up, and its undo leads back.
    #[test]
    fn a_draft_shows_what_was_done_and_undoes_it(
        start in prop::collection::vec(0..4u64, 6),
        doings in prop::collection::vec(doing(), 0..12),
    ) {
        let mut disk = MemoryView::default();
        let mut first = Draft::new(&disk);
        for (number, coins) in (0..).zip(&start) {
            first.set_balance(owner(number), Amount(*coins));
        }
        let rows = first.into_rows();
        disk.commit(rows);
        let before: BTreeMap<u8, u64> = (0..).zip(start).collect();

        let mut after = before.clone();
        let mut draft = Draft::new(&disk);
        run(&mut draft, &mut after, &doings);
        let undo = draft.undo().unwrap();
        let rows = draft.into_rows();
        let mut names: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), rows.len());
        prop_assert_eq!(undo.0.len(), rows.len());
        for (number, coins) in &after {
            let is_row = names.contains(&RowKey::State(StateKey::Balance(owner(*number))));
            prop_assert!(is_row || *coins == before[number]);
        }
        disk.commit(rows);
        for (number, coins) in &after {
            prop_assert_eq!(disk.balance(&owner(*number)).unwrap().0, *coins);
        }
        let back = undo.0.into_iter();
        disk.commit(back.map(|(key, value)| (RowKey::State(key), value.map(|v| v.into_vec()))).collect());
        for (number, coins) in before {
            prop_assert_eq!(disk.balance(&owner(number)).unwrap().0, coins);
        }
    }

    #[test]
    fn what_is_only_looked_up_is_no_change(numbers in prop::collection::vec(0..6u8, 0..12)) {
        let disk = MemoryView::default();
        let mut draft = Draft::new(&disk);
        for number in numbers {
            draft.account(owner(number)).unwrap();
        }
        prop_assert_eq!(draft.undo().unwrap(), Undo::default());
        prop_assert_eq!(draft.into_rows(), Vec::new());
    }
}
