//! The Merkle mountain range over all earlier blocks: append-only, its root in every header, so
//! that a block, however old, is proven with a few hashes.
//!
//! Nodes have positions in the order in which they come to be: a leaf, then every parent that it
//! completes. The nodes of the first `n` leaves are a prefix of the nodes of any longer range, so
//! undoing a block is cutting the list, and the peaks of any earlier moment can still be read.

use super::target::Work;
use super::{BlockId, HistoryRoot, Internal, PathHash};
use crate::canonical::capped_list;
use serde::{Deserialize, Serialize};

/// First byte hashed for a leaf: BLAKE3(0x02 ‖ id ‖ cumulative work, 32 bytes big-endian).
const LEAF: u8 = 0x02;
/// First byte hashed for a node: BLAKE3(0x03 ‖ left ‖ right).
const NODE: u8 = 0x03;
/// First byte hashed for the root: BLAKE3(0x04 ‖ number of leaves, u64 LE ‖ peaks, largest first).
const ROOT: u8 = 0x04;

/// A node's hash.
pub type NodeHash = [u8; 32];

/// The leaf of a block: its id and the work of the chain up to and including it.
pub fn leaf(id: &BlockId, work: Work) -> NodeHash {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&[LEAF])
        .update(&id.0)
        .update(&work.to_be_bytes());
    *hasher.finalize().as_bytes()
}

fn node(left: &NodeHash, right: &NodeHash) -> NodeHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[NODE]).update(left).update(right);
    *hasher.finalize().as_bytes()
}

/// Number of nodes in a range of `leaves` leaves: also the position of the next leaf.
pub fn node_count(leaves: u64) -> u64 {
    2 * leaves - u64::from(leaves.count_ones())
}

/// Positions of the peaks of a range of `leaves` leaves, largest mountain first.
pub fn peak_positions(leaves: u64) -> impl Iterator<Item = u64> {
    let mut start = 0;
    (0..u64::BITS)
        .rev()
        .filter(move |bit| leaves >> bit & 1 == 1)
        .map(move |bit| {
            start += mountain_nodes(bit);
            start - 1
        })
}

/// Nodes of a mountain of `2^height` leaves.
fn mountain_nodes(height: u32) -> u64 {
    (2u64 << height) - 1
}

/// Most hashes in either list of a [`HistoryProof`]: heights are 64 bits, so that there are at most
/// as many mountains, and steps up one of them.
pub const MAX_HISTORY_PATH: usize = 64;

/// That a leaf stands in a range: `[siblings, peaks]`. Its place, and the number of leaves, are told
/// apart from it, and the root fixes both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryProof {
    /// The hashes beside the way from the leaf to the peak of its mountain, from the leaf upwards.
    #[serde(deserialize_with = "capped_list::<MAX_HISTORY_PATH, _, _>")]
    pub siblings: Vec<PathHash>,
    /// The peaks of all other mountains, largest first.
    #[serde(deserialize_with = "capped_list::<MAX_HISTORY_PATH, _, _>")]
    pub peaks: Vec<PathHash>,
}

/// Where a leaf lies in a range.
struct Mountain {
    /// It has `2^height` leaves.
    height: u32,
    /// How many mountains are larger.
    before: usize,
    /// Place of the leaf among those of the mountain.
    index: u64,
}

impl Mountain {
    /// The mountain of the leaf at `index`; `None` if the range ends before it.
    fn of(mut index: u64, leaves: u64) -> Option<Self> {
        let heights = (0..u64::BITS).rev().filter(|bit| leaves >> bit & 1 == 1);
        for (before, height) in heights.enumerate() {
            let size = 1 << height;
            if index < size {
                return Some(Self {
                    height,
                    before,
                    index,
                });
            }
            index -= size;
        }
        None
    }
}

