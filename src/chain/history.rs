//! The Merkle mountain range over all earlier blocks: append-only, its root in every header, so
//! that a block, however old, is proven with a few hashes.
//!
//! Nodes have positions in the order in which they come to be: a leaf, then every parent that it
//! completes. The nodes of the first `n` leaves are a prefix of the nodes of any longer range, so
//! undoing a block is cutting the list, and the peaks of any earlier moment can still be read.

use super::target::Work;
use super::{BlockId, HistoryRoot, Internal};

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
