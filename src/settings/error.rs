//! What can be wrong with settings, told so that it can be put right.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why there are no settings. The text of each says what to do.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error(
        "can't read the settings in {}: {reason}. \
         `node init peer --name NAME --tracker HOST:PORT` and `node init tracker` write such a file",
        path.display()
    )]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// The reason, in words for the owner.
        reason: String,
    },
    /// The file or the environment has mistakes: all of them, the file's by line first. Never
    /// empty.
    #[error("{}", list(.0))]
    Invalid(Vec<Mistake>),
    /// A new file was asked for where there is one already. Nothing was changed.
    #[error(
        "{} exists already and was left as it is. Name another file, or move this one away",
        path.display()
    )]
    Exists {
        /// Path of the file.
        path: PathBuf,
    },
    /// A new file can't be written.
    #[error("can't write the settings to {}: {source}", path.display())]
    Unwritable {
        /// Path of the file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The schema and the typed settings disagree: a fault of this program, not of the file.
    #[error(
        "the settings are right but can't be taken over, which is a fault of this program: {0}"
    )]
    Internal(#[from] config::ConfigError),
}

/// Where a mistake stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file, at a line, counted from 1.
    Line(PathBuf, usize),
    /// In the file, by something that is not there.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub place: Place,
    /// Which key it is about, with its section: `api.listen`. Empty if the file is no TOML at all.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

fn list(mistakes: &[Mistake]) -> String {
    if let [mistake] = mistakes {
        return mistake.to_string();
    }
    let mut text = format!("{} settings are wrong:", mistakes.len());
    for mistake in mistakes {
        text.push_str(&format!("\n  {mistake}"));
    }
    text
}
