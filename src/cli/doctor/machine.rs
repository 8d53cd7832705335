//! The machine that a node is on: directory, disk, wallet, ports, limits.

use super::finding::Finding;
use super::role;
use crate::chain::NetworkId;
use crate::keys::{PublicKey, Stored, WalletFile, WalletFileError};
use crate::node;
use crate::settings::{Settings, WalletCreation, WalletSettings};
use crate::store::chain_rows::stored_genesis;
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Less room than this ends the node within days: logs and database go on growing.
const LEAST_ROOM: u64 = 256 << 20;
/// With less than this it is time to look for more.
const SPARE_ROOM: u64 = 2 << 30;

/// Writes whose syncs are timed.
const SYNCS: usize = 10;
/// Bytes of each: about one small batch.
const SYNCED: usize = 4_096;
/// A sync that takes longer makes every payment and block wait noticeably.
const SLOW_SYNC: Duration = Duration::from_millis(100);

/// Fewer open files leave too few places for connections.
const LEAST_FILES: u64 = 1_024;

/// The data directory: whether it is there, and its owner's alone.
pub(super) fn directory(data_dir: &Path) -> Option<Finding> {
    let what = "data directory";
    let shown = data_dir.display();
    match fs::metadata(data_dir) {
        // It is made at the first start.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Finding::trouble(
            what,
            format!("{shown} can't be read: {error}"),
            "let the user who runs the node read and write it",
        )),
        Ok(found) if !found.is_dir() => Some(Finding::trouble(
            what,
            format!("{shown} is no directory"),
            "move it away, or name another data_dir in the settings",
        )),
        Ok(found) => Some(of_mode(data_dir, found.permissions().mode() & 0o777)),
    }
}

fn of_mode(data_dir: &Path, mode: u32) -> Finding {
    let shown = data_dir.display();
    match mode & 0o077 {
        0 => Finding::right("data directory", shown.to_string()),
        _ => Finding::note(
            "data directory",
            format!("{shown} is open to other users of this machine (mode {mode:03o})"),
            format!("chmod 700 '{shown}'"),
        ),
    }
}

/// The wallet: whether it can be read, and by its owner alone.
pub(super) fn wallet(settings: &WalletSettings) -> Finding {
    match WalletFile::new(&settings.file).read() {
        Ok(Stored::Open(secret)) => Finding::right("wallet", secret.public_key().to_address()),
        Ok(Stored::Locked(locked)) => {
            let whose = locked.address().map(|key| key.to_address());
            Finding::right("wallet", format!("{} (locked)", whose.unwrap_or_default()))
        }
        Err(error @ WalletFileError::Missing { .. }) => match settings.create {
            WalletCreation::AtStart => Finding::note(
                "wallet",
                format!("there is none at {} yet", settings.file.display()),
                "a new one is made at the first start; if there was one, `node wallet restore` first",
            ),
            WalletCreation::OnCommand => Finding::trouble(
                "wallet",
                error.to_string(),
                "`node wallet new` or `node wallet restore`",
            ),
        },
        Err(error) => Finding::trouble(
            "wallet",
            error.to_string(),
            "put it right; its 24 words bring it back: `node wallet restore`",
        ),
    }
}

/// The network of a node's chain, as far as its tracker has to fit it.
#[derive(Clone, Copy)]
pub(super) struct OwnNetwork {
    pub(super) id: NetworkId,
    /// The key that genesis names.
    pub(super) tracker: PublicKey,
}

/// The database of a node that does not run, and of which network its chain is.
pub(super) fn database(settings: &Settings) -> (Finding, Option<OwnNetwork>) {
    match node::open_at_rest(settings.data_dir(), role(settings)) {
        Ok(disk) => {
            let genesis = stored_genesis(&disk).ok().flatten();
            let own = genesis.map(|genesis| OwnNetwork {
                id: genesis.id(),
                tracker: genesis.content.tracker,
            });
            (Finding::right("database", "it opens".to_owned()), own)
        }
        Err(error) => {
            let remedy = "as it says; `node restore DIR` begins again from a backup";
            (
                Finding::trouble("database", error.to_string(), remedy),
                None,
            )
        }
    }
}

/// The directory, or the first above it that is there.
fn that_is_there(path: &Path) -> PathBuf {
    let mut above = path.ancestors();
    let found = above.find(|one| one.is_dir());
    found.unwrap_or(Path::new(".")).to_owned()
}

/// Room on the disk.
pub(super) fn room(data_dir: &Path) -> Finding {
    let free = statvfs(that_is_there(data_dir));
    let free = free
        .ok()
        .and_then(|stat| stat.f_bavail.checked_mul(stat.f_frsize));
    of_room(free)
}

