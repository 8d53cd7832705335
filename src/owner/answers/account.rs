//! What came into blocks for the owner.

use super::{Cursor, MeaningView, NoteView, PersonView, TipView, rfc3339};
use crate::chain::{Amount, Height, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the connected chain has for this node's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// The coins that there are now.
    pub balance: Amount,
    /// Some of it, the latest first. An answer may be short of its limit and go on all the same: only so many
    /// blocks are looked through for one.
    pub entries: Vec<AccountEntry>,
    /// Where the earlier ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// A transaction in a block, by the owner or for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountEntry {
    /// Its id; `None` for what the network was founded with.
    pub id: Option<TransactionId>,
    /// Height of its block.
    pub height: Height,
    /// Timestamp of its block.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
    /// What it is.
    pub deed: AccountDeed,
    /// Coins that came by it; 0 if none did.
    pub came: Amount,
    /// Coins that went by it, the fee among them; 0 if none did.
    pub went: Amount,
    /// The fee that the owner paid; 0 if none.
    pub fee: Amount,
    /// What there was after it.
    pub balance: Amount,
}

/// What a transaction of the owner's account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AccountDeed {
    /// The network was founded with these coins.
    Founded,
    /// New coins and fees, for a block that was mined.
    Mined,
    /// The owner sent coins, a note, or both.
    Sent {
        /// To whom.
        to: PersonView,
        /// What was written; `None` if nothing was.
        note: Option<NoteView>,
    },
    /// Somebody sent coins, a note, or both.
    Received {
        /// Who.
        from: PersonView,
        /// What is written; `None` if nothing is.
        note: Option<NoteView>,
    },
    /// The owner recorded something.
    Recorded {
        /// Under which topic.
        topic: String,
        /// What it says, if an application of the network is to read it and this program can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        says: Option<MeaningView>,
    },
}
