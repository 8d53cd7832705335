//! Rows that were decided but are not on the disk yet.

use super::Internal;
use super::fold_hash::FoldMap;
use super::rows::{Row, RowKey, StateView};
use std::collections::VecDeque;

/// Bytes that may wait for the disk; above it the ledger takes nothing more in.
pub const MAX_OVERLAY_BYTES: usize = 64 * 1024 * 1024;
/// Batches that may wait for the disk, below the room in the mailbox of whoever writes them.
pub const MAX_OVERLAY_BATCHES: usize = 1024;
/// What a row costs beside its value: its name in the map and in the list of its batch.
const ROW_COST: usize = 160;

struct Pending {
    batch: u64,
    value: Option<Vec<u8>>,
}

/// What the disk will hold once all that was sent to it is written. The ledger reads through it and
/// so never waits for the disk.
#[derive(Default)]
pub struct Overlay {
    rows: FoldMap<RowKey, Pending>,
    batches: VecDeque<(u64, Vec<RowKey>, usize)>,
    last: u64,
    bytes: usize,
}

impl Overlay {
    /// Takes in the rows of one batch; returns its number, counted from 1.
    pub fn push(&mut self, rows: &[Row]) -> u64 {
        self.last += 1;
        let cost = rows
            .iter()
            .map(|(_, v)| ROW_COST + v.as_ref().map_or(0, Vec::len))
            .sum();
        self.rows.reserve(rows.len());
        for (key, value) in rows {
            self.rows.insert(
                key.clone(),
                Pending {
                    batch: self.last,
                    value: value.clone(),
                },
            );
        }
        let names = rows.iter().map(|(key, _)| key.clone()).collect();
        self.batches.push_back((self.last, names, cost));
        self.bytes += cost;
        self.last
    }

    /// Forgets the batches up to and including `batch`: the disk has them.
    pub fn committed(&mut self, batch: u64) {
        while let Some((number, ..)) = self.batches.front()
            && *number <= batch
        {
            let Some((number, names, cost)) = self.batches.pop_front() else {
                break;
            };
            for name in names {
                if self
                    .rows
                    .get(&name)
                    .is_some_and(|pending| pending.batch == number)
                {
                    self.rows.remove(&name);
                }
            }
            self.bytes -= cost;
        }
    }

    /// Number of the last batch that was taken in.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Whether so much waits that nothing more should come.
    pub fn is_full(&self) -> bool {
        self.bytes > MAX_OVERLAY_BYTES || self.batches.len() >= MAX_OVERLAY_BATCHES
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The view of what the disk will hold.
    pub fn over<'a>(&'a self, disk: &'a dyn StateView) -> impl StateView + 'a {
        Layers {
            overlay: self,
            disk,
        }
    }
}

struct Layers<'a> {
    overlay: &'a Overlay,
    disk: &'a dyn StateView,
}

impl StateView for Layers<'_> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        match self.overlay.rows.get(key) {
            Some(pending) => Ok(pending.value.clone()),
            None => self.disk.read(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::MemoryView;
    use super::super::{Amount, Height};
    use super::*;
    use proptest::prelude::*;

    fn row(name: u8, value: Option<u8>) -> Row {
        (RowKey::Active(Height(name.into())), value.map(|v| vec![v]))
    }

    proptest! {
        #[test]
        fn what_is_read_never_depends_on_when_the_disk_is_done(
            batches in prop::collection::vec(
                prop::collection::vec((0..6u8, any::<Option<u8>>()), 0..5), 0..12),
            lag in 0..6usize,
        ) {
            let mut at_once = MemoryView::default();
            let mut disk = MemoryView::default();
            let mut overlay = Overlay::default();
            let mut waiting = VecDeque::new();
            for batch in batches {
                let rows: Vec<Row> = batch.into_iter().map(|(n, v)| row(n, v)).collect();
                at_once.commit(rows.clone());
                waiting.push_back((overlay.push(&rows), rows));
                if waiting.len() > lag {
                    let (number, rows) = waiting.pop_front().unwrap();
                    disk.commit(rows);
                    overlay.committed(number);
                }
                for name in 0..6u8 {
                    let key = RowKey::Active(Height(name.into()));
                    prop_assert_eq!(overlay.over(&disk).read(&key), at_once.read(&key));
                }
            }
            for (number, rows) in waiting {
                disk.commit(rows);
                overlay.committed(number);
            }
            prop_assert!(overlay.is_empty() && overlay.rows.is_empty());
            prop_assert_eq!(overlay.bytes, 0);
        }
    }

    #[test]
    fn it_is_full_above_its_bytes_and_not_after_the_commit() {
        let mut overlay = Overlay::default();
        let big = (RowKey::Tip, Some(vec![0; MAX_OVERLAY_BYTES]));
        let number = overlay.push(&[big]);
        assert!(overlay.is_full());
        overlay.committed(number);
        assert!(!overlay.is_full());
        assert_eq!(
            MemoryView::default().balance(&crate::keys::PublicKey([0; 32])),
            Ok(Amount(0))
        );
    }
}
