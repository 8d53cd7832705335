//! `node logs`: what a node wrote down, of one node or several, and as it goes on.

use super::args::{LevelChange, LogsArgs, LogsOrder};
use super::client::Client;
use super::failure::Failure;
use super::invocation::Invocation;
use super::load;
use super::looking;
use super::output::Output;
use super::words::count;
use crate::logging::reading::{Line, LogReader};
use crate::logging::{DIRECTORY, FILE, LogEvent, Time, Zone, colours_for, for_people};
use crate::owner::answers::{LogLevelRequest, LogLevelView};
use crate::readable::{Typed, in_words};
use crate::settings::{LogLevel, Patience, Settings};
use crate::suggest::nearest;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, SystemTime};
use tracing::Level;

/// How many events are shown if nothing says which.
pub const USUAL_LAST: usize = 100;
/// Most events that can be asked for from the end; they are held in memory.
pub const MOST_LAST: usize = 100_000;
/// Parts of a node that are remembered by name: there are some twenty.
const MOST_ACTORS: usize = 100;
/// Units of a stretch of time and their milliseconds.
const UNITS: [(char, u64); 4] = [
    ('s', 1_000),
    ('m', 60_000),
    ('h', 3_600_000),
    ('d', 86_400_000),
];

/// From when on events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This many milliseconds ago.
    Ago(u64),
    /// A moment.
    At(Time),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = text.chars().next_back().and_then(|unit| {
            let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
            let number: u64 = text[..text.len() - 1].parse().ok()?;
            number.checked_mul(*ms)
        });
        match (ago, Time::read(text, &Zone::local())) {
            (Some(ms), _) => Ok(Self::Ago(ms)),
            (None, Ok(time)) => Ok(Self::At(time)),
            (None, Err(_)) => Err(
                "write how long ago (30s, 5m, 2h, 1d) or a moment (2026-11-20, 2026-11-20T21:43; in \
                 UTC with a Z behind it)"
                    .into(),
            ),
        }
    }
}

impl Since {
    fn moment(self, now: Time) -> Time {
        match self {
            Self::Ago(ms) => Time::from_unix_ms(now.unix_ms().saturating_sub(ms)),
            Self::At(time) => time,
        }
    }
}

/// Which events are shown.
struct Filter<'a> {
    since: Option<Time>,
    level: Level,
    actor: Option<&'a str>,
    id: Option<&'a str>,
}

impl Filter<'_> {
    fn takes(&self, event: &LogEvent) -> bool {
        let in_time = self.since.is_none_or(|since| event.time >= since);
        let weighty = event.level <= self.level;
        let speaks = |actor| event.actor.split("::").any(|part| part == actor);
        let concerns = |id| {
            let begins = |value: &Value| value.as_str().is_some_and(|text| text.starts_with(id));
            event.fields.iter().any(|(_, value)| begins(value))
        };
        in_time && weighty && self.actor.is_none_or(speaks) && self.id.is_none_or(concerns)
    }
}

/// The log of one node.
struct Source {
    node: String,
    /// Its events' own words, with commands as they are typed.
    typed: Typed,
    reader: LogReader,
    /// The next event, read already.
    head: Option<LogEvent>,
    unreadable: u64,
    /// Who speaks in it, up to [`MOST_ACTORS`].
    actors: BTreeSet<String>,
}

