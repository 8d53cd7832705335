//! Who says what a setting is.

use super::SettingsError;
use super::read;
use serde::Serialize;
use std::path::Path;

/// A setting that holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Its key, with its section: `api.listen`.
    pub key: String,
    /// Its value; a path as it is opened.
    pub value: serde_json::Value,
    /// Who says so.
    pub origin: Origin,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Origin {
    /// Neither file nor variables say it.
    Default,
    /// The settings file.
    File {
        /// The line, counted from 1.
        line: usize,
    },
    /// An environment variable, which goes before the file.
    Variable {
        /// What it is called.
        name: String,
    },
}

/// Every setting of the node of the file at `path` and of these variables, in the order of the file that
/// ships.
///
/// # Errors
/// As [`Settings::load`](super::Settings::load).
pub fn settings_with_origin(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Vec<Setting>, SettingsError> {
    let text = read::file(path)?;
    read::with_origin(path, &text, environment)
}
