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
