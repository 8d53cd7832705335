//! How a command fails, and the exit code for it.

use super::demo::DemoError;
use std::io;
use std::process::ExitCode;

/// Exit code for a fair no.
const NO: u8 = 1;

/// Exit code for misuse; `clap` uses the same.
const MISUSE: u8 = 2;

/// Why a command did not do what it should.
#[derive(Debug)]
pub enum Failure {
    /// It was asked in a way that can't be right: exit code 2.
    Misuse(String),
    /// It can't be done, or not now: exit code 1.
    No(String),
    /// The result can't be written: exit code 1, unless nobody reads any more.
    Output(io::Error),
}

impl Failure {
    /// What to tell the user; nothing if nobody reads any more.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Misuse(reason) | Self::No(reason) => Some(reason.clone()),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(format!("the result can't be written: {error}")),
        }
    }

    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Misuse(_) => MISUSE.into(),
            Self::No(_) => NO.into(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Output(_) => NO.into(),
        }
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Settings(_) => Self::Misuse(error.to_string()),
            DemoError::Output(error) => Self::Output(error),
            error => Self::No(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
