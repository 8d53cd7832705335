//! What both disks promise, held against the simplest model of it.

mod migration;
mod refusals;
mod restart;
mod rocks;

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// One thing a test does to a disk.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<RowChange>),
    Get(Table, Vec<u8>),
    Scan(Table, Vec<u8>, usize),
    Snapshot,
    Flush,
}

/// Few keys, so that rows are replaced and removed often; among them the empty one, and ones that
/// begin with another.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, 127, 128, 255]), 0..4)
}

fn table() -> impl Strategy<Value = Table> {
    // Not `Meta`: a real disk has rows of its own there.
    prop::sample::select(Table::ALL[1..].to_vec())
}

fn batch() -> impl Strategy<Value = Vec<RowChange>> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    let change =
        (table(), key(), value).prop_map(|(table, key, value)| RowChange { table, key, value });
    prop::collection::vec(change, 0..12)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => batch().prop_map(Step::Commit),
        3 => (table(), key()).prop_map(|(table, key)| Step::Get(table, key)),
        3 => (table(), key(), 0..20_usize).prop_map(|(table, from, n)| Step::Scan(table, from, n)),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Flush),
    ];
    prop::collection::vec(step, 1..40)
}

fn apply(model: &mut Model, batch: &[RowChange]) {
    for row in batch {
        let at = (row.table, row.key.clone());
        match &row.value {
            Some(value) => model.insert(at, value.clone()),
            None => model.remove(&at),
        };
    }
}

fn model_scan(model: &Model, table: Table, from: &[u8], limit: usize) -> Vec<Row> {
    model
        .iter()
        .filter(|((t, key), _)| *t == table && key.as_slice() >= from)
        .take(limit)
        .map(|((_, key), value)| (key.clone(), value.clone()))
        .collect()
}

/// All rows but those of `Meta`.
fn contents(disk: &dyn DiskRead) -> Model {
    let mut all = Model::new();
    for table in &Table::ALL[1..] {
        for row in rows_from(disk, *table, &[], 3) {
            let (key, value) = row.unwrap();
            assert_eq!(all.insert((*table, key), value), None, "a row came twice");
        }
    }
    all
}

/// Does the steps to an empty disk and checks every answer; returns the model at the end.
fn agrees_with_model(disk: &dyn Disk, steps: &[Step]) -> Model {
    let mut model = Model::new();
    let mut snapshots = Vec::new();
    for step in steps {
        match step {
            Step::Commit(batch) => {
                disk.commit(batch).unwrap();
                apply(&mut model, batch);
            }
            Step::Get(table, key) => {
                let expected = model.get(&(*table, key.clone())).cloned();
                assert_eq!(disk.get(*table, key).unwrap(), expected);
            }
            Step::Scan(table, from, limit) => {
                let expected = model_scan(&model, *table, from, *limit);
                assert_eq!(disk.scan(*table, from, *limit).unwrap(), expected);
            }
            Step::Snapshot => snapshots.push((disk.snapshot(), model.clone())),
            Step::Flush => disk.flush().unwrap(),
        }
    }
    for (snapshot, model) in &snapshots {
        assert_eq!(&contents(snapshot.as_ref()), model);
        for table in Table::ALL {
            let key = [0];
            let expected = model.get(&(table, key.to_vec())).cloned();
            assert_eq!(snapshot.get(table, &key).unwrap(), expected);
        }
    }
    assert_eq!(contents(disk), model);
    model
}

/// The byte cap cuts pages, never rows, and [`rows_from`] still gives all of them.
fn pages_are_bounded_in_bytes(disk: &dyn Disk) {
    let third = SCAN_MAX_BYTES / 3;
    let sizes = [third, third, third, 1, 2 * SCAN_MAX_BYTES, 1];
    for (i, size) in (0..).zip(sizes) {
        disk.commit(&[RowChange::put(Table::Bodies, ordered_key(i), vec![7; size])])
            .unwrap();
    }
    let lengths = |from: u64| -> Vec<usize> {
        disk.scan(Table::Bodies, &ordered_key(from), usize::MAX)
            .unwrap()
            .iter()
            .map(|(_, value)| value.len())
            .collect()
    };
    assert_eq!(lengths(0), [third, third], "keys count, too");
    assert_eq!(lengths(2), [third, 1]);
    assert_eq!(lengths(4), [2 * SCAN_MAX_BYTES], "a first row always comes");
    assert_eq!(lengths(5), [1]);
    assert_eq!(lengths(6), [0; 0]);
    let all: Vec<usize> = rows_from(disk, Table::Bodies, &[], usize::MAX)
        .map(|row| row.unwrap().1.len())
        .collect();
    assert_eq!(all, sizes);
}

