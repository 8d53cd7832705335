//! What can be typed about proofs.

use super::values::{hashes, headers, path};
use crate::chain::BlockId;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
    #[arg(long, value_name = "N", value_parser = headers, allow_negative_numbers = true)]
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
    #[arg(long, value_name = "HASHES", conflicts_with = "trust", value_parser = hashes,
          allow_negative_numbers = true)]
    pub work: Option<u64>,
}

impl VerifyArgs {
    /// Whether it was said what makes a proof worth believing.
    pub fn says_what_counts(&self) -> bool {
        self.trust.is_some() || self.work.is_some()
    }
}
