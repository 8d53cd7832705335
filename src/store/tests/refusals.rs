//! Databases that are refused, and what the refusal says.

use super::contents;
use super::rocks::{files_ending, numbered_batch, numbered_models, open, open_as, refusal};
use crate::canonical;
use crate::store::*;
use std::fs::{self, File, OpenOptions as FileOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::TempDir;

fn set_version(dir: &Path, version: u32) {
    let row = RowChange::put(Table::Meta, *b"schema_version", canonical::encode(&version));
    open(dir).unwrap().commit(&[row]).unwrap();
}

fn families(dir: &Path) -> Vec<String> {
    rocksdb::DB::list_cf(&rocksdb::Options::default(), dir).unwrap()
}

/// Opens a database as it is, past all our checks.
fn raw_open(dir: &Path) -> rocksdb::DB {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    let families = match dir.join("CURRENT").exists() {
        true => families(dir),
        false => vec!["default".to_owned()],
    };
    rocksdb::DB::open_cf(&options, dir, families).unwrap()
}

#[test]
fn another_schema_version_is_refused_by_both_numbers() {
    for found in [SCHEMA_VERSION - 1, SCHEMA_VERSION + 41] {
        let dir = TempDir::new().unwrap();
        set_version(dir.path(), found);
        let error = refusal(open(dir.path()));
        let expected = DiskError::SchemaVersion {
            path: dir.path().to_owned(),
            found,
            supported: SCHEMA_VERSION,
        };
        assert_eq!(error, expected);
        let text = error.to_string();
        for part in [
            format!("has schema version {found},"),
            format!("works with schema version {SCHEMA_VERSION};"),
            (if found > SCHEMA_VERSION {
                "newer program"
            } else {
                "older program"
            })
            .to_owned(),
        ] {
            assert!(text.contains(&part), "{part:?} in {text:?}");
        }
    }
}

#[test]
fn another_version_is_refused_by_its_number_whatever_its_tables_and_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    set_version(dir.path(), SCHEMA_VERSION + 1);
    let mut db = raw_open(dir.path());
    db.drop_cf(Table::Members.name()).unwrap();
    db.create_cf("novelty", &rocksdb::Options::default())
        .unwrap();
    drop(db);
    let before = families(dir.path());
    // A tracker that meets it hears of the version as well: the rest may mean something else there.
    for role in [Role::Peer, Role::Tracker] {
        let error = refusal(open_as(dir.path(), role));
        assert!(matches!(error, DiskError::SchemaVersion { .. }), "{error}");
    }
    assert_eq!(families(dir.path()), before);
}

#[test]
fn a_peer_does_not_open_a_trackers_database_nor_the_other_way_round() {
    for (found, wanted) in [(Role::Peer, Role::Tracker), (Role::Tracker, Role::Peer)] {
        let dir = TempDir::new().unwrap();
        drop(open_as(dir.path(), found).unwrap());
        let error = refusal(open_as(dir.path(), wanted));
        let path = dir.path().to_owned();
        assert_eq!(
            error,
            DiskError::WrongRole {
                path,
                found,
                wanted
            }
        );
        let text = error.to_string();
        assert!(
            text.contains(&format!(
                "belongs to a {found}, and this node is a {wanted}"
            )),
            "{text}"
        );
        open_as(dir.path(), found).unwrap();
    }
}

#[test]
fn a_creation_that_was_cut_off_is_finished() {
    for made in 0..=Table::ALL.len() {
        let dir = TempDir::new().unwrap();
        let mut db = raw_open(dir.path());
        for table in &Table::ALL[..made] {
            db.create_cf(table.name(), &rocksdb::Options::default())
                .unwrap();
        }
        drop(db);
        let disk = open(dir.path()).unwrap();
        disk.commit(&numbered_batch(0)).unwrap();
        drop(disk);
        let found = contents(&open(dir.path()).unwrap());
        assert_eq!(found, numbered_models(1)[1]);
    }
}

