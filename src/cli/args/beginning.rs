//! What can be typed to begin: to join a network, or to found one.

use super::values::{host, listen_address, path, port};
use super::{RecoveryArgs, RecoveryPlace};
use crate::settings::Endpoint;
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Joining a network.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The invitation (join1...), or the whole message that it stands in; - reads it from standard input, where
    /// no other user of this machine sees it. Without one, it is asked for
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
    /// The directory to write peer.toml in, made if need be; beside another node it is NAME.toml [default: this
    /// one]
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
    #[arg(long, value_name = "PORT", default_value_t = 7000, value_parser = port, allow_negative_numbers = true)]
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
