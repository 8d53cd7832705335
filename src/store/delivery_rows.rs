//! The rows of the outbox and the inbox on disk.

use super::chain_rows::internal;
use super::{DiskRead, Table};
use crate::chain::Internal;
use crate::protocol::delivery::rows::{DeliveryRows, Found};

/// One of the two tables, read from a disk or a snapshot.
pub struct DeliveryTable<'a>(&'a dyn DiskRead, Table);

impl<'a> DeliveryTable<'a> {
    /// The outbox's.
    pub fn outbox(disk: &'a dyn DiskRead) -> Self {
        Self(disk, Table::Outbox)
    }

    /// The inbox's.
    pub fn inbox(disk: &'a dyn DiskRead) -> Self {
        Self(disk, Table::Inbox)
    }
}

impl DeliveryRows for DeliveryTable<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal> {
        self.0.get(self.1, key).map_err(internal)
    }

    fn first_from(&self, key: &[u8]) -> Result<Option<Found>, Internal> {
        let row = self.0.scan(self.1, key, 1).map_err(internal)?;
        Ok(row.into_iter().next())
    }
}
