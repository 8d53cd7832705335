//! What can be typed.

mod records;
mod recovery;
mod tracker;
mod upkeep;
mod values;
mod votes;

pub use records::{Record, RecordAdd, Until, WaitForRecord};
pub use recovery::{RecoveryArgs, RecoveryPlace};
pub use tracker::{HandOver, TrackerOrder};
pub use votes::{Vote, VoteCast, VoteOpen};

use super::demo::{DemoArgs, EavesdropArgs};
use super::logs::{Since, USUAL_LAST};
use crate::chain::BlockId;
use crate::membership::MemberName;
use crate::settings::{Endpoint, LogLevel};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use upkeep::{
    BackupArgs, Config, LogsOrder, ManArgs, RestoreArgs, Role, TableArgs, TableForm, TableOf,
};
pub(super) use values::{LevelChange, home, path};
use values::{
    at_least_one, expiry, host, last_events, lasts, listen_address, log_level, page_limit, uses,
    whole_coins,
};

/// A node of a small ledger that its members keep together.
///
/// Without a command it runs the node of the settings file, in the foreground, until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "node", version)]
pub struct Cli {
    /// The settings file [default: peer.toml or tracker.toml, if exactly one is here]
    #[arg(long, short, global = true, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Print JSON instead of tables: one document, or one object a line where things happen
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented settings file for a new node
    #[command(subcommand)]
    Init(Init),
    /// Join a network by an invitation: checks it, writes NAME.toml and a wallet, and starts the node
    Join(JoinArgs),
    /// Run a tracker and three peers on this machine, and tell what they do
    Demo(DemoArgs),
    /// Ask a running node
    #[command(flatten)]
    Ask(Ask),
    /// Listen in on the demo, which starts it
    #[command(hide = true)]
    Eavesdrop(EavesdropArgs),
    /// Write the chain to a file that people and other programs can read
    Export(ExportArgs),
    /// Bring an exported chain into a node that does not run, checking all of it
    Import(ImportArgs),
    /// Write what is on the chain as a table, for spreadsheets, databases and other engines
    Table(TableArgs),
    /// Check a proof that a block, or a transaction, is on the chain; no node is needed
    Verify(VerifyArgs),
    /// Show what the node wrote down, whether it runs or not
    Logs(LogsArgs),
    /// Say what a word means (tip, endpoint, promised ...), or the code of a refusal; without one, list
    /// what can be explained
    Explain {
        /// The word, or the code, such as insufficient_funds
        word: Option<String>,
    },
    /// Show how fast this machine mines, signs and validates; takes about ten seconds
    Bench,
    /// The secret that this node's keys are derived from: make it, keep it, bring it back
    #[command(subcommand)]
    Wallet(Wallet),
    /// Open the node's pages in a browser, by a link that works once
    Web {
        /// Print the link, and open nothing
        #[arg(long)]
        print: bool,
    },
    /// Stop the node, in order, as Ctrl-C in its terminal does; waits until it is gone
    Stop,
    /// Live through a network in simulated time, and show how fast and how reliable it is
    Sim(SimArgs),
    /// Look for what is wrong, and say what to do about it; also where the node does not start. Exit code 1
    /// says that something needs you
    Doctor,
    /// Copy what the node keeps into a directory, whether it runs or not; what was written is read back
    Backup(BackupArgs),
    /// Begin again from a backup, in a data directory that has no database yet
    Restore(RestoreArgs),
    /// Look at the settings: which there are, which hold, and what is wrong with them
    #[command(subcommand)]
    Config(Config),
    /// Print what has a shell complete these commands
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page of a command
    Man(ManArgs),
}

