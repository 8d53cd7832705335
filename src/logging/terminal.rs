//! The form of an event for people.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;
use tracing::Level;

use super::event::LogEvent;

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const BLUE: &str = "\x1b[34m";

/// Shows events as lines, with colours or without.
pub(super) struct Terminal {
    out: Box<dyn Write + Send>,
    colours: bool,
}

impl Terminal {
    /// Standard error; coloured if somebody sees it and did not ask for none.
    pub(super) fn stderr() -> Self {
        Self {
            colours: colours_for(&io::stderr()),
            out: Box::new(io::stderr()),
        }
    }

    #[cfg(test)]
    pub(super) fn new(out: impl Write + Send + 'static, colours: bool) -> Self {
        Self {
            out: Box::new(out),
            colours,
        }
    }

    /// Shows one event. A terminal that went away is no reason to stop.
    pub(super) fn show(&mut self, event: &LogEvent) {
        let mut line = for_people(event, &[], self.colours);
        line.push('\n');
        let _ = self.out.write_all(line.as_bytes());
    }
}

/// An event as a line for people, without its end; `speakers` (a node, an actor) stand before what
/// happened. Nothing in it can steer a terminal.
pub fn for_people(event: &LogEvent, speakers: &[&str], colours: bool) -> String {
    let paint = |colour: &str, text: &str| {
        if colours {
            format!("{colour}{text}{RESET}")
        } else {
            text.to_owned()
        }
    };
    let level = format!("{:5}", event.level.as_str());
    let mut line = paint(DIM, &event.time.of_day());
    line.push(' ');
    line.push_str(&paint(colour_of(event.level), &level));
    for speaker in speakers {
        line.push(' ');
        line.push_str(&paint(DIM, &escape(speaker)));
    }
    line.push(' ');
    line.push_str(&escape(&event.event));
    for (name, value) in &event.fields {
        line.push(' ');
        line.push_str(&paint(DIM, &format!("{}=", escape(name))));
        line.push_str(&field(value));
    }
    line
}

/// Whether what is written to a stream should have colours: somebody sees it and did not ask for
/// none.
pub fn colours_for(stream: &impl IsTerminal) -> bool {
    colours_wanted(env::var_os("NO_COLOR"), env::var_os("TERM")) && stream.is_terminal()
}

fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => RED,
        Level::WARN => YELLOW,
        Level::INFO => GREEN,
        Level::DEBUG => BLUE,
        Level::TRACE => DIM,
    }
}

/// Whether the variables of these names allow for colours.
pub(super) fn colours_wanted(no_color: Option<OsString>, term: Option<OsString>) -> bool {
    no_color.is_none_or(|value| value.is_empty()) && term.is_none_or(|term| term != "dumb")
}

/// The value of a field; text in quotes where it would not be seen as one word.
fn field(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let apart = |c: char| c.is_whitespace() || matches!(c, '"' | '=');
            if text.is_empty() || text.contains(apart) {
                format!("\"{}\"", escape(&text.replace('"', "\\\"")))
            } else {
                escape(text)
            }
        }
        // A line of a file that is not ours may hold anything.
        other => escape(&other.to_string()),
    }
}

/// The text without anything that would steer a terminal or turn the direction of writing.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '\'' | '\\' => escaped.push(char),
            char => escaped.extend(char.escape_debug()),
        }
    }
    escaped
}
