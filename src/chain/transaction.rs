//! Transactions: what a member signs.

use super::merkle::witness;
use super::{Amount, Height, NetworkId, Salt, TransactionId, Witness};
use crate::canonical::{self, CappedBytes, CappedText, Malformed};
use crate::keys::{
    MAX_SEALED_NOTE, NoteContext, PublicKey, SecretKey, Signature, SignatureError, SignatureItem,
    verify_batch,
};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Context of the hash that is a transaction's id.
pub const ID_CONTEXT: &str = "raclette 2026-11 transaction id";
/// Context of the hash that its sender signs.
pub const SIGNATURE_CONTEXT: &str = "raclette 2026-11 transaction signature";

/// Longest sealed note, in bytes: 8 KiB of text as it is sealed today, and room for keys of some KiB,
/// as they are when no future computer is to break them.
pub const MAX_NOTE: usize = 12 * 1024;
const _: () = assert!(MAX_SEALED_NOTE <= MAX_NOTE);
/// Longest body of a record, in bytes: a page of JSON or a small picture; larger things belong
/// beside the ledger, with their hash on it.
pub const MAX_RECORD: usize = 64 * 1024;
/// Longest topic, in bytes: a name, not a text.
pub const MAX_TOPIC: usize = 32;

/// A topic under which records are kept.
pub type Topic = CappedText<MAX_TOPIC>;
/// A sealed note; empty where there is none.
pub type Note = CappedBytes<MAX_NOTE>;
/// The bytes of a record.
pub type RecordBody = CappedBytes<MAX_RECORD>;

/// What a transaction does. On the wire an array that starts with the action's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Code 1, `[1, to, amount, note]`: coins, a sealed note, or both, for a member.
    Transfer {
        /// Who receives it.
        to: PublicKey,
        /// Coins; may be 0 if there is a note.
        amount: Amount,
        /// Sealed for the recipient; empty if there is none.
        note: Note,
    },
    /// Code 2, `[2, topic, body]`: bytes under a topic, judged by the application of that topic if
    /// the network has one.
    Record {
        /// Which application, or which drawer.
        topic: Topic,
        /// What is recorded.
        body: RecordBody,
    },
    /// Code 3, `[3, to, height, amount]`: the miner's pay, first in its block and nowhere else.
    Reward {
        /// Who mined the block.
        to: PublicKey,
        /// The block's height: makes every reward's id different.
        height: Height,
        /// Subsidy plus the fees of the block.
        amount: Amount,
    },
}

impl Action {
    const TRANSFER: u8 = 1;
    const RECORD: u8 = 2;
    const REWARD: u8 = 3;
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Transfer { to, amount, note } => {
                let mut tuple = serializer.serialize_tuple(4)?;
                tuple.serialize_element(&Self::TRANSFER)?;
                tuple.serialize_element(to)?;
                tuple.serialize_element(amount)?;
                tuple.serialize_element(note)?;
                tuple.end()
            }
            Self::Record { topic, body } => {
                let mut tuple = serializer.serialize_tuple(3)?;
                tuple.serialize_element(&Self::RECORD)?;
                tuple.serialize_element(topic)?;
                tuple.serialize_element(body)?;
                tuple.end()
            }
            Self::Reward { to, height, amount } => {
                let mut tuple = serializer.serialize_tuple(4)?;
                tuple.serialize_element(&Self::REWARD)?;
                tuple.serialize_element(to)?;
                tuple.serialize_element(height)?;
                tuple.serialize_element(amount)?;
                tuple.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Action;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an action: an array that starts with its code")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Action, A::Error> {
                fn part<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
                    parts: &mut A,
                ) -> Result<T, A::Error> {
                    parts
                        .next_element()?
                        .ok_or_else(|| de::Error::custom("an action ends too early"))
                }
                match part::<u8, A>(&mut parts)? {
                    Action::TRANSFER => Ok(Action::Transfer {
                        to: part(&mut parts)?,
                        amount: part(&mut parts)?,
                        note: part(&mut parts)?,
                    }),
                    Action::RECORD => Ok(Action::Record {
                        topic: part(&mut parts)?,
                        body: part(&mut parts)?,
                    }),
                    Action::REWARD => Ok(Action::Reward {
                        to: part(&mut parts)?,
                        height: part(&mut parts)?,
                        amount: part(&mut parts)?,
                    }),
                    code => Err(de::Error::custom(format_args!(
                        "no action has the code {code}"
                    ))),
                }
            }
        }

        deserializer.deserialize_seq(Parts)
    }
}

