//! The nodes of the demo: started, asked, killed and stopped.

use super::eavesdropper::Eavesdropper;
use super::error::DemoError;
use super::files::{Files, NODES, TRACKER};
use super::process::{Process, command};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::invocation::Invocation;
use crate::owner::answers::InvitedView;
use rustix::process::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a node may take to stop by itself: it writes what it holds, which takes well under a
/// second; the rest is for a machine that has much else to do.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How long it may take to mine a block or to send a payment: a second or so.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// The tracker and the peers. Dropping them stops those that run, in their order.
#[derive(Debug)]
pub(super) struct Nodes {
    executable: PathBuf,
    files: Files,
    /// In the order in which they start.
    nodes: Vec<Node>,
    eavesdropper: Eavesdropper,
}

#[derive(Debug)]
struct Node {
    name: &'static str,
    process: Option<Process>,
    /// Settings instead of those in its file: it is dialled, and dials, where somebody listens in.
    instead: Vec<(&'static str, String)>,
    /// Whether it has answered since it was started.
    answered: Cell<bool>,
}

impl Nodes {
    /// The nodes of these files, run by `executable`. None is started yet, but who listens in.
    pub(super) fn new(executable: PathBuf, files: Files) -> Result<Self, DemoError> {
        let targets: Vec<SocketAddr> = NODES.iter().filter_map(|name| files.place(name)).collect();
        let started = Eavesdropper::start(&executable, &targets);
        let (eavesdropper, lines) = started.map_err(DemoError::System)?;
        let nodes = NODES.iter().zip(&lines).map(|(name, line)| Node {
            name,
            instead: match *name {
                TRACKER => Vec::new(),
                _ => instead(line, &lines[0]),
            },
            process: None,
            answered: Cell::new(false),
        });
        Ok(Self {
            executable,
            nodes: nodes.collect(),
            files,
            eavesdropper,
        })
    }

    /// Their files.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Who listens in on all of them.
    pub(super) fn eavesdropper(&mut self) -> &mut Eavesdropper {
        &mut self.eavesdropper
    }

    /// Starts a node that has its settings, and returns its process id.
    pub(super) fn start(&mut self, name: &str) -> Result<u32, DemoError> {
        let config = self.files.config(name);
        self.run(name, &["--config".into(), config.into()], None)
    }

    /// `node invite`, typed at the tracker: the invitation, or what the command says instead.
    pub(super) fn invite(&self) -> Result<String, String> {
        let said = self.typed(TRACKER, &["--json", "invite"])?;
        let invited: Result<InvitedView, _> = serde_json::from_slice(&said.stdout);
        let invited = invited.map_err(|_| String::from_utf8_lossy(&said.stderr).into_owned())?;
        Ok(invited.invitation)
    }

    /// `node join`, typed by somebody who was invited: it sets up all that a member needs and is their node
    /// from then on.
    pub(super) fn join(&mut self, name: &str, invitation: &str) -> Result<u32, DemoError> {
        let place = self.files.place(name);
        let place = place.ok_or_else(|| DemoError::System(io::ErrorKind::NotFound.into()))?;
        // The invitation by standard input: others on a machine can see the arguments of a command.
        let arguments: [&OsStr; 8] = [
            "join".as_ref(),
            "-".as_ref(),
            "--name".as_ref(),
            name.as_ref(),
            "--dir".as_ref(),
            self.files.directory().as_ref(),
            "--listen".as_ref(),
            &OsString::from(place.to_string()),
        ];
        let arguments = arguments.map(OsString::from);
        self.run(name, &arguments, Some(invitation))
    }

    fn run(
        &mut self,
        name: &str,
        arguments: &[OsString],
        input: Option<&str>,
    ) -> Result<u32, DemoError> {
        let log = self.files.log(name);
        let node = self.nodes.iter_mut().find(|node| node.name == name);
        let node = node.ok_or_else(|| DemoError::System(io::ErrorKind::NotFound.into()))?;
        let process = Process::start(&self.executable, arguments, input, &log, &node.instead);
        let process = node.process.insert(process.map_err(DemoError::System)?);
        node.answered.set(false);
        Ok(process.id())
    }

    /// What a command prints that is typed to a node; why it can't be run.
    pub(super) fn typed(&self, name: &str, arguments: &[&str]) -> Result<Output, String> {
        let mut command = command(&self.executable);
        command.arg("--config").arg(self.files.config(name));
        let output = command.args(arguments).stdin(Stdio::null()).output();
        output.map_err(|error| error.to_string())
    }

