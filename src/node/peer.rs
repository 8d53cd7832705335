//! A peer.

use super::opening::{listen, random_u64};
use super::orders::Orders;
use super::post::PostOffice;
use super::seams::{Place, Seams};
use super::status_line::StatusLine;
use super::wallet::wait_for;
use super::{RunError, phase};
use crate::actors::{
    GossipActor, GossipLinks, Greeting, IntroducerActor, IntroducerParts, LedgerActor, LedgerLinks,
    Link, MinerActor, MinerParts, SessionContext, SessionParts, StoreActor, TrackerLinkActor,
    TrackerLinkParts, WalletActor,
};
use crate::canonical::CappedText;
use crate::chain::ledger::Ledger;
use crate::chain::rows::RowKey;
use crate::chain::{Genesis, Height, Internal, MempoolLimits, NetworkId, Rules, StateView};
use crate::http::{self, Api, PeerApi, PeerParts, ServerHandle};
use crate::keys::{PublicKey, SecretKey};
use crate::messages::gossip::{CloseSessions, ConnectionAccepted, GetGossipStatus};
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::miner::StopMining;
use crate::messages::store::{Committer, FlushStore, ReportTo};
use crate::messages::tracker_link::{AttachDirectory, AttachIntroducers, CloseLink};
use crate::net::Listener;
use crate::protocol::TrackerLink;
use crate::protocol::gossip::Gossip;
use crate::protocol::gossip::peers::PeersLimits;
use crate::protocol::introducer::Introducer;
use crate::protocol::mining::{Mining, Mode};
use crate::protocol::tracker_link::Config;
use crate::settings::{Endpoint, MiningMode, PeerSettings};
use crate::store::chain_rows::{ChainRows, stored_genesis, stored_open};
use crate::store::{Disk, Table, rows_from};
use crate::wire::NodeRole;
use crate::wire::member::{Address, MemberName};
use actix::{Actor, Addr, AsyncContext, Context, Recipient};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Messages that may wait for room in another actor's mailbox. Each link carries either answers to
/// counted questions or news of which the latest replaces the rest.
pub(super) const WAITING: usize = 64 * 1024;
/// Rows of the directory read at a time.
const PAGE: usize = 1_000;
/// How often the stop looks whether the sessions have ended.
const LOOK: Duration = Duration::from_millis(20);

/// What runs from the start, before the network is known.
pub(crate) struct Ground {
    pub(super) settings: PeerSettings,
    pub(super) seams: Seams,
    pub(crate) context: SessionContext,
    pub(super) store: Addr<StoreActor>,
    pub(super) wallet: Addr<WalletActor>,
    pub(crate) link: Addr<TrackerLinkActor>,
    /// Is told which network this is.
    pub(crate) network: oneshot::Receiver<Genesis>,
    store_place: Place,
    name: MemberName,
    pub(super) key: PublicKey,
}

/// What runs once the network is known.
pub(crate) struct Upper {
    pub(crate) ledger: Addr<LedgerActor>,
    pub(crate) gossip: Addr<GossipActor>,
    miner: Addr<MinerActor>,
    ledger_place: Place,
}

/// Runs a peer until it is told to stop.
pub(super) async fn run(
    settings: PeerSettings,
    seams: Seams,
    secret: Option<SecretKey>,
    fatal: mpsc::Receiver<String>,
) -> Result<(), RunError> {
    let mut orders = Orders::listen(fatal)?;
    let found = match secret {
        Some(secret) => Some(secret),
        None => {
            let place = (&settings.wallet, &settings.api);
            let role = NodeRole::Peer;
            wait_for(role, place, &settings.data_dir, &seams, &mut orders).await?
        }
    };
    let Some(secret) = found else {
        return Ok(());
    };
    let listener = listen(&*seams.transport, settings.listen).await?;
    let mut ground = Ground::lay(settings, seams, secret, &*listener)?;
    let running = Arc::new(OnceLock::new());
    let api = match ground.start_api(running.clone()).await {
        Ok(api) => api,
        Err(error) => {
            stop(ground, None, None).await;
            return Err(error);
        }
    };
    let (upper, ended) = ground.live(listener, &running, &mut orders).await;
    let stopped = orders.see_through(stop(ground, Some(&api), upper)).await;
    ended.and(stopped)
}

