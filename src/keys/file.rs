//! The key file: a member's root secret on disk.
//!
//! PKCS#8 version 1 in PEM, as `openssl` and others read it: an Ed25519 private key whose 32 bytes are
//! the root secret. (The public key that `openssl` shows for it is not the member's: the member signs
//! with a key derived from these bytes.)

use super::SecretKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{self, DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

/// A key file has about 120 bytes. Reading stops here, so that a wrong path to something huge or
/// endless does no harm.
const MAX_FILE_LEN: usize = 4096;

/// Permissions of a key file: its owner reads and writes it, nobody else does anything.
const OWNER_ONLY: u32 = 0o600;

/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Names tried for the temporary file: others may be taken by what a crash left over, or by another
/// thread that makes a key file.
const TEMPORARY_NAMES: u32 = 16;

/// A place on disk where a secret key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
}

/// Why a key file was not made or not taken. No variant tells anything of what the file holds.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is a file of this name already; it is never written over.
    #[error(
        "{path} exists already and was left alone: it may hold a member's only key. Name another file, or move this one away"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error(
        "the key file {path} could not be written ({source}): check that its directory exists, is yours, and has room"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such file.
    #[error("there is no key file {path}: check the path, or make a key first")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be opened or read.
    #[error(
        "the key file {path} could not be read ({source}): check the path, and that the file is yours"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error(
        "others may read or change the key file {path} (mode {mode:03o}): run `chmod 600 {path}`, and take a new key if others have had access to this machine"
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a text, no PEM armour, or the bytes inside it are damaged.
    #[error(
        "{path} is not a key file in PEM form (`-----BEGIN PRIVATE KEY-----`), or is damaged: name the right file, or restore it from your copy"
    )]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// A private key, but of another kind.
    #[error(
        "{path} holds a private key of another kind than Ed25519 ({algorithm}): name the file that this program made"
    )]
    WrongAlgorithm {
        /// The file.
        path: PathBuf,
        /// The algorithm's object identifier.
        algorithm: String,
    },
}

impl KeyFile {
    /// The key file at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes `secret` into a new file, for its owner only, and waits until it would survive a power
    /// cut. A file of that name is never replaced, and never seen half written.
    ///
    /// # Errors
    /// [`KeyFileError::Exists`] if there is something of that name, [`KeyFileError::Unwritable`] if
    /// the system refuses.
    pub fn create(&self, secret: &SecretKey) -> Result<(), KeyFileError> {
        let path = || self.path.clone();
        let unwritable = |source| KeyFileError::Unwritable {
            path: path(),
            source,
        };
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let temporary = self
            .write_temporary(directory, pem_of(secret).as_bytes())
            .map_err(unwritable)?;
        // A hard link, since a rename would replace what is there.
        let linked = fs::hard_link(&temporary, &self.path);
        let removed = fs::remove_file(&temporary);
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyFileError::Exists { path: path() })
            }
            linked => linked
                .and(removed)
                .and_then(|()| File::open(directory)?.sync_all())
                .map_err(unwritable),
        }
    }

    /// Writes `bytes` to a new file beside the key file, for its owner only, waits until they are on
    /// disk, and returns where that file is.
    fn write_temporary(&self, directory: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        let name = self
            .path
            .file_name()
            .ok_or(io::ErrorKind::InvalidFilename)?;
        for attempt in 0..TEMPORARY_NAMES {
            let mut temporary = OsString::from(".");
            temporary.push(name);
            temporary.push(format!(".{}-{attempt}.new", std::process::id()));
            let temporary = directory.join(temporary);
            let opened = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(OWNER_ONLY)
                .open(&temporary);
            let mut file = match opened {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            let written = file.write_all(bytes).and_then(|()| file.sync_all());
            if written.is_err() {
                fs::remove_file(&temporary)?;
            }
            return written.map(|()| temporary);
        }
        Err(io::Error::other(
            "too many temporary files are left over there",
        ))
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// [`KeyFileError::Missing`], [`KeyFileError::Unreadable`], [`KeyFileError::Permissions`], [`KeyFileError::NotPem`] or
    /// [`KeyFileError::WrongAlgorithm`], looked for in this order.
    pub fn load(&self) -> Result<SecretKey, KeyFileError> {
        let path = || self.path.clone();
        let unreadable = |source| KeyFileError::Unreadable {
            path: path(),
            source,
        };
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyFileError::Missing { path: path() });
            }
            opened => opened.map_err(unreadable)?,
        };
        // Asked of the open file, so that nobody can exchange it between the look and the reading.
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(KeyFileError::Permissions { path: path(), mode });
        }
        // Full size at once: a buffer that grows leaves copies of the secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_LEN));
        file.take(MAX_FILE_LEN as u64)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| KeyFileError::NotPem { path: path() })?;
        let mut pair = KeypairBytes::from_pkcs8_pem(text).map_err(|error| match error {
            pkcs8::Error::PublicKey(spki::Error::OidUnknown { oid }) => {
                KeyFileError::WrongAlgorithm {
                    path: path(),
                    algorithm: oid.to_string(),
                }
            }
            _ => KeyFileError::NotPem { path: path() },
        })?;
        let secret = SecretKey::from_bytes(pair.secret_key);
        pair.secret_key.zeroize();
        Ok(secret)
    }
}

/// The secret as PKCS#8 version 1: without the public key, which would make it version 2, a form that
/// OpenSSL refuses.
fn pem_of(secret: &SecretKey) -> Zeroizing<String> {
    let mut pair = KeypairBytes {
        secret_key: **secret.root(),
        public_key: None,
    };
    let pem = pair
        .to_pkcs8_pem(LineEnding::LF)
        .expect("32 bytes always have a PKCS#8 form");
    pair.secret_key.zeroize();
    pem
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