/// What can be done with a wallet. The settings name its file, and the file with its passphrase if
/// that is not to be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Wallet {
    /// Make a new wallet
    New {
        /// Lock it at once: the secret is then encrypted under a passphrase
        #[arg(long)]
        locked: bool,
    },
    /// Show where the wallet is, whose it is, and whether it is locked
    Show,
    /// Show the 24 words that bring the wallet back anywhere: write them down, on paper
    Words {
        /// Also where the words do not go to a terminal
        #[arg(long)]
        reveal: bool,
    },
    /// Bring a wallet back from its 24 words, which are typed, or come on standard input
    Restore {
        /// Lock it at once: the secret is then encrypted under a passphrase
        #[arg(long)]
        locked: bool,
    },
    /// Encrypt the wallet under a passphrase
    Lock,
    /// Take the encryption away again
    Unlock(Sure),
    /// Print the wallet's address alone
    Address,
    /// Give the node, which runs and waits for it, its wallet
    Load,
}

/// A simulation.
#[derive(Debug, Args)]
pub struct SimArgs {
    /// What to simulate, such as config/scenarios/classroom.toml
    #[arg(value_name = "SCENARIO.toml", value_parser = path())]
    pub scenario: PathBuf,
    /// Draw how times grow with the number of peers, into this file
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub svg: Option<PathBuf>,
}

/// The forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON array
    Json,
    /// One JSON object a line
    Jsonl,
}

/// An export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// One JSON array, or one JSON object a line [default: jsonl, but json where --out ends in .json]
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// The file to write, which must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub out: Option<PathBuf>,
}

/// An import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An export, in either format
    #[arg(value_parser = path())]
    pub file: PathBuf,
}

/// The forms of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProofFormat {
    /// JSON, for people and programs
    Json,
    /// The canonical bytes, less than half as long
    Bytes,
}

/// A proof to be made.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// The id of a transaction or a block, or a block's height
    pub id: String,
    /// How many headers stand at its end, whose work can be counted [default: 6]
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
    /// The block whose header it leads to, by height or id [default: the last one]
    #[arg(long, value_name = "BLOCK")]
    pub until: Option<String>,
    /// JSON, or the canonical bytes
    #[arg(long, value_enum, default_value_t = ProofFormat::Json)]
    pub format: ProofFormat,
    /// The file to write, which must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub out: Option<PathBuf>,
}

/// A proof to be checked.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The proof, in either format
    #[arg(value_parser = path())]
    pub file: PathBuf,
    /// A block that you know to be on the chain: the proof must lead to it
    #[arg(long, value_name = "ID")]
    pub trust: Option<BlockId>,
    /// How many hashes must stand behind the proof, where no block is known
    #[arg(long, value_name = "HASHES", conflicts_with = "trust")]
    pub work: Option<u64>,
}

/// Which part of the log is shown.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LogsArgs {
    /// Change what is told.
    #[command(subcommand)]
    pub order: Option<LogsOrder>,
    /// Go on as more is written, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// From when on: how long ago (30s, 5m, 2h, 1d), or a moment (2026-11-20T21:43, or with a Z in UTC)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
    /// Only what this part of the node says: ledger, gossip, miner, tracker_link ...
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Only what is at least this weighty: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", value_parser = log_level)]
    pub level: Option<LogLevel>,
    /// Only what concerns this transaction, block or member: its id or address, or the beginning
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    #[arg(long, value_name = "N", help = format!("Only the last N events [default: {USUAL_LAST}, if neither --since nor --id is given]"),
          value_parser = last_events)]
    /// Only so many events from the end.
    pub last: Option<usize>,
    /// Show the log of another node beside it, in the order of time: its settings file, or a copy
    /// of its log (node.jsonl); may be given several times
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub with: Vec<PathBuf>,
}

