//! The composition root: opens what a node needs, wires its actors, decides on which thread each
//! lives, and stops them in order.

mod backups;
mod delivery;
mod embedded;
pub mod joining;
mod network_mark;
mod open_files;
mod opening;
mod orders;
mod own_join;
mod panics;
mod peer;
mod seams;
mod speaking;
mod stage;
mod status_line;
mod supervisor;
mod tracker;
mod wallet;

pub use embedded::{Node, NodeBuilder, NotReady, StartError};
pub(crate) use opening::accept;
pub use opening::{has_database, is_running, make_private, open_at_rest, open_offline};
pub(crate) use own_join::keep as keep_on_ledger;
pub(crate) use peer::{Ground, stop as stop_peer};
pub(crate) use seams::Seams;
pub(crate) use tracker::Running as RunningTracker;

use crate::actors::fatal_channel;
use crate::chain::{GenesisError, Internal, RulesError};
use crate::http::ApiError;
use crate::keys::{UnlockError, WalletFileError};
use crate::logging::{self, LoggingError};
use crate::passphrase::NoPassphrase;
use crate::protocol::registry::RegistryError;
use crate::protocol::tracker_link::OpenError;
use crate::readable::Typed;
use crate::settings::{PeerSettings, Setting, TrackerSettings};
use crate::store::{DiskError, Role};
use orders::Orders;
use stage::Stage;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use supervisor::Supervisor;
use wallet::Asking;

/// How long each phase of a stop may take before the next begins.
const PHASE: Duration = Duration::from_secs(5);

