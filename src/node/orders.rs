//! What ends a node: a signal, its owner through the API, the program that it runs in, or something that
//! it can't go on after.

use super::RunError;
use crate::owner::StopOrder;
use std::fs;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long after the first order another signal is taken for the same one: a terminal, a shell and
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
    /// Ctrl-C.
    interrupted: Signal,
    /// A supervisor, or `kill`.
    terminated: Signal,
    /// The window was closed, or the line to it is gone; `None` for a node that is to outlive that.
    hung_up: Option<Signal>,
}

impl Signals {
    fn listen() -> Result<Self, RunError> {
        let listen_for = |kind| {
            signal(kind).map_err(|source| RunError::System {
                what: "to listen for signals",
                source,
            })
        };
        // Whoever starts a node with `nohup` has this signal passed over, and means it.
        let hung_up = !is_ignored(SignalKind::hangup());
        Ok(Self {
            interrupted: listen_for(SignalKind::interrupt())?,
            terminated: listen_for(SignalKind::terminate())?,
            hung_up: hung_up
                .then(|| listen_for(SignalKind::hangup()))
                .transpose()?,
        })
    }

    /// The next of them, as it is called.
    async fn next(&mut self) -> &'static str {
        let hung_up = async {
            match &mut self.hung_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupted.recv() => "SIGINT",
            _ = self.terminated.recv() => "SIGTERM",
            _ = hung_up => "SIGHUP",
        }
    }
}

/// The next signal, if signals are listened for.
async fn next_of(signals: &mut Option<Signals>) -> &'static str {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// Whether this process was started with the signal passed over. Where that can't be seen, it was not.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, kind)
}

/// As [`is_ignored`], by what `/proc/self/status` says: in `SigIgn`, signal 1 is the lowest bit.
fn ignores(status: &str, kind: SignalKind) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(kind.as_raw_value() - 1).ok();
    mask.zip(bit)
        .and_then(|(mask, bit)| mask.checked_shr(bit))
        .is_some_and(|mask| mask & 1 == 1)
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

    /// For the API: gives the order to stop.
    pub(super) fn stop_order(&self) -> StopOrder {
        self.stop.clone()
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
        let by = tokio::select! {
            signal = next_of(&mut self.signals) => signal,
            () = self.stop.given() => "its owner",
            reason = self.fatal.recv() => return Err(RunError::Fatal(
                reason.unwrap_or_else(|| "all actors have ended".into()),
            )),
        };
        tracing::info!(by, "stopping; the same again stops at once");
        Ok(())
    }

    /// Sees an orderly stop through.
    ///
    /// # Errors
    /// [`RunError::CutShort`] if another signal does not let it end; [`RunError::Fatal`] if
    /// something failed on the way, such as the last write.
    pub(super) async fn see_through(
        &mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<(), RunError> {
        let begun = Instant::now();
        let signals = &mut self.signals;
        let again = async {
            loop {
                let by = next_of(signals).await;
                if begun.elapsed() >= ONE_ORDER {
                    return by;
                }
            }
        };
        tokio::select! {
            () = stop => {}
            by = again => return Err(RunError::CutShort { by }),
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
        assert!(matches!(cut, Err(RunError::CutShort { by: "SIGINT" })));
    }

    #[tokio::test]
    async fn the_owner_can_stop_it_through_the_api() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let (_fatal, heard) = fatal_channel();
        let mut orders = Orders::listen(heard).unwrap();
        orders.stop_order().give();
        assert!(orders.wait().await.is_ok());
    }

    #[tokio::test]
    async fn a_closed_window_and_a_supervisor_are_orders_too() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let (_fatal, heard) = fatal_channel();
        let mut orders = Orders::listen(heard).unwrap();
        let mut signals = vec![rustix::process::Signal::TERM];
        // Where the tests run under `nohup`, so does a node.
        if !is_ignored(SignalKind::hangup()) {
            signals.push(rustix::process::Signal::HUP);
        }
        for signal in signals {
            raise(signal);
            assert!(orders.wait().await.is_ok());
        }
    }

    #[test]
    fn a_signal_that_nohup_has_passed_over_is_seen() {
        let status = "Name:\tnode\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert!(ignores(status, SignalKind::hangup()));
        assert!(!ignores(status, SignalKind::interrupt()));
        assert!(!ignores("", SignalKind::hangup()));
    }

    fn interrupt() {
        raise(rustix::process::Signal::INT);
    }

    fn raise(signal: rustix::process::Signal) {
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, signal).unwrap();
    }
}
