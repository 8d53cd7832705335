//! What a peer answers: parse, call, show.

use super::chain_reads::{self, BlockName, parse_transaction_id, tip_view, transaction_view};
use super::error::Refused;
use super::member_lookup::MemberLookup;
use super::server::resource;
use super::views::{
    AcceptRequest, AcceptedView, BalanceView, BlockView, BranchChangeView, CatchingUpView,
    ChainStatusView, DeliveryStatusView, LeaveRequest, LeftView, MineRequest, MinedView,
    MiningView, NetworkView, OpenView, PeerStatusView, PeersView, SyncRequest, SyncView,
    TrackerLinkView, TransactionStateView,
};
use super::{MAX_OPEN_LISTED, PeerApi, PeerParts, chain_calls, delivery, tracker};
use crate::chain::Amount;
use crate::messages::clocks::GetOwnClock;
use crate::messages::gossip::{GetGossipStatus, SyncFrom};
use crate::messages::inbox::CountUnread;
use crate::messages::ledger::{GetFunds, GetLedgerStatus, GetOpenTransactions, LedgerStatus};
use crate::messages::miner::{GetMinerStatus, MineBlock};
use crate::messages::retry_queue::GetOutbox;
use crate::messages::tracker_link::{
    AcceptChangedKey, DirectoryStatus, GetDirectory, LeaveNetwork,
};
use crate::store::chain_rows::ChainRows;
use actix::MailboxError;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use serde::Deserialize;
use std::future::Future;

/// How often an answer is asked for again because the tip moved meanwhile. Blocks come every few
/// seconds and an answer takes a millisecond: once more is rare.
const MOVED_TIP_RETRIES: usize = 8;

/// The paths of a peer.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/status", web::get().to(status)))
        .service(resource("/peers", web::get().to(peers)))
        .service(resource("/balance", web::get().to(balance)))
        .service(resource("/blocks/{name}", web::get().to(block)))
        .service(resource("/transactions/{id}", web::get().to(transaction)))
        .service(resource("/open", web::get().to(open)))
        .service(resource("/mine", web::post().to(mine)))
        .service(resource("/sync", web::post().to(sync)))
        .service(resource("/leave", web::post().to(leave)))
        .service(resource("/accept", web::post().to(accept)))
        .configure(chain_calls::routes)
        .configure(delivery::routes);
}

async fn status(api: Data<PeerApi>) -> Result<Json<PeerStatusView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let chain = match api.running.get() {
        Some(parts) => Some(chain_status(&api, parts).await?),
        None => None,
    };
    Ok(Json(PeerStatusView {
        role: "peer".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: api.name.clone(),
        address: api.key.to_address(),
        waiting: chain.is_none().then(|| why_waiting(&directory)),
        tracker: TrackerLinkView {
            endpoint: directory.tracker,
            registered: directory.registered,
            trouble: directory.trouble,
        },
        clock: api.own_clock.send(GetOwnClock).await?.into(),
        chain,
    }))
}

async fn chain_status(api: &PeerApi, parts: &PeerParts) -> Result<ChainStatusView, Refused> {
    let ledger = parts.ledger_status.send(GetLedgerStatus).await?;
    let gossip = parts.gossip.send(GetGossipStatus).await?;
    let miner = parts.miner_status.send(GetMinerStatus).await?;
    let waiting = parts.outbox.send(GetOutbox { limit: 0 }).await?.waiting;
    let unread = parts.unread.send(CountUnread).await?;
    let tip = tip_view(&ledger.tip);
    Ok(ChainStatusView {
        network: NetworkView {
            name: parts.rules.params().name.to_string(),
            id: Some(parts.rules.network()),
        },
        tip_age_ms: api.clock.wall().since(tip.timestamp),
        tip,
        best_header: tip_view(&ledger.best_header),
        syncing: ledger.best_header.work() > ledger.tip.work(),
        catching_up: ledger.catching_up.map(|estimate| CatchingUpView {
            blocks_per_second: estimate.blocks_per_second,
            ms_left: estimate.ms_left,
        }),
        sessions: gossip.sessions.len(),
        open_transactions: ledger.open_transactions,
        open_bytes: ledger.open_bytes,
        mining: MiningView {
            running: miner.running,
            hashes_per_second: miner.hashes_per_second,
            blocks_mined: miner.blocks_mined,
        },
        delivery: DeliveryStatusView {
            queued: waiting.queued,
            reserved: waiting.reserved,
            unread,
        },
        branch_change: ledger
            .branch_change
            .map(|change| BranchChangeView::new(change, api.clock.wall())),
    })
}

async fn leave(api: Data<PeerApi>, _: Json<LeaveRequest>) -> Result<Json<LeftView>, Refused> {
    api.leave.send(LeaveNetwork).await??;
    Ok(Json(LeftView {
        name: api.name.clone(),
    }))
}

async fn accept(
    api: Data<PeerApi>,
    request: Json<AcceptRequest>,
) -> Result<Json<AcceptedView>, Refused> {
    let name = request.into_inner().name;
    let (former, key) = api.accept.send(AcceptChangedKey(name.clone())).await??;
    Ok(Json(AcceptedView {
        name,
        former: former.to_address(),
        address: key.to_address(),
    }))
}

