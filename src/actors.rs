//! Actors: thin shells, each around one machine. A handler builds the machine's input, calls it, and
//! carries out what it says; decisions live in the machine.
//!
//! Nobody looks anybody up: links are handed in by `node.rs`, which alone knows every actor and the
//! thread it lives on.

mod clocks;
mod fatal;
mod gossip;
mod inbox;
mod introducer;
mod ledger;
mod link;
mod liveness_probe;
mod miner;
mod peer_session;
mod registry;
mod retry_queue;
mod search;
mod session_handle;
mod store;
mod tracker_link;
mod wallet;
mod wallet_door;

pub use clocks::ClocksActor;
pub use fatal::{Fatal, fatal_channel};
pub use gossip::{DeliveryLinks, GossipActor, GossipLinks};
pub use inbox::{InboxActor, InboxParts};
pub use introducer::{IntroducerActor, IntroducerParts};
pub use ledger::{LedgerActor, LedgerLinks};
pub use link::Link;
pub use liveness_probe::LivenessProbeActor;
pub use miner::{MinerActor, MinerParts};
pub use peer_session::{Greeting, SessionContext, SessionParts};
pub use registry::{RegistryActor, RegistryParts};
pub use retry_queue::{RetryQueueActor, RetryQueueParts};
pub use search::{Done, Order, Search, ThreadSearch};
pub use store::StoreActor;
pub use tracker_link::{TrackerLinkActor, TrackerLinkParts};
pub use wallet::WalletActor;
pub use wallet_door::WalletDoorActor;

/// How often actors with a machine that watches the time look at the clock, in milliseconds.
const TICK: std::time::Duration = std::time::Duration::from_millis(100);
