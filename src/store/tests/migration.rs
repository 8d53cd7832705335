//! A database of an older schema, with steps made for the test.

use super::*;
use crate::canonical;
use crate::store::migration::{Migrating, Page, Step, old_state};
use crate::store::schema::VERSION_KEY;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Rows that a page of the test's step changes.
const PAGE: usize = 10;

/// Pages until the step fails, as if the process was killed there.
static FAILS_AFTER: AtomicU32 = AtomicU32::new(u32::MAX);

/// Adds one to the value of every balance row.
fn add_one(disk: &dyn DiskRead, from: &[u8]) -> Result<Page, DiskError> {
    let left = FAILS_AFTER.load(Ordering::Relaxed);
    if left == 0 {
        return Err(DiskError::Failed {
            path: PathBuf::from("here"),
            reason: "cut short".to_owned(),
        });
    }
    FAILS_AFTER.store(left.saturating_sub(1), Ordering::Relaxed);
    let rows = disk.scan(Table::State, from, PAGE)?;
    let next = rows.last().map(|(key, _)| [key.as_slice(), &[0]].concat());
    let changes = rows.into_iter().map(|(key, mut value)| {
        value[0] += 1;
        RowChange::put(Table::State, key, value)
    });
    Ok((changes.collect(), next))
}

fn steps() -> [Step; 2] {
    let page = add_one;
    [SCHEMA_VERSION - 2, SCHEMA_VERSION - 1].map(|from| Step { from, page })
}

fn open(path: &Path, told: &mut Vec<Migrating>) -> Result<RocksDisk, DiskError> {
    let options = OpenOptions::new(Role::Peer);
    RocksDisk::open_migrating(path, &options, &steps(), &mut |at| told.push(at))
}

fn values(disk: &dyn DiskRead) -> Vec<u8> {
    let rows = rows_from(disk, Table::State, &[], 100);
    rows.map(|row| row.unwrap().1[0]).collect()
}

#[test]
fn an_older_database_is_migrated_behind_a_copy_and_goes_on_where_it_was_cut_short() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("db");
    let old = SCHEMA_VERSION - 2;
    {
        let disk = RocksDisk::open(&path, &OpenOptions::new(Role::Peer)).unwrap();
        let rows = (0..45_u8).map(|n| RowChange::put(Table::State, [n], [7]));
        let mut rows: Vec<_> = rows.collect();
        let version = canonical::encode(&old);
        rows.push(RowChange::put(Table::Meta, VERSION_KEY, version));
        disk.commit(&rows).unwrap();
    }
    // Without steps it is refused, with both versions, and nothing is changed.
    let refused = RocksDisk::open(&path, &OpenOptions::new(Role::Peer)).map(drop);
    let told = refused.unwrap_err().to_string();
    assert!(told.contains(&old.to_string()) && told.contains(&SCHEMA_VERSION.to_string()));
    assert!(!old_state(&path, old).exists());

    FAILS_AFTER.store(3, Ordering::Relaxed);
    let mut told = Vec::new();
    assert!(open(&path, &mut told).is_err());
    assert_eq!(told.len(), 3);
    FAILS_AFTER.store(u32::MAX, Ordering::Relaxed);
    let disk = open(&path, &mut told).unwrap();
    assert_eq!(
        values(&disk),
        vec![9; 45],
        "both steps, each row once in each"
    );
    let last = told.last().unwrap();
    assert_eq!((last.from, last.to), (old, SCHEMA_VERSION));
    drop(disk);
    // It is of this schema now, and opens without a step.
    let disk = RocksDisk::open(&path, &OpenOptions::new(Role::Peer)).unwrap();
    assert_eq!(values(&disk), vec![9; 45]);
    // The old state is there as it was, for the older program.
    let kept = old_state(&path, old);
    let refused = RocksDisk::open(&kept, &OpenOptions::new(Role::Peer)).map(drop);
    assert!(matches!(refused, Err(DiskError::SchemaVersion { found, .. }) if found == old));
}
