//! The nodes of the demo: started, asked, killed and stopped.

use super::error::DemoError;
use super::files::{Files, NODES};
use super::process::Process;
use crate::http::{ApiFile, ErrorView};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long a node may take to stop by itself: it writes what it holds, which takes well under a
/// second; the rest is for a machine that has much else to do.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How long an answer of the API may take. A block takes a second or so.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// The tracker and the peers. Dropping them stops those that run, in their order.
#[derive(Debug)]
pub(super) struct Nodes {
    executable: PathBuf,
    files: Files,
    /// In the order in which they start.
    nodes: Vec<Node>,
    agent: Agent,
}

#[derive(Debug)]
struct Node {
    name: &'static str,
    data_dir: PathBuf,
    process: Option<Process>,
}

impl Nodes {
    /// The nodes of these files, run by `executable`. None is started yet.
    pub(super) fn new(executable: PathBuf, files: Files) -> Result<Self, DemoError> {
        let nodes = NODES.map(|name| {
            Ok(Node {
                name,
                data_dir: files.data_dir(name)?,
                process: None,
            })
        });
        let nodes = nodes.into_iter().collect::<Result<_, DemoError>>()?;
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_DEADLINE))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Ok(Self {
            executable,
            files,
            nodes,
            agent: config.into(),
        })
    }

    /// Their files.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Starts a node and returns its process id.
    pub(super) fn start(&mut self, name: &str) -> Result<u32, DemoError> {
        let (config, log) = (self.files.config(name), self.files.log(name));
        let process = Process::start(&self.executable, &config, &log).map_err(DemoError::System)?;
        let id = process.id();
        if let Some(node) = self.node_mut(name) {
            node.process = Some(process);
        }
        Ok(id)
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
        let (url, token) = self.address(name, path)?;
        let request = self.agent.get(url).header("Authorization", token);
        answer(name, request.call())
    }

    /// What a node answers to `POST path` with `body`, or what it or the system says instead.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        name: &str,
        path: &str,
        body: impl Serialize,
    ) -> Result<T, String> {
        let (url, token) = self.address(name, path)?;
        let request = self.agent.post(url).header("Authorization", token);
        answer(name, request.send_json(body))
    }

    /// Where to ask a node, and what opens the door.
    fn address(&self, name: &str, path: &str) -> Result<(String, String), String> {
        let node = self.nodes.iter().find(|node| node.name == name);
        let node = node.and_then(|node| Some((node, node.process.as_ref()?)));
        let (node, process) = node.ok_or_else(|| format!("{name} does not run"))?;
        let api = api_of(&node.data_dir, process.id())
            .ok_or_else(|| format!("{name} does not answer yet"))?;
        let url = format!("http://{}{path}", api.address);
        Ok((url, format!("Bearer {}", api.token)))
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

/// The API of the process `id`; not what an earlier start has left behind.
fn api_of(data_dir: &Path, id: u32) -> Option<ApiFile> {
    let api = ApiFile::read(data_dir).ok()?;
    (api.pid == id).then_some(api)
}

fn answer<T: DeserializeOwned>(
    name: &str,
    response: Result<Response<Body>, ureq::Error>,
) -> Result<T, String> {
    let mut response = response.map_err(|error| format!("{name} does not answer: {error}"))?;
    let ok = response.status().is_success();
    let body = response.body_mut();
    if ok {
        return body
            .read_json()
            .map_err(|error| format!("{name} answers something else: {error}"));
    }
    let refused: ErrorView = body
        .read_json()
        .map_err(|error| format!("{name} refuses without a reason: {error}"))?;
    Err(format!("{name} says: {}", refused.error.reason))
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
        let problem = match ended_well(process.wait(deadline)) {
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

fn ended_well(status: io::Result<Option<ExitStatus>>) -> Result<(), String> {
    match status {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(format!("ended with {status}")),
        Ok(None) => Err(format!(
            "had not ended after {STOP_DEADLINE:?} and was killed"
        )),
        Err(error) => Err(format!("can't be waited for: {error}")),
    }
}
