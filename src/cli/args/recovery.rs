//! What can be typed about the recovery key of a new network.

use super::path;
use clap::Args;
use std::path::PathBuf;

/// Where the words of the recovery key go.
#[derive(Debug, Clone, Default, Args)]
pub struct RecoveryPlace {
    /// Write the recovery words to a new file, for its owner alone [default: they are shown at the terminal,
    /// and nowhere else]
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub recovery_out: Option<PathBuf>,
}

/// What becomes of the recovery key of a new network.
#[derive(Debug, Clone, Default, Args)]
pub struct RecoveryArgs {
    /// Where its words go.
    #[command(flatten)]
    pub place: RecoveryPlace,
    /// Make no recovery key: should the tracker's wallet be lost, nobody can put another in its place
    #[arg(long, conflicts_with = "recovery_out")]
    pub no_recovery: bool,
}
