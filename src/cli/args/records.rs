//! What can be typed about records.

use super::Page;
use super::values::{page_limit, path, whole_coins};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What can be done with records.
#[derive(Debug, Subcommand)]
pub enum Record {
    /// Add bytes under a topic, for everybody to see, signed by this node
    Add(RecordAdd),
    /// Show what was recorded under a topic, in the order of the chain
    List {
        /// The topic
        topic: String,
        /// Which part of it.
        #[command(flatten)]
        page: Page,
    },
    /// Go on showing what is recorded under a topic, and what the chain takes back, until Ctrl-C
    Follow {
        /// The topic
        topic: String,
        /// Begin behind this place, as an entry of --json names it [default: the beginning of the chain]
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
        /// How many are asked for at a time
        #[arg(long, value_name = "N", value_parser = page_limit, allow_negative_numbers = true, hide = true)]
        limit: Option<usize>,
    },
}

/// A record to be added.
#[derive(Debug, Args)]
pub struct RecordAdd {
    /// The topic: a name of up to 32 bytes. Where the network has an application of this name, that decides
    /// what may be recorded; elsewhere anything may
    pub topic: String,
    /// The file that is recorded, up to 64 KiB [default: -, standard input]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub file: Option<PathBuf>,
    /// The fee for whoever mines it
    #[arg(long, default_value_t = 0, value_name = "N",
          allow_negative_numbers = true, value_parser = whole_coins)]
    pub fee: u64,
    /// How long to stay with it.
    #[command(flatten)]
    pub until: Until,
}

/// How long a command stays with what it put on the ledger.
#[derive(Debug, Clone, Copy, Args)]
pub struct Until {
    /// Wait until it is so; Ctrl-C ends the waiting alone
    #[arg(long, value_enum, value_name = "STATE", conflicts_with = "mine")]
    pub wait: Option<WaitForRecord>,
    /// Mine until it is in a block
    #[arg(long)]
    pub mine: bool,
}

/// What a record can be waited for to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitForRecord {
    /// The network knows it, so that whoever mines can put it into a block
    Open,
    /// It is in a block
    Mined,
}
