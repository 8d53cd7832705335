//! The form of an event for people.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use serde_json::Value;
use tracing::Level;

use super::event::LogEvent;
use super::time::Time;
use super::writer::{Sink, write_all};

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const BLUE: &str = "\x1b[34m";

/// Where events are shown as lines, and whether with colours.
pub(super) struct Terminal {
    out: Box<dyn Write + Send>,
    pub(super) colours: bool,
}

impl Terminal {
    /// Standard error; coloured if somebody sees it and did not ask for none.
    pub(super) fn stderr() -> Self {
        Self {
            colours: colours_for(&io::stderr()),
            out: own_stderr(),
        }
    }

    #[cfg(test)]
    pub(super) fn new(out: impl Write + Send + 'static, colours: bool) -> Self {
        Self {
            out: Box::new(out),
            colours,
        }
    }
}

/// Standard error without its lock: whoever writes to a paused terminal holds that, and everybody
/// else who has a word to say would wait for it.
fn own_stderr() -> Box<dyn Write + Send> {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(File::from(own)),
        Err(_) => Box::new(io::stderr()),
    }
}

impl Sink for Terminal {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        write_all(&mut self.out, lines.as_bytes())
    }

    fn lost(&self, time: Time, lines: u64) -> String {
        line(&LogEvent::lines_not_shown(time, lines), self.colours)
    }

    /// A terminal that went away is no reason to stop, and nobody is there to be told.
    fn failed(&mut self, _: Time, _: &io::Error) {}
}

/// An event as a whole line for the terminal.
pub(super) fn line(event: &LogEvent, colours: bool) -> String {
    let mut line = for_people(event, &[], colours);
    line.push('\n');
    line
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
