//! What a peer answers about what its owner sends and receives.

mod reading;
mod sending;

pub(crate) use sending::send_for_owner;

use super::chain_reads::parse_transaction_id;
use super::error::Refused;
use super::peer::parts;
use super::server::resource;
use super::views::{
    HistoryEntry, HistoryView, InboxView, OrderRequest, OutboxView, ReadRequest, ReadView,
    SendRequest, SendView, SentView,
};
use super::{DEFAULT_LISTED, MAX_LISTED, PeerApi, PeerParts};
use crate::chain::{Internal, TransactionId};
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::retry_queue::{GetOutbox, GetSend, RetrySend, WithdrawSend};
use crate::messages::tracker_link::GetDirectory;
use crate::protocol::delivery::outbox::{Line, OrderError};
use crate::protocol::delivery::rows::{self, DeliveryRows, ReceivedFacts, SendFacts, marked_from};
use crate::store::delivery_rows::DeliveryTable;
use actix::{Message, Recipient};
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use reading::Reading;
use serde::Deserialize;

/// Hexadecimal digits of a transaction's id.
const ID_DIGITS: usize = 64;
/// Digits that must be given of one at least: fewer are more likely a slip than an id.
const MIN_DIGITS: usize = 6;
/// Failed sends that the outbox shows, and how far back they are looked for.
const FAILED_SHOWN: usize = 20;
const FAILED_SOUGHT: u64 = 1_000;

/// The paths.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/transactions", web::post().to(send)))
        .service(resource("/outbox", web::get().to(outbox)))
        .service(resource("/outbox/{id}", web::get().to(one)))
        .service(resource("/outbox/{id}/retry", web::post().to(retry)))
        .service(resource("/outbox/{id}/withdraw", web::post().to(withdraw)))
        .service(resource("/inbox", web::get().to(inbox)))
        .service(resource("/inbox/read", web::post().to(read)))
        .service(resource("/history", web::get().to(history)));
}

async fn send(api: Data<PeerApi>, request: Json<SendRequest>) -> Result<Json<SentView>, Refused> {
    send_for_owner(&api, &request).await.map(Json)
}

async fn outbox(api: Data<PeerApi>) -> Result<Json<OutboxView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let status = parts.outbox.send(GetOutbox { limit: MAX_LISTED }).await?;
    let snapshot = api.disk.snapshot();
    let reading = Reading::begin(&api, parts, &*snapshot, &directory)?;
    let mut sends = Vec::with_capacity(status.lines.len());
    for line in status.lines {
        sends.push(reading.waiting(line).await?);
    }
    let rows = DeliveryTable::outbox(&*snapshot);
    let next = rows::next_number(&rows)?;
    let mut failed = Vec::new();
    for number in (next.saturating_sub(FAILED_SOUGHT)..next).rev() {
        let Some(facts) = rows::facts::<SendFacts>(&rows, number)? else {
            continue;
        };
        if facts.end.is_none() || sends.iter().any(|send| send.id == facts.id) {
            continue;
        }
        let view = reading.sent(number, facts).await?;
        if view.state.has_failed() {
            failed.push(view);
        }
        if failed.len() == FAILED_SHOWN {
            break;
        }
    }
    Ok(Json(OutboxView {
        queued: status.waiting.queued,
        bytes: status.waiting.bytes,
        reserved: status.waiting.reserved,
        sends,
        failed,
        tip: reading.tip,
    }))
}

/// The send that is meant by an id, or by the first digits of it, as lists show them.
fn meant(api: &PeerApi, text: &str) -> Result<TransactionId, Refused> {
    let digits = text.len();
    if !(MIN_DIGITS..ID_DIGITS).contains(&digits) {
        return parse_transaction_id(text);
    }
    let lowest = parse_transaction_id(&format!("{text:0<ID_DIGITS$}"))?;
    let snapshot = api.disk.snapshot();
    let found = rows::beginning_like(&DeliveryTable::outbox(&*snapshot), &lowest, digits)?;
    match found[..] {
        [id] => Ok(id),
        [] => Err(Refused::not_found(
            "this node has sent no transaction whose id begins like this",
        )),
        _ => Err(Refused::bad_request(
            "several sends have ids that begin like this: give more of its digits",
        )),
    }
}

async fn one(api: Data<PeerApi>, id: Path<String>) -> Result<Json<SendView>, Refused> {
    let id = meant(&api, &id)?;
    show(&api, id).await
}

async fn show(api: &PeerApi, id: TransactionId) -> Result<Json<SendView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(api, &directory)?;
    let line = parts.outbox_line.send(GetSend(id)).await?;
    let snapshot = api.disk.snapshot();
    let rows = DeliveryTable::outbox(&*snapshot);
    let missing = || Refused::not_found("this node has sent no transaction with this id");
    let number = rows::find(&rows, &id)?.ok_or_else(missing)?;
    let mut facts = rows::facts::<SendFacts>(&rows, number)?.ok_or_else(missing)?;
    let reading = Reading::begin(api, parts, &*snapshot, &directory)?;
    let Some(line) = line else {
        return reading.sent(number, facts).await.map(Json);
    };
    // What is stored is the younger; but what its recipient said last, "not yet", is not stored.
    if facts.end.is_none() && facts.delivered_at.is_none() {
        facts.reason = line.facts.reason.clone();
    }
    reading.waiting(Line { facts, ..line }).await.map(Json)
}

