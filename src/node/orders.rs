//! What ends a node: a signal, or something that it can't go on after.

use super::RunError;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long after the first order another Ctrl-C is taken for the same one: a terminal, a shell and
/// a supervisor may each pass one on.
const ONE_ORDER: Duration = Duration::from_secs(1);

/// The orders to stop. They are listened for from the making of this value to its end, so that none
/// is lost while nobody waits for one.
pub(super) struct Orders {
    interrupted: Signal,
    terminated: Signal,
    fatal: mpsc::Receiver<String>,
}

impl Orders {
    /// Listens to the signals, and to what is raised at `fatal`. Called within a runtime.
    pub(super) fn listen(fatal: mpsc::Receiver<String>) -> Result<Self, RunError> {
        let listen_for = |kind| {
            signal(kind).map_err(|source| RunError::System {
                what: "to listen for signals",
                source,
            })
        };
        Ok(Self {
            interrupted: listen_for(SignalKind::interrupt())?,
            terminated: listen_for(SignalKind::terminate())?,
            fatal,
        })
    }

    /// Waits for the order to stop.
    ///
    /// # Errors
    /// [`RunError::Fatal`] if the node can't go on.
    pub(super) async fn wait(&mut self) -> Result<(), RunError> {
        tokio::select! {
            _ = self.interrupted.recv() => Ok(()),
            _ = self.terminated.recv() => Ok(()),
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
        let again = async {
            while self.interrupted.recv().await.is_some() {
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
