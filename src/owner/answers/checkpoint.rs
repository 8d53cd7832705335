//! A copy of the database.

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
