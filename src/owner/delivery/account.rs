//! What came into blocks for the owner, and what there was after each.

use super::reading::Reading;
use super::{LISTED, MAX_LISTED};
use crate::canonical::to_hex;
use crate::chain::{
    Action, Amount, BlockId, EncodedTransaction, Height, Internal, StateView, Timestamp,
};
use crate::keys::PublicKey;
use crate::owner::answers::{AccountDeed, AccountEntry, AccountView, Cursor};
use crate::owner::chain_reads::at_height;
use crate::owner::pages::{Page, not_a_cursor};
use crate::owner::{Code, Peer, Refused};
use crate::store::chain_rows::ChainRows;

/// Blocks that are looked at for one page, by what is kept of whom they name: some milliseconds.
const BLOCKS_SOUGHT: u64 = 2_000;
/// Blocks whose rows are read at a time.
const AT_ONCE: u64 = 250;
/// Hexadecimal digits of a block's id by which a cursor knows it again.
const DIGITS: usize = 16;
/// What a cursor says instead of a number where none of a block's transactions was looked at.
const ALL: &str = "all";

/// Where a page goes on: with so many transactions of the block at a height, when there was so much after them.
/// What there was is so by the chain up to that block, whatever came of the chain above it.
#[derive(Clone, Copy)]
struct Place {
    height: Height,
    /// `None` if all of them are still to be looked at.
    transactions: Option<usize>,
    balance: Amount,
}

impl Place {
    /// One that a page ended with, and what its block's id begins with.
    fn read(cursor: &Cursor) -> Result<(Self, String), Refused> {
        let mut parts = cursor.0.split('-');
        let mut place = || {
            let place = Self {
                height: Height(parts.next()?.parse().ok()?),
                transactions: match parts.next()? {
                    ALL => None,
                    number => Some(number.parse().ok()?),
                },
                balance: Amount(parts.next()?.parse().ok()?),
            };
            let block = parts.next()?.to_owned();
            parts.next().is_none().then_some((place, block))
        };
        place().ok_or_else(|| not_a_cursor(cursor))
    }

    fn cursor(self, block: Option<&BlockId>) -> Cursor {
        let Self {
            height,
            transactions,
            balance,
        } = self;
        let transactions = transactions.map_or(ALL.to_owned(), |number| number.to_string());
        let block = block.map(digits).unwrap_or_default();
        Cursor(format!("{height}-{transactions}-{}-{block}", balance.0))
    }
}

fn digits(block: &BlockId) -> String {
    to_hex(&block.0)[..DIGITS].to_owned()
}

impl Peer {
    /// What came into blocks for the owner, coins, notes and records, the latest first, and what there was after
    /// each.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], also if the chain has gone over to a branch without the block
    /// that the cursor names, [`Code::NoNetwork`], [`Code::Stopping`], [`Code::Internal`].
    pub async fn account(&self, page: &Page) -> Result<AccountView, Refused> {
        let limit = page.limit(LISTED, MAX_LISTED)?;
        let after = page.after.as_ref().map(Place::read).transpose()?;
        let parts = self.parts()?;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let view = ChainRows(&*snapshot);
        let reading = Reading::begin(self, parts, &*snapshot, &known)?;
        let balance = view.balance(&self.key)?;
        let block_at = |height| at_height(&parts.rules, &view, height);
        let mut place = match after {
            Some((place, block)) => {
                if block_at(place.height)?.as_ref().map(digits) != Some(block) {
                    let detail = "the chain has gone over to another branch since: begin with the latest again";
                    return Err(Refused::new(Code::BadCursor, detail));
                }
                place
            }
            None => Place {
                height: reading.tip.height,
                transactions: None,
                balance,
            },
        };
        let last = place.height.0.saturating_sub(BLOCKS_SOUGHT);
        // One more shows whether there are more.
        let mut found: Vec<(AccountEntry, Place)> = Vec::new();
        for height in self.naming(&view, place.height, last)? {
            if height != place.height {
                place.height = height;
                place.transactions = None;
            }
            if height == Height::GENESIS {
                let timestamp = parts.rules.genesis().header.timestamp;
                found.extend(founded(&mut place, timestamp).map(|entry| (entry, place)));
                continue;
            }
            let missing = || Internal(format!("the block at height {height} is missing"));
            let id = block_at(height)?.ok_or_else(missing)?;
            let block = view.block(&id)?.ok_or_else(missing)?;
            let room = (limit + 1).saturating_sub(found.len());
            let own = self.own_of(&block.transactions, place.transactions);
            for (index, transaction) in own.rev().take(room) {
                let deed = self.deed(&reading, transaction).await?;
                let entry = entry(
                    &self.key,
                    transaction,
                    deed,
                    &mut place,
                    block.header.timestamp,
                );
                place.transactions = Some(index);
                found.push((entry, place));
            }
            if found.len() > limit {
                break;
            }
        }
        let next = match (found.len() > limit, last) {
            (true, _) => {
                found.truncate(limit);
                found.last().map(|(_, place)| *place)
            }
            (false, 0) => None,
            (false, last) => Some(Place {
                height: Height(last - 1),
                transactions: None,
                ..place
            }),
        };
        let cursor = |place: Place| {
            let block = block_at(place.height)?;
            Ok::<_, Internal>(place.cursor(block.as_ref()))
        };
        Ok(AccountView {
            balance,
            entries: found.into_iter().map(|(entry, _)| entry).collect(),
            next: next.map(cursor).transpose()?,
            tip: reading.tip,
        })
    }