/// Exit code of a process that a panic ended.
const PANIC_CODE: i32 = 101;
/// How long it may take to tell of a panic and to end by it.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Why a node did not start, or stopped by itself. Each text says what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The data directory can't be made.
    #[error(
        "can't make the data directory {}: {source}; make the directory above it writable, or set \"data_dir\" in the settings to another place", path.display()
    )]
    DataDir {
        /// Path of the directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The wallet file.
    #[error(transparent)]
    Wallet(#[from] WalletFileError),
    /// The wallet is another than the data directory's.
    #[error(
        "this data directory belongs to another wallet: it was used with {belongs_to}, and {} holds {found}. \
         Nothing was sent or changed. Put the right wallet back at that place (`node wallet restore` makes \
         it from its 24 words, once the other file is moved away), or set \"data_dir\" in the settings to a \
         directory of its own for this one", file.display()
    )]
    OtherWallet {
        /// The wallet file.
        file: PathBuf,
        /// The address of its key.
        found: String,
        /// The address of the key that the directory belongs to.
        belongs_to: String,
    },
    /// The wallet of a used data directory is gone.
    #[error(
        "there is no wallet at {}, and this data directory belongs to {belongs_to}: no new one is made, as it \
         would not be that one. Put the wallet back at that place, or make it from its 24 words: `node wallet \
         restore`. To begin anew as somebody else, set \"data_dir\" in the settings to another directory", file.display()
    )]
    LostWallet {
        /// Where it should be.
        file: PathBuf,
        /// The address of the key that the directory belongs to.
        belongs_to: String,
    },
    /// The wallet is locked.
    #[error(transparent)]
    Locked(#[from] UnlockError),
    /// Its passphrase.
    #[error(transparent)]
    Passphrase(#[from] NoPassphrase),
    /// What says which network a tracker has founded.
    #[error(
        "{} says which network this tracker has founded, and can't be read: {source}. Put it back from a backup; \
         or remove it, if this tracker has its register, or is to found a network anew", path.display()
    )]
    NetworkMark {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The invitation that this node is to join by.
    #[error(
        "the invitation in {} can't be used: {reason}. Ask for a new one, and put it there instead", path.display()
    )]
    Invitation {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The log files.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// The API.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Another program has the port.
    #[error(
        "can't listen at {address}: another program does (another node, perhaps); stop it, or set \"listen\" in the settings to another port"
    )]
    PortInUse {
        /// The address in the settings.
        address: SocketAddr,
    },
    /// The system does not let it listen there.
    #[error(
        "can't listen at {address}: {source}; set \"listen\" in the settings to an address of this machine"
    )]
    Listen {
        /// The address in the settings.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The network's rules can't be followed.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The settings of the network make no genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// What the link to the tracker has stored or is told.
    #[error(transparent)]
    TrackerLink(#[from] OpenError),
    /// The tracker's register.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A setting that only shows its fault when it is used.
    #[error("{key} in the settings: {reason}")]
    Setting {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// What is stored can't be read.
    #[error(transparent)]
    Internal(#[from] Internal),
    /// Something that the node can't go on after.
    #[error("{0}")]
    Fatal(String),
    /// Another signal did not let the stop end.
    #[error(
        "the stop was cut short by another signal ({by}); what was confirmed is saved, and the next start goes on from there"
    )]
    CutShort {
        /// What the signal is called.
        by: &'static str,
    },
    /// The operating system.
    #[error("the operating system refused {what}: {source}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}

/// Runs a peer until it is told to stop; on its terminal and in what it answers the commands in a text are as
/// `typed` has them. Its owner is shown who `said` what its settings are.
pub fn run_peer(settings: PeerSettings, said: Vec<Setting>, typed: Typed) -> Result<(), RunError> {
    end_with_a_panic();
    let (fatal, heard) = fatal_channel();
    let (_log, mut seams) = opening::open(
        &settings.data_dir,
        (&settings.log, typed),
        Role::Peer,
        fatal,
    )?;
    seams.said = said;
    let secret = wallet::open(&settings.wallet, &seams, Asking::Terminal)?;
    to_the_end(async move {
        let orders = Orders::listen(heard)?;
        peer::run(settings, seams, secret, orders, &staged()).await
    })
}

/// Runs a tracker until it is told to stop; as [`run_peer`].
pub fn run_tracker(
    settings: TrackerSettings,
    said: Vec<Setting>,
    typed: Typed,
) -> Result<(), RunError> {
    end_with_a_panic();
    let (fatal, heard) = fatal_channel();
    let (_log, mut seams) = opening::open(
        &settings.data_dir,
        (&settings.log, typed),
        Role::Tracker,
        fatal,
    )?;
    seams.said = said;
    let secret = wallet::open(&settings.wallet, &seams, Asking::Terminal)?;
    to_the_end(async move {
        let orders = Orders::listen(heard)?;
        tracker::run(settings, seams, secret, orders, &staged()).await
    })
}

/// Lives through the life of a node on this thread, as one task among those of its actors: what the system itself
/// waits for is looked at again with each of them that has something to do.
fn to_the_end(life: impl Future<Output = Result<(), RunError>> + 'static) -> Result<(), RunError> {
    actix::System::new().block_on(async {
        let ended = actix::spawn(life).await;
        ended.unwrap_or_else(|error| Err(RunError::Fatal(error.to_string())))
    })
}

/// Where the node tells how far it has come; whoever supervises this process hears of it.
fn staged() -> Stage {
    let (stage, staged) = Stage::begin();
    if let Some(supervisor) = Supervisor::of_this_process() {
        actix::spawn(supervisor.follow(staged));
    }
    stage
}

/// A panic anywhere ends the process: an actor that panicked leaves a node that looks alive and is
/// not. What was promised is on the disk, and a restart resumes.
fn end_with_a_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // A panic within logging holds a lock that telling of it waits for, and a paused terminal takes
        // no report. Without such a thread (there may be no room for one) the rest is as good as ever.
        let _ = std::thread::Builder::new().spawn(|| {
            std::thread::sleep(LAST_WORDS);
            std::process::abort();
        });
        report(info);
        tracing::error!(error = %info, "panic: the node ends; please report this");
        logging::flush();
        std::process::exit(PANIC_CODE);
    }));
}

/// Gives one phase of a stop its time.
async fn phase(name: &'static str, work: impl Future<Output = ()>) {
    match tokio::time::timeout(PHASE, work).await {
        Ok(()) => tracing::debug!(phase = name, "a phase of the stop is over"),
        Err(_) => tracing::warn!(phase = name, "a phase of the stop took too long; going on"),
    }
}

#[cfg(test)]
mod tests;
