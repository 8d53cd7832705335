//! Blocks on their way from the network to the connected chain.

use crate::chain::{Block, BlockId};
use std::collections::VecDeque;

/// Bytes of stored blocks kept in memory until they are connected, which is mostly at once.
const FRESH_BYTES: usize = 16 * 1024 * 1024;

/// The latest blocks that came in, until they are connected.
#[derive(Default)]
pub(super) struct Fresh {
    /// With their sizes, the latest last.
    blocks: VecDeque<(BlockId, Block, usize)>,
    bytes: usize,
}

impl Fresh {
    pub(super) fn push(&mut self, id: BlockId, block: Block, size: usize) {
        self.blocks.push_back((id, block, size));
        self.bytes += size;
        while self.bytes > FRESH_BYTES
            && let Some((_, _, size)) = self.blocks.pop_front()
        {
            self.bytes -= size;
        }
    }

    pub(super) fn take(&mut self, id: &BlockId) -> Option<Block> {
        // Mostly it is the one that came last.
        let at = self.blocks.iter().rposition(|(fresh, ..)| fresh == id)?;
        let (_, block, size) = self.blocks.remove(at)?;
        self.bytes -= size;
        Some(block)
    }
}
