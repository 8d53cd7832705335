//! What outbox and inbox keep on the disk, and the states that are read off it.
//!
//! Each has a table of its own with the same kinds of rows: a type byte, then the key of that
//! type. Sends, and what was received, are numbered as they come; numbers are eight bytes, big-endian.
//!
//! | Byte | Key | Value |
//! |---|---|---|
//! | 1 | number | the facts: [`SendFacts`], [`ReceivedFacts`] |
//! | 2 | transaction id | its number |
//! | 3 | number | nothing; there while it needs looking after: not settled (outbox), not read (inbox) |
//! | 4 | number | the transaction's bytes |
//! | 5 | | [`Cursor`] |
//! | 6 | hash of a key | [`RequestFacts`]; in the outbox alone |
//! | 7 | | how long the node was awake, all in all, in milliseconds; in the outbox alone |

use crate::canonical::{self, CappedText, Malformed};
use crate::chain::awake::AwakeTime;
use crate::chain::rows::RowKey;
use crate::chain::{
    Amount, BlockId, Closed, EncodedTransaction, Height, Internal, StateView, Timestamp,
    TransactionId,
};
use crate::keys::PublicKey;
use crate::protocol::Row;
use crate::wire::Receipt;
use crate::wire::message::MAX_REASON;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

mod send;

pub(super) use send::{BY_NETWORK, FELL_OUT};
pub use send::{End, Route, SendFacts, SendState};

const FACTS: u8 = 1;
const NUMBER: u8 = 2;
const MARK: u8 = 3;
const BODY: u8 = 4;
const CURSOR: u8 = 5;
const REQUEST: u8 = 6;
const AWAKE: u8 = 7;

/// A reason, for people.
pub type Reason = CappedText<MAX_REASON>;

/// A row that was looked for: key and value.
pub type Found = (Vec<u8>, Vec<u8>);

/// Reads one of the two tables.
pub trait DeliveryRows {
    /// The value of a row, `None` if there is none.
    ///
    /// # Errors
    /// The disk failed.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal>;

    /// The first row at `key` or behind it, `None` if there is none.
    ///
    /// # Errors
    /// The disk failed.
    fn first_from(&self, key: &[u8]) -> Result<Option<Found>, Internal>;
}

/// Key of the facts of a number.
pub fn facts_key(number: u64) -> Vec<u8> {
    numbered(FACTS, number)
}

/// Key of the number of a transaction.
fn number_key(id: &TransactionId) -> Vec<u8> {
    [&[NUMBER], id.0.as_slice()].concat()
}

/// Key of the mark of a number.
pub fn mark_key(number: u64) -> Vec<u8> {
    numbered(MARK, number)
}

/// Key of the bytes of a number's transaction.
fn body_key(number: u64) -> Vec<u8> {
    numbered(BODY, number)
}

/// The rows that a new number begins with, all but its facts: its transaction's way to it, its mark, and
/// the transaction.
pub fn begun(number: u64, id: &TransactionId, body: Vec<u8>) -> [Row; 3] {
    [
        (number_key(id), Some(canonical::encode(&number))),
        (mark_key(number), Some(Vec::new())),
        (body_key(number), Some(body)),
    ]
}

/// Key of what was asked for under the key with this hash.
pub fn request_key(key: &[u8; 32]) -> Vec<u8> {
    [&[REQUEST], key.as_slice()].concat()
}

/// Key of the cursor.
pub fn cursor_key() -> Vec<u8> {
    vec![CURSOR]
}

/// Key of how long the node was awake.
pub fn awake_key() -> Vec<u8> {
    vec![AWAKE]
}

fn numbered(kind: u8, number: u64) -> Vec<u8> {
    [&[kind], number.to_be_bytes().as_slice()].concat()
}

fn number_of(key: &[u8], kind: u8) -> Option<u64> {
    let (first, number) = key.split_first()?;
    (*first == kind).then_some(())?;
    number.try_into().ok().map(u64::from_be_bytes)
}

/// The number of a transaction, `None` if it is not here.
///
/// # Errors
/// The disk failed, or a row is corrupt.
pub fn find(rows: &dyn DeliveryRows, id: &TransactionId) -> Result<Option<u64>, Internal> {
    decoded(rows.get(&number_key(id))?)
}

/// The first transactions whose ids begin like this one, as far as the first `digits` of its hexadecimal
/// digits go; two at most, as who means one must not get another.
///
/// # Errors
/// As for [`find`].
pub fn beginning_like(
    rows: &dyn DeliveryRows,
    id: &TransactionId,
    digits: usize,
) -> Result<Vec<TransactionId>, Internal> {
    let wanted = id.to_string();
    let mut found = Vec::new();
    let mut from = number_key(id);
    while found.len() < 2
        && let Some((key, _)) = rows.first_from(&from)?
        && let Some((&NUMBER, here)) = key.split_first()
        && let Ok(here) = here.try_into().map(TransactionId)
        && here.to_string().get(..digits) == wanted.get(..digits)
    {
        found.push(here);
        from = key;
        from.push(0);
    }
    Ok(found)
}

/// The facts of a number.
///
/// # Errors
/// As for [`find`].
pub fn facts<F: DeserializeOwned + Serialize>(
    rows: &dyn DeliveryRows,
    number: u64,
) -> Result<Option<F>, Internal> {
    decoded(rows.get(&facts_key(number))?)
}

/// The transaction of a number.
///
/// # Errors
/// As for [`find`].
pub fn body(rows: &dyn DeliveryRows, number: u64) -> Result<Option<EncodedTransaction>, Internal> {
    let bytes = rows.get(&body_key(number))?;
    let read = |bytes: Vec<u8>| EncodedTransaction::decode(&bytes);
    bytes.map(read).transpose().map_err(damaged)
}

