//! The settings of a node: one TOML file, and environment variables on top of it.
//!
//! # How a value is found
//!
//! 1. **The file is parsed strictly.** It says `role = "peer"` or `role = "tracker"`, and the role
//!    decides which keys there are. Every key is checked against its entry in the schema: a key
//!    that does not exist, a value of the wrong type and a value out of range are all refused,
//!    each with file, line, key and what was expected. All mistakes are reported together.
//! 2. **The environment comes on top.** `RACLETTE_` followed by the key in capitals, with `__`
//!    between section and key: `RACLETTE_API__LISTEN` replaces `listen` in `[api]`. The text of a
//!    variable is read as the type of the key it replaces, never guessed: a name may be `007`.
//!    Text is taken as it stands, lists of text are separated by commas, everything else is
//!    written as in the file. A variable of the prefix that names no key is
//!    passed over and told ([`unknown_variables`]): other programs set such variables, too; one that
//!    names a key of the other role only is not meant for this node and is passed over, so that
//!    peers and trackers can be started from one environment. The role itself stands in the file.
//! 3. **Defaults fill the rest**, and a required key that is missing is a mistake like the others.
//!
//! A relative path in the file starts at the directory of the file; one in the environment starts, as
//! everywhere, at the directory the node was started in. That of a wallet starts at the data directory.
//!
//! # Adding a key
//!
//! One entry in a `section!` block below is all: it makes the field of the typed settings, its
//! documentation, the entry in the schema, the default, and the commented line in the template.
//! The files in `config/` are the templates' text; a test holds them equal and says how to renew
//! them.

mod endpoint;
mod error;
mod found;
mod kind;
mod log_level;
mod origin;
mod paths;
mod patience;
mod read;
mod schema;
mod template;
mod variables;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use endpoint::{Endpoint, EndpointError};
pub use error::{Mistake, Place, SettingsError};
pub use found::settings_files;
pub use log_level::LogLevel;
pub use origin::{Origin, Setting, settings_with_origin};
pub use paths::{PathError, expand};
pub use patience::{NoPatience, Patience};
pub use template::{
    PeerTemplate, TrackerTemplate, example_peer, init, peer_template, tracker_template,
};

use kind::Kind;
use schema::{Given, section};

/// What every environment variable that overrides a key starts with.
pub const ENVIRONMENT_PREFIX: &str = "RACLETTE_";

/// The settings of one node, complete and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// The file says `role = "peer"`.
    Peer(PeerSettings),
    /// The file says `role = "tracker"`.
    Tracker(TrackerSettings),
}

impl Settings {
    /// Reads the file at `path` and puts the variables of `environment` on top; pass
    /// [`environment()`] for those of this process.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Unreadable`] if there is no such file or it can't be read,
    /// [`SettingsError::Invalid`] with every mistake in the file and the variables.
    pub fn load(
        path: &Path,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let text = read::file(path)?;
        Self::parse(path, &text, environment)
    }

    /// As [`Settings::load`], with the text of the file already at hand; `path` serves for
    /// messages and as the start of relative paths, and is not opened.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Invalid`] with every mistake in the text and the variables.
    pub fn parse(
        path: &Path,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        read::settings(path, text, environment)
    }

    /// The directory that holds everything the node keeps.
    pub fn data_dir(&self) -> &Path {
        match self {
            Self::Peer(peer) => &peer.data_dir,
            Self::Tracker(tracker) => &tracker.data_dir,
        }
    }

    /// Where its wallet is.
    pub fn wallet(&self) -> &WalletSettings {
        match self {
            Self::Peer(peer) => &peer.wallet,
            Self::Tracker(tracker) => &tracker.wallet,
        }
    }

    /// Where others reach the node, as it tells them.
    pub fn reached_at(&self) -> Vec<String> {
        match self {
            Self::Peer(peer) => peer.reached_at(),
            Self::Tracker(tracker) => vec![tracker.listen.to_string()],
        }
    }

