//! A peer.

use super::opening::{Opened, listen, random_u64};
use super::status_line::StatusLine;
use super::{RunError, phase, until_told};
use crate::actors::{
    GossipActor, GossipLinks, Greeting, LedgerActor, LedgerLinks, Link, MinerActor, MinerParts,
    SessionContext, StoreActor, TrackerLinkActor, TrackerLinkParts, WalletActor,
};
use crate::canonical::CappedText;
use crate::chain::ledger::Ledger;
use crate::chain::{Genesis, MempoolLimits, NetworkId, Rules};
use crate::http::{self, Api, PeerApi, PeerParts, ServerHandle};
use crate::keys::{PublicKey, SecretKey};
use crate::messages::gossip::{CloseSessions, ConnectionAccepted, GetGossipStatus};
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::miner::StopMining;
use crate::messages::store::{Committer, FlushStore, ReportTo};
use crate::messages::tracker_link::{AttachDirectory, CloseLink};
use crate::net::{Listener, TcpTransport, Transport};
use crate::pow::{NativeEngine, PowEngine};
use crate::protocol::TrackerLink;
use crate::protocol::gossip::Gossip;
use crate::protocol::gossip::peers::PeersLimits;
use crate::protocol::mining::{Mining, Mode};
use crate::protocol::tracker_link::Config;
use crate::settings::{MiningMode, PeerSettings};
use crate::store::chain_rows::{ChainRows, stored_genesis, stored_open};
use crate::store::{Table, rows_from};
use crate::verifier::RayonVerifier;
use crate::wire::NodeRole;
use crate::wire::member::{Address, MemberName};
use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Recipient};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::oneshot;

/// Messages that may wait for room in another actor's mailbox. Each link carries either answers to
/// counted questions or news of which the latest replaces the rest.
const WAITING: usize = 64 * 1024;
/// Rows of the directory read at a time.
const PAGE: usize = 1_000;
/// How often the stop looks whether the sessions have ended.
const LOOK: Duration = Duration::from_millis(20);

/// What runs from the start, before the network is known.
struct Ground {
    settings: PeerSettings,
    opened: Opened,
    transport: Arc<dyn Transport>,
    engine: Arc<dyn PowEngine>,
    context: SessionContext,
    store: Addr<StoreActor>,
    wallet: Addr<WalletActor>,
    link: Addr<TrackerLinkActor>,
    network: oneshot::Receiver<Genesis>,
    store_arbiter: Arbiter,
    name: MemberName,
    key: PublicKey,
}

/// What runs once the network is known.
struct Upper {
    ledger: Addr<LedgerActor>,
    gossip: Addr<GossipActor>,
    miner: Addr<MinerActor>,
    ledger_arbiter: Arbiter,
}

/// Runs a peer until it is told to stop.
pub(super) async fn run(
    settings: PeerSettings,
    opened: Opened,
    secret: SecretKey,
) -> Result<(), RunError> {
    let transport: Arc<dyn Transport> = Arc::new(TcpTransport);
    let listener = listen(&*transport, settings.listen).await?;
    let mut ground = Ground::lay(settings, opened, secret, transport, &*listener)?;
    let running = Arc::new(OnceLock::new());
    let (api, _) = ground.start_api(running.clone()).await?;
    let outcome = ground.live(listener, &running).await;
    let upper = match outcome {
        Ok(upper) => upper,
        Err((upper, error)) => {
            stop(&ground, &api, upper).await;
            return Err(error);
        }
    };
    stop(&ground, &api, upper).await;
    Ok(())
}

