//! What a peer answers: read what was asked, call, show.

use super::asked::{Key, LastEvent, Parameters};
use super::known::{Kept, Known};
use super::paths;
use super::resource;
use crate::chain::BlockId;
use crate::chain::proof::ProofJson;
use crate::http::events::{Streams, respond};
use crate::owner::answers::{
    AccountView, BalanceView, BallotView, BallotsView, BlockCheckView, BlocksView, CastRequest,
    CastView, ChainView, ConnectedView, HistoryView, InboxView, LedgerMembersView, LeftView,
    MinedView, MiningRequest, MiningView, NoRequest, OpenBallotRequest, OpenView, OpenedView,
    OutboxView, PeerStatusView, PeersView, ReadRequest, ReadView, ReceivedView, RecordRequest,
    RecordedView, RecordsView, SaidView, SendManyRequest, SendRequest, SendView, SentManyView,
    SentView, StatementRequest, SyncRequest, SyncView, TopicsView, VotersView,
};
use crate::owner::{InboxPage, Order, Peer, Refused, Which};
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Json, Path, ServiceConfig};
use futures_util::StreamExt;
use std::io;

/// What an answer in lines of JSON is.
const LINES: &str = "application/x-ndjson";

type Answer<T> = Result<Json<T>, Refused>;

/// The paths of a peer.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(&paths::STATUS, status))
        .service(resource(&paths::PEERS, peers))
        .service(resource(&paths::MEMBERS, members))
        .service(resource(&paths::BALANCE, balance))
        .service(resource(&paths::SEND, send))
        .service(resource(&paths::SEND_MANY, send_many))
        .service(resource(&paths::TRANSACTION, transaction))
        .service(resource(&paths::OPEN, open))
        .service(resource(&paths::OUTBOX, outbox))
        .service(resource(&paths::SENT, sent))
        .service(resource(&paths::RETRY, retry))
        .service(resource(&paths::WITHDRAW, withdraw))
        .service(resource(&paths::RELEASE, release))
        .service(resource(&paths::INBOX, inbox))
        .service(resource(&paths::READ, read))
        .service(resource(&paths::RECEIVED, received))
        .service(resource(&paths::HISTORY, history))
        .service(resource(&paths::ACCOUNT, account))
        .service(resource(&paths::EVENTS, events))
        .service(resource(&paths::ADD_RECORD, add_record))
        .service(resource(&paths::TOPICS, topics))
        .service(resource(&paths::RECORDS, records))
        .service(resource(&paths::OPEN_BALLOT, open_ballot))
        .service(resource(&paths::BALLOTS, ballots))
        .service(resource(&paths::VOTERS, voters))
        .service(resource(&paths::CAST, cast))
        .service(resource(&paths::AUDIT, audit))
        .service(resource(&paths::BALLOT, ballot))
        .service(resource(&paths::CHAIN, chain))
        .service(resource(&paths::VERIFY_CHAIN, verify_chain))
        .service(resource(&paths::EXPORT, export))
        .service(resource(&paths::BLOCKS, blocks))
        .service(resource(&paths::BLOCK, block))
        .service(resource(&paths::BLOCK_DATA, block_data))
        .service(resource(&paths::VERIFY_BLOCK, verify_block))
        .service(resource(&paths::PROOF, proof))
        .service(resource(&paths::MINE, mine))
        .service(resource(&paths::MINING, mining))
        .service(resource(&paths::SET_MINING, set_mining))
        .service(resource(&paths::SYNC, sync))
        .service(resource(&paths::DISCONNECT, disconnect))
        .service(resource(&paths::CONNECT, connect))
        .service(resource(&paths::LEAVE, leave))
        .service(resource(&paths::STATEMENTS, hear));
}

async fn status(peer: Data<Peer>) -> Answer<PeerStatusView> {
    peer.status().await.map(Json)
}

async fn peers(peer: Data<Peer>, asked: Parameters) -> Answer<PeersView> {
    peer.peers(&asked.peers()?).await.map(Json)
}

async fn members(peer: Data<Peer>, asked: Parameters) -> Answer<LedgerMembersView> {
    let at = asked.number("at")?;
    peer.members(at, &asked.page()?).await.map(Json)
}

async fn balance(peer: Data<Peer>, asked: Parameters) -> Answer<BalanceView> {
    peer.balance(asked.text("of")).await.map(Json)
}

