//! What the demo keeps on disk: a settings file for the tracker, one for each peer once it has joined, and
//! beside them what its nodes keep.

use super::error::DemoError;
use crate::settings::{Settings, init};
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

/// Names of the peers, in the order in which they register.
pub(super) const PEERS: [&str; 3] = ["alice", "bob", "carol"];
/// Name of the tracker's files.
pub(super) const TRACKER: &str = "tracker";
/// All of them, in the order in which they start.
pub(super) const NODES: [&str; 4] = [TRACKER, PEERS[0], PEERS[1], PEERS[2]];
/// Held while a demo runs in a directory.
const LOCK: &str = "demo.lock";
/// Ports are looked for from here on: above those of well-known services, below those that the
/// system gives to outgoing connections, which could take one between two starts of a node.
const FIRST_PORT: u16 = 20_000;
/// So many ports are looked at.
const PORTS: u16 = 5_000;
/// Nodes listen in every other thousand: their APIs take the ports a thousand above (`http`), and those of one
/// demo must not take what a node of another is about to listen at.
const THOUSAND: u16 = 1_000;

/// The directory of a demo, with a place for every node, and the lock that keeps a second demo out.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
    /// Whether there was a network in it before.
    pub(super) resumed: bool,
    /// Where each node listens, or will once it has joined.
    places: BTreeMap<&'static str, SocketAddr>,
    _lock: File,
}

impl Files {
    /// Takes up the network in `directory`, or makes the files of a new one. Files that exist keep
    /// what was written into them by hand; only a port that somebody else took meanwhile is replaced.
    pub(super) fn open(directory: &Path) -> Result<Self, DemoError> {
        let because = |source| DemoError::Directory {
            path: directory.to_owned(),
            source,
        };
        fs::create_dir_all(directory).map_err(because)?;
        let lock = File::create(directory.join(LOCK)).map_err(because)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DemoError::Running(directory.to_owned()),
            TryLockError::Error(source) => because(source),
        })?;
        let tracker = config_path(directory, TRACKER);
        let resumed = tracker.exists();
        if !resumed {
            init(&tracker, &tracker_file(FreePorts::new().next()?))?;
        }
        replace_taken_ports(directory)?;
        if let Settings::Peer(_) = load(directory, TRACKER)? {
            return Err(DemoError::NotATracker(tracker));
        }
        Ok(Self {
            directory: directory.to_owned(),
            resumed,
            places: places(directory)?,
            _lock: lock,
        })
    }

    /// Whether a node has its settings: whether it has joined.
    pub(super) fn has_joined(&self, name: &str) -> bool {
        self.config(name).exists()
    }

    /// Where a node listens, or will.
    pub(super) fn place(&self, name: &str) -> Option<SocketAddr> {
        self.places.get(name).copied()
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The settings file of a node.
    pub(super) fn config(&self, name: &str) -> PathBuf {
        config_path(&self.directory, name)
    }

    /// The file that a node's output goes to.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.log"))
    }

    /// The settings of a node.
    pub(super) fn settings(&self, name: &str) -> Result<Settings, DemoError> {
        load(&self.directory, name)
    }
}

fn config_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.toml"))
}

/// The settings of a node, as the file alone has them: the demo keeps the environment from its nodes.
fn load(directory: &Path, name: &str) -> Result<Settings, DemoError> {
    let path = config_path(directory, name);
    Ok(Settings::load(&path, std::iter::empty())?)
}

/// Where a node listens.
fn listens_at(settings: &Settings) -> SocketAddr {
    match settings {
        Settings::Peer(peer) => peer.listen,
        Settings::Tracker(tracker) => tracker.listen,
    }
}

/// Where each node listens: as its file says, or at a port that is free.
fn places(directory: &Path) -> Result<BTreeMap<&'static str, SocketAddr>, DemoError> {
    let mut ports = FreePorts::new();
    let mut places = BTreeMap::new();
    for name in there(directory) {
        let place = listens_at(&load(directory, name)?);
        ports.hold(place);
        places.insert(name, place);
    }
    for name in PEERS {
        if !places.contains_key(name) {
            places.insert(name, ports.next()?);
        }
    }
    Ok(places)
}

/// The nodes that have their settings.
fn there(directory: &Path) -> impl Iterator<Item = &'static str> {
    let has_file = |name: &&'static str| config_path(directory, name).exists();
    NODES.into_iter().filter(has_file)
}

/// The tracker's file. Its blocks are easy, so that nobody waits for one: a tenth of a second of one
/// core at the start, and never much more than a second.
fn tracker_file(listen: SocketAddr) -> String {
    format!(
        "# The tracker of the demo. `node init tracker` writes a file that shows every key there is,\n\
         # with its meaning and its default.\n\
         role = \"tracker\"\n\
         data_dir = \"tracker-data\"\n\
         listen = \"{listen}\"\n\
         \n\
         # Fixed by the genesis block: later changes here have no effect.\n\
         [network]\n\
         admission = \"invite\"\n\
         name = \"demo\"\n\
         block_interval_ms = 1_000\n\
         start_work = 100_000\n"
    )
}

