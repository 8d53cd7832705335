//! Copies of the database, and backups.

use super::rfc3339;
use crate::chain::{Height, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

/// Where the database is to be copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRequest {
    /// A directory that is not there yet, as a whole path.
    #[schema(value_type = String)]
    pub dir: PathBuf,
}

/// The database was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckpointView {
    /// Where it is.
    #[schema(value_type = String)]
    pub dir: PathBuf,
}

/// A backup to be made: of all that the node keeps, but the wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// The directory to make, as a whole path; one of its own at the place that the settings name for backups if
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub dir: Option<PathBuf>,
}

/// A backup that was made, and read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupView {
    /// Where it is.
    #[schema(value_type = String)]
    pub dir: PathBuf,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub made_at: Timestamp,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// As of the block at this height; `None` where there is no chain.
    pub height: Option<Height>,
}