    /// What it does about backups.
    pub fn backup(&self) -> &BackupSettings {
        match self {
            Self::Peer(peer) => &peer.backup,
            Self::Tracker(tracker) => &tracker.backup,
        }
    }

    /// Where and how the node logs.
    pub fn log(&self) -> &LogSettings {
        match self {
            Self::Peer(peer) => &peer.log,
            Self::Tracker(tracker) => &tracker.log,
        }
    }

    /// Where the HTTP API listens.
    pub fn api(&self) -> &ApiSettings {
        match self {
            Self::Peer(peer) => &peer.api,
            Self::Tracker(tracker) => &tracker.api,
        }
    }
}

/// What to tell people of variables that start with [`ENVIRONMENT_PREFIX`] and name no key: a line each.
/// Those by which Kubernetes and Docker tell where a service of this name is are passed over in silence.
pub fn unknown_variables(environment: impl Iterator<Item = (String, String)>) -> Vec<String> {
    variables::unknown_variables(environment)
}

/// The variables of this process that start with [`ENVIRONMENT_PREFIX`].
///
/// A value that is not UTF-8 has its odd bytes replaced by U+FFFD, which no key accepts.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .map(|(name, value)| {
            let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
            (text(name), text(value))
        })
        .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
}

/// When a peer looks for blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MiningMode {
    /// Only when told to, by `node mine` or the API.
    OnCommand,
    /// Whenever there are open transactions.
    WhenPending,
    /// All the time, empty blocks included.
    Always,
}

impl MiningMode {
    const CHOICES: &[&str] = &["on-command", "when-pending", "always"];
}

/// Who may join a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdmissionMode {
    /// Whoever reaches the tracker.
    Open,
    /// Whoever was invited.
    Invite,
}

impl AdmissionMode {
    const CHOICES: &[&str] = &["invite", "open"];
}

/// What a node does that has no wallet yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WalletCreation {
    /// It makes one.
    AtStart,
    /// It waits until it is given one, by `node wallet` or the API.
    OnCommand,
}

impl WalletCreation {
    const CHOICES: &[&str] = &["at-start", "on-command"];
}

/// Coins that exist from the genesis block on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// Whose they are: an address as `node` prints it (bech32m). Only its length and characters
    /// are checked here.
    pub address: String,
    /// How many coins, 1 or more. The sum of all allocations fits into a `u64`.
    pub amount: u64,
}

section! {
    /// Settings of a peer, a member of a network.
    PeerSettings {
        /// The name by which the others know this peer. No two members of a network have the same;
        /// the first to register it keeps it.
        name: String = Kind::Name, Given::Required("\"alice\"");
        /// Everything this peer keeps: its wallet, the chain, its logs. A relative path starts at
        /// the directory of this file. Left out: the name followed by "-data".
        data_dir: PathBuf = Kind::Path, Given::Derived("\"alice-data\"");
        /// Where other peers reach this one. 127.0.0.1 is this machine alone; 0.0.0.0 is every
        /// network it is connected to, and then "advertise" must say what others dial. Port 0 takes
        /// any free port, a different one at each start. Peers on one machine need a port each.
        listen: SocketAddr = Kind::Listen, Given::Default("\"127.0.0.1:7001\"");
        /// The addresses, as others dial them, that this peer gives away as its own: after port
        /// forwarding, say. Left empty, it is the address it listens on.
        advertise: Vec<Endpoint> = Kind::Endpoints { least: 0 }, Given::Default("[]");
        /// The trackers of the network. The first decides about membership, the others only
        /// introduce peers to each other.
        trackers: Vec<Endpoint> = Kind::Endpoints { least: 1 },
            Given::Required("[\"127.0.0.1:7000\"]");
        /// The key of the first tracker, as it prints it when it starts ("key=rac1..."). With it,
        /// nobody can stand in for the tracker even the first time. Left empty, the key that is met
        /// first is kept, and any other is refused.
        tracker_key: String = Kind::Key, Given::Default("\"\"");
    }
    wallet: WalletSettings,
    api: ApiSettings,
    web: WebSettings,
    mining: MiningSettings,
    peers: ConnectionSettings,
    delivery: DeliverySettings,
    backup: BackupSettings,
    log: LogSettings,
}

