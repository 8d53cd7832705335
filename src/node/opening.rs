//! What a node opens before any actor runs: log, database, key.

use super::RunError;
use crate::actors::{Fatal, fatal_channel};
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, OsEntropy};
use crate::keys::{KeyFile, KeyFileError, SecretKey};
use crate::logging::{self, LogGuard};
use crate::net::{Listener, Transport};
use crate::settings::{LogSettings, PeerSettings, TrackerSettings};
use crate::store::{Disk, OpenOptions, RocksDisk, Role};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The database's directory in the data directory.
const DATABASE: &str = "db";
/// The key file in the data directory.
const KEY: &str = "key.pem";

/// What every node has, but for its key, which only the wallet gets.
pub(super) struct Opened {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) fatal: Fatal,
    pub(super) fatal_heard: mpsc::Receiver<String>,
    /// Dropped last: writes out the log.
    _log: LogGuard,
}

impl Opened {
    pub(super) fn peer(settings: &PeerSettings) -> Result<(Self, SecretKey), RunError> {
        Self::open(&settings.data_dir, &settings.log, Role::Peer)
    }

    pub(super) fn tracker(settings: &TrackerSettings) -> Result<(Self, SecretKey), RunError> {
        Self::open(&settings.data_dir, &settings.log, Role::Tracker)
    }

    fn open(data_dir: &Path, log: &LogSettings, role: Role) -> Result<(Self, SecretKey), RunError> {
        // The database first: it is what refuses a directory that another node uses.
        let disk = RocksDisk::open(&data_dir.join(DATABASE), &OpenOptions::new(role))?;
        let log = logging::start(log, data_dir, true)?;
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let key = open_key(&data_dir.join(KEY), &*entropy)?;
        let (fatal, fatal_heard) = fatal_channel();
        let opened = Self {
            disk: Arc::new(disk),
            clock: Arc::new(SystemClock),
            entropy,
            fatal,
            fatal_heard,
            _log: log,
        };
        Ok((opened, key))
    }
}

/// The key in the file, which is made at the first start.
fn open_key(path: &Path, entropy: &dyn Entropy) -> Result<SecretKey, KeyFileError> {
    let file = KeyFile::new(path);
    match file.load() {
        Err(KeyFileError::Missing { .. }) => {
            let mut root = zeroize::Zeroizing::new([0; 32]);
            entropy.fill(&mut *root);
            let key = SecretKey::from_bytes(*root);
            file.create(&key)?;
            tracing::info!(file = %path.display(), "new key made: keep a copy of this file, it is this node's identity and purse");
            Ok(key)
        }
        loaded => loaded,
    }
}

/// A random number.
pub(super) fn random_u64(entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Listens at the address of the settings.
pub(super) async fn listen(
    transport: &dyn Transport,
    address: SocketAddr,
) -> Result<Box<dyn Listener>, RunError> {
    transport
        .listen(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => RunError::PortInUse { address },
            _ => RunError::Listen { address, source },
        })
}
