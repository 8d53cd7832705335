//! Checking the whole chain again while somebody watches.

use super::answers::{TipView, VerifyLine};
use super::chain_reads::tip_of;
use super::long_read::{Lines, LongReads};
use super::refusal::{Refused, unverified};
use crate::chain::verify::{VerifyError, verify_chain};
use crate::chain::{Height, Rules, StateView};
use crate::store::chain_rows::ChainRows;
use crate::store::{Disk, DiskScratch};
use futures_util::Stream;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Lines of progress over a whole chain, about: enough to see it move.
const PROGRESS_LINES: u64 = 100;

/// Starts a verification of the chain on `disk`; state that memory has no room for goes to a database
/// at `scratch`.
///
/// # Errors
/// As [`LongReads::start`].
pub(super) fn start(
    verifications: &LongReads,
    disk: Arc<dyn Disk>,
    rules: Rules,
    scratch: PathBuf,
) -> Result<impl Stream<Item = io::Result<VerifyLine>> + use<>, Refused> {
    verifications.start(move |lines| {
        let snapshot = disk.snapshot();
        let view = lines.watched(ChainRows(&*snapshot));
        let mut scratch = DiskScratch::new(scratch);
        let last = check(lines, &rules, &view, &mut scratch);
        Ok(last.unwrap_or_else(|error| VerifyLine::Error(unverified(&error))))
    })
}

fn check(
    lines: &Lines<VerifyLine>,
    rules: &Rules,
    view: &dyn StateView,
    scratch: &mut DiskScratch,
) -> Result<VerifyLine, VerifyError> {
    let tip = tip_of(rules, view)?;
    let step = (tip.height.0 / PROGRESS_LINES).max(1);
    let verified = verify_chain(rules, view, scratch, |height: Height| {
        if height.0.is_multiple_of(step) {
            let of = tip.height;
            lines.offer(VerifyLine::Progress { height, of });
        }
    })?;
    Ok(VerifyLine::Verified {
        tip: TipView {
            height: verified.height,
            id: verified.tip,
            timestamp: tip.timestamp,
        },
        transactions: verified.transactions,
        supply: verified.supply,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::rules;
    use crate::owner::codes::Code;
    use crate::store::{DiskError, DiskRead, MemoryDisk, Row, RowChange, Table};
    use actix_rt::System;
    use futures_util::StreamExt;
    use std::path::Path;
    use std::pin::pin;
    use std::sync::RwLock;

    /// A disk whose reads wait while the test holds its gate.
    #[derive(Default)]
    struct GatedDisk {
        disk: MemoryDisk,
        gate: RwLock<()>,
    }

    impl DiskRead for GatedDisk {
        fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
            let _passed = self.gate.read().unwrap();
            self.disk.get(table, key)
        }

        fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
            self.disk.scan(table, from, limit)
        }
    }

    /// Reads of a snapshot wait as well.
    struct GatedSnapshot<'a>(&'a GatedDisk);

    impl DiskRead for GatedSnapshot<'_> {
        fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
            self.0.get(table, key)
        }

        fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
            self.0.scan(table, from, limit)
        }
    }

    impl Disk for GatedDisk {
        fn commit(&self, rows: &[RowChange]) -> Result<(), DiskError> {
            self.disk.commit(rows)
        }

        fn snapshot(&self) -> Box<dyn DiskRead + '_> {
            Box::new(GatedSnapshot(self))
        }

        fn checkpoint(&self, to: &Path) -> Result<(), DiskError> {
            self.disk.checkpoint(to)
        }

        fn flush(&self) -> Result<(), DiskError> {
            self.disk.flush()
        }
    }

    fn last_line(stream: impl Stream<Item = io::Result<VerifyLine>>) -> VerifyLine {
        System::new().block_on(async {
            let mut stream = pin!(stream);
            let mut last = None;
            while let Some(Ok(line)) = stream.next().await {
                last = Some(line);
            }
            last.unwrap()
        })
    }

    #[test]
    fn one_runs_at_a_time_and_a_cancelled_one_says_so_and_makes_room() {
        let disk = Arc::new(GatedDisk::default());
        let place = tempfile::tempdir().unwrap();
        let verifications = LongReads::new("verified");
        let start = || {
            let scratch = place.path().join("scratch");
            start(&verifications, disk.clone(), rules(), scratch)
        };
        let closed = disk.gate.write().unwrap();
        let first = start().unwrap();
        let code = start().map(|_| ()).unwrap_err().code;
        assert_eq!(code, Code::AlreadyRunning);
        verifications.tell_to_end();
        drop(closed);
        verifications.cancel();
        match last_line(first) {
            VerifyLine::Error(error) => assert!(error.detail.contains("cancelled")),
            other => panic!("{other:?}"),
        }
        // A disk on which nothing was ever connected has no tip to agree with. Whoever has heard the
        // end can start another at once.
        for _ in 0..100 {
            match last_line(start().unwrap()) {
                VerifyLine::Error(error) => assert_eq!(error.code, Code::StoredState),
                other => panic!("{other:?}"),
            }
        }
    }
}
