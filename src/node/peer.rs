//! A peer: what runs from the start ([`Ground`]), what runs once it is on a network ([`Upper`]), and how
//! both end.

mod ground;
mod stopping;
mod upper;

pub(crate) use ground::Ground;
pub(crate) use stopping::stop;
pub(crate) use upper::Upper;

use super::RunError;
use super::backups::Backups;
use super::joining::kept_invitation;
use super::opening::{accept, listen};
use super::orders::Orders;
use super::own_join;
use super::seams::Seams;
use super::stage::Stage;
use super::status_line::StatusLine;
use super::wallet::found_or_awaited;
use crate::http::{Listen, ServerHandle};
use crate::keys::SecretKey;
use crate::net::Listener;
use crate::owner::{Owned, PeerParts};
use crate::settings::PeerSettings;
use crate::store::Role;
use crate::wire::NodeRole;
use std::sync::{Arc, OnceLock};

/// Messages that may wait for room in another actor's mailbox. Each link carries either answers to
/// counted questions or news of which the latest replaces the rest.
pub(super) const WAITING: usize = 64 * 1024;

/// What is to be stopped in the end, as far as it was started.
#[derive(Default)]
struct Up {
    api: Option<ServerHandle>,
    upper: Option<Upper>,
}

/// Runs a peer until it is told to stop.
pub(super) async fn run(
    settings: PeerSettings,
    seams: Seams,
    secret: Option<SecretKey>,
    mut orders: Orders,
    stage: &Stage,
) -> Result<(), RunError> {
    let api = Listen::from(settings.api.listen).beside(settings.listen);
    let (role, place) = (NodeRole::Peer, (&settings.wallet, api));
    let data_dir = &settings.data_dir;
    let found = found_or_awaited(secret, role, place, data_dir, &seams, &mut orders, stage).await?;
    let Some(secret) = found else {
        return Ok(());
    };
    let listener = listen(&*seams.transport, settings.listen).await?;
    let invitation = kept_invitation(&settings.data_dir)?;
    let mut ground = Ground::lay(settings, seams, secret, invitation, &*listener)?;
    let mut up = Up::default();
    let ended = live(&mut ground, listener, &mut orders, &mut up, stage).await;
    let stopped = orders
        .see_through(stop(ground, up.api.as_ref(), up.upper))
        .await;
    ended.and(stopped)
}

/// Starts the API and, when the network is known, the upper floors; lives until it is told to stop.
async fn live(
    ground: &mut Ground,
    listener: Box<dyn Listener>,
    orders: &mut Orders,
    up: &mut Up,
    stage: &Stage,
) -> Result<(), RunError> {
    let running: Arc<OnceLock<PeerParts>> = Arc::default();
    // Who has been on a network answers from it from the first question on.
    if let Ok(genesis) = ground.network.try_recv() {
        up.upper = Some(ground.build(genesis, &running).await?);
    }
    let peer = ground.peer(running.clone());
    let api = ground.start_api(peer.clone(), orders.stop_order()).await?;
    up.api = Some(api);
    stage.speaks(Owned::Peer(peer.clone()));
    let upper = match &up.upper {
        Some(upper) => upper,
        None => {
            let genesis = tokio::select! {
                genesis = &mut ground.network => genesis,
                told = orders.wait() => return told,
            };
            let ended = |_| RunError::Fatal("the link to the tracker has ended".into());
            let genesis = genesis.map_err(ended)?;
            up.upper.insert(ground.build(genesis, &running).await?)
        }
    };
    stage.is_ready();
    let accepting = accept(listener, upper.gossip.clone().recipient());
    let status = StatusLine {
        ledger: upper.ledger.clone().recipient(),
        gossip: upper.gossip.clone().recipient(),
        miner: upper.miner.clone().recipient(),
    };
    let settings = &ground.settings;
    let backups = Backups::new(
        &settings.backup,
        &settings.data_dir,
        (Role::Peer, settings.reached_at()),
        &ground.seams,
    );
    tokio::select! {
        () = own_join::keep(peer.clone(), ground.invitation.clone()) => Ok(()),
        () = backups.run() => Ok(()),
        () = peer.record_results() => Ok(()),
        () = peer.count_presence() => Ok(()),
        () = accepting => Ok(()),
        () = status.run() => Ok(()),
        told = orders.wait() => told,
    }
}
