//! A node as a process of its own, and its API.

use super::{DEADLINE, so, wait_until};
use raclette::http::{ApiFile, BASE, Problem};
use raclette::owner::answers::{
    BalanceView, BlockView, ChainStatusView, LedgerMembersView, MinedView, OpenView,
    PeerStatusView, PeersView, SentView, TrackerStatusView, TransactionState, TransactionStateView,
    VerifyLine,
};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use ureq::Agent;

/// Lines of a node's output that a failed test shows.
const SHOWN_LINES: usize = 25;

/// A node that may run. Dropping it kills the process.
pub struct Node {
    pub name: String,
    pub config: PathBuf,
    pub data_dir: PathBuf,
    /// Where others reach it.
    pub listen: SocketAddr,
    /// What stands before the command that starts it.
    pub prefix: Vec<OsString>,
    /// Variables of its environment.
    pub environment: Vec<(&'static str, OsString)>,
    log: PathBuf,
    child: Option<Child>,
    agent: Agent,
    _directory: Arc<TempDir>,
}

/// What an API answered instead: its status and why.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub error: Box<Problem>,
}

impl Node {
    /// A node with this settings file, not started.
    pub fn new(directory: &Arc<TempDir>, name: &str, listen: SocketAddr, settings: &str) -> Self {
        let config = directory.path().join(format!("{name}.toml"));
        fs::write(&config, settings).unwrap();
        let agent = Agent::config_builder()
            .timeout_global(Some(DEADLINE))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self {
            name: name.to_owned(),
            config,
            data_dir: directory.path().join(format!("{name}-data")),
            listen,
            prefix: Vec::new(),
            environment: Vec::new(),
            log: directory.path().join(format!("{name}.log")),
            child: None,
            agent: agent.into(),
            _directory: Arc::clone(directory),
        }
    }

    /// Starts it, and waits until its API answers.
    pub fn start(&mut self) -> &mut Self {
        self.spawn();
        wait_until(&format!("{} answers", self.name), || {
            self.assert_runs();
            self.try_get::<serde_json::Value>("/status")
                .map(drop)
                .map_err(|refused| refused.to_string())
        });
        self
    }

    /// Has it listen somewhere else from its next start on.
    pub fn move_to(&mut self, listen: SocketAddr) {
        let settings = fs::read_to_string(&self.config).unwrap();
        let settings = settings.replace(&self.listen.to_string(), &listen.to_string());
        fs::write(&self.config, settings).unwrap();
        self.listen = listen;
    }

    /// Adds lines to the end of its settings.
    pub fn add_settings(&self, lines: &str) {
        let settings = fs::read_to_string(&self.config).unwrap();
        fs::write(&self.config, settings + lines).unwrap();
    }

    /// Has it go by the name of another from its next start on; its directory stays its own.
    pub fn name_as(&mut self, other: &Node) {
        let settings = fs::read_to_string(&self.config).unwrap();
        let name = format!("name = {:?}\n", self.name);
        let data_dir = self.data_dir.display();
        let both = format!("name = {:?}\ndata_dir = \"{data_dir}\"\n", other.name);
        fs::write(&self.config, settings.replace(&name, &both)).unwrap();
    }

