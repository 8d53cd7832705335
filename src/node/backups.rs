//! Backups that a node makes by itself.

use super::seams::Seams;
use crate::backup::{self, BackupError, Plan};
use crate::clock::Clock;
use crate::logging::Time;
use crate::settings::BackupSettings;
use crate::store::{Disk, Role};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a node is up before it makes the first: a start has enough to do.
const AFTER_START: Duration = Duration::from_secs(60);

/// After how long one that failed is tried again, if the next is not due before.
const AGAIN: Duration = Duration::from_secs(3_600);

/// What makes them.
pub(super) struct Backups {
    settings: BackupSettings,
    dir: PathBuf,
    data_dir: PathBuf,
    role: Role,
    reached_at: Vec<String>,
    disk: Weak<dyn Disk>,
    clock: Arc<dyn Clock>,
}

impl Backups {
    /// Of the node with these settings.
    pub(super) fn new(
        settings: &BackupSettings,
        data_dir: &Path,
        (role, reached_at): (Role, Vec<String>),
        seams: &Seams,
    ) -> Self {
        Self {
            settings: settings.clone(),
            dir: settings.dir(data_dir),
            data_dir: data_dir.to_owned(),
            role,
            reached_at,
            disk: Arc::downgrade(&seams.disk),
            clock: seams.clock.clone(),
        }
    }

    /// Makes one whenever it is time; never returns.
    pub(super) async fn run(self) {
        let Some(every) = self.settings.every.ms().map(Duration::from_millis) else {
            return std::future::pending().await;
        };
        let this = Arc::new(self);
        let mut pause = AFTER_START.max(this.due_in(every));
        loop {
            tokio::time::sleep(pause).await;
            let making = this.clone();
            // Cut short by the end of the node, it leaves nothing but what says that it is not whole.
            let made = tokio::task::spawn_blocking(move || making.make()).await;
            pause = match made {
                Ok(true) => every,
                Ok(false) | Err(_) => every.min(AGAIN),
            };
        }
    }

    /// How long until the next is due.
    fn due_in(&self, every: Duration) -> Duration {
        let last = backup::last(&self.data_dir);
        let since = last.map(|last| self.clock.wall().since(last.made_at));
        since.map_or(Duration::ZERO, |since| {
            every.saturating_sub(Duration::from_millis(since))
        })
    }

    /// Whether it was made.
    fn make(&self) -> bool {
        let begun = Instant::now();
        let now = self.clock.wall();
        let moment = Time::from_unix_ms(now.0).to_string().replace(':', "-");
        let dir = self.dir.join(format!("backup-{moment}"));
        let plan = Plan {
            dir: &dir,
            data_dir: &self.data_dir,
            role: self.role,
            reached_at: self.reached_at.clone(),
            wallet: None,
            now,
        };
        let made = backup::make(&plan, |to| {
            let ended = || BackupError::NotCopied("the node has ended".to_owned());
            let disk = self.disk.upgrade().ok_or_else(ended)?;
            Ok(disk.checkpoint(to)?)
        });
        let pruned = made.and_then(|_| backup::prune(&self.dir, self.settings.keep.into()));
        match pruned {
            Ok(()) => {
                let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(dir = %dir.display(), elapsed_ms, "backup made");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "no backup could be made: it is tried again within the hour");
                false
            }
        }
    }
}
