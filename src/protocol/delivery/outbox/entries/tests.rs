use super::*;
use crate::chain::awake::AwakeTime;
use crate::chain::{Amount, Timestamp};
use crate::keys::PublicKey;
use crate::protocol::delivery::rows::{End, Reason, Route};
use proptest::prelude::*;

fn facts(id: u8, expires_at: u64) -> SendFacts {
    SendFacts {
        id: TransactionId([id; 32]),
        to: PublicKey([2; 32]),
        amount: Amount(5),
        fee: Amount(1),
        size: 300,
        expires_at: Height(expires_at),
        queued_at: Timestamp(0),
        queued_awake: AwakeTime::default(),
        route: Route::Direct,
        attempted: id.is_multiple_of(2),
        delivered_at: None,
        end: None,
        released: false,
        reason: Reason::default(),
    }
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Nowhere),
        Just(Place::Open),
        (0..20u64).prop_map(|height| Place::Mined(Height(height))),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u64, Place, u64),
    Edit(u64, Place, Option<End>),
    Remove(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        Just(None),
        Just(Some(End::Expired)),
        Just(Some(End::Refused))
    ];
    prop_oneof![
        (0..9u64, place(), 0..20u64).prop_map(|(n, place, last)| Step::Insert(n, place, last)),
        (0..9u64, place(), end).prop_map(|(n, place, end)| Step::Edit(n, place, end)),
        (0..9u64).prop_map(Step::Remove),
    ]
}

proptest! {
    /// Whatever is put in, changed and taken out: what it is looked up by is what follows from the
    /// entries that are there.
    #[test]
    fn what_entries_are_looked_up_by_follows_from_them(
        steps in prop::collection::vec(step(), 0..60),
        tip in 0..200u64,
    ) {
        let mut entries = Entries::default();
        for step in steps {
            match step {
                Step::Insert(number, place, expires_at) => {
                    let facts = facts(number as u8, expires_at);
                    entries.insert(number, Entry::new(facts, place));
                }
                Step::Edit(number, place, end) => {
                    entries.edit(number, |entry| {
                        entry.place = place;
                        entry.facts.end = end;
                    });
                }
                Step::Remove(number) => {
                    entries.remove(number);
                }
            }
        }
        let tip = Height(tip);
        let all = &entries.all;
        prop_assert_eq!(entries.reserved(), all.values().map(Entry::reserved).sum::<u128>());
        prop_assert_eq!(entries.held(), all.values().map(Entry::held).sum::<u128>());
        prop_assert_eq!(entries.by_id.len(), all.len());
        for (number, entry) in all {
            prop_assert_eq!(entries.find(&entry.facts.id).map(|(n, _)| n), Some(*number));
        }
        let lapsed = all.iter().filter(|(_, e)| e.place == Place::Nowhere);
        let lapsed = lapsed.map(|(n, e)| (e.facts.expires_at, *n)).min();
        let lapsed = lapsed.filter(|(last, _)| *last <= tip).map(|(_, n)| n);
        prop_assert_eq!(entries.next_lapsed(tip), lapsed);
        let unsettled = all.iter().filter(|(_, e)| e.place == Place::Nowhere);
        let unsettled: Vec<_> = unsettled.map(|(n, _)| *n).collect();
        let listed: Vec<_> = entries.unsettled_after(None).map(|(n, _)| n).collect();
        prop_assert_eq!(&listed, &unsettled);
        let behind = listed.first().copied();
        let rest = entries.unsettled_after(behind).map(|(n, _)| n);
        prop_assert_eq!(rest.collect::<Vec<_>>(), unsettled.get(1..).unwrap_or_default());
        let settled = all.iter().filter_map(|(n, e)| match e.place {
            Place::Mined(height) => Some((height, *n)),
            Place::Nowhere | Place::Open => None,
        });
        let settled = settled.min().filter(|(height, _)| height.0 + SETTLED_BLOCKS <= tip.0);
        prop_assert_eq!(entries.next_settled(tip), settled.map(|(_, n)| n));
    }
}

#[test]
fn no_more_than_the_bound_are_looked_after_once_they_are_mined() {
    let mut entries = Entries::default();
    for number in 0..=MAX_SETTLING as u64 {
        let mut facts = facts(0, 100);
        facts.id.0[..8].copy_from_slice(&number.to_be_bytes());
        entries.insert(number, Entry::new(facts, Place::Mined(Height(number))));
    }
    assert_eq!(entries.next_settled(Height(0)), Some(0));
    entries.remove(0);
    assert_eq!(entries.next_settled(Height(0)), None);
}
