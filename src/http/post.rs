//! What a peer answers about what its owner sends and receives.

use super::chain_reads::{confirmations, parse_transaction_id, tip_of};
use super::error::Refused;
use super::member_lookup::MemberLookup;
use super::peer::parts;
use super::server::resource;
use super::views::{
    AttemptsView, HistoryEntry, HistoryView, InboxView, NoteView, OrderRequest, OutboxView,
    ReadRequest, ReadView, ReceivedState, ReceivedView, SendRequest, SendView, SentView, TipView,
};
use super::{DEFAULT_LISTED, MAX_LISTED, PeerApi, PeerParts};
use crate::chain::params::MAX_EXPIRY;
use crate::chain::transaction::Note;
use crate::chain::{
    Action, Closed, EncodedTransaction, Height, Internal, Payload, Salt, TransactionId,
};
use crate::entropy::Entropy;
use crate::keys::{NoteContext, NoteText, PublicKey, SealingKey};
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::retry_queue::{GetOutbox, GetSend, RetrySend, SendTransfer, WithdrawSend};
use crate::messages::tracker_link::{DirectoryStatus, GetDirectory};
use crate::messages::wallet::{OpenNote, SealNote, SignTransaction};
use crate::protocol::delivery::outbox::{Line, OrderError};
use crate::protocol::delivery::rows::{
    self, Place, PostRows, ReceivedFacts, SendFacts, marked_from, place_of,
};
use crate::protocol::retry::Standing;
use crate::store::DiskRead;
use crate::store::chain_rows::ChainRows;
use crate::store::post_rows::PostTable;
use actix::{Message, Recipient};
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use serde::Deserialize;

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

/// Makes the transfer that the owner asks for, and has it sent. The answer is a promise: it comes after
/// the synced write.
///
/// # Errors
/// [`Refused`], with the reason for the owner.
pub(crate) async fn send_for_owner(
    api: &PeerApi,
    request: &SendRequest,
) -> Result<SentView, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(api, &directory)?;
    let lookup = api.lookup(&directory);
    let to = lookup.key_of(&request.to)?;
    let member = sealing_key_of(&directory, &to);
    let tip = parts.ledger_status.send(GetLedgerStatus).await?.tip;
    let salt = draw_salt(&*api.entropy);
    let note = match &request.note {
        Some(text) => {
            let about = NoteContext {
                network: parts.rules.network().0,
                sender: api.key,
                recipient: to,
                salt: salt.0,
            };
            seal(api, member, about, text).await?
        }
        None => Note::default(),
    };
    let payload = Payload {
        network: parts.rules.network(),
        sender: api.key,
        salt,
        expires_at: expiry(tip.height(), request.expires_in_blocks)?,
        fee: request.fee,
        action: Action::Transfer {
            to,
            amount: request.amount,
            note,
        },
    };
    let expires_at = payload.expires_at;
    let transaction = api.wallet.send(SignTransaction(payload)).await?;
    // What is waited for days must not turn out to be refused by everybody.
    parts.rules.check_form(&transaction)?;
    let id = transaction.id();
    // Who is no member can't be met, and is paid by way of the network.
    let broadcast = request.broadcast || member.is_none();
    let order = SendTransfer {
        transaction,
        broadcast,
    };
    parts.send.send(order).await??;
    Ok(SentView {
        id,
        to: lookup.person(&to),
        amount: request.amount,
        fee: request.fee,
        expires_at,
        broadcast,
    })
}

fn sealing_key_of(directory: &DirectoryStatus, key: &PublicKey) -> Option<SealingKey> {
    let mut statements = directory.members.iter().map(|m| &m.record.statement);
    let statement = statements.find(|statement| statement.key == *key)?;
    Some(statement.sealing_key)
}

async fn seal(
    api: &PeerApi,
    to: Option<SealingKey>,
    about: NoteContext,
    text: &str,
) -> Result<Note, Refused> {
    let to = to.ok_or_else(|| {
        Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "no_sealing_key",
            "a note can only be sealed for a member, whose key for it is known: this address is no \
             member's",
        )
    })?;
    let text = NoteText::new(text).map_err(|error| Refused::bad_request(error.to_string()))?;
    let sealed = api.seal.send(SealNote { to, about, text }).await?;
    sealed.map_err(|error| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Refused::new(status, "not_sealed", error.to_string())
    })
}

fn draw_salt(entropy: &dyn Entropy) -> Salt {
    let mut salt = Salt([0; Salt::LEN]);
    entropy.fill(&mut salt.0);
    salt
}

/// The last height at which a transfer of now can be mined.
fn expiry(tip: Height, blocks: u64) -> Result<Height, Refused> {
    if !(1..=MAX_EXPIRY).contains(&blocks) {
        return Err(Refused::bad_request(format!(
            "expires_in_blocks is {blocks}, but must be from 1 to {MAX_EXPIRY}"
        )));
    }
    Ok(Height(tip.0.saturating_add(blocks)))
}

/// What is read of one snapshot of the disk, shown to one owner.
struct Reading<'a> {
    api: &'a PeerApi,
    snapshot: &'a dyn DiskRead,
    lookup: MemberLookup<'a>,
    tip: TipView,
}

