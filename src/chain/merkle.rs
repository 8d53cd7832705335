//! The Merkle tree over a block's transactions, in the shape of RFC 6962, section 2.1: leaf and
//! node are hashed apart, and an odd leaf is never paired with itself.

use super::{TransactionId, TransactionsRoot, Witness};
use crate::keys::Signature;

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

/// That one transaction stands in a block: its place, and the hashes beside the way to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerkleProof {
    /// Place of the leaf, from 0.
    pub index: usize,
    /// Number of leaves.
    pub count: usize,
    /// Sibling hashes, from the leaf upwards.
    pub siblings: Vec<[u8; 32]>,
}

impl MerkleProof {
    /// The proof for the leaf at `index`; `None` if there is no such leaf.
    pub fn of(leaves: &[Witness], index: usize) -> Option<Self> {
        if index >= leaves.len() {
            return None;
        }
        let mut siblings = Vec::new();
        let (mut rest, mut at) = (leaves, index);
        while rest.len() > 1 {
            let (left, right) = rest.split_at(largest_power_of_two_below(rest.len()));
            if at < left.len() {
                siblings.push(subtree(right));
                rest = left;
            } else {
                siblings.push(subtree(left));
                at -= left.len();
                rest = right;
            }
        }
        siblings.reverse();
        Some(Self {
            index,
            count: leaves.len(),
            siblings,
        })
    }

    /// The root that this proof leads to from `leaf`; `None` if the proof has not the shape that its
    /// index and count demand.
    pub fn root(&self, leaf: Witness) -> Option<TransactionsRoot> {
        if self.index >= self.count {
            return None;
        }
        let mut turns = Vec::new();
        let (mut size, mut at) = (self.count, self.index);
        while size > 1 {
            let split = largest_power_of_two_below(size);
            let goes_right = at >= split;
            turns.push(goes_right);
            (size, at) = if goes_right {
                (size - split, at - split)
            } else {
                (split, at)
            };
        }
        if turns.len() != self.siblings.len() {
            return None;
        }
        let upwards = turns.iter().rev().zip(&self.siblings);
        Some(TransactionsRoot(upwards.fold(
            leaf.0,
            |hash, (&goes_right, sibling)| {
                if goes_right {
                    node(sibling, &hash)
                } else {
                    node(&hash, sibling)
                }
            },
        )))
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
                prop_assert_eq!(proof.root(*leaf), Some(root));
            }
        }

        #[test]
        fn a_proof_for_another_place_count_or_leaf_fails(n in 2..70usize, pick: prop::sample::Index, bit in 0..256usize) {
            let leaves = leaves(n);
            let root = transactions_root(&leaves);
            let i = pick.index(n);
            let good = MerkleProof::of(&leaves, i).unwrap();
            let elsewhere = MerkleProof { index: (i + 1) % n, ..good.clone() };
            prop_assert_ne!(elsewhere.root(leaves[i]), Some(root));
            let beyond = MerkleProof { index: n, ..good.clone() };
            prop_assert_eq!(beyond.root(leaves[i]), None);
            let mut flipped = leaves[i];
            flipped.0[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(good.root(flipped), Some(root));
            for k in 0..good.siblings.len() {
                let mut bent = good.clone();
                bent.siblings[k][bit / 8] ^= 1 << (bit % 8);
                prop_assert_ne!(bent.root(leaves[i]), Some(root));
            }
        }
    }

    #[test]
    fn a_repeated_last_leaf_changes_the_root() {
        let mut three = leaves(3);
        let root = transactions_root(&three);
        three.push(three[2]);
        assert_ne!(transactions_root(&three), root);
    }
}
