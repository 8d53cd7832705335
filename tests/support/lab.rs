//! A network of processes in a directory of its own.

use super::node::{Node, node};
use super::{ShiftedClock, free_address, so, wait_until};
use raclette::keys::{SecretKey, Stored, WalletFile};
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::process::Output;
use std::sync::Arc;
use tempfile::TempDir;

/// Blocks that cost next to nothing: with these a test mines hundreds.
const QUICK: &str = "block_interval_ms = 100\nstart_work = 64\n";

/// A tracker, and the directory in which the nodes of one test live.
pub struct Lab {
    pub tracker: Node,
    directory: Arc<TempDir>,
    clock: Option<ShiftedClock>,
}

impl Lab {
    /// A tracker that runs, of a network with quick blocks.
    pub fn start() -> Self {
        Self::start_with(QUICK)
    }

    /// A tracker that runs, of a network with these settings.
    pub fn start_with(network: &str) -> Self {
        let mut lab = Self::prepare(network);
        lab.tracker.start();
        lab
    }

    /// A tracker that runs, of a network with these settings, of which all go by one clock that the test sets; it
    /// is ahead by so many seconds.
    pub fn start_by_clock(network: &str, seconds: i64) -> Self {
        let mut lab = Self::prepare(network);
        let clock = ShiftedClock::make(lab.directory());
        clock.set(seconds);
        lab.tracker.environment = clock.environment();
        lab.clock = Some(clock);
        lab.tracker.start();
        lab
    }

    /// The clock that all go by.
    pub fn clock(&self) -> &ShiftedClock {
        self.clock.as_ref().expect("they go by that of the machine")
    }

    /// A tracker that is not started; whoever comes may join, unless these settings say otherwise.
    pub fn prepare(network: &str) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let listen = free_address();
        let open = match network.contains("admission") {
            true => "",
            false => "admission = \"open\"\n",
        };
        let settings =
            format!("role = \"tracker\"\nlisten = \"{listen}\"\n[network]\n{open}{network}");
        let tracker = Node::new(&directory, "tracker", listen, &settings);
        Self {
            tracker,
            directory,
            clock: None,
        }
    }

    /// A peer that is not started.
    pub fn prepare_peer(&self, name: &str) -> Node {
        self.prepare_peer_with(name, "")
    }

    /// A peer with more lines in its settings, not started.
    pub fn prepare_peer_with(&self, name: &str, settings: &str) -> Node {
        self.prepare_peer_of(name, &[self.tracker.listen], settings)
    }

    /// A peer that knows these trackers, not started.
    pub fn prepare_peer_of(&self, name: &str, trackers: &[SocketAddr], settings: &str) -> Node {
        let listen = free_address();
        let trackers: Vec<_> = trackers
            .iter()
            .map(|t| format!("{:?}", t.to_string()))
            .collect();
        let trackers = trackers.join(", ");
        let settings = format!(
            "role = \"peer\"\nname = \"{name}\"\nlisten = \"{listen}\"\n\
             trackers = [{trackers}]\n{settings}"
        );
        self.node(name, listen, &settings)
    }

    /// Another tracker with these lines in its settings, not started.
    pub fn prepare_tracker(&self, name: &str, settings: &str) -> Node {
        let listen = free_address();
        let data = format!("data_dir = \"{name}-data\"\n");
        let settings = format!("role = \"tracker\"\nlisten = \"{listen}\"\n{data}{settings}");
        self.node(name, listen, &settings)
    }

    /// A peer that has joined the network.
    pub fn peer(&self, name: &str) -> Node {
        self.peer_with(name, "")
    }

    /// A peer with more lines in its settings that has joined the network.
    pub fn peer_with(&self, name: &str, settings: &str) -> Node {
        let mut peer = self.prepare_peer_with(name, settings);
        peer.start();
        peer.joins();
        peer
    }

    /// Peers that have joined the network and are connected, each with each.
    pub fn peers<const N: usize>(&self, names: [&str; N]) -> [Node; N] {
        let peers = names.map(|name| self.peer(name));
        for peer in &peers {
            peer.has_sessions(N - 1);
        }
        peers
    }

    /// Runs `node join` with this invitation for a member of this name, who is not started.
    pub fn join(&self, invitation: &str, name: &str, listen: &str) -> Output {
        let dir = self.directory().to_str().unwrap();
        let words = [
            "join",
            invitation,
            "--name",
            name,
            "--listen",
            listen,
            "--dir",
            dir,
            "--no-start",
        ];
        let mut command = node(words.map(OsStr::new));
        command.envs(self.environment());
        command.output().unwrap()
    }

    /// A member that has joined by `node join` with this invitation, knows all of these trackers, and runs.
    pub fn joined(&self, invitation: &str, name: &str, trackers: &[&Node]) -> Node {
        let listen = free_address();
        let output = self.join(invitation, name, &listen.to_string());
        let wrong = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{wrong}");
        let settings = self.directory().join(format!("{name}.toml"));
        let settings = std::fs::read_to_string(settings).unwrap();
        let known: Vec<_> = trackers
            .iter()
            .map(|one| format!("\"{}\"", one.listen))
            .collect();
        let lines = settings
            .lines()
            .map(|line| match line.starts_with("trackers = ") {
                true => format!("trackers = [{}]", known.join(", ")),
                false => line.to_owned(),
            });
        let settings = lines.collect::<Vec<_>>().join("\n");
        let mut member = self.node(name, listen, &settings);
        member.start();
        member.joins();
        member
    }

    /// The tracker's key: who has it can make members.
    pub fn tracker_key(&self) -> SecretKey {
        secret_in(&self.tracker.data_dir.join("key.pem"))
    }

    /// A node with these settings in a file of its name, not started.
    pub fn node(&self, name: &str, listen: SocketAddr, settings: &str) -> Node {
        let mut node = Node::new(&self.directory, name, listen, settings);
        node.environment = self.environment();
        node
    }

    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let clock = self.clock.as_ref();
        clock.map(ShiftedClock::environment).unwrap_or_default()
    }

    /// The directory of its nodes.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

/// The secret in a wallet file that is not locked.
pub fn secret_in(file: &std::path::Path) -> SecretKey {
    match WalletFile::new(file).read().unwrap() {
        Stored::Open(secret) => *secret,
        Stored::Locked(_) => panic!("{} is locked", file.display()),
    }
}

/// Waits until all are at one tip, and returns its height and id.
pub fn agree(nodes: &[&Node]) -> (u64, String) {
    wait_until("all agree on one tip", || {
        let tips: Vec<_> = nodes.iter().map(|node| node.tip()).collect();
        so(
            tips.windows(2).all(|two| two[0] == two[1]),
            format!("{tips:?}"),
        )?;
        Ok(tips[0].clone())
    })
}
