//! What can be typed.

use super::demo::DemoArgs;
use crate::chain::params::MAX_EXPIRY;
use crate::settings::Endpoint;
use crate::wire::MemberName;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A node of a small ledger that its members keep together.
///
/// Without a command it runs the node of the settings file, in the foreground, until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "node", version)]
pub struct Cli {
    /// The settings file [default: peer.toml or tracker.toml, if exactly one is here]
    #[arg(long, short, global = true, value_name = "FILE")]
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
    /// Run a tracker and three peers on this machine, and tell what they do
    Demo(DemoArgs),
    /// Ask a running node
    #[command(flatten)]
    Ask(Ask),
}

/// The kinds of nodes there are.
#[derive(Debug, Subcommand)]
pub enum Init {
    /// The meeting place of a network
    Tracker(InitPlace),
    /// A member of a network
    Peer(InitPeer),
}

/// Where a new settings file goes.
#[derive(Debug, Args)]
pub struct InitPlace {
    /// The directory to write it in, made if need be [default: this one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The file to write [default: peer.toml or tracker.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub out: Option<PathBuf>,
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
    /// Where it listens for other peers [default: 127.0.0.1:7001]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
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
    Peers,
    /// What somebody has
    Balance {
        /// A member's name or an address [default: this node]
        of: Option<String>,
    },
    /// Mine blocks, and print each as it is found
    Mine {
        /// How many
        #[arg(long, default_value_t = 1, value_name = "N",
              value_parser = clap::value_parser!(u64).range(1..))]
        blocks: u64,
    },
    /// Pay somebody
    Send {
        /// A member's name or an address
        to: String,
        /// How many coins, whole ones
        #[arg(allow_negative_numbers = true, value_parser = whole_coins)]
        amount: u64,
        /// The fee for whoever mines it
        #[arg(long, default_value_t = 0, value_name = "N",
              allow_negative_numbers = true, value_parser = whole_coins)]
        fee: u64,
        /// In how many blocks it can be mined; then it expires [default: 1440]
        #[arg(long, value_name = "BLOCKS",
              value_parser = clap::value_parser!(u64).range(1..=MAX_EXPIRY))]
        expires_in: Option<u64>,
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
    Open,
    /// Believe that a member has a new key, after having asked on another way
    Accept {
        /// The member's name
        name: MemberName,
    },
    /// Leave the network for good: the name becomes free, coins stay with the key
    Leave,
    /// The chain as a whole
    #[command(subcommand)]
    Chain(Chain),
}

/// What can be done with the chain as a whole.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Chain {
    /// Check it again from its first block, believing nothing that is stored
    Verify,
}

/// Negative numbers get here, too, so that they are refused in words and not taken for options.
fn whole_coins(text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(coins) => Ok(coins),
        Err(_) if digits => Err("that is more than all coins there can be".into()),
        Err(_) => Err("coins are counted in whole numbers, from 0 on".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_walk_types_is_understood() {
        for line in [
            "node",
            "node --config peer.toml",
            "node --config peer.toml status",
            "node status --config peer.toml --json",
            "node demo",
            "node demo --once --json --dir elsewhere",
            "node init tracker",
            "node init tracker --dir net",
            "node init peer --name alice --tracker 127.0.0.1:7000",
            "node init peer --name bob --tracker t.example:7000 --tracker [::1]:7 --listen 0.0.0.0:7002 --out bob.toml",
            "node balance",
            "node balance bob",
            "node mine --blocks 3",
            "node send bob 5 --fee 1 --expires-in 10",
            "node tx 00",
            "node block 7",
            "node open",
            "node chain verify --json",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn misuse_is_refused() {
        for line in [
            "node fly",
            "node send bob",
            "node send bob -5",
            "node send bob 1.5",
            "node send bob 18446744073709551616",
            "node send bob 5 --expires-in 0",
            "node mine --blocks 0",
            "node init peer --name alice",
            "node init peer --tracker 127.0.0.1:7000",
            "node init peer --name alice --tracker nowhere",
            "node init tracker --dir a --out b",
            "node chain",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    /// What stands on a command line can be read by every user of the machine.
    #[test]
    fn no_secret_is_taken_as_an_argument() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str().to_lowercase();
                for secret in ["token", "key", "secret", "pass", "words", "seed"] {
                    assert!(!name.contains(secret), "{name} of {}", command.get_name());
                }
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
