//! The JSON form of a proof: the file that people keep and hand on.

use super::{Ancestry, Inclusion, MAX_TAIL, Proof, ProofError};
use crate::canonical::capped_list;
use crate::chain::history::{HistoryProof, MAX_HISTORY_PATH};
use crate::chain::json::{HeaderJson, TransactionJson};
use crate::chain::merkle::{MAX_MERKLE_STEPS, MerkleProof, MerkleStep};
use crate::chain::target::Work;
use crate::chain::{Header, PathHash};
use serde::{Deserialize, Serialize};

/// A step up the tree of a block's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathStepJson {
    /// The hash on the left of the way.
    Left(PathHash),
    /// The hash on the right of the way.
    Right(PathHash),
}

/// [`Inclusion`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionJson {
    /// The transaction.
    pub transaction: TransactionJson,
    /// Its way to the transactions root.
    #[serde(deserialize_with = "capped_list::<MAX_MERKLE_STEPS, _, _>")]
    pub path: Vec<PathStepJson>,
}

/// [`Ancestry`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AncestryJson {
    /// Work up to and including the block, decimal.
    pub work: Work,
    /// Hashes beside the way to the peak.
    #[serde(deserialize_with = "capped_list::<MAX_HISTORY_PATH, _, _>")]
    pub siblings: Vec<PathHash>,
    /// The other peaks.
    #[serde(deserialize_with = "capped_list::<MAX_HISTORY_PATH, _, _>")]
    pub peaks: Vec<PathHash>,
}

/// [`Proof`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofJson {
    /// Version of the format.
    pub raclette_proof: u32,
    /// The block.
    pub block: HeaderJson,
    /// The transaction in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion: Option<InclusionJson>,
    /// How it leads to the first header of the tail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ancestry: Option<AncestryJson>,
    /// The later headers.
    #[serde(deserialize_with = "capped_list::<MAX_TAIL, _, _>")]
    pub tail: Vec<HeaderJson>,
}

impl From<&Proof> for ProofJson {
    fn from(proof: &Proof) -> Self {
        let step = |step: &MerkleStep| match step.on_left {
            true => PathStepJson::Left(step.hash),
            false => PathStepJson::Right(step.hash),
        };
        Self {
            raclette_proof: proof.version,
            block: (&proof.block).into(),
            inclusion: proof.inclusion.as_ref().map(|inclusion| InclusionJson {
                transaction: (&inclusion.transaction).into(),
                path: inclusion.path.0.iter().map(step).collect(),
            }),
            ancestry: proof.ancestry.as_ref().map(|ancestry| AncestryJson {
                work: ancestry.work,
                siblings: ancestry.path.siblings.clone(),
                peaks: ancestry.path.peaks.clone(),
            }),
            tail: proof.tail.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<ProofJson> for Proof {
    type Error = ProofError;

    fn try_from(json: ProofJson) -> Result<Self, ProofError> {
        let step = |step| {
            let (on_left, hash) = match step {
                PathStepJson::Left(hash) => (true, hash),
                PathStepJson::Right(hash) => (false, hash),
            };
            MerkleStep { on_left, hash }
        };
        let inclusion = match json.inclusion {
            None => None,
            Some(inclusion) => Some(Inclusion {
                transaction: inclusion.transaction.try_into()?,
                path: MerkleProof(inclusion.path.into_iter().map(step).collect()),
            }),
        };
        let tail: Result<Vec<Header>, _> = json.tail.into_iter().map(TryInto::try_into).collect();
        Ok(Self {
            version: json.raclette_proof,
            block: json.block.try_into()?,
            inclusion,
            ancestry: json.ancestry.map(|ancestry| Ancestry {
                work: ancestry.work,
                path: HistoryProof {
                    siblings: ancestry.siblings,
                    peaks: ancestry.peaks,
                },
            }),
            tail: tail?,
        })
    }
}
