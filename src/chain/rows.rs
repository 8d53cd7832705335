//! What the chain keeps, as rows: the one way in which the machines read and change what lasts.

use super::awake::AwakeTime;
use super::fold_hash::FoldState;
use super::named;
use super::target::{Target, Work};
use super::transaction::Topic;
use super::{Amount, Block, BlockId, EncodedTransaction, Header, Height, Internal, TransactionId};
use crate::canonical::{self, coded};
use crate::keys::PublicKey;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;

/// Name of a row. How its bytes look on disk is the store's affair (PROTOCOL.md does not fix it).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKey {
    /// Id of the connected chain's last block.
    Tip,
    /// Id of the header with most work.
    BestHeader,
    /// Where an unfinished change of branch leads to, and what else was to be tried after it.
    Reorganisation,
    /// Genesis, whole.
    Genesis,
    /// A checked header: [`HeaderEntry`].
    Header(BlockId),
    /// Id of the connected block at a height.
    Active(Height),
    /// Whom the connected block at a height names: [`named`]. Blocks that were connected before there were
    /// such rows have none.
    Named(Height),
    /// Id of the header at a height, on the chain of headers with most work.
    Best(Height),
    /// A block's canonical bytes.
    Body(BlockId),
    /// What a connected block replaced: [`Undo`].
    Undo(BlockId),
    /// A node of the history, by position.
    History(u64),
    /// A row of the ledger's state.
    State(StateKey),
    /// Where a transaction was mined: [`MinedAt`].
    Mined(TransactionId),
    /// An open transaction: [`OpenEntry`].
    Open(TransactionId),
    /// That a record of this topic is in the connected block of this height, at this place of it.
    Record(Topic, Height, u32),
    /// What each key has without a fee in a connected block, for the last blocks: sums that are counted anew
    /// from the block where there is no row.
    FreeUse(BlockId),
    /// How long the node was awake, all in all: [`AwakeTime`].
    Awake,
    /// A short record that was open and left without being mined: the latest of them, in as many places as
    /// there are for them, in turn.
    Left(u32),
    /// How many such records there were.
    LeftCount,
}

/// Name of a row of the ledger's state: what blocks change and undoing restores.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StateKey {
    /// Coins of a key, 8 bytes little-endian; no row where there are none.
    Balance(PublicKey),
    /// A row of an application.
    Application {
        /// Topic of the application that the row belongs to.
        topic: Topic,
        /// Which; the application's own words.
        #[serde(with = "serde_bytes")]
        key: Vec<u8>,
    },
}

/// A changed row: its name, and its new value or `None` where it was removed.
pub type Row = (RowKey, Option<Vec<u8>>);

coded! {
    /// How far a block has come.
    pub enum BlockStatus, "no block status" {
        /// The header is checked, the body not here.
        0 HeaderOnly,
        /// The body is here and its signatures are checked, but one before it is missing.
        1 Stored,
        /// This body and all before it are here.
        2 Available,
        /// It broke a rule, or stands on one that did.
        3 Invalid,
    }
}

/// A checked header and what follows from it and its ancestors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderEntry {
    /// The header.
    pub header: Header,
    /// The averaged target, before easing and rounding; the next one is worked out from it.
    pub base: Target,
    /// Work of the chain up to and including this block.
    pub work: Work,
    /// How far the block has come.
    pub status: BlockStatus,
    /// The child whose header came last: where the list of all known children begins.
    pub newest_child: Option<BlockId>,
    /// The parent's child that came before this one: how that list goes on.
    pub older_sibling: Option<BlockId>,
}

/// Where a transaction was mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinedAt {
    /// Height of its block.
    pub height: Height,
    /// Its place in the block, from 0.
    pub index: u32,
}

/// An open transaction, and since when it is: its age goes on over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEntry {
    /// How long this node had been awake when it became open here. No wall clock: that may be set.
    pub since: AwakeTime,
    /// The transaction.
    pub transaction: EncodedTransaction,
}