#[test]
fn a_database_that_no_node_made_is_refused() {
    let rows = TempDir::new().unwrap();
    raw_open(rows.path()).put(b"key", b"value").unwrap();
    let table = TempDir::new().unwrap();
    raw_open(table.path())
        .create_cf("orders", &rocksdb::Options::default())
        .unwrap();
    for dir in [rows, table] {
        let before = families(dir.path());
        let error = refusal(open(dir.path()));
        assert!(matches!(error, DiskError::NotOurs { .. }), "{error}");
        assert_eq!(families(dir.path()), before, "left as it is");
    }
}

#[test]
fn a_lost_table_is_damage() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    raw_open(dir.path()).drop_cf(Table::Undo.name()).unwrap();
    let error = refusal(open(dir.path()));
    assert!(matches!(error, DiskError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("\"undo\" is missing"), "{error}");
}

#[test]
fn damaged_files_are_named_as_damage_and_never_read_as_rows() {
    let dir = TempDir::new().unwrap();
    let disk = open(dir.path()).unwrap();
    let value = vec![7; 20_000];
    disk.commit(&[RowChange::put(Table::Bodies, *b"id", value)])
        .unwrap();
    disk.flush().unwrap();
    drop(disk);

    let table = files_ending(dir.path(), "sst")
        .into_iter()
        .find(|table| fs::metadata(table).unwrap().len() > 20_000)
        .expect("a file with the large row");
    let mut file = FileOptions::new().write(true).open(table).unwrap();
    file.seek(SeekFrom::Start(500)).unwrap();
    file.write_all(&[8]).unwrap();
    drop(file);
    open(dir.path()).expect("its frame is whole");
    let read = open(dir.path()).and_then(|disk| disk.get(Table::Bodies, b"id"));
    assert!(matches!(read, Err(DiskError::Corrupt { .. })), "{read:?}");
    let read = open(dir.path()).and_then(|disk| disk.scan(Table::Bodies, &[], 10));
    assert!(matches!(read, Err(DiskError::Corrupt { .. })), "{read:?}");

    fs::write(dir.path().join("CURRENT"), "rubbish").unwrap();
    let error = refusal(open(dir.path()));
    assert!(matches!(error, DiskError::Corrupt { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("is damaged") && text.contains("CURRENT"),
        "{text}"
    );
}

#[test]
fn a_path_that_cannot_be_a_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    File::create(&file).unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = refusal(open(&path));
        assert!(matches!(error, DiskError::NotAccessible { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()));
    }
}

#[test]
fn what_rocksdb_says_becomes_a_plain_error() {
    let path = Path::new("d");
    let error = |text: &str| DiskError::from_rocks(path, text);
    let owned = || path.to_owned();
    for text in [
        "IO error: While lock file: d/LOCK: Resource temporarily unavailable",
        "IO error: lock hold by current process, acquire time 1 acquiring thread 2: d/LOCK: No \
         locks available",
    ] {
        assert_eq!(error(text), DiskError::InUse { path: owned() });
    }
    for text in [
        "IO error: No space left on device: While appending to file: d/000004.log: No space left \
         on device",
        "IO error: While fdatasync: d/000004.log: Disk quota exceeded",
    ] {
        assert_eq!(error(text), DiskError::NoSpace { path: owned() });
    }
    let text = "IO error: While open a file for appending: d/000004.log: Permission denied";
    assert!(matches!(error(text), DiskError::NotAccessible { .. }));
    let text = "Corruption: block checksum mismatch: stored = 1, computed = 2";
    assert!(matches!(error(text), DiskError::Corrupt { .. }));
    let text =
        "IO error: While open a file for random read: d/000009.sst: No such file or directory";
    assert!(matches!(error(text), DiskError::Corrupt { .. }));
    let text = "IO error: While fdatasync: d/000004.log: Input/output error";
    let failed = error(text);
    assert!(failed.to_string().contains("Input/output error"));
    assert!(matches!(failed, DiskError::Failed { .. }));
}
