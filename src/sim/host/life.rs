//! What runs on a host from its start to its end.

use super::Faces;
use crate::keys::SecretKey;
use crate::membership::{InvitationString, Statements};
use crate::node::{Ground, RunError, RunningTracker, Seams, accept, keep_on_ledger, stop_peer};
use crate::settings::{PeerSettings, TrackerSettings};
use crate::sim::chance::Chance;
use crate::sim::deceit::Tongue;
use crate::sim::liar::{Liar, LiarParts, Lie};
use crate::sim::search::{Rate, SimSearch};
use crate::sim::sybils;
use crate::sim::withheld::Withheld;
use actix::Actor;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

/// What ends a node.
pub(super) struct Orders {
    pub(super) stopped: oneshot::Receiver<()>,
    pub(super) failed: mpsc::Receiver<String>,
}

impl Orders {
    async fn wait(&mut self) -> Result<(), RunError> {
        tokio::select! {
            biased;
            reason = self.failed.recv() => Err(RunError::Fatal(
                reason.unwrap_or_else(|| "all actors have ended".into()),
            )),
            _ = &mut self.stopped => Ok(()),
        }
    }
}

/// Which host this is, of how many, and how it lies, if it does.
#[derive(Clone)]
pub(in crate::sim) struct Life {
    pub(in crate::sim) host: usize,
    pub(in crate::sim) hosts: usize,
    pub(super) lie: Option<Lie>,
    /// What it joins by.
    pub(super) invitation: Option<Arc<InvitationString>>,
    pub(super) rate: Arc<Rate>,
    pub(super) luck: Arc<Mutex<Chance>>,
}

impl Life {
    /// What its host searches with.
    pub(in crate::sim) fn search(&self) -> SimSearch {
        SimSearch::new(self.host, self.rate.clone(), self.luck.clone())
    }
}

pub(super) async fn peer(
    life: Life,
    settings: PeerSettings,
    seams: Seams,
    key: SecretKey,
    mut orders: Orders,
    faces: &Faces,
) -> Result<(), RunError> {
    let listener = listen(&seams, settings.listen).await?;
    let (transport, clock) = (seams.transport.clone(), seams.clock.clone());
    let own = key.public_key();
    if let Some(Lie::Sybils(count)) = life.lie {
        sybils::invent(count, &life, &settings, &seams, &*listener)?;
    }
    let mut ground = Ground::lay(settings, seams, key, life.invitation.clone(), &*listener)?;
    // Set once: a node starts once.
    let face = ground.peer(faces.parts.clone());
    let _ = faces.peer.set(face.clone());
    let genesis = tokio::select! {
        biased;
        ended = orders.wait() => {
            stop_peer(ground, None, None).await;
            return ended;
        }
        genesis = &mut ground.network => genesis,
    };
    let genesis = genesis.map_err(|_| RunError::Fatal("the tracker link has ended".into()))?;
    if let Some(lie) = life.lie {
        let transport = transport.clone();
        let miner = match lie {
            Lie::Withholds(until) => {
                Some((life.search(), Withheld::new(genesis.clone(), own, until)?))
            }
            _ => None,
        };
        let parts = LiarParts {
            lie,
            host: life.host,
            hosts: life.hosts,
            context: ground.context.clone(),
            members: Arc::new(Statements::new(&genesis)),
            genesis: genesis.header.id(),
            transport,
            miner,
            clock,
        };
        let liar = Liar::new(parts).start();
        tokio::select! {
            biased;
            _ = orders.wait() => {}
            () = accept(listener, liar.recipient()) => {}
        }
        stop_peer(ground, None, None).await;
        return Ok(());
    }
    let upper = ground.build(genesis, &faces.parts).await?;
    let _ = faces.judge.set(upper.ledger.clone().recipient());
    let accepting = accept(listener, upper.gossip.clone().recipient());
    let ended = tokio::select! {
        biased;
        ended = orders.wait() => ended,
        () = accepting => Err(RunError::Fatal("gossip has ended".into())),
        () = keep_on_ledger(face.clone(), life.invitation) => Err(RunError::Fatal("it keeps to no ledger".into())),
        () = face.record_results() => Err(RunError::Fatal("no results are recorded".into())),
    };
    stop_peer(ground, None, Some(upper)).await;
    ended
}

pub(super) async fn tracker(
    settings: TrackerSettings,
    seams: Seams,
    key: SecretKey,
    tongue: Tongue,
    mut orders: Orders,
    faces: &Faces,
) -> Result<(), RunError> {
    let listener = listen(&seams, settings.listen).await?;
    let (key, at) = (Arc::new(key), settings.listen);
    let running = RunningTracker::start(&settings, &seams, key, at, |begin| tongue.begin(begin))?;
    // Set once: a node starts once.
    let _ = faces.registry.set(running.registry.clone().recipient());
    let _ = faces.order.set(running.registry.clone().recipient());
    let accepting = accept(listener, running.registry.clone().recipient());
    let ended = tokio::select! {
        biased;
        ended = orders.wait() => ended,
        () = accepting => Err(RunError::Fatal("the registry has ended".into())),
    };
    running.stop(None).await;
    ended
}

async fn listen(
    seams: &Seams,
    at: std::net::SocketAddr,
) -> Result<Box<dyn crate::net::Listener>, RunError> {
    let listening = seams.transport.listen(at).await;
    listening.map_err(|source| RunError::Listen {
        address: at,
        source,
    })
}
