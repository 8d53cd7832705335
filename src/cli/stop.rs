//! Ending a node in order without its terminal.

use super::client::Client;
use super::failure::Failure;
use super::looking;
use super::output::Output;
use crate::node;
use crate::owner::answers::{StopRequest, StoppingView};
use crate::settings::Settings;
use std::time::Duration;

/// How long a stop may take: each of its phases has a deadline, and all together end before.
const PATIENCE: Duration = Duration::from_secs(60);
/// After how long it is said that it goes on.
const SAID_AFTER: Duration = Duration::from_secs(3);

/// Has the node stop, and waits until it has let go of everything it kept open.
pub fn stop(settings: &Settings, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let stopping: StoppingView = client.post("/stop", &StopRequest {})?;
    let is_gone = || !node::is_running(settings.data_dir());
    if !looking::until(SAID_AFTER, is_gone) {
        eprintln!("the node is stopping; still waiting (Ctrl-C ends the waiting)");
        if !looking::until(PATIENCE - SAID_AFTER, is_gone) {
            return Err(Failure::No(format!(
                "the node was told to stop, and is not gone after {} s: its log says what it waits \
                 for. Its process is {}",
                PATIENCE.as_secs(),
                stopping.pid
            )));
        }
    }
    output.show(&stopping, |_| "The node has stopped.".to_owned())?;
    Ok(())
}