impl MinedAt {
    /// Most bytes of the encoding: an array's head, nine bytes of height, five of index.
    const MOST_BYTES: usize = 1 + 9 + 5;

    /// The canonical encoding; there is one for every transaction of a block.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        canonical::encode_sized(&self, Self::MOST_BYTES)
    }
}

/// The state rows that a block replaced, with the values they had.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Undo(pub Vec<(StateKey, Option<serde_bytes::ByteBuf>)>);

/// Read access to what lasts. A failed or unreadable row is an [`Internal`] failure: nobody outside
/// can cause one.
pub trait StateView {
    /// The row's value, `None` if there is no such row.
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal>;

    /// Coins of a key.
    fn balance(&self, owner: &PublicKey) -> Result<Amount, Internal> {
        let row = self.read(&RowKey::State(StateKey::Balance(*owner)))?;
        amount_of(row.as_deref())
    }

    /// A header and what is known of it.
    fn header(&self, id: &BlockId) -> Result<Option<HeaderEntry>, Internal> {
        decoded(self.read(&RowKey::Header(*id))?, "header")
    }

    /// The connected block at a height.
    fn active(&self, height: Height) -> Result<Option<BlockId>, Internal> {
        decoded(self.read(&RowKey::Active(height))?, "height")
    }

    /// Of the connected blocks from a height on, in order, whether each may name a key; at most `limit` of them.
    /// It ends where the chain does, or where nothing is kept of a block.
    fn may_name(&self, key: &PublicKey, from: Height, limit: usize) -> Result<Vec<bool>, Internal> {
        let mut words = Vec::new();
        for height in (from.0..).map(Height).take(limit) {
            let Some(row) = self.read(&RowKey::Named(height))? else {
                break;
            };
            words.push(named::may_name(&row, key));
        }
        Ok(words)
    }

    /// The header at a height, on the chain of headers with most work.
    fn best(&self, height: Height) -> Result<Option<BlockId>, Internal> {
        decoded(self.read(&RowKey::Best(height))?, "header height")
    }

    /// A block with its transactions.
    fn block(&self, id: &BlockId) -> Result<Option<Block>, Internal> {
        decoded(self.read(&RowKey::Body(*id))?, "block")
    }

    /// The transactions of a block that somebody sent or receives; `None` if the block is not here.
    fn transactions_by_or_to(
        &self,
        id: &BlockId,
        owner: &PublicKey,
    ) -> Result<Option<Vec<EncodedTransaction>>, Internal> {
        Ok(self.block(id)?.map(|block| {
            let mut transactions = block.transactions;
            transactions.retain(|transaction| transaction.payload().is_by_or_to(owner));
            transactions
        }))
    }

    /// What a connected block replaced.
    fn undo_of(&self, id: &BlockId) -> Result<Option<Undo>, Internal> {
        decoded(self.read(&RowKey::Undo(*id))?, "undo")
    }

    /// Where a transaction was mined, on the connected chain.
    fn mined(&self, id: &TransactionId) -> Result<Option<MinedAt>, Internal> {
        decoded(self.read(&RowKey::Mined(*id))?, "transaction")
    }

    /// An open transaction.
    fn open_transaction(&self, id: &TransactionId) -> Result<Option<OpenEntry>, Internal> {
        decoded(self.read(&RowKey::Open(*id))?, "open transaction")
    }

    /// How long the node was awake by the last word of it; nothing if there is none.
    fn awake(&self) -> Result<AwakeTime, Internal> {
        let row = decoded(self.read(&RowKey::Awake)?, "time awake")?;
        Ok(row.unwrap_or_default())
    }

    /// A node of the history.
    fn history_node(&self, position: u64) -> Result<[u8; 32], Internal> {
        self.read(&RowKey::History(position))?
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Internal(format!("node {position} of the history is missing")))
    }

    /// A block id kept under a name of its own ([`RowKey::Tip`] and its like).
    fn named(&self, key: &RowKey) -> Result<Option<BlockId>, Internal> {
        decoded(self.read(key)?, "block id")
    }
}

