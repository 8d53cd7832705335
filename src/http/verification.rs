//! Checking the whole chain again while somebody watches.

use super::chain_reads::tip_of;
use super::error::Refused;
use super::views::{ErrorDetail, TipView, VerifyLine};
use crate::chain::rows::RowKey;
use crate::chain::verify::{VerifyError, verify_chain};
use crate::chain::{Height, Internal, Rules, StateView};
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Lines that wait to be sent at most; a reader that is slower misses lines of progress.
const LINES_WAITING: usize = 16;

/// Lines of progress over a whole chain, about: enough to see it move.
const PROGRESS_LINES: u64 = 100;

/// The verifications of one server: one at a time, since each keeps a core busy and a snapshot open.
#[derive(Clone, Default)]
pub(super) struct Verifications {
    running: Arc<Mutex<Option<Running>>>,
}

struct Running {
    cancelled: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Verifications {
    /// Starts one on a thread of its own; the stream gives its lines and ends with it. Whoever drops
    /// the stream cancels it.
    ///
    /// # Errors
    /// 409 while another one runs, 500 if there is no thread for it.
    pub(super) fn start(
        &self,
        disk: Arc<dyn Disk>,
        rules: Rules,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + use<>, Refused> {
        let mut running = self.lock();
        if running.as_ref().is_some_and(|r| !r.thread.is_finished()) {
            return Err(Refused::new(
                StatusCode::CONFLICT,
                "already_verifying",
                "the chain is being verified for somebody else: wait until that has ended",
            ));
        }
        let (sender, receiver) = mpsc::channel(LINES_WAITING);
        let cancelled = Arc::new(AtomicBool::new(false));
        let lines = Lines {
            sender,
            cancelled: cancelled.clone(),
        };
        let thread = thread::Builder::new()
            .name("verification".to_owned())
            .spawn(move || lines.verify(&*disk, &rules))
            .map_err(|error| Internal(format!("no thread to verify the chain on: {error}")))?;
        *running = Some(Running { cancelled, thread });
        Ok(futures_util::stream::unfold(
            receiver,
            |mut receiver| async {
                let line = receiver.recv().await?;
                Some((Ok(line), receiver))
            },
        ))
    }

    /// Ends the one that runs and waits for its thread: it reads from the disk, which is about to be
    /// closed. It ends at its next read.
    pub(super) fn cancel(&self) {
        if let Some(running) = self.lock().take() {
            running.cancelled.store(true, Ordering::Relaxed);
            // A thread that panicked has ended the process already.
            let _ = running.thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the lines of a verification go.
struct Lines {
    sender: mpsc::Sender<Bytes>,
    cancelled: Arc<AtomicBool>,
}

impl Lines {
    fn verify(self, disk: &dyn Disk, rules: &Rules) {
        // The result has its place from the start: nobody's slowness can keep this thread.
        let Ok(place) = self.sender.clone().try_reserve_owned() else {
            return;
        };
        let snapshot = disk.snapshot();
        let view = Cancellable {
            view: ChainRows(&*snapshot),
            cancelled: &self.cancelled,
        };
        let line = match self.check(rules, &view) {
            Ok(line) => line,
            Err(error) => VerifyLine::Error(detail(&error)),
        };
        if let Ok(line) = json_line(&line) {
            place.send(line);
        }
    }

    fn check(&self, rules: &Rules, view: &dyn StateView) -> Result<VerifyLine, VerifyError> {
        let tip = tip_of(rules, view)?;
        let step = (tip.height.0 / PROGRESS_LINES).max(1);
        let verified = verify_chain(rules, view, |height: Height| {
            if height.0.is_multiple_of(step) {
                let of = tip.height;
                self.progress(&VerifyLine::Progress { height, of });
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

    /// If nobody reads any more, the verification ends at its next read.
    fn progress(&self, line: &VerifyLine) {
        if let Ok(line) = json_line(line)
            && let Err(TrySendError::Closed(_)) = self.sender.try_send(line)
        {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }
}

fn json_line(line: &VerifyLine) -> io::Result<Bytes> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes.into())
}

fn detail(error: &VerifyError) -> ErrorDetail {
    let code = match error {
        VerifyError::Block { .. } => "invalid_block",
        VerifyError::Stored { .. } => "stored_state",
        VerifyError::Internal(_) => "internal",
    };
    ErrorDetail {
        code: code.to_owned(),
        reason: error.to_string(),
    }
}

/// A view that stops answering when it is told to: so a verification ends in the middle.
struct Cancellable<'a, V> {
    view: V,
    cancelled: &'a AtomicBool,
}

impl<V: StateView> StateView for Cancellable<'_, V> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Internal("the verification was cancelled".to_owned()));
        }
        self.view.read(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::rules;
    use crate::store::{DiskError, DiskRead, MemoryDisk, Row, RowChange, Table};
    use actix_rt::System;
    use futures_util::StreamExt;
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

        fn flush(&self) -> Result<(), DiskError> {
            self.disk.flush()
        }
    }

    fn last_line(stream: impl Stream<Item = Result<Bytes, Infallible>>) -> VerifyLine {
        System::new().block_on(async {
            let mut stream = pin!(stream);
            let mut last = None;
            while let Some(Ok(line)) = stream.next().await {
                last = Some(line);
            }
            serde_json::from_slice(&last.unwrap()).unwrap()
        })
    }

    #[test]
    fn one_runs_at_a_time_and_a_cancelled_one_says_so_and_makes_room() {
        let disk = Arc::new(GatedDisk::default());
        let verifications = Verifications::default();
        let start = || verifications.start(disk.clone(), rules());
        let closed = disk.gate.write().unwrap();
        let first = start().unwrap();
        let code = start().map(|_| ()).unwrap_err().detail.code;
        assert_eq!(code, "already_verifying");
        verifications
            .lock()
            .as_ref()
            .unwrap()
            .cancelled
            .store(true, Ordering::Relaxed);
        drop(closed);
        verifications.cancel();
        match last_line(first) {
            VerifyLine::Error(error) => assert!(error.reason.contains("cancelled")),
            other => panic!("{other:?}"),
        }
        // A disk on which nothing was ever connected has no tip to agree with.
        match last_line(start().unwrap()) {
            VerifyLine::Error(error) => assert_eq!(error.code, "stored_state"),
            other => panic!("{other:?}"),
        }
    }
}
