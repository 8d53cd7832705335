//! To the Store, and its replies.

use crate::chain::overlay::Batch;
use crate::store::RowChange;
use actix::{Message, Recipient};

/// Who had rows committed, and hears when they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Committer {
    /// The Ledger.
    Ledger,
    /// The TrackerLink: the directory of members.
    Directory,
    /// The RetryQueue: the outbox.
    Outbox,
    /// The Inbox.
    Inbox,
    /// The Registry of a tracker.
    Registry,
    /// Gossip: whom this node has met. It is told nothing, for nothing waits for it.
    Gossip,
}

/// Write these rows in one synced batch. Batches of one committer come with ascending numbers and
/// are written in that order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CommitRows {
    /// Whose rows they are: the part that is told when they are written.
    pub committer: Committer,
    /// Number of the batch.
    pub batch: u64,
    /// Rows to write in one synced batch.
    pub rows: Rows,
    /// How long it may wait for another batch, of whoever, so that one sync serves both.
    pub urgency: Urgency,
}

/// Who waits for a batch to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Somebody, and for another batch that is just behind it.
    Behind,
    /// Somebody.
    Now,
}

/// Rows on their way to the disk.
#[derive(Debug)]
pub enum Rows {
    /// As the disk takes them.
    Plain(Vec<RowChange>),
    /// The chain's, which the Ledger reads from until they are written. The Store turns them into
    /// what the disk takes, on its own thread.
    Chain(Batch),
}

/// All of the committer's batches up to and including this one are on the disk.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct RowsCommitted {
    /// Number of the last batch written.
    pub batch: u64,
}

/// Write what is waiting, move the log into table files, and say so.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FlushStore;

/// Report a committer's written batches here.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ReportTo {
    /// Whose batches.
    pub committer: Committer,
    /// Who is told when it is on the disk.
    pub to: Recipient<RowsCommitted>,
}
