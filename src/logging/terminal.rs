//! The form of an event for people.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use serde_json::Value;
use tracing::Level;

use super::event::LogEvent;
use super::sentence::{named, sentence};
use super::time::{Time, Zone};
use super::writer::{Sink, write_all};
use crate::readable::{Typed, in_words, visible};

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const BLUE: &str = "\x1b[34m";

/// How events look as lines.
pub(super) struct Look {
    colours: bool,
    typed: Typed,
    zone: Zone,
}

/// Where they are shown.
pub(super) struct Terminal {
    out: Box<dyn Write + Send>,
    pub(super) look: Arc<Look>,
}

impl Terminal {
    /// Standard error; coloured if somebody sees it and did not ask for none.
    pub(super) fn stderr(typed: Typed) -> Self {
        Self {
            out: own_stderr(),
            look: Arc::new(Look {
                colours: colours_for(&io::stderr()),
                typed,
                zone: Zone::local(),
            }),
        }
    }

    #[cfg(test)]
    pub(super) fn new(out: impl Write + Send + 'static, colours: bool) -> Self {
        Self {
            out: Box::new(out),
            look: Arc::new(Look {
                colours,
                typed: Typed::by(|text| text.replace("`node ", "`./node ")),
                zone: Zone::utc(),
            }),
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
        self.look.line(&LogEvent::lines_not_shown(time, lines))
    }

    /// A terminal that went away is no reason to stop, and nobody is there to be told.
    fn failed(&mut self, _: Time, _: &io::Error) {}
}

impl Look {
    /// An event as a line, with its end.
    pub(super) fn line(&self, event: &LogEvent) -> String {
        let mut line = heading(event, &event.time.of_day(&self.zone), &[], self.colours);
        line.push(' ');
        match sentence(event) {
            Some(sentence) => line.push_str(&visible(&self.typed.text(&sentence))),
            None => {
                line.push_str(&visible(&self.typed.text(&event.event)));
                line.push_str(&fields(event, self.colours, &self.zone));
            }
        }
        line.push('\n');
        line
    }
}

/// An event as a line for people who look for something in a log, without its end; `speakers` (a node,
/// an actor) stand before what happened. Nothing in it can steer a terminal.
pub fn for_people(event: &LogEvent, speakers: &[&str], colours: bool, zone: &Zone) -> String {
    let time = event.time.of_day_exactly(zone);
    let mut line = heading(event, &time, speakers, colours);
    line.push(' ');
    line.push_str(&visible(&event.event));
    line.push_str(&fields(event, colours, zone));
    line
}

fn heading(event: &LogEvent, time: &str, speakers: &[&str], colours: bool) -> String {
    let level = format!("{:5}", event.level.as_str());
    let mut line = paint(colours, DIM, time);
    line.push(' ');
    line.push_str(&paint(colours, colour_of(event.level), &level));
    for speaker in speakers {
        line.push(' ');
        line.push_str(&paint(colours, DIM, &visible(speaker)));
    }
    line
}

/// ` peer=bob in="56 s"`: names instead of addresses where they are known, spans of time in words, and
/// moments by the clock of `zone`.
fn fields(event: &LogEvent, colours: bool, zone: &Zone) -> String {
    let mut line = String::new();
    let names: HashSet<String> = event.fields.iter().map(|(name, _)| named(name)).collect();
    for (name, value) in &event.fields {
        if names.contains(name.as_ref()) {
            continue;
        }
        let named = named(name);
        let known = event.fields.iter().find(|(field, _)| *field == named);
        let value = known.map_or(value, |(_, name)| name);
        let (name, value) = match (name.strip_suffix("_ms"), value.as_u64()) {
            (Some(span), Some(ms)) => (span, Value::from(in_words(ms))),
            _ => (name.as_ref(), local(value, zone)),
        };
        line.push(' ');
        line.push_str(&paint(colours, DIM, &format!("{}=", visible(name))));
        line.push_str(&field(&value));
    }
    line
}

/// A moment by the clock of `zone`; anything else as it is.
fn local(value: &Value, zone: &Zone) -> Value {
    let Some(text) = value.as_str() else {
        return value.clone();
    };
    match text.parse::<Time>() {
        Ok(time) if time.to_string() == text => time.to_the_second(zone).into(),
        _ => value.clone(),
    }
}

fn paint(colours: bool, colour: &str, text: &str) -> String {
    if colours {
        format!("{colour}{text}{RESET}")
    } else {
        text.to_owned()
    }
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
                format!("\"{}\"", visible(&text.replace('"', "\\\"")))
            } else {
                visible(text)
            }
        }
        // A line of a file that is not ours may hold anything.
        other => visible(&other.to_string()),
    }
}