async fn peers(api: Data<PeerApi>) -> Result<Json<PeersView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let sessions = match api.running.get() {
        Some(parts) => parts.gossip.send(GetGossipStatus).await?.sessions,
        None => Vec::new(),
    };
    let own = Some(&api.key);
    Ok(Json(tracker::peers_view(&directory.members, sessions, own)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceQuery {
    /// A member's name, or an address.
    of: Option<String>,
}

async fn balance(
    api: Data<PeerApi>,
    query: Query<BalanceQuery>,
) -> Result<Json<BalanceView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let lookup = api.lookup(&directory);
    let of = match &query.of {
        Some(typed) => lookup.key_of(typed)?,
        None => api.key,
    };
    let (funds, ledger) = at_one_tip(parts, || parts.funds.send(GetFunds(of))).await?;
    let mut funds = funds?;
    if of == api.key {
        // What is queued is spent as well, as far as its owner is concerned.
        let queued = parts.outbox.send(GetOutbox { limit: 0 }).await?.waiting;
        let promised = funds.promised.0.saturating_add(queued.reserved.0);
        funds.promised = Amount(promised);
    }
    Ok(Json(BalanceView {
        of: lookup.person(&of),
        balance: funds.balance,
        promised: funds.promised,
        spendable: funds.balance.minus(funds.promised).unwrap_or_default(),
        tip: tip_view(&ledger.tip),
    }))
}

async fn block(api: Data<PeerApi>, name: Path<String>) -> Result<Json<BlockView>, Refused> {
    let name = BlockName::parse(&name)?;
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let lookup = api.lookup(&directory);
    let snapshot = api.disk.snapshot();
    let view = ChainRows(&*snapshot);
    chain_reads::block(&parts.rules, &view, &lookup, name).map(Json)
}

async fn transaction(
    api: Data<PeerApi>,
    id: Path<String>,
) -> Result<Json<TransactionStateView>, Refused> {
    let id = parse_transaction_id(&id)?;
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let lookup = api.lookup(&directory);
    let snapshot = api.disk.snapshot();
    let view = ChainRows(&*snapshot);
    chain_reads::transaction_state(&parts.rules, &view, &lookup, id).map(Json)
}

async fn open(api: Data<PeerApi>) -> Result<Json<OpenView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let asked = || {
        parts.open_transactions.send(GetOpenTransactions {
            limit: MAX_OPEN_LISTED,
        })
    };
    let (transactions, ledger) = at_one_tip(parts, asked).await?;
    let lookup = api.lookup(&directory);
    Ok(Json(OpenView {
        count: ledger.open_transactions.max(transactions.len()),
        transactions: transactions
            .iter()
            .map(|transaction| transaction_view(transaction, &lookup))
            .collect(),
        tip: tip_view(&ledger.tip),
    }))
}

async fn mine(api: Data<PeerApi>, _: Json<MineRequest>) -> Result<Json<MinedView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let mined = parts.mine.send(MineBlock).await??;
    Ok(Json(MinedView {
        id: mined.id,
        height: mined.height,
        transactions: mined.transactions,
        tries: mined.tries,
        elapsed_ms: mined.elapsed_ms,
        races_lost: mined.races_lost,
    }))
}

async fn sync(api: Data<PeerApi>, request: Json<SyncRequest>) -> Result<Json<SyncView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let lookup = api.lookup(&directory);
    let from = lookup.key_of(&request.from)?;
    let height = parts.sync_from.send(SyncFrom(from)).await?;
    let height = height.ok_or_else(|| {
        let reason = format!(
            "{} is not connected to this node: `node peers` lists who is",
            request.from
        );
        Refused::new(StatusCode::CONFLICT, "not_connected", reason)
    })?;
    Ok(Json(SyncView {
        from: lookup.person(&from),
        height,
    }))
}

impl PeerApi {
    pub(super) fn lookup<'a>(&'a self, directory: &'a DirectoryStatus) -> MemberLookup<'a> {
        MemberLookup::new(&directory.members, &self.name, self.key)
    }
}

/// What needs a network, or why there is none yet.
pub(super) fn parts<'a>(
    api: &'a PeerApi,
    directory: &DirectoryStatus,
) -> Result<&'a PeerParts, Refused> {
    api.running.get().ok_or_else(|| {
        Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_network",
            why_waiting(directory),
        )
    })
}

/// Why there is no network yet, for people.
fn why_waiting(directory: &DirectoryStatus) -> String {
    let tracker = &directory.tracker;
    match &directory.trouble {
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

/// What the ledger answers, and the one tip at which it does: asked for again if the tip moved
/// meanwhile.
async fn at_one_tip<T, F>(
    parts: &PeerParts,
    ask: impl Fn() -> F,
) -> Result<(T, LedgerStatus), Refused>
where
    F: Future<Output = Result<T, MailboxError>>,
{
    let mut before = parts.ledger_status.send(GetLedgerStatus).await?;
    for _ in 0..MOVED_TIP_RETRIES {
        let answer = ask().await?;
        let after = parts.ledger_status.send(GetLedgerStatus).await?;
        if after.tip.id == before.tip.id {
            return Ok((answer, after));
        }
        before = after;
    }
    Err(Refused::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "the chain is moving too fast to say anything of one moment: the node is catching up, try \
         again shortly",
    ))
}
