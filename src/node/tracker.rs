//! A tracker.

use super::backups::Backups;
use super::network_mark::NetworkMark;
use super::opening::{accept, listen, random_u64};
use super::orders::Orders;
use super::seams::{Place, Seams};
use super::speaking::Speaking;
use super::stage::Stage;
use super::wallet::found_or_awaited;
use super::{RunError, phase};
use crate::actors::{
    ClocksActor, LivenessProbeActor, RegistryActor, SessionContext, StoreActor, dials_within,
    sessions_of,
};
use crate::canonical::CappedText;
use crate::chain::params::{Admission, Allocation, Params};
use crate::chain::{Amount, Target};
use crate::http::{self, Listen, ServerHandle};
use crate::keys::{PublicKey, SecretKey};
use crate::membership::Address;
use crate::messages::gossip::CloseSessions;
use crate::messages::registry::{CountSessions, RememberNetwork};
use crate::messages::store::{Committer, FlushStore, ReportTo};
use crate::owner::{BackupPlace, NodePlace, Owned, Tracker};
use crate::protocol::Registry;
use crate::protocol::liveness::MAX_DIALS;
use crate::protocol::registry::{Further, MAX_INQUIRERS_VISITED};
use crate::settings::{AdmissionMode, Endpoint, NetworkSettings, TrackerSettings};
use crate::shell::{
    Begin, Link, LivenessProbeParts, LivenessProbeShell, RegistryParts, RegistryShell,
    VISIT_PATIENCE_MS,
};
use crate::store::{Role, Table, rows_from};
use crate::wire::NodeRole;
use actix::{Addr, AsyncContext, Context};
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// Messages that may wait for room in the store's mailbox.
const WAITING: usize = 64 * 1024;
/// Rows of the register read at a time.
const PAGE: usize = 1_000;
/// How often the stop looks whether the sessions have ended.
const LOOK: Duration = Duration::from_millis(20);

/// What runs.
pub(crate) struct Running {
    pub(crate) registry: Addr<RegistryActor>,
    clocks: Addr<ClocksActor>,
    store: Addr<StoreActor>,
    store_place: Place,
    probe_place: Place,
}

/// Runs a tracker until it is told to stop.
pub(super) async fn run(
    settings: TrackerSettings,
    seams: Seams,
    secret: Option<SecretKey>,
    mut orders: Orders,
    stage: &Stage,
) -> Result<(), RunError> {
    let api = Listen::from(settings.api.listen).beside(settings.listen);
    let (role, place) = (NodeRole::Tracker, (&settings.wallet, api));
    let data_dir = &settings.data_dir;
    let found = found_or_awaited(secret, role, place, data_dir, &seams, &mut orders, stage).await?;
    let Some(secret) = found else {
        return Ok(());
    };
    let (key, secret) = (secret.public_key(), Arc::new(secret));
    let listener = listen(&*seams.transport, settings.listen).await?;
    let address = listener.address();
    let running = Running::start(&settings, &seams, secret, address, |begin| begin)?;
    let mark = NetworkMark::beside(&settings.wallet.file);
    let founded = mark.read().map_err(|source| RunError::NetworkMark {
        path: mark.path().to_owned(),
        source,
    });
    let keep = move |network| {
        if let Err(error) = mark.write(network) {
            let path = mark.path().display();
            tracing::warn!(%error, %path, "which network this is could not be kept beside the wallet");
        }
    };
    let remembers = match founded {
        Ok(founded) => {
            let keep = Box::new(keep);
            let told = running
                .registry
                .send(RememberNetwork { founded, keep })
                .await;
            told.map_err(|_| RunError::Fatal("the registry has ended at the start".into()))
        }
        Err(error) => Err(error),
    };
    if let Err(error) = remembers {
        running.stop(None).await;
        return Err(error);
    }
    let owner = Tracker {
        key,
        listen: address,
        registry: running.registry.clone().recipient(),
        advertise: advertise(&settings),
        members: running.registry.clone().recipient(),
        invitations: running.registry.clone().recipient(),
        delegates: running.registry.clone().recipient(),
        names: running.registry.clone().recipient(),
        out: running.registry.clone().recipient(),
        order: running.registry.clone().recipient(),
        clock: seams.clock.clone(),
        own_clock: running.clocks.clone().recipient(),
        place: NodePlace::new(
            data_dir,
            seams.said.clone(),
            seams.typed.clone(),
            BackupPlace {
                dir: settings.backup.dir(data_dir),
                role: Role::Tracker,
                reached_at: vec![settings.listen.to_string()],
                disk: Arc::downgrade(&seams.disk),
                clock: seams.clock.clone(),
            },
        ),
        entropy: seams.entropy.clone(),
    };
    let owned = Owned::Tracker(owner);
    let data_dir = &settings.data_dir;
    let started = http::start(api, data_dir, owned.clone(), orders.stop_order()).await;
    let (api, api_address) = match started {
        Ok(started) => started,
        Err(error) => {
            running.stop(None).await;
            return Err(error.into());
        }
    };
    tracing::info!(listen = %address, key = %key.to_address(), api = %api_address, "tracker up");
    stage.speaks(owned);
    stage.is_ready();
    let reached_at = vec![settings.listen.to_string()];
    let of = (Role::Tracker, reached_at);
    let backups = Backups::new(&settings.backup, &settings.data_dir, of, &seams);
    let ended = tokio::select! {
        () = backups.run() => Ok(()),
        () = accept(listener, running.registry.clone().recipient()) => Ok(()),
        told = orders.wait() => told,
    };
    let stopped = orders.see_through(running.stop(Some(&api))).await;
    ended.and(stopped)
}

