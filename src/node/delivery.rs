//! What a peer's owner sends and receives: the actors of outbox and inbox.

use super::RunError;
use super::opening::random_u64;
use super::peer::{Ground, WAITING};
use crate::actors::{GossipActor, InboxActor, LedgerActor, ReceiptChecks, RetryQueueActor, asking};
use crate::chain::NetworkId;
use crate::chain::tree::Tip;
use crate::keys::PublicKey;
use crate::messages::inbox::CountUnread;
use crate::messages::retry_queue::GetOutbox;
use crate::protocol::delivery::outbox::{MAX_WAITING, MAX_WAITING_BYTES, Outbox};
use crate::protocol::delivery::{inbox, inbox::Inbox, outbox};
use crate::protocol::retry::RetryLimits;
use crate::shell::{DeliveryLinks, InboxParts, InboxShell, Link, OutboxParts, OutboxShell};
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;
use actix::{Addr, AsyncContext, Context};
use std::collections::HashSet;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Both machines, opened, and the actors that are to run them.
pub(super) struct DeliveryParts {
    outbox: Outbox,
    inbox: Inbox,
    outbox_context: Context<RetryQueueActor>,
    inbox_context: Context<InboxActor>,
}

impl DeliveryParts {
    /// Takes up what is on the disk.
    pub(super) fn open(ground: &Ground, network: NetworkId, tip: &Tip) -> Result<Self, RunError> {
        let (disk, own) = (&*ground.seams.disk, ground.key);
        let settings = &ground.settings.delivery;
        let config = outbox::Config {
            own,
            network,
            keep_ms: u64::from(settings.keep_days) * DAY_MS,
            by_network_after_ms: settings.by_network_after.ms(),
            limits: RetryLimits {
                entries: MAX_WAITING,
                bytes: MAX_WAITING_BYTES,
            },
            seed: random_u64(&*ground.seams.entropy),
        };
        let now = ground.seams.clock.now();
        let rows = DeliveryTable::outbox(disk);
        let outbox = Outbox::open(config, &rows, &ChainRows(disk), tip.height(), now)?;
        let config = inbox::Config {
            own,
            network,
            blocked: blocked(&settings.blocked)?,
        };
        let inbox = Inbox::open(config, &DeliveryTable::inbox(disk))?;
        Ok(Self {
            outbox,
            inbox,
            outbox_context: Context::new(),
            inbox_context: Context::new(),
        })
    }

    /// The outbox's actor.
    pub(super) fn outbox(&self) -> Addr<RetryQueueActor> {
        self.outbox_context.address()
    }

    /// The inbox's actor.
    pub(super) fn inbox(&self) -> Addr<InboxActor> {
        self.inbox_context.address()
    }

    /// How the conversation with the peers reaches both.
    pub(super) fn links(&self) -> DeliveryLinks {
        DeliveryLinks {
            outbox: Link::new(&self.outbox(), WAITING),
            inbox: Link::new(&self.inbox(), WAITING),
        }
    }

    /// Starts both.
    pub(super) fn run(
        self,
        ground: &Ground,
        ledger: &Addr<LedgerActor>,
        gossip: &Addr<GossipActor>,
    ) -> RunningDelivery {
        let seams = &ground.seams;
        let (outbox, inbox) = (self.outbox(), self.inbox());
        let parts = OutboxParts {
            own: ground.key,
            disk: seams.disk.clone(),
            clock: seams.clock.clone(),
            store: Link::new(&ground.store, WAITING),
            reach: Link::new(gossip, WAITING),
            deliver: Link::new(gossip, WAITING),
            blame: Link::new(gossip, WAITING),
            ledger: asking(ledger.clone().recipient(), &outbox),
            // Every list is taken at once.
            checks: Link::to(
                ReceiptChecks {
                    verifier: seams.verifier.clone(),
                    back: outbox.clone(),
                },
                0,
            ),
            funds: asking(ledger.clone().recipient(), &outbox),
            events: ground.events(),
            fatal: seams.fatal.clone(),
        };
        let shell = OutboxShell::new(self.outbox, parts);
        let wallet = ground.wallet.clone().recipient();
        let outbox = self.outbox_context.run(RetryQueueActor::new(shell, wallet));
        let parts = InboxParts {
            disk: seams.disk.clone(),
            clock: seams.clock.clone(),
            store: Link::new(&ground.store, WAITING),
            answers: Link::new(gossip, WAITING),
            blame: Link::new(gossip, WAITING),
            ledger: asking(ledger.clone().recipient(), &inbox),
            open_note: asking(ground.wallet.clone().recipient(), &inbox),
            sign: asking(ground.wallet.clone().recipient(), &inbox),
            events: ground.events(),
            fatal: seams.fatal.clone(),
        };
        let inbox = self
            .inbox_context
            .run(InboxActor::new(InboxShell::new(self.inbox, parts)));
        RunningDelivery { outbox, inbox }
    }
}

/// Both actors, once they run.
pub(super) struct RunningDelivery {
    outbox: Addr<RetryQueueActor>,
    inbox: Addr<InboxActor>,
}

impl RunningDelivery {
    /// Waits until both have dealt with everything that they were told before: what follows from it
    /// is with the store then.
    pub(super) async fn settle(&self) {
        // An error means that it has ended already.
        let _ = self.inbox.send(CountUnread).await;
        let _ = self.outbox.send(GetOutbox::nothing_of_it()).await;
    }
}

fn blocked(addresses: &[String]) -> Result<HashSet<PublicKey>, RunError> {
    let key = |address: &String| {
        PublicKey::from_address(address).map_err(|error| RunError::Setting {
            key: "delivery.blocked",
            reason: format!("{address}: {error}"),
        })
    };
    addresses.iter().map(key).collect()
}
