//! What people type, and what they are told when it can't be done.

#[path = "../support/mod.rs"]
mod support;

mod archives;
mod commands;
mod delivery;
mod demo;
mod doctor;
mod examples;
mod guides;
mod hints;
mod local;
mod logs;
mod mistakes;
mod outside;
mod records;
mod secrets;
mod sim;
mod terminal;
mod votes;
mod wallet;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;

/// Runs `node` with these arguments in a directory, and says how it ended and what it printed.
fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let arguments = arguments.iter().map(OsStr::new);
    let output = support::node(arguments).current_dir(directory).output();
    Ran::from(output.unwrap())
}

#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Fails the test unless it succeeded; what it printed.
    fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Fails the test unless it ended with `code` and said all of this on standard error.
    fn fails(self, code: i32, saying: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in saying {
            assert!(self.err.contains(part), "{part:?} is not in {self:?}");
        }
    }
}