/// Joining a network.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The invitation (join1...); - reads it from standard input, where no other user of this machine sees
    /// it. Without one, it is asked for
    #[arg(value_name = "INVITATION")]
    pub invitation: Option<String>,
    /// What you will be called: 1 to 32 of a-z, 0-9 and -, the first a letter
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where the node listens for others [default: the first free port from 7001 on, where whoever reaches the
    /// tracker reaches this machine]
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    pub listen: Option<SocketAddr>,
    /// What others dial, where that is not the address it listens at; may be given several times
    #[arg(long, value_name = "ENDPOINT")]
    pub advertise: Vec<Endpoint>,
    /// The directory to write NAME.toml in, made if need be [default: this one]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub dir: Option<PathBuf>,
    /// End after the checks and the set-up, without starting the node
    #[arg(long)]
    pub no_start: bool,
}

/// The kinds of nodes there are.
#[derive(Debug, Subcommand)]
pub enum Init {
    /// The meeting place of a network
    Tracker(InitTracker),
    /// A member of a network
    Peer(InitPeer),
    /// A new network: its tracker and its first member, each with its wallet
    Network(InitNetwork),
    /// A recovery key for a network that has no members yet, and was begun without one
    Recovery(RecoveryPlace),
}

/// A new network.
#[derive(Debug, Args)]
pub struct InitNetwork {
    /// What it is called: 1 to 32 of a-z, 0-9 and -, the first a letter
    #[arg(value_name = "NAME")]
    pub network: String,
    /// What its first member is called, which is yours: a name as the network's
    #[arg(long, value_name = "NAME", default_value = "founder")]
    pub member: String,
    /// The directory to write everything in, made if need be [default: this one]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub dir: Option<PathBuf>,
    /// Under which name or number other machines reach this one, such as 192.168.1.10 [default: they do
    /// not, the network is for this machine alone]
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub host: Option<String>,
    /// The tracker's port; the member's is the next one
    #[arg(long, value_name = "PORT", default_value_t = 7000, value_parser = clap::value_parser!(u16).range(1..=65_534))]
    pub port: u16,
    /// The key with which another tracker can be put in this one's place.
    #[command(flatten)]
    pub recovery: RecoveryArgs,
}

/// Where a new settings file goes.
#[derive(Debug, Args)]
pub struct InitPlace {
    /// The directory to write it in, made if need be [default: this one]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub dir: Option<PathBuf>,
    /// The file to write [default: peer.toml or tracker.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "dir", value_parser = path())]
    pub out: Option<PathBuf>,
}

/// A new tracker.
#[derive(Debug, Args)]
pub struct InitTracker {
    /// Where it listens for members [default: 127.0.0.1:7000, this machine alone]
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    pub listen: Option<SocketAddr>,
    /// The key with which another tracker can be put in this one's place.
    #[command(flatten)]
    pub recovery: RecoveryArgs,
    /// Where its file goes.
    #[command(flatten)]
    pub place: InitPlace,
}

/// A new peer.
#[derive(Debug, Args)]
pub struct InitPeer {
    /// What it is called: 1 to 32 of a-z, 0-9 and -, the first a letter
    #[arg(long)]
    pub name: String,
    /// Where its network's tracker is, host:port; may be given several times, the first decides
    #[arg(long, required = true, value_name = "ENDPOINT")]
    pub tracker: Vec<Endpoint>,
    /// Where it listens for other peers [default: 127.0.0.1:7001 if the tracker is on this machine, else
    /// 0.0.0.0:7001]
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    pub listen: Option<SocketAddr>,
    /// Where others dial it, host:port; may be given several times [default: if the tracker is elsewhere,
    /// this machine's number towards it]
    #[arg(long, value_name = "ENDPOINT")]
    pub advertise: Vec<Endpoint>,
    /// Where its file goes.
    #[command(flatten)]
    pub place: InitPlace,
}

