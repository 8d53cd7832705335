//! The database on a real disk: the promises of every disk, and what it does with its files.

use super::{Model, agrees_with_model, apply, batch, contents, pages_are_bounded_in_bytes, steps};
use crate::store::*;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(super) fn open_as(path: &Path, role: Role) -> Result<RocksDisk, DiskError> {
    RocksDisk::open(path, &OpenOptions::new(role))
}

pub(super) fn open(path: &Path) -> Result<RocksDisk, DiskError> {
    open_as(path, Role::Peer)
}

/// `RocksDisk` has no `Debug`, which `unwrap_err` asks for.
pub(super) fn refusal(opened: Result<RocksDisk, DiskError>) -> DiskError {
    opened.err().expect("the database was opened")
}

/// The batch that commit `n` makes: rows in several tables, one of them replaced and one removed by
/// the next, so that the rows after commit `n` are those after no other.
pub(super) fn numbered_batch(n: u64) -> Vec<RowChange> {
    let mut batch = vec![
        RowChange::put(Table::Active, ordered_key(n), n.to_le_bytes()),
        RowChange::put(Table::State, *b"count", n.to_le_bytes()),
        RowChange::put(Table::Open, ordered_key(n), [n.to_le_bytes()[0]; 40]),
    ];
    if let Some(earlier) = n.checked_sub(1) {
        batch.push(RowChange::remove(Table::Open, ordered_key(earlier)));
    }
    batch
}

/// The rows after each number of commits, none included.
pub(super) fn numbered_models(commits: u64) -> Vec<Model> {
    let mut models = vec![Model::new()];
    let mut model = Model::new();
    for n in 0..commits {
        apply(&mut model, &numbered_batch(n));
        models.push(model.clone());
    }
    models
}

pub(super) fn files_ending(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files
}

proptest! {
    // Each case makes a database, which costs dozens of syncs.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rocks_agrees_with_the_model_and_keeps_its_rows(steps in steps(), more in batch()) {
        let dir = TempDir::new().unwrap();
        let disk = open(dir.path()).unwrap();
        let mut model = agrees_with_model(&disk, &steps);
        drop(disk);
        let disk = open(dir.path()).unwrap();
        prop_assert_eq!(&contents(&disk), &model);
        disk.commit(&more).unwrap();
        apply(&mut model, &more);
        drop(disk);
        prop_assert_eq!(contents(&open(dir.path()).unwrap()), model);
    }
}

#[test]
fn rocks_pages_are_bounded_in_bytes() {
    let dir = TempDir::new().unwrap();
    pages_are_bounded_in_bytes(&open(dir.path()).unwrap());
}

/// Memory for so few rows that a handful of commits fills it.
/// Room for a few hundred large rows, of which the filters of all tables take half.
fn open_with_small_memory(path: &Path) -> RocksDisk {
    let options = OpenOptions {
        write_buffer_bytes: 2 << 20,
        ..OpenOptions::new(Role::Peer)
    };
    RocksDisk::open(path, &options).unwrap()
}

fn large_row(n: u64) -> RowChange {
    let value = vec![n.to_le_bytes()[0]; 10_000];
    RowChange::put(Table::Bodies, ordered_key(n), value)
}

#[test]
fn rows_outlive_many_flushes_of_a_small_memory() {
    const COMMITS: u64 = 600;
    let dir = TempDir::new().unwrap();
    let mut model = Model::new();
    let disk = open_with_small_memory(dir.path());
    for n in 0..COMMITS {
        disk.commit(&[large_row(n)]).unwrap();
        apply(&mut model, &[large_row(n)]);
    }
    drop(disk);
    let tables = files_ending(dir.path(), "sst");
    assert!(!tables.is_empty(), "the memory was flushed on the way");
    assert_eq!(contents(&open(dir.path()).unwrap()), model);
}

/// Makes every file that RocksDB will next create for its log one that is always full.
fn fill_the_disk(dir: &Path) -> Vec<PathBuf> {
    let logs = files_ending(dir, "log");
    let newest = logs.last().unwrap().file_stem().unwrap().to_str().unwrap();
    let next = newest.parse::<u64>().unwrap() + 1;
    (next..next + 500)
        .map(|number| dir.join(format!("{number:06}.log")))
        .inspect(|log| std::os::unix::fs::symlink("/dev/full", log).unwrap())
        .collect()
}

#[test]
fn a_full_disk_takes_nothing_more_and_keeps_what_it_confirmed() {
    let dir = TempDir::new().unwrap();
    let disk = open_with_small_memory(dir.path());
    let logs = fill_the_disk(dir.path());
    let mut model = Model::new();
    let error = (0..1_000).find_map(|n| {
        let done = disk.commit(&[large_row(n)]);
        done.inspect(|()| apply(&mut model, &[large_row(n)])).err()
    });
    let error = error.expect("no commit failed");
    let path = dir.path().to_owned();
    assert_eq!(error, DiskError::NoSpace { path });
    assert!(!model.is_empty());

    // There is space again: no matter, until the database is opened again.
    for log in logs {
        // RocksDB has removed some itself.
        let _ = fs::remove_file(log);
    }
    let late = [RowChange::put(Table::Open, *b"late", *b"row")];
    assert_eq!(disk.commit(&late), Err(error));
    drop(disk);
    let disk = open(dir.path()).unwrap();
    assert_eq!(contents(&disk), model);
    disk.commit(&late).unwrap();
}

#[test]
fn every_commit_is_synced_once() {
    let dir = TempDir::new().unwrap();
    let options = OpenOptions::new(Role::Peer);
    let mut database = tuning::database_options(&options);
    database.enable_statistics();
    let disk = RocksDisk::open_by(dir.path(), &options, &database, (&[], &mut |_| ())).unwrap();
    let syncs = || database.get_ticker_count(rocksdb::statistics::Ticker::WalFileSynced);
    let before = syncs();
    for n in 0..10 {
        disk.commit(&numbered_batch(n)).unwrap();
        assert_eq!(syncs() - before, n + 1);
    }
}

/// An hour of backups every minute had opened forty more files.
#[test]
fn backups_leave_no_files_behind_and_have_every_row() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("db");
    let disk = open(&database).unwrap();
    disk.commit(&numbered_batch(0)).unwrap();
    disk.flush().unwrap();
    let before = files_ending(&database, "sst");
    for n in 1..20 {
        disk.commit(&numbered_batch(n)).unwrap();
        let copy = dir.path().join(format!("copy-{n}"));
        disk.checkpoint(&copy).unwrap();
        let copy = open(&copy).unwrap();
        assert_eq!(contents(&copy), contents(&disk), "after {n} commits");
    }
    assert_eq!(files_ending(&database, "sst"), before);
}

/// Each stop leaves a file of each table that changed; those of growing keys are never merged by themselves.
#[test]
fn the_files_of_a_thousand_stops_are_merged_by_starts() {
    let dir = tempfile::tempdir().unwrap();
    let mut most = 0;
    for round in 0..10 {
        let disk = open(dir.path()).unwrap();
        for n in 0..25 {
            let n = round * 25 + n;
            disk.commit(&numbered_batch(n)).unwrap();
            disk.flush().unwrap();
        }
        most = most.max(files_ending(dir.path(), "sst").len());
    }
    let disk = open(dir.path()).unwrap();
    assert_eq!(contents(&disk), numbered_models(250)[250]);
    assert!(most < 200, "{most} files");
}