impl Ground {
    /// Starts what needs no network: store, wallet, and the link to the tracker.
    pub(crate) fn lay(
        settings: PeerSettings,
        seams: Seams,
        secret: SecretKey,
        listener: &dyn Listener,
    ) -> Result<Self, RunError> {
        let name: MemberName = settings.name.parse().map_err(|error| RunError::Setting {
            key: "name",
            reason: format!("{error}"),
        })?;
        let (key, sealing_key) = (secret.public_key(), secret.sealing_key());
        let addresses = addresses(&settings, listener)?;
        let genesis = stored_genesis(&*seams.disk)?;
        let greeting = Arc::new(Greeting::new(
            NodeRole::Peer,
            key,
            random_u64(&*seams.entropy),
            addresses.first().cloned(),
        ));
        if let Some(genesis) = &genesis {
            greeting.set_network(genesis.id());
        }
        let (first, others) = trackers(&settings)?;
        let wallet = WalletActor::new(Arc::new(secret), seams.entropy.clone()).start();
        let context = SessionContext::new(SessionParts {
            greeting,
            disk: seams.disk.clone(),
            sign: wallet.clone().recipient(),
            entropy: seams.entropy.clone(),
            clock: seams.clock.clone(),
        });
        let config = Config {
            address: first,
            name: name.clone(),
            key,
            sealing_key,
            addresses,
            tracker_key: tracker_key(&settings)?,
            genesis: genesis.clone(),
            seed: random_u64(&*seams.entropy),
        };
        let rows =
            rows_from(&*seams.disk, Table::Members, &[], PAGE).collect::<Result<Vec<_>, _>>()?;
        let link = TrackerLink::open(config, rows)?;
        let store_place = seams.place();
        let (disk, fatal) = (seams.disk.clone(), seams.fatal.clone());
        let store = store_place.start(StoreActor::new(disk, fatal));
        let (known, network) = oneshot::channel();
        let mut known = Some(known);
        if let Some(genesis) = genesis
            && let Some(known) = known.take()
        {
            // Received below.
            let _ = known.send(genesis);
        }
        let parts = TrackerLinkParts {
            context: context.clone(),
            transport: seams.transport.clone(),
            clock: seams.clock.clone(),
            search: (seams.search)(1),
            sign: wallet.clone().recipient(),
            sign_leaving: wallet.clone().recipient(),
            store: Link::new(&store, WAITING),
            network: known,
            fatal: seams.fatal.clone(),
        };
        let link = TrackerLinkActor::new(link, parts).start();
        introduce(others, &link, &seams, &context)?;
        Ok(Self {
            settings,
            seams,
            context,
            store,
            wallet,
            link,
            network,
            store_place,
            name,
            key,
        })
    }

    /// What the API speaks for; `running` is filled once the network is known.
    pub(crate) fn api(&self, running: Arc<OnceLock<PeerParts>>) -> PeerApi {
        PeerApi {
            name: self.name.clone(),
            key: self.key,
            disk: self.seams.disk.clone(),
            wallet: self.wallet.clone().recipient(),
            seal: self.wallet.clone().recipient(),
            open_note: self.wallet.clone().recipient(),
            tracker_link: self.link.clone().recipient(),
            leave: self.link.clone().recipient(),
            accept: self.link.clone().recipient(),
            clock: self.seams.clock.clone(),
            entropy: self.seams.entropy.clone(),
            running,
        }
    }

    async fn start_api(&self, running: Arc<OnceLock<PeerParts>>) -> Result<ServerHandle, RunError> {
        let api = self.api(running);
        let (listen, data_dir) = (self.settings.api.listen, &self.settings.data_dir);
        let (handle, address) = http::start(listen, data_dir, Api::Peer(api)).await?;
        tracing::info!(
            name = %self.name,
            address = %self.key.to_address(),
            listen = %self.context.greeting.address().map(ToString::to_string).unwrap_or_default(),
            api = %address,
            "peer up"
        );
        Ok(handle)
    }

