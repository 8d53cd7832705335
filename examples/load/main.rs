//! Loads a node that runs, over its API, and says how fast it goes: transfers until a second node has them
//! open, or messages until their recipient has signed for them.

mod drive;

use clap::Parser;
use drive::{Failure, Load, Watched};
use std::path::PathBuf;

/// Sends many transfers from a node that runs, and measures.
///
/// Both nodes are named by their data directories, in which they keep address and token of their API. Nobody
/// should mine or send meanwhile: what is open is counted.
#[derive(Parser)]
struct Arguments {
    /// The data directory of the node that sends.
    sender: PathBuf,
    /// The data directory of the node that must have all of it open before the clock stops.
    watcher: PathBuf,
    /// Who gets it: a name or an address.
    #[arg(long)]
    to: String,
    /// How many transfers.
    #[arg(long, default_value_t = 10_000)]
    count: usize,
    /// How many ask at a time.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// How many transfers are in one call; 1 is the call for a single one.
    #[arg(long, default_value_t = 1)]
    many: usize,
    /// The fee of each.
    #[arg(long, default_value_t = 1)]
    fee: u64,
    /// The text of a note with each.
    #[arg(long)]
    note: Option<String>,
    /// Straight to the recipient instead of to the network; the clock stops when all are acknowledged.
    #[arg(long)]
    direct: bool,
    /// Stops the clock when the last call is answered: for nodes that mine meanwhile.
    #[arg(long)]
    answered: bool,
    /// Sends so many a second at most.
    #[arg(long)]
    rate: Option<f64>,
    /// Reads meanwhile what an owner reads, at the node with this data directory, and tells how long that took.
    #[arg(long, value_name = "DATA_DIR")]
    reads: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let load = Load {
        to: arguments.to,
        count: arguments.count,
        clients: arguments.clients.max(1),
        many: arguments.many.max(1),
        fee: arguments.fee,
        note: arguments.note,
        direct: arguments.direct,
        answered: arguments.answered,
        rate: arguments.rate,
        reads: arguments.reads,
    };
    let watched = Watched::read(&arguments.sender, &arguments.watcher)?;
    println!("{}", drive::run(&load, &watched)?);
    Ok(())
}