impl HistoryProof {
    /// The proof for the leaf at `index` in the range of the first `leaves` leaves, read from stored
    /// nodes: as many as twice the logarithm of `leaves`. `None` if there is no such leaf.
    ///
    /// # Errors
    /// Whatever `stored` says.
    pub fn of(
        index: u64,
        leaves: u64,
        mut stored: impl FnMut(u64) -> Result<NodeHash, Internal>,
    ) -> Result<Option<Self>, Internal> {
        let Some(mountain) = Mountain::of(index, leaves) else {
            return Ok(None);
        };
        let mut peak_at: Vec<u64> = peak_positions(leaves).collect();
        let top = peak_at.remove(mountain.before);
        // The nodes of a mountain are those of its left half, those of its right half, its peak.
        let mut top_at = top;
        let mut siblings = Vec::new();
        for height in (0..mountain.height).rev() {
            let right = top_at - 1;
            let left = right - mountain_nodes(height);
            let goes_right = mountain.index >> height & 1 == 1;
            let (on, beside) = if goes_right {
                (right, left)
            } else {
                (left, right)
            };
            siblings.push(PathHash(stored(beside)?));
            top_at = on;
        }
        siblings.reverse();
        let peaks = peak_at.into_iter().map(|at| stored(at).map(PathHash));
        Ok(Some(Self {
            siblings,
            peaks: peaks.collect::<Result<_, _>>()?,
        }))
    }

    /// The root that this proof leads to for `leaf` at `index` in a range of `leaves` leaves; `None`
    /// if it has not the shape that these two demand.
    pub fn root(&self, index: u64, leaves: u64, leaf: NodeHash) -> Option<HistoryRoot> {
        let mountain = Mountain::of(index, leaves)?;
        let others = leaves.count_ones() as usize - 1;
        if self.siblings.len() != mountain.height as usize || self.peaks.len() != others {
            return None;
        }
        let mut hashes: Vec<NodeHash> = self.peaks.iter().map(|peak| peak.0).collect();
        let climbed = self.siblings.iter().zip(0..);
        let top = climbed.fold(leaf, |hash, (sibling, height)| {
            if mountain.index >> height & 1 == 1 {
                node(&sibling.0, &hash)
            } else {
                node(&hash, &sibling.0)
            }
        });
        hashes.insert(mountain.before, top);
        Some(Peaks { leaves, hashes }.root())
    }
}

/// The peaks of a range: all that is needed to append to it and to know its root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peaks {
    leaves: u64,
    /// Largest mountain first.
    hashes: Vec<NodeHash>,
}

impl Peaks {
    /// Reads the peaks of the first `leaves` leaves from stored nodes.
    pub fn read(
        leaves: u64,
        mut stored: impl FnMut(u64) -> Result<NodeHash, Internal>,
    ) -> Result<Self, Internal> {
        let hashes = peak_positions(leaves)
            .map(&mut stored)
            .collect::<Result<_, _>>()?;
        Ok(Self { leaves, hashes })
    }

    /// Number of leaves.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Appends a leaf; returns the nodes that came to be, in the order of their positions, the
    /// first of which is [`node_count`] of the leaves before.
    pub fn append(&mut self, leaf: NodeHash) -> Vec<NodeHash> {
        let mut created = vec![leaf];
        let mut top = leaf;
        for _ in 0..self.leaves.trailing_ones() {
            let left = self
                .hashes
                .pop()
                .expect("every set bit of the count has its peak");
            top = node(&left, &top);
            created.push(top);
        }
        self.hashes.push(top);
        self.leaves += 1;
        created
    }

