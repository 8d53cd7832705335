//! What a peer does for its owner, apart from what is sent and received and what is on the chain.

use super::answers::{
    BalanceView, BranchChangeView, CatchingUpView, ChainStatusView, ConnectedView,
    DeliveryStatusView, FetchedFirstView, LeftView, MinedView, MiningRequest, MiningView,
    NetworkView, PeerStatusView, ReachView, StatementView, SyncView, TrackerLinkView,
};
use super::chain_reads::{tip_of, tip_view};
use super::codes::Code;
use super::people::People;
use super::{Peer, PeerParts, Refused};
use crate::chain::Amount;
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::messages::clocks::GetOwnClock;
use crate::messages::gossip::{Connect, GetGossipStatus, SyncFrom};
use crate::messages::inbox::CountUnread;
use crate::messages::ledger::{AtTip, GetFunds, GetLedgerStatus};
use crate::messages::miner::{GetMinerStatus, MineBlock, MinerStatus, SetMiningMode};
use crate::messages::retry_queue::GetOutbox;
use crate::messages::tracker_link::{DirectoryStatus, LeaveError, LeaveNetwork};
use crate::protocol::tracker_link::Reach;
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use std::sync::Arc;

/// Differences between the tracker's word and the ledger that the status shows.
const DIFFERENCES_SHOWN: usize = 20;

impl Peer {
    /// What it is called.
    pub fn name(&self) -> &MemberName {
        &self.name
    }

    /// Its signing key: its address.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// Why it is on no network yet, as far as is known; only meant for one that is on none.
    pub(crate) fn why_waiting(&self) -> String {
        why_waiting(&self.known.borrow())
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`Code::Stopping`].
    pub async fn status(&self) -> Result<PeerStatusView, Refused> {
        let chain = match self.running.get() {
            Some(parts) => Some(self.chain_status(parts).await?),
            None => None,
        };
        let clock = self.own_clock.send(GetOwnClock).await?.into();
        let known = self.known();
        let is_out = self.put_out(&known).is_some();
        let typed = self.place.typed();
        Ok(PeerStatusView {
            role: "peer".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: self.name.clone(),
            address: self.key.to_address(),
            put_out: self.put_out(&known),
            disconnected: known.apart,
            waiting: chain.is_none().then(|| typed.text(&why_waiting(&known))),
            tracker: TrackerLinkView {
                endpoint: known.tracker.clone(),
                registered: known.registered,
                trouble: known.trouble.as_deref().map(|why| typed.text(why)),
                member_until: known.member_until().filter(|_| !is_out),
            },
            reach: reach(&known, &self.key),
            clock,
            chain,
            on_ledger: self.on_ledger(),
            differs: self.differences(DIFFERENCES_SHOWN),
        })
    }

    /// By which statement this node is put out, if it is.
    fn put_out(&self, known: &DirectoryStatus) -> Option<StatementView> {
        let signed = known.statements.as_ref()?.out(&self.key)?;
        Some(StatementView::new(signed, Some(self.name.clone())))
    }

