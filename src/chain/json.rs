//! The chain for people: blocks and all that is in them as JSON, and back to the byte.
//!
//! Every shape names its fields; ids, hashes and signatures are hexadecimal, keys are addresses,
//! amounts whole coins, times milliseconds since 1970. An id stands beside what it is the hash of,
//! and is worked out anew on the way back: a text that was changed anywhere is refused.
//!
//! These are the shapes of exports, of proofs, and of the API's `/blocks/.../data`. They need no
//! reader of JSON themselves: anything that `serde` knows will do.

use super::block::MAX_TRANSACTIONS;
use super::params::{Admission, Allocation, MAX_ALLOCATIONS, MAX_APPLICATIONS};
use super::target::CompactTarget;
use super::transaction::{Note, RecordBody};
use super::{
    Action, Amount, Block, BlockId, EncodedTransaction, Genesis, GenesisContent, Header, Height,
    HistoryRoot, NetworkId, Params, Payload, Salt, Timestamp, Topic, Transaction, TransactionId,
    TransactionsRoot,
};
use crate::canonical::{CappedText, capped_list};
use crate::keys::{PublicKey, Signature};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;

/// Why a JSON shape is not what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// What stands there hashes to another id than the one beside it.
    #[error("the {what} says that its id is {told}, but its id is {is}: it was changed")]
    Id {
        /// What kind of thing.
        what: &'static str,
        /// The id in the text.
        told: String,
        /// The id of what is in the text.
        is: String,
    },
    /// A field that a reward lacks is missing from another transaction, or the other way round.
    #[error("the transaction {0} has too few fields, or a reward too many")]
    Fields(TransactionId),
    /// A text is longer than what it stands for may be.
    #[error("the genesis block has a text that is too long")]
    TooLong,
}

fn same_id<T: PartialEq + ToString>(what: &'static str, told: &T, is: &T) -> Result<(), JsonError> {
    if told == is {
        return Ok(());
    }
    Err(JsonError::Id {
        what,
        told: told.to_string(),
        is: is.to_string(),
    })
}

/// A key: an address, or hexadecimal if it can be no member's (a transfer to such a key is valid,
/// and its coins are lost).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyJson(pub PublicKey);

impl Serialize for KeyJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.check() {
            Ok(()) => serializer.serialize_str(&self.0.to_address()),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for KeyJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let key = if text.len() == 2 * PublicKey::LEN {
            text.parse().map_err(de::Error::custom)
        } else {
            PublicKey::from_address(&text).map_err(de::Error::custom)
        };
        key.map(Self)
    }
}

/// A header with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderJson {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Id of the block before it.
    pub previous: BlockId,
    /// Root of the history before it.
    pub history_root: HistoryRoot,
    /// Root of its transactions.
    pub transactions_root: TransactionsRoot,
    /// Version of the rules.
    pub version: u32,
    /// The compact target.
    pub target: u32,
    /// When it was mined.
    pub timestamp: Timestamp,
    /// What its miner found.
    #[serde(with = "super::decimal")]
    pub nonce: u64,
}

impl From<&Header> for HeaderJson {
    fn from(header: &Header) -> Self {
        Self {
            id: header.id(),
            height: header.height,
            previous: header.previous,
            history_root: header.history_root,
            transactions_root: header.transactions_root,
            version: header.version,
            target: header.target.to_bits(),
            timestamp: header.timestamp,
            nonce: header.nonce,
        }
    }
}

impl TryFrom<HeaderJson> for Header {
    type Error = JsonError;

