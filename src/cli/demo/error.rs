//! What keeps the demo from going on.

use super::interrupt::Interrupted;
use crate::settings::{EndpointError, SettingsError};
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why the demo ended before its story did.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// What the step says is not so.
    #[error("step \"{step}\" is not true: expected {expected}; found {found}")]
    NotTrue {
        /// Which step.
        step: &'static str,
        /// What should be.
        expected: String,
        /// What is.
        found: String,
    },
    /// A node ended that should run.
    #[error("{name} ended by itself ({status}). The last lines of its log {}:\n{lines}", log.display())]
    Ended {
        /// Which node.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Where all of it stands.
        log: PathBuf,
        /// What it said last.
        lines: String,
    },
    /// A node was asked to stop, and did not, or not with success.
    #[error("{name} was asked to stop, but {problem}. The last lines of its log {}:\n{lines}", log.display())]
    NotStopped {
        /// Which node.
        name: &'static str,
        /// What happened instead.
        problem: String,
        /// Where all of it stands.
        log: PathBuf,
        /// What it said last.
        lines: String,
    },
    /// Somebody wants the demo to end.
    #[error("interrupted")]
    Interrupted,
    /// A settings file can't be taken.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The tracker can't be dialled at the address it listens at.
    #[error("the tracker's \"listen\" is no address that peers can dial: {0}")]
    Endpoint(#[from] EndpointError),
    /// The tracker's file is a peer's.
    #[error("{} must be the settings of a tracker: move it away, and a new one is written", .0.display())]
    NotATracker(PathBuf),
    /// Another demo runs in the same directory.
    #[error(
        "another demo runs in {} already: stop it with Ctrl-C, or give this one a directory of its own with --dir",
        .0.display()
    )]
    Running(PathBuf),
    /// The directory or a file in it can't be made.
    #[error("can't write {}: {source}. `--dir` puts the demo elsewhere", path.display())]
    Directory {
        /// Path of the directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody can listen anywhere on this machine.
    #[error("no free port was found on 127.0.0.1 between 20000 and 30000")]
    NoFreePort,
    /// A process can't be started or waited for.
    #[error("the system refused something that the demo needs: {0}")]
    System(io::Error),
    /// The story can't be told.
    #[error("the story can't be written: {0}")]
    Output(io::Error),
}

impl From<Interrupted> for DemoError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}
