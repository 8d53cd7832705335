//! Running a node in the foreground.

use super::failure::Failure;
use crate::node;
use crate::settings::Settings;

/// Runs the node of these settings until it is told to stop.
pub fn run(settings: Settings) -> Result<(), Failure> {
    let ended = match settings {
        Settings::Peer(peer) => node::run_peer(peer),
        Settings::Tracker(tracker) => node::run_tracker(tracker),
    };
    ended.map_err(|error| Failure::No(error.to_string()))
}
