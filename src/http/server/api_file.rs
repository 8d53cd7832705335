//! The file by which commands find the API of a running node.

use crate::whole_file::{OWNER_ONLY, WholeFile};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Its name, within the data directory.
pub const API_FILE: &str = "api.json";

/// The file has about 150 bytes; reading stops here, whatever is found in its place.
const MAX_LEN: u64 = 4 * 1024;

/// Where the API of a running node is, and what opens it: `{"address", "token", "pid"}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiFile {
    /// Where it listens.
    pub address: SocketAddr,
    /// What every request must carry: 32 random bytes in hexadecimal, drawn at each start.
    pub token: String,
    /// The process, for people who look for it.
    pub pid: u32,
}

/// Why the file can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ApiFileError {
    /// There is none: the node does not run.
    #[error("there is no {}", path.display())]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// It can't be read, or holds something else.
    #[error("{} can't be read: {reason}", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// The reason, in words for the owner.
        reason: String,
    },
    /// It can't be written or removed.
    #[error(
        "{} can't be written: {source}; it must stand in a directory that the user who runs the \
         node may write", path.display()
    )]
    Unwritable {
        /// Path of the file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl ApiFile {
    /// Where it is for a data directory.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(API_FILE)
    }

    /// Writes it, in place of what an earlier start may have left. It is never seen half written,
    /// and never readable by others.
    ///
    /// # Errors
    /// [`ApiFileError::Unwritable`].
    pub fn write(&self, data_dir: &Path) -> Result<(), ApiFileError> {
        let path = Self::path(data_dir);
        let attempt = || -> io::Result<()> {
            let mut file = WholeFile::begin(&path, OWNER_ONLY)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.replace()
        };
        attempt().map_err(|source| ApiFileError::Unwritable { path, source })
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`ApiFileError::Missing`], [`ApiFileError::Unreadable`].
    pub fn read(data_dir: &Path) -> Result<Self, ApiFileError> {
        let path = Self::path(data_dir);
        let attempt = || -> io::Result<Self> {
            let mut bytes = Vec::new();
            File::open(&path)?.take(MAX_LEN).read_to_end(&mut bytes)?;
            Ok(serde_json::from_slice(&bytes)?)
        };
        attempt().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ApiFileError::Missing { path: path.clone() },
            _ => ApiFileError::Unreadable {
                path: path.clone(),
                reason: error.to_string(),
            },
        })
    }

    /// Removes it: the node stops.
    ///
    /// # Errors
    /// [`ApiFileError::Unwritable`].
    pub fn remove(data_dir: &Path) -> Result<(), ApiFileError> {
        let path = Self::path(data_dir);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ApiFileError::Unwritable { path, source })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn api_file(token: &str) -> ApiFile {
        ApiFile {
            address: "127.0.0.1:4000".parse().unwrap(),
            token: token.to_owned(),
            pid: 7,
        }
    }

    #[test]
    fn it_is_read_back_replaced_and_removed_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            ApiFile::read(dir.path()),
            Err(ApiFileError::Missing { .. })
        ));
        // What a start that was cut off may leave behind is in nobody's way.
        fs::write(dir.path().join(".api.json.xyz.new"), "half").unwrap();
        for token in ["first", "second"] {
            api_file(token).write(dir.path()).unwrap();
            assert!(ApiFile::read(dir.path()).unwrap() == api_file(token));
            let mode = fs::metadata(ApiFile::path(dir.path()))
                .unwrap()
                .permissions();
            assert_eq!(mode.mode() & 0o777, OWNER_ONLY);
        }
        ApiFile::remove(dir.path()).unwrap();
        ApiFile::remove(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn something_else_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(ApiFile::path(dir.path()), "{\"address\": 1}").unwrap();
        assert!(matches!(
            ApiFile::read(dir.path()),
            Err(ApiFileError::Unreadable { .. })
        ));
    }
}
