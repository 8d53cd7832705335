//! The chain as tables: flat rows with the same columns throughout, which spreadsheets, databases and
//! other engines read as they stand.
//!
//! Each row says of which snapshot it is (`tip_height`, `tip_id`), so that tables of different moments
//! are not joined unseen. An archive is the chain itself and can be imported; a table can't.

mod members;

use self::members::MemberRow;
use super::{EndEntry, Entry, HeadEntry};
use crate::chain::application::MEMBERS_TOPIC;
use crate::chain::json::{
    ActionJson, BlockJson, GenesisJson, HeaderJson, KeyJson, TransactionJson,
};
use crate::chain::target::CompactTarget;
use crate::chain::transaction::RecordBody;
use crate::chain::{Amount, BlockId, Height, Timestamp, TransactionId};
use crate::logging::Time;
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// A row for each block, the genesis block included.
    Blocks,
    /// A row for each transaction, rewards included.
    Transactions,
    /// A row for each record.
    Records,
    /// A row for each word on the ledger about who is a member.
    Members,
}

impl TableKind {
    /// The names of its columns.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Blocks => &[
                "height",
                "id",
                "previous",
                "time",
                "timestamp_ms",
                "work",
                "miner",
                "reward",
                "transactions",
                "fees",
                "tip_height",
                "tip_id",
            ],
            Self::Transactions => &[
                "height",
                "index",
                "time",
                "id",
                "kind",
                "sender",
                "recipient",
                "amount",
                "fee",
                "expires_at",
                "note_bytes",
                "topic",
                "tip_height",
                "tip_id",
            ],
            Self::Members => MemberRow::COLUMNS,
            Self::Records => &[
                "height",
                "index",
                "time",
                "id",
                "sender",
                "topic",
                "bytes",
                "body",
                "text",
                "fee",
                "tip_height",
                "tip_id",
            ],
        }
    }
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// A heading, then a row a line (RFC 4180).
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// A moment as `2026-11-20T21:43:02.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment(Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Time::from_unix_ms(self.0.0))
    }
}

/// Of which snapshot a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tip {
    height: Height,
    id: BlockId,
}

#[derive(Debug, Serialize)]
struct BlockRow {
    height: Height,
    id: BlockId,
    previous: BlockId,
    time: Moment,
    timestamp_ms: Timestamp,
    /// Hashes that a block of its difficulty takes on average; text, since they may pass 2^64.
    work: Option<String>,
    miner: Option<KeyJson>,
    reward: Option<Amount>,
    transactions: usize,
    fees: Amount,
    tip_height: Height,
    tip_id: BlockId,
}

#[derive(Debug, Serialize)]
struct TransactionRow<'a> {
    height: Height,
    index: usize,
    time: Moment,
    id: TransactionId,
    kind: &'static str,
    sender: Option<&'a KeyJson>,
    recipient: Option<&'a KeyJson>,
    amount: Option<Amount>,
    fee: Option<Amount>,
    expires_at: Option<Height>,
    /// Of the sealed note, which only sender and recipient can open.
    note_bytes: Option<usize>,
    topic: Option<&'a str>,
    tip_height: Height,
    tip_id: BlockId,
}

#[derive(Debug, Serialize)]
struct RecordRow<'a> {
    height: Height,
    index: usize,
    time: Moment,
    id: TransactionId,
    sender: Option<&'a KeyJson>,
    topic: &'a str,
    bytes: usize,
    /// What is recorded, in hexadecimal.
    body: &'a RecordBody,
    /// The same as text, where it is text.
    text: Option<String>,
    fee: Option<Amount>,
    tip_height: Height,
    tip_id: BlockId,
}

/// Where rows go.
enum Rows<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

/// Makes one table of the entries of an archive, each a row or several as it comes.
pub struct TableWriter<W: Write> {
    rows: Rows<W>,
    kind: TableKind,
    tip: Tip,
    written: u64,
}

impl<W: Write> TableWriter<W> {
    /// Begins a table.
    pub fn new(to: W, kind: TableKind, format: TableFormat) -> Self {
        Self {
            rows: match format {
                TableFormat::Csv => {
                    // The heading is there without a row, too.
                    let builder = csv::WriterBuilder::new().has_headers(false).from_writer(to);
                    Rows::Csv(Box::new(builder))
                }
                TableFormat::Jsonl => Rows::Jsonl(to),
            },
            kind,
            tip: Tip {
                height: Height::GENESIS,
                id: BlockId([0; 32]),
            },
            written: 0,
        }
    }

