//! The chain as a file: written out for people and other programs, and read back in by a node that
//! checks all of it.
//!
//! An archive is a sequence of [`Entry`]s: a head, the genesis block, every block in order, and an
//! end, by which a file that was cut short is told from a whole one. As `jsonl` each entry is a line;
//! as `json` they are the items of one array. [`Entries`] makes them from what is stored, [`Writer`]
//! and [`Reader`] turn them into text and back, [`TableWriter`] into rows for other engines, [`import`] brings
//! them into a database. None of these
//! holds more than one block at a time. [`OfflineLedger`] is what import works with.

mod entry;
mod export;
mod import;
mod offline;
mod read;
mod tables;
#[cfg(test)]
mod tests;
mod write;

pub use entry::{ARCHIVE_VERSION, EndEntry, Entry, HeadEntry};
pub use export::{Entries, archive_of};
pub use import::{ImportError, Imported, import};
pub use offline::{OfflineError, OfflineLedger};
pub use read::{MAX_ENTRY_BYTES, ReadError, Reader};
pub use tables::{TableFormat, TableKind, TableWriter};
pub use write::{Format, Writer, json_line};

use crate::chain::Height;

/// How far an export or an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The last height that was dealt with.
    pub height: Height,
    /// The height it goes to.
    pub of: Height,
}
