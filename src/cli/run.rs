//! Running a node in the foreground.

use super::failure::Failure;
use super::invocation::Invocation;
use crate::node;
use crate::settings::{Settings, environment, settings_with_origin};
use std::path::Path;

/// Runs the node of these settings, which stand in `file`, until it is told to stop; what it says on the
/// terminal can be typed.
pub fn run(settings: Settings, file: &Path, invocation: &Invocation) -> Result<(), Failure> {
    let said = settings_with_origin(file, environment());
    let said = said.map_err(|error| Failure::Misuse(error.to_string()))?;
    let typed = invocation.for_texts();
    let ended = match settings {
        Settings::Peer(peer) => node::run_peer(peer, said, typed),
        Settings::Tracker(tracker) => node::run_tracker(tracker, said, typed),
    };
    ended.map_err(|error| Failure::No(error.to_string()))
}
