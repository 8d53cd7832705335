//! The disk: named tables of rows, changed by synced batches and read from fixed snapshots.
//!
//! [`Disk`] is the seam: the node runs on [`RocksDisk`], tests and simulations on [`MemoryDisk`].
//! What it promises, and everything above relies on:
//! - A commit is all or nothing, and it is on the disk when [`Disk::commit`] returns.
//! - After a power cut or `kill -9` the rows are those after some commit, and no commit that
//!   returned is missing.
//! - A snapshot does not move while commits go on.
//!
//! The disk knows bytes and table names, nothing of blocks or members: what a row means is written
//! down at [`Table`], and encoded and decoded by those who own the meaning.

mod belonging;
pub mod chain_rows;
pub mod delivery_rows;
mod disk;
mod error;
mod incarnation;
mod memory;
mod migration;
mod rocks;
mod schema;
mod scratch;
mod slow;
mod table;
mod tuning;

#[cfg(test)]
mod tests;

pub use belonging::{belongs_to, claim};
pub use disk::{Disk, DiskRead, Row, RowChange, Rows, SCAN_MAX_BYTES, rows_from};
pub use error::DiskError;
pub use incarnation::{begin_incarnation, incarnation};
pub use memory::MemoryDisk;
pub use migration::Migrating;
pub use rocks::{OpenOptions, RocksDisk};
pub use schema::{Role, SCHEMA_VERSION};
pub use scratch::{DiskScratch, SCRATCH};
pub use slow::SlowDisk;
pub use table::{ORDERED_KEY_LEN, Table, ordered_key, read_ordered_key};
