//! Backups: a copy of what a node keeps, whole or not there, that is checked to the byte before anything is
//! restored from it.
//!
//! A backup is a directory: `db/`, a checkpoint of the database; `wallet.pem`, if it was asked for;
//! `manifest.json`, which says what it is of and names every file with its length and BLAKE3 hash; and
//! `manifest.blake3`, the hash of that. It is made beside its place under another name, read back, and gets
//! its name at the end.
//!
//! A restored node is not the one it was copied from: that one may have gone on since. So it begins another
//! incarnation ([`restore()`]), and breaks no promise that it does not know of.

mod make;
mod manifest;
mod restore;
#[cfg(test)]
mod tests;

pub use make::{BackupError, LastBackup, Plan, last, make, prune};
pub use manifest::{CheckError, FileEntry, MANIFEST_VERSION, Manifest, TipEntry, check};
pub use restore::{Place, RestoreError, Restored, restore};

/// The database in a backup, and in a data directory.
const DATABASE: &str = "db";

/// The wallet in a backup.
const WALLET: &str = "wallet.pem";
