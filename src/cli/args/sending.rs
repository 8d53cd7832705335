//! What can be typed about payments and messages.

use super::Sure;
use super::values::{expiry, whole_coins};
use crate::owner::Goal;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

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

impl From<WaitFor> for Goal {
    fn from(wanted: WaitFor) -> Self {
        match wanted {
            WaitFor::Open => Self::Open,
            WaitFor::Delivered => Self::Delivered,
            WaitFor::Mined => Self::Mined,
        }
    }
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
