//! How a command fails, and the exit code for it.

use super::demo::DemoError;
use super::invocation::Invocation;
use crate::http::Problem;
use std::io;
use std::process::ExitCode;

/// Exit code for a fair no.
const NO: u8 = 1;

/// Exit code for misuse; `clap` uses the same.
const MISUSE: u8 = 2;

/// The status of a problem with a request that makes no sense as it is.
const BAD_REQUEST: u16 = 400;

/// Why a command did not do what it should.
#[derive(Debug)]
pub enum Failure {
    /// It was asked in a way that can't be right: exit code 2.
    Misuse(String),
    /// It can't be done, or not now: exit code 1.
    No(String),
    /// The node said no, with its code: exit code 1, or 2 for a request that makes no sense.
    Refused(Box<Problem>),
    /// The node did not answer: what was asked may be done or not. Exit code 1.
    NoAnswer(String),
    /// The answer, which was given already, is a no, for this reason: exit code 1.
    Answered(String),
    /// Somebody was asked, and does not want it: exit code 1.
    Declined,
    /// The result can't be written: exit code 1, unless nobody reads any more.
    Output(io::Error),
}

impl Failure {
    /// What to tell the user; nothing if nobody reads any more.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Misuse(reason)
            | Self::No(reason)
            | Self::NoAnswer(reason)
            | Self::Answered(reason) => Some(reason.clone()),
            Self::Refused(problem) => Some(problem.detail.clone()),
            Self::Declined => Some("nothing was done".to_owned()),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(format!("the result can't be written: {error}")),
        }
    }

    /// The same for programs, in the form in which a node's API refuses: problem details. What this
    /// command refuses itself has one of the codes `misuse`, `no`, `no_answer` and `declined`. Nothing if it was
    /// told already, or nobody reads any more.
    pub fn problem(&self, invocation: &Invocation) -> Option<Problem> {
        let own = |code: &str, title: &str| Problem {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status: if code == "misuse" { BAD_REQUEST } else { 422 },
            detail: self.reason().unwrap_or_default(),
            code: code.to_owned(),
            instance: None,
        };
        let mut problem = match self {
            Self::Answered(_) | Self::Output(_) => return None,
            Self::Refused(problem) => Problem::clone(problem),
            Self::Misuse(_) => own("misuse", "The command line or the settings make no sense"),
            Self::No(_) => own("no", "It can't be done"),
            Self::NoAnswer(_) => own("no_answer", "The node did not answer"),
            Self::Declined => own("declined", "The person who was asked said no"),
        };
        problem.detail = invocation.typed(&problem.detail);
        Some(problem)
    }

    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Misuse(_) => MISUSE.into(),
            Self::Refused(problem) if problem.status == BAD_REQUEST => MISUSE.into(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::No(_)
            | Self::NoAnswer(_)
            | Self::Refused(_)
            | Self::Answered(_)
            | Self::Declined
            | Self::Output(_) => NO.into(),
        }
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Settings(_) => Self::Misuse(error.to_string()),
            DemoError::Output(error) => Self::Output(error),
            // The story has told them, in JSON as well.
            error @ (DemoError::NotTrue { .. }
            | DemoError::Ended { .. }
            | DemoError::NotStopped { .. }
            | DemoError::Interrupted) => Self::Answered(error.to_string()),
            error => Self::No(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
