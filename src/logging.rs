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
//! `.1` to `.2` and so on; `log.files` of them are kept. If the file can't be written (a full
//! disk), the node goes on, says so once on the terminal, tries again with each line, and when it
//! succeeds, logs how many lines were lost.
//!
//! # Nobody waits
//!
//! Both are written by threads of their own, so that neither a paused terminal nor a full pipe nor a
//! hanging disk stops the node. Lines wait for them in memory, [`TERMINAL_ROOM`] and [`FILE_ROOM`]
//! bytes at most; further ones are counted, and how many are missing is said where they are missing,
//! once lines are taken again. They are not held back otherwise: a killed process loses those of its
//! last milliseconds at most, and one that stops waits [`TERMINAL_PATIENCE`] and [`FILE_PATIENCE`]
//! for them.

mod event;
mod levels;
mod names;
pub mod reading;
mod rotating_file;
mod sentence;
mod terminal;
mod time;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;

use crate::readable::Typed;
use crate::settings::{LogLevel, LogSettings};

pub use event::{LogEvent, MAX_TEXT_BYTES};
pub use levels::{PARTS, UnknownPart, set_level, usual_levels};
pub use names::Names;
pub use sentence::short_address;
pub use terminal::{colours_for, for_people};
pub use time::{NotATime, Time, Zone};

use levels::{LEVELS, Levels};
use rotating_file::RotatingFile;
use terminal::{Look, Terminal};
use writer::{Sink, Writer};

/// The directory of the log files, within the data directory.
pub const DIRECTORY: &str = "logs";

/// The name of the current log file; older ones have `.1`, `.2` … behind it.
pub const FILE: &str = "node.jsonl";

/// Bytes of lines that may wait for the terminal: some thousand, more than anybody scrolls back.
pub const TERMINAL_ROOM: usize = 1 << 20;

/// Bytes of lines that may wait for the file: a few seconds of everything a busy node writes down, for
/// a disk that is slow.
pub const FILE_ROOM: usize = 8 << 20;

/// How long the end of a node waits until the terminal has taken what waits for it: one that takes
/// anything takes it at once.
pub const TERMINAL_PATIENCE: Duration = Duration::from_millis(500);

/// How long the end of a node waits for the file.
pub const FILE_PATIENCE: Duration = Duration::from_secs(5);

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
    /// There is no room for the threads that write.
    #[error(
        "can't start a thread that writes the log: {source}. Give this user more threads (ulimit -u)"
    )]
    Thread {
        /// What the operating system said.
        source: io::Error,
    },
    /// Something else in this process receives the events already.
    #[error("logging was started twice in one process, which is a fault of this program")]
    AlreadyStarted,
}

/// Keeps the log. Dropped at the very end, it makes what was logged outlast a power cut.
#[must_use = "dropped at once, it can't see the last lines to the disk"]
pub struct LogGuard {
    writers: Arc<Writers>,
    levels: Arc<Levels>,
}

impl std::fmt::Debug for LogGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogGuard").finish_non_exhaustive()
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        // The file first: what fails there is told on the terminal.
        self.writers.file.end(FILE_PATIENCE);
        if let Some(terminal) = &self.writers.terminal {
            terminal.end(TERMINAL_PATIENCE);
        }
    }
}

/// The writers of this process, once it logs.
static WRITERS: OnceLock<Arc<Writers>> = OnceLock::new();

/// Waits until what was logged is written, as far as it is taken: for a process that ends on the spot.
pub fn flush() {
    if let Some(writers) = WRITERS.get() {
        writers.flush();
    }
}

/// Starts logging for the whole process: into `DATA_DIR/logs/node.jsonl`, which is made with its
/// directories where needed, and to standard error as well, where the commands in a text are made such
/// that they work when `typed`; members go by their `names`.
///
/// # Errors
///
/// [`LoggingError::File`] if the file can't be opened, [`LoggingError::Thread`] without room for the
/// threads that write, [`LoggingError::AlreadyStarted`] the second time.
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
    // The first and only: a second start was refused above.
    let _ = WRITERS.set(Arc::clone(&guard.writers));
    let _ = LEVELS.set(Arc::clone(&guard.levels));
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
    let file_level = LevelFilter::from(log.file_level);
    let level = terminal.as_ref().map(|_| LevelFilter::from(log.level));
    let levels = Levels::new(level, file_level);
    let look = terminal.as_ref().map(|terminal| Arc::clone(&terminal.look));
    let thread = |source| LoggingError::Thread { source };
    let terminal = terminal
        .map(|terminal| Writer::start("terminal", TERMINAL_ROOM, terminal))
        .transpose()
        .map_err(thread)?
        .map(Arc::new);
    let sink = LogFile {
        file,
        terminal: terminal.clone().zip(look.clone()),
    };
    let writers = Arc::new(Writers {
        file: Writer::start("log file", FILE_ROOM, sink).map_err(thread)?,
        terminal,
    });
    let outputs = Outputs {
        levels: Arc::clone(&levels),
        look,
        writers: Arc::clone(&writers),
        names,
        now,
    };
    let (either, handle) = reload::Layer::new(levels.either());
    levels.reloads(handle);
    let subscriber = Registry::default().with(outputs.with_filter(either));
    Ok((subscriber, LogGuard { writers, levels }))
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

/// The threads that write.
struct Writers {
    file: Writer,
    terminal: Option<Arc<Writer>>,
}

impl Writers {
    fn flush(&self) {
        self.file.flush(FILE_PATIENCE);
        if let Some(terminal) = &self.terminal {
            terminal.flush(TERMINAL_PATIENCE);
        }
    }
}

/// The log file, and who is told when it can't be written.
struct LogFile {
    file: RotatingFile,
    terminal: Option<(Arc<Writer>, Arc<Look>)>,
}

impl Sink for LogFile {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        self.file.append(lines)
    }

    fn lost(&self, time: Time, lines: u64) -> String {
        LogEvent::lines_lost(time, lines).to_json()
    }

    fn failed(&mut self, time: Time, error: &io::Error) {
        if let Some((terminal, look)) = &self.terminal {
            let event = LogEvent::file_failed(time, error);
            terminal.offer(time, look.line(&event));
        }
    }

    fn sync(&mut self) {
        self.file.sync();
    }
}

/// Where every event goes.
struct Outputs {
    levels: Arc<Levels>,
    /// How the terminal shows it, if there is one.
    look: Option<Arc<Look>>,
    writers: Arc<Writers>,
    names: Names,
    now: fn() -> SystemTime,
}

impl<S: Subscriber> Layer<S> for Outputs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (shown, written) = self.levels.take(event.metadata());
        let mut event = LogEvent::new((self.now)(), event);
        event.name_members(&self.names);
        if written {
            self.writers.file.offer(event.time, event.to_json());
        }
        if let (Some(terminal), Some(look)) = (&self.writers.terminal, &self.look)
            && shown
        {
            terminal.offer(event.time, look.line(&event));
        }
    }
}

/// A thread that panicked while it logged must not silence the others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
