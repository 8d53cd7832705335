//! The wallet file: a member's root secret on disk.
//!
//! A private key as `openssl` and others read it, locked by a passphrase or not. (The public key that
//! `openssl` shows for it is not the member's: the member signs with a key derived from these bytes.)

use super::SecretKey;
use super::pem::{self, Lock, PemError, Stored};
use crate::plain_file;
use crate::whole_file::{self, OWNER_ONLY, WholeFile};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A wallet file has 119 bytes, a locked one 362. Reading stops here, so that a wrong path to something huge or
/// endless does no harm.
const MAX_FILE_LEN: usize = 4096;

/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// A place on disk where a secret key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletFile {
    path: PathBuf,
}

/// Why a wallet file was not made or not taken. No variant tells anything of what the file holds.
#[derive(Debug, thiserror::Error)]
pub enum WalletFileError {
    /// There is a file of this name already; it is never written over.
    #[error(
        "{path} exists already and was left alone: it may hold a member's only key. Name another file, or move this one away"
    )]
    Exists {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error(
        "the wallet file {path} could not be written ({source}): check that its directory exists, is yours, and has room"
    )]
    Unwritable {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such file.
    #[error("there is no wallet file {path}: check the path, or make a key first")]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file could not be opened or read.
    #[error(
        "the wallet file {path} could not be read ({source}): check the path, and that the file is yours"
    )]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error(
        "others may read or change the wallet file {path} (mode {mode:03o}): run `chmod 600 {path}`, and take a new key if others have had access to this machine"
    )]
    Permissions {
        /// Path of the file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a text, no PEM armour, or the bytes inside it are damaged.
    #[error(
        "{path} is not a wallet file in PEM form (`-----BEGIN PRIVATE KEY-----`), or is damaged: name the right file, or restore it from your copy"
    )]
    NotPem {
        /// Path of the file.
        path: PathBuf,
    },
    /// A private key, but of another kind.
    #[error(
        "{path} holds a private key of another kind than Ed25519 ({algorithm}): name the file that this program made"
    )]
    WrongAlgorithm {
        /// Path of the file.
        path: PathBuf,
        /// The algorithm's object identifier.
        algorithm: String,
    },
}

impl WalletFile {
    /// The wallet file at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Path of the wallet file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `secret` into a new file, locked or not, for its owner only, and waits until it would survive a power
    /// cut. A file of that name is never replaced, and never seen half written.
    ///
    /// # Errors
    /// [`WalletFileError::Exists`] if there is something of that name, [`WalletFileError::Unwritable`] if
    /// the system refuses.
    pub fn create(
        &self,
        secret: &SecretKey,
        lock: Option<&Lock<'_>>,
    ) -> Result<(), WalletFileError> {
        let file = self.written(secret, lock);
        let created = file.and_then(WholeFile::create);
        created.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => WalletFileError::Exists {
                path: self.path.clone(),
            },
            _ => self.unwritable(error),
        })
    }

    /// All of the new file, which has not got its name yet.
    fn written(&self, secret: &SecretKey, lock: Option<&Lock<'_>>) -> io::Result<WholeFile> {
        let mut file = WholeFile::begin(&self.path, OWNER_ONLY)?;
        file.write_all(text_of(secret, lock).as_bytes())?;
        Ok(file)
    }

    /// Removes what processes that were killed while they wrote this file have left beside it: their secret.
    pub fn sweep(&self) {
        whole_file::sweep(&self.path);
    }

    /// Writes `secret` in place of what the file holds, locked or not, in one step: at any moment there
    /// is the old file or the new one, whole. What was written is read back first.
    ///
    /// # Errors
    /// [`WalletFileError::Missing`] if there is no file yet, [`WalletFileError::Unwritable`] if the
    /// system refuses.
    pub fn replace(
        &self,
        secret: &SecretKey,
        lock: Option<&Lock<'_>>,
    ) -> Result<(), WalletFileError> {
        let unwritable = |source| self.unwritable(source);
        if !self.path.try_exists().map_err(unwritable)? {
            return Err(WalletFileError::Missing {
                path: self.path.clone(),
            });
        }
        let file = self.written(secret, lock).map_err(unwritable)?;
        if !Self::new(file.unfinished()).holds(secret, lock) {
            let reason = io::Error::other("what was written reads differently");
            return Err(unwritable(reason));
        }
        file.replace().map_err(unwritable)
    }

    /// Whether the file holds `secret`, and opens with what it is locked with.
    fn holds(&self, secret: &SecretKey, lock: Option<&Lock<'_>>) -> bool {
        let read = match (self.read(), lock) {
            (Ok(Stored::Open(read)), None) => Some(*read),
            (Ok(Stored::Locked(locked)), Some(lock)) => locked.unlock(lock.passphrase()).ok(),
            _ => None,
        };
        read.is_some_and(|read| *read.root() == *secret.root())
    }

    fn unwritable(&self, source: io::Error) -> WalletFileError {
        WalletFileError::Unwritable {
            path: self.path.clone(),
            source,
        }
    }

    /// Reads what the file holds.
    ///
    /// # Errors
    /// [`WalletFileError::Missing`], [`WalletFileError::Unreadable`], [`WalletFileError::Permissions`], [`WalletFileError::NotPem`] or
    /// [`WalletFileError::WrongAlgorithm`], looked for in this order.
    pub fn read(&self) -> Result<Stored, WalletFileError> {
        let bytes = read_private(&self.path, MAX_FILE_LEN).map_err(|error| self.refused(error))?;
        let path = || self.path.clone();
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| WalletFileError::NotPem { path: path() })?;
        pem::read(text).map_err(|error| match error {
            PemError::NotPem => WalletFileError::NotPem { path: path() },
            PemError::WrongAlgorithm(algorithm) => WalletFileError::WrongAlgorithm {
                path: path(),
                algorithm,
            },
        })
    }

    fn refused(&self, error: PrivateFileError) -> WalletFileError {
        let path = self.path.clone();
        match error {
            PrivateFileError::Missing => WalletFileError::Missing { path },
            PrivateFileError::Unreadable(source) => WalletFileError::Unreadable { path, source },
            PrivateFileError::Permissions(mode) => WalletFileError::Permissions { path, mode },
        }
    }
}

/// Why a file with a secret in it was not read.
#[derive(Debug)]
pub enum PrivateFileError {
    /// It is not there.
    Missing,
    /// The system refuses.
    Unreadable(io::Error),
    /// Others than its owner may read or write it; its permission bits.
    Permissions(u32),
}

/// The first `most` bytes of a file that only its owner may read; in memory that is wiped.
///
/// # Errors
/// One variant of [`PrivateFileError`] per way to fail.
pub fn read_private(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let file = match plain_file::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PrivateFileError::Missing);
        }
        opened => opened.map_err(PrivateFileError::Unreadable)?,
    };
    // Asked of the open file, so that nobody can exchange it between the look and the reading.
    let metadata = file.metadata().map_err(PrivateFileError::Unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(PrivateFileError::Permissions(mode));
    }
    // Full size at once: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    file.take(most as u64)
        .read_to_end(&mut bytes)
        .map_err(PrivateFileError::Unreadable)?;
    Ok(bytes)
}

/// The text of a file.
fn text_of(secret: &SecretKey, lock: Option<&Lock<'_>>) -> Zeroizing<String> {
    match lock {
        None => pem::open_text(secret),
        Some(lock) => pem::locked_text(secret, lock),
    }
}

#[cfg(test)]
mod tests;