impl Source {
    fn fill(&mut self, filter: &Filter<'_>) -> io::Result<()> {
        while self.head.is_none() {
            match self.reader.next_line()? {
                None => return Ok(()),
                Some(Line::Unreadable) => self.unreadable += 1,
                Some(Line::Event(event)) => {
                    if self.actors.len() < MOST_ACTORS && !self.actors.contains(&event.actor) {
                        self.actors.insert(event.actor.clone());
                    }
                    if filter.takes(&event) {
                        self.head = Some(event);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Shows what the logs hold.
pub fn logs(
    arguments: &LogsArgs,
    config: &Path,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let since = arguments
        .since
        .map(|since| since.moment(Time::from(SystemTime::now())));
    let filter = Filter {
        since,
        level: level(arguments.level),
        actor: arguments.actor.as_deref(),
        id: arguments.id.as_deref(),
    };
    let mut sources = vec![source(config, invocation, since)?];
    for other in &arguments.with {
        sources.push(source(other, invocation, since)?);
    }
    if output.is_json() {
        // Programs know events by these words.
        sources
            .iter_mut()
            .for_each(|source| source.typed = Typed::default());
    }
    let mut shown = Shown {
        output,
        several: sources.len() > 1,
        colours: colours_for(&io::stdout()),
        zone: Zone::local(),
        day: String::new(),
    };
    let all = since.is_some() || filter.id.is_some();
    let last = arguments.last.or((!all).then_some(USUAL_LAST));
    let mut kept = VecDeque::new();
    while let Some(at) = next(&mut sources, &filter)? {
        let (node, event) = take(&mut sources, at);
        match last {
            None => shown.show(node, event)?,
            Some(last) => {
                kept.push_back((node.to_owned(), event));
                if kept.len() > last {
                    kept.pop_front();
                }
            }
        }
    }
    for (node, event) in kept {
        shown.show(&node, event)?;
    }
    tell_unreadable(&sources);
    if let Some(unknown) = filter.actor
        && !arguments.follow
    {
        knows_actor(unknown, &sources)?;
    }
    if !arguments.follow {
        return Ok(());
    }
    loop {
        // Files tell nobody that they grow; the node may be off, or another one's.
        looking::pause();
        while let Some(at) = next(&mut sources, &filter)? {
            let (node, event) = take(&mut sources, at);
            shown.show(node, event)?;
        }
    }
}

/// Whether such a part of a node speaks in these logs at all; else, which do.
fn knows_actor(name: &str, sources: &[Source]) -> Result<(), Failure> {
    let actors = sources.iter().flat_map(|source| &source.actors);
    let parts: BTreeSet<&str> = actors.flat_map(|actor| actor.split("::")).collect();
    if parts.contains(name) {
        return Ok(());
    }
    let known: Vec<&str> = parts.into_iter().collect();
    let near = match nearest(name, &known) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    Err(Failure::No(format!(
        "no part of the node that is called {name:?} wrote anything here; those that did are {}{near}",
        known.join(", ")
    )))
}

fn level(level: Option<LogLevel>) -> Level {
    match level {
        Some(LogLevel::Error) => Level::ERROR,
        Some(LogLevel::Warn) => Level::WARN,
        Some(LogLevel::Info) => Level::INFO,
        Some(LogLevel::Debug) => Level::DEBUG,
        Some(LogLevel::Trace) | None => Level::TRACE,
    }
}

/// The log that a settings file leads to, or that is this file.
fn source(named: &Path, invocation: &Invocation, since: Option<Time>) -> Result<Source, Failure> {
    let is_log = named
        .extension()
        .is_some_and(|extension| extension == "jsonl");
    let (node, typed, path) = if is_log {
        // Of which node it is a copy is not known.
        let node = named.display().to_string();
        (node, Typed::default(), named.to_owned())
    } else {
        let settings = load(named)?;
        let node = match &settings {
            Settings::Peer(peer) => peer.name.clone(),
            Settings::Tracker(_) => "tracker".to_owned(),
        };
        let typed = invocation.for_node(named).for_texts();
        (node, typed, settings.data_dir().join(DIRECTORY).join(FILE))
    };
    if !path.exists() {
        return Err(Failure::No(format!(
            "there is no log {}: {}",
            path.display(),
            if is_log {
                "check the path".to_owned()
            } else {
                format!("the node of {} never ran here", named.display())
            }
        )));
    }
    let since = since.map(|since| SystemTime::UNIX_EPOCH + Duration::from_millis(since.unix_ms()));
    Ok(Source {
        node,
        typed,
        reader: LogReader::new(&path, since),
        head: None,
        unreadable: 0,
        actors: BTreeSet::new(),
    })
}

/// Whose event is the next: the earliest of those that are there.
fn next(sources: &mut [Source], filter: &Filter<'_>) -> Result<Option<usize>, Failure> {
    for source in sources.iter_mut() {
        source.fill(filter).map_err(|error| {
            Failure::No(format!("the log of {} can't be read: {error}", source.node))
        })?;
    }
    let heads = sources.iter().enumerate();
    let times = heads.filter_map(|(at, source)| Some((source.head.as_ref()?.time, at)));
    Ok(times.min().map(|(_, at)| at))
}

/// The event of the source that [`next`] named.
fn take(sources: &mut [Source], at: usize) -> (&str, LogEvent) {
    let source = &mut sources[at];
    let event = source.head.take().expect("`next` found it there");
    let said = source.typed.text(&event.event);
    (
        &source.node,
        LogEvent {
            event: said,
            ..event
        },
    )
}

/// On standard error: what stands in a file and is no event is left out, and that is said.
fn tell_unreadable(sources: &[Source]) {
    for source in sources.iter().filter(|source| source.unreadable > 0) {
        let lines = count(source.unreadable, "line", "lines");
        // Whoever does not listen misses nothing that matters.
        let _ = writeln!(
            io::stderr(),
            "{lines} in the log of {} could not be read and {} left out",
            source.node,
            if source.unreadable == 1 {
                "was"
            } else {
                "were"
            }
        );
    }
}

/// Where events are shown, and what was shown last.
struct Shown<'a, 'b> {
    output: &'a mut Output<'b>,
    several: bool,
    colours: bool,
    zone: Zone,
    day: String,
}

impl Shown<'_, '_> {
    fn show(&mut self, node: &str, mut event: LogEvent) -> io::Result<()> {
        if self.output.is_json() {
            if self.several {
                event.fields.push(("node".into(), node.into()));
            }
            return self.output.json(&event);
        }
        let day = event.time.day(&self.zone);
        if day != self.day {
            writeln!(self.output.raw(), "{day}")?;
            self.day = day;
        }
        let speakers = [node, event.actor.as_str()];
        let speakers = if self.several {
            &speakers[..]
        } else {
            &speakers[1..]
        };
        let line = for_people(&event, speakers, self.colours, &self.zone);
        writeln!(self.output.raw(), "{line}")
    }
}

/// Has a running node tell more or less of itself.
pub fn order(order: &LogsOrder, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let LogsOrder::Level { change, lasts } = order;
    let (part, level) = match change {
        LevelChange::Usual => (None, None),
        LevelChange::Part(part, level) => (Some(part.clone()), Some(*level)),
    };
    let request = LogLevelRequest {
        part,
        level,
        for_ms: lasts.and_then(Patience::ms),
    };
    let now: LogLevelView = client.post("/log-level", &request)?;
    output.show(&now, |now| match (&now.part, now.for_ms) {
        (None, _) => "All parts tell what the settings say.".to_owned(),
        (Some(part), None) => format!("{part} tells more or less now, until the node stops."),
        (Some(part), Some(ms)) => format!("{part} tells more or less now, for {}.", in_words(ms)),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
