//! What can be typed about other trackers of a network.

use super::Sure;
use super::values::lasts;
use clap::{Args, Subcommand, ValueEnum};

/// What can be done about other trackers.
#[derive(Debug, Subcommand)]
pub enum TrackerOrder {
    /// Give another tracker the right to invite, admit and renew, at the admin's tracker
    Delegate {
        /// The address of its key, as `node wallet address` prints it there
        address: String,
        /// For how long, such as 30d; 89d at most [default: 30d]
        #[arg(long, value_name = "TIME", value_parser = lasts)]
        until: Option<u64>,
    },
    /// Which trackers have that right, until when, and whether they are there
    List,
    /// Take the right back
    Revoke {
        /// The address of its key
        address: String,
    },
    /// Put another tracker in the place of the admin's: by the key of that one, at it, or by the recovery words
    HandOver(HandOver),
}

/// Another tracker takes over.
#[derive(Debug, Args)]
pub struct HandOver {
    /// The address of the other tracker's key
    pub address: String,
    /// With the recovery words, which are asked for, or read from standard input: at any tracker or member of
    /// the network
    #[arg(long)]
    pub recovery: bool,
    /// Read the recovery words from standard input
    #[arg(value_name = "-")]
    pub from: Option<FromInput>,
    /// Whether it was asked.
    #[command(flatten)]
    pub sure: Sure,
}

/// Standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FromInput {
    /// Standard input.
    #[value(name = "-")]
    Stdin,
}
