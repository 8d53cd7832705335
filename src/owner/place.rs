//! Where a node keeps its files: what it wrote down, how much it takes, what its settings are.

use super::answers::{Cursor, LogView, SettingsView};
use super::pages::not_a_cursor;
use super::{BackupPlace, Code, Page, Refused};
use crate::backup;
use crate::chain::Timestamp;
use crate::keys::{Stored, WalletFile};
use crate::logging::reading::{LogPlace, earlier};
use crate::logging::{DIRECTORY, FILE, LogEvent};
use crate::readable::Typed;
use crate::settings::{LogLevel, Patience, Setting};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;

/// Lines of the log in one answer, if it is not said how many.
const LINES: usize = 100;

/// Lines of the log that one answer has at most: more than anybody reads in one go.
pub const MAX_LOG_LINES: usize = 1_000;

/// Files that are looked at for how much the node takes: RocksDB has some hundreds for 100 GB.
const MAX_FILES: usize = 100_000;

/// The place of a node.
pub struct NodePlace {
    pub(super) data_dir: PathBuf,
    pub(super) backups: BackupPlace,
    /// Whether a backup is being made.
    pub(super) is_backing_up: AtomicBool,
    said: Vec<Setting>,
    /// Makes commands such that they work when typed.
    typed: Typed,
    /// Files are read beside everything else.
    runtime: Handle,
}

/// Which lines of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The least weighty that is shown; all, if left out.
    pub level: Option<LogLevel>,
    /// Of this part of the node alone.
    pub actor: Option<String>,
    /// That have a value which begins so: an id, an address, a name.
    pub about: Option<String>,
    /// Which part.
    pub page: Page,
}

impl LogQuery {
    fn takes(&self, event: &LogEvent) -> bool {
        let least = self.level.map(LevelFilter::from);
        let weighty = least.is_none_or(|least| event.level <= least);
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

impl NodePlace {
    /// The node that keeps its files in `data_dir`, by settings that were `said` like this, for which commands are
    /// `typed` like that; made within the runtime that reads them.
    pub(crate) fn new(
        data_dir: &Path,
        said: Vec<Setting>,
        typed: Typed,
        backups: BackupPlace,
    ) -> Arc<Self> {
        // Whoever reads where its files are does so somewhere else.
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Arc::new(Self {
            data_dir: whole(data_dir),
            backups: BackupPlace {
                dir: whole(&backups.dir),
                ..backups
            },
            is_backing_up: AtomicBool::new(false),
            said,
            typed,
            runtime: Handle::current(),
        })
    }

    /// Makes the commands in what is told of this node such that they work when typed.
    pub fn typed(&self) -> &Typed {
        &self.typed
    }

    /// The lines of the log that are asked for, the latest first.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::Internal`] if the log can't be read,
    /// [`Code::Stopping`].
    pub async fn log(&self, query: LogQuery) -> Result<LogView, Refused> {
        let limit = query.page.limit(LINES, MAX_LOG_LINES)?;
        let before = query.page.after.as_ref().map(|cursor| {
            let place = cursor.0.parse::<LogPlace>();
            place.map_err(|_| not_a_cursor(cursor))
        });
        let before = before.transpose()?;
        let path = self.data_dir.join(DIRECTORY).join(FILE);
        let read = move || earlier(&path, before, limit, |event| query.takes(event));
        let part = self.beside(read).await?.map_err(|error| {
            Refused::new(
                Code::Internal,
                format!("the log can't be read: {error}; see its directory's rights"),
            )
        })?;
        Ok(LogView {
            lines: part.events.into_iter().map(Into::into).collect(),
            next: part.next.map(|place| Cursor(place.to_string())),
        })
    }

    /// What a setting says, where that is a text and known.
    fn said(&self, key: &str) -> Option<&str> {
        let setting = self.said.iter().find(|setting| setting.key == key);
        setting.and_then(|setting| setting.value.as_str())
    }

    /// After how many milliseconds in company a send goes by way of the network as well; `None` for never.
    pub fn by_network_after_ms(&self) -> Option<u64> {
        let after = self.said("delivery.by_network_after")?;
        after.parse::<Patience>().ok()?.ms()
    }

    /// Whether the wallet file has a passphrase; `None` where it can't be read.
    ///
    /// # Errors
    /// [`Code::Stopping`].
    pub async fn wallet_is_locked(&self) -> Result<Option<bool>, Refused> {
        let Some(path) = self.said("wallet.file") else {
            return Ok(None);
        };
        let file = WalletFile::new(Path::new(path));
        let stored = self.beside(move || file.read()).await?;
        Ok(stored
            .ok()
            .map(|stored| matches!(stored, Stored::Locked(_))))
    }

    /// Where its files are and how much they take, and its settings.
    ///
    /// # Errors
    /// [`Code::Stopping`].
    pub async fn settings(&self) -> Result<SettingsView, Refused> {
        let directory = self.data_dir.clone();
        Ok(SettingsView {
            data_dir: self.data_dir.display().to_string(),
            bytes_on_disk: self.beside(|| bytes_below(directory)).await?,
            last_backup: self.last_backup().await?,
            backups_in: self.backups_in(),
            settings: self.said.iter().map(Into::into).collect(),
        })
    }

    /// When the last backup was made, if one ever was.
    ///
    /// # Errors
    /// [`Code::Stopping`].
    pub async fn last_backup(&self) -> Result<Option<Timestamp>, Refused> {
        let directory = self.data_dir.clone();
        let last = self.beside(move || backup::last(&directory)).await?;
        Ok(last.map(|last| last.made_at))
    }

    /// The directory that backups are made in, unless another is named.
    pub fn backups_in(&self) -> String {
        self.backups.dir.display().to_string()
    }

    pub(super) async fn beside<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let read = self.runtime.spawn_blocking(read).await;
        read.map_err(|_| Refused::stopping())
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
                page: Page::default(),
            };
            query.takes(&event)
        };
        assert!(takes(None, None, None));
        assert!(takes(Some(LogLevel::Info), Some("ledger"), Some("00ab")));
        assert!(!takes(Some(LogLevel::Warn), None, None));
        assert!(!takes(None, Some("ledge"), None));
        assert!(!takes(None, None, Some("ab12")));
    }
}
