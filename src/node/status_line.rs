//! A line that says how the node is, when that has changed.

use crate::messages::gossip::GetGossipStatus;
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::miner::GetMinerStatus;
use actix::Recipient;
use std::time::Duration;

/// How often it is looked at: no more than so many lines come.
const EVERY: Duration = Duration::from_secs(10);

/// Whom a peer's status line asks.
pub(super) struct StatusLine {
    pub(super) ledger: Recipient<GetLedgerStatus>,
    pub(super) gossip: Recipient<GetGossipStatus>,
    pub(super) miner: Recipient<GetMinerStatus>,
}

impl StatusLine {
    /// Writes the line whenever it says something new, until the node stops.
    pub(super) async fn run(self) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.tick().await;
        let mut told = None;
        loop {
            ticks.tick().await;
            let asked = (
                self.ledger.send(GetLedgerStatus).await,
                self.gossip.send(GetGossipStatus).await,
                self.miner.send(GetMinerStatus).await,
            );
            let (Ok(ledger), Ok(gossip), Ok(miner)) = asked else {
                return;
            };
            let state = State {
                height: ledger.tip.height().0,
                behind: ledger
                    .best_header
                    .height()
                    .0
                    .saturating_sub(ledger.tip.height().0),
                peers: gossip.sessions.len(),
                open: ledger.open_transactions,
                mining: miner.running,
            };
            if told != Some(state) {
                state.tell();
                told = Some(state);
            }
            if let Some(estimate) = ledger.catching_up {
                tracing::info!(
                    blocks_per_second = estimate.blocks_per_second.round(),
                    left_ms = estimate.ms_left,
                    "catching up"
                );
            }
        }
    }
}

/// What the line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    height: u64,
    /// Blocks that are known to be missing.
    behind: u64,
    peers: usize,
    open: usize,
    mining: bool,
}

impl State {
    fn tell(self) {
        tracing::info!(
            height = self.height,
            behind = self.behind,
            peers = self.peers,
            open = self.open,
            mining = self.mining,
            "status"
        );
    }
}