proptest! {
    #[test]
    fn memory_agrees_with_the_model(steps in steps()) {
        agrees_with_model(&MemoryDisk::new(), &steps);
    }

    #[test]
    fn a_power_cut_leaves_the_synced_batches_and_some_of_the_others(
        synced in prop::collection::vec(batch(), 0..6),
        deferred in prop::collection::vec(batch(), 0..6),
        left in 0..8_usize,
    ) {
        let disk = MemoryDisk::new();
        let mut model = Model::new();
        for batch in &synced {
            disk.commit(batch).unwrap();
            apply(&mut model, batch);
        }
        disk.defer_syncs(true);
        for batch in &deferred {
            disk.commit(batch).unwrap();
        }
        prop_assert_eq!(disk.unsynced(), deferred.len());
        deferred.iter().take(left).for_each(|batch| apply(&mut model, batch));
        disk.power_cut(left);
        prop_assert_eq!(contents(&disk), model);
        prop_assert_eq!(disk.unsynced(), 0);
    }
}

#[test]
fn memory_pages_are_bounded_in_bytes() {
    pages_are_bounded_in_bytes(&MemoryDisk::new());
}

#[test]
fn a_failed_commit_is_in_doubt_until_the_next_start() {
    let full = DiskError::NoSpace { path: "d".into() };
    let first = [RowChange::put(Table::Open, [1], [1])];
    let second = [RowChange::put(Table::Open, [2], [2])];
    for left in [0, 1] {
        let disk = MemoryDisk::new();
        disk.commit(&first).unwrap();
        disk.fail_next(full.clone());
        assert_eq!(disk.commit(&second), Err(full.clone()));
        assert_eq!(disk.commit(&first), Err(full.clone()), "not until a start");
        assert_eq!(disk.flush(), Err(full.clone()));
        assert_eq!(disk.get(Table::Open, &[2]).unwrap(), None);
        disk.power_cut(left);
        assert_eq!(disk.get(Table::Open, &[1]).unwrap(), Some(vec![1]));
        assert_eq!(disk.get(Table::Open, &[2]).unwrap().is_some(), left == 1);
        disk.commit(&second).unwrap();
        assert_eq!(disk.get(Table::Open, &[2]).unwrap(), Some(vec![2]));
    }
}

#[test]
fn a_shared_disk_and_its_snapshot_are_read_alike() {
    fn read(disk: &dyn DiskRead) -> Option<Vec<u8>> {
        disk.get(Table::State, b"k").unwrap()
    }
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
    let before = disk.snapshot();
    disk.commit(&[RowChange::put(Table::State, *b"k", [1])])
        .unwrap();
    assert_eq!(read(before.as_ref()), None);
    assert_eq!(read(disk.as_ref()), Some(vec![1]));
}

/// A disk whose every read fails after the first page.
struct FailsAfterAPage(MemoryDisk);

impl DiskRead for FailsAfterAPage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        self.0.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        match from {
            [] => self.0.scan(table, from, limit),
            _ => Err(DiskError::InUse { path: "d".into() }),
        }
    }
}

#[test]
fn an_error_between_pages_reaches_the_reader_once() {
    let disk = FailsAfterAPage(MemoryDisk::new());
    disk.0
        .commit(&[RowChange::put(Table::Open, [1], [1])])
        .unwrap();
    let rows: Vec<_> = rows_from(&disk, Table::Open, &[], 1).collect();
    assert!(matches!(rows[..], [Ok(_), Err(DiskError::InUse { .. })]));
}
