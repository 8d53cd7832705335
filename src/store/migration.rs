//! A database of an older schema becomes one of this program's.
//!
//! First the old state is copied beside the database, where it stays until its owner removes it: who wants
//! to go back to the older program moves it into the database's place. Then one step after the other changes
//! the rows, page by page. A page is one synced batch with the place at which the next begins, so that a
//! migration that was cut short goes on where it ended, and changes no row twice.

use super::schema::VERSION_KEY;
use super::{Disk, DiskError, DiskRead, RowChange, Table};
use crate::canonical;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// `Meta` row that says how far a migration has come: `[schema version, place]`.
const PLACE_KEY: &[u8] = b"migration";

/// What one page of a step changes, and where the next begins; `None` at the end.
pub(super) type Page = (Vec<RowChange>, Option<Vec<u8>>);

/// The way from one schema to the next.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The version that it begins with; it ends with the next.
    pub(super) from: u32,
    /// Some of its changes, from this place on; the first is empty. A few megabytes at most.
    pub(super) page: fn(&dyn DiskRead, &[u8]) -> Result<Page, DiskError>,
}

/// The steps there are. None yet: until the formats are frozen, an older draft is refused in words.
pub(super) const STEPS: &[Step] = &[];

/// How far a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrating {
    /// From which schema version.
    pub from: u32,
    /// To which.
    pub to: u32,
    /// Rows that were changed so far.
    pub rows: u64,
}

/// The steps that lead from one version to another; `None` if they do not.
pub(super) fn way(steps: &[Step], from: u32, to: u32) -> Option<Vec<Step>> {
    let step = |version| steps.iter().find(|step| step.from == version).copied();
    if from >= to {
        return None;
    }
    (from..to).map(step).collect()
}

/// Takes the steps, each from where it was cut short, behind a copy of the old state.
///
/// # Errors
/// As for reading and writing `disk`, and for copying it.
pub(super) fn migrate(
    disk: &dyn Disk,
    path: &Path,
    steps: &[Step],
    tell: &mut dyn FnMut(Migrating),
) -> Result<(), DiskError> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return Ok(());
    };
    let (from, to) = (first.from, last.from + 1);
    keep_old_state(disk, path, from)?;
    let mut rows = 0;
    for step in steps {
        let mut place = place_in(disk, path, step.from)?;
        while let Some(from_here) = place {
            let (mut changes, next) = (step.page)(disk, &from_here)?;
            rows += changes.len() as u64;
            match &next {
                Some(next) => {
                    let row = canonical::encode(&(step.from, serde_bytes::Bytes::new(next)));
                    changes.push(RowChange::put(Table::Meta, PLACE_KEY, row));
                }
                None => {
                    let version = canonical::encode(&(step.from + 1));
                    changes.push(RowChange::put(Table::Meta, VERSION_KEY, version));
                    changes.push(RowChange::remove(Table::Meta, PLACE_KEY));
                }
            }
            disk.commit(&changes)?;
            tell(Migrating { from, to, rows });
            place = next;
        }
    }
    Ok(())
}

/// Where the old state is kept: beside the database.
pub(super) fn old_state(path: &Path, from: u32) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(format!("-schema-{from}"));
    name.into()
}

/// Copies the old state, unless a migration that was cut short did so.
fn keep_old_state(disk: &dyn Disk, path: &Path, from: u32) -> Result<(), DiskError> {
    let kept = old_state(path, from);
    if kept.exists() {
        return Ok(());
    }
    let mut unfinished: OsString = kept.clone().into();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(|e| DiskError::from_io(&unfinished, &e))?;
    }
    disk.checkpoint(&unfinished)?;
    fs::rename(&unfinished, &kept).map_err(|e| DiskError::from_io(&kept, &e))
}

/// Where a step goes on: at its beginning, or where it was cut short.
fn place_in(disk: &dyn DiskRead, path: &Path, from: u32) -> Result<Option<Vec<u8>>, DiskError> {
    let Some(row) = disk.get(Table::Meta, PLACE_KEY)? else {
        return Ok(Some(Vec::new()));
    };
    let place: Result<(u32, serde_bytes::ByteBuf), _> = canonical::decode(&row);
    let (of, place) = place.map_err(|error| DiskError::Corrupt {
        path: path.to_owned(),
        reason: format!("migration: {error}"),
    })?;
    // Another step's row can't be there: each removes its own with its last page.
    Ok(Some(if of == from {
        place.into_vec()
    } else {
        Vec::new()
    }))
}