/// What is signed: `[network, sender, salt, expires_at, fee, action]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The only network on which it counts.
    pub network: NetworkId,
    /// Who signs and pays; all zero in a reward.
    pub sender: PublicKey,
    /// Makes two equal payments different.
    pub salt: Salt,
    /// Last height at which it may be mined; 0 in a reward.
    pub expires_at: Height,
    /// Coins for the miner.
    pub fee: Amount,
    /// What it does.
    pub action: Action,
}

impl Payload {
    /// Whether somebody sends or receives it.
    pub fn is_by_or_to(&self, owner: &PublicKey) -> bool {
        let is_to = match &self.action {
            Action::Transfer { to, .. } | Action::Reward { to, .. } => to == owner,
            Action::Record { .. } => false,
        };
        is_to || self.sender == *owner
    }

    /// The payload of the reward for a block.
    pub fn reward(network: NetworkId, to: PublicKey, height: Height, amount: Amount) -> Self {
        Self {
            network,
            sender: PublicKey([0; 32]),
            salt: Salt([0; 16]),
            expires_at: Height::GENESIS,
            fee: Amount::ZERO,
            action: Action::Reward { to, height, amount },
        }
    }

    /// Coins that leave the sender: the transferred amount and the fee; `None` if the sum does not
    /// fit.
    pub fn cost(&self) -> Option<Amount> {
        match &self.action {
            Action::Transfer { amount, .. } => amount.plus(self.fee),
            Action::Record { .. } | Action::Reward { .. } => Some(self.fee),
        }
    }

    /// What a note in it is sealed for, if it is a transfer. Fixed before the note is: of the whole
    /// payload it takes network, sender, recipient and salt.
    pub fn note_context(&self) -> Option<NoteContext> {
        let Action::Transfer { to, .. } = &self.action else {
            return None;
        };
        Some(NoteContext {
            network: self.network.0,
            sender: self.sender,
            recipient: *to,
            salt: self.salt.0,
        })
    }

    /// Signs it with the sender's key.
    pub fn sign(self, key: &SecretKey) -> Transaction {
        let digest = derive(SIGNATURE_CONTEXT, &canonical::encode(&self));
        let signature = key.sign(&digest);
        Transaction {
            payload: self,
            signature,
        }
    }

    /// Leaves the signature zero: for rewards, which nobody signs.
    pub fn unsigned(self) -> Transaction {
        Transaction {
            payload: self,
            signature: Signature([0; 64]),
        }
    }
}

/// A payload with its signature: `[payload, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What is signed.
    pub payload: Payload,
    /// By the sender, over the derived hash of the payload's bytes; zero in a reward.
    pub signature: Signature,
}

/// A transaction with the length and the hashes of its bytes, worked out once, when it came in. Copies
/// share them. The bytes themselves are written out again when they are wanted: there is one encoding, and
/// keeping both would take twice the memory for each that is open.
#[derive(Clone)]
pub struct EncodedTransaction(Arc<Encoded>);

struct Encoded {
    transaction: Transaction,
    size: usize,
    id: TransactionId,
    witness: Witness,
    /// What else has to verify: signatures within a record, as its application named them.
    record_signatures: OnceLock<Box<[SignatureItem]>>,
}

