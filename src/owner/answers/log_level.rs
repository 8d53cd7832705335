//! What a node tells of itself.

use crate::settings::LogLevel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much a part of the node is to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevelRequest {
    /// Which part; left out, all of them, which go back to what the settings say.
    pub part: Option<String>,
    /// The least weighty event that it still tells.
    pub level: Option<LogLevel>,
    /// For how many milliseconds; left out, until the node stops.
    pub for_ms: Option<u64>,
}

/// It tells so much now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLevelView {
    /// Which part; none if all of them tell what the settings say.
    pub part: Option<String>,
    /// The least weighty event that it tells.
    pub level: Option<LogLevel>,
    /// For how many milliseconds, if not until the node stops.
    pub for_ms: Option<u64>,
}