async fn retry(
    api: Data<PeerApi>,
    id: Path<String>,
    _: Json<OrderRequest>,
) -> Result<Json<SendView>, Refused> {
    order(&api, &id, |parts| &parts.retry, RetrySend).await
}

async fn withdraw(
    api: Data<PeerApi>,
    id: Path<String>,
    _: Json<OrderRequest>,
) -> Result<Json<SendView>, Refused> {
    order(&api, &id, |parts| &parts.withdraw, WithdrawSend).await
}

/// Tells the outbox to do something with a send, and shows what came of it.
async fn order<M>(
    api: &PeerApi,
    id: &str,
    outbox: impl Fn(&PeerParts) -> &Recipient<M>,
    order: impl Fn(TransactionId) -> M,
) -> Result<Json<SendView>, Refused>
where
    M: Message<Result = Result<(), OrderError>> + Send + 'static,
{
    let id = meant(api, id)?;
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(api, &directory)?;
    outbox(parts).send(order(id)).await??;
    show(api, id).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboxQuery {
    /// Only what was not read.
    #[serde(default)]
    unread: bool,
    /// Only what came after this number, the first of it.
    after: Option<u64>,
    /// How many.
    limit: Option<usize>,
}

fn listed(limit: Option<usize>) -> Result<usize, Refused> {
    let limit = limit.unwrap_or(DEFAULT_LISTED);
    if !(1..=MAX_LISTED).contains(&limit) {
        return Err(Refused::bad_request(format!(
            "limit is {limit}, but must be from 1 to {MAX_LISTED}"
        )));
    }
    Ok(limit)
}

async fn inbox(api: Data<PeerApi>, query: Query<InboxQuery>) -> Result<Json<InboxView>, Refused> {
    let limit = listed(query.limit)?;
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let unread = parts.unread.send(CountUnread).await?;
    let snapshot = api.disk.snapshot();
    let reading = Reading::begin(&api, parts, &*snapshot, &directory)?;
    let rows = DeliveryTable::inbox(&*snapshot);
    let first = query.after.map(|after| after.saturating_add(1));
    let mut messages = Vec::new();
    for number in numbers(&rows, query.unread, first, limit)? {
        messages.extend(reading.received(number).await?);
    }
    Ok(Json(InboxView {
        unread,
        messages,
        tip: reading.tip,
    }))
}

/// Which messages to show: the first from there on, or the latest.
fn numbers(
    rows: &dyn DeliveryRows,
    unread: bool,
    first: Option<u64>,
    limit: usize,
) -> Result<Vec<u64>, Internal> {
    if unread {
        let mut numbers = Vec::new();
        let mut from = first.unwrap_or(0);
        while numbers.len() < limit
            && let Some(number) = marked_from(rows, from)?
        {
            numbers.push(number);
            from = number + 1;
        }
        return Ok(numbers);
    }
    let next = rows::next_number(rows)?;
    let shown = limit as u64;
    let first = first.unwrap_or_else(|| next.saturating_sub(shown).max(1));
    Ok((first..next).take(limit).collect())
}

async fn read(api: Data<PeerApi>, request: Json<ReadRequest>) -> Result<Json<ReadView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    parts.mark_read.send(MarkRead(request.up_to)).await?;
    let unread = parts.unread.send(CountUnread).await?;
    Ok(Json(ReadView { unread }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    /// How many.
    limit: Option<usize>,
}

async fn history(
    api: Data<PeerApi>,
    query: Query<HistoryQuery>,
) -> Result<Json<HistoryView>, Refused> {
    let limit = listed(query.limit)?;
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(&api, &directory)?;
    let snapshot = api.disk.snapshot();
    let reading = Reading::begin(&api, parts, &*snapshot, &directory)?;
    let (outbox, inbox) = (
        DeliveryTable::outbox(&*snapshot),
        DeliveryTable::inbox(&*snapshot),
    );
    let mut sent = rows::next_number(&outbox)?.saturating_sub(1);
    let mut received = rows::next_number(&inbox)?.saturating_sub(1);
    let mut entries = Vec::new();
    while entries.len() < limit {
        let last_sent = rows::facts::<SendFacts>(&outbox, sent)?;
        let last_received = rows::facts::<ReceivedFacts>(&inbox, received)?;
        let sent_at = last_sent.as_ref().map(|facts| facts.queued_at);
        let received_at = last_received.map(|facts| facts.received_at);
        match last_sent {
            Some(facts) if sent_at >= received_at => {
                entries.push(HistoryEntry::Sent(reading.sent(sent, facts).await?));
                sent -= 1;
            }
            _ => {
                let Some(view) = reading.received(received).await? else {
                    break;
                };
                entries.push(HistoryEntry::Received(view));
                received -= 1;
            }
        }
    }
    Ok(Json(HistoryView {
        entries,
        tip: reading.tip,
    }))
}
