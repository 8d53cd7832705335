//! One event, taken out of `tracing`, and its form as a line of JSON.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write};
use std::io;
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use tracing::Level;
use tracing::field::{Field, Visit};

use super::names::Names;
use super::sentence::named;
use super::time::Time;

/// The most bytes of text in one field or message; the rest is cut and replaced by `…`. With at
/// most 32 fields to an event, it bounds a line whatever other nodes send.
pub const MAX_TEXT_BYTES: usize = 1024;

/// Which part of this module speaks when it speaks of itself.
const OWN_ACTOR: &str = "logging";
/// The field of an address that is asked for as one: no name stands in its place.
const ADDRESS_FIELD: &str = "address";

/// The four names that every line has.
pub(super) const FIXED: [&str; 4] = ["time", "level", "actor", "event"];

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEvent {
    /// When the line was written.
    pub time: Time,
    /// How weighty it is.
    pub level: Level,
    /// The module that speaks.
    pub actor: String,
    /// What happened: a constant text.
    pub event: String,
    /// What varies, in the order of the code.
    pub fields: Vec<(Cow<'static, str>, Value)>,
}

impl LogEvent {
    pub(super) fn new(now: SystemTime, event: &tracing::Event<'_>) -> Self {
        let metadata = event.metadata();
        let target = metadata.target();
        let actor = target.strip_prefix("raclette::").unwrap_or(target);
        // What writes down for the whole of a part is no part of its own.
        let actor = actor.strip_suffix("::log").unwrap_or(actor);
        // An actor and its shell go by one name.
        let actor = actor.strip_prefix("shell::").unwrap_or(actor);
        let mut own = Self {
            time: Time::from(now),
            level: *metadata.level(),
            actor: actor.strip_prefix("actors::").unwrap_or(actor).to_owned(),
            event: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut own);
        own
    }

    /// Beside every address of a member that is known, the member's name: `peer_name` beside `peer`. A field that is
    /// itself called `address` stays one.
    pub(super) fn name_members(&mut self, names: &Names) {
        let mut fields = Vec::with_capacity(self.fields.len());
        for (field, value) in self.fields.drain(..) {
            let somebody = value.as_str().filter(|_| field != ADDRESS_FIELD);
            let name = somebody.and_then(|address| names.of(address));
            let beside = name.map(|name| (named(&field).into(), name.into()));
            fields.push((field, value));
            fields.extend(beside);
        }
        self.fields = fields;
    }

    /// That the log file can't be written: for the terminal alone.
    pub(super) fn file_failed(time: Time, error: &io::Error) -> Self {
        Self {
            time,
            level: Level::ERROR,
            actor: OWN_ACTOR.to_owned(),
            event: "the log file can't be written; its lines are lost until it can".to_owned(),
            fields: vec![("error".into(), bounded(error))],
        }
    }

    /// That lines are missing in the log file, before this point.
    pub(super) fn lines_lost(time: Time, lines: u64) -> Self {
        Self::missing(time, "log lines lost", lines)
    }

    /// That lines are missing on the terminal, before this point.
    pub(super) fn lines_not_shown(time: Time, lines: u64) -> Self {
        let told =
            "lines could not be shown: nobody took them. They are in the log file: `node logs`";
        Self::missing(time, told, lines)
    }

    fn missing(time: Time, event: &str, lines: u64) -> Self {
        Self {
            time,
            level: Level::ERROR,
            actor: OWN_ACTOR.to_owned(),
            event: event.to_owned(),
            fields: vec![("lines".into(), lines.into())],
        }
    }

    /// One line of JSON, with its line feed.
    pub(super) fn to_json(&self) -> String {
        // Every key is text and every value is JSON already, so that nothing can fail; an empty
        // line would be the answer.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    fn push(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.push((field.name().into(), value.into()));
    }
}

impl Serialize for LogEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("time", &self.time.to_string())?;
        line.serialize_entry("level", self.level.as_str())?;
        line.serialize_entry("actor", &self.actor)?;
        line.serialize_entry("event", &self.event)?;
        for (name, value) in &self.fields {
            if FIXED.contains(&name.as_ref()) {
                line.serialize_entry(&format!("{name}_"), value)?;
            } else {
                line.serialize_entry(name, value)?;
            }
        }
        line.end()
    }
}

impl Visit for LogEvent {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.push(field, bounded(WithSources(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = bounded(format_args!("{value:?}"));
        match (field.name(), text) {
            ("message", Value::String(text)) => self.event = text,
            (_, text) => self.push(field, text),
        }
    }
}

/// An error and what caused it.
struct WithSources<'a>(&'a (dyn Error + 'static));

impl fmt::Display for WithSources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// The text of a value, cut at [`MAX_TEXT_BYTES`]; formatting stops there.
fn bounded(value: impl fmt::Display) -> Value {
    struct Bounded(String);

    impl Write for Bounded {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = MAX_TEXT_BYTES - self.0.len();
            if text.len() <= room {
                self.0.push_str(text);
                return Ok(());
            }
            let fits = |end: &usize| text.is_char_boundary(*end);
            let end = (0..=room).rev().find(fits).unwrap_or(0);
            self.0.push_str(&text[..end]);
            Err(fmt::Error)
        }
    }

    let mut text = Bounded(String::new());
    let complete = write!(text, "{value}").is_ok();
    let Bounded(mut text) = text;
    if !complete {
        text.push('…');
    }
    text.into()
}