    /// Kills a node with SIGKILL.
    pub(super) fn kill(&mut self, name: &str) -> Result<Option<ExitStatus>, DemoError> {
        let process = self.node_mut(name).and_then(|node| node.process.take());
        let killed = process.map(|mut process| process.kill()).transpose();
        killed.map_err(DemoError::System)
    }

    /// The first node that has ended though nobody stopped it, as an error; it counts as stopped from
    /// then on.
    pub(super) fn check_alive(&mut self) -> Result<(), DemoError> {
        for node in &mut self.nodes {
            let Some(process) = &mut node.process else {
                continue;
            };
            if let Some(status) = process.ended().map_err(DemoError::System)? {
                let error = DemoError::Ended {
                    name: node.name,
                    status,
                    log: self.files.log(node.name),
                    lines: process.last_lines(),
                };
                node.process = None;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Names of the nodes that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &'static str> {
        let running = self.nodes.iter().filter(|node| node.process.is_some());
        running.map(|node| node.name)
    }

    /// Stops all nodes, the tracker last: each is asked to (SIGTERM), and killed if it has not ended
    /// when its time is up.
    ///
    /// # Errors
    /// [`DemoError::NotStopped`] for the first that did not end by itself and with success; the others
    /// are stopped all the same.
    pub(super) fn stop(&mut self) -> Result<(), DemoError> {
        let (tracker, peers) = self.nodes.split_at_mut(1);
        let peers = stop(peers, &self.files);
        let tracker = stop(tracker, &self.files);
        peers.and(tracker)
    }

    /// What a node answers to `GET path`, or what it or the system says instead.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str, path: &str) -> Result<T, String> {
        let (node, client) = self.client(name)?;
        let answer = client.get(path, &[]).map_err(|no| told(name, &no))?;
        node.answered.set(true);
        Ok(answer)
    }

    /// What a node answers to `POST path` with `body`, or what it or the system says instead.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        name: &str,
        path: &str,
        body: impl Serialize,
    ) -> Result<T, String> {
        let (_, client) = self.client(name)?;
        client.post(path, &body).map_err(|no| told(name, &no))
    }

    /// The way to ask a node that runs.
    fn client(&self, name: &str) -> Result<(&Node, Client), String> {
        let node = self.nodes.iter().find(|node| node.name == name);
        let running = node.filter(|node| node.process.is_some());
        let node = running.ok_or_else(|| format!("{name} does not run"))?;
        let config = self.files.config(name);
        let invocation = Invocation::of_this_process().for_node(&config);
        let settings = self.files.settings(name).map_err(|no| no.to_string())?;
        let client = Client::find(&settings, &config, &invocation);
        let client = client.map_err(|no| told(name, &no))?;
        Ok((node, client.with_patience(ANSWER_DEADLINE)))
    }

    fn node_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.name == name)
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // Whatever went wrong before is worth telling; that it also went wrong here is not.
        let _ = self.stop();
    }
}

/// What a peer's settings are changed to, so that everything that is said to it and to its tracker goes
/// by these lines.
fn instead(own: &SocketAddr, trackers: &SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("ADVERTISE", own.to_string()),
        ("TRACKERS", trackers.to_string()),
    ]
}

/// Who said no, and why.
fn told(name: &str, no: &Failure) -> String {
    format!("{name}: {}", no.reason().unwrap_or_default())
}

fn stop(nodes: &mut [Node], files: &Files) -> Result<(), DemoError> {
    let mut result = Ok(());
    for node in &mut *nodes {
        if let Some(process) = &mut node.process {
            // If this fails, waiting for its end will as well, and says so.
            let _ = process.ask_to_stop();
        }
    }
    let deadline = Instant::now() + STOP_DEADLINE;
    for node in nodes {
        let Some(mut process) = node.process.take() else {
            continue;
        };
        let problem = match ended_well(process.wait(deadline), node.answered.get()) {
            Ok(()) => continue,
            Err(problem) => problem,
        };
        let _ = process.kill();
        result = result.and(Err(DemoError::NotStopped {
            name: node.name,
            problem,
            log: files.log(node.name),
            lines: process.last_lines(),
        }));
    }
    result
}

/// Whether a node ended as it should. One that was stopped before it had `answered` may have been too
/// young to hear of it, and is ended by the signal itself.
fn ended_well(status: io::Result<Option<ExitStatus>>, answered: bool) -> Result<(), String> {
    let by_signal = Some(Signal::TERM.as_raw());
    match status {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) if !answered && status.signal() == by_signal => Ok(()),
        Ok(Some(status)) => Err(format!("ended with {status}")),
        Ok(None) => Err(format!(
            "had not ended after {STOP_DEADLINE:?} and was killed"
        )),
        Err(error) => Err(format!("can't be waited for: {error}")),
    }
}