impl EncodedTransaction {
    /// Reads canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let transaction: Transaction = canonical::decode(bytes)?;
        Ok(Self::with_bytes(transaction, bytes))
    }

    /// Encodes a transaction.
    pub fn new(transaction: Transaction) -> Self {
        let bytes = canonical::encode(&transaction);
        Self::with_bytes(transaction, &bytes)
    }

    fn with_bytes(transaction: Transaction, bytes: &[u8]) -> Self {
        let id = TransactionId(derive(ID_CONTEXT, payload_bytes(bytes)));
        let witness = witness(&id, &transaction.signature);
        Self(Arc::new(Encoded {
            transaction,
            size: bytes.len(),
            id,
            witness,
            record_signatures: OnceLock::new(),
        }))
    }

    /// Its id.
    pub fn id(&self) -> TransactionId {
        self.0.id
    }

    /// Where its id stands, for orders that keep no second one.
    pub fn id_ref(&self) -> &TransactionId {
        &self.0.id
    }

    /// Its leaf in the transactions root.
    pub fn witness(&self) -> Witness {
        self.0.witness
    }

    /// What was signed.
    pub fn payload(&self) -> &Payload {
        &self.0.transaction.payload
    }

    /// The transaction itself.
    pub fn transaction(&self) -> &Transaction {
        &self.0.transaction
    }

    /// Its canonical bytes.
    pub fn bytes(&self) -> Vec<u8> {
        canonical::encode_sized(&self.0.transaction, self.0.size)
    }

    /// Length of its bytes.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Whether it is a reward.
    pub fn is_reward(&self) -> bool {
        matches!(self.payload().action, Action::Reward { .. })
    }

    /// Whether this key sends it, or receives something by it.
    pub fn concerns(&self, key: &PublicKey) -> bool {
        let payload = self.payload();
        let to = match &payload.action {
            Action::Transfer { to, .. } | Action::Reward { to, .. } => Some(to),
            Action::Record { .. } => None,
        };
        payload.sender == *key || to == Some(key)
    }

    /// What must verify before it counts.
    pub fn signature_item(&self) -> SignatureItem {
        SignatureItem {
            key: self.payload().sender,
            message: derive(SIGNATURE_CONTEXT, payload_bytes(&self.bytes())),
            signature: self.0.transaction.signature,
        }
    }

    /// How many signatures have to verify, as far as is known.
    pub fn signatures(&self) -> usize {
        1 + self.record_signatures().len()
    }

    /// Whether it is known which signatures are in its record.
    pub(super) fn has_record_signatures(&self) -> bool {
        self.0.record_signatures.get().is_some()
    }

    /// Keeps which signatures within its record have to verify as well.
    pub(super) fn set_record_signatures(&self, items: Vec<SignatureItem>) {
        // The same record always has the same ones.
        let _ = self.0.record_signatures.set(items.into());
    }

    /// Which those are.
    pub(super) fn record_signatures(&self) -> &[SignatureItem] {
        self.0.record_signatures.get().map_or(&[], |items| items)
    }
}

/// Checks the signatures of many transactions, and those within their records, on the calling thread: one
/// verdict each, in their order. Of several that are wrong the first counts, as [`verify_batch`] gives it.
pub fn check_signatures(transactions: &[EncodedTransaction]) -> Vec<Result<(), SignatureError>> {
    let mut items: Vec<_> = transactions
        .iter()
        .map(EncodedTransaction::signature_item)
        .collect();
    let own = items.len();
    items.extend(
        transactions
            .iter()
            .flat_map(|t| t.record_signatures().iter().copied()),
    );
    let mut verdicts = verify_batch(&items);
    let mut within = verdicts.split_off(own).into_iter();
    for (verdict, transaction) in verdicts.iter_mut().zip(transactions) {
        for other in within.by_ref().take(transaction.record_signatures().len()) {
            *verdict = verdict.and(other);
        }
    }
    verdicts
}

/// Bytes around the payload in a canonical transaction: one for the array's head before it; the
/// signature (`bin 8` head of two bytes, then 64) behind it.
const HEAD: usize = 1;
const TAIL: usize = 2 + Signature::LEN;

/// The payload's part of a canonical transaction.
fn payload_bytes(transaction: &[u8]) -> &[u8] {
    &transaction[HEAD..transaction.len() - TAIL]
}

fn derive(context: &str, bytes: &[u8]) -> [u8; 32] {
    blake3::derive_key(context, bytes)
}

impl fmt::Debug for EncodedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.id)
    }
}

impl PartialEq for EncodedTransaction {
    fn eq(&self, other: &Self) -> bool {
        self.0.witness == other.0.witness
    }
}

impl Eq for EncodedTransaction {}

impl Serialize for EncodedTransaction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes())
    }
}

impl<'de> Deserialize<'de> for EncodedTransaction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = EncodedTransaction;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of a transaction")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<EncodedTransaction, E> {
                EncodedTransaction::decode(bytes).map_err(E::custom)
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests;
