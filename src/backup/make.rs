//! Making a backup.

use super::manifest::{self, CheckError, Manifest, TipEntry};
use super::{DATABASE, MANIFEST_VERSION, WALLET};
use crate::chain::Timestamp;
use crate::chain::rows::{RowKey, StateView};
use crate::keys::{WalletFile, WalletFileError, read_private};
use crate::store::chain_rows::{ChainRows, stored_genesis};
use crate::store::{Disk, DiskError, OpenOptions, RocksDisk, Role, SCHEMA_VERSION, belongs_to};
use crate::whole_file::{self, WholeFile};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Mode of the directories that are made.
const OWNER_ONLY: u32 = 0o700;

/// The file in a data directory that says when the last backup was made.
const LAST: &str = "last-backup.json";

/// What the names of backups that are made by themselves begin with.
const BY_ITSELF: &str = "backup-";

/// Room that is left on a disk beside what is copied: logs and the chain go on growing meanwhile.
const SPARE_BYTES: u64 = 64 << 20;

/// Most bytes of a wallet file, several times what one has.
pub(super) const WALLET_BYTES: usize = 64 << 10;

/// What is to be backed up, and where to.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The directory to make.
    pub dir: &'a Path,
    /// That of the node.
    pub data_dir: &'a Path,
    /// What the node is.
    pub role: Role,
    /// Where it is reached: as long as something answers there, nothing is restored.
    pub reached_at: Vec<String>,
    /// The wallet file, if it is to be in it.
    pub wallet: Option<&'a Path>,
    /// What time it is.
    pub now: Timestamp,
}

/// Why there is no backup. Nothing of it is left, but for [`BackupError::NotNoted`].
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something at its place.
    #[error("{} is there and not empty: name a directory that is not there yet", .0.display())]
    NotEmpty(PathBuf),
    /// It would be lost with what it is of.
    #[error(
        "{} is inside the data directory, and would be lost with it: name a place elsewhere, on another \
         disk if there is one", .0.display()
    )]
    Inside(PathBuf),
    /// There is no room.
    #[error(
        "there is no room for a backup at {}: {} MB are needed and {} MB are free; make room, or name \
         another disk", place.display(), needed >> 20, free >> 20
    )]
    NoRoom {
        /// Where.
        place: PathBuf,
        /// How many bytes.
        needed: u64,
        /// How many there are.
        free: u64,
    },
    /// A file can't be written or read.
    #[error("{} can't be written: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The wallet can't be read.
    #[error(transparent)]
    Wallet(#[from] WalletFileError),
    /// The database, or the copy of it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Whoever was asked to copy the database did not.
    #[error("{0}")]
    NotCopied(String),
    /// It is there, and when the last one was made could not be written down: on the disk of the data directory.
    #[error(
        "the backup at {} is whole, but {} can't be written, so the node does not know of it: {source}",
        dir.display(), path.display()
    )]
    NotNoted {
        /// The backup.
        dir: PathBuf,
        /// What could not be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// What was written does not read back.
    #[error("what was written does not read back, so it was removed again: {0}")]
    NotWritten(#[from] CheckError),
}

/// Removes what is not whole.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // What is left has a name that says that it is not whole.
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Makes a backup; `checkpoint` copies the database into the directory that it is given, which is not there
/// yet.
///
/// # Errors
/// One variant of [`BackupError`] per way to fail.
pub fn make(
    plan: &Plan<'_>,
    checkpoint: impl FnOnce(&Path) -> Result<(), BackupError>,
) -> Result<Manifest, BackupError> {
    let dir = std::path::absolute(plan.dir).map_err(|source| failed(plan.dir, source))?;
    let (Some(above), Some(name)) = (dir.parent(), dir.file_name()) else {
        return Err(BackupError::NotEmpty(dir));
    };
    refuse_what_is_there(&dir)?;
    fs::create_dir_all(above).map_err(|source| failed(above, source))?;
    refuse_inside(above, plan.data_dir, &dir)?;
    check_room(above, plan.data_dir)?;
    let unfinished = above.join(format!(".{}.part", name.to_string_lossy()));
    // Of a backup that was killed.
    let _ = fs::remove_dir_all(&unfinished);
    let mut guard = Unfinished(Some(unfinished.clone()));
    make_dir(&unfinished)?;
    checkpoint(&unfinished.join(DATABASE))?;
    let manifest = seal(plan, &unfinished).map_err(|error| match error {
        BackupError::Disk(error) => BackupError::Disk(error.of_copy()),
        other => other,
    })?;
    manifest::check(&unfinished)?;
    refuse_what_is_there(&dir)?;
    fs::rename(&unfinished, &dir).map_err(|source| failed(&dir, source))?;
    guard.0 = None;
    sync_dir(above)?;
    note(plan, &dir)?;
    Ok(manifest)
}

fn failed(path: &Path, source: io::Error) -> BackupError {
    let path = path.to_owned();
    BackupError::Io { path, source }
}

fn refuse_what_is_there(dir: &Path) -> Result<(), BackupError> {
    let is_there = fs::symlink_metadata(dir).is_ok();
    let is_empty = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if is_there && !is_empty() {
        return Err(BackupError::NotEmpty(dir.to_owned()));
    }
    Ok(())
}

fn refuse_inside(above: &Path, data_dir: &Path, dir: &Path) -> Result<(), BackupError> {
    let real = |path: &Path| path.canonicalize().map_err(|source| failed(path, source));
    if real(above)?.starts_with(real(data_dir)?) {
        return Err(BackupError::Inside(dir.to_owned()));
    }
    Ok(())
}

/// Within one file system most of a checkpoint is links, which take no room; on another it is all copied.
fn check_room(above: &Path, data_dir: &Path) -> Result<(), BackupError> {
    let database = data_dir.join(DATABASE);
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev());
    let (here, there) = (device(&database), device(above));
    let needed = match (here, there) {
        (Ok(here), Ok(there)) if here == there => SPARE_BYTES,
        _ => size_of(&database).unwrap_or(0) + SPARE_BYTES,
    };
    match free_bytes(above) {
        Some(free) if free < needed => Err(BackupError::NoRoom {
            place: above.to_owned(),
            needed,
            free,
        }),
        _ => Ok(()),
    }
}