impl<'a> Reading<'a> {
    fn begin(
        api: &'a PeerApi,
        parts: &PeerParts,
        snapshot: &'a dyn DiskRead,
        directory: &'a DirectoryStatus,
    ) -> Result<Self, Refused> {
        Ok(Self {
            api,
            snapshot,
            lookup: api.lookup(directory),
            tip: tip_of(&parts.rules, &ChainRows(snapshot))?,
        })
    }

    async fn note(&self, transaction: &EncodedTransaction) -> Result<Option<NoteView>, Refused> {
        let payload = transaction.payload();
        let Action::Transfer { to, note, .. } = &payload.action else {
            return Ok(None);
        };
        if note.is_empty() {
            return Ok(None);
        }
        let about = NoteContext {
            network: payload.network.0,
            sender: payload.sender,
            recipient: *to,
            salt: payload.salt.0,
        };
        let note = note.clone();
        let opened = self.api.open_note.send(OpenNote { about, note }).await?;
        Ok(Some(match opened {
            Ok(text) => NoteView::Text(text.as_str().to_owned()),
            Err(error) => NoteView::Unreadable(error.to_string()),
        }))
    }

    fn place(&self, id: &TransactionId) -> Result<(Place, Option<Height>, u64), Internal> {
        let place = place_of(&ChainRows(self.snapshot), id)?;
        let height = match place {
            Place::Mined(height) => Some(height),
            Place::Open | Place::Nowhere => None,
        };
        let confirmed = height.map_or(0, |height| confirmations(height, self.tip.height));
        Ok((place, height, confirmed))
    }

    async fn sent(&self, number: u64, facts: SendFacts) -> Result<SendView, Refused> {
        let (place, height, confirmations) = self.place(&facts.id)?;
        let rows = PostTable::outbox(self.snapshot);
        let body = rows::body(&rows, number)?;
        let note = match &body {
            Some(body) => self.note(body).await?,
            None => None,
        };
        let state = facts.state(place);
        Ok(SendView {
            id: facts.id,
            to: self.lookup.person(&facts.to),
            amount: facts.amount,
            fee: facts.fee,
            note,
            queued_at: facts.queued_at,
            delivered_at: facts.delivered_at,
            state,
            reason: match place {
                Place::Nowhere => facts.reason.to_string(),
                // What was in its way is no more.
                Place::Open | Place::Mined(_) => String::new(),
            },
            height,
            confirmations,
            expires_at: facts.expires_at,
            waiting: None,
        })
    }

    /// What is looked after, with what only the outbox knows.
    async fn waiting(&self, line: Line) -> Result<SendView, Refused> {
        let mut view = self.sent(line.number, line.facts).await?;
        view.waiting = line.standing.map(|standing| AttemptsView {
            tries: line.tries,
            next_try: match standing {
                Standing::Waiting(at) | Standing::Aside(at) => Some(at),
                Standing::Sent => None,
            },
        });
        Ok(view)
    }

    async fn received(&self, number: u64) -> Result<Option<ReceivedView>, Refused> {
        let rows = PostTable::inbox(self.snapshot);
        let (Some(facts), Some(body)) = (
            rows::facts::<ReceivedFacts>(&rows, number)?,
            rows::body(&rows, number)?,
        ) else {
            return Ok(None);
        };
        let (place, height, confirmations) = self.place(&facts.id)?;
        let closed = facts.closed_by(body.payload().expires_at, self.tip.height);
        let state = match (place, closed) {
            (Place::Mined(_), _) => ReceivedState::Mined,
            (Place::Open, _) => ReceivedState::Open,
            (Place::Nowhere, Some(Closed::Expired)) => ReceivedState::Expired,
            (Place::Nowhere, Some(Closed::Evicted)) => ReceivedState::Evicted,
            (Place::Nowhere, Some(Closed::Conflicted)) => ReceivedState::Conflicted,
            (Place::Nowhere, Some(Closed::Mined) | None) => ReceivedState::Accepted,
        };
        Ok(Some(ReceivedView {
            number,
            id: facts.id,
            from: self.lookup.person(&facts.from),
            amount: facts.amount,
            note: self.note(&body).await?,
            received_at: facts.received_at,
            direct: facts.receipt.is_some(),
            unread: rows.get(&rows::mark_key(number))?.is_some(),
            state,
            height,
            confirmations,
        }))
    }
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
    let rows = PostTable::outbox(&*snapshot);
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

async fn one(api: Data<PeerApi>, id: Path<String>) -> Result<Json<SendView>, Refused> {
    let id = parse_transaction_id(&id)?;
    show(&api, id).await
}

async fn show(api: &PeerApi, id: TransactionId) -> Result<Json<SendView>, Refused> {
    let directory = api.tracker_link.send(GetDirectory).await?;
    let parts = parts(api, &directory)?;
    let line = parts.outbox_line.send(GetSend(id)).await?;
    let snapshot = api.disk.snapshot();
    let rows = PostTable::outbox(&*snapshot);
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
    let id = parse_transaction_id(id)?;
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
    let rows = PostTable::inbox(&*snapshot);
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
    rows: &dyn PostRows,
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
    let (outbox, inbox) = (PostTable::outbox(&*snapshot), PostTable::inbox(&*snapshot));
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