    /// The root.
    pub fn root(&self) -> HistoryRoot {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[ROOT]).update(&self.leaves.to_le_bytes());
        for peak in &self.hashes {
            hasher.update(peak);
        }
        HistoryRoot(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaf_at(i: u64) -> NodeHash {
        leaf(
            &BlockId(*blake3::hash(&i.to_le_bytes()).as_bytes()),
            Work::ZERO,
        )
    }

    /// Splits off the largest power of two again and again, with nothing shared with the code above.
    fn naive_root(leaves: &[NodeHash]) -> HistoryRoot {
        fn mountain(leaves: &[NodeHash]) -> NodeHash {
            if let [leaf] = leaves {
                return *leaf;
            }
            let (left, right) = leaves.split_at(leaves.len() / 2);
            let joined = [&[3][..], &mountain(left), &mountain(right)].concat();
            *blake3::hash(&joined).as_bytes()
        }
        let mut bytes = vec![4];
        bytes.extend((leaves.len() as u64).to_le_bytes());
        let mut rest = leaves;
        while !rest.is_empty() {
            let size = 1 << rest.len().ilog2();
            bytes.extend(mountain(&rest[..size]));
            rest = &rest[size..];
        }
        HistoryRoot(*blake3::hash(&bytes).as_bytes())
    }

    proptest! {
        #[test]
        fn appending_agrees_with_the_naive_root_and_every_prefix_can_be_read_back(n in 0..200u64) {
            let mut nodes = Vec::new();
            let mut peaks = Peaks::default();
            let mut earlier = Vec::new();
            for i in 0..n {
                earlier.push(peaks.clone());
                prop_assert_eq!(nodes.len() as u64, node_count(i));
                nodes.extend(peaks.append(leaf_at(i)));
            }
            let leaves: Vec<_> = (0..n).map(leaf_at).collect();
            prop_assert_eq!(peaks.root(), naive_root(&leaves));
            for (count, then) in earlier.into_iter().enumerate() {
                let read = Peaks::read(count as u64, |position| Ok(nodes[position as usize]));
                prop_assert_eq!(read, Ok(then));
            }
        }
    }

    fn siblings(proof: &mut HistoryProof) -> &mut Vec<PathHash> {
        &mut proof.siblings
    }

    fn peaks_of(proof: &mut HistoryProof) -> &mut Vec<PathHash> {
        &mut proof.peaks
    }

    proptest! {
        #[test]
        fn every_leaf_of_every_range_has_a_proof(n in 1..130u64, bit in 0..256usize) {
            let mut nodes = Vec::new();
            let mut peaks = Peaks::default();
            for i in 0..n {
                nodes.extend(peaks.append(leaf_at(i)));
            }
            for i in 0..n {
                let proof = HistoryProof::of(i, n, |at| Ok(nodes[at as usize])).unwrap().unwrap();
                prop_assert_eq!(proof.root(i, n, leaf_at(i)), Some(peaks.root()));
                prop_assert_ne!(proof.root(i, n, leaf_at(n)), Some(peaks.root()));
                prop_assert_ne!(proof.root((i + 1) % (n + 1), n, leaf_at(i)), Some(peaks.root()));
                prop_assert_ne!(proof.root(i, n + 1, leaf_at(i)), Some(peaks.root()));
                for list in [siblings as fn(&mut HistoryProof) -> &mut Vec<PathHash>, peaks_of] {
                    for k in 0..list(&mut proof.clone()).len() {
                        let mut bent = proof.clone();
                        list(&mut bent)[k].0[bit / 8] ^= 1 << (bit % 8);
                        prop_assert_ne!(bent.root(i, n, leaf_at(i)), Some(peaks.root()));
                    }
                    let mut longer = proof.clone();
                    list(&mut longer).push(PathHash([0; 32]));
                    prop_assert_eq!(longer.root(i, n, leaf_at(i)), None);
                }
            }
        }

        #[test]
        fn no_claim_of_place_and_length_does_harm(index: u64, leaves: u64, siblings in 0..65usize, peaks in 0..65usize) {
            let proof = HistoryProof {
                siblings: vec![PathHash([1; 32]); siblings],
                peaks: vec![PathHash([2; 32]); peaks],
            };
            prop_assert_eq!(proof.root(index, leaves, [3; 32]).is_some() && index >= leaves, false);
        }
    }

    #[test]
    fn the_number_of_leaves_is_part_of_the_root() {
        let one = {
            let mut peaks = Peaks::default();
            peaks.append([7; 32]);
            peaks
        };
        let claims_two = Peaks {
            leaves: 2,
            ..one.clone()
        };
        assert_ne!(one.root(), claims_two.root());
    }
}
