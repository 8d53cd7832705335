//! The pages: what somebody uses who has never opened a terminal. Templates are in `templates/`, what they
//! load in `assets/`; both are compiled in, and nothing is ever loaded from elsewhere.
//!
//! - Every page works without JavaScript: forms are sent, and the answer is a redirection to what came of
//!   them (so that loading again repeats nothing). `assets/live.js` makes them live.
//! - Who may see them: [`door`]. Browsers come in by a one-time link, and are known by a cookie from then on.
//! - Members' texts are always text. askama escapes, and [`show`] makes visible what would hide.

mod account;
mod acts;
mod assets;
mod blocks;
mod charts;
mod door;
mod entries;
mod entry;
mod form;
mod frame;
mod home;
mod joining;
mod log;
mod members;
mod network;
mod node;
mod opening;
mod own;
mod pay;
mod public;
mod records;
mod refusal;
mod search;
mod sent;
mod sessions;
mod sessions_drawn;
mod show;
mod start;
mod tracker;
mod votes;
mod won;

pub(super) use door::{admit, owns, wants_a_page};
pub use entry::LinkView;
pub(super) use entry::{Drawing, draw_link};
pub(super) use frame::html;
pub(super) use joining::routes as joining_routes;
pub use joining::{JoinCheck, JoinStage, JoinTyped, Joins, Newcomer};
pub(super) use public::{Made, routes as public_routes};
pub(super) use refusal::PageRefused;
pub(super) use sessions::Browsers;

use crate::http::MAX_REQUEST_BYTES;
use crate::owner::Owned;
use actix_web::web::{self, Data, FormConfig, ServiceConfig};
use acts::Background;

/// The pages of a node.
pub(super) fn routes(config: &mut ServiceConfig, owned: &Owned) {
    config
        .app_data(FormConfig::default().limit(MAX_REQUEST_BYTES))
        .app_data(Data::new(Background::default()))
        .route("/enter", web::get().to(entry::enter))
        .route("/out", web::post().to(entry::leave))
        .route("/beat", web::get().to(entry::beat))
        .route("/assets/{file}", web::get().to(assets::asset));
    match owned {
        Owned::Peer(_) => peer_routes(config),
        Owned::Tracker(_) => tracker::routes(config),
        Owned::Waiting(_) => start::routes(config),
    }
    for start in door::PLACES {
        let below = format!("/{start}/{{rest:.*}}");
        config.route(&below, web::route().to(refusal::nothing_here));
    }
}

fn peer_routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(home::home))
        .route("/home/kept", web::post().to(home::kept))
        .route("/live", web::get().to(entry::live))
        .route("/search", web::get().to(search::search))
        .route("/pay", web::get().to(pay::pay))
        .route("/pay", web::post().to(pay::send))
        .route("/pay/with/{who}", web::get().to(pay::timeline))
        .route("/pay/names", web::get().to(pay::names))
        .route("/pay/inbox", web::get().to(pay::inbox))
        .route("/pay/outbox", web::get().to(pay::outbox))
        .route("/pay/account", web::get().to(account::account))
        .route("/pay/read", web::post().to(pay::read))
        .route("/pay/sent/{id}", web::get().to(sent::sent))
        .route("/pay/sent/{id}/{order}", web::post().to(sent::order))
        .route("/members", web::get().to(members::members))
        .route("/members/{who}", web::get().to(members::member))
        .route("/network", web::get().to(network::network))
        .route("/network/mine", web::post().to(network::mine))
        .route("/network/mode", web::post().to(network::mode))
        .route("/network/try", web::post().to(network::try_now))
        .route("/network/connect", web::post().to(network::connect))
        .route("/network/verify", web::post().to(network::verify))
        .route("/network/sync", web::post().to(network::sync))
        .route("/network/node", web::get().to(node::node))
        .route("/network/backup", web::post().to(node::back_up))
        .route("/network/log", web::get().to(log::log))
        .route("/network/open", web::get().to(blocks::open))
        .route("/network/blocks", web::get().to(blocks::blocks))
        .route("/network/blocks/{block}", web::get().to(blocks::block))
        .route(
            "/network/transactions/{id}",
            web::get().to(blocks::transaction),
        )
        .route("/network/proofs/{id}", web::get().to(blocks::proof))
        .route("/votes", web::get().to(votes::votes))
        .route("/votes", web::post().to(votes::open))
        .route("/votes/records", web::get().to(records::topics))
        .route("/votes/records", web::post().to(records::add))
        .route("/votes/records/{topic}", web::get().to(records::records))
        .route("/votes/{ballot}", web::get().to(votes::ballot))
        .route("/votes/{ballot}", web::post().to(votes::cast))
        .route("/votes/{ballot}/audit", web::get().to(votes::audit))
        .route("/me", web::get().to(own::own))
        .route("/me/words", web::post().to(own::words));
}

#[cfg(test)]
mod tests;