    /// The owner's among the first so many transactions of a block, with their places.
    fn own_of<'a>(
        &self,
        transactions: &'a [EncodedTransaction],
        first: Option<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a EncodedTransaction)> + use<'a> {
        let key = self.key;
        let some = &transactions
            [..first.map_or(transactions.len(), |first| first.min(transactions.len()))];
        let own = move |transaction: &EncodedTransaction| {
            by(transaction, &key) || to(transaction) == Some(&key)
        };
        let placed = some.iter().enumerate();
        placed.filter(move |(_, transaction)| own(transaction))
    }

    async fn deed(
        &self,
        reading: &Reading<'_>,
        transaction: &EncodedTransaction,
    ) -> Result<AccountDeed, Refused> {
        let payload = transaction.payload();
        Ok(match &payload.action {
            Action::Reward { .. } => AccountDeed::Mined,
            Action::Record { topic, .. } => AccountDeed::Recorded {
                topic: topic.to_string(),
                says: reading.says(&payload.action)?,
            },
            Action::Transfer { to, .. } if by(transaction, &self.key) => AccountDeed::Sent {
                to: reading.person(to),
                note: reading.note(transaction).await?,
            },
            Action::Transfer { .. } => AccountDeed::Received {
                from: reading.person(&payload.sender),
                note: reading.note(transaction).await?,
            },
        })
    }

    /// Heights from one down to another, both counted, whose blocks may name the owner: rows say of most that they
    /// do not.
    fn naming(
        &self,
        view: &ChainRows<'_>,
        from: Height,
        last: u64,
    ) -> Result<Vec<Height>, Internal> {
        let mut heights = Vec::new();
        let mut top = from.0;
        while top >= last.max(1) {
            let bottom = top.saturating_sub(AT_ONCE - 1).max(last).max(1);
            let limit = usize::try_from(top - bottom + 1).unwrap_or(usize::MAX);
            let words = view.may_name(&self.key, Height(bottom), limit)?;
            // What was connected before there were such rows may.
            let may = |height: &u64| {
                let place = usize::try_from(height - bottom).unwrap_or(usize::MAX);
                words.get(place).copied().unwrap_or(true)
            };
            heights.extend((bottom..=top).rev().filter(may).map(Height));
            top = bottom - 1;
        }
        heights.extend((last == 0).then_some(Height::GENESIS));
        Ok(heights)
    }
}

/// What the network was founded with for the owner: what is left when all that came since is taken off.
fn founded(place: &mut Place, timestamp: Timestamp) -> Option<AccountEntry> {
    let balance = std::mem::take(&mut place.balance.0);
    (balance > 0).then_some(AccountEntry {
        id: None,
        height: Height::GENESIS,
        timestamp,
        deed: AccountDeed::Founded,
        came: Amount(balance),
        went: Amount::ZERO,
        fee: Amount::ZERO,
        balance: Amount(balance),
    })
}

/// What a transaction changed for its owner, and what there was before it.
fn entry(
    owner: &PublicKey,
    transaction: &EncodedTransaction,
    deed: AccountDeed,
    place: &mut Place,
    timestamp: Timestamp,
) -> AccountEntry {
    let payload = transaction.payload();
    let by_owner = by(transaction, owner);
    let fee = if by_owner { payload.fee.0 } else { 0 };
    let (came, went) = match &payload.action {
        Action::Transfer { amount, .. } if by_owner => (0, amount.0.saturating_add(fee)),
        Action::Transfer { amount, .. } | Action::Reward { amount, .. } => (amount.0, 0),
        Action::Record { .. } => (0, fee),
    };
    let balance = place.balance;
    place.balance = Amount(balance.0.saturating_add(went).saturating_sub(came));
    AccountEntry {
        id: Some(transaction.id()),
        height: place.height,
        timestamp,
        deed,
        came: Amount(came),
        went: Amount(went),
        fee: Amount(fee),
        balance,
    }
}

fn by(transaction: &EncodedTransaction, owner: &PublicKey) -> bool {
    !transaction.is_reward() && transaction.payload().sender == *owner
}

fn to(transaction: &EncodedTransaction) -> Option<&PublicKey> {
    match &transaction.payload().action {
        Action::Transfer { to, .. } | Action::Reward { to, .. } => Some(to),
        Action::Record { .. } => None,
    }
}