async fn send(peer: Data<Peer>, key: Key, request: Json<SendRequest>) -> Answer<SentView> {
    peer.send(&request, key.0.as_deref()).await.map(Json)
}

async fn send_many(
    peer: Data<Peer>,
    key: Key,
    request: Json<SendManyRequest>,
) -> Answer<SentManyView> {
    peer.send_many(&request, key.0.as_deref()).await.map(Json)
}

async fn transaction(
    peer: Data<Peer>,
    id: Path<String>,
    known: Known,
) -> Result<HttpResponse, Refused> {
    known.or(&peer.transaction(&id).await?, Kept::AskAgain)
}

async fn open(peer: Data<Peer>, asked: Parameters) -> Answer<OpenView> {
    peer.open(&asked.page()?).await.map(Json)
}

async fn outbox(peer: Data<Peer>, asked: Parameters) -> Answer<OutboxView> {
    let which = match asked.flag("failed")? {
        true => Which::Failed,
        false => Which::Waiting,
    };
    peer.outbox(which, &asked.page()?).await.map(Json)
}

async fn sent(peer: Data<Peer>, id: Path<String>, asked: Parameters) -> Answer<SendView> {
    let patience = asked.patience()?;
    match asked.goal()? {
        None => peer.sent(&id).await.map(Json),
        Some(goal) => peer.sent_once(&id, goal, patience).await.map(Json),
    }
}

async fn retry(peer: Data<Peer>, id: Path<String>, _: Json<NoRequest>) -> Answer<SendView> {
    peer.retry(&id).await.map(Json)
}

async fn withdraw(peer: Data<Peer>, id: Path<String>, _: Json<NoRequest>) -> Answer<SendView> {
    peer.withdraw(&id).await.map(Json)
}

async fn release(peer: Data<Peer>, id: Path<String>, _: Json<NoRequest>) -> Answer<SendView> {
    peer.release(&id).await.map(Json)
}

async fn inbox(peer: Data<Peer>, asked: Parameters) -> Answer<InboxView> {
    let wanted = InboxPage {
        unread: asked.flag("unread")?,
        order: asked.order(Order::Oldest)?,
        page: asked.page()?,
    };
    peer.inbox(&wanted).await.map(Json)
}

async fn received(peer: Data<Peer>, name: Path<String>) -> Answer<ReceivedView> {
    peer.received(&name).await.map(Json)
}

async fn read(peer: Data<Peer>, request: Json<ReadRequest>) -> Answer<ReadView> {
    peer.mark_read(&request.numbers).await.map(Json)
}

async fn history(peer: Data<Peer>, asked: Parameters) -> Answer<HistoryView> {
    peer.history(&asked.page()?).await.map(Json)
}

async fn account(peer: Data<Peer>, asked: Parameters) -> Answer<AccountView> {
    peer.account(&asked.page()?).await.map(Json)
}

async fn events(
    peer: Data<Peer>,
    streams: Data<Streams>,
    last: LastEvent,
    asked: Parameters,
) -> Result<HttpResponse, Refused> {
    // A browser that comes back repeats the address, and says how far it got.
    let after = match last.0 {
        Some(last) => last,
        None => asked.event("after")?.unwrap_or_else(|| peer.last_event()),
    };
    respond(&streams, peer.follow(after, asked.kinds()?)?)
}

async fn add_record(
    peer: Data<Peer>,
    key: Key,
    request: Json<RecordRequest>,
) -> Answer<RecordedView> {
    peer.add_record(&request, key.0.as_deref()).await.map(Json)
}

async fn topics(peer: Data<Peer>, asked: Parameters) -> Answer<TopicsView> {
    peer.topics(&asked.page()?).await.map(Json)
}

async fn records(peer: Data<Peer>, topic: Path<String>, asked: Parameters) -> Answer<RecordsView> {
    peer.records(&topic, &asked.page()?).await.map(Json)
}

async fn open_ballot(
    peer: Data<Peer>,
    key: Key,
    request: Json<OpenBallotRequest>,
) -> Answer<OpenedView> {
    peer.open_ballot(&request, key.0.as_deref()).await.map(Json)
}

async fn ballots(peer: Data<Peer>, asked: Parameters) -> Answer<BallotsView> {
    peer.ballots(&asked.page()?).await.map(Json)
}

