//! How much the open transactions may take.

/// What all open transactions may take in memory: about 30 full blocks, and small against the memory of the
/// smallest machine.
const MAX_OPEN_BYTES: usize = 64_000_000;
/// What each takes beside its bytes, here, in the relay and in the orders of both, as measured: a node grew by
/// 14.4 MiB with 15,000 of 199 bytes, its rows that are not in a file yet among that.
const ENTRY_BYTES: usize = 800;
/// How long a transaction may stay open, in milliseconds in which this node is awake: who is not mined within
/// a day should be told.
const MAX_OPEN_MS: u64 = 24 * 3_600_000;
/// One sender may take one part in so many, so that no single member fills the place for all.
const SENDER_SHARE: usize = 8;
/// What one sender may send without a fee within [`FREE_BLOCKS`](crate::chain::FREE_BLOCKS) blocks, bytes of those
/// that are open and of those that were mined: about 2,500 notes.
const FREE_BYTES: u64 = 1_000_000;
/// All transactions without a fee may take one part in so many: there is always room for who pays, and twenty
/// members that flood cost a node less than 64 MiB, with what its allocator keeps of their first onrush.
const FREE_SHARE: usize = 4;
/// What one sender may have open without a fee outside of that, in bytes: joins and such.
const OUTSIDE_BYTES: usize = 256 * 1024;
/// Open records that are judged again at a move of the chain at most, of the senders concerned, and as many of the
/// others: as many as a large network has members, some milliseconds. What waits for its turn is in no block
/// meanwhile, since a template judges what it takes.
const MAX_JUDGED_AGAIN: usize = 2_048;

/// How much the open transactions may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MempoolLimits {
    /// What all open transactions together may take in memory, in bytes.
    pub bytes: usize,
    /// What each takes beside its bytes.
    pub entry_bytes: usize,
    /// How long a transaction may stay open, in milliseconds in which this node is awake.
    pub age_ms: u64,
    /// One sender may take `bytes / share`.
    pub sender_share: usize,
    /// Bytes that one sender may send without a fee, open and in the last blocks.
    pub free_bytes: u64,
    /// All that counts against such budgets may take `bytes / share`.
    pub free_share: usize,
    /// Bytes without a fee that one sender may have open outside of its budget.
    pub outside_bytes: usize,
    /// Records that are judged again at a move of the chain, of the senders concerned and of the others.
    pub judged_again: usize,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            bytes: MAX_OPEN_BYTES,
            entry_bytes: ENTRY_BYTES,
            age_ms: MAX_OPEN_MS,
            sender_share: SENDER_SHARE,
            free_bytes: FREE_BYTES,
            free_share: FREE_SHARE,
            outside_bytes: OUTSIDE_BYTES,
            judged_again: MAX_JUDGED_AGAIN,
        }
    }
}