    fn try_from(json: HeaderJson) -> Result<Self, JsonError> {
        let header = Self {
            previous: json.previous,
            history_root: json.history_root,
            transactions_root: json.transactions_root,
            version: json.version,
            target: CompactTarget::from_bits(json.target),
            height: json.height,
            timestamp: json.timestamp,
            nonce: json.nonce,
        };
        same_id("header", &json.id, &header.id())?;
        Ok(header)
    }
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ActionJson {
    /// Coins, a sealed note, or both.
    Transfer {
        /// The recipient.
        to: KeyJson,
        /// Amount, in coins.
        amount: Amount,
        /// The sealed note; empty if there is none.
        note: Note,
    },
    /// Bytes under a topic.
    Record {
        /// The topic.
        topic: Topic,
        /// What is recorded.
        body: RecordBody,
    },
    /// New coins and fees for whoever mined the block.
    Reward {
        /// The recipient.
        to: KeyJson,
        /// The block's height.
        height: Height,
        /// Amount, in coins.
        amount: Amount,
    },
}

impl From<&Action> for ActionJson {
    fn from(action: &Action) -> Self {
        match action {
            Action::Transfer { to, amount, note } => Self::Transfer {
                to: KeyJson(*to),
                amount: *amount,
                note: note.clone(),
            },
            Action::Record { topic, body } => Self::Record {
                topic: topic.clone(),
                body: body.clone(),
            },
            Action::Reward { to, height, amount } => Self::Reward {
                to: KeyJson(*to),
                height: *height,
                amount: *amount,
            },
        }
    }
}

impl From<ActionJson> for Action {
    fn from(json: ActionJson) -> Self {
        match json {
            ActionJson::Transfer { to, amount, note } => Self::Transfer {
                to: to.0,
                amount,
                note,
            },
            ActionJson::Record { topic, body } => Self::Record { topic, body },
            ActionJson::Reward { to, height, amount } => Self::Reward {
                to: to.0,
                height,
                amount,
            },
        }
    }
}

/// What only a signed transaction has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedJson {
    /// Who signed it, and pays.
    pub sender: KeyJson,
    /// What makes it different from its like.
    pub salt: Salt,
    /// The last height at which it can be mined.
    pub expires_at: Height,
    /// The fee.
    pub fee: Amount,
    /// The sender's signature.
    pub signature: Signature,
}

/// A transaction with its id. A reward, which nobody signs, lacks `signed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionJson {
    /// Its id.
    pub id: TransactionId,
    /// The only network on which it counts.
    pub network: NetworkId,
    /// What it does.
    pub action: ActionJson,
    /// Who signed it, and under which terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedJson>,
}

impl From<&EncodedTransaction> for TransactionJson {
    fn from(transaction: &EncodedTransaction) -> Self {
        let Transaction { payload, signature } = transaction.transaction();
        let signed = (!transaction.is_reward()).then_some(SignedJson {
            sender: KeyJson(payload.sender),
            salt: payload.salt,
            expires_at: payload.expires_at,
            fee: payload.fee,
            signature: *signature,
        });
        Self {
            id: transaction.id(),
            network: payload.network,
            action: (&payload.action).into(),
            signed,
        }
    }
}

impl TryFrom<TransactionJson> for EncodedTransaction {
    type Error = JsonError;

