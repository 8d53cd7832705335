//! Restoring from a backup: a new life of an old state.

use super::make::{WALLET_BYTES, free_bytes};
use super::manifest::{self, CheckError, Manifest};
use super::{DATABASE, WALLET};
use crate::chain::Internal;
use crate::keys::{PublicKey, Stored, WalletFile, WalletFileError, read_private};
use crate::protocol::delivery::rows::hold_unsent;
use crate::protocol::registry;
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use crate::store::{
    Disk, DiskError, OpenOptions, RocksDisk, Role, RowChange, SCHEMA_VERSION, Table,
    begin_incarnation, rows_from,
};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The database until all of it is there.
const UNFINISHED: &str = "db.part";

/// Mode of the directories that are made.
const OWNER_ONLY: u32 = 0o700;

/// Rows read at a time.
const PAGE: usize = 1_000;

/// Where a backup goes.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The data directory.
    pub data_dir: &'a Path,
    /// The wallet file.
    pub wallet: &'a Path,
    /// What the node is.
    pub role: Role,
    /// The key of the tracker that the settings name, if they do.
    pub tracker: Option<PublicKey>,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// From what.
    pub manifest: Manifest,
    /// Sends that are held back until their owner says what is to become of them.
    pub held: usize,
    /// Whether the wallet was restored, too.
    pub wallet: bool,
}

/// Why nothing was restored. Nothing was changed, but for a wallet that came from the backup.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup.
    #[error(transparent)]
    Backup(#[from] CheckError),
    /// It is of another kind of node.
    #[error("the backup is of a {found}, and these are the settings of a {wanted}")]
    Role {
        /// What it is of.
        found: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// Its database is of another schema.
    #[error(
        "the backup was made by version {program}, whose database has schema version {found}; this program \
         works with schema version {SCHEMA_VERSION}: restore it with that version"
    )]
    Schema {
        /// The schema of its database.
        found: u32,
        /// The version of the program that made it.
        program: String,
    },
    /// There is a database already.
    #[error(
        "there is a database in {} already, and it is not replaced: move that directory away, or name \
         another \"data_dir\" in the settings", .0.display()
    )]
    Used(PathBuf),
    /// It is of another network.
    #[error(
        "the backup is of another network: its tracker has the key {found}, and the settings say {wanted}"
    )]
    Network {
        /// The key of its network's tracker.
        found: String,
        /// The key in the settings.
        wanted: String,
    },
    /// The wallet there is another's.
    #[error(
        "the backup belongs to {wanted}, and the wallet {} is that of {found}: put the right wallet there",
        file.display()
    )]
    OtherWallet {
        /// The wallet file.
        file: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose the backup is.
        wanted: String,
    },
    /// There is no wallet, neither there nor in the backup.
    #[error(
        "the backup belongs to {key} and has no wallet in it, and there is none at {}: bring it back first, \
         from its words with `node wallet restore`", file.display()
    )]
    NoWallet {
        /// Where it should be.
        file: PathBuf,
        /// Whose the backup is.
        key: String,
    },
    /// The wallet can't be read.
    #[error(transparent)]
    Wallet(#[from] WalletFileError),
    /// The node that it was made of still runs, or something does in its place.
    #[error(
        "something answers at {0}, where the node was reached that this backup was made of: two nodes with \
         one wallet would break each other's promises. Stop that one first; if it is another program, say \
         so with --original-gone"
    )]
    Answers(String),
    /// There is no room.
    #[error(
        "there is no room at {}: {} MB are needed and {} MB are free", place.display(), needed >> 20,
        free >> 20
    )]
    NoRoom {
        /// Where.
        place: PathBuf,
        /// How many bytes.
        needed: u64,
        /// How many there are.
        free: u64,
    },
    /// A file can't be written.
    #[error("{} can't be written: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is stored.
    #[error(transparent)]
    Stored(#[from] Internal),
}

/// Restores the backup in `dir`; `answers` tells whether something can be reached at an address.
///
/// Members and trackers remember what the lost node said after the backup was made. So the restored one
/// begins a new incarnation: its registrations get a later number by the tracker's word, what had not left
/// yet waits for its owner, who may have withdrawn it meanwhile, and what had left is sent again as it was,
/// which asks its recipient for the receipt. A tracker gives no number that it may have given before.
///
/// # Errors
/// One variant of [`RestoreError`] per way to fail.
pub fn restore(
    dir: &Path,
    place: &Place<'_>,
    answers: impl Fn(&str) -> bool,
) -> Result<Restored, RestoreError> {
    let manifest = manifest::check(dir)?;
    let database = place.data_dir.join(DATABASE);
    fits(&manifest, place)?;
    if database.exists() {
        return Err(RestoreError::Used(place.data_dir.to_owned()));
    }
    let wallet = missing_wallet(&manifest, place)?;
    if let Some(address) = manifest.reached_at.iter().find(|address| answers(address)) {
        return Err(RestoreError::Answers(address.clone()));
    }
    make_dirs(place.data_dir)?;
    let needed = manifest.files.iter().map(|file| file.bytes).sum();
    if let Some(free) = free_bytes(place.data_dir).filter(|free| *free < needed) {
        return Err(RestoreError::NoRoom {
            place: place.data_dir.to_owned(),
            needed,
            free,
        });
    }
    let unfinished = place.data_dir.join(UNFINISHED);
    // Of a restoring that was cut short.
    let _ = fs::remove_dir_all(&unfinished);
    let filled = fill(dir, &manifest, &unfinished, place.role);
    let held = match filled {
        Ok(held) => held,
        Err(error) => {
            // Its name says that it is not whole.
            let _ = fs::remove_dir_all(&unfinished);
            return Err(error);
        }
    };
    if wallet {
        copy_wallet(dir, place.wallet)?;
    }
    fs::rename(&unfinished, &database).map_err(|source| failed(&database, source))?;
    let synced = File::open(place.data_dir).and_then(|dir| dir.sync_all());
    synced.map_err(|source| failed(place.data_dir, source))?;
    Ok(Restored {
        manifest,
        held,
        wallet,
    })
}

