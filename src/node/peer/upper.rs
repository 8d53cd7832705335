//! What a peer runs once its network is known.

use super::ground::PAGE;
use super::{Ground, WAITING};
use crate::actors::{
    GossipActor, LedgerActor, MinerActor, asking, dials_of, gossip_links, search_reports,
    sessions_of,
};
use crate::chain::ledger::{self, Ledger};
use crate::chain::{Genesis, MempoolLimits, NetworkId, Rules, Work};
use crate::membership::Statements;
use crate::messages::store::{Committer, ReportTo};
use crate::messages::tracker_link::AttachDirectory;
use crate::node::RunError;
use crate::node::delivery::{DeliveryParts, RunningDelivery};
use crate::node::opening::random_u64;
use crate::node::seams::Place;
use crate::owner::PeerParts;
use crate::protocol::gossip::Gossip;
use crate::protocol::gossip::peers::PeersLimits;
use crate::protocol::mining::{Mining, Mode};
use crate::settings::MiningMode;
use crate::shell::{
    DeliveryLinks, GossipParts, GossipShell, LedgerLinks, Link, MinerParts, MinerShell, Showing,
};
use crate::store::chain_rows::{ChainRows, stored_open};
use crate::store::{Table, rows_from};
use actix::{Addr, AsyncContext, Context};
use std::sync::{Arc, OnceLock};

/// What runs once the network is known.
pub(crate) struct Upper {
    pub(crate) ledger: Addr<LedgerActor>,
    pub(crate) gossip: Addr<GossipActor>,
    pub(super) miner: Addr<MinerActor>,
    pub(super) delivery: RunningDelivery,
    pub(super) ledger_place: Place,
}

impl Ground {
    /// Builds the upper floors on the network that was heard of.
    pub(crate) async fn build(
        &self,
        genesis: Genesis,
        running: &OnceLock<PeerParts>,
    ) -> Result<Upper, RunError> {
        let network: NetworkId = genesis.id();
        let members = Arc::new(Statements::new(&genesis));
        self.context.greeting.set_network(network);
        self.context.greeting.know_tracker(genesis.content.tracker);
        let rules = Rules::new(genesis, &self.seams.applications)?;
        let (disk, clock) = (self.seams.disk.clone(), self.seams.clock.clone());
        let open = stored_open(&*disk)?;
        let config = ledger::Config {
            rules: rules.clone(),
            limits: MempoolLimits::default(),
            owner: Some(self.key),
        };
        let (ledger, effects) = Ledger::open(config, open, &ChainRows(&*disk), clock.steady())?;
        let tip = *ledger.tip();
        self.context.greeting.set_height(tip.height());
        tracing::info!(height = tip.height().0, block = %tip.id, "ledger opened");

        let delivery = DeliveryParts::open(self, network, &tip)?;
        let gossip_context = Context::<GossipActor>::new();
        let miner_context = Context::<MinerActor>::new();
        let (gossip, miner) = (gossip_context.address(), miner_context.address());
        let links = LedgerLinks {
            store: Link::new(&self.store, WAITING),
            gossip: Link::new(&gossip, WAITING),
            outbox: Link::new(&delivery.outbox(), WAITING),
            inbox: Link::new(&delivery.inbox(), WAITING),
            tip_moved: Link::new(&miner, WAITING),
            open_changed: Link::new(&miner, WAITING),
            mining_complete: Link::new(&miner, WAITING),
            events: self.events(),
        };
        let fatal = self.seams.fatal.clone();
        let showing = Arc::<Showing>::default();
        let shell = LedgerActor::new(
            (ledger, effects),
            disk,
            clock.clone(),
            self.seams.verifier.clone(),
            showing.clone(),
            links,
            fatal,
        );
        let ledger_place = self.seams.place();
        let ledger = ledger_place.start(shell);
        self.attach(&ledger, &gossip, &delivery).await?;
        gossip_context.run(GossipActor::new(self.gossip(
            (members, tip.work()),
            &gossip,
            (&ledger, showing),
            delivery.links(),
        )?));
        let max_ahead_ms = rules.params().max_ahead_ms();
        miner_context.run(self.miner(max_ahead_ms, &miner, &ledger));
        let (outbox, inbox) = (delivery.outbox(), delivery.inbox());
        let delivery = delivery.run(self, &ledger, &gossip);
        // Set once: the network is known once.
        let _ = running.set(PeerParts {
            rules,
            send: outbox.clone().recipient(),
            send_many: outbox.clone().recipient(),
            outbox: outbox.clone().recipient(),
            outbox_line: outbox.clone().recipient(),
            retry: outbox.clone().recipient(),
            withdraw: outbox.clone().recipient(),
            release: outbox.recipient(),
            unread: inbox.clone().recipient(),
            mark_read: inbox.recipient(),
            ledger_status: ledger.clone().recipient(),
            funds: ledger.clone().recipient(),
            open_transactions: ledger.clone().recipient(),
            open_records: ledger.clone().recipient(),
            mine: miner.clone().recipient(),
            miner_status: miner.clone().recipient(),
            set_mining: miner.clone().recipient(),
            gossip: gossip.clone().recipient(),
            sync_from: gossip.clone().recipient(),
            connect_link: self.link.clone().recipient(),
            connect: gossip.clone().recipient(),
        });
        Ok(Upper {
            ledger,
            gossip,
            miner,
            delivery,
            ledger_place,
        })
    }

