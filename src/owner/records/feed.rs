//! The feed of a topic: what came, and what was taken back, from a place in the chain on.

use crate::chain::rows::{MinedAt, StateView};
use crate::chain::transaction::Topic;
use crate::chain::{Action, Block, BlockId, EncodedTransaction, Height, Internal, Rules};
use crate::owner::Refused;
use crate::owner::answers::{BodyView, Cursor, RecordEntry, RecordView};
use crate::owner::chain_reads::at_height;
use crate::owner::codes::Code;
use crate::owner::pages::not_a_cursor;
use crate::owner::people::People;
use crate::store::DiskRead;
use crate::store::chain_rows::{ChainRows, records_of};

/// Bytes of records in one answer, about: with every byte told in two digits, two megabytes.
const MAX_BYTES: usize = 1024 * 1024;
/// Lost blocks that one answer looks through: each is read whole.
const MAX_LOST: usize = 64;

/// A place in the chain: everything before the block, and so many of its transactions, were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    height: Height,
    block: BlockId,
    transactions: u32,
}

impl Seen {
    /// All of a block.
    fn all_of(height: Height, block: BlockId) -> Self {
        Self {
            height,
            block,
            transactions: u32::MAX,
        }
    }

    /// As a text that leads back to it.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor(match self.transactions {
            u32::MAX => format!("{}-all-{}", self.height, self.block),
            some => format!("{}-{some}-{}", self.height, self.block),
        })
    }

    /// # Errors
    /// [`Code::BadCursor`].
    pub(super) fn read(cursor: &Cursor) -> Result<Self, Refused> {
        let read = || {
            let mut parts = cursor.0.splitn(3, '-');
            let height = Height(parts.next()?.parse().ok()?);
            let transactions = match parts.next()? {
                "all" => u32::MAX,
                some => some.parse().ok()?,
            };
            let block = parts.next()?.parse().ok()?;
            Some(Self {
                height,
                block,
                transactions,
            })
        };
        read().ok_or_else(|| not_a_cursor(cursor))
    }
}

/// A part of the feed.
pub(super) struct Found {
    pub(super) entries: Vec<RecordEntry>,
    /// How far it goes.
    pub(super) seen: Seen,
    /// Whether there is more of it already.
    pub(super) more: bool,
}

/// What happened to the records of `topic` behind `after`, from the beginning of the chain if that is not
/// said: at most `limit` entries.
pub(super) fn feed(
    rules: &Rules,
    disk: &dyn DiskRead,
    people: &People<'_>,
    topic: &Topic,
    after: Option<Seen>,
    limit: usize,
) -> Result<Found, Refused> {
    let mut feed = Feed {
        rules,
        view: ChainRows(disk),
        people,
        topic,
        limit,
        bytes: 0,
        entries: Vec::new(),
        seen: after.unwrap_or(Seen::all_of(Height::GENESIS, rules.network())),
    };
    let more = feed.go_back()? || feed.go_on(disk)?;
    Ok(Found {
        entries: feed.entries,
        seen: feed.seen,
        more,
    })
}

struct Feed<'a> {
    rules: &'a Rules,
    view: ChainRows<'a>,
    people: &'a People<'a>,
    topic: &'a Topic,
    limit: usize,
    bytes: usize,
    entries: Vec<RecordEntry>,
    seen: Seen,
}

impl Feed<'_> {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit || self.bytes >= MAX_BYTES
    }

    /// From a branch that is not connected any more back to where it left the chain; whether there is more
    /// to tell of it.
    fn go_back(&mut self) -> Result<bool, Refused> {
        let mut blocks = 0;
        while at_height(self.rules, &self.view, self.seen.height)? != Some(self.seen.block) {
            if blocks == MAX_LOST {
                return Ok(true);
            }
            blocks += 1;
            let block = self.view.block(&self.seen.block)?;
            let block = block.ok_or_else(|| unknown_place(&self.seen))?;
            if self.seen.height != block.header.height {
                return Err(unknown_place(&self.seen));
            }
            let seen = usize::try_from(self.seen.transactions).unwrap_or(usize::MAX);
            for at in (0..block.transactions.len().min(seen)).rev() {
                let Some(body) = self.record(&block.transactions[at]) else {
                    continue;
                };
                if self.is_full() {
                    return Ok(true);
                }
                let index = u32::try_from(at).unwrap_or(u32::MAX);
                self.seen.transactions = index;
                let record = self.show(&block, at, body);
                self.entries.push(RecordEntry::Reverted(record));
            }
            let before = self.seen.height.previous();
            let before = before.ok_or_else(|| unknown_place(&self.seen))?;
            self.seen = Seen::all_of(before, block.header.previous);
        }
        Ok(false)
    }

    /// What the connected chain has from there on; whether there is more of it.
    fn go_on(&mut self, disk: &dyn DiskRead) -> Result<bool, Refused> {
        let from = MinedAt {
            height: self.seen.height,
            index: self.seen.transactions,
        };
        // One more shows whether there are more.
        let places = records_of(disk, self.topic, from, self.limit + 1)?;
        let mut read: Option<Block> = None;
        for place in places {
            if self.is_full() {
                return Ok(true);
            }
            let block = match read.take() {
                Some(block) if block.header.height == place.height => block,
                _ => self.block_at(place.height)?,
            };
            let at = usize::try_from(place.index).unwrap_or(usize::MAX);
            let transaction = block.transactions.get(at);
            let body = transaction.and_then(|transaction| self.record(transaction));
            let body = body.ok_or_else(|| missing(place.height))?;
            self.seen = Seen {
                height: place.height,
                block: block.id(),
                transactions: place.index + 1,
            };
            let record = self.show(&block, at, body);
            self.entries.push(RecordEntry::Added(record));
            read = Some(block);
        }
        let tip = self.view.named(&crate::chain::rows::RowKey::Tip)?;
        let tip = tip.unwrap_or(self.rules.network());
        let entry = self.view.header(&tip)?;
        let entry = entry.unwrap_or_else(|| self.rules.genesis_entry());
        self.seen = Seen::all_of(entry.header.height, tip);
        Ok(false)
    }

    fn block_at(&self, height: Height) -> Result<Block, Internal> {
        let id = self.view.active(height)?.ok_or_else(|| missing(height))?;
        self.view.block(&id)?.ok_or_else(|| missing(height))
    }

    /// Its bytes, if it is a record of the topic.
    fn record(&self, transaction: &EncodedTransaction) -> Option<BodyView> {
        match &transaction.payload().action {
            Action::Record { topic, body } if topic == self.topic => {
                Some(BodyView::of(body.as_slice()))
            }
            _ => None,
        }
    }

    fn show(&mut self, block: &Block, at: usize, body: BodyView) -> RecordView {
        let transaction = &block.transactions[at];
        self.bytes += transaction.size();
        RecordView {
            id: transaction.id(),
            sender: self.people.person(&transaction.payload().sender),
            height: block.header.height,
            block: block.id(),
            index: u32::try_from(at).unwrap_or(u32::MAX),
            timestamp: block.header.timestamp,
            body,
            cursor: self.seen.cursor(),
        }
    }
}

fn missing(height: Height) -> Internal {
    Internal(format!(
        "a record of the block at height {height} is missing"
    ))
}

fn unknown_place(seen: &Seen) -> Refused {
    Refused::new(
        Code::BadCursor,
        format!(
            "this node knows no block {} at height {}: the cursor is of another node or network, so begin \
             anew without it",
            seen.block, seen.height
        ),
    )
}

#[cfg(test)]
mod tests;
