//! What a database on a real disk goes through: restarts, cut logs, killed nodes, wrong owners.

use super::tests::{
    Model, agrees_with_model, apply, batch, contents, pages_are_bounded_in_bytes, steps,
};
use super::*;
use crate::canonical;
use proptest::prelude::*;
use std::fs::{self, File, OpenOptions as FileOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Where a test that runs as a process of its own finds its database.
const CHILD_DIR: &str = "RACLETTE_TEST_STORE_DIR";

fn open_as(path: &Path, role: Role) -> Result<RocksDisk, DiskError> {
    RocksDisk::open(path, &OpenOptions::new(role))
}

fn open(path: &Path) -> Result<RocksDisk, DiskError> {
    open_as(path, Role::Peer)
}

/// `RocksDisk` has no `Debug`, which `unwrap_err` asks for.
fn refusal(opened: Result<RocksDisk, DiskError>) -> DiskError {
    opened.err().expect("the database was opened")
}

/// The batch that commit `n` makes: rows in several tables, one of them replaced and one removed by
/// the next, so that the rows after commit `n` are those after no other.
fn numbered_batch(n: u64) -> Vec<RowChange> {
    let mut batch = vec![
        RowChange::put(Table::Active, ordered_key(n), n.to_le_bytes()),
        RowChange::put(Table::State, *b"count", n.to_le_bytes()),
        RowChange::put(Table::Open, ordered_key(n), [n.to_le_bytes()[0]; 40]),
    ];
    if let Some(earlier) = n.checked_sub(1) {
        batch.push(RowChange::remove(Table::Open, ordered_key(earlier)));
    }
    batch
}

/// The rows after each number of commits, none included.
fn numbered_models(commits: u64) -> Vec<Model> {
    let mut models = vec![Model::new()];
    let mut model = Model::new();
    for n in 0..commits {
        apply(&mut model, &numbered_batch(n));
        models.push(model.clone());
    }
    models
}

proptest! {
    // Each case makes a database, which costs dozens of syncs.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rocks_agrees_with_the_model_and_keeps_its_rows(steps in steps(), more in batch()) {
        let dir = TempDir::new().unwrap();
        let disk = open(dir.path()).unwrap();
        let mut model = agrees_with_model(&disk, &steps);
        drop(disk);
        let disk = open(dir.path()).unwrap();
        prop_assert_eq!(&contents(&disk), &model);
        disk.commit(&more).unwrap();
        apply(&mut model, &more);
        drop(disk);
        prop_assert_eq!(contents(&open(dir.path()).unwrap()), model);
    }
}

#[test]
fn rocks_pages_are_bounded_in_bytes() {
    let dir = TempDir::new().unwrap();
    pages_are_bounded_in_bytes(&open(dir.path()).unwrap());
}

/// Memory for so few rows that a handful of commits fills it.
fn open_with_small_memory(path: &Path) -> RocksDisk {
    let options = OpenOptions {
        write_buffer_bytes: 256 << 10,
        ..OpenOptions::new(Role::Peer)
    };
    RocksDisk::open(path, &options).unwrap()
}

fn large_row(n: u64) -> RowChange {
    let value = vec![n.to_le_bytes()[0]; 10_000];
    RowChange::put(Table::Bodies, ordered_key(n), value)
}

#[test]
fn rows_outlive_many_flushes_of_a_small_memory() {
    const COMMITS: u64 = 200;
    let dir = TempDir::new().unwrap();
    let mut model = Model::new();
    let disk = open_with_small_memory(dir.path());
    for n in 0..COMMITS {
        disk.commit(&[large_row(n)]).unwrap();
        apply(&mut model, &[large_row(n)]);
    }
    drop(disk);
    let tables = files_ending(dir.path(), "sst");
    assert!(tables.len() > 1, "the memory was flushed on the way");
    assert_eq!(contents(&open(dir.path()).unwrap()), model);
}

#[test]
fn a_disk_that_failed_once_takes_nothing_until_it_is_opened_again() {
    let parent = TempDir::new().unwrap();
    let (here, away) = (parent.path().join("here"), parent.path().join("away"));
    let disk = open_with_small_memory(&here);
    // Open files stay writable; the first new one cannot be made.
    fs::rename(&here, &away).unwrap();
    let mut model = Model::new();
    let mut commits = (0..1_000).map(|n| {
        let done = disk.commit(&[large_row(n)]);
        done.inspect(|()| apply(&mut model, &[large_row(n)]))
    });
    let error = commits.find_map(Result::err).expect("a failed commit");
    fs::rename(&away, &here).unwrap();
    let late = [RowChange::put(Table::Open, *b"late", *b"row")];
    assert_eq!(disk.commit(&late), Err(error));
    drop(disk);
    let disk = open(&here).unwrap();
    assert_eq!(contents(&disk), model);
    disk.commit(&late).unwrap();
}

