//! What can go wrong with a disk.

use super::Role;
use std::path::{Path, PathBuf};
use std::{cmp::Ordering, io};

/// Why the disk could not be opened, read or written. Each text says what happened and what to do.
///
/// None of these is another member's fault and none goes away by trying again: a running node
/// stops, and starts again from its last synced commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// Another process (or another part of this one) has the database open.
    #[error(
        "the data directory {} is in use by another running node; stop that one first, or give \
         this node a data directory of its own", path.display()
    )]
    InUse {
        /// The database's directory.
        path: PathBuf,
    },
    /// The directory cannot be made, read or written.
    #[error(
        "the data directory {} cannot be used ({reason}); it must be a directory that the user who \
         runs the node may read and write", path.display()
    )]
    NotAccessible {
        /// The database's directory.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// No space, or no quota, is left.
    #[error(
        "the disk that holds {} is full; make room there and start the node again, everything it \
         confirmed is kept", path.display()
    )]
    NoSpace {
        /// The database's directory.
        path: PathBuf,
    },
    /// The disk that a copy of the database was written to filled up: the database itself is as it was.
    #[error(
        "the disk that holds {} filled up while the copy of the database was written; make room there, or \
         name another disk", path.display()
    )]
    NoSpaceForCopy {
        /// Where the copy was to be.
        path: PathBuf,
    },
    /// The files are there but not what was written.
    #[error(
        "the database in {} is damaged ({reason}); put back a copy of it, or move it away and start \
         again: a peer then fetches the chain anew from the other members", path.display()
    )]
    Corrupt {
        /// The database's directory.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The rows are laid out as another version of the program lays them out.
    #[error(
        "the database in {} has schema version {found}, this program works with schema version \
         {supported}; {}", path.display(), schema_advice(*found, *supported)
    )]
    SchemaVersion {
        /// The database's directory.
        path: PathBuf,
        /// The version the database was written with.
        found: u32,
        /// The one version this program works with.
        supported: u32,
    },
    /// The database is a tracker's and a peer wants it, or the other way round.
    #[error(
        "the database in {} belongs to a {found}, and this node is a {wanted}; give the {wanted} a \
         data directory of its own", path.display()
    )]
    WrongRole {
        /// The database's directory.
        path: PathBuf,
        /// Whose it is.
        found: Role,
        /// Who wanted it.
        wanted: Role,
    },
    /// A RocksDB database that some other program made.
    #[error(
        "{} holds a database that no node made ({reason}); give this node a data directory of its \
         own", path.display()
    )]
    NotOurs {
        /// The database's directory.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// Anything else.
    #[error(
        "the database in {} failed ({reason}); start the node again, it goes on from its last synced \
         block; if that fails too, the newest LOG file in that directory says more", path.display()
    )]
    Failed {
        /// The database's directory.
        path: PathBuf,
        /// What RocksDB said.
        reason: String,
    },
}

impl DiskError {
    /// From an operation on the directory itself.
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskError::NoSpace {
                path: path.to_owned(),
            },
            _ => DiskError::NotAccessible {
                path: path.to_owned(),
                reason: error.to_string(),
            },
        }
    }

    /// Said of a copy of the database, whose own disk nothing need be done about.
    #[must_use]
    pub fn of_copy(self) -> Self {
        match self {
            Self::NoSpace { path } => Self::NoSpaceForCopy { path },
            other => other,
        }
    }

    /// From what RocksDB says, which is text only: `kind: context: path: cause`. The causes are what
    /// the C library says for an error number, in English whatever the user's language, since the
    /// process sets no locale.
    pub(super) fn from_rocks(path: &Path, text: &str) -> Self {
        let path = path.to_owned();
        let reason = text.to_owned();
        let says = |causes: &[&str]| causes.iter().any(|cause| text.contains(cause));
        if says(&["While lock file", "lock hold by current process"]) {
            DiskError::InUse { path }
        } else if says(&["No space left on device", "Disk quota exceeded"]) {
            DiskError::NoSpace { path }
        } else if says(&[
            "Permission denied",
            "Operation not permitted",
            "Read-only file system",
        ]) {
            DiskError::NotAccessible { path, reason }
        } else if text.starts_with("Corruption") || says(&["No such file or directory"]) {
            DiskError::Corrupt { path, reason }
        } else {
            DiskError::Failed { path, reason }
        }
    }
}

fn schema_advice(found: u32, supported: u32) -> &'static str {
    match found.cmp(&supported) {
        Ordering::Greater => {
            "start it with the newer program that wrote it, or give this one another data directory"
        }
        _ => {
            "start it with the older program that wrote it, or move the directory away and start \
             again: a peer then fetches the chain anew from the other members"
        }
    }
}