/// The commands that ask a running node.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// How the node stands
    Status,
    /// Who is in the network
    Peers {
        /// Show whole addresses instead, as `blocked` in the settings wants them
        #[arg(long)]
        addresses: bool,
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Who is a member, by the ledger
    Members {
        /// After the block at this height [default: the last one]
        #[arg(long, value_name = "HEIGHT")]
        at: Option<u64>,
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Invite somebody into the network, at its tracker
    Invite(InviteArgs),
    /// Put a member out, at the tracker: nobody talks to it any more
    Expel(Expel),
    /// Let a member come back that was put out, at the tracker
    Readmit {
        /// Its name or its address
        name: String,
    },
    /// Give a member that has lost its wallet another key, at the tracker
    Rekey(Rekey),
    /// Other trackers of the network: who may issue, and who takes over
    #[command(subcommand)]
    Tracker(TrackerOrder),
    /// What somebody has
    Balance {
        /// A member's name or an address [default: this node]
        of: Option<String>,
    },
    /// Mine blocks, and print each as it is found
    Mine {
        /// How many
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one,
              allow_negative_numbers = true)]
        blocks: u64,
    },
    /// Fetch the history from a chosen peer, and show how far it is
    Sync {
        /// A member's name or an address
        #[arg(long, value_name = "NAME")]
        from: String,
    },
    /// Pay somebody, write to somebody, or both
    Send(SendArgs),
    /// Pay and write to many, as a file says: all of it in calls that share their writes
    SendMany(SendManyArgs),
    /// What is on its way, and what did not get through
    Outbox {
        /// Change something of it
        #[command(subcommand)]
        order: Option<OutboxOrder>,
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// What was received; it counts as read then
    Inbox {
        /// Only what was not read before
        #[arg(long)]
        unread: bool,
        /// Go on showing what comes, until Ctrl-C
        #[arg(long)]
        follow: bool,
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// What was sent and received, and what became of it
    History {
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// Where a transaction stands
    Tx {
        /// Its id
        id: String,
    },
    /// What is in a block
    Block {
        /// Its height or its id
        name: String,
    },
    /// The open transactions: valid, not mined yet
    Open {
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Ballots: open, list, show, cast, tally, audit; alone, it asks what to do
    Vote {
        /// What to do.
        #[command(subcommand)]
        what: Option<Vote>,
    },
    /// Bytes under a topic, for everybody: add some, show them, follow them
    #[command(subcommand)]
    Record(Record),
    /// Prove to somebody without a node that a block, or a transaction, is on the chain
    Prove(ProveArgs),
    /// Believe that a member has a new key, after having asked on another way
    Accept {
        /// The member's name
        name: MemberName,
        /// Whether it was asked.
        #[command(flatten)]
        sure: Sure,
    },
    /// Say goodbye to everybody and keep no session, until `connect` or the next start; the node runs on
    Disconnect,
    /// Take up the sessions again, after `disconnect`
    Connect,
    /// Leave the network for good: name and coins stay with the key. This is no logging
    /// out: to stop the node, press Ctrl-C in its terminal
    Leave(Sure),
    /// The chain as a whole
    #[command(subcommand)]
    Chain(Chain),
}

/// Invitations.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct InviteArgs {
    /// Do something with those that were made
    #[command(subcommand)]
    pub order: Option<InviteOrder>,
    /// How many may join by it [default: 1]
    #[arg(long, value_name = "N", value_parser = uses, allow_negative_numbers = true)]
    pub uses: Option<u32>,
    /// For how long, such as 30m, 24h or 7d [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = lasts)]
    pub expires: Option<u64>,
    /// Show it as a picture (a QR code), too
    #[arg(long)]
    pub qr: bool,
}

/// Somebody is put out.
#[derive(Debug, Args)]
pub struct Expel {
    /// The member's name or its address
    pub name: String,
    /// Why: everybody reads it, and it stays on the ledger
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Whether it was asked.
    #[command(flatten)]
    pub sure: Sure,
}

/// A name gets another key.
#[derive(Debug, Args)]
pub struct Rekey {
    /// The member's name
    pub name: MemberName,
    /// The address of its new key, as its node shows it
    pub address: String,
    /// Whether it was asked.
    #[command(flatten)]
    pub sure: Sure,
}

/// What can be done with invitations.
#[derive(Debug, Subcommand)]
pub enum InviteOrder {
    /// Which there are, how often each can still be used, and until when
    List {
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Let nobody join by one any more; whoever has joined by it stays
    Revoke {
        /// Its number
        id: u32,
    },
}

/// A payment, a message, or both.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// A member's name or an address
    pub to: String,
    /// How many coins, whole ones; 0 for a message alone
    #[arg(allow_negative_numbers = true, value_parser = whole_coins)]
    pub amount: u64,
    /// A text that only the recipient can read; `-` reads it from standard input, where no other
    /// user of this machine sees it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The fee for whoever mines it
    #[arg(long, default_value_t = 0, value_name = "N",
          allow_negative_numbers = true, value_parser = whole_coins)]
    pub fee: u64,
    /// In how many blocks it can be mined; then it expires [default: 119520, about a week]
    #[arg(long, value_name = "BLOCKS", value_parser = expiry, allow_negative_numbers = true)]
    pub expires_in: Option<u64>,
    /// Hand it to the network at once, without waiting for the recipient
    #[arg(long)]
    pub broadcast: bool,
    /// What is meant if the same was sent before.
    #[command(flatten)]
    pub again: Again,
    /// Wait until it is so; Ctrl-C ends the waiting alone, and what was sent stays sent. Exit code 0
    /// says that it is so, 1 that it never will be
    #[arg(long, value_enum, value_name = "STATE")]
    pub wait: Option<WaitFor>,
}

