//! What a node opens: log and database before any actor runs, and its door.

use super::seams::Seams;
use super::{RunError, open_files};
use crate::actors::{Fatal, ThreadSearch};
use crate::apps;
use crate::clock::SystemClock;
use crate::entropy::{Entropy, OsEntropy};
use crate::logging::{self, LogGuard, Names};
use crate::messages::gossip::ConnectionAccepted;
use crate::net::{Listener, TcpTransport, Transport};
use crate::pow::{NativeEngine, PowEngine};
use crate::readable::Typed;
use crate::settings::{LogSettings, PeerSettings};
use crate::store::{Migrating, OpenOptions, RocksDisk, Role};
use crate::verifier::RayonVerifier;
use actix::Recipient;
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The database's directory in the data directory.
const DATABASE: &str = "db";
/// The file in it that RocksDB holds locked while it is open.
const LOCK: &str = "LOCK";
/// Mode of a data directory that is made.
const OWNER_ONLY: u32 = 0o700;

/// What is open: the log, which is to be dropped last since that writes it out, and what the node takes
/// of this machine.
type Opened = (LogGuard, Seams);

/// Opens what a node of this role needs.
pub(super) fn open(
    data_dir: &Path,
    (log, typed): (&LogSettings, Typed),
    role: Role,
    fatal: Fatal,
) -> Result<Opened, RunError> {
    // The database first: it is what refuses a directory that another node uses.
    let seams = seams(data_dir, role, fatal)?;
    let log = logging::start(log, data_dir, Some(typed.clone()), seams.names.clone())?;
    Ok((log, Seams { typed, ..seams }))
}

/// Opens the database in `data_dir`, and takes everything else from this machine.
pub(super) fn seams(data_dir: &Path, role: Role, fatal: Fatal) -> Result<Seams, RunError> {
    let connections = open_files::connections();
    make_private(data_dir)?;
    let path = data_dir.join(DATABASE);
    let disk = RocksDisk::open_telling(&path, &OpenOptions::new(role), &mut migration_told())?;
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let engine: Arc<dyn PowEngine> = Arc::new(NativeEngine::new());
    Ok(Seams {
        disk: Arc::new(disk),
        clock: Arc::new(SystemClock),
        entropy,
        transport: Arc::new(TcpTransport),
        verifier: Arc::new(RayonVerifier::default()),
        search: Box::new(move |threads| Box::new(ThreadSearch::new(engine.clone(), threads))),
        threads: true,
        applications: apps::built_in(),
        said: Vec::new(),
        typed: Typed::default(),
        fatal,
        names: Names::default(),
        registering_costs: true,
        connections,
    })
}

/// Tells on the terminal, now and then, how far a migration of the database is: the log is not open yet.
fn migration_told() -> impl FnMut(Migrating) {
    /// How often.
    const EVERY: Duration = Duration::from_secs(5);
    let mut told: Option<Instant> = None;
    move |at| {
        if told.is_some_and(|told| told.elapsed() < EVERY) {
            return;
        }
        told = Some(Instant::now());
        // Whoever has closed standard error does not want to know.
        let _ = writeln!(
            io::stderr(),
            "the database is brought from schema version {} to {}, {} rows so far; cut short, it goes on \
             from there at the next start",
            at.from,
            at.to,
            at.rows
        );
    }
}

/// Opens the database of a peer that does not run, to read or to fill it; makes both it and its
/// directory if there are none.
///
/// # Errors
/// [`DiskError::InUse`](crate::store::DiskError::InUse) if the peer runs, and as a start otherwise.
pub fn open_offline(settings: &PeerSettings) -> Result<RocksDisk, RunError> {
    open_at_rest(&settings.data_dir, Role::Peer)
}

/// Opens the database of any node that does not run, as [`open_offline`].
///
/// # Errors
/// As there.
pub fn open_at_rest(data_dir: &Path, role: Role) -> Result<RocksDisk, RunError> {
    make_private(data_dir)?;
    let path = data_dir.join(DATABASE);
    Ok(RocksDisk::open(&path, &OpenOptions::new(role))?)
}

/// Whether a node with this data directory ever ran.
pub fn has_database(data_dir: &Path) -> bool {
    data_dir.join(DATABASE).exists()
}

/// Whether a node runs with this data directory: whether its database is locked. True up to the moment
/// at which the next start would not be kept out any more.
pub fn is_running(data_dir: &Path) -> bool {
    let lock = data_dir.join(DATABASE).join(LOCK);
    let Ok(lock) = File::options().write(true).open(lock) else {
        return false;
    };
    // Given back when the file is closed, here.
    let free = fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive);
    matches!(free, Err(Errno::AGAIN | Errno::ACCESS))
}

/// Makes the data directory where there is none, for its owner alone: its database has rows, and its
/// API a token, that are nobody else's business. One that is there keeps the mode its owner gave it.
pub fn make_private(data_dir: &Path) -> Result<(), RunError> {
    let mut builder = DirBuilder::new();
    let made = builder.mode(OWNER_ONLY).recursive(true).create(data_dir);
    made.map_err(|source| RunError::DataDir {
        path: data_dir.to_owned(),
        source,
    })
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

/// Hands every connection on; what keeps one from being made is told, once until the next is made,
/// and the next is waited for.
pub(crate) async fn accept(mut listener: Box<dyn Listener>, to: Recipient<ConnectionAccepted>) {
    /// How long to wait when the system has nothing left to accept with.
    const PAUSE: Duration = Duration::from_millis(100);
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(connection) => {
                told = false;
                if to.send(ConnectionAccepted(connection)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "a connection could not be accepted");
                }
                told = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_data_directory_that_is_made_is_its_owners_alone() {
        let place = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let made = place.path().join("above").join("data");
        make_private(&made).unwrap();
        assert_eq!(mode(&made), OWNER_ONLY);
        let found = place.path().join("found");
        fs::create_dir(&found).unwrap();
        fs::set_permissions(&found, fs::Permissions::from_mode(0o750)).unwrap();
        make_private(&found).unwrap();
        assert_eq!(mode(&found), 0o750);
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = make_private(&file.join("data")).unwrap_err();
        assert!(refused.to_string().contains("data_dir"), "{refused}");
    }
}
