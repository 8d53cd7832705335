//! What ends a node: a signal, the program that it runs in, or something that it can't go on after.

use super::RunError;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// How long after the first order another Ctrl-C is taken for the same one: a terminal, a shell and
/// a supervisor may each pass one on.
const ONE_ORDER: Duration = Duration::from_secs(1);

/// The orders to stop. They are listened for from the making of this value to its end, so that none
/// is lost while nobody waits for one.
pub(super) struct Orders {
    /// `None` for a node within another program, which has the signals for itself.
    signals: Option<Signals>,
    stop: StopOrder,
    fatal: mpsc::Receiver<String>,
}

/// The signals that end a node in order.
struct Signals {
    interrupted: Signal,
    terminated: Signal,
}

impl Signals {
    fn listen() -> Result<Self, RunError> {
        let listen_for = |kind| {
            signal(kind).map_err(|source| RunError::System {
                what: "to listen for signals",
                source,
            })
        };
        Ok(Self {
            interrupted: listen_for(SignalKind::interrupt())?,
            terminated: listen_for(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}

/// The next signal, if signals are listened for.
async fn next_of(signals: &mut Option<Signals>) {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// Gives a node the order to stop, from any thread.
#[derive(Debug, Clone, Default)]
pub(super) struct StopOrder(Arc<Notify>);

impl StopOrder {
    /// Gives it.
    pub(super) fn give(&self) {
        // Kept until the node looks.
        self.0.notify_one();
    }
}

impl Orders {
    /// Listens to the signals, and to what is raised at `fatal`. Called within a runtime.
    pub(super) fn listen(fatal: mpsc::Receiver<String>) -> Result<Self, RunError> {
        Ok(Self {
            signals: Some(Signals::listen()?),
            stop: StopOrder::default(),
            fatal,
        })
    }

    /// Listens to what is raised at `fatal`, and to `stop`: for a node within another program.
    pub(super) fn of_a_program(fatal: mpsc::Receiver<String>, stop: StopOrder) -> Self {
        Self {
            signals: None,
            stop,
            fatal,
        }
    }

    /// Waits for the order to stop.
    ///
    /// # Errors
    /// [`RunError::Fatal`] if the node can't go on.
    pub(super) async fn wait(&mut self) -> Result<(), RunError> {
        tokio::select! {
            () = next_of(&mut self.signals) => Ok(()),
            () = self.stop.0.notified() => Ok(()),
            reason = self.fatal.recv() => Err(RunError::Fatal(
                reason.unwrap_or_else(|| "all actors have ended".into()),
            )),
        }
    }

    /// Sees an orderly stop through.
    ///
    /// # Errors
    /// [`RunError::CutShort`] if another Ctrl-C does not let it end; [`RunError::Fatal`] if
    /// something failed on the way, such as the last write.
    pub(super) async fn see_through(
        &mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<(), RunError> {
        let begun = Instant::now();
        let signals = &mut self.signals;
        let again = async {
            loop {
                next_of(signals).await;
                if begun.elapsed() >= ONE_ORDER {
                    return;
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = again => return Err(RunError::CutShort),
        }
        match self.fatal.try_recv() {
            Ok(reason) => Err(RunError::Fatal(reason)),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::fatal_channel;
    use std::future::{pending, ready};
    use tokio::sync::Mutex;

    /// A signal reaches every test of this process that listens.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

    #[tokio::test]
    async fn a_failure_is_heard_whenever_it_comes() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let (fatal, heard) = fatal_channel();
        let mut orders = Orders::listen(heard).unwrap();
        fatal.raise("before");
        let told = orders.wait().await.unwrap_err();
        assert_eq!(told.to_string(), "before");
        assert!(orders.see_through(ready(())).await.is_ok());
        let stop = async { fatal.raise("meanwhile") };
        let told = orders.see_through(stop).await.unwrap_err();
        assert_eq!(told.to_string(), "meanwhile");
    }

    #[tokio::test]
    async fn a_signal_that_comes_while_nobody_waits_is_kept() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let (_fatal, heard) = fatal_channel();
        let mut orders = Orders::listen(heard).unwrap();
        interrupt();
        assert!(orders.wait().await.is_ok());
    }

    #[tokio::test]
    async fn only_another_order_cuts_a_stop_short() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let (_fatal, heard) = fatal_channel();
        let mut orders = Orders::listen(heard).unwrap();
        // The same one, passed on twice.
        interrupt();
        let stop = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        assert!(orders.see_through(stop).await.is_ok());
        let stop = async {
            tokio::time::sleep(ONE_ORDER).await;
            interrupt();
            pending().await
        };
        let cut = orders.see_through(stop).await;
        assert!(matches!(cut, Err(RunError::CutShort)));
    }

    fn interrupt() {
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
    }
}
