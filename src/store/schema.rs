//! Whose a database is, and which layout of rows it has.

use super::{Disk, DiskError, DiskRead, RowChange, Table};
use crate::canonical;
use std::fmt;
use std::path::Path;

/// The layout of rows that this program reads and writes. It goes up whenever a table, a key or a
/// value changes its shape.
pub const SCHEMA_VERSION: u32 = 12;

/// `Meta` row that holds the schema version as a canonical integer. The one row whose shape never
/// changes, since it says how to read the others.
pub(super) const VERSION_KEY: &[u8] = b"schema_version";
/// `Meta` row that holds the [`Role`]'s name as canonical text.
const ROLE_KEY: &[u8] = b"role";

/// The kind of node a database belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A member of the network, with a copy of the chain.
    Peer,
    /// The meeting place, with the registry.
    Tracker,
}

impl Role {
    /// The name stored in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Peer => "peer",
            Role::Tracker => "tracker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The schema version recorded on `disk`, `None` if there is none.
pub(super) fn recorded_version(disk: &dyn DiskRead, path: &Path) -> Result<Option<u32>, DiskError> {
    let Some(bytes) = disk.get(Table::Meta, VERSION_KEY)? else {
        return Ok(None);
    };
    match canonical::decode(&bytes) {
        Ok(version) => Ok(Some(version)),
        Err(e) => Err(corrupt(path, format!("schema version: {e}"))),
    }
}

/// Refuses another schema version than [`SCHEMA_VERSION`].
pub(super) fn check_version(found: u32, path: &Path) -> Result<(), DiskError> {
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    Err(DiskError::SchemaVersion {
        path: path.to_owned(),
        found,
        supported: SCHEMA_VERSION,
    })
}

/// Refuses a database whose recorded role is not `wanted`.
pub(super) fn check_role(disk: &dyn DiskRead, path: &Path, wanted: Role) -> Result<(), DiskError> {
    let Some(bytes) = disk.get(Table::Meta, ROLE_KEY)? else {
        return Err(corrupt(path, "it does not say whose it is".to_owned()));
    };
    let name: String =
        canonical::decode(&bytes).map_err(|e| corrupt(path, format!("role: {e}")))?;
    match [Role::Peer, Role::Tracker]
        .into_iter()
        .find(|role| role.name() == name)
    {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(DiskError::WrongRole {
            path: path.to_owned(),
            found,
            wanted,
        }),
        None => Err(corrupt(path, format!("unknown role {name:?}"))),
    }
}

/// Records this program's schema version and `role` on a new disk, in one commit.
pub(super) fn record(disk: &dyn Disk, role: Role) -> Result<(), DiskError> {
    disk.commit(&[
        RowChange::put(Table::Meta, VERSION_KEY, canonical::encode(&SCHEMA_VERSION)),
        RowChange::put(Table::Meta, ROLE_KEY, canonical::encode(role.name())),
    ])
}

fn corrupt(path: &Path, reason: String) -> DiskError {
    DiskError::Corrupt {
        path: path.to_owned(),
        reason,
    }
}
