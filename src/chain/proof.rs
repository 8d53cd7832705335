//! Proofs: that a block, and a transaction in it, lie on the chain that ends at a given header; a few
//! hashes and headers, whatever the length of the chain.
//!
//! A [`Proof`] leads from a transaction up to its block's header, and from there to the header of a
//! later block, which fixes every block before it by its history root. [`Proof::check`] follows that
//! way and believes nothing. What the way is worth depends on the header it leads to, and only whoever
//! checks can say: [`Trust`] names the two ways to decide, and what each proves.

mod build;
mod json;
#[cfg(test)]
mod tests;

pub use build::{ProveError, Subject, prove};
pub use json::{PathStepJson, ProofJson};

use super::history::{self, HistoryProof};
use super::json::JsonError;
use super::merkle::MerkleProof;
use super::target::Work;
use super::{BlockId, EncodedTransaction, Header, Height, TransactionId, header};
use crate::canonical::{self, Malformed, capped_list};
use crate::keys::{self, SignatureError};
use serde::{Deserialize, Serialize};

/// First number of a proof: how the rest is to be read.
pub const PROOF_VERSION: u32 = 1;
/// Most headers behind the block in a proof: with them a proof stays far below its greatest length,
/// and more work is shown by naming a header that one trusts.
pub const MAX_TAIL: usize = 1_000;
/// Headers behind the block that a proof has unless more are asked for: the work of six blocks, in
/// less than a KiB.
pub const DEFAULT_TAIL: usize = 6;
/// Longest proof, in bytes of its canonical encoding: 1,000 headers of 131 bytes, the longest
/// transaction, and some 5 KiB of hashes come to less.
pub const MAX_PROOF_BYTES: usize = 256 * 1024;
/// Longest proof as JSON, in bytes: hexadecimal doubles what it is, names and quotes add as much.
pub const MAX_PROOF_JSON_BYTES: usize = 4 * MAX_PROOF_BYTES;

/// A transaction and its way up to the root in its block's header: `[transaction, path]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// The transaction, as in a block.
    pub transaction: EncodedTransaction,
    /// Its way to the transactions root.
    pub path: MerkleProof,
}

/// The way from a block to the history root of a later header: `[work, path]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestry {
    /// Work of the chain up to and including the block, which its leaf holds.
    pub work: Work,
    /// The way from the leaf to the root.
    pub path: HistoryProof,
}

/// That a block is on a chain, and a transaction in that block: `[version, block, inclusion or nil,
/// ancestry or nil, [header, ...]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// [`PROOF_VERSION`].
    pub version: u32,
    /// The header of the block that is proven.
    pub block: Header,
    /// The transaction that is proven to be in it, if any.
    pub inclusion: Option<Inclusion>,
    /// How the block leads to the first header of the tail; none where that is the block's child, or
    /// where there is no tail.
    pub ancestry: Option<Ancestry>,
    /// Later headers, each the child of the one before it; none if the block is itself the end.
    #[serde(deserialize_with = "capped_list::<MAX_TAIL, _, _>")]
    pub tail: Vec<Header>,
}

/// What makes the header that a proof leads to worth believing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A header that whoever checks knows to be on the network's chain, from a node of their own or
    /// from somebody they believe. It proves that the block is that header's ancestor (or that
    /// header itself), as surely as the hash function holds: no work is needed, and none helps.
    Header(BlockId),
    /// So many hashes on headers that follow each other and stand on the block. It proves that
    /// somebody spent as much on saying so, and no more: not that it is the network's chain, nor
    /// that it is the branch that the network stayed with. It is worth something where nobody would
    /// spend that much on a lie.
    Work(Work),
}

/// What a proof that holds together shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The block.
    pub block: BlockId,
    /// Its height, as its header says.
    pub height: Height,
    /// The transaction in it.
    pub transaction: Option<TransactionId>,
    /// Headers that the block leads to, and the block itself, each with its height.
    pub leads_to: Vec<(BlockId, Height)>,
    /// Hashes that were spent, on average, on the headers that follow each other: the tail, and the
    /// block itself where it is the parent of the first.
    pub work: Work,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Longer than any proof.
    #[error("the proof is longer than {max} bytes, which no proof is")]
    TooLong {
        /// The greatest length, in bytes.
        max: usize,
    },
    /// Not the bytes of a proof.
    #[error("this is no proof: {0}")]
    Malformed(#[from] Malformed),
    /// Not the JSON of a proof, or changed.
    #[error("this is no proof: {0}")]
    Json(#[from] JsonError),
    /// Of another version of the format, or of the rules.
    #[error("the proof is of version {0}, this program reads version {PROOF_VERSION}")]
    Version(u32),
    /// A header was made by other rules.
    #[error("header {0} is of a version that this program does not know")]
    HeaderVersion(BlockId),
    /// A header lacks its proof of work.
    #[error("header {0} lacks the proof of work that it claims")]
    NoWork(BlockId),
    /// The transaction is not what the block's header fixes.
    #[error("the transaction is not in the block: its way does not lead to the block's root")]
    NotIncluded,
    /// The transaction is not signed by its sender.
    #[error("the transaction is not signed by its sender ({0})")]
    Signature(SignatureError),
    /// The block is not in the history of the header it should lead to.
    #[error("the block is not in the history that header {0} fixes")]
    NotAncestor(BlockId),
    /// Headers do not follow each other.
    #[error("header {0} does not follow the one before it")]
    Disconnected(BlockId),
    /// It leads elsewhere than to the header that is trusted.
    #[error(
        "the proof does not lead to the trusted header {0}: have it made anew with `--until` that header, or trust another"
    )]
    Elsewhere(BlockId),
    /// Too little work stands on it.
    #[error(
        "{found} hashes stand behind the proof, {wanted} were asked for: have it made anew with a longer `--tail`, later if need be"
    )]
    TooLittleWork {
        /// Hashes that do.
        found: Work,
        /// Hashes that should.
        wanted: Work,
    },
}