impl Ground {
    /// Starts what needs no network: store, wallet, and the link to the tracker.
    fn lay(
        settings: PeerSettings,
        opened: Opened,
        secret: SecretKey,
        transport: Arc<dyn Transport>,
        listener: &dyn Listener,
    ) -> Result<Self, RunError> {
        let name: MemberName = settings.name.parse().map_err(|error| RunError::Setting {
            key: "name",
            reason: format!("{error}"),
        })?;
        let (key, sealing_key) = (secret.public_key(), secret.sealing_key());
        let addresses = addresses(&settings, listener)?;
        let genesis = stored_genesis(&*opened.disk)?;
        let engine: Arc<dyn PowEngine> = Arc::new(NativeEngine::new());
        let greeting = Arc::new(Greeting::new(
            NodeRole::Peer,
            key,
            random_u64(&*opened.entropy),
            addresses.first().cloned(),
        ));
        if let Some(genesis) = &genesis {
            greeting.set_network(genesis.id());
        }
        let context = SessionContext::new(greeting, opened.disk.clone());
        let trackers = settings
            .trackers
            .iter()
            .map(|tracker| address("trackers", &tracker.to_string()))
            .collect::<Result<_, _>>()?;
        let config = Config {
            trackers,
            name: name.clone(),
            key,
            sealing_key,
            addresses,
            genesis: genesis.clone(),
            seed: random_u64(&*opened.entropy),
        };
        let rows =
            rows_from(&*opened.disk, Table::Members, &[], PAGE).collect::<Result<Vec<_>, _>>()?;
        let link = TrackerLink::open(config, rows)?;
        let store_arbiter = Arbiter::new();
        let (disk, fatal) = (opened.disk.clone(), opened.fatal.clone());
        let store =
            StoreActor::start_in_arbiter(&store_arbiter.handle(), |_| StoreActor::new(disk, fatal));
        let (known, network) = oneshot::channel();
        let mut known = Some(known);
        if let Some(genesis) = genesis
            && let Some(known) = known.take()
        {
            // Received below.
            let _ = known.send(genesis);
        }
        let wallet = WalletActor::new(secret).start();
        let parts = TrackerLinkParts {
            context: context.clone(),
            transport: transport.clone(),
            clock: opened.clock.clone(),
            engine: engine.clone(),
            sign: wallet.clone().recipient(),
            sign_leaving: wallet.clone().recipient(),
            store: Link::new(&store, WAITING),
            network: known,
            fatal: opened.fatal.clone(),
        };
        let link = TrackerLinkActor::new(link, parts).start();
        Ok(Self {
            settings,
            opened,
            transport,
            engine,
            context,
            store,
            wallet,
            link,
            network,
            store_arbiter,
            name,
            key,
        })
    }

    async fn start_api(
        &self,
        running: Arc<OnceLock<PeerParts>>,
    ) -> Result<(ServerHandle, std::net::SocketAddr), RunError> {
        let api = PeerApi {
            name: self.name.clone(),
            key: self.key,
            disk: self.opened.disk.clone(),
            wallet: self.wallet.clone().recipient(),
            tracker_link: self.link.clone().recipient(),
            clock: self.opened.clock.clone(),
            entropy: self.opened.entropy.clone(),
            running,
        };
        let (listen, data_dir) = (self.settings.api.listen, &self.settings.data_dir);
        let (handle, address) = http::start(listen, data_dir, Api::Peer(api)).await?;
        tracing::info!(
            name = %self.name,
            address = %self.key.to_address(),
            listen = %self.context.greeting.address().map(ToString::to_string).unwrap_or_default(),
            api = %address,
            "peer up"
        );
        Ok((handle, address))
    }

    /// Waits for the network, builds the upper floors, and lives until it is told to stop.
    async fn live(
        &mut self,
        listener: Box<dyn Listener>,
        running: &OnceLock<PeerParts>,
    ) -> Result<Option<Upper>, (Option<Upper>, RunError)> {
        let genesis = tokio::select! {
            genesis = &mut self.network => genesis,
            told = until_told(&mut self.opened.fatal_heard) => {
                return told.map(|()| None).map_err(|error| (None, error));
            }
        };
        let Ok(genesis) = genesis else {
            return Err((
                None,
                RunError::Fatal("the link to the tracker has ended".into()),
            ));
        };
        let upper = self
            .build(genesis, running)
            .map_err(|error| (None, error))?;
        let accepting = accept(listener, upper.gossip.clone().recipient());
        let status = StatusLine {
            ledger: upper.ledger.clone().recipient(),
            gossip: upper.gossip.clone().recipient(),
            miner: upper.miner.clone().recipient(),
        };
        tokio::select! {
            () = accepting => Ok(Some(upper)),
            () = status.run() => Ok(Some(upper)),
            told = until_told(&mut self.opened.fatal_heard) => match told {
                Ok(()) => Ok(Some(upper)),
                Err(error) => Err((Some(upper), error)),
            },
        }
    }

