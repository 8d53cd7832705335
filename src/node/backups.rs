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
        let pruned = made.and_then(|_| backup::prune(&dir, self.settings.keep.into()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Timestamp;
    use crate::chain::testing::START;
    use crate::clock::SteadyTime;
    use crate::store::{OpenOptions, RocksDisk};
    use std::fs;
    use std::sync::Mutex;
    use tempfile::TempDir;
    use tokio::time::Instant as Simulated;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// The wall clock goes with the simulated time, and is set.
    struct Set {
        begun: Simulated,
        ahead: Mutex<Duration>,
    }

    impl Clock for Set {
        fn wall(&self) -> Timestamp {
            let passed = self.begun.elapsed() + *self.ahead.lock().unwrap();
            START.plus_ms(u64::try_from(passed.as_millis()).unwrap())
        }

        fn steady(&self) -> SteadyTime {
            unreachable!("backups go by the wall clock")
        }
    }

    /// A node's database in a directory, and backups of it beside it.
    struct Scene {
        place: TempDir,
        disk: Arc<dyn Disk>,
        clock: Arc<Set>,
    }

    impl Scene {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            let data_dir = place.path().join("data");
            fs::create_dir(&data_dir).unwrap();
            let options = OpenOptions::new(Role::Peer);
            let disk = RocksDisk::open(&data_dir.join("db"), &options).unwrap();
            Self {
                place,
                disk: Arc::new(disk),
                clock: Arc::new(Set {
                    begun: Simulated::now(),
                    ahead: Mutex::default(),
                }),
            }
        }

        /// The node runs for so long, and then not.
        async fn runs(&self, time: Duration) {
            let backups = Backups {
                settings: BackupSettings {
                    every: "24h".parse().unwrap(),
                    keep: 2,
                    dir: PathBuf::new(),
                },
                dir: self.place.path().join("backups"),
                data_dir: self.place.path().join("data"),
                role: Role::Peer,
                reached_at: Vec::new(),
                disk: Arc::downgrade(&self.disk),
                clock: self.clock.clone(),
            };
            assert!(tokio::time::timeout(time, backups.run()).await.is_err());
        }

        /// Hours from the beginning to each backup that is there.
        fn made(&self) -> Vec<u64> {
            let entries = fs::read_dir(self.place.path().join("backups"));
            let paths = entries
                .into_iter()
                .flatten()
                .map(|entry| entry.unwrap().path());
            let manifests = paths.map(|path| backup::check(&path).unwrap());
            let hours = manifests.map(|manifest| manifest.made_at.since(START) / 3_600_000);
            let mut hours: Vec<_> = hours.collect();
            hours.sort_unstable();
            hours
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_a_day_is_made_and_the_last_ones_are_kept_over_restarts() {
        let scene = Scene::new();
        scene.runs(HOUR).await;
        assert_eq!(scene.made(), [0]);
        scene.runs(22 * HOUR).await;
        assert_eq!(scene.made(), [0]);
        scene.runs(24 * HOUR).await;
        assert_eq!(scene.made(), [0, 24]);
        scene.runs(48 * HOUR).await;
        assert_eq!(scene.made(), [48, 72]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_was_asleep_or_had_a_wrong_clock_makes_one_soon() {
        let scene = Scene::new();
        scene.runs(2 * HOUR).await;
        // Ten hours of sleep, of which the steady clock knows nothing, twice.
        for _ in 0..2 {
            *scene.clock.ahead.lock().unwrap() += 10 * HOUR;
            scene.runs(HOUR).await;
        }
        *scene.clock.ahead.lock().unwrap() += HOUR;
        scene.runs(HOUR).await;
        assert_eq!(scene.made(), [0, 25]);
        // A year ahead, and set right.
        *scene.clock.ahead.lock().unwrap() += 8_760 * HOUR;
        scene.runs(HOUR).await;
        *scene.clock.ahead.lock().unwrap() -= 8_760 * HOUR;
        scene.runs(HOUR).await;
        assert_eq!(scene.made(), [25, 27]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_failed_is_tried_again_within_the_hour() {
        let scene = Scene::new();
        let dir = scene.place.path().join("backups");
        fs::write(&dir, "in its way").unwrap();
        scene.runs(HOUR).await;
        fs::remove_file(&dir).unwrap();
        scene.runs(HOUR).await;
        assert_eq!(scene.made(), [1]);
    }
}
