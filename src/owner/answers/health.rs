//! Whether a node is of use.

use serde::{Deserialize, Serialize};

/// Whether a node is of use to whoever asks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthView {
    /// Whether it is.
    pub ready: bool,
    /// Why not: `no_network`, `syncing`, `alone` (no peer is connected), `stale` (payments wait, and no block
    /// has come for long), `waiting` (for its wallet).
    pub because: Vec<String>,
}

impl HealthView {
    /// Ready, unless there is a reason why not.
    pub fn because(reasons: &[&str]) -> Self {
        Self {
            ready: reasons.is_empty(),
            because: reasons.iter().map(ToString::to_string).collect(),
        }
    }
}