impl PeerSettings {
    /// Where others reach it, as it tells them.
    pub fn reached_at(&self) -> Vec<String> {
        match self.advertise.as_slice() {
            [] => vec![self.listen.to_string()],
            told => told.iter().map(ToString::to_string).collect(),
        }
    }
}

section! {
    /// Settings of a tracker, the meeting place of a network.
    TrackerSettings {
        /// Everything this tracker keeps: its wallet, the register of members, its logs. A relative
        /// path starts at the directory of this file.
        data_dir: PathBuf = Kind::Path, Given::Default("\"tracker-data\"");
        /// Where peers reach this tracker. 127.0.0.1 is this machine alone; 0.0.0.0 is every
        /// network it is connected to. Peers name this port in their files: keep it fixed.
        listen: SocketAddr = Kind::Listen, Given::Default("\"127.0.0.1:7000\"");
        /// The addresses, as others dial them, that invitations name: after port forwarding, say, or
        /// where it listens at every address of its machine. Left empty, it is the address it listens
        /// at.
        advertise: Vec<Endpoint> = Kind::Endpoints { least: 0 }, Given::Default("[]");
        /// For a further tracker of a network: the address of its first one, as `node status`
        /// prints it there. Then this one founds nothing, and gives names only once it has the right
        /// to issue; it tells members where others are, also while the first one is away. Peers name
        /// it behind the first.
        /// Left empty, this tracker is the first.
        introduces_for: String = Kind::OptionalAddress, Given::Default("\"\"");
        /// For a further tracker: where the admin's tracker is, host:port. Once that one gave it the
        /// right to issue (`node tracker delegate`), this one copies its register, and admits and
        /// renews members in its place. Left empty, it knows only who comes to it.
        first: Vec<Endpoint> = Kind::Endpoints { least: 0 }, Given::Default("[]");
    }
    wallet: WalletSettings,
    network: NetworkSettings,
    api: ApiSettings,
    backup: BackupSettings,
    log: LogSettings,
}

section! {
    /// Pages for everybody: blocks, how fast they come, and who is there, for the projector of a classroom.
    /// Nothing can be done there, and nothing of this peer's owner is told.
    WebSettings {
        /// Where they are: "0.0.0.0:8080", say, for every network that this machine is connected to. Left
        /// empty, there are none.
        public: String = Kind::OptionalListen, Given::Default("\"\"");
    }
}