    /// How many rows were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes what this entry adds to the table.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        match (entry, self.kind) {
            (Entry::Head(HeadEntry { height, tip, .. }), _) => {
                self.tip = Tip {
                    height: *height,
                    id: *tip,
                };
                match &mut self.rows {
                    Rows::Csv(writer) => Ok(writer.write_record(self.kind.columns())?),
                    Rows::Jsonl(_) => Ok(()),
                }
            }
            (Entry::Genesis(genesis), TableKind::Blocks) => self.genesis(genesis),
            (Entry::Block(block), TableKind::Blocks) => self.block(block),
            (Entry::Block(block), TableKind::Transactions) => self.transactions(block),
            (Entry::Block(block), TableKind::Records) => self.records(block),
            (Entry::Block(block), TableKind::Members) => self.members(block),
            (Entry::Genesis(_), _) | (Entry::End(EndEntry { .. }), _) => Ok(()),
        }
    }

    /// Ends the table.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn end(self) -> io::Result<()> {
        match self.rows {
            Rows::Csv(mut writer) => writer.flush(),
            Rows::Jsonl(mut to) => to.flush(),
        }
    }

    fn row(&mut self, row: &impl Serialize) -> io::Result<()> {
        self.written += 1;
        match &mut self.rows {
            Rows::Csv(writer) => writer.serialize(row).map_err(io::Error::from),
            Rows::Jsonl(to) => {
                serde_json::to_writer(&mut *to, row)?;
                to.write_all(b"\n")
            }
        }
    }

    fn genesis(&mut self, genesis: &GenesisJson) -> io::Result<()> {
        let row = self.block_row(&genesis.header);
        self.row(&row)
    }

    fn block(&mut self, block: &BlockJson) -> io::Result<()> {
        let mut row = self.block_row(&block.header);
        row.transactions = block.transactions.len();
        for one in &block.transactions {
            if let Some(signed) = &one.signed {
                row.fees = Amount(row.fees.0.saturating_add(signed.fee.0));
            }
            if let ActionJson::Reward { to, amount, .. } = &one.action {
                row.miner = Some(*to);
                row.reward = Some(*amount);
            }
        }
        self.row(&row)
    }

    fn block_row(&self, header: &HeaderJson) -> BlockRow {
        let target = CompactTarget::from_bits(header.target).expand();
        BlockRow {
            height: header.height,
            id: header.id,
            previous: header.previous,
            time: Moment(header.timestamp),
            timestamp_ms: header.timestamp,
            work: target.ok().map(|target| target.work().to_string()),
            miner: None,
            reward: None,
            transactions: 0,
            fees: Amount(0),
            tip_height: self.tip.height,
            tip_id: self.tip.id,
        }
    }

    fn transactions(&mut self, block: &BlockJson) -> io::Result<()> {
        for (index, one) in block.transactions.iter().enumerate() {
            let (kind, recipient, amount, note, topic) = match &one.action {
                ActionJson::Transfer { to, amount, note } => (
                    "transfer",
                    Some(to),
                    Some(*amount),
                    Some(note.as_slice().len()),
                    None,
                ),
                ActionJson::Reward { to, amount, .. } => {
                    ("reward", Some(to), Some(*amount), None, None)
                }
                ActionJson::Record { topic, .. } => {
                    ("record", None, None, None, Some(topic.as_str()))
                }
            };
            let signed = one.signed.as_ref();
            self.row(&TransactionRow {
                height: block.header.height,
                index,
                time: Moment(block.header.timestamp),
                id: one.id,
                kind,
                sender: signed.map(|signed| &signed.sender),
                recipient,
                amount,
                fee: signed.map(|signed| signed.fee),
                expires_at: signed.map(|signed| signed.expires_at),
                note_bytes: note,
                topic,
                tip_height: self.tip.height,
                tip_id: self.tip.id,
            })?;
        }
        Ok(())
    }

    fn records(&mut self, block: &BlockJson) -> io::Result<()> {
        for (index, one) in block.transactions.iter().enumerate() {
            self.record(&block.header, index, one)?;
        }
        Ok(())
    }

    fn members(&mut self, block: &BlockJson) -> io::Result<()> {
        for (index, one) in block.transactions.iter().enumerate() {
            let ActionJson::Record { topic, body } = &one.action else {
                continue;
            };
            if topic.as_str() != MEMBERS_TOPIC {
                continue;
            }
            let is_csv = matches!(self.rows, Rows::Csv(_));
            let text = |text: &str| match is_csv {
                true => for_spreadsheets(text),
                false => text.to_owned(),
            };
            if let Some(row) = MemberRow::of(body, (&block.header, index), self.tip, text) {
                self.row(&row)?;
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        header: &HeaderJson,
        index: usize,
        one: &TransactionJson,
    ) -> io::Result<()> {
        let ActionJson::Record { topic, body } = &one.action else {
            return Ok(());
        };
        let bytes = body.as_slice();
        let text = str::from_utf8(bytes).ok().map(|text| match self.rows {
            Rows::Csv(_) => for_spreadsheets(text),
            Rows::Jsonl(_) => text.to_owned(),
        });
        let signed = one.signed.as_ref();
        self.row(&RecordRow {
            height: header.height,
            index,
            time: Moment(header.timestamp),
            id: one.id,
            sender: signed.map(|signed| &signed.sender),
            topic: topic.as_str(),
            bytes: bytes.len(),
            body,
            text,
            fee: signed.map(|signed| signed.fee),
            tip_height: self.tip.height,
            tip_id: self.tip.id,
        })
    }
}

/// A member's text that no spreadsheet takes for a formula of its owner's: an apostrophe before it says
/// that it is text. `body` holds what is recorded to the byte.
fn for_spreadsheets(text: &str) -> String {
    if text.starts_with(FORMULA) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
