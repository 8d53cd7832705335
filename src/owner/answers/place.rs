//! What a node wrote down, and where it keeps what.

use super::{Cursor, rfc3339};
use crate::chain::Timestamp;
use crate::logging::LogEvent;
use crate::readable::visible;
use crate::settings::{LogLevel, Origin, Setting};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Lines of the log, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogView {
    /// Some of them.
    pub lines: Vec<LogLine>,
    /// Where earlier ones begin; `None` if there are none. An answer may be short of its limit and go on all the
    /// same: only so much of the log is looked through for one.
    pub next: Option<Cursor>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When it was written.
    #[serde(with = "rfc3339")]
    pub time: Timestamp,
    /// How weighty it is.
    pub level: LogLevel,
    /// The part of the node that speaks.
    pub actor: String,
    /// What happened.
    pub event: String,
    /// What varies, each under its name: docs/log-events.md says which there are.
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

impl From<LogEvent> for LogLine {
    fn from(event: LogEvent) -> Self {
        let fields = event.fields.into_iter();
        Self {
            time: Timestamp(event.time.unix_ms()),
            level: match event.level {
                tracing::Level::ERROR => LogLevel::Error,
                tracing::Level::WARN => LogLevel::Warn,
                tracing::Level::INFO => LogLevel::Info,
                tracing::Level::DEBUG => LogLevel::Debug,
                tracing::Level::TRACE => LogLevel::Trace,
            },
            actor: event.actor,
            event: event.event,
            fields: fields
                .map(|(name, value)| (name.into_owned(), value))
                .collect(),
        }
    }
}

/// Where a node keeps its files, and its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingsView {
    /// Where it keeps its files.
    pub data_dir: String,
    /// How many bytes they take.
    pub bytes_on_disk: u64,
    /// When the last backup of them was made, if one ever was.
    #[serde(with = "rfc3339::optional")]
    pub last_backup: Option<Timestamp>,
    /// The directory that backups are made in, unless another is named.
    pub backups_in: String,
    /// Its settings as they were when it started; none where it runs within another program, which has set it up.
    pub settings: Vec<SettingView>,
}

/// A setting that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// Its key, with its section: `api.listen`.
    pub key: String,
    /// Its value, as JSON writes it.
    pub value: String,
    /// `"default"` if nobody says it, else `"file"` or `"variable"`.
    pub from: String,
    /// The line of the settings file that says it.
    pub line: Option<usize>,
    /// The variable that says it.
    pub variable: Option<String>,
}

impl From<&Setting> for SettingView {
    fn from(setting: &Setting) -> Self {
        let (from, line, variable) = match &setting.origin {
            Origin::Default => ("default", None, None),
            Origin::File { line } => ("file", Some(*line), None),
            Origin::Variable { name } => ("variable", None, Some(visible(name))),
        };
        Self {
            key: setting.key.clone(),
            // A passphrase stands in a file of its own; not even where is told here.
            value: match setting.key.contains("passphrase") && setting.value != "" {
                true => "set, and not shown".to_owned(),
                false => visible(&setting.value.to_string()),
            },
            from: from.to_owned(),
            line,
            variable,
        }
    }
}