    /// The conversation with these peers, on a chain of so much work.
    fn gossip(
        &self,
        (members, work): (Arc<Statements>, Work),
        own: &Addr<GossipActor>,
        (ledger, showing): (&Addr<LedgerActor>, Arc<Showing>),
        delivery: DeliveryLinks,
    ) -> Result<GossipShell, RunError> {
        let limits = PeersLimits {
            outgoing: self.settings.peers.outgoing.into(),
            incoming: self.settings.peers.incoming.into(),
        };
        let seed = random_u64(&*self.seams.entropy);
        let met = rows_from(&*self.seams.disk, Table::Met, &[], PAGE);
        let met = met.collect::<Result<Vec<_>, _>>()?;
        let machine = Gossip::new(self.key, limits, work, seed, self.seams.clock.steady());
        let machine = machine.taking_up(met)?;
        let parts = GossipParts {
            members,
            greeting: self.context.greeting.clone(),
            clock: self.seams.clock.clone(),
            begin: sessions_of(own, &self.context),
            dial: dials_of(own, &self.seams.transport),
            ledger: gossip_links(ledger),
            showing,
            delivery,
            statements: Box::new(self.link.clone().recipient()),
            store: Link::new(&self.store, WAITING),
            events: self.events(),
        };
        Ok(GossipShell::new(machine, parts))
    }

    /// The miner, on a network whose blocks may be ahead of a clock by so much.
    fn miner(
        &self,
        max_ahead_ms: u64,
        own: &Addr<MinerActor>,
        ledger: &Addr<LedgerActor>,
    ) -> MinerActor {
        let (ended, reports) = search_reports();
        let parts = MinerParts {
            reward_to: self.key,
            threads: self.settings.mining.threads,
            search: (self.seams.search)(self.settings.mining.threads),
            ended,
            clock: self.seams.clock.clone(),
            own_clock: asking(self.clocks.clone().recipient(), own),
            templates: asking(ledger.clone().recipient(), own),
            blocks: asking(ledger.clone().recipient(), own),
            events: self.events(),
        };
        let mining = Mining::new(self.mode(), max_ahead_ms);
        MinerActor::new(MinerShell::new(mining, parts), reports)
    }

    /// Tells the store whom to report to, and the link whom to tell of members.
    async fn attach(
        &self,
        ledger: &Addr<LedgerActor>,
        gossip: &Addr<GossipActor>,
        delivery: &DeliveryParts,
    ) -> Result<(), RunError> {
        let reports = [
            (Committer::Ledger, ledger.clone().recipient()),
            (Committer::Outbox, delivery.outbox().recipient()),
            (Committer::Inbox, delivery.inbox().recipient()),
        ];
        let directory = AttachDirectory {
            gossip: gossip.clone().recipient(),
            ledger: ledger.clone().recipient(),
            outbox: delivery.outbox().recipient(),
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