    fn build(&self, genesis: Genesis, running: &OnceLock<PeerParts>) -> Result<Upper, RunError> {
        let network: NetworkId = genesis.id();
        self.context.greeting.set_network(network);
        let rules = Rules::new(genesis, &[])?;
        let (disk, clock) = (self.opened.disk.clone(), self.opened.clock.clone());
        let open = stored_open(&*disk)?;
        let limits = MempoolLimits::default();
        let opened = Ledger::open(rules.clone(), limits, open, &ChainRows(&*disk), clock.now())?;
        let (mut ledger, effects) = opened;
        ledger.admit_members([self.key]);
        let tip = *ledger.tip();
        self.context.greeting.set_height(tip.height());
        tracing::info!(height = tip.height().0, block = %tip.id, "ledger opened");

        let gossip_context = Context::<GossipActor>::new();
        let miner_context = Context::<MinerActor>::new();
        let (gossip, miner) = (gossip_context.address(), miner_context.address());
        let links = LedgerLinks {
            store: Link::new(&self.store, WAITING),
            gossip: Link::new(&gossip, WAITING),
            tip_moved: Link::new(&miner, WAITING),
            open_changed: Link::new(&miner, WAITING),
            mining_complete: Link::new(&miner, WAITING),
        };
        let ledger_arbiter = Arbiter::new();
        let fatal = self.opened.fatal.clone();
        let shell = LedgerActor::new(
            (ledger, effects),
            disk,
            clock.clone(),
            Arc::new(RayonVerifier),
            links,
            fatal,
        );
        let ledger = LedgerActor::start_in_arbiter(&ledger_arbiter.handle(), |_| shell);
        self.attach(&ledger, &gossip);
        let machine = Gossip::new(
            self.key,
            PeersLimits {
                outgoing: self.settings.peers.outgoing.into(),
                incoming: self.settings.peers.incoming.into(),
            },
            tip.work(),
            random_u64(&*self.opened.entropy),
            clock.now(),
        );
        gossip_context.run(GossipActor::new(
            machine,
            self.context.clone(),
            self.transport.clone(),
            clock.clone(),
            GossipLinks::new(&ledger),
        ));
        let parts = MinerParts {
            reward_to: self.key,
            threads: self.settings.mining.threads,
            engine: self.engine.clone(),
            clock,
            templates: ledger.clone().recipient(),
            blocks: ledger.clone().recipient(),
        };
        miner_context.run(MinerActor::new(Mining::new(self.mode()), parts));
        // Set once: the network is known once.
        let _ = running.set(PeerParts {
            rules,
            send: ledger.clone().recipient(),
            ledger_status: ledger.clone().recipient(),
            funds: ledger.clone().recipient(),
            open_transactions: ledger.clone().recipient(),
            mine: miner.clone().recipient(),
            miner_status: miner.clone().recipient(),
            gossip: gossip.clone().recipient(),
        });
        Ok(Upper {
            ledger,
            gossip,
            miner,
            ledger_arbiter,
        })
    }

    /// Tells the store whom to report to, and the link whom to tell of members. These are the first
    /// messages in mailboxes that hold more.
    fn attach(&self, ledger: &Addr<LedgerActor>, gossip: &Addr<GossipActor>) {
        let report = ReportTo {
            committer: Committer::Ledger,
            to: ledger.clone().recipient(),
        };
        let directory = AttachDirectory {
            gossip: gossip.clone().recipient(),
            ledger: ledger.clone().recipient(),
        };
        let told = self.store.try_send(report).is_ok() & self.link.try_send(directory).is_ok();
        if !told {
            self.opened
                .fatal
                .raise("the store or the link to the tracker has ended at the start");
        }
    }

    fn mode(&self) -> Mode {
        match self.settings.mining.mode {
            MiningMode::OnCommand => Mode::OnCommand,
            MiningMode::WhenPending => Mode::WhenPending,
            MiningMode::Always => Mode::Always,
        }
    }
}

/// Where others can dial this peer: as the settings say, or where it listens.
fn addresses(settings: &PeerSettings, listener: &dyn Listener) -> Result<Vec<Address>, RunError> {
    if settings.advertise.is_empty() {
        return Ok(vec![address("listen", &listener.address().to_string())?]);
    }
    settings
        .advertise
        .iter()
        .map(|a| address("advertise", &a.to_string()))
        .collect()
}

fn address(key: &'static str, text: &str) -> Result<Address, RunError> {
    CappedText::new(text).map_err(|error| RunError::Setting {
        key,
        reason: error.to_string(),
    })
}

/// Hands every connection on; what keeps one from being made is told and the next is waited for.
pub(super) async fn accept(mut listener: Box<dyn Listener>, to: Recipient<ConnectionAccepted>) {
    /// How long to wait when the system has nothing left to accept with.
    const PAUSE: Duration = Duration::from_millis(100);
    loop {
        match listener.accept().await {
            Ok(connection) => {
                if to.send(ConnectionAccepted(connection)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Stops in order: who asks from outside, who mines, who talks; then what was decided is written.
async fn stop(ground: &Ground, api: &ServerHandle, upper: Option<Upper>) {
    phase("api", async {
        if let Err(error) = api.stop().await {
            tracing::warn!(%error, "the API's file could not be removed");
        }
    })
    .await;
    let mut height = None;
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
        phase("ledger", async {
            // Answered after everything that came before: all of it is with the store then.
            let status = upper.ledger.send(GetLedgerStatus).await;
            height = status.ok().map(|status| status.tip.height().0);
        })
        .await;
    }
    phase("tracker", async {
        let _ = ground.link.send(CloseLink).await;
    })
    .await;
    phase("store", async {
        let _ = ground.store.send(FlushStore).await;
    })
    .await;
    if let Some(Upper { ledger_arbiter, .. }) = upper {
        ledger_arbiter.stop();
        // A thread that panicked has ended the process already.
        let _ = ledger_arbiter.join();
    }
    ground.store_arbiter.stop();
    match height {
        Some(height) => tracing::info!(height, "stopped; everything up to this height is saved"),
        None => tracing::info!("stopped"),
    }
}