#[test]
fn every_commit_is_synced_once() {
    let dir = TempDir::new().unwrap();
    let options = OpenOptions::new(Role::Peer);
    let mut database = tuning::database_options(&options);
    database.enable_statistics();
    let disk = RocksDisk::open_with(dir.path(), &options, &database).unwrap();
    let syncs = || database.get_ticker_count(rocksdb::statistics::Ticker::WalFileSynced);
    let before = syncs();
    for n in 0..10 {
        disk.commit(&numbered_batch(n)).unwrap();
        assert_eq!(syncs() - before, n + 1);
    }
}

// --- Cut logs and killed nodes

fn files_ending(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let file = entry.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// What a power cut makes of the end of a log.
#[derive(Clone, Copy)]
enum Damage {
    /// It was not written.
    Missing,
    /// The file had grown already, but its new blocks were not written.
    Zeros,
    /// They hold what stood there before.
    Rubbish,
}

fn damage_tail(log: &Path, bytes: u64, damage: Damage) {
    let mut file = FileOptions::new().write(true).open(log).unwrap();
    let from = file.metadata().unwrap().len() - bytes;
    let tail = usize::try_from(bytes).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    match damage {
        Damage::Missing => file.set_len(from).unwrap(),
        Damage::Zeros => file.write_all(&vec![0; tail]).unwrap(),
        Damage::Rubbish => file.write_all(&vec![0xa5; tail]).unwrap(),
    }
}

/// Damages the last `bytes` of the log in a copy of `original`; the database must open with the rows
/// after some commit, work on, and open again. Returns that number of commits.
fn survives(original: &Path, models: &[Model], bytes: u64, damage: Damage) -> usize {
    let dir = TempDir::new().unwrap();
    copy_files(original, dir.path());
    let log = files_ending(dir.path(), "log").pop().unwrap();
    damage_tail(&log, bytes, damage);

    let disk = open(dir.path()).unwrap();
    let mut model = contents(&disk);
    let commits = models.iter().position(|m| *m == model);
    let commits = commits.unwrap_or_else(|| panic!("{bytes} bytes: the rows after no commit"));
    if bytes.is_multiple_of(16) {
        let more = [RowChange::put(Table::Bodies, *b"after", *b"the cut")];
        disk.commit(&more).unwrap();
        apply(&mut model, &more);
        drop(disk);
        assert_eq!(contents(&open(dir.path()).unwrap()), model);
    }
    commits
}

#[test]
fn a_log_cut_anywhere_leaves_the_rows_after_some_commit() {
    const COMMITS: u64 = 12;
    /// Several commits long.
    const TAIL: u64 = 200;
    let dir = TempDir::new().unwrap();
    let models = numbered_models(COMMITS);
    let disk = open(dir.path()).unwrap();
    for n in 0..COMMITS {
        disk.commit(&numbered_batch(n)).unwrap();
        if n == COMMITS / 2 {
            disk.flush().unwrap();
        }
    }
    drop(disk);

    let all = models.len() - 1;
    let mut earlier = all;
    for bytes in 0..=TAIL {
        let commits = survives(dir.path(), &models, bytes, Damage::Missing);
        assert!(commits <= earlier, "a longer cut leaves no more");
        assert_eq!(commits == all, bytes == 0, "a cut commit does not count");
        earlier = commits;
    }
    assert!(earlier < all - 1, "the cuts went through several commits");
    for bytes in (1..=TAIL).step_by(9) {
        assert!(survives(dir.path(), &models, bytes, Damage::Zeros) < all);
        assert!(survives(dir.path(), &models, bytes, Damage::Rubbish) < all);
    }
}

/// Runs the ignored test `name` of this binary as a process, with the database in `dir`.
fn start_child(name: &str, dir: &Path) -> Child {
    let (_, module) = module_path!().split_once("::").unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{name}")])
        .args(["--ignored", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn child_disk() -> RocksDisk {
    open(Path::new(&std::env::var_os(CHILD_DIR).unwrap())).unwrap()
}

#[test]
#[ignore = "a process that another test starts"]
fn child_commits_until_killed() {
    let disk = child_disk();
    for n in 0.. {
        disk.commit(&numbered_batch(n)).unwrap();
        eprintln!("{}", n + 1);
    }
}

#[test]
fn restart_after_kill_9_has_every_commit_that_returned() {
    let dir = TempDir::new().unwrap();
    let mut confirmed = 0;
    let mut child = start_child("child_commits_until_killed", dir.path());
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        confirmed = line.unwrap().parse::<u64>().unwrap();
        if confirmed == 50 {
            child.kill().unwrap();
        }
    }
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(confirmed >= 50);

    let found = contents(&open(dir.path()).unwrap());
    let models = numbered_models(confirmed + 1);
    let kept = models.iter().position(|m| *m == found);
    let kept = kept.expect("the rows after some commit") as u64;
    assert!(
        kept >= confirmed,
        "{confirmed} commits returned, {kept} kept"
    );
}

#[test]
#[ignore = "a process that another test starts"]
fn child_holds_until_told() {
    let disk = child_disk();
    eprintln!("open");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(disk);
}

// --- Refusals

#[test]
fn a_second_node_on_the_same_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let expected = DiskError::InUse {
        path: dir.path().to_owned(),
    };
    let mut child = start_child("child_holds_until_told", dir.path());
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "open\n");
    assert_eq!(refusal(open(dir.path())), expected);
    let text = expected.to_string();
    assert!(text.contains("in use by another running node"), "{text}");
    assert!(text.contains(&dir.path().display().to_string()), "{text}");

    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let first = open(dir.path()).expect("free at once when the other has ended");
    assert_eq!(
        refusal(open(dir.path())),
        expected,
        "in one process as well"
    );
    drop(first);
    open(dir.path()).unwrap();
}

fn set_version(dir: &Path, version: u32) {
    let row = RowChange::put(Table::Meta, *b"schema_version", canonical::encode(&version));
    open(dir).unwrap().commit(&[row]).unwrap();
}

fn families(dir: &Path) -> Vec<String> {
    rocksdb::DB::list_cf(&rocksdb::Options::default(), dir).unwrap()
}

/// Opens a database as it is, past all our checks.
fn raw_open(dir: &Path) -> rocksdb::DB {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    let families = match dir.join("CURRENT").exists() {
        true => families(dir),
        false => vec!["default".to_owned()],
    };
    rocksdb::DB::open_cf(&options, dir, families).unwrap()
}

#[test]
fn another_schema_version_is_refused_by_both_numbers() {
    for found in [SCHEMA_VERSION - 1, SCHEMA_VERSION + 41] {
        let dir = TempDir::new().unwrap();
        set_version(dir.path(), found);
        let error = refusal(open(dir.path()));
        let expected = DiskError::SchemaVersion {
            path: dir.path().to_owned(),
            found,
            supported: SCHEMA_VERSION,
        };
        assert_eq!(error, expected);
        let text = error.to_string();
        for part in [
            format!("has schema version {found},"),
            format!("works with schema version {SCHEMA_VERSION};"),
            (if found > SCHEMA_VERSION {
                "newer program"
            } else {
                "older program"
            })
            .to_owned(),
        ] {
            assert!(text.contains(&part), "{part:?} in {text:?}");
        }
    }
}

#[test]
fn another_version_is_refused_by_its_number_whatever_its_tables_and_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    set_version(dir.path(), SCHEMA_VERSION + 1);
    let mut db = raw_open(dir.path());
    db.drop_cf(Table::Members.name()).unwrap();
    db.create_cf("novelty", &rocksdb::Options::default())
        .unwrap();
    drop(db);
    let before = families(dir.path());
    // A tracker that meets it hears of the version as well: the rest may mean something else there.
    for role in [Role::Peer, Role::Tracker] {
        let error = refusal(open_as(dir.path(), role));
        assert!(matches!(error, DiskError::SchemaVersion { .. }), "{error}");
    }
    assert_eq!(families(dir.path()), before);
}

