//! One node as a process of its own.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::cli::looking;
use crate::settings::ENVIRONMENT_PREFIX;

/// Lines of its log that are shown of a node that ended by itself: the reason stands at the end.
const TAIL_LINES: usize = 12;
/// Bytes of the log that are read for them; more than so many lines have.
const TAIL_BYTES: u64 = 16 * 1024;

/// A command that is yet to be given its arguments, in a process group of its own: Ctrl-C on the terminal
/// reaches the demo alone, and the demo ends what it started in its order. Variables that would change the
/// settings of all nodes alike are kept from it.
pub(super) fn command(executable: &Path) -> Command {
    let mut command = Command::new(executable);
    command.process_group(0);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(ENVIRONMENT_PREFIX) {
            command.env_remove(name);
        }
    }
    command
}

/// A node that was started. Dropping it kills it, if nobody has stopped it before.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    /// Where in the log this start begins.
    log_start: u64,
}

impl Process {
    /// Starts `executable` with these arguments, and with `input` on its standard input; what it prints is
    /// appended to the file `log`. The settings `instead` take the place of those in its file.
    pub(super) fn start(
        executable: &Path,
        arguments: &[OsString],
        input: Option<&str>,
        log: &Path,
        instead: &[(&str, String)],
    ) -> io::Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(log)?;
        let log_start = output.metadata()?.len();
        let mut command = command(executable);
        command
            .args(arguments)
            .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
            .stdout(output.try_clone()?)
            .stderr(output);
        for (name, value) in instead {
            command.env(format!("{ENVIRONMENT_PREFIX}{name}"), value);
        }
        let mut process = Self {
            child: command.spawn()?,
            log: log.to_owned(),
            log_start,
        };
        if let (Some(mut stdin), Some(input)) = (process.child.stdin.take(), input) {
            stdin.write_all(input.as_bytes())?;
        }
        Ok(process)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks it to stop (SIGTERM).
    pub(super) fn ask_to_stop(&mut self) -> io::Result<()> {
        // Only while it has not been waited for is the id surely still its own.
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?)
    }

    /// Kills it at once (SIGKILL, `kill -9`) and waits until it is gone.
    pub(super) fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Waits for its end, until `deadline` at most.
    pub(super) fn wait(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            looking::pause();
        }
    }

    /// The last lines that it printed.
    pub(super) fn last_lines(&self) -> String {
        tail(&self.log, self.log_start).unwrap_or_else(|error| format!("(unreadable: {error})"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; there is nobody left to tell.
        let _ = self.kill();
    }
}

/// The last lines of a file, none from before byte `start`.
fn tail(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(TAIL_BYTES).max(start);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_tail_is_of_this_start_and_of_a_few_lines() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("bob.log");
        std::fs::write(&log, "an earlier start\nthis start\n").unwrap();
        assert_eq!(tail(&log, 17).unwrap(), "this start");
        let long: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&log, long).unwrap();
        let shown = tail(&log, 0).unwrap();
        assert_eq!(shown.lines().count(), TAIL_LINES);
        assert!(shown.ends_with("line 9999"));
    }

    #[test]
    fn a_process_that_ends_by_itself_is_noticed_with_what_it_said() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("bob.log");
        let process = Process::start(Path::new("/bin/ls"), &["--config".into()], None, &log, &[]);
        let mut process = process.unwrap();
        let far = Instant::now() + Duration::from_secs(60);
        let status = process.wait(far).unwrap().expect("ls ends");
        assert!(!status.success());
        assert!(process.last_lines().contains("--config"));
        assert!(process.ask_to_stop().is_ok(), "nothing is left to stop");
    }
}
