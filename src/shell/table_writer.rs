//! The rows of one machine's table on their way to the store.

use super::Link;
use crate::messages::store::{CommitRows, Committer, Rows, Urgency};
use crate::protocol::Row;
use crate::store::{RowChange, Table};

/// Rows that may be held for the next batch: some hundred receipts.
const MAX_IDLE_ROWS: usize = 1_024;

/// Has the rows of one machine written, in the order of its batches.
pub struct TableWriter {
    store: Link<CommitRows>,
    committer: Committer,
    table: Table,
    /// What nobody waits for, and the last batch of it: it goes with the next, or when time has passed. The store is
    /// not woken for it.
    idle: (Vec<RowChange>, Option<u64>),
}

impl TableWriter {
    /// To the store, for the one whose table this is.
    pub fn new(store: Link<CommitRows>, committer: Committer, table: Table) -> Self {
        Self {
            store,
            committer,
            table,
            idle: Default::default(),
        }
    }

    /// Has a batch written.
    pub fn commit(&mut self, batch: u64, rows: Vec<Row>) {
        self.commit_with(batch, rows, Urgency::Now);
    }

    /// Has a batch written that may wait for another, of whoever.
    pub fn commit_with(&mut self, batch: u64, rows: Vec<Row>, urgency: Urgency) {
        let (mut all, _) = std::mem::take(&mut self.idle);
        all.extend(of_table(self.table, rows));
        self.store.send(CommitRows {
            committer: self.committer,
            batch,
            rows: Rows::Plain(all),
            urgency,
        });
    }

    /// Has a batch written that nobody waits for but whoever looks at it: with the next, or at the next
    /// [`flush`](Self::flush).
    pub fn commit_idle(&mut self, batch: u64, rows: Vec<Row>) {
        let (held, last) = &mut self.idle;
        held.extend(of_table(self.table, rows));
        *last = Some(batch);
        if held.len() > MAX_IDLE_ROWS {
            self.flush_idle();
        }
    }

    fn flush_idle(&mut self) {
        if let Some(batch) = self.idle.1 {
            self.commit(batch, Vec::new());
        }
    }

    /// Whether something has found no room with the store yet.
    pub fn is_behind(&self) -> bool {
        self.store.waiting() > 0
    }

    /// Tries again what found no room, and has written what was held; to be called now and then.
    pub fn flush(&mut self) {
        self.flush_idle();
        self.store.flush();
    }
}

fn of_table(table: Table, rows: Vec<Row>) -> impl Iterator<Item = RowChange> {
    let rows = rows.into_iter();
    rows.map(move |(key, value)| RowChange { table, key, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::testing::Outbound;

    fn row(name: u8) -> Vec<Row> {
        vec![(vec![name], Some(vec![name]))]
    }

    /// What the store was told: the number of each batch, and how many rows came with it.
    fn told(store: &Outbound<CommitRows>) -> Vec<(u64, usize)> {
        let told = store.drain().into_iter();
        let told = told.map(|commit| match commit.rows {
            Rows::Plain(rows) => (commit.batch, rows.len()),
            Rows::Chain(_) => panic!("rows of a table"),
        });
        told.collect()
    }

    #[test]
    fn what_nobody_waits_for_goes_with_the_next_batch_or_when_time_has_passed() {
        let store = Outbound::new();
        let link = Link::to(store.clone(), 0);
        let mut writer = TableWriter::new(link, Committer::Outbox, Table::Outbox);
        writer.commit_idle(1, row(1));
        writer.commit_idle(2, row(2));
        assert_eq!(told(&store), [], "the store is left alone");
        writer.commit(3, row(3));
        assert_eq!(told(&store), [(3, 3)]);
        writer.commit_idle(4, row(4));
        writer.flush();
        assert_eq!(told(&store), [(4, 1)]);
        writer.flush();
        assert_eq!(told(&store), []);
        // So much is held, and no more.
        for batch in 5..=5 + MAX_IDLE_ROWS as u64 {
            writer.commit_idle(batch, row(5));
        }
        assert_eq!(
            told(&store),
            [(5 + MAX_IDLE_ROWS as u64, MAX_IDLE_ROWS + 1)]
        );
    }
}
