//! How browsers come in and go: a link that works once, a cookie, and out again.

use super::form::{Act, Asked};
use super::frame::{html, see};
use super::refusal::PageRefused;
use super::sessions::{Browsers, SESSION_LIVES, Session, cookie_name};
use crate::entropy::Entropy;
use crate::http::api::asked::LastEvent;
use crate::http::events::{Streams, respond};
use crate::owner::answers::EventKinds;
use crate::owner::{Code, Owned, Peer, Refused};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::web::{Data, Json, Query};
use askama::Template;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A link that lets one browser in, once, within ten minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LinkView {
    /// Where it leads.
    pub link: String,
}

/// Draws secrets for links and cookies.
#[derive(Clone)]
pub(in crate::http) struct Drawing(pub(in crate::http) Arc<dyn Entropy>);

/// Draws a link, for whoever has the token.
pub(in crate::http) async fn draw_link(
    browsers: Data<Browsers>,
    drawing: Data<Drawing>,
    _: Json<crate::owner::answers::NoRequest>,
) -> Json<LinkView> {
    let key = browsers.draw_link(&*drawing.0);
    Json(LinkView {
        link: format!("http://{}/enter?key={key}", browsers.address()),
    })
}

/// What a link carries.
#[derive(Deserialize)]
pub(super) struct Entering {
    key: String,
}

#[derive(Template)]
#[template(path = "entered.html")]
struct EnteredPage;

/// Lets a browser in. Not by a redirection: a cookie that stays on this site would not be sent along if the
/// link was followed from elsewhere.
pub(super) async fn enter(
    browsers: Data<Browsers>,
    drawing: Data<Drawing>,
    link: Result<Query<Entering>, actix_web::Error>,
) -> Result<HttpResponse, PageRefused> {
    let session = link
        .ok()
        .and_then(|link| browsers.enter(&link.key, &*drawing.0));
    let Some(session) = session else {
        return Err(Refused::new(
            Code::UnknownBrowser,
            "This link was used before, is older than ten minutes, or of another start of the node. Each \
             lets one browser in. In a terminal on the node's machine, type `node web` for another one.",
        )
        .into());
    };
    let mut response = html(StatusCode::OK, &EnteredPage);
    let headers = response.headers_mut();
    headers.append(
        SET_COOKIE,
        cookie(browsers.cookie(), session.secret(), SESSION_LIVES.as_secs()),
    );
    Ok(response)
}

/// The same session under the name that the node's cookie has once it has this key.
pub(super) fn cookie_of_key(address: &str, session: &Session) -> HeaderValue {
    cookie(
        &cookie_name(address),
        session.secret(),
        SESSION_LIVES.as_secs(),
    )
}

/// No script reads it, and no other site sends it.
fn cookie(name: &str, value: &str, seconds: u64) -> HeaderValue {
    let line = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    // Hexadecimal digits and what stands here are what a header may say.
    HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[derive(Template)]
#[template(path = "left.html")]
struct LeftPage {
    /// What lets it in again.
    way_in: String,
}

/// Forgets the browser that asks.
pub(super) async fn leave(browsers: Data<Browsers>, owned: Data<Owned>, act: Act) -> HttpResponse {
    browsers.forget(&act.session);
    let way_in = visible(&owned.typed().line("web"));
    let mut response = html(StatusCode::OK, &LeftPage { way_in });
    let headers = response.headers_mut();
    headers.append(SET_COOKIE, cookie(browsers.cookie(), "", 0));
    response
}

/// What happens at a peer, as it happens: the same stream as the API's, for who has a cookie.
pub(super) async fn live(
    peer: Data<Peer>,
    streams: Data<Streams>,
    last: LastEvent,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let after = asked
        .fields
        .text("after")
        .and_then(|after| after.parse().ok());
    let after = last.0.or(after).unwrap_or_else(|| peer.last_event());
    Ok(respond(&streams, peer.follow(after, EventKinds::ALL)?)?)
}

/// Says that the node is there: pages ask it when nothing came for a while.
pub(super) async fn beat() -> HttpResponse {
    see(HttpResponse::NoContent()).finish()
}