impl Proof {
    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// [`ProofError::TooLong`], [`ProofError::Malformed`]; whether it proves anything is for
    /// [`Proof::check`] to say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(ProofError::TooLong {
                max: MAX_PROOF_BYTES,
            });
        }
        Ok(canonical::decode(bytes)?)
    }

    /// The canonical encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// Follows the way from the transaction to the last header.
    ///
    /// # Errors
    /// One variant of [`ProofError`] per way to be wrong.
    pub fn check(&self) -> Result<Shown, ProofError> {
        if self.version != PROOF_VERSION {
            return Err(ProofError::Version(self.version));
        }
        let block = self.block.id();
        let mut work = header_work(&self.block)?;
        let mut leads_to = vec![(block, self.block.height)];
        if let Some(inclusion) = &self.inclusion {
            inclusion.check(&self.block)?;
        }
        let mut before = match (&self.ancestry, self.tail.first()) {
            (None, _) => Some(self.block),
            (Some(ancestry), Some(anchor)) => {
                ancestry.check(&self.block, anchor)?;
                work = Work::ZERO;
                None
            }
            (Some(_), None) => return Err(ProofError::NotAncestor(block)),
        };
        for header in &self.tail {
            let id = header.id();
            if before.is_some_and(|before| !follows(header, &before)) {
                return Err(ProofError::Disconnected(id));
            }
            work = work.saturating_add(header_work(header)?);
            leads_to.push((id, header.height));
            before = Some(*header);
        }
        let inclusion = self.inclusion.as_ref();
        Ok(Shown {
            block,
            height: self.block.height,
            transaction: inclusion.map(|inclusion| inclusion.transaction.id()),
            leads_to,
            work,
        })
    }
}

impl Inclusion {
    fn check(&self, block: &Header) -> Result<(), ProofError> {
        if self.path.root(self.transaction.witness()) != block.transactions_root {
            return Err(ProofError::NotIncluded);
        }
        if self.transaction.is_reward() {
            return Ok(());
        }
        let signed = self.transaction.signature_item();
        keys::verify(&signed.key, &signed.message, &signed.signature).map_err(ProofError::Signature)
    }
}

impl Ancestry {
    fn check(&self, block: &Header, anchor: &Header) -> Result<(), ProofError> {
        let id = block.id();
        let leaf = history::leaf(&id, self.work);
        // A header's height is the number of blocks before it.
        let root = self.path.root(block.height.0, anchor.height.0, leaf);
        if root == Some(anchor.history_root) {
            Ok(())
        } else {
            Err(ProofError::NotAncestor(anchor.id()))
        }
    }
}

fn follows(header: &Header, parent: &Header) -> bool {
    header.previous == parent.id()
        && parent.height.0.checked_add(1) == Some(header.height.0)
        && header.timestamp > parent.timestamp
}

/// The work of a header that has it, on its own.
fn header_work(header: &Header) -> Result<Work, ProofError> {
    let id = header.id();
    if header.version != header::HEADER_VERSION {
        return Err(ProofError::HeaderVersion(id));
    }
    match header.target.expand() {
        Ok(target) if target.is_met_by(&id.0) => Ok(target.work()),
        _ => Err(ProofError::NoWork(id)),
    }
}

impl Shown {
    /// Whether that is enough for whoever checks.
    ///
    /// # Errors
    /// [`ProofError::Elsewhere`], [`ProofError::TooLittleWork`].
    pub fn satisfies(&self, trust: &Trust) -> Result<(), ProofError> {
        match trust {
            Trust::Header(trusted) if self.leads_to.iter().any(|(id, _)| id == trusted) => Ok(()),
            Trust::Header(trusted) => Err(ProofError::Elsewhere(*trusted)),
            Trust::Work(wanted) if self.work >= *wanted => Ok(()),
            Trust::Work(wanted) => Err(ProofError::TooLittleWork {
                found: self.work,
                wanted: *wanted,
            }),
        }
    }
}