fn decoded<T: serde::de::DeserializeOwned + Serialize>(
    bytes: Option<Vec<u8>>,
    kind: &str,
) -> Result<Option<T>, Internal> {
    bytes
        .map(|bytes| {
            canonical::decode(&bytes)
                .map_err(|error| Internal(format!("a {kind} row is damaged: {error}")))
        })
        .transpose()
}

/// A row that was changed, or looked up to be changed.
struct Slot {
    key: RowKey,
    value: Option<Vec<u8>>,
    /// The value that lies below, where it was looked up.
    below: Option<Option<Vec<u8>>>,
    /// Whether `value` was set: a row that was only looked up is no change.
    is_set: bool,
}

/// Where a row is among a draft's, until that takes over the changes of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotId(usize);

/// Changes by themselves, apart from what they stand on.
#[derive(Default)]
pub struct Changes {
    /// In no order that means anything, but always the same one after the same changes.
    slots: Vec<Slot>,
    /// Where each row is among them, by the hash of its key.
    places: HashTable<usize>,
    hash: FoldState,
}

impl Changes {
    fn reserve(&mut self, rows: usize) {
        self.slots.reserve(rows);
        let Self { slots, hash, .. } = self;
        let hash_at = |&at: &usize| hash.hash_one(&slots[at].key);
        self.places.reserve(rows, hash_at);
    }

    fn find(&self, key: &RowKey) -> Option<&Slot> {
        let is_there = |&at: &usize| self.slots[at].key == *key;
        let place = self.places.find(self.hash.hash_one(key), is_there)?;
        Some(&self.slots[*place])
    }

    /// Where the row is, or is to be put.
    fn entry(&mut self, key: &RowKey) -> Entry<'_, usize> {
        let Self { slots, hash, .. } = self;
        let is_there = |&at: &usize| slots[at].key == *key;
        let hash_at = |&at: &usize| hash.hash_one(&slots[at].key);
        self.places.entry(hash.hash_one(key), is_there, hash_at)
    }

    /// The row's slot, made by `below` where there is none.
    fn slot(
        &mut self,
        key: RowKey,
        below: impl FnOnce(&RowKey) -> Result<Option<Option<Vec<u8>>>, Internal>,
    ) -> Result<usize, Internal> {
        let next = self.slots.len();
        let place = match self.entry(&key) {
            Entry::Occupied(place) => return Ok(*place.get()),
            Entry::Vacant(place) => place,
        };
        let below = below(&key)?;
        place.insert(next);
        self.slots.push(Slot {
            key,
            value: below.clone().flatten(),
            below,
            is_set: false,
        });
        Ok(next)
    }

    fn set(&mut self, at: usize, value: Option<Vec<u8>>) {
        let slot = &mut self.slots[at];
        slot.value = value;
        slot.is_set = true;
    }

    /// Puts `upper`, which was made on top of these, on top of them. Whichever are fewer move.
    fn merge(&mut self, mut upper: Self) {
        let upper_moves = upper.slots.len() <= self.slots.len();
        if !upper_moves {
            std::mem::swap(self, &mut upper);
        }
        for slot in upper.slots {
            let next = self.slots.len();
            match self.entry(&slot.key) {
                Entry::Occupied(place) => {
                    let at = *place.get();
                    if upper_moves {
                        self.slots[at].go_under(slot);
                    } else {
                        self.slots[at].go_over(slot);
                    }
                }
                Entry::Vacant(place) => {
                    place.insert(next);
                    self.slots.push(slot);
                }
            }
        }
    }
}

impl Slot {
    fn go_under(&mut self, upper: Self) {
        if upper.is_set {
            (self.value, self.is_set) = (upper.value, true);
        }
    }

    fn go_over(&mut self, lower: Self) {
        self.below = lower.below;
        if !self.is_set {
            (self.value, self.is_set) = (lower.value, lower.is_set);
        }
    }
}

/// Changes on top of a view, readable as a view themselves.
pub struct Draft<'a> {
    below: &'a dyn StateView,
    changes: Changes,
}