impl Running {
    /// Starts all actors. What begins its sessions is handed to `speak` first: a tracker that is to lie has another
    /// speak in its place.
    pub(crate) fn start(
        settings: &TrackerSettings,
        seams: &Seams,
        secret: Arc<SecretKey>,
        listen: SocketAddr,
        speak: impl FnOnce(Box<dyn Begin>) -> Box<dyn Begin>,
    ) -> Result<Self, RunError> {
        let rows =
            rows_from(&*seams.disk, Table::Registry, &[], PAGE).collect::<Result<Vec<_>, _>>()?;
        let seed = random_u64(&*seams.entropy);
        let params = params(&settings.network)?;
        let has_recovery = params.recovery.is_some();
        let mut machine = match further(settings)? {
            None => Registry::open(secret.clone(), params, seed, rows),
            Some(further) => Registry::open_further(secret.clone(), further, params, seed, rows),
        }?;
        if seams.registering_costs {
            machine.ask_for_work(&secret);
        }
        if machine.genesis().is_none() && settings.introduces_for.is_empty() && !has_recovery {
            tracing::info!(
                "nobody will be able to put another tracker in this one's place: `node init recovery` makes a key for that, before the first member comes"
            );
        }
        let store_place = seams.place();
        let (disk, fatal) = (seams.disk.clone(), seams.fatal.clone());
        let store = store_place.start(StoreActor::new(disk, fatal));
        let address = listen.to_string().parse().ok();
        let speaking = Speaking::start(seams, NodeRole::Tracker, secret, address)?;
        let (sessions, clocks) = (speaking.context, speaking.clocks);
        let context = Context::<RegistryActor>::new();
        let registry = context.address();
        let probe_place = seams.place();
        let probe = start_probe(&probe_place, seams, &sessions, &registry);
        let parts = RegistryParts {
            greeting: sessions.greeting.clone(),
            begin: speak(sessions_of(&registry, &sessions)),
            clock: seams.clock.clone(),
            store: Link::new(&store, WAITING),
            // More are never ordered at a time.
            probe: Link::new(&probe, MAX_DIALS + MAX_INQUIRERS_VISITED),
            dial: dials_within(&registry, &seams.transport, Some(patience())),
            network_name: settings.network.name.clone(),
            connections: seams.connections,
        };
        context.run(RegistryActor::new(RegistryShell::new(machine, parts)));
        let report = ReportTo {
            committer: Committer::Registry,
            to: registry.clone().recipient(),
        };
        if store.try_send(report).is_err() {
            return Err(RunError::Fatal("the store has ended at the start".into()));
        }
        Ok(Self {
            registry,
            clocks,
            store,
            store_place,
            probe_place,
        })
    }

