//! Blocks: a header and the transactions it fixes.

use super::merkle::transactions_root;
use super::{BlockId, EncodedTransaction, Header, TransactionsRoot, Witness};
use crate::canonical::{self, capped_list};
use serde::{Deserialize, Serialize};

/// Bytes of the smallest transaction: a record without topic and body.
pub const SMALLEST_TRANSACTION: usize = 161;
/// Most transactions in a block, whatever its size: the largest block any network may choose (3 MiB)
/// holds 19,298 of the smallest. Bounds what a decoder builds.
pub const MAX_TRANSACTIONS: usize = 20 * 1024;

/// `[header, [transaction, ...]]`, each transaction a byte string: it is hashed and relayed as it
/// came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The 128 bytes that fix the rest.
    pub header: Header,
    /// The reward first, then what it pays for.
    #[serde(deserialize_with = "capped_list::<MAX_TRANSACTIONS, _, _>")]
    pub transactions: Vec<EncodedTransaction>,
}

impl Block {
    /// The header's id.
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// Length of the canonical encoding in bytes, which the network's largest block bounds.
    pub fn size(&self) -> usize {
        encoded_size(&self.transactions)
    }

    /// The canonical encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical::encode_sized(self, self.size())
    }

    /// The root that the transactions hash to; the header must name it.
    pub fn computed_root(&self) -> TransactionsRoot {
        root_of(&self.transactions)
    }
}

/// The transactions root over `transactions`.
pub fn root_of(transactions: &[EncodedTransaction]) -> TransactionsRoot {
    let leaves: Vec<Witness> = transactions
        .iter()
        .map(EncodedTransaction::witness)
        .collect();
    transactions_root(&leaves)
}

/// Length of the encoding of a block with these transactions.
pub fn encoded_size(transactions: &[EncodedTransaction]) -> usize {
    const ARRAY_OF_TWO: usize = 1;
    const HEADER: usize = 2 + Header::LEN;
    let list_head = match transactions.len() {
        0..16 => 1,
        16..65536 => 3,
        _ => 5,
    };
    let listed: usize = transactions.iter().map(|t| listed_size(t.size())).sum();
    ARRAY_OF_TWO + HEADER + list_head + listed
}

/// Length that a transaction of `size` bytes has inside a block: itself and its `bin` head.
pub fn listed_size(size: usize) -> usize {
    let head = match size {
        0..256 => 2,
        256..65536 => 3,
        _ => 5,
    };
    head + size
}

/// Most bytes that a block without transactions of its own takes, its reward included; what is left
/// of the largest block is for transactions.
pub const EMPTY_BLOCK: usize = 1 + 2 + Header::LEN + 5 + 256;