/// The hash of a key under which something was asked for, with what came of it.
pub type KeyedRequest = ([u8; 32], RequestFacts);

/// All requests whose sends are remembered by their keys.
///
/// # Errors
/// As for [`find`].
pub fn requests(rows: &dyn DeliveryRows) -> Result<Vec<KeyedRequest>, Internal> {
    let mut found = Vec::new();
    let mut from = vec![REQUEST];
    while let Some((key, value)) = rows.first_from(&from)?
        && let Some((&REQUEST, hash)) = key.split_first()
        && let Ok(hash) = hash.try_into()
    {
        found.push((hash, canonical::decode(&value).map_err(damaged)?));
        from = key;
        from.push(0);
    }
    Ok(found)
}

/// How far the chain was looked through.
///
/// # Errors
/// As for [`find`].
pub fn cursor(rows: &dyn DeliveryRows) -> Result<Option<Cursor>, Internal> {
    decoded(rows.get(&cursor_key())?)
}

/// How long the node was awake by the last word of it; nothing if there is none.
///
/// # Errors
/// As for [`find`].
pub fn awake(rows: &dyn DeliveryRows) -> Result<AwakeTime, Internal> {
    Ok(decoded(rows.get(&awake_key())?)?.unwrap_or_default())
}

/// The marked number at `from` or behind it.
///
/// # Errors
/// As for [`find`].
pub fn marked_from(rows: &dyn DeliveryRows, from: u64) -> Result<Option<u64>, Internal> {
    let row = rows.first_from(&mark_key(from))?;
    Ok(row.and_then(|(key, _)| number_of(&key, MARK)))
}

/// The first number that was never given, above all that are here.
///
/// # Errors
/// As for [`find`].
pub fn next_number(rows: &dyn DeliveryRows) -> Result<u64, Internal> {
    // Numbers are given one after the other and never taken back: halve what is left in between.
    let taken = |number| Ok::<_, Internal>(rows.get(&facts_key(number))?.is_some());
    let (mut low, mut high) = (1, 1);
    while taken(high)? {
        low = high;
        high *= 2;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if taken(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// What is said of a send that a restore holds back.
const HELD: &str = "held back: this node was restored from a backup, and it may have been withdrawn or sent \
                    since; `node outbox retry ID` sends it";

/// The rows that hold back, after a restore, what had not left when the backup was made: its owner may have
/// withdrawn it since, or sent it. It keeps its coins, as its recipient may have it; its owner retries it,
/// which is the same transaction and never paid twice, or releases it. What had left goes on by itself.
///
/// # Errors
/// As for [`find`].
pub fn hold_unsent(rows: &dyn DeliveryRows, chain: &dyn StateView) -> Result<Vec<Row>, Internal> {
    let mut held = Vec::new();
    let mut from = 0;
    while let Some(number) = marked_from(rows, from)? {
        from = number + 1;
        let Some(mut send) = facts::<SendFacts>(rows, number)? else {
            continue;
        };
        if send.end.is_none() && !send.attempted && place_of(chain, &send.id)? == Place::Nowhere {
            send.end = Some(End::Expired);
            send.attempted = true;
            send.reason = Reason::cut(HELD);
            held.push((facts_key(number), Some(canonical::encode(&send))));
        }
    }
    Ok(held)
}

fn decoded<T: DeserializeOwned + Serialize>(row: Option<Vec<u8>>) -> Result<Option<T>, Internal> {
    let read = row.map(|bytes| canonical::decode(&bytes));
    read.transpose().map_err(damaged)
}

fn damaged(error: Malformed) -> Internal {
    Internal(format!("a row of the outbox or inbox is damaged: {error}"))
}

/// What was asked for under a key: `[number, id, asked]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFacts {
    /// The number of the send that came of it.
    pub number: u64,
    /// Its transaction.
    pub id: TransactionId,
    /// The hash of what was asked for.
    #[serde(with = "serde_bytes")]
    pub asked: [u8; 32],
}

/// How far the chain was looked through for what it brought: `[height, block]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Height of the last block that was looked at.
    pub height: Height,
    /// Its id.
    pub block: BlockId,
}

/// Where a transaction stands, by the word of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Neither open nor mined.
    Nowhere,
    /// Open.
    Open,
    /// In the connected block at this height.
    Mined(Height),
}

/// Where a transaction stands.
///
/// # Errors
/// The disk failed, or a row is corrupt.
pub fn place_of(chain: &dyn StateView, id: &TransactionId) -> Result<Place, Internal> {
    if let Some(mined) = chain.mined(id)? {
        return Ok(Place::Mined(mined.height));
    }
    let open = chain.read(&RowKey::Open(*id))?.is_some();
    Ok(if open { Place::Open } else { Place::Nowhere })
}

/// What is stored of something received: `[id, from, amount, received_at, receipt, closed]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedFacts {
    /// Of which transaction.
    pub id: TransactionId,
    /// From whom.
    pub from: PublicKey,
    /// Coins.
    pub amount: Amount,
    /// When it came.
    pub received_at: Timestamp,
    /// What its sender was given for it; nothing if it came over the network alone.
    pub receipt: Option<Receipt>,
    /// Why it is open no more without having been mined, if so.
    pub closed: Option<Closed>,
}

impl ReceivedFacts {
    /// Why it will not be mined, with the tip at this height, if it is not; whether or not this node
    /// was there when its time was over.
    pub fn closed_by(&self, expires_at: Height, tip: Height) -> Option<Closed> {
        let is_over = expires_at <= tip;
        self.closed.or(is_over.then_some(Closed::Expired))
    }
}
