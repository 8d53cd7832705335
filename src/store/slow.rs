//! A disk that takes its time, as many do: for measurements.

use super::{Disk, DiskError, DiskRead, Row, RowChange, Table};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Another disk, each of whose synced writes takes so much longer. Nothing else is changed about it.
pub struct SlowDisk {
    disk: Arc<dyn Disk>,
    longer: Duration,
}

impl SlowDisk {
    /// Writes to this disk, and waits.
    pub fn new(disk: Arc<dyn Disk>, longer: Duration) -> Self {
        Self { disk, longer }
    }
}

impl DiskRead for SlowDisk {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        self.disk.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        self.disk.scan(table, from, limit)
    }
}

impl Disk for SlowDisk {
    fn commit(&self, rows: &[RowChange]) -> Result<(), DiskError> {
        thread::sleep(self.longer);
        self.disk.commit(rows)
    }

    fn latency(&self) -> Duration {
        self.disk.latency()
    }

    fn snapshot(&self) -> Box<dyn DiskRead + '_> {
        self.disk.snapshot()
    }

    fn checkpoint(&self, to: &Path) -> Result<(), DiskError> {
        self.disk.checkpoint(to)
    }

    fn flush(&self) -> Result<(), DiskError> {
        self.disk.flush()
    }
}
