//! A member's node writes on the ledger by itself that it has joined, and what the admin has said; again where
//! that was lost.

use crate::membership::InvitationString;
use crate::owner::{Code, OnLedger, OwnJoin, Peer, Writing};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked at: about once a block.
const EVERY: Duration = Duration::from_secs(5);

/// Keeps the node on the ledger until it stops.
pub(super) async fn keep(peer: Peer, invitation: Option<Arc<InvitationString>>) {
    let mut own = OwnJoin::by(invitation);
    let mut ticks = tokio::time::interval(EVERY);
    let mut told = None;
    let mut writing = Writing::default();
    loop {
        ticks.tick().await;
        match peer.write_down(&mut writing).await {
            Ok(Some(act)) => {
                tracing::info!(act = ?act.kind(), "a statement of the admin written on the ledger");
            }
            Ok(None) => {}
            Err(refused) => {
                tracing::debug!(reason = %refused.detail, "a statement was not written")
            }
        }
        let stands = peer.keep_joined(&mut own).await;
        if told.as_ref() == Some(&stands) {
            continue;
        }
        match &stands {
            Ok(OnLedger::Member) => tracing::info!("a member on the ledger"),
            Ok(OnLedger::Sent(id)) => tracing::info!(tx = %id, "own join sent"),
            Ok(OnLedger::Open | OnLedger::NothingToSend) => {}
            Err(refused) if refused.code == Code::Stopping => return,
            Err(refused) => tracing::warn!(reason = %refused.detail, "own join refused"),
        }
        told = Some(stands);
    }
}