    async fn chain_status(&self, parts: &PeerParts) -> Result<ChainStatusView, Refused> {
        let ledger = parts.ledger_status.send(GetLedgerStatus).await?;
        let gossip = parts.gossip.send(GetGossipStatus).await?;
        let miner = parts.miner_status.send(GetMinerStatus).await?;
        let waiting = parts.outbox.send(GetOutbox::nothing_of_it()).await?.waiting;
        let unread = parts.unread.send(CountUnread).await?;
        // As all that is read of the chain: what the ledger holds may be ahead of the disk.
        let disk = self.disk()?;
        let tip = tip_of(&parts.rules, &ChainRows(&*disk.snapshot()))?;
        Ok(ChainStatusView {
            network: NetworkView {
                name: parts.rules.params().name.to_string(),
                id: Some(parts.rules.network()),
            },
            tip_age_ms: self.clock.wall().since(tip.timestamp),
            tip,
            best_header: tip_view(&ledger.best_header),
            syncing: ledger.syncing,
            catching_up: ledger.catching_up.map(|estimate| CatchingUpView {
                blocks_per_second: estimate.blocks_per_second,
                ms_left: estimate.ms_left,
            }),
            fetched_first: gossip
                .fetched_first
                .map(|(key, has_shown)| FetchedFirstView {
                    address: key.to_address(),
                    has_shown,
                }),
            sessions: gossip.sessions.len(),
            open_transactions: ledger.open_transactions,
            open_bytes: ledger.open_bytes,
            mining: mining_view(miner),
            delivery: DeliveryStatusView {
                queued: waiting.queued,
                reserved: waiting.reserved,
                unread,
            },
            branch_change: ledger
                .branch_change
                .map(|change| BranchChangeView::new(change, self.clock.wall())),
        })
    }

