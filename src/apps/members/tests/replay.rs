//! Any records, through reorganisations, come to what is told again from the records alone.

use super::*;
use crate::apps::voting::count_voters;
use crate::chain::params::Admission;
use crate::chain::rows::{RowKey, StateKey};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What members do in the property test.
#[derive(Debug, Clone)]
enum Deed {
    Join(u8, u8, bool),
    Leave(u8),
    Expel(u8, u64),
    Readmit(u8, u64),
    Undo,
    Block,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1..5u8, 0..3u8, any::<bool>()).prop_map(|(who, called, by)| Deed::Join(who, called, by)),
        2 => (1..5u8).prop_map(Deed::Leave),
        2 => (1..5u8, 0..4u64).prop_map(|(who, back)| Deed::Expel(who, back)),
        2 => (1..5u8, 0..4u64).prop_map(|(who, back)| Deed::Readmit(who, back)),
        2 => Just(Deed::Undo),
        1 => Just(Deed::Block),
    ]
}

/// The same, told again from the records alone.
#[derive(Default)]
struct Naive {
    names: BTreeMap<MemberName, PublicKey>,
    members: BTreeSet<PublicKey>,
    void: BTreeMap<PublicKey, Timestamp>,
    expelled: BTreeMap<PublicKey, Timestamp>,
    readmitted: BTreeMap<PublicKey, Timestamp>,
}

impl Naive {
    fn take(&mut self, record: &MembersRecord) -> bool {
        let at = |map: &BTreeMap<PublicKey, Timestamp>, key| map.get(key).copied();
        match record {
            MembersRecord::Join(join) => {
                let key = join.certificate.statement.key;
                let out = at(&self.expelled, &key);
                let fine = (out.is_none() || out < at(&self.readmitted, &key))
                    && at(&self.void, &key).is_none_or(|v| join.certificate.statement.serial > v)
                    && !self.members.contains(&key)
                    && self.names.get(&join.name).is_none_or(|owner| *owner == key);
                if fine {
                    self.names.insert(join.name.clone(), key);
                    self.members.insert(key);
                }
                fine
            }
            MembersRecord::Leave(leave) => {
                let newer = at(&self.void, &leave.key).is_none_or(|v| leave.number > v);
                let fine = newer && self.members.remove(&leave.key);
                if fine {
                    self.void.insert(leave.key, leave.number);
                }
                fine
            }
            MembersRecord::Statement(signed) => {
                let (key, number) = (signed.statement.act.key(), signed.statement.number);
                let out = at(&self.expelled, &key);
                let back = at(&self.readmitted, &key);
                if matches!(signed.statement.act, Act::Expel { .. }) {
                    let fine = out < Some(number) && back <= Some(number);
                    if fine {
                        self.expelled.insert(key, number);
                        let void = at(&self.void, &key).max(Some(number));
                        self.void.extend(void.map(|void| (key, void)));
                        self.members.remove(&key);
                    }
                    fine
                } else {
                    let fine = out.is_some() && out >= back && out < Some(number);
                    if fine {
                        self.readmitted.insert(key, number);
                    }
                    fine
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_at_every_height_through_reorganisations_equal_a_replay(
        deeds in proptest::collection::vec(deed(), 1..60)
    ) {
        let mut ledger = Ledger::new();
        let many = invitation(&ledger.rules, 1_000, INVITATION);
        let names = ["ann", "ben", "cleo"];
        let mut states = vec![ledger.rows.state()];
        let mut said: Vec<Option<MembersRecord>> = Vec::new();
        for deed in deeds {
            let back = |hours: u64| Timestamp(ledger.time().0.saturating_sub(hours * HOUR) + 1);
            let record = match deed {
                Deed::Undo => {
                    if said.pop().is_some() {
                        states.pop();
                        ledger.undo();
                        prop_assert_eq!(&ledger.rows.state(), states.last().unwrap());
                    }
                    continue;
                }
                Deed::Block => None,
                Deed::Join(who, called, by) => {
                    Some((who, ledger.join(who, names[usize::from(called)], by.then_some(&many))))
                }
                Deed::Leave(who) => Some((who, ledger.leave(who))),
                Deed::Expel(who, ago) => Some((9, ledger.numbered(back(ago), expel(who), ADMIN))),
                Deed::Readmit(who, ago) => {
                    let act = Act::Readmit { key: key(who) };
                    Some((9, ledger.numbered(back(ago), act, ADMIN)))
                }
            };
            let verdicts = ledger.mine(record.clone().into_iter().collect());
            let taken = verdicts.first().is_some_and(Result::is_ok);
            said.push(record.filter(|_| taken).map(|(_, record)| record));
            states.push(ledger.rows.state());
            let mut naive = Naive::default();
            let heights: Vec<_> = (1..=said.len() as u64).map(Height).collect();
            let rows = ledger.rows.state();
            let times = rows.iter().filter_map(|(row, value)| match row {
                RowKey::State(StateKey::Application { key, .. }) if key.starts_with(INTERVALS) => {
                    Some(Interval::read(value))
                }
                _ => None,
            });
            let counted = count_voters(times, Admission::Invite, &heights).unwrap();
            for ((height, record), counted) in (1..).zip(&said).zip(counted) {
                if let Some(record) = record {
                    prop_assert!(naive.take(record), "taken by the ledger alone");
                }
                prop_assert_eq!(counted, naive.members.len() as u64, "at {}", height);
                for who in 1..5 {
                    let there = naive.members.contains(&key(who));
                    prop_assert_eq!(ledger.is_member(who, height), there, "{} at {}", who, height);
                }
            }
        }
    }
}
