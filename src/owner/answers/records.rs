//! Records: bytes under a topic.

use super::{Cursor, PersonView, TipView, rfc3339};
use crate::canonical::{bytes_from_hex, to_hex};
use crate::chain::{Amount, BlockId, Height, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The bytes of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyView {
    /// As text, which they are (UTF-8).
    Text(String),
    /// In hexadecimal digits, where they are no text.
    Hex(String),
}

impl BodyView {
    /// These bytes.
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::hex(bytes),
        }
    }

    /// These bytes in digits, whatever they are.
    pub fn hex(bytes: &[u8]) -> Self {
        Self::Hex(to_hex(bytes))
    }

    /// The bytes; `None` if the digits are none, or a pair is not whole.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.clone().into_bytes()),
            Self::Hex(digits) => bytes_from_hex(digits).ok(),
        }
    }
}

/// A record to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRequest {
    /// Under which topic.
    #[schema(min_length = 1, max_length = 32)]
    pub topic: String,
    /// What is recorded.
    pub body: BodyView,
    /// The fee; 0 if left out.
    #[serde(default)]
    pub fee: Amount,
    /// In how many blocks after the tip it can be mined; a week if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_blocks: Option<u64>,
}

impl RecordRequest {
    /// These bytes under this topic, without a fee.
    pub fn new(topic: impl Into<String>, body: &[u8]) -> Self {
        Self {
            topic: topic.into(),
            body: BodyView::of(body),
            fee: Amount::ZERO,
            expires_in_blocks: None,
        }
    }
}

/// A record that this node's ledger has taken: it is open. What becomes of it is told like that of a send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedView {
    /// Its id.
    pub id: TransactionId,
    /// Its topic.
    pub topic: String,
    /// The fee.
    pub fee: Amount,
    /// The last height at which it can be mined.
    pub expires_at: Height,
}

/// A record in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// Its id.
    pub id: TransactionId,
    /// Who signed it.
    pub sender: PersonView,
    /// Height of its block.
    pub height: Height,
    /// Id of that block.
    pub block: BlockId,
    /// Its place in the block, from 0.
    pub index: u32,
    /// The block's timestamp.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
    /// Its bytes: somebody else's words.
    pub body: BodyView,
    /// Goes on behind this entry.
    pub cursor: Cursor,
}

/// What happened to the records of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RecordEntry {
    /// One is in a block of the connected chain.
    Added(RecordView),
    /// One that was shown before is in it no more: its block is not on the connected chain any more.
    Reverted(RecordView),
}

impl RecordEntry {
    /// The record that it is about.
    pub fn record(&self) -> &RecordView {
        match self {
            Self::Added(record) | Self::Reverted(record) => record,
        }
    }
}

/// The records of a topic, in the order of the chain; those that the chain has lost since the cursor come
/// first, the latest of them first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordsView {
    /// The topic.
    pub topic: String,
    /// Some of them.
    pub entries: Vec<RecordEntry>,
    /// Where the next ones begin; `None` if these are the last for now.
    pub next: Option<Cursor>,
    /// Where what comes later begins: a place in the chain, good for as long as the chain is.
    pub cursor: Cursor,
    /// As of this block.
    pub tip: TipView,
}

/// A topic that has records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicView {
    /// What it is called: somebody else's words.
    pub topic: String,
    /// Whether an application of the network says what can be recorded under it.
    pub application: bool,
}

/// The topics that have records on the connected chain, the shortest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicsView {
    /// Some of them.
    pub topics: Vec<TopicView>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}
