//! Conversations between nodes, as machines: who says what when, and what must be on the disk first.
//!
//! A machine takes what came in and the time, and returns what its shell has to do, in order; it
//! opens no socket, reads no clock and writes no row itself. That is why a whole network of them runs
//! in a test, cut and restarted at any moment.
//!
//! [`gossip`] is the conversation among peers: headers, blocks, open transactions. [`registry`] is
//! the tracker's side of the conversation with its members, [`tracker_link`] the member's side, and
//! [`directory`] what a member knows of the others. [`liveness`] says who of them answers, and
//! [`doorstep`] who of those that dial a tracker may come in. [`introducer`] is a member's side of the
//! conversation with any but its first tracker. [`mining`] says when to search and for what, [`progress`] how
//! long catching up will take, [`branch_change`] what a reorganisation did to this node's transactions.
//! [`clocks`] says whose clock is wrong, and [`passed_over`] how much a session may send that we don't know.
//! [`delivery`] is what sender and recipient of a transfer say to each other, [`retry`] the queue in
//! which it waits for a recipient who is away, `bucket` how often something may happen, `commit_queue` how a machine of them has nothing said
//! that the disk does not hold, and [`credit`] how what is asked and not answered yet is counted.

pub mod backoff;
pub mod branch_change;
pub mod bucket;
pub mod clocks;
mod commit_queue;
pub mod credit;
pub mod delivery;
pub mod directory;
pub mod doorstep;
pub mod gossip;
pub mod introducer;
pub mod liveness;
pub mod mining;
pub mod passed_over;
pub mod progress;
pub mod registry;
pub mod retry;
pub(crate) mod spread;
pub mod tracker_link;
pub mod tracker_word;

#[cfg(test)]
pub(crate) mod testing;

pub use directory::Directory;
pub use registry::Registry;
pub use tracker_link::TrackerLink;

/// Number of a connection, given by the shell and never given twice while the node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A changed row of a machine's own table: its key, and its new value or `None` where it is removed.
pub type Row = (Vec<u8>, Option<Vec<u8>>);
