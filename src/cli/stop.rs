//! Ending a node in order without its terminal.

use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use crate::node;
use crate::owner::answers::{StopRequest, StoppingView};
use crate::settings::Settings;
use std::thread;
use std::time::{Duration, Instant};

/// How long a stop may take: each of its phases has a deadline, and all together end before.
const PATIENCE: Duration = Duration::from_secs(60);
/// After how long it is said that it goes on.
const SAID_AFTER: Duration = Duration::from_secs(3);
/// How often it is looked whether the node has gone.
const LOOK: Duration = Duration::from_millis(50);

/// Has the node stop, and waits until it has let go of everything it kept open.
pub fn stop(settings: &Settings, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let stopping: StoppingView = client.post("/stop", &StopRequest {})?;
    let begun = Instant::now();
    let mut said = false;
    while node::is_running(settings.data_dir()) {
        if begun.elapsed() >= PATIENCE {
            return Err(Failure::No(format!(
                "the node was told to stop, and is not gone after {} s: its log says what it waits \
                 for. Its process is {}",
                PATIENCE.as_secs(),
                stopping.pid
            )));
        }
        if !said && begun.elapsed() >= SAID_AFTER {
            said = true;
            eprintln!("the node is stopping; still waiting (Ctrl-C ends the waiting)");
        }
        thread::sleep(LOOK);
    }
    output.show(&stopping, |_| "The node has stopped.".to_owned())?;
    Ok(())
}
