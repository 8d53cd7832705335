//! What can be typed.

mod ask;
mod beginning;
mod proofs;
mod records;
mod recovery;
mod sending;
mod tracker;
mod upkeep;
mod values;
mod votes;

pub use ask::{Ask, Chain, Expel, InviteArgs, InviteOrder, Rekey};
pub use beginning::{Init, InitNetwork, InitPeer, InitPlace, InitTracker, JoinArgs};
pub use proofs::{ProofFormat, ProveArgs, VerifyArgs};
pub use records::{Record, RecordAdd, Until, WaitForRecord};
pub use recovery::{RecoveryArgs, RecoveryPlace};
pub use sending::{Again, OutboxOrder, SendArgs, SendManyArgs};
pub use tracker::{HandOver, TrackerOrder};
pub use votes::{Vote, VoteCast, VoteOpen};

use super::demo::{DemoArgs, EavesdropArgs};
use super::logs::{Since, USUAL_LAST};
use crate::settings::LogLevel;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

pub use upkeep::{
    BackupArgs, Config, LogsOrder, ManArgs, RestoreArgs, Role, TableArgs, TableForm, TableOf,
};
pub(super) use values::{LevelChange, home, listen_address, path};
use values::{last_events, log_level, page_limit};

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
    /// Join a network by an invitation: checks it, writes peer.toml and a wallet, and starts the node
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
mod routes;
#[cfg(test)]
mod tests;
