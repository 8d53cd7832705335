//! The header: 128 bytes, two BLAKE3 blocks, of which a miner recomputes only the second.

use super::target::CompactTarget;
use super::{BlockId, Height, HistoryRoot, Timestamp, TransactionsRoot};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Version of the rules a header is made by. Headers of another version are refused: a change of
/// the rules is a new network.
pub const HEADER_VERSION: u32 = 1;

/// What a block commits to (PROTOCOL.md, "Header").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Id of the block before it; zero for genesis.
    pub previous: BlockId,
    /// Root over all earlier blocks.
    pub history_root: HistoryRoot,
    /// Root over the transactions, or over the content of genesis.
    pub transactions_root: TransactionsRoot,
    /// [`HEADER_VERSION`].
    pub version: u32,
    /// The target that the id was held against.
    pub target: CompactTarget,
    /// Distance from genesis.
    pub height: Height,
    /// When it was mined, by its miner's clock; later than its parent's.
    pub timestamp: Timestamp,
    /// What the miner searched for.
    pub nonce: u64,
}

impl Header {
    /// Length of the encoding in bytes.
    pub const LEN: usize = 128;

    /// The encoding: fields in order, integers little-endian.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[0..32].copy_from_slice(&self.previous.0);
        bytes[32..64].copy_from_slice(&self.history_root.0);
        bytes[64..96].copy_from_slice(&self.transactions_root.0);
        bytes[96..100].copy_from_slice(&self.version.to_le_bytes());
        bytes[100..104].copy_from_slice(&self.target.to_bits().to_le_bytes());
        bytes[104..112].copy_from_slice(&self.height.0.to_le_bytes());
        bytes[112..120].copy_from_slice(&self.timestamp.0.to_le_bytes());
        bytes[120..128].copy_from_slice(&self.nonce.to_le_bytes());
        bytes
    }

    /// Reads the encoding; every 128 bytes are some header, whether it is a valid one is for the
    /// rules to say.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
            bytes[at..at + N]
                .try_into()
                .expect("the parts lie within 128 bytes")
        }
        Self {
            previous: BlockId(part(bytes, 0)),
            history_root: HistoryRoot(part(bytes, 32)),
            transactions_root: TransactionsRoot(part(bytes, 64)),
            version: u32::from_le_bytes(part(bytes, 96)),
            target: CompactTarget::from_bits(u32::from_le_bytes(part(bytes, 100))),
            height: Height(u64::from_le_bytes(part(bytes, 104))),
            timestamp: Timestamp(u64::from_le_bytes(part(bytes, 112))),
            nonce: u64::from_le_bytes(part(bytes, 120)),
        }
    }

    /// Plain BLAKE3 of the encoding.
    pub fn id(&self) -> BlockId {
        BlockId(*blake3::hash(&self.to_bytes()).as_bytes())
    }

    /// Whether the id is at most the target, and the target well formed. Says nothing about whether
    /// it is the target this block must have.
    pub fn has_work(&self) -> bool {
        self.target
            .expand()
            .is_ok_and(|target| target.is_met_by(&self.id().0))
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <serde_bytes::ByteArray<{ Self::LEN }>>::deserialize(deserializer)
            .map_err(|_| D::Error::custom("a header is a byte string of 128 bytes"))?;
        Ok(Self::from_bytes(&bytes.into_array()))
    }
}
