//! What a database goes through from outside: cut logs, killed nodes, a second node beside it.

use super::rocks::{files_ending, numbered_batch, numbered_models, open, refusal};
use super::{Model, apply, contents};
use crate::store::*;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use std::fs::{self, OpenOptions as FileOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Where a test that runs as a process of its own finds its database.
const CHILD_DIR: &str = "RACLETTE_TEST_STORE_DIR";

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
    /// Commits at the end of the log that are cut through, at every byte.
    const CUT: usize = 3;
    /// Opening a database is waiting for syncs, of which the disk does many at a time.
    const WAITING: usize = 8;
    let dir = TempDir::new().unwrap();
    let models = numbered_models(COMMITS);
    let disk = open(dir.path()).unwrap();
    let mut lengths = Vec::new();
    for n in 0..COMMITS {
        disk.commit(&numbered_batch(n)).unwrap();
        if n == COMMITS / 2 {
            disk.flush().unwrap();
        }
        let log = files_ending(dir.path(), "log").pop().unwrap();
        lengths.push(fs::metadata(log).unwrap().len());
    }
    drop(disk);

    let all = models.len() - 1;
    let tail = lengths[all - 1] - lengths[all - 1 - CUT];
    let waiting = ThreadPoolBuilder::new()
        .num_threads(WAITING)
        .build()
        .unwrap();
    waiting.install(|| {
        let left: Vec<usize> = (0..=tail)
            .into_par_iter()
            .map(|bytes| survives(dir.path(), &models, bytes, Damage::Missing))
            .collect();
        assert!(
            left.is_sorted_by(|a, b| a >= b),
            "a longer cut leaves no more"
        );
        assert_eq!(left[0], all);
        assert!(left[1] < all, "a cut commit does not count");
        let least = left.last().copied().unwrap();
        assert_eq!(least, all - CUT, "the longest cut takes them all");
        (1..=tail)
            .into_par_iter()
            .filter(|bytes| bytes % 9 == 1)
            .for_each(|bytes| {
                assert!(survives(dir.path(), &models, bytes, Damage::Zeros) < all);
                assert!(survives(dir.path(), &models, bytes, Damage::Rubbish) < all);
            });
    });
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