section! {
    /// The network that this tracker founds. All of this goes into the genesis block when the first
    /// peer registers, and is fixed from then on: later changes here have no effect.
    NetworkSettings {
        /// What the network is called.
        name: String = Kind::Name, Given::Default("\"raclette\"");
        /// The time between blocks that the difficulty aims at, in milliseconds.
        block_interval_ms: u64 = Kind::Whole { least: 100, most: 3_600_000 },
            Given::Default("5_000");
        /// How many hashes the easiest block takes on average. The chain starts with it and never
        /// becomes easier.
        start_work: u64 = Kind::Whole { least: 1, most: 1 << 48 }, Given::Default("4_194_304");
        /// Over how many blocks the difficulty averages the time between them: more is steadier,
        /// fewer follows a change of miners faster.
        difficulty_window: u32 = Kind::Whole { least: 12, most: 10_000 }, Given::Default("32");
        /// Every so many blocks the least difficulty doubles, whatever the time between blocks.
        /// 0: never.
        growth_blocks: u64 = Kind::Whole { least: 0, most: 1 << 40 }, Given::Default("0");
        /// New coins in a block for the one who mined it, on top of the fees.
        reward: u64 = Kind::Whole { least: 0, most: 1_000_000_000_000 }, Given::Default("50");
        /// Every so many blocks the reward is halved. 0: never.
        halving_blocks: u64 = Kind::Whole { least: 0, most: 1 << 40 }, Given::Default("0");
        /// The most bytes a block may have.
        max_block_bytes: u32 = Kind::Whole { least: 131_072, most: 3_145_728 },
            Given::Default("2_097_152");
        /// The least fee of a transaction, in coins for each 1024 bytes begun. With 0 a newcomer
        /// who has no coins yet can write and vote at once.
        min_fee_per_kib: u64 = Kind::Whole { least: 0, most: 1_000_000_000 }, Given::Default("0");
        /// Who may join: "invite" is whoever was invited (`node invite` at the tracker, `node join` at the
        /// newcomer's), "open" is whoever reaches the tracker.
        admission: AdmissionMode = Kind::Choice(AdmissionMode::CHOICES), Given::Default("\"invite\"");
        /// Coins that exist from the start, for a class in which nobody is to mine first. A list
        /// of {address = "...", amount = ...}, as in
        /// [{ address = "rac1...", amount = 100 }, { address = "rac1...", amount = 100 }].
        /// A member's node prints its address with `node wallet address`, once `node wallet new`
        /// has made its wallet: so wallets are made first, then this is written, and the tracker
        /// is started after that. Without any, all coins come from mining.
        allocations: Vec<Allocation> = Kind::Allocations, Given::Default("[]");
        /// Coins that a member receives once, when it joins by an invitation, so that it can pay at
        /// once. They are new coins, as those of miners are.
        gift: u64 = Kind::Whole { least: 0, most: 1_000_000_000_000 }, Given::Default("0");
        /// The address of a key that can put another first tracker in the place of this one, should
        /// its wallet be lost or stolen; it can do nothing else. `node init` makes one, and shows its
        /// words once. Left empty, nobody can.
        recovery: String = Kind::OptionalAddress, Given::Default("\"\"");
        /// The topics of the applications that judge records in this network, beside that of
        /// members, which every network has. "vote" is that of ballots.
        applications: Vec<String> = Kind::Topics, Given::Default("[\"vote\"]");
    }
}

section! {
    /// The wallet: the secret that this node's keys are derived from. `node wallet` makes, shows,
    /// locks and restores it.
    WalletSettings {
        /// The file it is in. A relative path starts at the data directory, where several may lie.
        file: PathBuf = Kind::File, Given::Default("\"key.pem\"");
        /// A file whose first line is the passphrase of the wallet; its mode must be 0600. A new
        /// wallet is locked with it. A relative path starts at the directory of this file. Left
        /// empty, the passphrase of a locked wallet is asked for on the terminal, or, where there is
        /// none, waited for: `node wallet load`.
        passphrase_file: PathBuf = Kind::OptionalFile, Given::Default("\"\"");
        /// What to do at a start without a wallet: "at-start" makes a new one, "on-command" waits
        /// for `node wallet new` or `node wallet restore`. Until then the node is on no network.
        create: WalletCreation = Kind::Choice(WalletCreation::CHOICES),
            Given::Default("\"at-start\"");
    }
}

impl WalletSettings {
    /// The file with the passphrase, if one is named.
    pub fn passphrase_file(&self) -> Option<&Path> {
        let named = !self.passphrase_file.as_os_str().is_empty();
        named.then_some(self.passphrase_file.as_path())
    }
}

section! {
    /// The HTTP interface that the other commands of `node`, and pages and programs on this
    /// machine, talk to.
    ApiSettings {
        /// Where it listens: on this machine only (`127.0.0.1` or `[::1]`). Port 0 takes the port
        /// that is 1000 above the one under "listen", or any free one if that is taken; the one taken
        /// is written to a file in the data directory, where the commands find it.
        listen: SocketAddr = Kind::LoopbackListen, Given::Default("\"127.0.0.1:0\"");
    }
}

