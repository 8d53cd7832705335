//! What the ledger writes down.

use crate::chain::ledger::{Fate, TipChange};
use crate::chain::{Closed, TransactionId};
use crate::protocol::branch_change::News;

/// The tip moved; `caught_up` says that no block is known to be missing.
pub(super) fn tip(change: &TipChange, caught_up: bool) {
    for (id, height) in &change.disconnected {
        tracing::warn!(height = height.0, block = %id, "block disconnected: another branch has more work");
    }
    match &change.connected[..] {
        // While the chain is fetched, thousands come.
        [_, .., (id, height, _)] if !caught_up => {
            let blocks = change.connected.len();
            tracing::debug!(height = height.0, block = %id, blocks, "blocks connected");
        }
        connected => {
            for (id, height, transactions) in connected {
                tracing::debug!(height = height.0, block = %id, transactions, "block connected");
            }
        }
    }
    if let (true, Some(miner), Some((id, height, transactions))) =
        (caught_up, change.miner, change.connected.last())
    {
        let miner = miner.to_address();
        tracing::info!(height = height.0, block = %id, transactions, %miner, "block came in");
    }
}

/// Lines about single transactions that one turn may leave; of more, one line tells how many there are. A full
/// block closes thousands, and whoever follows one of them finds the block that it is in.
const SINGLY: usize = 16;

/// Transactions are open now.
pub(super) fn opened(ids: &[TransactionId]) {
    if ids.len() > SINGLY {
        tracing::debug!(transactions = ids.len(), "transactions open");
        return;
    }
    for id in ids {
        tracing::debug!(tx = %id, "transaction open");
    }
}

/// Transactions are open no more.
pub(super) fn closed(gone: &[(TransactionId, Closed)]) {
    let mined = |(_, why): &&(TransactionId, Closed)| *why == Closed::Mined;
    let count = gone.iter().filter(mined).count();
    if count > SINGLY {
        let reason = reason(Closed::Mined);
        tracing::debug!(transactions = count, reason, "transactions closed");
    }
    for one in gone {
        // What went for any other reason is somebody's loss.
        if count <= SINGLY || !mined(&one) {
            let (id, why) = one;
            tracing::debug!(tx = %id, reason = reason(*why), "transaction closed");
        }
    }
}

/// What a change of branch means for this node's owner.
pub(super) fn news(news: &[News]) {
    for one in news {
        match one {
            News::Changed(change) => {
                tracing::warn!(
                    height = change.fork.0,
                    blocks = change.undone,
                    transactions = change.transactions.len() as u64 + change.and_more,
                    rewards_lost = %change.rewards_lost,
                    "the chain changed its branch above this height"
                );
                for (id, fate) in &change.transactions {
                    moved(id, *fate);
                }
            }
            News::Moved(id, fate) => moved(id, *fate),
        }
    }
}

fn moved(id: &TransactionId, fate: Fate) {
    match fate {
        Fate::Open => {
            tracing::warn!(tx = %id, "own transaction fell out of the chain and is open again");
        }
        Fate::Mined(height) => {
            tracing::info!(tx = %id, height = height.0, "own transaction that fell out of the chain is mined again");
        }
        Fate::Closed(why) => {
            let reason = reason(why);
            tracing::warn!(tx = %id, reason, "own transaction that fell out of the chain is void");
        }
    }
}

fn reason(why: Closed) -> &'static str {
    match why {
        Closed::Mined => "it was mined",
        Closed::Expired => "its last height has passed",
        Closed::TimedOut => "it was open for a day and nobody mined it",
        Closed::Evicted => "better paying ones took its place",
        Closed::Conflicted => {
            "its sender's coins went elsewhere, or its application refuses it now"
        }
        Closed::PutOut => "its sender was put out of the network",
    }
}
