//! What is told at which level, and what of that is changed for a while on a running node.

use super::{OWN_TARGETS, targets};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::Handle;

/// Where the code of a part lies, by the beginning of its path.
const PLACES: [&str; 6] = ["", "actors::", "shell::", "protocol::", "node::", "http::"];

/// Parts whose level can be asked for.
pub const PARTS: [&str; 24] = [
    "actors",
    "chain",
    "clocks",
    "gossip",
    "http",
    "inbox",
    "introducer",
    "ledger",
    "liveness_probe",
    "logging",
    "miner",
    "net",
    "node",
    "outbox",
    "owner",
    "peer",
    "peer_session",
    "protocol",
    "registry",
    "retry_queue",
    "shell",
    "store",
    "tracker",
    "tracker_link",
];

/// What is told where.
struct State {
    /// On the terminal.
    shown: Targets,
    /// In the file.
    written: Targets,
    changed: BTreeMap<String, LevelFilter>,
    until: Option<Instant>,
}

/// The levels of this process.
pub(super) struct Levels {
    usual: (LevelFilter, LevelFilter),
    terminal: bool,
    state: RwLock<State>,
    /// What neither output takes is asked for once a place in the code, and costs nothing.
    either: OnceLock<Handle<Targets, Registry>>,
}

impl Levels {
    /// Those of the settings, on the terminal, if there is one, and in the file.
    pub(super) fn new(shown: Option<LevelFilter>, written: LevelFilter) -> Arc<Self> {
        let usual = (shown.unwrap_or(LevelFilter::OFF), written);
        Arc::new(Self {
            usual,
            terminal: shown.is_some(),
            state: RwLock::new(State {
                shown: targets(usual.0),
                written: targets(usual.1),
                changed: BTreeMap::new(),
                until: None,
            }),
            either: OnceLock::new(),
        })
    }

    /// What either output takes.
    pub(super) fn either(&self) -> Targets {
        self.with(self.usual.0.max(self.usual.1), &self.read().changed)
    }

    /// By this it is changed what either output takes.
    pub(super) fn reloads(&self, handle: Handle<Targets, Registry>) {
        // The first and only.
        let _ = self.either.set(handle);
    }

    fn with(&self, usual: LevelFilter, changed: &BTreeMap<String, LevelFilter>) -> Targets {
        let mut all = targets(usual);
        for (part, level) in changed {
            for own in OWN_TARGETS {
                let places = PLACES.map(|place| format!("{own}::{place}{part}"));
                all = all.with_targets(places.map(|target| (target, *level)));
            }
        }
        all
    }

    /// Whether terminal and file take it.
    pub(super) fn take(&self, event: &Metadata<'_>) -> (bool, bool) {
        let (target, level) = (event.target(), event.level());
        let taken = |state: &State| {
            let shown = self.terminal && state.shown.would_enable(target, level);
            (shown, state.written.would_enable(target, level))
        };
        let state = self.read();
        if state.until.is_some_and(|until| until <= Instant::now()) {
            drop(state);
            self.change(None, None);
            return taken(&self.read());
        }
        taken(&state)
    }

    /// Changes the level of one part, or of none, which brings all of them back to the settings.
    fn change(&self, part: Option<(&str, LevelFilter)>, lasts: Option<Duration>) {
        let mut state = self.write();
        match part {
            Some((part, level)) => drop(state.changed.insert(part.to_owned(), level)),
            None => state.changed.clear(),
        }
        state.until = lasts.map(|lasts| Instant::now() + lasts);
        state.shown = self.with(self.usual.0, &state.changed);
        state.written = self.with(self.usual.1, &state.changed);
        drop(state);
        if let Some(handle) = self.either.get() {
            // The subscriber is gone at the end of the process only.
            let _ = handle.reload(self.either());
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The levels of this process, once it logs.
pub(super) static LEVELS: OnceLock<Arc<Levels>> = OnceLock::new();

/// It is no part of the node that logs by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no part {0:?}: there are {list}", list = PARTS.join(", "))]
pub struct UnknownPart(pub String);

/// Has a part of this node tell more, or less, than the settings say: on the terminal and in the file, until
/// the node stops, or for so long.
///
/// # Errors
/// [`UnknownPart`].
pub fn set_level(
    part: &str,
    level: crate::settings::LogLevel,
    lasts: Option<Duration>,
) -> Result<(), UnknownPart> {
    if !PARTS.contains(&part) {
        return Err(UnknownPart(part.to_owned()));
    }
    if let Some(levels) = LEVELS.get() {
        levels.change(Some((part, level.into())), lasts);
    }
    Ok(())
}

/// Brings all parts back to the levels of the settings.
pub fn usual_levels() {
    if let Some(levels) = LEVELS.get() {
        levels.change(None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use tracing::Level;

    #[test]
    fn each_part_is_in_the_source() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for part in PARTS {
            let there = PLACES.iter().any(|place| {
                let at = src.join(place.trim_end_matches("::")).join(part);
                at.is_dir() || at.with_extension("rs").is_file()
            });
            assert!(there, "{part}");
        }
    }

    #[test]
    fn a_part_tells_more_for_a_while_and_no_other_does() {
        let levels = Levels::new(Some(LevelFilter::INFO), LevelFilter::INFO);
        let takes = |target: &str| {
            let state = levels.read();
            state.shown.would_enable(target, &Level::DEBUG)
        };
        assert!(!takes("raclette::chain::tree"));
        levels.change(Some(("chain", LevelFilter::DEBUG)), Some(Duration::ZERO));
        assert!(takes("raclette::chain::tree") && !takes("raclette::actors::miner"));
        assert!(
            levels
                .either()
                .would_enable("raclette::chain", &Level::DEBUG)
        );
        // The next event of anybody finds that its time is over.
        let until = levels.read().until.unwrap();
        assert!(until <= Instant::now());
        levels.change(None, None);
        assert!(!takes("raclette::chain::tree"));
        levels.change(Some(("miner", LevelFilter::TRACE)), None);
        assert!(takes("raclette::actors::miner"));
    }
}
