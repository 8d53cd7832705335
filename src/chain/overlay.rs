//! Rows that were decided but are not on the disk yet.

use super::Internal;
use super::fold_hash::FoldState;
use super::rows::{Row, RowKey, StateView};
use hashbrown::HashTable;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Bytes that may wait for the disk; above it the ledger takes nothing more in.
pub const MAX_OVERLAY_BYTES: usize = 64 * 1024 * 1024;
/// Batches that may wait for the disk, below the room in the mailbox of whoever writes them.
pub const MAX_OVERLAY_BATCHES: usize = 1024;
/// What a row costs beside its value: its name in the map and in its batch.
const ROW_COST: usize = 160;

/// Rows that are written together; whoever keeps them shares them.
pub type Batch = Arc<Vec<Row>>;

/// Where a row is: the number of its batch, and its place in that.
#[derive(Clone, Copy, PartialEq, Eq)]
struct InBatch {
    batch: u64,
    at: usize,
}

/// What the disk will hold once all that was sent to it is written. The ledger reads through it and
/// so never waits for the disk.
#[derive(Default)]
pub struct Overlay {
    /// Where the latest value of each row is, by the hash of its key.
    places: HashTable<InBatch>,
    hash: FoldState,
    /// Those that wait, oldest first, and what each costs. Their numbers are without gaps.
    batches: VecDeque<(Batch, usize)>,
    last: u64,
    bytes: usize,
}

impl Overlay {
    /// Takes in the rows of one batch, each a row of its own; returns its number, counted from 1.
    pub fn push(&mut self, rows: Batch) -> u64 {
        self.last += 1;
        let cost = rows
            .iter()
            .map(|(_, v)| ROW_COST + v.as_ref().map_or(0, Vec::len))
            .sum();
        self.batches.push_back((rows.clone(), cost));
        self.bytes += cost;
        let (oldest, last) = (self.oldest(), self.last);
        let Self {
            batches,
            hash,
            places,
            ..
        } = self;
        let key_of = |place: &InBatch| key_in(batches, oldest, *place);
        let hash_of = |place: &InBatch| hash.hash_one(key_of(place));
        places.reserve(rows.len(), hash_of);
        for (at, (key, _)) in rows.iter().enumerate() {
            let latest = InBatch { batch: last, at };
            let is_there = |place: &InBatch| key_of(place) == Some(key);
            places
                .entry(hash.hash_one(Some(key)), is_there, hash_of)
                .and_modify(|place| *place = latest)
                .or_insert(latest);
        }
        last
    }

    /// Forgets the batches up to and including `batch`: the disk has them.
    pub fn committed(&mut self, batch: u64) {
        while self.oldest() <= batch
            && let number = self.oldest()
            && let Some((rows, cost)) = self.batches.pop_front()
        {
            for (at, (key, _)) in rows.iter().enumerate() {
                let own = InBatch { batch: number, at };
                // Another batch may have the latest value.
                let found = self
                    .places
                    .find_entry(self.hash.hash_one(Some(key)), |place| *place == own);
                if let Ok(place) = found {
                    place.remove();
                }
            }
            self.bytes -= cost;
        }
    }

    /// Number of the oldest batch that waits; of the next one if none does.
    fn oldest(&self) -> u64 {
        self.last + 1 - self.batches.len() as u64
    }

    /// The row as its latest batch leaves it; `None` if none has it.
    fn row(&self, key: &RowKey) -> Option<&Option<Vec<u8>>> {
        let oldest = self.oldest();
        let is_there = |place: &InBatch| key_in(&self.batches, oldest, *place) == Some(key);
        let place = self.places.find(self.hash.hash_one(Some(key)), is_there)?;
        row_in(&self.batches, oldest, *place).map(|(_, value)| value)
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

/// The row at a place in `batches`, of which the oldest has the number `oldest`.
fn row_in(batches: &VecDeque<(Batch, usize)>, oldest: u64, place: InBatch) -> Option<&Row> {
    let batch = usize::try_from(place.batch.checked_sub(oldest)?).ok()?;
    batches.get(batch)?.0.get(place.at)
}

/// Its key.
fn key_in(batches: &VecDeque<(Batch, usize)>, oldest: u64, place: InBatch) -> Option<&RowKey> {
    row_in(batches, oldest, place).map(|(key, _)| key)
}

struct Layers<'a> {
    overlay: &'a Overlay,
    disk: &'a dyn StateView,
}

impl StateView for Layers<'_> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        match self.overlay.row(key) {
            Some(value) => Ok(value.clone()),
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
    use std::collections::BTreeMap;

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
                let each_once: BTreeMap<u8, Option<u8>> = batch.into_iter().collect();
                let rows: Vec<Row> = each_once.into_iter().map(|(n, v)| row(n, v)).collect();
                at_once.commit(rows.clone());
                waiting.push_back((overlay.push(rows.clone().into()), rows));
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
            prop_assert!(overlay.is_empty() && overlay.places.is_empty());
            prop_assert_eq!(overlay.bytes, 0);
        }
    }

    #[test]
    fn it_is_full_above_its_bytes_and_not_after_the_commit() {
        let mut overlay = Overlay::default();
        let big = (RowKey::Tip, Some(vec![0; MAX_OVERLAY_BYTES]));
        let number = overlay.push(vec![big].into());
        assert!(overlay.is_full());
        overlay.committed(number);
        assert!(!overlay.is_full());
        assert_eq!(
            MemoryView::default().balance(&crate::keys::PublicKey([0; 32])),
            Ok(Amount(0))
        );
    }
}
