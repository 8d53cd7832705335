//! A disk in memory, for tests and simulations: what it holds, what was synced of it, and how it
//! fails are in the hands of the test.

use super::disk::ScanBudget;
use super::{Disk, DiskError, DiskRead, Row, RowChange, Table};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Tables = BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>;

/// A disk in memory. A node under simulation "restarts" on the same one.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What readers see. Shared with the snapshots, and copied by a commit if there are any.
    visible: Arc<Tables>,
    /// What a power cut leaves at the least.
    durable: Tables,
    /// Batches a power cut may leave or take, oldest first.
    unsynced: Vec<Vec<RowChange>>,
    /// The next commit meets this.
    fault: Option<DiskError>,
    /// A commit met this, and so does everything written until the next start.
    broken: Option<DiskError>,
    /// Commits return before they are synced.
    deferring: bool,
    latency: Duration,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next commit fail. Its batch is in doubt, as with a real disk: readers never see it,
    /// but the next [`power_cut`](Self::power_cut) may leave it. Until then all commits fail.
    pub fn fail_next(&self, error: DiskError) {
        self.state().fault = Some(error);
    }

    /// With `true`, commits return without being synced, as on a drive that lies: only a
    /// [`flush`](Disk::flush) or the first commit after `false` syncs them. To be found out by what
    /// a [`power_cut`](Self::power_cut) then takes.
    pub fn defer_syncs(&self, deferring: bool) {
        self.state().deferring = deferring;
    }

    /// From now on, a commit is waited for as long.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Cuts the power and starts again: what was synced is there; of the batches that were not
    /// (deferred, or the one that failed) the oldest `left`, if there are so many; the rest is gone.
    /// Faults are gone too.
    ///
    /// Snapshots taken before stay readable, but belong to the node that died.
    pub fn power_cut(&self, left: usize) {
        let mut state = self.state();
        state.unsynced.truncate(left);
        state.sync();
        state.visible = Arc::new(state.durable.clone());
        state.fault = None;
        state.broken = None;
    }

    /// How many batches the next [`power_cut`](Self::power_cut) may take.
    pub fn unsynced(&self) -> usize {
        self.state().unsynced.len()
    }

    /// A thread that panicked while it held the lock has failed its test already.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn sync(&mut self) {
        for batch in std::mem::take(&mut self.unsynced) {
            apply(&mut self.durable, &batch);
        }
    }
}

fn apply(tables: &mut Tables, batch: &[RowChange]) {
    for row in batch {
        let table = tables.entry(row.table).or_default();
        match &row.value {
            Some(value) => table.insert(row.key.clone(), value.clone()),
            None => table.remove(&row.key),
        };
    }
}

fn value_in(tables: &Tables, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    tables.get(&table)?.get(key).cloned()
}

fn page_of(tables: &Tables, table: Table, from: &[u8], limit: usize) -> Vec<Row> {
    let Some(rows) = tables.get(&table) else {
        return Vec::new();
    };
    let mut budget = ScanBudget::new(limit);
    rows.range::<[u8], _>((Bound::Included(from), Bound::Unbounded))
        .take_while(|(key, value)| budget.takes(key, value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

impl DiskRead for MemoryDisk {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        Ok(value_in(&self.state().visible, table, key))
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        Ok(page_of(&self.state().visible, table, from, limit))
    }
}

/// The rows as they were when it was made.
struct MemorySnapshot(Arc<Tables>);

impl DiskRead for MemorySnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        Ok(value_in(&self.0, table, key))
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        Ok(page_of(&self.0, table, from, limit))
    }
}

impl Disk for MemoryDisk {
    fn commit(&self, rows: &[RowChange]) -> Result<(), DiskError> {
        let mut state = self.state();
        if let Some(error) = &state.broken {
            return Err(error.clone());
        }
        state.unsynced.push(rows.to_vec());
        if let Some(error) = state.fault.take() {
            state.broken = Some(error.clone());
            return Err(error);
        }
        apply(Arc::make_mut(&mut state.visible), rows);
        if !state.deferring {
            state.sync();
        }
        Ok(())
    }

    fn latency(&self) -> Duration {
        self.state().latency
    }

    fn snapshot(&self) -> Box<dyn DiskRead + '_> {
        Box::new(MemorySnapshot(Arc::clone(&self.state().visible)))
    }

    fn checkpoint(&self, to: &Path) -> Result<(), DiskError> {
        Err(DiskError::NotAccessible {
            path: to.to_owned(),
            reason: "a disk in memory has no files".to_owned(),
        })
    }

    fn flush(&self) -> Result<(), DiskError> {
        let mut state = self.state();
        match &state.broken {
            Some(error) => Err(error.clone()),
            None => {
                state.sync();
                Ok(())
            }
        }
    }
}
