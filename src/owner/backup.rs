//! Making a backup while the node goes on: what the command `node backup` makes of a node that runs.

use super::answers::{BackupRequest, BackupView};
use super::{Code, NodePlace, Refused};
use crate::backup::{self, BackupError, Plan};
use crate::clock::Clock;
use crate::logging::Time;
use crate::store::{Disk, Role};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the names of backups begin with that are made on a word. Others than those that a node makes by itself
/// stay until somebody deletes them.
const ON_A_WORD: &str = "on-demand-";

/// Where a node's backups go, and what they say of it.
pub(crate) struct BackupPlace {
    /// The directory that they are made in.
    pub(crate) dir: PathBuf,
    /// What the node is.
    pub(crate) role: Role,
    /// Where it is reached.
    pub(crate) reached_at: Vec<String>,
    /// What is copied: the node's alone, which nobody keeps open longer than it lives.
    pub(crate) disk: Weak<dyn Disk>,
    /// Says when one was made.
    pub(crate) clock: Arc<dyn Clock>,
}

/// That one is being made; ends with this.
struct Making<'a>(&'a AtomicBool);

impl<'a> Making<'a> {
    fn begin(made: &'a AtomicBool) -> Result<Self, Refused> {
        if made.swap(true, Ordering::AcqRel) {
            let detail = "a backup is being made already: it is there in a moment";
            return Err(Refused::new(Code::AlreadyRunning, detail));
        }
        Ok(Self(made))
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Why a directory that was named is none.
pub(super) fn not_whole(dir: &Path) -> String {
    format!(
        "“{}” is no whole path: begin it with /, as in /home/ann/backups",
        dir.display()
    )
}

impl NodePlace {
    /// Makes a backup of the node, without its wallet: into a directory that is not there yet, or one of its own
    /// below the place that the settings name for backups. It takes as long as the disk does, one at a time.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::NotCopied`], [`Code::AlreadyRunning`], [`Code::Stopping`].
    pub async fn back_up(self: &Arc<Self>, wanted: &BackupRequest) -> Result<BackupView, Refused> {
        let now = self.backups.clock.wall();
        let dir = match &wanted.dir {
            Some(dir) if dir.is_absolute() => dir.clone(),
            Some(dir) => {
                let detail = not_whole(dir);
                return Err(Refused::new(Code::BadParameter, detail));
            }
            None => {
                let moment = Time::from_unix_ms(now.0).to_string().replace(':', "-");
                self.backups.dir.join(format!("{ON_A_WORD}{moment}"))
            }
        };
        let own = self.clone();
        let made = self.beside(move || {
            let _making = Making::begin(&own.is_backing_up)?;
            let plan = Plan {
                dir: &dir,
                data_dir: &own.data_dir,
                role: own.backups.role,
                reached_at: own.backups.reached_at.clone(),
                wallet: None,
                now,
            };
            let made = backup::make(&plan, |to| {
                let ended =
                    || BackupError::NotCopied("the node has ended: start it again".to_owned());
                Ok(own
                    .backups
                    .disk
                    .upgrade()
                    .ok_or_else(ended)?
                    .checkpoint(to)?)
            });
            let manifest =
                made.map_err(|error| Refused::new(Code::NotCopied, error.to_string()))?;
            tracing::info!(dir = %dir.display(), "backup made for its owner");
            Ok(BackupView {
                made_at: now,
                files: manifest.files.len() as u64,
                bytes: manifest.files.iter().map(|file| file.bytes).sum(),
                height: manifest.tip.map(|tip| tip.height),
                dir,
            })
        });
        made.await?
    }
}
