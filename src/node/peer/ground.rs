//! What a peer runs from the start, before its network is known.

use super::WAITING;
use crate::actors::{
    ClocksActor, GenesisSearcher, IntroducerActor, SessionContext, StoreActor, TrackerLinkActor,
    WalletActor, asking, dials_of, sessions_of,
};
use crate::chain::Genesis;
use crate::http::{self, Listen, PublicHandle, ServerHandle};
use crate::keys::{PublicKey, SecretKey};
use crate::membership::{Address, InvitationString, MemberName, NotAnAddress};
use crate::messages::events::Event;
use crate::messages::store::{Committer, ReportTo};
use crate::messages::tracker_link::{AttachIntroducers, DirectoryStatus};
use crate::net::Listener;
use crate::node::RunError;
use crate::node::opening::random_u64;
use crate::node::seams::{Place, Seams};
use crate::node::speaking::Speaking;
use crate::owner::{
    BackupPlace, Events, LongAnswers, NodePlace, Owned, Peer, PeerParts, StopOrder,
};
use crate::protocol::TrackerLink;
use crate::protocol::introducer::Introducer;
use crate::protocol::tracker_link::Config;
use crate::settings::{Endpoint, PeerSettings};
use crate::shell::{IntroducerParts, IntroducerShell, Link, TrackerLinkParts, TrackerLinkShell};
use crate::store::chain_rows::stored_genesis;
use crate::store::{Role, Table, rows_from};
use crate::wire::NodeRole;
use actix::{Addr, AsyncContext, Context};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::sync::{oneshot, watch};

/// Rows of the directory read at a time.
pub(super) const PAGE: usize = 1_000;

/// What runs from the start, before the network is known.
pub(crate) struct Ground {
    pub(in crate::node) settings: PeerSettings,
    pub(in crate::node) seams: Seams,
    pub(crate) context: SessionContext,
    pub(in crate::node) store: Addr<StoreActor>,
    pub(in crate::node) wallet: Addr<WalletActor>,
    pub(in crate::node) clocks: Addr<ClocksActor>,
    pub(crate) link: Addr<TrackerLinkActor>,
    /// Is told which network this is.
    pub(crate) network: oneshot::Receiver<Genesis>,
    /// Whom it knows, and how it stands with the tracker.
    known: watch::Receiver<Arc<DirectoryStatus>>,
    /// What happens, for whoever follows.
    events: Events,
    pub(super) store_place: Place,
    /// The invitation by which this node joins, if by one.
    pub(super) invitation: Option<Arc<InvitationString>>,
    name: MemberName,
    /// Where it listens.
    listen: SocketAddr,
    pub(in crate::node) key: PublicKey,
}

