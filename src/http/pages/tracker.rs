//! The pages of a tracker: how it stands, and who is there.

use super::form::Asked;
use super::frame::{Frame, Spot, Standing, page};
use super::members::{Member, listed};
use super::refusal::PageRefused;
use super::show::{Who, count};
use crate::owner::Tracker;
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use askama::Template;

/// Members on one page.
const LISTED: usize = 500;

/// The paths of a tracker.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(home))
        .route("/members", web::get().to(home));
}

#[derive(Template)]
#[template(path = "tracker.html")]
struct TrackerPage {
    frame: Frame,
    who: Who,
    endpoint: String,
    founded: bool,
    registered: String,
    live: String,
    members: Vec<Member>,
    next: Option<String>,
}

async fn home(tracker: Data<Tracker>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = tracker.status().await?;
    let list = tracker.peers(&asked.page(LISTED)).await?;
    let mut frame = Frame::bare(&*tracker.entropy, &asked.session, Spot::Members, "Tracker");
    frame.network = Some(visible(&status.network.name));
    frame.me = Some(Who::called(Some("tracker"), &status.address));
    frame.standing = match status.sessions {
        0 => Standing::wait("Nobody is connected", "Members come by themselves."),
        sessions => Standing::good(format!("{} connected", count(sessions, "member")), ""),
    };
    page(&TrackerPage {
        frame,
        who: Who::called(None, &status.address),
        endpoint: visible(&status.endpoint),
        founded: status.network.id.is_some(),
        registered: count(status.registered, "member"),
        live: count(status.live, "member"),
        members: listed(&list.peers),
        next: list.next.map(|next| next.0),
    })
}
