//! A copy of the database.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the database is to be copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRequest {
    /// A directory that is not there yet, as a whole path.
    pub dir: PathBuf,
}

/// The database was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointView {
    /// Where it is.
    pub dir: PathBuf,
}