/// Gives every node whose port somebody else listens at by now a new one, in all files alike.
fn replace_taken_ports(directory: &Path) -> Result<(), DemoError> {
    let mut ports = FreePorts::new();
    let mut taken = Vec::new();
    for name in there(directory) {
        let address = listens_at(&load(directory, name)?);
        if address.port() != 0 && !ports.hold(address) {
            taken.push(address);
        }
    }
    for address in taken {
        let free = SocketAddr::new(address.ip(), ports.next()?.port());
        for name in there(directory) {
            let path = config_path(directory, name);
            let because = |source| DemoError::Directory {
                path: path.clone(),
                source,
            };
            let text = fs::read_to_string(&path).map_err(because)?;
            let text = text.replace(&format!("\"{address}\""), &format!("\"{free}\""));
            fs::write(&path, text).map_err(because)?;
        }
    }
    Ok(())
}

/// The one of this number among those that nodes listen at.
fn port(number: u16) -> u16 {
    FIRST_PORT + number / THOUSAND * 2 * THOUSAND + number % THOUSAND
}

/// Ports that nobody listens at, each given once.
struct FreePorts {
    next: u16,
    tried: u16,
    /// Held until all are found, so that none is given twice, nor to two demos that start at once.
    held: Vec<TcpListener>,
}

impl FreePorts {
    fn new() -> Self {
        // Demos that start at once begin in different places.
        let place = RandomState::new().build_hasher().finish() % u64::from(PORTS);
        Self {
            next: place as u16,
            tried: 0,
            held: Vec::new(),
        }
    }

    /// Holds this address; whether nobody else does.
    fn hold(&mut self, address: SocketAddr) -> bool {
        let listener = TcpListener::bind(address);
        let free = listener.is_ok();
        self.held.extend(listener);
        free
    }

    /// A port nobody listens at.
    fn next(&mut self) -> Result<SocketAddr, DemoError> {
        while self.tried < PORTS {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port(self.next)));
            self.next = (self.next + 1) % PORTS;
            self.tried += 1;
            if self.hold(address) {
                return Ok(address);
            }
        }
        Err(DemoError::NoFreePort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{PeerTemplate, peer_template};
    use std::collections::HashSet;
    use std::sync::Mutex;

    /// Tests that look for ports do so one after the other: each would find the other's taken.
    static PORTS_IN_USE: Mutex<()> = Mutex::new(());

    /// As `node join` leaves it.
    fn joined(files: &Files, name: &'static str) {
        let peer = PeerTemplate {
            name,
            trackers: &[files.place(TRACKER).unwrap().to_string().parse().unwrap()],
            listen: files.place(name),
            ..PeerTemplate::default()
        };
        init(&files.config(name), &peer_template(&peer)).unwrap();
    }

    #[test]
    fn a_new_network_has_a_place_for_each_and_resuming_leaves_its_files_alone() {
        let _alone = PORTS_IN_USE.lock();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/demo");
        let files = Files::open(&path).unwrap();
        assert!(!files.resumed);
        let before = files.places.clone();
        let different: HashSet<_> = before.values().collect();
        assert_eq!(different.len(), 4);
        // The API of one demo, a thousand above, is nowhere that a node of another may listen.
        let even = |place: &&SocketAddr| (place.port() / 1_000).is_multiple_of(2);
        assert_eq!(before.values().filter(even).count(), 4);
        assert!(files.has_joined(TRACKER) && !files.has_joined("alice"));
        joined(&files, "alice");
        let alice = fs::read_to_string(files.config("alice")).unwrap();
        assert_eq!(
            files.settings("alice").unwrap().data_dir(),
            path.join("alice-data")
        );
        drop(files);
        let again = Files::open(&path).unwrap();
        assert!(again.resumed && again.has_joined("alice") && !again.has_joined("bob"));
        for name in [TRACKER, "alice"] {
            assert_eq!(again.place(name), before.get(name).copied());
        }
        assert_eq!(fs::read_to_string(again.config("alice")).unwrap(), alice);
    }

    #[test]
    fn a_port_that_was_taken_meanwhile_is_replaced_wherever_it_stands() {
        let _alone = PORTS_IN_USE.lock();
        let directory = tempfile::tempdir().unwrap();
        let files = Files::open(directory.path()).unwrap();
        PEERS.iter().for_each(|name| joined(&files, name));
        let before = files.places.clone();
        drop(files);
        let _somebody = TcpListener::bind(before[TRACKER]).unwrap();
        let files = Files::open(directory.path()).unwrap();
        let after = &files.places;
        assert_ne!(after[TRACKER], before[TRACKER]);
        assert!(PEERS.iter().all(|name| after[name] == before[name]));
        let carol = fs::read_to_string(files.config("carol")).unwrap();
        assert!(carol.contains(&format!("trackers = [\"{}\"]", after[TRACKER])));
    }

    #[test]
    fn two_demos_do_not_share_a_directory() {
        let _alone = PORTS_IN_USE.lock();
        let directory = tempfile::tempdir().unwrap();
        let _first = Files::open(directory.path()).unwrap();
        assert!(matches!(
            Files::open(directory.path()),
            Err(DemoError::Running(_))
        ));
    }

    #[test]
    fn a_file_with_a_mistake_is_reported_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bob.toml");
        fs::write(&path, "rôle = 1").unwrap();
        assert!(matches!(
            Files::open(directory.path()),
            Err(DemoError::Settings(_))
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "rôle = 1");
    }
}
