//! The seam between the node and what keeps its rows.

use super::{DiskError, Table};
use std::path::Path;
use std::time::Duration;
use std::vec;

/// Most bytes of keys and values that one [`DiskRead::scan`] answers with, unless its first row
/// alone is larger: a page costs at most the memory of two of the largest blocks, whatever limit
/// the caller names.
pub const SCAN_MAX_BYTES: usize = 4 << 20;

/// A row: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// One row's new value, as part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The table it is in.
    pub table: Table,
    /// Its key, shaped as [`Table`] says.
    pub key: Vec<u8>,
    /// Its new value; `None` removes the row, which need not exist.
    pub value: Option<Vec<u8>>,
}

impl RowChange {
    /// Sets the row at `key` to `value`.
    pub fn put(table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            table,
            key: key.into(),
            value: Some(value.into()),
        }
    }

    /// Removes the row at `key`.
    pub fn remove(table: Table, key: impl Into<Vec<u8>>) -> Self {
        Self {
            table,
            key: key.into(),
            value: None,
        }
    }
}

/// Reading: from the latest commit on, or from a snapshot.
pub trait DiskRead: Send + Sync {
    /// The value at `key`, `None` if there is no such row.
    ///
    /// # Errors
    /// [`DiskError::Corrupt`], [`DiskError::Failed`] and their kin: the node cannot go on.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError>;

    /// Rows in key order from `from` on (`from` included): at most `limit` of them, and at most
    /// [`SCAN_MAX_BYTES`], but always at least one if there is one and `limit` is not 0.
    ///
    /// Fewer rows than `limit` are therefore no sign of the end; only an empty answer is.
    /// [`rows_from`] turns the pages.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError>;
}

/// A disk: what [`DiskRead`] reads, and the one way to change it.
///
/// `&dyn Disk` (from an `Arc<dyn Disk>` too) coerces to `&dyn DiskRead`, so that a reader takes the
/// latest rows or a snapshot alike.
pub trait Disk: DiskRead {
    /// Makes all the changes or none, and returns when they are synced. Of two changes to one row
    /// the later one counts.
    ///
    /// # Errors
    /// [`DiskError::NoSpace`], [`DiskError::Failed`] and their kin. Whether the batch will be there
    /// at the next start is then unknown, and the disk refuses further commits: the node must
    /// promise nothing more and stop.
    fn commit(&self, rows: &[RowChange]) -> Result<(), DiskError>;

    /// How long to wait before the next commit: nothing, but for a simulated disk, which can't take its
    /// time within one.
    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    /// The rows as they are now, held fixed: all reads of one answer come from one snapshot.
    ///
    /// Meant to live as long as one answer: a snapshot held for long keeps replaced rows on disk.
    fn snapshot(&self) -> Box<dyn DiskRead + '_>;

    /// Copies all rows, as they are at one moment during this, into a database in the directory `to`, which
    /// must not be there. Commits go on meanwhile. Files that never change are linked where that is
    /// possible.
    ///
    /// # Errors
    /// [`DiskError::NotAccessible`] if `to` can't be made, and as for reading; nothing is broken by it.
    fn checkpoint(&self, to: &Path) -> Result<(), DiskError>;

    /// Moves what the log holds into table files, so that the next start has nothing to replay.
    /// A matter of speed alone, for an orderly end: commits are synced without it.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    fn flush(&self) -> Result<(), DiskError>;
}

/// All rows of `table` from `from` on, in key order, read `page` at a time (a `page` of 0 counts as
/// 1).
///
/// Every page is read when it is needed: only a snapshot gives rows that all belong to one moment.
/// The iterator ends after an error.
pub fn rows_from<'a>(disk: &'a dyn DiskRead, table: Table, from: &[u8], page: usize) -> Rows<'a> {
    Rows {
        disk,
        table,
        page: page.max(1),
        next: Some(from.to_vec()),
        read: Vec::new().into_iter(),
    }
}

/// The iterator of [`rows_from`].
pub struct Rows<'a> {
    disk: &'a dyn DiskRead,
    table: Table,
    page: usize,
    /// Where the next page starts; `None` once the last one was read.
    next: Option<Vec<u8>>,
    read: vec::IntoIter<Row>,
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, DiskError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.read.next() {
            return Some(Ok(row));
        }
        let from = self.next.take()?;
        match self.disk.scan(self.table, &from, self.page) {
            Ok(rows) => {
                self.next = rows.last().map(|(key, _)| key_after(key));
                self.read = rows.into_iter();
                self.read.next().map(Ok)
            }
            Err(e) => Some(Err(e)),
        }
    }
}

/// The least key greater than `key`.
fn key_after(key: &[u8]) -> Vec<u8> {
    let mut after = Vec::with_capacity(key.len() + 1);
    after.extend_from_slice(key);
    after.push(0);
    after
}

/// What may still go into the answer to a scan.
pub(super) struct ScanBudget {
    rows: usize,
    bytes: usize,
    first: bool,
}

impl ScanBudget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            rows: limit,
            bytes: SCAN_MAX_BYTES,
            first: true,
        }
    }

    /// Whether a row of that size still goes in; if so, it is counted.
    pub(super) fn takes(&mut self, key: &[u8], value: &[u8]) -> bool {
        let size = key.len().saturating_add(value.len());
        if self.rows == 0 || (size > self.bytes && !self.first) {
            return false;
        }
        self.rows -= 1;
        self.bytes = self.bytes.saturating_sub(size);
        self.first = false;
        true
    }
}