#[test]
fn a_peer_does_not_open_a_trackers_database_nor_the_other_way_round() {
    for (found, wanted) in [(Role::Peer, Role::Tracker), (Role::Tracker, Role::Peer)] {
        let dir = TempDir::new().unwrap();
        drop(open_as(dir.path(), found).unwrap());
        let error = refusal(open_as(dir.path(), wanted));
        let path = dir.path().to_owned();
        assert_eq!(
            error,
            DiskError::WrongRole {
                path,
                found,
                wanted
            }
        );
        let text = error.to_string();
        assert!(
            text.contains(&format!(
                "belongs to a {found}, and this node is a {wanted}"
            )),
            "{text}"
        );
        open_as(dir.path(), found).unwrap();
    }
}

#[test]
fn a_creation_that_was_cut_off_is_finished() {
    for made in 0..=Table::ALL.len() {
        let dir = TempDir::new().unwrap();
        let mut db = raw_open(dir.path());
        for table in &Table::ALL[..made] {
            db.create_cf(table.name(), &rocksdb::Options::default())
                .unwrap();
        }
        drop(db);
        let disk = open(dir.path()).unwrap();
        disk.commit(&numbered_batch(0)).unwrap();
        drop(disk);
        let found = contents(&open(dir.path()).unwrap());
        assert_eq!(found, numbered_models(1)[1]);
    }
}