impl<'a> Draft<'a> {
    /// No changes yet.
    pub fn new(below: &'a dyn StateView) -> Self {
        Self {
            below,
            changes: Changes::default(),
        }
    }

    /// Makes room for so many more changes.
    pub fn reserve(&mut self, rows: usize) {
        self.changes.reserve(rows);
    }

    /// Looks a row up that will probably be changed. What lies below is read once, for the change
    /// and for what takes it back.
    fn look_up(&mut self, key: RowKey) -> Result<SlotId, Internal> {
        let below = self.below;
        let at = self.changes.slot(key, |key| below.read(key).map(Some))?;
        Ok(SlotId(at))
    }

    fn change(&mut self, key: RowKey, value: Option<Vec<u8>>) {
        // Nothing is read, so nothing fails.
        if let Ok(at) = self.changes.slot(key, |_| Ok(None)) {
            self.changes.set(at, value);
        }
    }

    /// Sets a row to bytes.
    pub fn put_bytes(&mut self, key: RowKey, value: Vec<u8>) {
        self.change(key, Some(value));
    }

    /// Sets a row to a value's canonical bytes.
    pub fn put<T: Serialize>(&mut self, key: RowKey, value: &T) {
        self.put_bytes(key, canonical::encode(value));
    }

    /// Removes a row.
    pub fn remove(&mut self, key: RowKey) {
        self.change(key, None);
    }

    /// Sets coins of a key.
    pub fn set_balance(&mut self, owner: PublicKey, amount: Amount) {
        self.change(RowKey::State(StateKey::Balance(owner)), coins(amount));
    }

    /// Coins of a key, and where to set them with [`Draft::set_coins`].
    pub(super) fn account(&mut self, owner: PublicKey) -> Result<(SlotId, Amount), Internal> {
        let slot = self.look_up(RowKey::State(StateKey::Balance(owner)))?;
        let value = self.changes.slots[slot.0].value.as_deref();
        Ok((slot, amount_of(value)?))
    }

    /// Sets the coins of an account that was looked up in this draft.
    pub(super) fn set_coins(&mut self, account: SlotId, amount: Amount) {
        self.changes.set(account.0, coins(amount));
    }

    /// The changes as rows, each once.
    pub fn into_rows(self) -> Vec<Row> {
        let slots = self.changes.slots.into_iter();
        slots
            .filter(|slot| slot.is_set)
            .map(|slot| (slot.key, slot.value))
            .collect()
    }

    /// The changes, to be taken over by the draft below.
    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// Takes over changes that were made on top of these.
    pub fn absorb(&mut self, above: Changes) {
        self.changes.merge(above);
    }

    /// For every changed state row, the value that lies below.
    pub fn undo(&self) -> Result<Undo, Internal> {
        let mut replaced = Vec::new();
        for slot in self.changes.slots.iter().filter(|slot| slot.is_set) {
            if let RowKey::State(state) = &slot.key {
                let before = match &slot.below {
                    Some(below) => below.clone(),
                    None => self.below.read(&slot.key)?,
                };
                replaced.push((state.clone(), before.map(serde_bytes::ByteBuf::from)));
            }
        }
        // By name: one form for the same changes, in whatever order they were made.
        replaced.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Undo(replaced))
    }
}

impl StateView for Draft<'_> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        match self.changes.find(key) {
            Some(slot) => Ok(slot.value.clone()),
            None => self.below.read(key),
        }
    }
}

/// The value of a balance row: none leave no row, so that a state has one form.
fn coins(amount: Amount) -> Option<Vec<u8>> {
    (amount != Amount::ZERO).then(|| amount.0.to_le_bytes().to_vec())
}

/// What a balance row says.
fn amount_of(row: Option<&[u8]>) -> Result<Amount, Internal> {
    row.map_or(Ok(Amount::ZERO), |bytes| {
        let bytes = bytes
            .try_into()
            .map_err(|_| Internal("a balance row is damaged".into()))?;
        Ok(Amount(u64::from_le_bytes(bytes)))
    })
}

#[cfg(test)]
mod tests;