    /// Starts it, and waits for nothing.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let mut options = OpenOptions::new();
        let log = options.create(true).append(true).open(&self.log).unwrap();
        let mut command = self.own_command();
        command.stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.as_mut()?.try_wait().unwrap()?;
        self.child = None;
        Some(ended)
    }

    /// Whether it was started, and nobody has seen it end.
    pub fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// Fails the test if the process has ended.
    fn assert_runs(&mut self) {
        let child = self.child.as_mut().expect("it was started");
        if let Some(status) = child.try_wait().unwrap() {
            panic!("{} ended by itself: {status}", self.name);
        }
    }

    /// Stops it as an owner does, and says how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.wait()
    }

    /// Asks it to stop, and does not wait: [`Node::wait`] is still to come.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let child = self.child.as_mut().expect("it runs");
        let status = wait_until(&format!("{} ends", self.name), || {
            child.try_wait().unwrap().ok_or("it still runs".into())
        });
        self.child = None;
        status
    }

    /// Kills it with `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends it `kill -9` and does not wait: [`Node::kill`] is still to come.
    pub fn strike(&self) {
        self.signal(Signal::KILL);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// Everything it has printed.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Processor time it has used so far, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let id = self.child.as_ref().expect("it runs").id();
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        // Behind the name, which ends with the last parenthesis, `utime` and `stime` are the 12th and
        // 13th field, in hundredths of a second on every Linux.
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .map(|f| f.parse::<u64>().unwrap())
            .sum();
        ticks as f64 / 100.0
    }

    /// Whether its process began with this in its environment, as in `NAME=value`.
    pub fn began_with(&self, variable: &str) -> bool {
        let id = self.child.as_ref().expect("it runs").id();
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap();
        environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable.as_bytes())
    }

    /// Memory it holds at this moment, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let id = self.child.as_ref().expect("it runs").id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    /// Files and connections that it has open at this moment.
    pub fn open_files(&self) -> usize {
        let id = self.child.as_ref().expect("it runs").id();
        fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count)
    }

    /// Asks its API.
    pub fn try_get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        let api = self.api()?;
        let request = self
            .agent
            .get(format!("http://{}{BASE}{path}", api.address));
        self.answer(
            request
                .header("Authorization", format!("Bearer {}", api.token))
                .call(),
        )
    }

    /// Tells its API to do something.
    pub fn try_post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: impl Serialize,
    ) -> Result<T, Refused> {
        let api = self.api()?;
        let request = self
            .agent
            .post(format!("http://{}{BASE}{path}", api.address));
        let request = request.header("Authorization", format!("Bearer {}", api.token));
        self.answer(request.send_json(body))
    }

    /// Where its API is; that of this process, not of an earlier one.
    pub fn api(&self) -> Result<ApiFile, Refused> {
        let api = ApiFile::read(&self.data_dir).map_err(Refused::unreachable)?;
        let own = self.child.as_ref().map(Child::id);
        if own == Some(api.pid) {
            Ok(api)
        } else {
            Err(Refused::unreachable("its API is not up yet"))
        }
    }

    fn answer<T: DeserializeOwned>(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Refused> {
        let mut response = response.map_err(Refused::unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.body_mut().read_json().unwrap());
        }
        let body = response.body_mut().read_to_string().unwrap();
        let error: Box<Problem> = serde_json::from_str(&body)
            .unwrap_or_else(|_| panic!("{} answers {status} with {body:?}", self.name));
        Err(Refused {
            status: status.as_u16(),
            error,
        })
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        self.try_get(path)
            .unwrap_or_else(|refused| panic!("{}: GET {path}: {refused}", self.name))
    }

    /// `GET /status` of a peer.
    pub fn status(&self) -> PeerStatusView {
        self.get("/status")
    }

    /// `GET /status` of a tracker.
    pub fn tracker_status(&self) -> TrackerStatusView {
        self.get("/status")
    }

    /// A peer's part in the network; fails the test if it has none.
    pub fn chain(&self) -> ChainStatusView {
        self.status().chain.expect("it is on a network")
    }

    /// Height of its tip.
    pub fn height(&self) -> u64 {
        self.tip().0
    }

    /// Height and id of its tip, as far as it is on the disk, from which blocks and transactions are
    /// answered, too.
    pub fn tip(&self) -> (u64, String) {
        let tip = self.block(0).tip;
        (tip.height.0, tip.id.to_string())
    }

    /// `GET /peers`
    pub fn peers(&self) -> PeersView {
        self.get("/peers")
    }

    /// `GET /balance`: the coins of a member.
    pub fn balance(&self, of: &str) -> u64 {
        let view: BalanceView = self.get(&format!("/balance?of={of}"));
        view.balance.0
    }

    /// `GET /open`: ids of the open transactions.
    pub fn open(&self) -> Vec<String> {
        let view: OpenView = self.get("/open");
        let ids = view.transactions.iter().map(|one| one.id.to_string());
        ids.collect()
    }

    /// `GET /blocks/...`
    pub fn block(&self, at: impl std::fmt::Display) -> BlockView {
        self.get(&format!("/blocks/{at}"))
    }

    /// `GET /transactions/...`: where it stands.
    pub fn transaction(&self, id: &str) -> TransactionState {
        let view: TransactionStateView = self.get(&format!("/transactions/{id}"));
        view.state
    }

    /// Sends coins by way of the network, which its recipient need not be on; the transaction's id.
    pub fn send(&self, to: &str, amount: u64) -> String {
        let body = json!({"to": to, "amount": amount.to_string(), "broadcast": true});
        let sent: Result<SentView, Refused> = self.try_post("/transactions", body);
        sent.unwrap_or_else(|refused| panic!("{} sends: {refused}", self.name))
            .id
            .to_string()
    }

    /// Mines one block, if it can.
    pub fn try_mine(&self) -> Result<MinedView, Refused> {
        self.try_post("/mine", json!({}))
    }

    /// Mines one block.
    pub fn mine(&self) -> MinedView {
        self.try_mine()
            .unwrap_or_else(|refused| panic!("{} mines: {refused}", self.name))
    }

    /// Mines some blocks; the id of the last.
    pub fn mine_blocks(&self, count: usize) -> String {
        let mined: Vec<_> = (0..count).map(|_| self.mine()).collect();
        mined
            .last()
            .expect("at least one is to be mined")
            .id
            .to_string()
    }

    /// Mines until the ledger has these members, in the order of their names, and no others.
    pub fn mines_members(&self, names: &[&str]) {
        wait_until(&format!("{names:?} are on the ledger"), || {
            self.mine();
            let view: LedgerMembersView = self.get("/ledger/members");
            let mut found: Vec<_> = view.members.iter().map(|m| m.name.to_string()).collect();
            found.sort();
            so(found == names, format!("{found:?}"))
        });
    }

    /// Waits until it is at this tip.
    pub fn reaches(&self, id: &str) {
        wait_until(&format!("{} reaches {id}", self.name), || {
            let tip = self.tip();
            so(tip.1 == id, format!("{tip:?}"))
        });
    }

    /// Waits until it is registered and on a network.
    pub fn joins(&self) {
        wait_until(&format!("{} joins", self.name), || {
            let status = self.status();
            let joined = status.tracker.registered && status.chain.is_some();
            so(joined, format!("{status:?}"))
        });
    }

    /// Waits until it has so many sessions with other peers.
    pub fn has_sessions(&self, count: usize) {
        wait_until(&format!("{} has {count} sessions", self.name), || {
            let sessions = self.chain().sessions;
            so(sessions == count, sessions)
        });
    }

    /// Checks the whole chain again; fails the test unless all of it is right.
    pub fn verify_chain(&self) {
        let output = self.command(["chain", "verify", "--json"]);
        assert!(output.status.success(), "{output:?}");
    }

    /// `node` with its settings, where it lives.
    fn own_command(&self) -> Command {
        let own = ["--config".as_ref(), self.config.as_os_str()];
        within(&self.prefix, own)
    }

    /// Begins a command of `node` on it, and says nothing of what it prints.
    pub fn begins<const N: usize>(&self, arguments: [&str; N]) -> Child {
        let mut command = self.own_command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.args(arguments).spawn().unwrap()
    }

    /// Runs a command of `node` on it.
    pub fn command<const N: usize>(&self, arguments: [&str; N]) -> Output {
        self.own_command().args(arguments).output().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() {
            let output = self.output();
            let lines: Vec<_> = output.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("--- {} printed last:\n{}", self.name, shown.join("\n"));
        }
    }
}

impl Refused {
    fn unreachable(error: impl std::fmt::Display) -> Self {
        Self {
            status: 0,
            error: Box::new(Problem {
                kind: "about:blank".into(),
                title: "Unreachable".into(),
                status: 0,
                detail: error.to_string(),
                code: "unreachable".into(),
                instance: None,
            }),
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.status, self.error.code, self.error.detail
        )
    }
}

/// The program with these arguments, in an environment that does not change its settings.
pub fn node<'a>(arguments: impl IntoIterator<Item = &'a std::ffi::OsStr>) -> Command {
    within(&[], arguments)
}

/// The same, with a command before it that runs it somewhere else.
fn within<'a>(
    prefix: &[OsString],
    arguments: impl IntoIterator<Item = &'a std::ffi::OsStr>,
) -> Command {
    let program = OsString::from(env!("CARGO_BIN_EXE_node"));
    let mut words = prefix.iter().chain([&program]);
    let mut command = Command::new(words.next().expect("there is the program"));
    command.args(words).args(arguments);
    for (name, _) in raclette::settings::environment() {
        command.env_remove(name);
    }
    command
}
