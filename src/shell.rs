//! Shells: what lies between a message and a machine, without a runtime.
//!
//! A shell owns one machine and the links to everybody whom it tells something. It takes a message, calls
//! the machine with what the right clock says, carries out the effects in their order, and counts what is
//! unanswered. An actor is a mailbox around a shell and hands it every message; a test hands it the same
//! messages and looks at what went out.

mod asking;
mod fatal;
mod gossip;
mod greeting;
mod inbox;
mod introducer;
mod ledger;
mod link;
mod liveness_probe;
mod miner;
mod outbox;
mod peer_session;
mod registry;
mod session_handle;
mod sessions;
mod showing;
mod table_writer;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tracker_link;

pub use asking::{Answered, Ask};
pub use fatal::{Fatal, fatal_channel};
pub use gossip::{DeliveryLinks, GossipLinks, GossipParts, GossipShell, TO_LEDGER};
pub use greeting::Greeting;
pub use inbox::{InboxParts, InboxShell};
pub use introducer::{IntroducerParts, IntroducerShell};
pub use ledger::{LedgerLinks, LedgerParts, LedgerShell};
pub use link::Link;
pub use liveness_probe::{LivenessProbeParts, LivenessProbeShell, VISIT_PATIENCE_MS};
pub use miner::{MinerParts, MinerShell, Order, Search, SearchDone};
pub use outbox::{OutboxParts, OutboxShell};
pub use peer_session::{Outgoing, PeerSessionParts, PeerSessionShell, Queued, SessionEnd, Waiting};
pub use registry::{MAX_SESSIONS, RegistryParts, RegistryShell};
pub use sessions::{Begin, Sessions};
pub use showing::Showing;
pub use table_writer::TableWriter;
pub use tracker_link::{DirectoryPorts, GenesisSearch, TrackerLinkParts, TrackerLinkShell};

/// Where messages go out of a shell: a mailbox, or in tests a list.
pub trait Port<M>: Send {
    /// Hands a message over. A receiver that is gone takes everything.
    ///
    /// # Errors
    /// The message again, if there is no room for it.
    fn offer(&mut self, message: M) -> Result<(), M>;
}

/// Dial this address and report [`Dialled`](crate::messages::session::Dialled).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial(pub String);
