//! A place of its own for a node: other mounts, other networks, without being anybody special.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the set-up says when it is through.
const READY: &str = "ready";

/// Namespaces that live as long as this does.
pub struct Cell {
    holder: Child,
    network: bool,
}

impl Cell {
    /// Namespaces in which `set_up`, a shell script, was run: a user's and a mounts', and a network's
    /// where one is asked for. `None`, and a word about it, where the system does not permit that.
    pub fn new(network: bool, set_up: &str) -> Option<Self> {
        let script = format!("set -e\n{set_up}\necho {READY}\nexec sleep infinity");
        let flags = if network { "-rmn" } else { "-rm" };
        let spawned = Command::new("unshare")
            .args([flags, "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut holder = match spawned {
            Ok(holder) => holder,
            Err(error) => {
                eprintln!("skipped: `unshare` can't be run: {error}");
                return None;
            }
        };
        let mut line = String::new();
        let read = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line);
        if read.is_ok() && line.trim() == READY {
            return Some(Self { holder, network });
        }
        let _ = holder.kill();
        let _ = holder.wait();
        eprintln!(
            "skipped: this system does not permit namespaces of one's own, or a mount in them"
        );
        None
    }

    /// What stands before a command that is to be run inside.
    pub fn prefix(&self) -> Vec<OsString> {
        let id = self.holder.id().to_string();
        let mut words = vec!["nsenter", "-t", &id, "-U", "-m", "--preserve-credentials"];
        words.extend(self.network.then_some("-n"));
        words.into_iter().map(OsString::from).collect()
    }

    /// Runs a shell script inside; fails the test if that fails.
    pub fn run(&self, script: &str) {
        assert!(self.tries(script), "{script}");
    }

    /// Runs a shell script inside; whether that worked.
    pub fn tries(&self, script: &str) -> bool {
        let prefix = self.prefix();
        let status = Command::new(&prefix[0])
            .args(&prefix[1..])
            .args(["sh", "-e", "-c", script])
            .status();
        status.unwrap().success()
    }

    /// Where a path inside is seen from outside.
    pub fn seen(&self, path: &Path) -> PathBuf {
        let inside = path.strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(inside)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
