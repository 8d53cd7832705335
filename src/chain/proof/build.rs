//! Making a proof from what is stored: a few rows are read, whatever the length of the chain.

use super::{Ancestry, Inclusion, MAX_TAIL, PROOF_VERSION, Proof};
use crate::chain::history::HistoryProof;
use crate::chain::merkle::MerkleProof;
use crate::chain::rows::{HeaderEntry, RowKey, StateView};
use crate::chain::{BlockId, Header, Height, Internal, TransactionId};

/// What is to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// That a block is on the chain.
    Block(BlockId),
    /// That a transaction is in a block of the chain.
    Transaction(TransactionId),
}

/// Why there is no such proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The block is not on the connected chain.
    #[error("block {0} is not on the chain of this node: there is nothing to prove")]
    NotConnected(BlockId),
    /// The transaction is in no block.
    #[error("transaction {0} is in no block yet: wait until it is mined")]
    NotMined(TransactionId),
    /// The proof should end before the block, or beyond the chain.
    #[error(
        "the block is at height {block} and the chain ends at height {tip}: a proof can lead to a header from the one to the other, not to height {until}"
    )]
    Until {
        /// Where it should end.
        until: Height,
        /// The block's height.
        block: Height,
        /// The tip's.
        tip: Height,
    },
    /// No header, or too many.
    #[error("a proof has a tail of 1 to {MAX_TAIL} headers, not of {0}")]
    Tail(usize),
    /// What is stored can't be read.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Makes a proof out of the stored chain that ends with the last `tail` headers up to the height
/// `until`, that of the tip if there is none.
///
/// # Errors
/// One variant of [`ProveError`] per way to fail.
pub fn prove(
    stored: &dyn StateView,
    subject: Subject,
    tail: usize,
    until: Option<Height>,
) -> Result<Proof, ProveError> {
    if !(1..=MAX_TAIL).contains(&tail) {
        return Err(ProveError::Tail(tail));
    }
    let (entry, inclusion) = match subject {
        Subject::Block(id) => (connected(stored, &id)?, None),
        Subject::Transaction(id) => {
            let (entry, inclusion) = included(stored, id)?;
            (entry, Some(inclusion))
        }
    };
    let block = entry.header.height;
    let tip = stored
        .named(&RowKey::Tip)?
        .ok_or_else(|| Internal("there is no tip".into()))?;
    let tip = connected(stored, &tip)?.header.height;
    let until = until.unwrap_or(tip);
    if until < block || until > tip {
        return Err(ProveError::Until { until, block, tip });
    }
    let first = block.0 + 1;
    let begin = first.max((until.0 + 1).saturating_sub(tail as u64));
    let headers = (begin..=until.0).map(|height| header_at(stored, Height(height)));
    let tail: Vec<Header> = headers.collect::<Result<_, _>>()?;
    let ancestry = match tail.first() {
        Some(anchor) if anchor.height.0 > first => {
            let (index, leaves) = (block.0, anchor.height.0);
            let path = HistoryProof::of(index, leaves, |at| stored.history_node(at))?;
            let path =
                path.ok_or_else(|| Internal("a block has no place in the history".into()))?;
            let work = entry.work;
            Some(Ancestry { work, path })
        }
        _ => None,
    };
    Ok(Proof {
        version: PROOF_VERSION,
        block: entry.header,
        inclusion,
        ancestry,
        tail,
    })
}

fn header_at(stored: &dyn StateView, height: Height) -> Result<Header, Internal> {
    let missing = || {
        Internal(format!(
            "the connected header at height {height} is missing"
        ))
    };
    let id = stored.active(height)?.ok_or_else(missing)?;
    Ok(stored.header(&id)?.ok_or_else(missing)?.header)
}

/// A block of the connected chain.
fn connected(stored: &dyn StateView, id: &BlockId) -> Result<HeaderEntry, ProveError> {
    let not_connected = || ProveError::NotConnected(*id);
    let entry = stored.header(id)?.ok_or_else(not_connected)?;
    if stored.active(entry.header.height)? != Some(*id) {
        return Err(not_connected());
    }
    Ok(entry)
}

fn included(
    stored: &dyn StateView,
    id: TransactionId,
) -> Result<(HeaderEntry, Inclusion), ProveError> {
    let place = stored.mined(&id)?.ok_or(ProveError::NotMined(id))?;
    let damaged = || Internal(format!("the block that holds transaction {id} is missing"));
    let block = stored.active(place.height)?.ok_or_else(damaged)?;
    let body = stored.block(&block)?.ok_or_else(damaged)?;
    let index = place.index as usize;
    let transaction = body.transactions.get(index).filter(|t| t.id() == id);
    let transaction = transaction.ok_or_else(damaged)?.clone();
    let leaves: Vec<_> = body.transactions.iter().map(|t| t.witness()).collect();
    let path = MerkleProof::of(&leaves, index).ok_or_else(damaged)?;
    let inclusion = Inclusion { transaction, path };
    Ok((connected(stored, &block)?, inclusion))
}