fn of_room(free: Option<u64>) -> Finding {
    let Some(free) = free else {
        return Finding::right("disk room", "the system does not say".to_owned());
    };
    let found = format!("{} MB are free", free >> 20);
    match free {
        0..LEAST_ROOM => Finding::trouble(
            "disk room",
            found,
            "make room, or move the data directory to another disk: a full disk stops the node",
        ),
        LEAST_ROOM..SPARE_ROOM => {
            Finding::note("disk room", found, "look for more before it is needed")
        }
        _ => Finding::right("disk room", found),
    }
}

/// How long the disk takes to keep something; nothing where nothing can be written.
pub(super) fn sync_speed(data_dir: &Path) -> Option<Finding> {
    let path = that_is_there(data_dir).join(format!(".doctor-{}", std::process::id()));
    let timed = time_syncs(&path);
    // It may not be there.
    let _ = fs::remove_file(&path);
    timed.ok().map(of_sync)
}

fn time_syncs(path: &Path) -> io::Result<Duration> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    let mut taken = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[0; SYNCED])?;
        file.sync_data()?;
        taken.push(begun.elapsed());
    }
    taken.sort_unstable();
    Ok(taken.get(SYNCS / 2).copied().unwrap_or_default())
}

fn of_sync(median: Duration) -> Finding {
    let found = format!("a synced write takes {:.1} ms", median.as_secs_f64() * 1e3);
    match median < SLOW_SYNC {
        true => Finding::right("disk speed", found),
        false => Finding::note(
            "disk speed",
            found,
            "payments and blocks wait for it: another disk would help, a memory card is slow",
        ),
    }
}

/// Whether the node that does not run would get its port.
pub(super) fn ports(settings: &Settings) -> Option<Finding> {
    let listen = match settings {
        Settings::Peer(peer) => peer.listen,
        Settings::Tracker(tracker) => tracker.listen,
    };
    let error = TcpListener::bind(listen).err();
    Some(match error {
        None => Finding::right("port", format!("{listen} is free")),
        Some(error) if error.kind() == io::ErrorKind::AddrInUse => Finding::trouble(
            "port",
            format!("another program listens at {listen}"),
            "stop it (another node, perhaps), or set another \"listen\" in the settings",
        ),
        Some(error) => Finding::trouble(
            "port",
            format!("it can't listen at {listen}: {error}"),
            "set \"listen\" in the settings to an address of this machine",
        ),
    })
}

/// How many files the node with this process may have open; without one, how many it could have.
pub(super) fn open_files(pid: Option<u32>) -> Finding {
    let of_node = pid.and_then(|pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
        soft_limit(&text)
    });
    // A node raises its own as far as it may; nothing said is no limit.
    let own = || getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    of_files(of_node.unwrap_or_else(own))
}

fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

fn of_files(limit: u64) -> Finding {
    let found = match limit {
        u64::MAX => "no limit".to_owned(),
        limit => format!("{limit} at a time"),
    };
    match limit {
        0..LEAST_FILES => Finding::note(
            "open files",
            found,
            "allow more before the node is started: ulimit -n 8192, or LimitNOFILE= in its unit",
        ),
        _ => Finding::right("open files", found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn each_thing_is_right_up_to_its_bound() {
        let is_right = |finding: Finding| finding.verdict == Verdict::Right;
        assert!(of_room(Some(LEAST_ROOM - 1)).tells(Verdict::Trouble, "make room"));
        assert!(of_room(Some(LEAST_ROOM)).tells(Verdict::Note, "look for more"));
        assert!(is_right(of_room(Some(SPARE_ROOM))) && is_right(of_room(None)));
        assert!(of_sync(SLOW_SYNC).tells(Verdict::Note, "another disk"));
        assert!(is_right(of_sync(Duration::from_millis(3))));
        assert!(of_files(1_023).tells(Verdict::Note, "ulimit -n"));
        assert!(is_right(of_files(1_024)));
        assert!(of_mode(Path::new("d"), 0o750).tells(Verdict::Note, "chmod 700 'd'"));
        assert!(is_right(of_mode(Path::new("d"), 0o700)));
    }

    #[test]
    fn a_limit_is_read_as_linux_writes_it() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(text), Some(1_024));
        assert_eq!(soft_limit("Max open files unlimited"), None);
    }

    #[test]
    fn nothing_is_left_of_the_timing() {
        let place = tempfile::tempdir().unwrap();
        assert!(sync_speed(place.path()).is_some());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
