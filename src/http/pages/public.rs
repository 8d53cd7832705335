//! The pages for everybody: blocks, how fast they come, and who is there. Nothing can be done here, and nothing of
//! the owner is told. What many look at is made once for all of them.

use super::charts::{CHARTED, Chart};
use super::frame::{Frame, Spot, Standing, page};
use super::members::{Member, listed};
use super::refusal::{PageRefused, nothing_here};
use super::sessions::Session;
use super::show::{When, count, grouped};
use super::{assets, blocks::Line, entry};
use crate::http::api::asked::LastEvent;
use crate::http::events::{Streams, respond};
use crate::owner::answers::{EventKind, EventKinds};
use crate::owner::{Order, Page, Peer, PeersPage};
use crate::readable::{Typed, visible};
use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Query, ServiceConfig};
use askama::Template;
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Blocks in the list, and members.
const LISTED: usize = 30;
const MEMBERS: usize = 50;

/// For how long what was made for one is good for all: a room full of browsers asks when a block has come.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// What is told of what happens: nothing that is the owner's.
const TOLD: [EventKind; 5] = [
    EventKind::BlockConnected,
    EventKind::BlockDisconnected,
    EventKind::PeerCame,
    EventKind::PeerGone,
    EventKind::MembersChanged,
];

/// The page as it was made last.
#[derive(Clone, Default)]
pub(in crate::http) struct Made(Arc<Mutex<Option<(Instant, Bytes)>>>);

/// The routes of these pages.
pub(in crate::http) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(everybody))
        .route("/live", web::get().to(live))
        .route("/beat", web::get().to(entry::beat))
        .route("/assets/{file}", web::get().to(assets::asset))
        .default_service(web::route().to(nothing_here));
}

#[derive(Template)]
#[template(path = "public.html")]
struct PublicPage {
    frame: Frame,
    waiting: bool,
    height: String,
    tip: Option<When>,
    open: String,
    blocks: Vec<Line>,
    chart: Chart,
    members: Vec<Member>,
    /// How many are not shown.
    more: usize,
    here: String,
    all: String,
}

async fn everybody(peer: Data<Peer>, made: Data<Made>) -> Result<HttpResponse, PageRefused> {
    let known = made
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let bytes = match known {
        Some((at, bytes)) if at.elapsed() < GOOD_FOR => bytes,
        _ => {
            let bytes = make(&peer).await?;
            let mut kept = made.0.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some((Instant::now(), bytes.clone()));
            bytes
        }
    };
    Ok(super::frame::see(HttpResponse::build(StatusCode::OK))
        .content_type("text/html; charset=utf-8")
        .body(bytes))
}

async fn make(peer: &Peer) -> Result<Bytes, PageRefused> {
    // Before anything is looked at: whoever follows from there misses nothing.
    let cursor = peer.last_event().to_string();
    let status = peer.status().await?;
    // Nothing is typed here.
    let of = (&*peer.entropy, &Typed::default());
    let mut frame = Frame::bare(of, &Session::with(""), Spot::Home, "Blocks");
    frame.cursor = Some(cursor);
    let mut shown = PublicPage {
        waiting: status.chain.is_none(),
        height: String::new(),
        tip: None,
        open: String::new(),
        blocks: Vec::new(),
        chart: Chart::between(&[]),
        members: Vec::new(),
        more: 0,
        here: String::new(),
        all: String::new(),
        frame,
    };
    if let Some(chain) = &status.chain {
        let name = visible(&chain.network.name);
        shown.frame.title.clone_from(&name);
        shown.frame.network = Some(name);
        shown.frame.standing = match chain.syncing {
            true => Standing::wait("Catching up", ""),
            false => Standing::good("Up to date", ""),
        };
        shown.height = grouped(&chain.tip.height.0.to_string());
        shown.tip = Some(When::new(chain.tip.timestamp));
        shown.open = count(chain.open_transactions, "transaction");
        let blocks = peer.blocks(Order::Latest, &Page::first(CHARTED)).await?;
        shown.blocks = blocks
            .blocks
            .iter()
            .take(LISTED)
            .map(|block| Line::new(peer, block))
            .collect();
        shown.chart = Chart::between(&blocks.blocks);
        let company = peer.company().await?;
        let mut members = Vec::new();
        for here in [true, false] {
            let wanted = PeersPage {
                matching: None,
                here: Some(here),
                page: Page::first(MEMBERS),
            };
            // Who is connected without being a member is this node's affair.
            let some = peer.peers(&wanted).await?.peers.into_iter();
            members.extend(some.filter(|member| member.name.is_some()));
        }
        members.truncate(MEMBERS);
        shown.more = company.all.saturating_sub(members.len());
        shown.members = listed(&members, peer.lookalikes(&members));
        shown.here = grouped(&company.here.to_string());
        shown.all = count(company.all, "member");
    }
    // A page that was made is there as a whole.
    let bytes = page(&shown)?.into_body().try_into_bytes();
    Ok(bytes.unwrap_or_default())
}

/// From where on somebody follows.
#[derive(Deserialize)]
struct From {
    after: Option<String>,
}

async fn live(
    peer: Data<Peer>,
    streams: Data<Streams>,
    last: LastEvent,
    from: Query<From>,
) -> Result<HttpResponse, PageRefused> {
    let after = from.after.as_deref().and_then(|after| after.parse().ok());
    let after = last.0.or(after).unwrap_or_else(|| peer.last_event());
    Ok(respond(
        &streams,
        peer.follow(after, EventKinds::only(TOLD))?,
    )?)
}
