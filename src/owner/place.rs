//! Where a node keeps its files: what it wrote down, how much it takes, what its settings are.

use super::{Code, Peer, Refused};
use crate::logging::reading::latest;
use crate::logging::{DIRECTORY, FILE, LogEvent};
use crate::settings::Setting;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Lines of the log that one answer has at most: more than anybody reads in one go.
pub const MAX_LOG_LINES: usize = 200;

/// Files that are looked at for how much the node takes: RocksDB has some hundreds for 100 GB.
const MAX_FILES: usize = 100_000;

/// The place of a node.
pub(crate) struct NodePlace {
    data_dir: PathBuf,
    said: Vec<Setting>,
}

impl NodePlace {
    /// The node that keeps its files in `data_dir`, by settings that were `said` like this.
    pub(crate) fn new(data_dir: &Path, said: Vec<Setting>) -> Arc<Self> {
        Arc::new(Self {
            data_dir: data_dir.to_owned(),
            said,
        })
    }
}

/// Which lines of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The least weighty that is shown; all, if left out.
    pub level: Option<tracing::Level>,
    /// Of this part of the node alone.
    pub actor: Option<String>,
    /// That have a value which begins so: an id, an address, a name.
    pub about: Option<String>,
}

impl LogQuery {
    fn takes(&self, event: &LogEvent) -> bool {
        let weighty = self.level.is_none_or(|level| event.level <= level);
        let speaks = |actor: &String| event.actor.split("::").any(|part| part == actor);
        let concerns = |about: &String| {
            let mut values = event.fields.iter().filter_map(|(_, value)| value.as_str());
            values.any(|value| value.starts_with(about.as_str()))
        };
        weighty
            && self.actor.as_ref().is_none_or(speaks)
            && self.about.as_ref().is_none_or(concerns)
    }
}

impl Peer {
    /// The last lines of the log that are asked for, the latest first, [`MAX_LOG_LINES`] at most; and every part
    /// of the node that speaks in what was looked through.
    ///
    /// # Errors
    /// [`Code::Internal`] if the log can't be read, [`Code::Stopping`].
    pub async fn log(&self, query: LogQuery) -> Result<(Vec<LogEvent>, Vec<String>), Refused> {
        let path = self.place.data_dir.join(DIRECTORY).join(FILE);
        let read = move || {
            let events = latest(&path)?;
            let mut actors: Vec<String> = events.iter().map(|one| one.actor.clone()).collect();
            actors.sort();
            actors.dedup();
            let taken = events.into_iter().rev().filter(|one| query.takes(one));
            Ok::<_, std::io::Error>((taken.take(MAX_LOG_LINES).collect(), actors))
        };
        let read = self.runtime.spawn_blocking(read).await;
        let read = read.map_err(|_| Refused::new(Code::Stopping, "the node is stopping"))?;
        read.map_err(|error| {
            Refused::new(
                Code::Internal,
                format!("the log can't be read: {error}; see its directory's rights"),
            )
        })
    }

    /// Its settings, and who says so; empty where it runs without a settings file.
    pub fn settings(&self) -> &[Setting] {
        &self.place.said
    }

    /// Where it keeps its files.
    pub fn data_dir(&self) -> &Path {
        &self.place.data_dir
    }

    /// How many bytes its files take.
    ///
    /// # Errors
    /// [`Code::Stopping`].
    pub async fn bytes_on_disk(&self) -> Result<u64, Refused> {
        let directory = self.place.data_dir.clone();
        let counted = self.runtime.spawn_blocking(move || bytes_below(directory));
        counted
            .await
            .map_err(|_| Refused::new(Code::Stopping, "the node is stopping"))
    }
}

/// The sizes of all files below a directory; what goes meanwhile is passed over.
fn bytes_below(directory: PathBuf) -> u64 {
    let (mut bytes, mut seen, mut open) = (0_u64, 0, vec![directory]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            seen += 1;
            match entry.metadata() {
                Ok(found) if found.is_dir() && seen < MAX_FILES => open.push(entry.path()),
                Ok(found) if found.is_file() => bytes = bytes.saturating_add(found.len()),
                _ => {}
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_folders_is_counted_and_lines_are_chosen_by_level_part_and_value() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("one"), [0; 10]).unwrap();
        fs::write(dir.path().join("a/b/two"), [0; 32]).unwrap();
        assert_eq!(bytes_below(dir.path().to_owned()), 42);

        let line = r#"{"time":"2026-11-20T21:43:02.123Z","level":"INFO","actor":"ledger::blocks","event":"block connected","height":7,"block":"00ab12"}"#;
        let event: LogEvent = serde_json::from_str(line).unwrap();
        let takes = |level, actor: Option<&str>, about: Option<&str>| {
            let query = LogQuery {
                level,
                actor: actor.map(str::to_owned),
                about: about.map(str::to_owned),
            };
            query.takes(&event)
        };
        assert!(takes(None, None, None));
        assert!(takes(
            Some(tracing::Level::INFO),
            Some("ledger"),
            Some("00ab")
        ));
        assert!(!takes(Some(tracing::Level::WARN), None, None));
        assert!(!takes(None, Some("ledge"), None));
        assert!(!takes(None, None, Some("ab12")));
    }
}
