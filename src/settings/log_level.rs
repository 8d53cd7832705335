//! How much a node writes down.

use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The least weighty event that is still logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Something failed and somebody should look.
    Error,
    /// Something is odd; the node goes on.
    Warn,
    /// What the node does, in a few lines a minute.
    Info,
    /// Every conversation, for finding faults.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    pub(super) const CHOICES: &[&str] = &["error", "warn", "info", "debug", "trace"];
}

impl FromStr for LogLevel {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::deserialize(StrDeserializer::new(name))
    }
}
