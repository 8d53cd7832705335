//! What is typed to keep a node well over the years.

use super::path;
use super::values::{LevelChange, level_change};
use crate::settings::Patience;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What can be asked about settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Config {
    /// Check the settings file and the variables, without starting anything
    Check,
    /// Print a commented file with every setting and its default
    Default {
        /// Of which kind of node
        #[arg(value_enum, default_value_t = Role::Peer)]
        role: Role,
    },
    /// Show every setting with the value that holds
    Show {
        /// Also where each comes from: a line of the file, a variable, or the default
        #[arg(long)]
        origin: bool,
    },
}

/// The kinds of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// A member of a network
    Peer,
    /// Its meeting place
    Tracker,
}

/// Which manual pages.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The words of the command, such as wallet new [default: node itself]
    #[arg(conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write the pages of all commands into this directory instead, which is made if need be
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub dir: Option<PathBuf>,
}

/// What is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableOf {
    /// A row for each block
    Blocks,
    /// A row for each transaction, rewards included
    Transactions,
    /// A row for each record
    Records,
    /// A row for each word on the ledger about who is a member: who joined, left, was put out
    Members,
}

/// The forms of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableForm {
    /// A heading, then a row a line, values between commas
    Csv,
    /// A JSON object a line
    Jsonl,
}

/// A table of what is on the chain.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// What is in it
    #[arg(value_enum)]
    pub table: TableOf,
    /// CSV, or one JSON object a line [default: csv, but jsonl where --out ends in .jsonl]
    #[arg(long, value_enum)]
    pub format: Option<TableForm>,
    /// The file to write, which must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub out: Option<PathBuf>,
}

/// A backup to be made.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The directory to make, outside of the data directory; best on another disk
    #[arg(value_parser = path())]
    pub dir: PathBuf,
    /// Also the wallet: whoever has the backup has the coins and the name then
    #[arg(long)]
    pub with_wallet: bool,
}

/// A backup to begin again from.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_parser = path())]
    pub dir: PathBuf,
    /// The node that the backup was made of will never run again, and what answers where it was is another
    /// program
    #[arg(long)]
    pub original_gone: bool,
}

/// What can be ordered about the log.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum LogsOrder {
    /// Have a part of the running node tell more or less of itself than its settings say, on its terminal and in
    /// its file, until it stops
    Level {
        /// Which part tells how much, such as chain=debug; or usual, for all that the settings say
        #[arg(value_name = "PART=LEVEL", value_parser = level_change)]
        change: LevelChange,
        /// For so long only: 90s, 10m, 2h
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<Patience>,
    },
}