    fn try_from(json: TransactionJson) -> Result<Self, JsonError> {
        let transaction = match (Action::from(json.action), json.signed) {
            (Action::Reward { to, height, amount }, None) => {
                Payload::reward(json.network, to, height, amount).unsigned()
            }
            (Action::Reward { .. }, Some(_)) | (_, None) => {
                return Err(JsonError::Fields(json.id));
            }
            (action, Some(signed)) => Transaction {
                payload: Payload {
                    network: json.network,
                    sender: signed.sender.0,
                    salt: signed.salt,
                    expires_at: signed.expires_at,
                    fee: signed.fee,
                    action,
                },
                signature: signed.signature,
            },
        };
        let transaction = Self::new(transaction);
        same_id("transaction", &json.id, &transaction.id())?;
        Ok(transaction)
    }
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockJson {
    /// Its header.
    pub header: HeaderJson,
    /// The reward first, then what it pays for.
    #[serde(deserialize_with = "capped_list::<MAX_TRANSACTIONS, _, _>")]
    pub transactions: Vec<TransactionJson>,
}

impl From<&Block> for BlockJson {
    fn from(block: &Block) -> Self {
        Self {
            header: (&block.header).into(),
            transactions: block.transactions.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<BlockJson> for Block {
    type Error = JsonError;

    fn try_from(json: BlockJson) -> Result<Self, JsonError> {
        let transactions = json.transactions.into_iter().map(TryInto::try_into);
        Ok(Self {
            header: json.header.try_into()?,
            transactions: transactions.collect::<Result<_, _>>()?,
        })
    }
}

/// Coins that somebody owns from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationJson {
    /// The recipient.
    pub to: KeyJson,
    /// Amount, in coins.
    pub amount: Amount,
}

/// Who may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdmissionJson {
    /// Whoever reaches the tracker.
    Open,
    /// Whoever was invited.
    Invite,
}

/// The parameters of a network, under the names of [`Params`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Params")]
pub struct ParamsJson {
    pub name: String,
    pub interval_ms: u64,
    pub start_target: u32,
    pub window: u32,
    pub growth_blocks: u64,
    pub reward: Amount,
    pub halving_blocks: u64,
    pub max_block_bytes: u32,
    pub min_fee_per_kib: Amount,
    pub admission: AdmissionJson,
    #[serde(deserialize_with = "capped_list::<MAX_ALLOCATIONS, _, _>")]
    pub allocations: Vec<AllocationJson>,
    pub gift: Amount,
    pub recovery: Option<KeyJson>,
    #[serde(deserialize_with = "capped_list::<MAX_APPLICATIONS, _, _>")]
    pub applications: Vec<Topic>,
}

impl From<&Params> for ParamsJson {
    fn from(params: &Params) -> Self {
        let allocations = params.allocations.iter().map(|one| AllocationJson {
            to: KeyJson(one.to),
            amount: one.amount,
        });
        Self {
            name: params.name.to_string(),
            interval_ms: params.interval_ms,
            start_target: params.start_target.to_bits(),
            window: params.window,
            growth_blocks: params.growth_blocks,
            reward: params.reward,
            halving_blocks: params.halving_blocks,
            max_block_bytes: params.max_block_bytes,
            min_fee_per_kib: params.min_fee_per_kib,
            admission: match params.admission {
                Admission::Open => AdmissionJson::Open,
                Admission::Invite => AdmissionJson::Invite,
            },
            allocations: allocations.collect(),
            gift: params.gift,
            recovery: params.recovery.map(KeyJson),
            applications: params.applications.clone(),
        }
    }
}

impl TryFrom<ParamsJson> for Params {
    type Error = JsonError;

    fn try_from(json: ParamsJson) -> Result<Self, JsonError> {
        let allocations = json.allocations.into_iter().map(|one| Allocation {
            to: one.to.0,
            amount: one.amount,
        });
        Ok(Self {
            name: CappedText::new(json.name).map_err(|_| JsonError::TooLong)?,
            interval_ms: json.interval_ms,
            start_target: CompactTarget::from_bits(json.start_target),
            window: json.window,
            growth_blocks: json.growth_blocks,
            reward: json.reward,
            halving_blocks: json.halving_blocks,
            max_block_bytes: json.max_block_bytes,
            min_fee_per_kib: json.min_fee_per_kib,
            admission: match json.admission {
                AdmissionJson::Open => Admission::Open,
                AdmissionJson::Invite => Admission::Invite,
            },
            allocations: allocations.collect(),
            gift: json.gift,
            recovery: json.recovery.map(|key| key.0),
            applications: json.applications,
        })
    }
}

/// A genesis block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisJson {
    /// Its header.
    pub header: HeaderJson,
    /// What it says.
    pub motto: String,
    /// The tracker's key.
    pub tracker: KeyJson,
    /// The member that made it.
    pub founder: KeyJson,
    /// The network's parameters.
    pub params: ParamsJson,
}

impl From<&Genesis> for GenesisJson {
    fn from(genesis: &Genesis) -> Self {
        let content = &genesis.content;
        Self {
            header: (&genesis.header).into(),
            motto: content.motto.to_string(),
            tracker: KeyJson(content.tracker),
            founder: KeyJson(content.founder),
            params: (&content.params).into(),
        }
    }
}

impl TryFrom<GenesisJson> for Genesis {
    type Error = JsonError;

    fn try_from(json: GenesisJson) -> Result<Self, JsonError> {
        Ok(Self {
            header: json.header.try_into()?,
            content: GenesisContent {
                motto: CappedText::new(json.motto).map_err(|_| JsonError::TooLong)?,
                params: json.params.try_into()?,
                tracker: json.tracker.0,
                founder: json.founder.0,
            },
        })
    }
}

#[cfg(test)]
mod tests;