section! {
    /// The search for blocks.
    MiningSettings {
        /// When to search: "on-command" (`node mine`), "when-pending" (whenever there are open
        /// transactions) or "always".
        mode: MiningMode = Kind::Choice(MiningMode::CHOICES), Given::Default("\"on-command\"");
        /// How many threads search. They run at low priority.
        threads: u16 = Kind::Whole { least: 1, most: 256 }, Given::Default("1");
    }
}

section! {
    /// Connections to other peers.
    ConnectionSettings {
        /// How many connections this peer opens and keeps up by itself.
        outgoing: u16 = Kind::Whole { least: 1, most: 64 }, Given::Default("8");
        /// How many connections it accepts from others.
        incoming: u16 = Kind::Whole { least: 0, most: 1_000 }, Given::Default("32");
    }
}

section! {
    /// Payments and messages on their way to and from other members.
    DeliverySettings {
        /// How many days, in which this peer is at work, something that is sent waits for its
        /// recipient to be there. Then it is given up, and `node history` says so.
        keep_days: u16 = Kind::Whole { least: 1, most: 365 }, Given::Default("7");
        /// After how long a send goes by way of the network as well, if its recipient was not reached
        /// though this peer was connected to others. Whoever holds the ledger then sees from whom, to
        /// whom, and how much; a note stays sealed. "never" waits for the recipient alone.
        by_network_after: Patience = Kind::Patience, Given::Default("\"1m\"");
        /// The addresses of members from whom nothing is taken, as `node peers --addresses` prints
        /// them: what they deliver is refused, and they are told so. What they have mined can't be
        /// refused by anybody.
        blocked: Vec<String> = Kind::Addresses, Given::Default("[]");
    }
}

section! {
    /// Backups that the node makes by itself. They hold everything but the wallet, whose words are to be on
    /// paper; `node restore` begins again from one.
    BackupSettings {
        /// How often: "24h", say, up to "168h"; "never" leaves it to `node backup`.
        every: Patience = Kind::Patience, Given::Default("\"never\"");
        /// How many are kept; the oldest is deleted.
        keep: u16 = Kind::Whole { least: 1, most: 1_000 }, Given::Default("7");
        /// The directory that they are made in, best on another disk. A relative path starts at the
        /// directory of this file. Left empty, it is the data directory's name followed by "-backups",
        /// beside it.
        dir: PathBuf = Kind::OptionalPath, Given::Default("\"\"");
    }
}

impl BackupSettings {
    /// The directory that backups are made in, of a node with this data directory.
    pub fn dir(&self, data_dir: &Path) -> PathBuf {
        if self.dir.as_os_str().is_empty() {
            let mut name = data_dir.as_os_str().to_owned();
            name.push("-backups");
            return name.into();
        }
        self.dir.clone()
    }
}

section! {
    /// What the node tells about itself, on the terminal and as lines of JSON in the directory
    /// "logs" of the data directory.
    LogSettings {
        /// The least weighty event that the terminal still shows: "error", "warn", "info", "debug"
        /// or "trace".
        level: LogLevel = Kind::Choice(LogLevel::CHOICES), Given::Default("\"info\"");
        /// The least weighty event that is still written to the file. With "debug", `node logs --id`
        /// can tell what became of a payment or a block; with "info" the files reach further back.
        file_level: LogLevel = Kind::Choice(LogLevel::CHOICES), Given::Default("\"debug\"");
        /// How many bytes a log file may have before the next one is begun.
        file_bytes: u64 = Kind::Whole { least: 65_536, most: 1 << 30 },
            Given::Default("8_388_608");
        /// How many log files are kept, the current one included; the oldest is deleted.
        files: u16 = Kind::Whole { least: 1, most: 100 }, Given::Default("5");
    }
}

#[cfg(test)]
mod tests;
