//! What the inbox wants done.

use crate::chain::transaction::Note;
use crate::chain::{EncodedTransaction, NetworkId};
use crate::keys::{NoteContext, PublicKey};
use crate::protocol::credit::Credit;
use crate::protocol::delivery::rows::ReceivedFacts;
use crate::protocol::{Row, SessionId};
use crate::wire::{Receipt, ReceiptStatement};
use std::collections::HashSet;

/// What the shell has to do, in order.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Write these rows, of the inbox's table, in one synced batch, and report [`Inbox::committed`].
    Commit {
        /// Number of the batch.
        batch: u64,
        /// Rows to write in one batch: key, and value or none to remove it.
        rows: Vec<Row>,
    },
    /// Have the note of a transaction opened, and report [`Inbox::opened`].
    OpenNote {
        /// Stands for the delivery.
        ticket: u64,
        /// What it is about.
        about: NoteContext,
        /// The note.
        note: Note,
    },
    /// Have the ledger judge a transaction and make it open, and report [`Inbox::judged`] once its rows are on
    /// their way to the disk: what is written here comes behind them.
    Judge {
        /// Stands for the delivery.
        ticket: u64,
        /// What was delivered.
        transaction: EncodedTransaction,
    },
    /// Have a receipt signed, and report [`Inbox::signed`].
    Sign {
        /// Stands for the delivery.
        ticket: u64,
        /// What the receipt says.
        statement: ReceiptStatement,
    },
    /// Send a receipt.
    Answer {
        /// Came with the delivery.
        credit: Credit,
        /// Where the delivery came from.
        session: SessionId,
        /// The receipt.
        receipt: Receipt,
    },
    /// Whoever delivered this did what no honest program does: have its session closed.
    Blame {
        /// Where the delivery came from.
        session: SessionId,
        /// What was wrong with it.
        reason: String,
    },
    /// Tell the owner that something came; the disk holds it.
    Tell {
        /// What is known of it.
        facts: ReceivedFacts,
        /// Whether a note is with it.
        note: bool,
    },
    /// Tell the owner that so many are left to read; the disk knows which.
    TellUnread(usize),
}

/// What an inbox is opened with.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node's key.
    pub own: PublicKey,
    /// The network.
    pub network: NetworkId,
    /// Whose deliveries are refused.
    pub blocked: HashSet<PublicKey>,
}
