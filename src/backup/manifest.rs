//! What a backup is of, and whether its files are what was written.

use super::DATABASE;
use crate::chain::{BlockId, Height, NetworkId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// Version of the form of backups, which each names.
pub const MANIFEST_VERSION: u32 = 1;

/// The file that says what a backup is of.
pub(super) const MANIFEST: &str = "manifest.json";
/// The file with the hash of that one.
const SEAL: &str = "manifest.blake3";

/// Longest manifest that is read: some ten thousand files, far more than a database has.
const MAX_MANIFEST: u64 = 4 << 20;

/// Bytes of a file that are hashed at a time.
const PIECE: usize = 1 << 20;

/// Mode of the files that are written here: a backup is its owner's alone.
const OWNER_ONLY: u32 = 0o600;

/// Where the chain of a backup ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TipEntry {
    /// Height of its last block.
    pub height: Height,
    /// Id of its last block.
    pub id: BlockId,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path within the backup.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// The BLAKE3 hash of its content, in hexadecimal.
    pub blake3: String,
}

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub raclette_backup: u32,
    /// Version of the program that made it.
    pub program: String,
    /// Schema version of the database in it.
    pub schema: u32,
    /// `peer` or `tracker`.
    pub role: String,
    /// When it was made.
    #[serde(rename = "made_at_ms")]
    pub made_at: Timestamp,
    /// Address of the key that it belongs to; none of a node that never had a wallet.
    pub key: Option<String>,
    /// The network; none of a node that was never on one.
    pub network: Option<NetworkId>,
    /// Address of the key of that network's tracker, where the chain says it.
    pub tracker: Option<String>,
    /// Where its chain ends.
    pub tip: Option<TipEntry>,
    /// Where the node was reached that it was made of.
    pub reached_at: Vec<String>,
    /// Whether the wallet is in it.
    pub wallet: bool,
    /// Every other file.
    pub files: Vec<FileEntry>,
}

/// Why a directory can't be restored from.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no manifest.
    #[error(
        "{} is no backup, or was cut short: there is no {MANIFEST} in it", .0.display()
    )]
    NoBackup(PathBuf),
    /// The manifest is not what was written.
    #[error(
        "the backup is damaged: {} is not what was written; take another backup", .0.display()
    )]
    Changed(PathBuf),
    /// A file is gone.
    #[error("the backup is damaged: {} is missing; take another backup", .0.display())]
    Missing(PathBuf),
    /// There is a file that does not belong there.
    #[error("{} was not there when the backup was made: move it away", .0.display())]
    Foreign(PathBuf),
    /// Another form.
    #[error(
        "the backup has form {found}, and this program reads form {MANIFEST_VERSION}: use the program that \
         made it ({program})"
    )]
    Form {
        /// The form that it names.
        found: u32,
        /// The version of the program that made it.
        program: String,
    },
    /// It can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

fn unreadable(path: &Path, source: io::Error) -> CheckError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => CheckError::Missing(path),
        _ => CheckError::Unreadable { path, source },
    }
}

/// What every form of a manifest begins with.
#[derive(Deserialize)]
struct AnyForm {
    raclette_backup: u32,
    program: String,
}

/// Whether every file of the backup in `dir` is there, and what was written; what it is of.
///
/// # Errors
/// One variant of [`CheckError`] per thing that is not so.
pub fn check(dir: &Path) -> Result<Manifest, CheckError> {
    let path = dir.join(MANIFEST);
    if !path.exists() {
        return Err(CheckError::NoBackup(dir.to_owned()));
    }
    let text = short(&path)?;
    let seal = short(&dir.join(SEAL))?;
    if seal != sealed(&text).as_bytes() {
        return Err(CheckError::Changed(path));
    }
    // Sealed, so that what can't be read was written so.
    let any: AnyForm =
        serde_json::from_slice(&text).map_err(|_| CheckError::Changed(path.clone()))?;
    if any.raclette_backup != MANIFEST_VERSION {
        return Err(CheckError::Form {
            found: any.raclette_backup,
            program: any.program,
        });
    }
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|_| CheckError::Changed(path.clone()))?;
    for entry in &manifest.files {
        if !is_within(&entry.path) {
            return Err(CheckError::Changed(path));
        }
        let file = dir.join(&entry.path);
        let is = entry_of(dir, Path::new(&entry.path)).map_err(|error| unreadable(&file, error))?;
        if is != *entry {
            return Err(CheckError::Changed(file));
        }
    }
    let here = files_of(dir).map_err(|error| unreadable(dir, error))?;
    let known = |path: &Path| {
        manifest
            .files
            .iter()
            .any(|one| Path::new(&one.path) == path)
    };
    match here.into_iter().find(|path| !known(path)) {
        Some(foreign) => Err(CheckError::Foreign(dir.join(foreign))),
        None => Ok(manifest),
    }
}

fn short(path: &Path) -> Result<Vec<u8>, CheckError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_MANIFEST).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| unreadable(path, error))
}

/// Whether a path leads nowhere but down.
fn is_within(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn sealed(manifest: &[u8]) -> String {
    format!("{}\n", blake3::hash(manifest).to_hex())
}

/// The files of a backup but those that say what it is of, by path within it.
pub(super) fn files_of(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if name != MANIFEST && name != SEAL && name != DATABASE {
            found.push(PathBuf::from(name));
        }
    }
    for entry in fs::read_dir(dir.join(DATABASE))? {
        found.push(Path::new(DATABASE).join(entry?.file_name()));
    }
    found.sort();
    Ok(found)
}

/// What a file is, by its path within `dir`.
pub(super) fn entry_of(dir: &Path, path: &Path) -> io::Result<FileEntry> {
    let mut file = File::open(dir.join(path))?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece)?;
        let Some(part) = piece.get(..read).filter(|part| !part.is_empty()) else {
            break;
        };
        hasher.update(part);
        bytes += part.len() as u64;
    }
    Ok(FileEntry {
        path: path.display().to_string(),
        bytes,
        blake3: hasher.finalize().to_hex().to_string(),
    })
}

/// Writes the manifest and its seal.
pub(super) fn write(dir: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    put(&dir.join(MANIFEST), &text)?;
    put(&dir.join(SEAL), sealed(&text).as_bytes())
}

/// Writes a new file for its owner alone, and syncs it.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
