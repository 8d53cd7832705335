//! The rows of one machine's table on their way to the store.

use super::Link;
use crate::messages::store::{CommitRows, Committer, Rows, Urgency};
use crate::protocol::Row;
use crate::store::{RowChange, Table};

/// Has the rows of one machine written, in the order of its batches.
pub struct TableWriter {
    store: Link<CommitRows>,
    committer: Committer,
    table: Table,
}

impl TableWriter {
    /// To the store, for the one whose table this is.
    pub fn new(store: Link<CommitRows>, committer: Committer, table: Table) -> Self {
        Self {
            store,
            committer,
            table,
        }
    }

    /// Has a batch written.
    pub fn commit(&mut self, batch: u64, rows: Vec<Row>) {
        self.commit_with(batch, rows, Urgency::Now);
    }

    /// Has a batch written that may wait for another, of whoever.
    pub fn commit_with(&mut self, batch: u64, rows: Vec<Row>, urgency: Urgency) {
        let table = self.table;
        let rows = rows
            .into_iter()
            .map(|(key, value)| RowChange { table, key, value });
        self.store.send(CommitRows {
            committer: self.committer,
            batch,
            rows: Rows::Plain(rows.collect()),
            urgency,
        });
    }

    /// Whether something has found no room with the store yet.
    pub fn is_behind(&self) -> bool {
        self.store.waiting() > 0
    }

    /// Tries again what found no room; to be called now and then.
    pub fn flush(&mut self) {
        self.store.flush();
    }
}