    /// Waits for the network, builds the upper floors, and lives until it is told to stop.
    async fn live(
        &mut self,
        listener: Box<dyn Listener>,
        running: &OnceLock<PeerParts>,
        orders: &mut Orders,
    ) -> (Option<Upper>, Result<(), RunError>) {
        let genesis = tokio::select! {
            genesis = &mut self.network => genesis,
            told = orders.wait() => return (None, told),
        };
        let built = match genesis {
            Ok(genesis) => self.build(genesis, running).await,
            Err(_) => Err(RunError::Fatal("the link to the tracker has ended".into())),
        };
        let upper = match built {
            Ok(upper) => upper,
            Err(error) => return (None, Err(error)),
        };
        let accepting = accept(listener, upper.gossip.clone().recipient());
        let status = StatusLine {
            ledger: upper.ledger.clone().recipient(),
            gossip: upper.gossip.clone().recipient(),
            miner: upper.miner.clone().recipient(),
        };
        let ended = tokio::select! {
            () = accepting => Ok(()),
            () = status.run() => Ok(()),
            told = orders.wait() => told,
        };
        (Some(upper), ended)
    }

    /// Builds the upper floors on the network that was heard of.
    pub(crate) async fn build(
        &self,
        genesis: Genesis,
        running: &OnceLock<PeerParts>,
    ) -> Result<Upper, RunError> {
        let network: NetworkId = genesis.id();
        let tracker = genesis.content.tracker;
        self.context.greeting.set_network(network);
        let rules = Rules::new(genesis, &[])?;
        let (disk, clock) = (self.seams.disk.clone(), self.seams.clock.clone());
        let open = stored_open(&*disk)?;
        let limits = MempoolLimits::default();
        let opened = Ledger::open(rules.clone(), limits, open, &ChainRows(&*disk), clock.now())?;
        let (mut ledger, effects) = opened;
        ledger.admit_members([self.key]);
        let tip = *ledger.tip();
        self.context.greeting.set_height(tip.height());
        tracing::info!(height = tip.height().0, block = %tip.id, "ledger opened");

        let post = PostOffice::open(self, network, &tip)?;
        let gossip_context = Context::<GossipActor>::new();
        let miner_context = Context::<MinerActor>::new();
        let (gossip, miner) = (gossip_context.address(), miner_context.address());
        let links = LedgerLinks {
            store: Link::new(&self.store, WAITING),
            gossip: Link::new(&gossip, WAITING),
            outbox: Link::new(&post.outbox(), WAITING),
            inbox: Link::new(&post.inbox(), WAITING),
            tip_moved: Link::new(&miner, WAITING),
            open_changed: Link::new(&miner, WAITING),
            mining_complete: Link::new(&miner, WAITING),
        };
        let fatal = self.seams.fatal.clone();
        let shell = LedgerActor::new(
            (ledger, effects),
            self.key,
            disk,
            clock.clone(),
            self.seams.verifier.clone(),
            links,
            fatal,
        );
        let ledger_place = self.seams.place();
        let ledger = ledger_place.start(shell);
        self.attach(&ledger, &gossip, &post).await?;
        let machine = Gossip::new(
            self.key,
            PeersLimits {
                outgoing: self.settings.peers.outgoing.into(),
                incoming: self.settings.peers.incoming.into(),
            },
            tip.work(),
            random_u64(&*self.seams.entropy),
            clock.steady(),
        );
        gossip_context.run(GossipActor::new(
            machine,
            self.context.clone(),
            tracker,
            self.seams.transport.clone(),
            clock.clone(),
            (GossipLinks::new(&ledger), post.links()),
        ));
        let parts = MinerParts {
            reward_to: self.key,
            threads: self.settings.mining.threads,
            search: (self.seams.search)(self.settings.mining.threads),
            clock,
            templates: ledger.clone().recipient(),
            blocks: ledger.clone().recipient(),
        };
        miner_context.run(MinerActor::new(Mining::new(self.mode()), parts));
        let (outbox, inbox) = (post.outbox(), post.inbox());
        post.run(self, &ledger, &gossip);
        // Set once: the network is known once.
        let _ = running.set(PeerParts {
            rules,
            send: outbox.clone().recipient(),
            outbox: outbox.clone().recipient(),
            retry: outbox.clone().recipient(),
            withdraw: outbox.recipient(),
            unread: inbox.clone().recipient(),
            mark_read: inbox.recipient(),
            ledger_status: ledger.clone().recipient(),
            funds: ledger.clone().recipient(),
            open_transactions: ledger.clone().recipient(),
            mine: miner.clone().recipient(),
            miner_status: miner.clone().recipient(),
            gossip: gossip.clone().recipient(),
            sync_from: gossip.clone().recipient(),
        });
        Ok(Upper {
            ledger,
            gossip,
            miner,
            ledger_place,
        })
    }