    /// Stops in order: who asks from outside, who talks; then what was decided is written.
    pub(crate) async fn stop(self, api: Option<&ServerHandle>) {
        phase("api", async {
            if let Some(api) = api
                && let Err(error) = api.stop().await
            {
                tracing::warn!(%error, "the API's file could not be removed");
            }
        })
        .await;
        phase("sessions", async {
            // Whoever has ended already needs no order.
            let _ = self.registry.send(CloseSessions).await;
            while let Ok(sessions) = self.registry.send(CountSessions).await
                && sessions > 0
            {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await;
        self.probe_place.end("probe thread").await;
        phase("store", async {
            let _ = self.store.send(FlushStore).await;
        })
        .await;
        self.store_place.end("store thread").await;
        tracing::info!("stopped");
    }
}

/// Where others dial it, as its settings say.
fn advertise(settings: &TrackerSettings) -> Vec<Address> {
    addresses(&settings.advertise)
}

fn addresses(endpoints: &[Endpoint]) -> Vec<Address> {
    endpoints.iter().map(Address::from).collect()
}

/// How long a dial may take.
fn patience() -> Duration {
    Duration::from_millis(VISIT_PATIENCE_MS)
}

/// Starts the one who dials members back, and reports to `registry`.
fn start_probe(
    place: &Place,
    seams: &Seams,
    sessions: &SessionContext,
    registry: &Addr<RegistryActor>,
) -> Addr<LivenessProbeActor> {
    let (transport, clock) = (seams.transport.clone(), seams.clock.clone());
    let (sessions, registry) = (sessions.clone(), registry.clone());
    place.start_with(move |probe| {
        LivenessProbeActor::new(LivenessProbeShell::new(LivenessProbeParts {
            clock,
            begin: sessions_of(&probe, &sessions),
            dial: dials_within(&probe, &transport, Some(patience())),
            // One word a visit.
            registry: Link::new(&registry, MAX_DIALS + MAX_INQUIRERS_VISITED),
        }))
    })
}

/// Where this tracker belongs, if it is not the first one of its network.
fn further(settings: &TrackerSettings) -> Result<Option<Further>, RunError> {
    if settings.introduces_for.is_empty() {
        return Ok(None);
    }
    let founder = PublicKey::from_address(&settings.introduces_for);
    let founder = founder.map_err(|error| RunError::Setting {
        key: "introduces_for",
        reason: error.to_string(),
    })?;
    Ok(Some(Further {
        founder,
        first: addresses(&settings.first),
    }))
}

/// The parameters that the settings describe.
fn params(network: &NetworkSettings) -> Result<Params, RunError> {
    let setting = |key, reason: String| RunError::Setting { key, reason };
    let start_work = NonZeroU64::new(network.start_work)
        .ok_or_else(|| setting("network.start_work", "it must be at least 1".into()))?;
    let allocations = network
        .allocations
        .iter()
        .map(|allocation| {
            let to = PublicKey::from_address(&allocation.address)
                .map_err(|error| setting("network.allocations", error.to_string()))?;
            Ok(Allocation {
                to,
                amount: Amount(allocation.amount),
            })
        })
        .collect::<Result<_, RunError>>()?;
    let mut applications = network
        .applications
        .iter()
        .map(|topic| {
            CappedText::new(topic.clone())
                .map_err(|error| setting("network.applications", error.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    applications.sort();
    let recovery = Some(network.recovery.as_str()).filter(|address| !address.is_empty());
    let recovery = recovery.map(PublicKey::from_address).transpose();
    let recovery = recovery.map_err(|error| setting("network.recovery", error.to_string()))?;
    Ok(Params {
        name: CappedText::new(network.name.clone())
            .map_err(|error| setting("network.name", error.to_string()))?,
        interval_ms: network.block_interval_ms,
        start_target: Target::from_expected_hashes(start_work).to_compact(),
        window: network.difficulty_window,
        growth_blocks: network.growth_blocks,
        reward: Amount(network.reward),
        halving_blocks: network.halving_blocks,
        max_block_bytes: network.max_block_bytes,
        min_fee_per_kib: Amount(network.min_fee_per_kib),
        admission: match network.admission {
            AdmissionMode::Open => Admission::Open,
            AdmissionMode::Invite => Admission::Invite,
        },
        allocations,
        gift: Amount(network.gift),
        recovery,
        applications,
    })
}
