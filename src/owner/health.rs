//! Whether a node is there, and whether it is of use: for whoever watches over processes.

use super::answers::{ChainStatusView, HealthView};
use super::{Owned, Peer, Refused, Tracker};

/// Blocks that should have come meanwhile: while payments wait for so many of them, the chain stands still.
const STALE_INTERVALS: u64 = 60;

impl Owned {
    /// Whether the node is of use, whatever it is.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn health(&self) -> Result<HealthView, Refused> {
        match self {
            Self::Peer(peer) => peer.health().await,
            Self::Tracker(tracker) => tracker.health().await,
            Self::Waiting(_) => Ok(HealthView::because(&["waiting"])),
        }
    }
}

impl Peer {
    /// Whether it takes part in its network. Its not answering, or a refusal, is a "no", too.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn health(&self) -> Result<HealthView, Refused> {
        let status = self.status().await?;
        let interval_ms = self
            .running
            .get()
            .map(|parts| parts.rules.params().interval_ms);
        Ok(match (status.chain, interval_ms) {
            (Some(chain), Some(interval_ms)) => of_chain(&chain, interval_ms),
            _ => HealthView::because(&["no_network"]),
        })
    }
}

impl Tracker {
    /// Whether it can be registered with, which it can as long as it answers.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn health(&self) -> Result<HealthView, Refused> {
        self.status().await?;
        Ok(HealthView::because(&[]))
    }
}

fn of_chain(chain: &ChainStatusView, interval_ms: u64) -> HealthView {
    let age = Age {
        tip_ms: chain.tip_age_ms,
        interval_ms,
    };
    judged(chain.syncing, chain.sessions, chain.open_transactions, age)
}

/// How old the last block is, and how often blocks come.
#[derive(Clone, Copy)]
struct Age {
    tip_ms: u64,
    interval_ms: u64,
}

fn judged(syncing: bool, sessions: usize, open: usize, age: Age) -> HealthView {
    let patience_ms = age.interval_ms.saturating_mul(STALE_INTERVALS);
    let reasons = [
        ("syncing", syncing),
        ("alone", sessions == 0),
        ("stale", open > 0 && age.tip_ms > patience_ms),
    ];
    let found = reasons.iter().filter(|(_, is)| *is);
    let found: Vec<_> = found.map(|(reason, _)| *reason).collect();
    HealthView::because(&found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_lags_or_is_alone_is_not_ready() {
        let because = |syncing, sessions, open, tip_ms| {
            let age = Age {
                tip_ms,
                interval_ms: 1_000,
            };
            let health = judged(syncing, sessions, open, age);
            assert_eq!(health.ready, health.because.is_empty());
            health.because
        };
        assert!(because(false, 2, 0, 0).is_empty());
        assert_eq!(because(true, 2, 0, 0), ["syncing"]);
        assert_eq!(because(false, 0, 0, 0), ["alone"]);
        // Nobody need mine while nothing waits.
        assert!(because(false, 2, 0, 60_001).is_empty());
        assert!(because(false, 2, 1, 60_000).is_empty());
        assert_eq!(because(false, 2, 1, 60_001), ["stale"]);
    }
}
