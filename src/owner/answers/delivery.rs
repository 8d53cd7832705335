//! What the owner sends and receives.

use super::{Cursor, MeaningView, PersonView, TipView, rfc3339};
use crate::chain::{Amount, Height, Timestamp, TransactionId};
use crate::owner::codes::Code;
#[cfg(doc)]
use crate::owner::{COINS_EXPIRY_BLOCKS, DEFAULT_EXPIRY_BLOCKS};
use crate::protocol::delivery::rows::{Route, SendState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryStatusView {
    /// Sends that their recipients have not acknowledged.
    pub queued: usize,
    /// Coins of sends that are neither open nor mined yet.
    pub reserved: Amount,
    /// What was received and not read.
    pub unread: usize,
}

/// A transfer to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// A member's name, or an address.
    pub to: String,
    /// How many coins; 0 if there is a note.
    pub amount: Amount,
    /// The fee; 0 if left out.
    #[serde(default)]
    pub fee: Amount,
    /// In how many blocks after the tip it can be mined; [`COINS_EXPIRY_BLOCKS`] if left out, and
    /// [`DEFAULT_EXPIRY_BLOCKS`] for a note without coins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_blocks: Option<u64>,
    /// A text for the recipient alone, who has to be a member; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether to hand it to the network at once, without waiting for the recipient; false if left
    /// out. Somebody who is no member is paid like that in any case.
    #[serde(default)]
    pub broadcast: bool,
}

impl SendRequest {
    /// So many coins for this member or address, free of charge, straight to it.
    pub fn coins(to: impl Into<String>, amount: u64) -> Self {
        Self {
            to: to.into(),
            amount: Amount(amount),
            fee: Amount::ZERO,
            expires_in_blocks: None,
            note: None,
            broadcast: false,
        }
    }

    /// A text for this member, without coins.
    pub fn note(to: impl Into<String>, text: impl Into<String>) -> Self {
        Self::coins(to, 0).with_note(text)
    }

    /// The same with this text.
    pub fn with_note(self, text: impl Into<String>) -> Self {
        Self {
            note: Some(text.into()),
            ..self
        }
    }

    /// The same with this fee.
    pub fn with_fee(self, fee: u64) -> Self {
        Self {
            fee: Amount(fee),
            ..self
        }
    }
}

/// A transfer that is in the outbox, on the disk too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentView {
    /// Its id.
    pub id: TransactionId,
    /// The recipient.
    pub to: PersonView,
    /// Amount, in coins.
    pub amount: Amount,
    /// The fee.
    pub fee: Amount,
    /// The last height at which it can be mined.
    pub expires_at: Height,
    /// Whether it went to the network at once: then it is open.
    pub broadcast: bool,
}

/// Many transfers to be made by one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendManyRequest {
    /// The transfers, a thousand at most; each is judged by itself.
    #[schema(min_items = 1, max_items = 1000)]
    pub transfers: Vec<SendRequest>,
}

/// What became of many transfers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentManyView {
    /// Those that are in the outbox, on the disk too, in the order of the call.
    pub sent: Vec<SentLineView>,
    /// Those that were refused, in that order. It takes nothing back of what was sent.
    pub refused: Vec<RefusedLineView>,
}

/// One of many transfers that is in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentLineView {
    /// Its place in the call, counted from 1.
    pub line: u64,
    /// Its id.
    pub id: TransactionId,
}

/// One of many transfers that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedLineView {
    /// Its place in the call, counted from 1.
    pub line: u64,
    /// Which "no" it is.
    pub code: Code,
    /// What happened, why, and what to do.
    pub reason: String,
}

/// The note of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteView {
    /// What it says: somebody else's words.
    Text(String),
    /// Why it can't be read.
    Unreadable(String),
}