    /// Tells the store whom to report to, and the link whom to tell of members.
    async fn attach(
        &self,
        ledger: &Addr<LedgerActor>,
        gossip: &Addr<GossipActor>,
        post: &PostOffice,
    ) -> Result<(), RunError> {
        let reports = [
            (Committer::Ledger, ledger.clone().recipient()),
            (Committer::Outbox, post.outbox().recipient()),
            (Committer::Inbox, post.inbox().recipient()),
        ];
        let directory = AttachDirectory {
            gossip: gossip.clone().recipient(),
            ledger: ledger.clone().recipient(),
            outbox: post.outbox().recipient(),
        };
        let ended = |who| RunError::Fatal(format!("{who} has ended at the start"));
        for (committer, to) in reports {
            let told = self.store.send(ReportTo { committer, to }).await;
            told.map_err(|_| ended("the store"))?;
        }
        let told = self.link.send(directory).await;
        told.map_err(|_| ended("the link to the tracker"))
    }

    fn mode(&self) -> Mode {
        match self.settings.mining.mode {
            MiningMode::OnCommand => Mode::OnCommand,
            MiningMode::WhenPending => Mode::WhenPending,
            MiningMode::Always => Mode::Always,
        }
    }
}

/// The first tracker, and the others.
fn trackers(settings: &PeerSettings) -> Result<(Address, Vec<Address>), RunError> {
    let mut trackers = settings.trackers.iter();
    let one = |tracker: &Endpoint| address("trackers", &tracker.to_string());
    let first = trackers.next().ok_or_else(|| RunError::Setting {
        key: "trackers",
        reason: "at least one must be named".into(),
    })?;
    Ok((one(first)?, trackers.map(one).collect::<Result<_, _>>()?))
}

/// Starts the conversations with all trackers but the first.
fn introduce(
    others: Vec<Address>,
    link: &Addr<TrackerLinkActor>,
    seams: &Seams,
    context: &SessionContext,
) -> Result<(), RunError> {
    let start = |(tracker, address): (usize, Address)| {
        let machine = Introducer::new(address.clone(), random_u64(&*seams.entropy));
        let parts = IntroducerParts {
            tracker,
            address: address.to_string(),
            context: context.clone(),
            transport: seams.transport.clone(),
            clock: seams.clock.clone(),
            link: link.clone().recipient(),
        };
        IntroducerActor::new(machine, parts).start().recipient()
    };
    let introducers = (1..).zip(others).map(start).collect();
    let told = link.try_send(AttachIntroducers(introducers));
    told.map_err(|_| RunError::Fatal("the link to the tracker has ended at the start".into()))
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

/// The tracker's key, if the settings name it.
fn tracker_key(settings: &PeerSettings) -> Result<Option<PublicKey>, RunError> {
    let given = Some(&settings.tracker_key).filter(|key| !key.is_empty());
    let key = given.map(|key| PublicKey::from_address(key)).transpose();
    key.map_err(|error| RunError::Setting {
        key: "tracker_key",
        reason: format!("{error}; copy it from the line that the tracker prints when it starts"),
    })
}

fn address(key: &'static str, text: &str) -> Result<Address, RunError> {
    CappedText::new(text).map_err(|error| RunError::Setting {
        key,
        reason: error.to_string(),
    })
}

/// Hands every connection on; what keeps one from being made is told, once until the next is made,
/// and the next is waited for.
pub(crate) async fn accept(mut listener: Box<dyn Listener>, to: Recipient<ConnectionAccepted>) {
    /// How long to wait when the system has nothing left to accept with.
    const PAUSE: Duration = Duration::from_millis(100);
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(connection) => {
                told = false;
                if to.send(ConnectionAccepted(connection)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "a connection could not be accepted");
                }
                told = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Stops in order: who asks from outside, who mines, who talks; then what was decided is written.
pub(crate) async fn stop(ground: Ground, api: Option<&ServerHandle>, upper: Option<Upper>) {
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
        phase("ledger", async {
            // Answered after everything that came before: all of it is with the store then.
            let _ = upper.ledger.send(GetLedgerStatus).await;
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