fn failed(path: &Path, source: io::Error) -> RestoreError {
    let path = path.to_owned();
    RestoreError::Io { path, source }
}

fn make_dirs(path: &Path) -> Result<(), RestoreError> {
    let mut builder = DirBuilder::new();
    let made = builder.mode(OWNER_ONLY).recursive(true).create(path);
    made.map_err(|source| failed(path, source))
}

/// Whether a backup is for this program and these settings.
fn fits(manifest: &Manifest, place: &Place<'_>) -> Result<(), RestoreError> {
    if manifest.role != place.role.name() {
        return Err(RestoreError::Role {
            found: manifest.role.clone(),
            wanted: place.role.name(),
        });
    }
    if manifest.schema != SCHEMA_VERSION {
        return Err(RestoreError::Schema {
            found: manifest.schema,
            program: manifest.program.clone(),
        });
    }
    if let (Some(found), Some(wanted)) = (&manifest.tracker, place.tracker)
        && *found != wanted.to_address()
    {
        return Err(RestoreError::Network {
            found: found.clone(),
            wanted: wanted.to_address(),
        });
    }
    Ok(())
}

/// Whether the wallet has to come from the backup: it is not there yet.
fn missing_wallet(manifest: &Manifest, place: &Place<'_>) -> Result<bool, RestoreError> {
    let Some(wanted) = &manifest.key else {
        return Ok(false);
    };
    let key = match WalletFile::new(place.wallet).read() {
        Ok(Stored::Open(secret)) => Some(secret.public_key()),
        Ok(Stored::Locked(locked)) => locked.address().copied(),
        Err(WalletFileError::Missing { .. }) if manifest.wallet => return Ok(true),
        Err(WalletFileError::Missing { .. }) => {
            return Err(RestoreError::NoWallet {
                file: place.wallet.to_owned(),
                key: wanted.clone(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    // A locked wallet that does not say whose it is shows it at the start.
    match key.map(|key| key.to_address()) {
        Some(found) if found != *wanted => Err(RestoreError::OtherWallet {
            file: place.wallet.to_owned(),
            found,
            wanted: wanted.clone(),
        }),
        _ => Ok(false),
    }
}

fn copy_wallet(dir: &Path, to: &Path) -> Result<(), RestoreError> {
    let from = dir.join(WALLET);
    let unreadable = |_| {
        let why = "only its owner may have access to it: chmod 600";
        failed(&from, io::Error::other(why))
    };
    let bytes = read_private(&from, WALLET_BYTES).map_err(unreadable)?;
    if let Some(above) = to.parent() {
        make_dirs(above)?;
    }
    manifest::put(to, &bytes).map_err(|source| failed(to, source))
}

/// Copies the database and begins its new life; how many sends are held back.
fn fill(
    dir: &Path,
    manifest: &Manifest,
    unfinished: &Path,
    role: Role,
) -> Result<usize, RestoreError> {
    make_dirs(unfinished)?;
    let within = Path::new(DATABASE);
    for entry in &manifest.files {
        let Ok(name) = Path::new(&entry.path).strip_prefix(within) else {
            continue;
        };
        let to = unfinished.join(name);
        fs::copy(dir.join(&entry.path), &to).map_err(|source| failed(&to, source))?;
        let synced = File::open(&to).and_then(|file| file.sync_all());
        synced.map_err(|source| failed(&to, source))?;
    }
    let disk = RocksDisk::open(unfinished, &OpenOptions::new(role))?;
    let (table, rows) = match role {
        Role::Peer => {
            let rows = hold_unsent(&DeliveryTable::outbox(&disk), &ChainRows(&disk))?;
            (Table::Outbox, rows)
        }
        Role::Tracker => {
            let rows = rows_from(&disk, Table::Registry, &[], PAGE);
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            (Table::Registry, vec![registry::beyond(&rows)?])
        }
    };
    let held = if role == Role::Peer { rows.len() } else { 0 };
    let mut changes: Vec<_> = rows
        .into_iter()
        .map(|(key, value)| RowChange { table, key, value })
        .collect();
    changes.push(begin_incarnation());
    disk.commit(&changes)?;
    disk.flush()?;
    Ok(held)
}