async fn ballot(peer: Data<Peer>, id: Path<String>) -> Answer<BallotView> {
    peer.ballot(&id).await.map(Json)
}

async fn voters(peer: Data<Peer>, id: Path<String>, asked: Parameters) -> Answer<VotersView> {
    peer.voters(&id, &asked.page()?).await.map(Json)
}

async fn cast(
    peer: Data<Peer>,
    id: Path<String>,
    key: Key,
    request: Json<CastRequest>,
) -> Answer<CastView> {
    peer.cast(&id, &request, key.0.as_deref()).await.map(Json)
}

async fn audit(peer: Data<Peer>, id: Path<String>) -> Result<HttpResponse, Refused> {
    let lines = peer.audit(&id).await?;
    let lines = lines.map(|lines| Ok::<_, io::Error>(Bytes::from(lines?)));
    Ok(HttpResponse::Ok().content_type(LINES).streaming(lines))
}

async fn chain(peer: Data<Peer>) -> Answer<ChainView> {
    peer.chain().await.map(Json)
}

async fn verify_chain(peer: Data<Peer>) -> Result<HttpResponse, Refused> {
    let lines = peer.verify_chain().await?.map(|line| {
        let mut text = serde_json::to_vec(&line?)?;
        text.push(b'\n');
        Ok::<_, io::Error>(Bytes::from(text))
    });
    Ok(HttpResponse::Ok().content_type(LINES).streaming(lines))
}

async fn export(peer: Data<Peer>) -> Result<HttpResponse, Refused> {
    let lines = peer.export().await?;
    let lines = lines.map(|lines| Ok::<_, io::Error>(Bytes::from(lines?)));
    Ok(HttpResponse::Ok().content_type(LINES).streaming(lines))
}

async fn blocks(peer: Data<Peer>, asked: Parameters) -> Answer<BlocksView> {
    let order = asked.order(Order::Latest)?;
    peer.blocks(order, &asked.page()?).await.map(Json)
}

async fn block(
    peer: Data<Peer>,
    name: Path<String>,
    known: Known,
) -> Result<HttpResponse, Refused> {
    known.or(&peer.block(&name).await?, Kept::AskAgain)
}

async fn block_data(
    peer: Data<Peer>,
    name: Path<String>,
    known: Known,
) -> Result<HttpResponse, Refused> {
    // The id is the hash of all of it; a height, or the beginning of an id, may come to mean another.
    let kept = match name.parse::<BlockId>() {
        Ok(_) => Kept::Forever,
        Err(_) => Kept::AskAgain,
    };
    known.or(&peer.block_data(&name).await?, kept)
}

async fn verify_block(peer: Data<Peer>, name: Path<String>) -> Answer<BlockCheckView> {
    peer.verify_block(&name).await.map(Json)
}

async fn proof(peer: Data<Peer>, id: Path<String>, asked: Parameters) -> Answer<ProofJson> {
    let tail = asked.number("tail")?;
    peer.proof(&id, tail, asked.text("until")).await.map(Json)
}

async fn mine(peer: Data<Peer>, _: Json<NoRequest>) -> Answer<MinedView> {
    peer.mine().await.map(Json)
}

async fn mining(peer: Data<Peer>) -> Answer<MiningView> {
    peer.mining().await.map(Json)
}

async fn set_mining(peer: Data<Peer>, request: Json<MiningRequest>) -> Answer<MiningView> {
    peer.set_mining(&request).await.map(Json)
}

async fn sync(peer: Data<Peer>, request: Json<SyncRequest>) -> Answer<SyncView> {
    peer.sync_from(&request.from).await.map(Json)
}

async fn disconnect(peer: Data<Peer>, _: Json<NoRequest>) -> Answer<ConnectedView> {
    peer.connect(false).await.map(Json)
}

async fn connect(peer: Data<Peer>, _: Json<NoRequest>) -> Answer<ConnectedView> {
    peer.connect(true).await.map(Json)
}

async fn hear(peer: Data<Peer>, request: Json<StatementRequest>) -> Answer<SaidView> {
    peer.hear(&request).await.map(Json)
}

async fn leave(peer: Data<Peer>, _: Json<NoRequest>) -> Answer<LeftView> {
    peer.leave().await.map(Json)
}