#[test]
fn a_database_that_no_node_made_is_refused() {
    let rows = TempDir::new().unwrap();
    raw_open(rows.path()).put(b"key", b"value").unwrap();
    let table = TempDir::new().unwrap();
    raw_open(table.path())
        .create_cf("orders", &rocksdb::Options::default())
        .unwrap();
    for dir in [rows, table] {
        let before = families(dir.path());
        let error = refusal(open(dir.path()));
        assert!(matches!(error, DiskError::NotOurs { .. }), "{error}");
        assert_eq!(families(dir.path()), before, "left as it is");
    }
}

#[test]
fn a_lost_table_is_damage() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    raw_open(dir.path()).drop_cf(Table::Undo.name()).unwrap();
    let error = refusal(open(dir.path()));
    assert!(matches!(error, DiskError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("\"undo\" is missing"), "{error}");
}

#[test]
fn damaged_files_are_named_as_damage_and_never_read_as_rows() {
    let dir = TempDir::new().unwrap();
    let disk = open(dir.path()).unwrap();
    let value = vec![7; 20_000];
    disk.commit(&[RowChange::put(Table::Bodies, *b"id", value)])
        .unwrap();
    disk.flush().unwrap();
    drop(disk);

    for table in files_ending(dir.path(), "sst") {
        let mut file = FileOptions::new().write(true).open(table).unwrap();
        // The first block of the one large table lies under it.
        file.seek(SeekFrom::Start(500)).unwrap();
        file.write_all(&[8]).unwrap();
    }
    let read = open(dir.path()).and_then(|disk| disk.get(Table::Bodies, b"id"));
    assert!(matches!(read, Err(DiskError::Corrupt { .. })), "{read:?}");
    let read = open(dir.path()).and_then(|disk| disk.scan(Table::Bodies, &[], 10));
    assert!(matches!(read, Err(DiskError::Corrupt { .. })), "{read:?}");

    fs::write(dir.path().join("CURRENT"), "rubbish").unwrap();
    let error = refusal(open(dir.path()));
    assert!(matches!(error, DiskError::Corrupt { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("is damaged") && text.contains("CURRENT"),
        "{text}"
    );
}

#[test]
fn a_path_that_cannot_be_a_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    File::create(&file).unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = refusal(open(&path));
        assert!(matches!(error, DiskError::NotAccessible { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()));
    }
}

#[test]
fn what_rocksdb_says_becomes_a_plain_error() {
    let path = Path::new("d");
    let error = |text: &str| DiskError::from_rocks(path, text);
    let owned = || path.to_owned();
    for text in [
        "IO error: While lock file: d/LOCK: Resource temporarily unavailable",
        "IO error: lock hold by current process, acquire time 1 acquiring thread 2: d/LOCK: No \
         locks available",
    ] {
        assert_eq!(error(text), DiskError::InUse { path: owned() });
    }
    for text in [
        "IO error: No space left on device: While appending to file: d/000004.log: No space left \
         on device",
        "IO error: While fdatasync: d/000004.log: Disk quota exceeded",
    ] {
        assert_eq!(error(text), DiskError::NoSpace { path: owned() });
    }
    let text = "IO error: While open a file for appending: d/000004.log: Permission denied";
    assert!(matches!(error(text), DiskError::NotAccessible { .. }));
    let text = "Corruption: block checksum mismatch: stored = 1, computed = 2";
    assert!(matches!(error(text), DiskError::Corrupt { .. }));
    let text =
        "IO error: While open a file for random read: d/000009.sst: No such file or directory";
    assert!(matches!(error(text), DiskError::Corrupt { .. }));
    let text = "IO error: While fdatasync: d/000004.log: Input/output error";
    let failed = error(text);
    assert!(failed.to_string().contains("Input/output error"));
    assert!(matches!(failed, DiskError::Failed { .. }));
}
