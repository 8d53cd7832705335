//! The composition root.

use crate::settings::{PeerSettings, TrackerSettings};

/// Why a node stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The actors are not wired yet.
    #[error("this build can't run a node")]
    NotWired,
}

/// Runs a peer until it is told to stop.
pub fn run_peer(_: PeerSettings) -> Result<(), RunError> {
    Err(RunError::NotWired)
}

/// Runs a tracker until it is told to stop.
pub fn run_tracker(_: TrackerSettings) -> Result<(), RunError> {
    Err(RunError::NotWired)
}