/// Something that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SendView {
    /// Its id.
    pub id: TransactionId,
    /// The recipient; of a record, which is for everybody, its sender.
    pub to: PersonView,
    /// The topic, if it is a record.
    pub topic: Option<String>,
    /// What the record says, if an application of the network is to read it and this program can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<MeaningView>,
    /// Amount, in coins.
    pub amount: Amount,
    /// The fee.
    pub fee: Amount,
    /// What was written; `None` if nothing was.
    pub note: Option<NoteView>,
    /// When it was taken in.
    #[serde(with = "rfc3339")]
    pub queued_at: Timestamp,
    /// When its recipient's receipt came; `None` if none has.
    #[serde(with = "rfc3339::optional")]
    pub delivered_at: Option<Timestamp>,
    /// Where it stands.
    pub state: SendState,
    /// Why, or what was last in its way; empty if there is nothing to say.
    pub reason: String,
    /// The height of the block that holds it, if one does.
    pub height: Option<Height>,
    /// Blocks from that one to the tip, both counted; 0 if there is none.
    pub confirmations: u64,
    /// The last height at which it can be mined.
    pub expires_at: Height,
    /// On which ways it goes.
    pub route: RouteView,
    /// Coins that it keeps from being spent again: also after it ended, as long as it may still be mined.
    pub reserved: Amount,
    /// How it goes, while it is on its way to its recipient.
    pub waiting: Option<AttemptsView>,
}

/// On which ways a send goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteView {
    /// Straight to its recipient.
    Direct,
    /// Straight to its recipient, and by way of the network, where everybody sees sender, recipient and
    /// amount.
    Both,
    /// By way of the network alone.
    Network,
}

impl From<Route> for RouteView {
    fn from(route: Route) -> Self {
        match route {
            Route::Direct => Self::Direct,
            Route::Both => Self::Both,
            Route::Network => Self::Network,
        }
    }
}

/// Something on its way to its recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptsView {
    /// How often it was sent since the node started.
    pub tries: u32,
    /// In how many milliseconds it is tried next; `None` while an answer is waited for.
    pub next_try_ms: Option<u64>,
}

/// What is in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutboxView {
    /// How many sends their recipients have not acknowledged.
    pub queued: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Coins of sends that are neither open nor mined yet.
    pub reserved: Amount,
    /// Those of them whose sends have ended, though they may still be mined.
    pub held: Amount,
    /// What was asked for: what waits, the oldest first, or what failed, the latest first.
    pub sends: Vec<SendView>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// The states of something received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceivedState {
    /// It was valid, and is neither open nor mined at this moment.
    Accepted,
    /// Known to the network; not mined yet.
    Open,
    /// In a block of the connected chain.
    Mined,
    /// Its last height has passed.
    Expired,
    /// It was open here for a day, and nobody mined it.
    TimedOut,
    /// Better paying ones took its place.
    Evicted,
    /// Its sender's coins went elsewhere.
    Conflicted,
    /// Its sender was put out of the network, and it is neither open nor mined: let back, it may send it again.
    PutOut,
}

/// Something that was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedView {
    /// Its number in the inbox.
    pub number: u64,
    /// Its id.
    pub id: TransactionId,
    /// From whom.
    pub from: PersonView,
    /// Amount, in coins.
    pub amount: Amount,
    /// What is written; `None` if nothing is.
    pub note: Option<NoteView>,
    /// When it came.
    #[serde(with = "rfc3339")]
    pub received_at: Timestamp,
    /// Whether its sender delivered it straight and has a receipt for it.
    pub direct: bool,
    /// Whether it has not been read.
    pub unread: bool,
    /// Where it stands.
    pub state: ReceivedState,
    /// The height of the block that holds it, if one does.
    pub height: Option<Height>,
    /// Blocks from that one to the tip, both counted; 0 if there is none.
    pub confirmations: u64,
}

/// What is in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxView {
    /// How much was not read, all in all.
    pub unread: usize,
    /// What was asked for.
    pub messages: Vec<ReceivedView>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// What was read: what its owner was shown, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    /// The numbers of those messages.
    pub numbers: Vec<u64>,
}

/// What is left to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadView {
    /// How much was not read.
    pub unread: usize,
}

/// What was sent and received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// Some of it, the latest first.
    pub entries: Vec<HistoryEntry>,
    /// Where the earlier ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// One of either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "direction", rename_all = "snake_case")]
pub enum HistoryEntry {
    /// Sent by this node's owner.
    Sent(SendView),
    /// Received.
    Received(ReceivedView),
}
