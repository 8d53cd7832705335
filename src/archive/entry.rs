//! What an archive consists of.

use crate::chain::json::{BlockJson, GenesisJson};
use crate::chain::{BlockId, Height, NetworkId};
use serde::{Deserialize, Serialize};

/// Version of the archive's form, which its head names.
pub const ARCHIVE_VERSION: u32 = 3;

/// One item of an archive: `{"head": ...}`, `{"genesis": ...}`, any number of `{"block": ...}`,
/// `{"end": ...}`, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// What this is an archive of.
    Head(HeadEntry),
    /// The genesis block.
    Genesis(Box<GenesisJson>),
    /// A later block, one higher than the one before it.
    Block(Box<BlockJson>),
    /// That nothing is missing.
    End(EndEntry),
}

/// What an archive is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadEntry {
    /// [`ARCHIVE_VERSION`].
    pub raclette_archive: u32,
    /// The network: its genesis block's id.
    pub network: NetworkId,
    /// What the network is called.
    pub name: String,
    /// Height of the last block.
    pub height: Height,
    /// Id of the last block.
    pub tip: BlockId,
}

/// What an archive came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndEntry {
    /// Height of the last block.
    pub height: Height,
    /// Id of the last block.
    pub tip: BlockId,
    /// Transactions in all blocks, rewards included.
    pub transactions: u64,
}
