//! Answers that read a long time: on a thread of their own, line by line, while somebody reads them.

use super::codes::Code;
use super::refusal::Refused;
use crate::chain::rows::RowKey;
use crate::chain::{Internal, StateView};
use futures_util::Stream;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Lines that wait to be sent at most.
const LINES_WAITING: usize = 16;

/// How long a thread whose reader is slow rests before it looks again.
const REST: Duration = Duration::from_millis(5);

/// The long readings of one kind: one at a time, since each keeps a core busy and a snapshot open.
#[derive(Clone)]
pub(super) struct LongReads {
    /// What is being done, for people: "verified".
    what: &'static str,
    running: Arc<Mutex<Option<Running>>>,
}

struct Running {
    cancelled: Arc<AtomicBool>,
    /// Nothing is read any more; set before the reader is told the end, so that who has heard it can
    /// start another at once.
    done: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl LongReads {
    /// Of a chain that is being `what`: "verified", "exported".
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            running: Arc::default(),
        }
    }

    /// Starts `work` on a thread of its own; the stream gives its lines, and then the last one, which
    /// `work` returns. Whoever drops the stream cancels it. An error of `work` breaks the answer off,
    /// so that it can't be taken for a whole one.
    ///
    /// # Errors
    /// [`Code::AlreadyRunning`] while another one runs, [`Code::Internal`] if there is no thread for it.
    pub(super) fn start<T, W>(
        &self,
        work: W,
    ) -> Result<impl Stream<Item = io::Result<T>> + use<T, W>, Refused>
    where
        T: Send + 'static,
        W: FnOnce(&Lines<T>) -> io::Result<T> + Send + 'static,
    {
        let mut running = self.lock();
        if running
            .as_ref()
            .is_some_and(|r| !r.done.load(Ordering::Acquire))
        {
            return Err(Refused::new(
                Code::AlreadyRunning,
                format!(
                    "the chain is being {} for somebody else: wait until that has ended",
                    self.what
                ),
            ));
        }
        let (sender, receiver) = mpsc::channel(LINES_WAITING);
        let cancelled = Arc::new(AtomicBool::new(false));
        let lines = Lines {
            sender,
            cancelled: cancelled.clone(),
        };
        // The end has its place from the start: nobody's slowness can keep the thread.
        let end = lines.sender.clone().try_reserve_owned();
        let end = end.map_err(|_| Internal("a new channel is full".to_owned()))?;
        let done = Arc::new(AtomicBool::new(false));
        let ended = done.clone();
        let run = move || {
            let last = work(&lines);
            ended.store(true, Ordering::Release);
            if let Err(error) = &last {
                tracing::info!(%error, "a long answer was broken off");
            }
            end.send(last);
        };
        let thread = thread::Builder::new()
            .name(format!("chain {}", self.what))
            .spawn(run)
            .map_err(|error| Internal(format!("no thread to read the chain on: {error}")))?;
        *running = Some(Running {
            cancelled,
            done,
            thread,
        });
        Ok(futures_util::stream::unfold(
            receiver,
            |mut receiver| async {
                let line = receiver.recv().await?;
                Some((line, receiver))
            },
        ))
    }

    /// Ends the one that runs and waits for its thread: it reads from the disk, which is about to be
    /// closed. It ends at its next read or line.
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

    /// Tells the one that runs to end, without waiting for it.
    #[cfg(test)]
    pub(super) fn tell_to_end(&self) {
        let running = self.lock();
        let running = running.as_ref().unwrap();
        running.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Where the lines go.
pub(super) struct Lines<T> {
    sender: mpsc::Sender<io::Result<T>>,
    cancelled: Arc<AtomicBool>,
}

impl<T> Lines<T> {
    /// A view that stops answering when the reading is cancelled: so it ends in its middle.
    pub(super) fn watched<V>(&self, view: V) -> Cancellable<'_, V> {
        Cancellable {
            view,
            cancelled: &self.cancelled,
        }
    }

    /// Sends a line that may be missed by a slow reader. If nobody reads any more, the reading ends
    /// at its next read.
    pub(super) fn offer(&self, line: T) {
        if let Err(TrySendError::Closed(_)) = self.sender.try_send(Ok(line)) {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// Sends a line, however slow the reader is.
    ///
    /// # Errors
    /// If the reading was cancelled, or nobody reads any more.
    pub(super) fn send(&self, line: T) -> io::Result<()> {
        let mut line = Ok(line);
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(io::Error::other("it was cancelled"));
            }
            match self.sender.try_send(line) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => {
                    return Err(io::Error::other("nobody reads it any more"));
                }
                Err(TrySendError::Full(back)) => line = back,
            }
            thread::sleep(REST);
        }
    }
}

/// See [`Lines::watched`].
pub(super) struct Cancellable<'a, V> {
    view: V,
    cancelled: &'a AtomicBool,
}

impl<V: StateView> StateView for Cancellable<'_, V> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Internal("the reading was cancelled".to_owned()));
        }
        self.view.read(key)
    }
}
