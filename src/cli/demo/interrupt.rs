//! Ctrl-C, and pauses that it cuts short.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Signals that may wait to be noticed. One is enough to end the demo; more say nothing new.
const WAITING: usize = 1;

/// Hears of Ctrl-C, of being asked to end, and of the terminal being closed.
#[derive(Debug)]
pub(super) struct Interrupt {
    signals: Receiver<()>,
}

/// Somebody wants the demo to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interrupted;

impl Interrupt {
    /// Listens from now on: once this has returned, no such signal ends the process any more.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let within = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        drop(within);
        let (sender, signals) = sync_channel(WAITING);
        let forward = async move {
            loop {
                let came = tokio::select! {
                    came = interrupt.recv() => came,
                    came = terminate.recv() => came,
                    came = hangup.recv() => came,
                };
                if came.is_none() {
                    return;
                }
                // A full channel holds what this would say already.
                let _ = sender.try_send(());
            }
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(forward))?;
        Ok(Self { signals })
    }

    /// Waits for `length`, or until somebody wants the demo to end.
    pub(super) fn pause(&self, length: Duration) -> Result<(), Interrupted> {
        match self.signals.recv_timeout(length) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Interrupted),
        }
    }
}