    /// What somebody has; this node's owner, if nobody is named.
    ///
    /// # Errors
    /// [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn balance(&self, of: Option<&str>) -> Result<BalanceView, Refused> {
        let parts = self.parts()?;
        let known = self.known();
        let people = self.people(&known);
        let of = match of {
            Some(typed) => people.key_of(typed)?,
            None => self.key,
        };
        let (funds, tip) = parts.funds.send(AtTip(GetFunds(of))).await?;
        let mut funds = funds?;
        if of == self.key {
            // What is queued is spent as well, as far as its owner is concerned.
            let queued = parts.outbox.send(GetOutbox::nothing_of_it()).await?.waiting;
            let promised = funds.promised.0.saturating_add(queued.reserved.0);
            funds.promised = Amount(promised);
        }
        Ok(BalanceView {
            of: people.person(&of),
            balance: funds.balance,
            promised: funds.promised,
            spendable: funds.balance.minus(funds.promised).unwrap_or_default(),
            tip: tip_view(&tip),
        })
    }

    /// How mining goes.
    ///
    /// # Errors
    /// [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn mining(&self) -> Result<MiningView, Refused> {
        let status = self.parts()?.miner_status.send(GetMinerStatus).await?;
        Ok(mining_view(status))
    }

    /// Has it mine at other times, until the node is started again.
    ///
    /// # Errors
    /// [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn set_mining(&self, request: &MiningRequest) -> Result<MiningView, Refused> {
        let order = SetMiningMode(request.mode);
        let status = self.parts()?.set_mining.send(order).await?;
        Ok(mining_view(status))
    }

    /// Mines one block, however long it takes. The answer comes after the synced write.
    ///
    /// # Errors
    /// [`Code::NoNetwork`], [`Code::Busy`], [`Code::Stopping`], [`Code::Internal`].
    pub async fn mine(&self) -> Result<MinedView, Refused> {
        let mined = self.parts()?.mine.send(MineBlock).await??;
        Ok(MinedView {
            id: mined.id,
            height: mined.height,
            transactions: mined.transactions,
            tries: mined.tries,
            elapsed_ms: mined.elapsed_ms,
            races_lost: mined.races_lost,
        })
    }

    /// Fetches the chain of one peer before that of others.
    ///
    /// # Errors
    /// [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::NotConnected`], [`Code::NoNetwork`],
    /// [`Code::Stopping`].
    pub async fn sync_from(&self, from: &str) -> Result<SyncView, Refused> {
        let parts = self.parts()?;
        let known = self.known();
        let people = self.people(&known);
        let key = people.key_of(from)?;
        let height = parts.sync_from.send(SyncFrom(key)).await?;
        let height = height.ok_or_else(|| {
            let detail = format!("{from} is not connected to this node: `node peers` lists who is");
            Refused::new(Code::NotConnected, detail)
        })?;
        Ok(SyncView {
            from: people.person(&key),
            height,
        })
    }

    /// Says goodbye to everybody and keeps no session, or takes all of it up again. It lasts until the other
    /// is asked for, or the next start; the node goes on with what it has.
    ///
    /// # Errors
    /// [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn connect(&self, connected: bool) -> Result<ConnectedView, Refused> {
        let parts = self.parts()?;
        parts.connect_link.send(Connect(connected)).await?;
        parts.connect.send(Connect(connected)).await?;
        Ok(ConnectedView { connected })
    }

    /// How long so many blocks take if they come as the network wants them, in milliseconds; `None` as long as no
    /// network is known.
    pub fn usual_ms(&self, blocks: u64) -> Option<u64> {
        let parts = self.running.get()?;
        Some(parts.rules.params().interval_ms.saturating_mul(blocks))
    }

    /// Dials the tracker, and looks for members, at once instead of when it is time. The owner's own wish to be
    /// disconnected stays.
    ///
    /// # Errors
    /// [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn try_now(&self) -> Result<(), Refused> {
        if !self.known().apart {
            self.connect(true).await?;
        }
        Ok(())
    }

    /// Leaves the network for good, on the ledger as well, if it is a member there; answers once the tracker has
    /// taken this node off its list.
    ///
    /// # Errors
    /// [`Code::NotRegistered`], [`Code::JoinOpen`], [`Code::CutOff`], [`Code::OutboxFull`], [`Code::Stopping`].
    pub async fn leave(&self) -> Result<LeftView, Refused> {
        if !self.known().registered {
            return Err(LeaveError::NotRegistered.into());
        }
        // First, while everybody takes it from this node.
        let tx = self.leave_ledger().await?;
        self.leave.send(LeaveNetwork).await??;
        Ok(LeftView {
            name: self.name.clone(),
            tx,
        })
    }

    /// The rows, while the node lives.
    pub(super) fn disk(&self) -> Result<Arc<dyn Disk>, Refused> {
        let ended = || Refused::new(Code::Stopping, "the node has ended: start it again");
        self.disk.upgrade().ok_or_else(ended)
    }

    /// What is known of members and tracker at this moment: shared, not copied.
    pub(super) fn known(&self) -> Arc<DirectoryStatus> {
        self.known.borrow().clone()
    }

    /// Names and keys, among those who are known.
    pub(super) fn people<'a>(&'a self, known: &'a DirectoryStatus) -> People<'a> {
        People {
            directory: &known.directory,
            own_name: &self.name,
            own_key: self.key,
            statements: known.statements.as_deref(),
        }
    }

    /// What needs a network, or why there is none yet.
    pub(super) fn parts(&self) -> Result<&PeerParts, Refused> {
        let none = || Refused::new(Code::NoNetwork, why_waiting(&self.known.borrow()));
        self.running.get().ok_or_else(none)
    }
}

fn reach(known: &DirectoryStatus, own: &PublicKey) -> ReachView {
    let own = known.directory.by_key(own);
    let addresses = own.map(|own| own.record.statement.addresses.iter());
    ReachView {
        reachable: match known.reach {
            Reach::Unknown => None,
            Reach::Reached => Some(true),
            Reach::NotReached => Some(false),
        },
        endpoints: addresses
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect(),
        trouble: known.unreached.clone(),
    }
}

fn mining_view(status: MinerStatus) -> MiningView {
    MiningView {
        running: status.running,
        hashes_per_second: status.hashes_per_second,
        blocks_mined: status.blocks_mined,
        races_lost: status.races_lost,
        mode: status.mode,
    }
}

/// Why there is no network yet, for people.
fn why_waiting(known: &DirectoryStatus) -> String {
    let tracker = &known.tracker;
    match &known.trouble {
        Some(trouble) => format!(
            "this node is on no network yet: the tracker {tracker} does not help ({trouble}); it \
             is tried again all the time"
        ),
        None => format!(
            "this node is on no network yet: the tracker {tracker} is being asked for it; try \
             again in a moment"
        ),
    }
}
