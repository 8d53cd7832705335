//! What a node tells about itself: for people on the terminal, for programs in a file.
//!
//! Code logs with the macros of `tracing`: a constant message, and what varies in fields, of which
//! `peer height block tx request_id elapsed_ms error` have one meaning everywhere:
//!
//! ```
//! # let (height, elapsed_ms) = (7, 3);
//! tracing::info!(height, elapsed_ms, "block connected");
//! ```
//!
//! Fields are single values, never whole structs, so that no secret is logged by accident. Spans
//! are not used. The target is left at its default, the module, since it tells which part of the
//! node speaks; what other crates log is shown from `WARN` on, whatever the level is. Every event is
//! listed with its fields in docs/log-events.md, which a test holds complete.
//!
//! The terminal and the file have levels of their own: the file tells more, so that a block or a
//! payment can be followed by its id afterwards ([`reading`], `node logs`).
//!
//! # On the terminal (standard error)
//!
//! ```text
//! 22:43:02 INFO  ann sent you 5 coins, with a note
//! 22:43:04 INFO  block connected height=7 elapsed="3 ms"
//! ```
//!
//! The time is that of this place; what an owner should hear of is a sentence. Control characters are
//! spelled out: what another node says can't steer the terminal. Colours are used on a terminal, unless
//! `NO_COLOR` is set to something (<https://no-color.org>) or `TERM` is `dumb`.
//!
//! # In the file
//!
//! `DATA_DIR/logs/node.jsonl`, one JSON object a line:
//!
//! ```text
//! {"time":"2026-11-20T21:43:02.123Z","level":"INFO","actor":"ledger","event":"block connected","height":7,"elapsed_ms":3}
//! ```
//!
//! - `time`: UTC, ISO 8601, always with three decimals, so that it sorts as text.
//! - `level`: `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
//! - `actor`: the module that speaks, without `raclette::` and `actors::` before it and `::log` behind.
//! - `event`: the message.
//! - Then the fields, in the order of the code: numbers and flags as such, everything else as text
//!   of at most [`MAX_TEXT_BYTES`]. Beside the address of a member whose name is known stands that name:
//!   `peer_name` beside `peer`. A field with one of the four names above gets a `_` behind it.
//!
//! A file that would grow beyond `log.file_bytes` is renamed to `node.jsonl.1`, an older one from
//! `.1` to `.2` and so on; `log.files` of them are kept. Each line is written with one system call
//! and never held back, so that a killed process loses none. If the file can't be written (a full
//! disk), the node goes on, says so once on the terminal, tries again with each line, and when it
//! succeeds, logs how many lines were lost.

mod event;
mod names;
pub mod reading;
mod rotating_file;
mod sentence;
mod terminal;
mod time;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::settings::{LogLevel, LogSettings};

pub use event::{LogEvent, MAX_TEXT_BYTES};
pub use names::Names;
pub use sentence::short_address;
pub use terminal::{Typed, colours_for, for_people};
pub use time::{NotATime, Time, Zone};

use rotating_file::RotatingFile;
use terminal::Terminal;

/// The directory of the log files, within the data directory.
pub const DIRECTORY: &str = "logs";

/// The name of the current log file; older ones have `.1`, `.2` … behind it.
pub const FILE: &str = "node.jsonl";

/// The parts of this program: what they log is filtered by the configured level.
const OWN_TARGETS: [&str; 2] = ["raclette", "node"];

/// Why logging can't start.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// The log file can't be made or opened.
    #[error(
        "can't write the log file {}: {source}. Make its directory writable, or choose another \
         data_dir",
        path.display()
    )]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something else in this process receives the events already.
    #[error("logging was started twice in one process, which is a fault of this program")]
    AlreadyStarted,
}

/// Keeps the log file. Dropped at the very end, it makes what was logged outlast a power cut.
#[derive(Debug)]
#[must_use = "dropped at once, it can't see the last lines to the disk"]
pub struct LogGuard {
    file: Arc<Mutex<RotatingFile>>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        lock(&self.file).sync();
    }
}

/// Starts logging for the whole process: into `DATA_DIR/logs/node.jsonl`, which is made with its
/// directories where needed, and to standard error as well, where the commands in a text are made such
/// that they work when `typed`; members go by their `names`.
///
/// # Errors
///
/// [`LoggingError::File`] if the file can't be opened, [`LoggingError::AlreadyStarted`] the second
/// time.
pub fn start(
    log: &LogSettings,
    data_dir: &Path,
    typed: Option<Typed>,
    names: Names,
) -> Result<LogGuard, LoggingError> {
    let terminal = typed.map(Terminal::stderr);
    let (subscriber, guard) = subscriber(log, data_dir, (terminal, names), SystemTime::now)?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_| LoggingError::AlreadyStarted)?;
    Ok(guard)
}

fn subscriber(
    log: &LogSettings,
    data_dir: &Path,
    (terminal, names): (Option<Terminal>, Names),
    now: fn() -> SystemTime,
) -> Result<(impl Subscriber + Send + Sync + 'static, LogGuard), LoggingError> {
    let path = data_dir.join(DIRECTORY).join(FILE);
    let file = RotatingFile::open(&path, log.file_bytes, log.files)
        .map_err(|source| LoggingError::File { path, source })?;
    let file = Arc::new(Mutex::new(file));
    let file_level = LevelFilter::from(log.file_level);
    let level = terminal.as_ref().map(|_| LevelFilter::from(log.level));
    let outputs = Outputs {
        terminal: terminal.map(|terminal| (targets(log.level.into()), Mutex::new(terminal))),
        file_targets: targets(file_level),
        file: Arc::clone(&file),
        names,
        now,
    };
    // Asked once a place in the code: what neither output takes costs nothing.
    let either = targets(level.map_or(file_level, |level| level.max(file_level)));
    let subscriber = Registry::default().with(outputs.with_filter(either));
    Ok((subscriber, LogGuard { file }))
}

/// What is told at a level: everything of ours, and of others what is a warning at least.
fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OWN_TARGETS.map(|target| (target, level)))
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Where every event goes.
struct Outputs {
    terminal: Option<(Targets, Mutex<Terminal>)>,
    file_targets: Targets,
    file: Arc<Mutex<RotatingFile>>,
    names: Names,
    now: fn() -> SystemTime,
}

impl<S: Subscriber> Layer<S> for Outputs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (target, level) = (event.metadata().target(), event.metadata().level());
        let mut event = LogEvent::new((self.now)(), event);
        event.name_members(&self.names);
        let outcome = if self.file_targets.would_enable(target, level) {
            lock(&self.file).append(&event)
        } else {
            Ok(())
        };
        let Some((targets, terminal)) = &self.terminal else {
            return;
        };
        let mut terminal = lock(terminal);
        if targets.would_enable(target, level) {
            terminal.show(&event);
        }
        if let Err(first_failure) = outcome {
            terminal.show(&LogEvent::file_failed(event.time, &first_failure));
        }
    }
}

/// A thread that panicked while it logged must not silence the others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
