//! Running a node in the foreground.

use super::failure::Failure;
use super::invocation::Invocation;
use crate::node;
use crate::settings::Settings;

/// Runs the node of these settings until it is told to stop; what it says on the terminal can be typed.
pub fn run(settings: Settings, invocation: &Invocation) -> Result<(), Failure> {
    let invocation = invocation.clone();
    let typed = Box::new(move |text: &str| invocation.typed(text));
    let ended = match settings {
        Settings::Peer(peer) => node::run_peer(peer, typed),
        Settings::Tracker(tracker) => node::run_tracker(tracker, typed),
    };
    ended.map_err(|error| Failure::No(error.to_string()))
}