/// Bytes that this user may still write at `path`; `None` if the system does not say.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

fn size_of(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        // One that is gone meanwhile takes no room.
        bytes += entry?.metadata().map_or(0, |meta| meta.len());
    }
    Ok(bytes)
}

pub(super) fn make_dir(path: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().mode(OWNER_ONLY).create(path);
    made.map_err(|source| failed(path, source))
}

pub(super) fn sync_dir(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(path).and_then(|dir| dir.sync_all());
    synced.map_err(|source| failed(path, source))
}

/// Reads from the copy what it is of, and writes down what it consists of.
fn seal(plan: &Plan<'_>, dir: &Path) -> Result<Manifest, BackupError> {
    let database = dir.join(DATABASE);
    let mut manifest = read(plan, &database)?;
    if let Some(wallet) = plan.wallet {
        // What is no wallet would be noticed on the day when it is needed.
        WalletFile::new(wallet).read()?;
        let copy = dir.join(WALLET);
        let changed = |_| failed(wallet, io::Error::other("it was changed meanwhile"));
        let bytes = read_private(wallet, WALLET_BYTES).map_err(changed)?;
        manifest::put(&copy, &bytes).map_err(|source| failed(&copy, source))?;
    }
    for path in manifest::files_of(dir).map_err(|source| failed(dir, source))? {
        let file = dir.join(&path);
        let synced = File::open(&file).and_then(|file| file.sync_all());
        synced.map_err(|source| failed(&file, source))?;
        let entry = manifest::entry_of(dir, &path).map_err(|source| failed(&file, source))?;
        manifest.files.push(entry);
    }
    manifest::write(dir, &manifest).map_err(|source| failed(dir, source))?;
    sync_dir(&database)?;
    sync_dir(dir)?;
    Ok(manifest)
}

/// Opens the copy, which shows that it can be, and looks at what is in it.
fn read(plan: &Plan<'_>, database: &Path) -> Result<Manifest, BackupError> {
    let corrupt = |reason: String| DiskError::Corrupt {
        path: database.to_owned(),
        reason,
    };
    let disk = RocksDisk::open(database, &OpenOptions::new(plan.role))?;
    let genesis = stored_genesis(&disk).map_err(|error| corrupt(error.to_string()))?;
    let rows = ChainRows(&disk);
    let tip = rows
        .named(&RowKey::Tip)
        .and_then(|tip| match tip {
            Some(id) => Ok(rows.header(&id)?.map(|entry| TipEntry {
                height: entry.header.height,
                id,
            })),
            None => Ok(None),
        })
        .map_err(|error| corrupt(error.to_string()))?;
    let manifest = Manifest {
        raclette_backup: MANIFEST_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: SCHEMA_VERSION,
        role: plan.role.name().to_owned(),
        made_at: plan.now,
        key: belongs_to(&disk)?.map(|key| key.to_address()),
        network: genesis.as_ref().map(|genesis| genesis.id()),
        tracker: genesis.map(|genesis| genesis.content.tracker.to_address()),
        tip,
        reached_at: plan.reached_at.clone(),
        wallet: plan.wallet.is_some(),
        files: Vec::new(),
    };
    disk.flush()?;
    Ok(manifest)
}

/// When the last backup was made, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// When.
    #[serde(rename = "made_at_ms")]
    pub made_at: Timestamp,
    /// Where to.
    pub dir: PathBuf,
}

fn note(plan: &Plan<'_>, dir: &Path) -> Result<(), BackupError> {
    let path = plan.data_dir.join(LAST);
    let last = LastBackup {
        made_at: plan.now,
        dir: dir.to_owned(),
    };
    let write = || {
        let mut file = WholeFile::begin(&path, whole_file::AS_USUAL)?;
        serde_json::to_writer(&mut file, &last)?;
        file.replace()
    };
    write().map_err(|source| BackupError::NotNoted {
        dir: dir.to_owned(),
        path,
        source,
    })
}

/// The last backup of a data directory, if there was one.
pub fn last(data_dir: &Path) -> Option<LastBackup> {
    let text = fs::read(data_dir.join(LAST)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Removes the oldest backups that were made by themselves beside `newest`, all but `keep`. One that is named
/// after a later moment was made while the clock was wrong, and goes first.
///
/// # Errors
/// [`BackupError::Io`].
pub fn prune(newest: &Path, keep: usize) -> Result<(), BackupError> {
    let dir = newest.parent().unwrap_or(Path::new("."));
    let mut made = Vec::new();
    for entry in fs::read_dir(dir).map_err(|source| failed(dir, source))? {
        let path = entry.map_err(|source| failed(dir, source))?.path();
        let named = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(BY_ITSELF));
        if named && path.join(manifest::MANIFEST).is_file() {
            made.push(path);
        }
    }
    // Named after their moment, so that names stand in the order of time.
    made.sort_by_key(|path| (path.file_name() <= newest.file_name(), path.clone()));
    let old = made.len().saturating_sub(keep);
    for path in made.into_iter().take(old) {
        fs::remove_dir_all(&path).map_err(|source| failed(&path, source))?;
    }
    Ok(())
}