impl Ground {
    /// Starts what needs no network: store, wallet, and the link to the tracker. It joins by this invitation, if
    /// it is to join by one.
    pub(crate) fn lay(
        settings: PeerSettings,
        seams: Seams,
        secret: SecretKey,
        invitation: Option<Arc<InvitationString>>,
        listener: &dyn Listener,
    ) -> Result<Self, RunError> {
        let name: MemberName = settings.name.parse().map_err(|error| RunError::Setting {
            key: "name",
            reason: format!("{error}"),
        })?;
        let (key, sealing_key) = (secret.public_key(), secret.sealing_key());
        let addresses = addresses(&settings, listener)?;
        let genesis = stored_genesis(&*seams.disk)?;
        let at = addresses.first().cloned();
        let speaking = Speaking::start(&seams, NodeRole::Peer, Arc::new(secret), at)?;
        let Speaking {
            context,
            wallet,
            clocks,
            nonce,
        } = speaking;
        if let Some(genesis) = &genesis {
            context.greeting.set_network(genesis.id());
        }
        let (first, others) = trackers(&settings)?;
        let config = Config {
            address: first,
            name: name.clone(),
            key,
            sealing_key,
            addresses,
            tracker_key: tracker_key(&settings)?,
            genesis: genesis.clone(),
            others: others.clone(),
            invitation: invitation.clone(),
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
        let (publish, published) = watch::channel(Arc::default());
        let link_context = Context::<TrackerLinkActor>::new();
        let link_address = link_context.address();
        let searcher = GenesisSearcher {
            search: (seams.search)(1),
            to: link_address.clone().recipient(),
            work: link_address.clone().recipient(),
        };
        let parts = TrackerLinkParts {
            greeting: context.greeting.clone(),
            clock: seams.clock.clone(),
            begin: sessions_of(&link_address, &context),
            dial: dials_of(&link_address, &seams.transport),
            // Every order is taken at once.
            genesis: Link::to(searcher, 0),
            sign: asking(wallet.clone().recipient(), &link_address),
            sign_leaving: asking(wallet.clone().recipient(), &link_address),
            store: Link::new(&store, WAITING),
            network: known,
            known: publish,
            fatal: seams.fatal.clone(),
            names: seams.names.clone(),
        };
        let link = link_context.run(TrackerLinkActor::new(TrackerLinkShell::new(link, parts)));
        let report = ReportTo {
            committer: Committer::Directory,
            to: link.clone().recipient(),
        };
        let told = store.try_send(report);
        told.map_err(|_| RunError::Fatal("the store has ended at the start".into()))?;
        introduce(others, &link, &seams, &context)?;
        let events = Events::new(nonce);
        actix::spawn(events.clone().follow_directory(published.clone()));
        Ok(Self {
            settings,
            seams,
            context,
            store,
            wallet,
            clocks,
            link,
            network,
            known: published,
            events,
            store_place,
            invitation,
            name,
            listen: listener.address(),
            key,
        })
    }

    /// A link to whoever follows what happens. It takes everything at once.
    pub(in crate::node) fn events(&self) -> Link<Event> {
        Link::to(self.events.clone(), 0)
    }

    /// What speaks for this peer; it answers from `running` once that is set.
    pub(crate) fn peer(&self, running: Arc<OnceLock<PeerParts>>) -> Peer {
        Peer {
            name: self.name.clone(),
            key: self.key,
            disk: Arc::downgrade(&self.seams.disk),
            seal: self.wallet.clone().recipient(),
            open_note: self.wallet.clone().recipient(),
            known: self.known.clone(),
            events: self.events.clone(),
            leave: self.link.clone().recipient(),
            hear: self.link.clone().recipient(),
            sign_leave: self.wallet.clone().recipient(),
            standing: Arc::default(),
            clock: self.seams.clock.clone(),
            own_clock: self.clocks.clone().recipient(),
            entropy: self.seams.entropy.clone(),
            running,
            long: LongAnswers::new(&self.settings.data_dir),
            place: NodePlace::new(
                &self.settings.data_dir,
                self.seams.said.clone(),
                self.seams.typed.clone(),
                BackupPlace {
                    dir: self.settings.backup.dir(&self.settings.data_dir),
                    role: Role::Peer,
                    reached_at: self.settings.reached_at(),
                    disk: Arc::downgrade(&self.seams.disk),
                    clock: self.seams.clock.clone(),
                },
            ),
            presence: Default::default(),
            rolls: Default::default(),
            runtime: tokio::runtime::Handle::current(),
        }
    }

    /// Starts the API.
    pub(super) async fn start_api(
        &self,
        peer: Peer,
        stop: StopOrder,
    ) -> Result<ServerHandle, RunError> {
        let listen = Listen::from(self.settings.api.listen).beside(self.settings.listen);
        let data_dir = &self.settings.data_dir;
        let public = self.start_public(peer.clone())?;
        let owned = Owned::Peer(peer);
        let (handle, address) = http::start(listen, data_dir, owned, stop).await?;
        tracing::info!(
            name = %self.name,
            address = %self.key.to_address(),
            listen = %self.listen,
            advertise = %self.context.greeting.address().map(ToString::to_string).unwrap_or_default(),
            api = %address,
            "peer up"
        );
        Ok(handle.beside(public))
    }
}

impl Ground {
    /// Shows this peer to everybody, where the settings say so.
    fn start_public(&self, peer: Peer) -> Result<Option<PublicHandle>, RunError> {
        let place = &self.settings.web.public;
        if place.is_empty() {
            return Ok(None);
        }
        let wrong = |reason: String| RunError::Setting {
            key: "web.public",
            reason,
        };
        let listen = place
            .parse()
            .map_err(|_| wrong(format!("{place} is no address")))?;
        let started = http::start_public(listen, peer);
        let (handle, address) =
            started.map_err(|error| wrong(format!("can't listen at {listen}: {error}")))?;
        tracing::info!(%address, "blocks and members are shown to everybody");
        Ok(Some(handle))
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

/// What another tracker has told that may wait for the link; one that tells more is broken.
const TO_JUDGE: usize = 1024;

/// Starts the conversations with all trackers but the first.
fn introduce(
    others: Vec<Address>,
    link: &Addr<TrackerLinkActor>,
    seams: &Seams,
    context: &SessionContext,
) -> Result<(), RunError> {
    let start = |(tracker, address): (usize, Address)| {
        let machine = Introducer::new(address.clone(), random_u64(&*seams.entropy));
        let introducer = Context::<IntroducerActor>::new();
        let own = introducer.address();
        let parts = IntroducerParts {
            tracker,
            address: address.to_string(),
            greeting: context.greeting.clone(),
            clock: seams.clock.clone(),
            begin: sessions_of(&own, context),
            dial: dials_of(&own, &seams.transport),
            link: Box::new(link.clone().recipient()),
            judge: Link::new(link, TO_JUDGE),
            admin: Box::new(link.clone().recipient()),
            statements: Box::new(link.clone().recipient()),
        };
        let shell = IntroducerShell::new(machine, parts);
        introducer.run(IntroducerActor::new(shell)).recipient()
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
    text.parse()
        .map_err(|error: NotAnAddress| RunError::Setting {
            key,
            reason: error.to_string(),
        })
}
