//! What happened in a simulated network, and when: two runs of one seed have the same trace.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer};

/// The last events that are kept in words; the hash knows all.
const KEPT: usize = 20_000;

thread_local! {
    /// Whose code is running on this thread.
    static HOST: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The host whose code is running on this thread.
pub fn current_host() -> Option<usize> {
    HOST.get()
}

/// The events of one simulation.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Tape>>);

struct Tape {
    begun: Instant,
    names: Vec<String>,
    hasher: blake3::Hasher,
    kept: VecDeque<String>,
    troubles: Vec<Trouble>,
}

/// Something that a node logged and that should not be.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Whether it says that it failed; if not, it accuses somebody.
    pub is_error: bool,
    /// Its words.
    pub text: String,
}

impl Tape {
    fn add(&mut self, text: &str, hashed: bool) {
        let elapsed = self.begun.elapsed().as_millis();
        let (seconds, ms) = (elapsed / 1_000, elapsed % 1_000);
        let who = HOST.get().and_then(|host| self.names.get(host));
        let who = who.map_or("world", String::as_str);
        let line = format!("{seconds:>6}.{ms:03} {who:<8} {text}");
        if hashed {
            self.hasher.update(line.as_bytes()).update(b"\n");
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(line);
    }
}

impl Trace {
    /// Nothing yet. `names` are those of the hosts.
    pub fn new(begun: Instant, names: Vec<String>) -> Self {
        Self(Arc::new(Mutex::new(Tape {
            begun,
            names,
            hasher: blake3::Hasher::new(),
            kept: VecDeque::new(),
            troubles: Vec::new(),
        })))
    }

    /// Adds an event of whoever is running.
    pub fn event(&self, text: &str) {
        self.tape().add(text, true);
    }

    /// Adds an event of whoever is running that the hash does not know.
    pub fn remark(&self, text: &str) {
        self.tape().add(text, false);
    }

    /// Errors and accusations since the last call.
    pub fn take_troubles(&self) -> Vec<Trouble> {
        std::mem::take(&mut self.tape().troubles)
    }

    /// Adds bytes on a line, which only the hash remembers.
    pub fn bytes(&self, from: usize, to: usize, bytes: &[u8]) {
        let mut tape = self.tape();
        let elapsed = tape.begun.elapsed().as_millis() as u64;
        let hasher = &mut tape.hasher;
        hasher.update(&elapsed.to_le_bytes());
        hasher.update(&[from as u8, to as u8]);
        hasher.update(bytes);
    }

    /// The hash of all of it so far.
    pub fn hash(&self) -> String {
        self.tape().hasher.finalize().to_hex()[..16].to_owned()
    }

    /// The last events, one a line.
    pub fn lines(&self) -> Vec<String> {
        self.tape().kept.iter().cloned().collect()
    }

    /// A panic ends the simulation anyway.
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what belongs to one host, and remembers whose it is.
pub struct OnHost<F> {
    host: usize,
    work: Pin<Box<F>>,
}

impl<F: Future> OnHost<F> {
    /// `work` of `host`.
    pub fn new(host: usize, work: F) -> Self {
        let work = Box::pin(work);
        Self { host, work }
    }
}

impl<F: Future> Future for OnHost<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = HOST.replace(Some(self.host));
        let polled = self.work.as_mut().poll(context);
        HOST.set(before);
        polled
    }
}

/// Puts what the nodes log into the trace: what weighs less than [`Level::INFO`] in words alone, so that a
/// trace has one hash however much of it is to be seen.
pub struct Logged {
    /// The trace.
    pub trace: Trace,
    /// The least weighty that is kept.
    pub level: Level,
}

impl<S: Subscriber> Layer<S> for Logged {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        let level = *event.metadata().level();
        let mut text = Text(String::new());
        if level != Level::INFO {
            text.0.push_str(level.as_str());
            text.0.push(' ');
        }
        event.record(&mut text);
        let is_error = level == Level::ERROR;
        if is_error || text.0.contains("broke a rule") {
            let text = text.0.clone();
            self.trace.tape().troubles.push(Trouble { is_error, text });
        }
        match level > Level::INFO {
            true => self.trace.remark(&text.0),
            false => self.trace.event(&text.0),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        *metadata.level() <= self.level && metadata.target().starts_with("raclette")
    }
}

/// An event in words.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
