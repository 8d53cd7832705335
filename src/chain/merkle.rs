//! The Merkle tree over a block's transactions, in the shape of RFC 6962, section 2.1: leaf and
//! node are hashed apart, and an odd leaf is never paired with itself.

use super::{PathHash, TransactionId, TransactionsRoot, Witness};
use crate::canonical::capped_list;
use crate::keys::Signature;
use serde::{Deserialize, Serialize};

/// First byte hashed for a leaf, so that no node can be passed off as one.
const LEAF: u8 = 0x00;
/// First byte hashed for a node.
const NODE: u8 = 0x01;

/// The leaf of one transaction: BLAKE3(0x00 ‖ id ‖ signature).
pub fn witness(id: &TransactionId, signature: &Signature) -> Witness {
    let mut bytes = [LEAF; 1 + TransactionId::LEN + Signature::LEN];
    bytes[1..=TransactionId::LEN].copy_from_slice(&id.0);
    bytes[1 + TransactionId::LEN..].copy_from_slice(&signature.0);
    Witness(*blake3::hash(&bytes).as_bytes())
}

/// The root over the leaves, in their order; the root over none is BLAKE3 of nothing.
pub fn transactions_root(leaves: &[Witness]) -> TransactionsRoot {
    TransactionsRoot(subtree(leaves))
}

/// Recursion is as deep as the logarithm of the number of leaves.
fn subtree(leaves: &[Witness]) -> [u8; 32] {
    match leaves {
        [] => *blake3::hash(&[]).as_bytes(),
        [leaf] => leaf.0,
        _ => {
            let split = largest_power_of_two_below(leaves.len());
            node(&subtree(&leaves[..split]), &subtree(&leaves[split..]))
        }
    }
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut bytes = [NODE; 1 + 32 + 32];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    *blake3::hash(&bytes).as_bytes()
}

/// For `n` of at least 2, the largest power of two that is less than `n`.
fn largest_power_of_two_below(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// Most steps from a transaction to its block's root: the least power of two that is not below
/// [`MAX_TRANSACTIONS`](super::block::MAX_TRANSACTIONS).
pub const MAX_MERKLE_STEPS: usize = 15;

/// One step up the tree: the hash beside the way, and on which side it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerkleStep {
    /// Whether the hash is the left part of the node above, the way coming from the right.
    pub on_left: bool,
    /// The root of the part that the way does not come from.
    pub hash: PathHash,
}

/// That one transaction stands in a block: the way from its leaf up to the root, `[step, ...]`.
///
/// It says nothing of the place in the block: the root does not fix how many leaves there are, so
/// that a place could be claimed but not proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerkleProof(
    #[serde(deserialize_with = "capped_list::<MAX_MERKLE_STEPS, _, _>")] pub Vec<MerkleStep>,
);

impl MerkleProof {
    /// The proof for the leaf at `index`; `None` if there is no such leaf.
    pub fn of(leaves: &[Witness], index: usize) -> Option<Self> {
        if index >= leaves.len() {
            return None;
        }
        let mut steps = Vec::new();
        let (mut rest, mut at) = (leaves, index);
        while rest.len() > 1 {
            let (left, right) = rest.split_at(largest_power_of_two_below(rest.len()));
            let on_left = at >= left.len();
            let beside = if on_left { left } else { right };
            steps.push(MerkleStep {
                on_left,
                hash: PathHash(subtree(beside)),
            });
            if on_left {
                at -= left.len();
                rest = right;
            } else {
                rest = left;
            }
        }
        steps.reverse();
        Some(Self(steps))
    }

    /// The root that this way leads to from `leaf`.
    pub fn root(&self, leaf: Witness) -> TransactionsRoot {
        TransactionsRoot(self.0.iter().fold(leaf.0, |hash, step| {
            if step.on_left {
                node(&step.hash.0, &hash)
            } else {
                node(&hash, &step.hash.0)
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(n: usize) -> Vec<Witness> {
        (0..n)
            .map(|i| Witness(*blake3::hash(&i.to_le_bytes()).as_bytes()))
            .collect()
    }

    /// RFC 6962 by its words, with no slicing shared with the code above.
    fn naive(leaves: &[Witness]) -> [u8; 32] {
        if leaves.len() == 1 {
            return leaves[0].0;
        }
        let mut k = 1;
        while k * 2 < leaves.len() {
            k *= 2;
        }
        let joined = [&[1][..], &naive(&leaves[..k]), &naive(&leaves[k..])].concat();
        *blake3::hash(&joined).as_bytes()
    }

    proptest! {
        #[test]
        fn every_leaf_has_a_proof_that_leads_to_the_root(n in 1..70usize) {
            let leaves = leaves(n);
            let root = transactions_root(&leaves);
            prop_assert_eq!(root.0, naive(&leaves));
            for (i, leaf) in leaves.iter().enumerate() {
                let proof = MerkleProof::of(&leaves, i).unwrap();
                prop_assert_eq!(proof.root(*leaf), root);
                prop_assert!(proof.0.len() <= MAX_MERKLE_STEPS);
            }
        }

        #[test]
        fn every_change_of_a_proof_or_its_leaf_leads_elsewhere(n in 2..70usize, pick: prop::sample::Index, bit in 0..256usize) {
            let leaves = leaves(n);
            let root = transactions_root(&leaves);
            let i = pick.index(n);
            let good = MerkleProof::of(&leaves, i).unwrap();
            prop_assert_ne!(good.root(leaves[(i + 1) % n]), root);
            let mut flipped = leaves[i];
            flipped.0[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(good.root(flipped), root);
            for k in 0..good.0.len() {
                let mut bent = good.clone();
                bent.0[k].hash.0[bit / 8] ^= 1 << (bit % 8);
                prop_assert_ne!(bent.root(leaves[i]), root);
                let mut turned = good.clone();
                turned.0[k].on_left ^= true;
                prop_assert_ne!(turned.root(leaves[i]), root);
                let mut shorter = good.clone();
                shorter.0.remove(k);
                prop_assert_ne!(shorter.root(leaves[i]), root);
            }
        }
    }

    #[test]
    fn the_fullest_block_has_a_proof_of_the_greatest_length() {
        let leaves = leaves(super::super::block::MAX_TRANSACTIONS);
        let proof = MerkleProof::of(&leaves, 0).unwrap();
        assert_eq!(proof.0.len(), MAX_MERKLE_STEPS);
        assert_eq!(proof.root(leaves[0]), transactions_root(&leaves));
        assert_eq!(MerkleProof::of(&leaves, leaves.len()), None);
    }

    #[test]
    fn a_repeated_last_leaf_changes_the_root() {
        let mut three = leaves(3);
        let root = transactions_root(&three);
        three.push(three[2]);
        assert_ne!(transactions_root(&three), root);
    }
}
