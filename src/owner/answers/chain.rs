//! What is on the chain, and what may come to be on it.

use super::{Cursor, MeaningView, PersonView, TipView, rfc3339};
use crate::chain::target::Work;
use crate::chain::{
    Amount, BlockId, Height, HistoryRoot, Timestamp, TransactionId, TransactionsRoot,
};
use crate::owner::refusal::Refused;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceView {
    /// The owner of the coins.
    pub of: PersonView,
    /// Coins on the connected chain.
    pub balance: Amount,
    /// Coins that the owner's open transactions will cost, and this node's own sends that are still
    /// on their way.
    pub promised: Amount,
    /// The one less the other.
    pub spendable: Amount,
    /// As of this block.
    pub tip: TipView,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockView {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Id of the block before it.
    pub previous: BlockId,
    /// Its timestamp.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
    /// Root of the history before it.
    pub history_root: HistoryRoot,
    /// Root of its transactions.
    pub transactions_root: TransactionsRoot,
    /// Version of the header.
    pub version: u32,
    /// The compact target.
    pub target: u32,
    /// The nonce; as text, since it may be any number of 64 bits.
    #[serde(with = "crate::chain::decimal")]
    #[schema(value_type = String)]
    pub nonce: u64,
    /// Whether it is part of the connected chain.
    pub connected: bool,
    /// Blocks from it to the tip, both counted; 0 if it is not connected.
    pub confirmations: u64,
    /// Its transactions; genesis has none.
    pub transactions: Vec<TransactionView>,
    /// What genesis says beyond its header.
    pub genesis: Option<GenesisView>,
    /// As of this block.
    pub tip: TipView,
}

/// The blocks of the connected chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlocksView {
    /// Some of them, in the order that was asked for.
    pub blocks: Vec<BlockLine>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// A block as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockLine {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Its timestamp.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
    /// Transactions in it, the reward included; genesis has none.
    pub transactions: usize,
    /// How many hashes it takes on average to find it.
    pub work: Work,
    /// Who was paid for it: its miner, or whom that one named. For genesis, who founded the network.
    pub miner: Option<PersonView>,
}

/// What a genesis block says beyond its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenesisView {
    /// The motto.
    pub motto: String,
    /// What the network is called.
    pub network: String,
    /// The time between blocks that the difficulty aims at, in milliseconds.
    pub interval_ms: u64,
    /// The subsidy of a block.
    pub reward: Amount,
    /// Who mined it.
    pub founder: PersonView,
    /// The tracker's key as an address.
    pub tracker: String,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionView {
    /// Its id.
    pub id: TransactionId,
    /// Who signed it; `None` for a reward, which nobody signs.
    pub sender: Option<PersonView>,
    /// The fee.
    pub fee: Amount,
    /// The last height at which it can be mined.
    pub expires_at: Height,
    /// Its encoded size.
    pub bytes: usize,
    /// What it does.
    pub action: ActionView,
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActionView {
    /// Coins, a sealed note, or both.
    Transfer {
        /// The recipient.
        to: PersonView,
        /// Amount, in coins.
        amount: Amount,
        /// Length of the sealed note.
        note_bytes: usize,
    },
    /// Bytes under a topic.
    Record {
        /// The topic.
        topic: String,
        /// Length of the body.
        body_bytes: usize,
        /// What it says, if an application of the network is to read it and this program can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        says: Option<MeaningView>,
    },
    /// New coins and fees for whoever mined the block.
    Reward {
        /// The recipient.
        to: PersonView,
        /// Amount, in coins.
        amount: Amount,
    },
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionStateView {
    /// Its id.
    pub id: TransactionId,
    /// Its state.
    #[serde(flatten)]
    pub state: TransactionState,
    /// The transaction, unless it is unknown.
    pub transaction: Option<TransactionView>,
    /// As of this block.
    pub tip: TipView,
}

/// The states of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TransactionState {
    /// Neither open nor mined, as far as this node knows.
    Unknown,
    /// Valid, not mined yet.
    Open,
    /// In a block of the connected chain.
    Mined {
        /// The block's height.
        height: Height,
        /// The block's id.
        block: BlockId,
        /// Blocks from that one to the tip, both counted.
        confirmations: u64,
    },
}

/// The open transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenView {
    /// How many there are.
    pub count: usize,
    /// Some of them, the best paying first.
    pub transactions: Vec<TransactionView>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// As of this block.
    pub tip: TipView,
}

/// The chain in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainView {
    /// The network: the genesis block's id.
    pub network: BlockId,
    /// Blocks on the connected chain, genesis included.
    pub length: u64,
    /// Work of all of them together: hashes, decimal.
    pub work: Work,
    /// The last one.
    pub tip: TipView,
}

/// A block of the connected chain that was checked by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockCheckView {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// What is wrong with it; `None` if nothing is.
    pub error: Option<Refused>,
}

/// One line of the answer to a verification. The last one is never [`VerifyLine::Progress`], unless
/// the answer was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyLine {
    /// So far it is right.
    Progress {
        /// The last height that was checked.
        height: Height,
        /// The height it goes to.
        of: Height,
    },
    /// All of it is right.
    Verified {
        /// The last block.
        tip: TipView,
        /// Transactions in all its blocks, rewards included.
        transactions: u64,
        /// Coins that all owners have together.
        supply: Amount,
    },
    /// It is not right, or could not be checked.
    Error(Refused),
}
