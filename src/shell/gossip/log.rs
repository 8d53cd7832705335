//! What the conversation with the peers writes down.

use crate::chain::ledger::{Answer, BlockOutcome};
use crate::chain::{Block, BlockId, EncodedTransaction, Rejected, TransactionId};
use crate::clock::SteadyTime;
use crate::protocol::gossip::Fact;
use crate::wire::Message;

/// Transactions of one message that get a line each; of more, one line tells how many came.
const SINGLY: usize = 16;

/// What an owner should hear of.
pub(super) fn fact(fact: &Fact, now: SteadyTime) {
    match fact {
        Fact::Connected(session, key, direction) => {
            tracing::info!(peer = %key.to_address(), session = session.0, direction = ?direction, "peer connected");
        }
        Fact::Disconnected(session, key, reason) => {
            tracing::info!(peer = %key.to_address(), session = session.0, %reason, "peer disconnected");
        }
        Fact::Misbehaved(key, reason) => {
            tracing::warn!(peer = %key.to_address(), %reason, "peer broke a rule and is shunned for a while");
        }
        Fact::ClockDiffers(key) => {
            tracing::warn!(peer = %key.to_address(), "a block lies in the future: this machine's clock or the miner's is wrong");
        }
        Fact::Alone(since) => {
            tracing::warn!(
                elapsed_ms = now.since(*since),
                "no peer is connected: nothing this node mines or sends reaches anybody"
            );
        }
    }
}

/// What is said to a peer, as far as a block's way can be followed by it.
pub(super) fn said(peer: &str, message: &Message) {
    if let Message::AnnounceBlock(header) = message {
        tracing::debug!(height = header.height.0, block = %header.id(), peer, "block announced");
    }
}

/// A block came from a peer.
pub(super) fn block(peer: &str, block: &Block) {
    tracing::debug!(height = block.header.height.0, block = %block.id(), peer, "block received");
}

/// Transactions came from a peer.
pub(super) fn transactions(peer: &str, transactions: &[EncodedTransaction]) {
    if transactions.len() > SINGLY {
        tracing::debug!(
            transactions = transactions.len(),
            peer,
            "transactions received"
        );
        return;
    }
    for transaction in transactions {
        tracing::debug!(tx = %transaction.id(), peer, "transaction received");
    }
}

/// What the ledger did not take of what a peer sent.
pub(super) fn judged(peer: &str, answer: &Answer) {
    match answer {
        // What is wrong with headers is told of whoever sent them.
        Answer::Headers(_) => {}
        Answer::Block(id, outcome) => block_judged(peer, id, outcome),
        Answer::Transactions(verdicts) => {
            for (id, verdict) in verdicts {
                transaction_judged(peer, id, verdict);
            }
        }
    }
}

fn block_judged(peer: &str, id: &BlockId, outcome: &BlockOutcome) {
    let reason = match outcome {
        BlockOutcome::Accepted | BlockOutcome::Known => return,
        BlockOutcome::Fault(fault) => fault.to_string(),
        BlockOutcome::Orphan => "the block before it is not known".to_owned(),
        BlockOutcome::Held => "it lies ahead of this machine's clock".to_owned(),
        BlockOutcome::LostRace => "another one came first".to_owned(),
        BlockOutcome::Busy => "this node is busy; it is asked for again".to_owned(),
    };
    tracing::debug!(block = %id, peer, %reason, "block not taken");
}

fn transaction_judged(peer: &str, id: &TransactionId, verdict: &Result<(), Rejected>) {
    if let Err(reason) = verdict {
        tracing::debug!(tx = %id, peer, %reason, "transaction not taken");
    }
}