/// What many sends are made of.
#[derive(Debug, Args)]
pub struct SendManyArgs {
    /// A table (CSV) with the header `to,coins,note`, or lines of JSON as the API takes them
    pub file: PathBuf,
    /// The fee of each that names none itself
    #[arg(long, default_value_t = 0, value_name = "N",
          allow_negative_numbers = true, value_parser = whole_coins)]
    pub fee: u64,
    /// Hand all of it to the network at once, without waiting for the recipients
    #[arg(long)]
    pub broadcast: bool,
    /// What is meant if the same was sent before.
    #[command(flatten)]
    pub again: Again,
}

/// What a send can be waited for to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitFor {
    /// The network knows it, so that whoever mines can put it into a block
    Open,
    /// Its recipient has signed for it
    Delivered,
    /// It is in a block
    Mined,
}

/// What can be done with something in the outbox.
#[derive(Debug, Subcommand)]
pub enum OutboxOrder {
    /// Try again at once
    Retry {
        /// Its id, or the first digits of it
        id: String,
    },
    /// Take back what has not left yet
    Withdraw {
        /// Its id, or the first digits of it
        id: String,
    },
    /// Free the coins of what was refused or given up, though it may still be mined
    Release {
        /// Its id, or the first digits of it
        id: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// What can be done with the chain as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Chain {
    /// How long it is, where it ends, and how much work it took
    Show,
    /// Check it again from its first block, believing nothing that is stored
    Verify,
}

/// What a send means where the same was sent before and its answer was lost. Without either, somebody is
/// asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Again {
    /// If the answer to the same was lost: this is that one, sent once
    #[arg(long, conflicts_with = "another")]
    pub same: bool,
    /// If the answer to the same was lost: this is another one
    #[arg(long)]
    pub another: bool,
}

/// Which part of a list.
#[derive(Debug, Clone, Default, Args)]
pub struct Page {
    /// Go on behind what was shown: what the list before said at its end
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", value_parser = page_limit, allow_negative_numbers = true)]
    pub limit: Option<usize>,
}

impl Page {
    /// As parameters of the API.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let after = self.after.clone().map(|after| ("after", after));
        let limit = self.limit.map(|limit| ("limit", limit.to_string()));
        after.into_iter().chain(limit).collect()
    }
}

/// Whether what can't be undone was asked for with care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Sure {
    /// Do not ask whether it is meant: for scripts
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests;
