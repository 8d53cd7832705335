//! Names of things on the chain: hashes, one type a kind.

use crate::canonical::byte_newtype;

byte_newtype! {
    /// Id of a block: plain BLAKE3 of its 128 header bytes. Read as a big-endian number it is at
    /// most the header's target.
    BlockId, 32
}

byte_newtype! {
    /// Id of a transaction: BLAKE3 `derive_key` hash of its canonical bytes, signature left out.
    TransactionId, 32
}

byte_newtype! {
    /// Root of the Merkle tree over a block's transactions.
    TransactionsRoot, 32
}

byte_newtype! {
    /// Root of the Merkle mountain range over all earlier blocks.
    HistoryRoot, 32
}

byte_newtype! {
    /// Hash of a transaction's id and signature: the leaf by which a header fixes its body to the
    /// byte, and by which a checked signature is remembered.
    Witness, 32
}

byte_newtype! {
    /// A hash beside the way from a leaf to its root: of a proof.
    PathHash, 32
}

byte_newtype! {
    /// Sixteen bytes that make two otherwise equal transactions different.
    Salt, 16
}

/// Id of a network: the id of its genesis block.
pub type NetworkId = BlockId;

impl BlockId {
    /// Stands for "no block": the previous id of genesis, and the network of nobody.
    pub const ZERO: Self = Self([0; 32]);
}
