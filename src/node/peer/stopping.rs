//! How a peer ends.

use super::{Ground, Upper};
use crate::chain::rows::RowKey;
use crate::chain::{Height, Internal, StateView};
use crate::http::ServerHandle;
use crate::messages::gossip::{CloseSessions, GetGossipStatus};
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::miner::StopMining;
use crate::messages::store::FlushStore;
use crate::messages::tracker_link::CloseLink;
use crate::node::phase;
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use std::time::Duration;

/// How often the stop looks whether the sessions have ended.
const LOOK: Duration = Duration::from_millis(20);

/// Stops in order: who is the tracker's, who asks from outside, who mines, who talks; then what was decided is written.
pub(crate) async fn stop(ground: Ground, api: Option<&ServerHandle>, upper: Option<Upper>) {
    // First of all: where the tracker stops in the same moment, this node does not warn that it lost it.
    phase("tracker", async {
        let _ = ground.link.send(CloseLink).await;
    })
    .await;
    phase("api", async {
        if let Some(api) = api
            && let Err(error) = api.stop().await
        {
            tracing::warn!(%error, "the API's file could not be removed");
        }
    })
    .await;
    if let Some(upper) = &upper {
        phase("miner", async {
            // Whoever has ended already needs no order.
            let _ = upper.miner.send(StopMining).await;
        })
        .await;
        phase("sessions", async {
            let _ = upper.gossip.send(CloseSessions).await;
            while let Ok(status) = upper.gossip.send(GetGossipStatus).await
                && !status.sessions.is_empty()
            {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await;
        phase("delivery", upper.delivery.settle()).await;
        phase("ledger", async {
            // Answered after everything that came before: all of it is with the store then.
            let _ = upper.ledger.send(GetLedgerStatus).await;
        })
        .await;
    }
    phase("store", async {
        let _ = ground.store.send(FlushStore).await;
    })
    .await;
    if let Some(Upper { ledger_place, .. }) = upper {
        ledger_place.end("ledger thread").await;
    }
    ground.store_place.end("store thread").await;
    match stored_height(&*ground.seams.disk) {
        Ok(Some(Height(height))) => {
            tracing::info!(height, "stopped; everything up to this height is saved");
        }
        Ok(None) => tracing::info!("stopped"),
        Err(error) => tracing::error!(%error, "stopped; what is saved can't be read"),
    }
}

/// Height of the tip that the disk holds, which a failed write leaves behind the ledger's.
fn stored_height(disk: &dyn Disk) -> Result<Option<Height>, Internal> {
    let rows = ChainRows(disk);
    let Some(tip) = rows.named(&RowKey::Tip)? else {
        return Ok(None);
    };
    Ok(rows.header(&tip)?.map(|entry| entry.header.height))
}
