//! Backups that a node makes by itself.

#[cfg(test)]
mod tests;

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

/// How often it is looked whether one is due: by the wall clock, since time does not pass for a machine that is
/// asleep, and a laptop may be for most of the day.
const LOOK: Duration = Duration::from_secs(600);

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
        let mut pause = AFTER_START;
        loop {
            tokio::time::sleep(pause).await;
            let due = this.due_in(every);
            if !due.is_zero() {
                pause = due.min(LOOK);
                continue;
            }
            let making = this.clone();
            // Cut short by the end of the node, it leaves nothing but what says that it is not whole.
            let made = tokio::task::spawn_blocking(move || making.make()).await;
            pause = match made {
                Ok(true) => every.min(LOOK),
                Ok(false) | Err(_) => every.min(AGAIN),
            };
        }
    }

    /// How long until the next is due. One that was made at a time which is still to come was made while the
    /// clock was wrong, and says nothing.
    fn due_in(&self, every: Duration) -> Duration {
        let now = self.clock.wall();
        let last = backup::last(&self.data_dir).map(|last| last.made_at);
        let last = last.filter(|made_at| *made_at <= now);
        last.map_or(Duration::ZERO, |made_at| {
            every.saturating_sub(Duration::from_millis(now.since(made_at)))
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
        // One that could not be noted is made again within the hour, so older ones go all the same.
        let is_there = matches!(made, Ok(_) | Err(BackupError::NotNoted { .. }));
        let pruned = match is_there {
            true => backup::prune(&dir, self.settings.keep.into()),
            false => Ok(()),
        };
        match made.map(drop).and(pruned) {
            Ok(()) => {
                let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(dir = %dir.display(), elapsed_ms, "backup made");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a backup failed: it is tried again within the hour");
                false
            }
        }
    }
}
