//! Every message that actors exchange, by receiver.
//!
//! Commands are imperative, facts past tense, queries `Get...`. Messages that outside input can
//! cause in any number are answered one for one, and whoever sends them counts what is unanswered;
//! so no mailbox overflows and nothing that was accepted is lost.

pub mod clocks;
pub mod events;
pub mod gossip;
pub mod inbox;
pub mod introducer;
pub mod ledger;
pub mod liveness_probe;
pub mod miner;
pub mod registry;
pub mod retry_queue;
pub mod session;
pub mod store;
pub mod tracker_link;
pub mod wallet;
