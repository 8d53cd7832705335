//! What a running node serves over HTTP, on this machine only: `server` is who may ask and how the server starts
//! and ends, `api` is what commands and programs ask, everything of it under [`BASE`].
//!
//! - It listens on this machine only. A token is drawn at every start and written, with the
//!   address, to `DATA_DIR/api.json` for the owner alone ([`ApiFile`]); every request carries it as
//!   `Authorization: Bearer TOKEN`. `Host` must name this machine and this port, and `Origin`, if
//!   there is one, as well, so that no web page can ask in its visitor's name. There is no CORS.
//! - Before a command sends token or passphrase, it has the API prove that it is the node's (`GET
//!   /proof`, the one path without a token), on the same connection: [`Challenge`], [`Prover`]. A
//!   program that sends the token at once (`curl -H "Authorization: Bearer $TOKEN"`) is answered as
//!   well; only, after a node was killed it can't know who listens there now.
//! - Of connections that have not shown the token there are few at a time; the oldest makes room.
//! - Requests and answers are JSON: amounts, fees, balances and work are decimal text (`"5"`), heights and
//!   counts numbers, moments RFC 3339, ids and hashes hexadecimal, keys written as addresses.
//!   Every shape is a type in [`crate::owner::answers`].
//! - 200 is an answer. Anything else is a [`Problem`] (`application/problem+json`, RFC 9457) with a stable
//!   [code](crate::owner::Code), which `GET /api/v1/codes/CODE` explains: 400 the request makes no sense, 401 no or a
//!   wrong token, 403 a wrong `Host` or `Origin`, 404 and 405 no such thing, 409 and 422 a fair no, 500 the
//!   node failed, 503 not now (no network yet, busy, stopping).
//! - A list has `limit` and `after`, and ends with the cursor `next`, which is what `after` takes for the next
//!   page, or `null`.
//! - A node without a wallet answers `GET /api/v1/status` with a [`WaitingView`](crate::owner::answers::WaitingView)
//!   and takes `POST /api/v1/wallet`; everything else is 503 `no_wallet` until it has one. Then it starts, and with it
//!   this API anew: with another token and, if the settings say port 0, another port.
//!
//! The pages, for browsers, are beside it: a browser comes in by a one-time link (`POST /api/v1/link`, which
//! `node web` asks for) and is known by a cookie from then on.
//!
//! `GET /api/v1/paths` lists the paths; so does [`PATHS`]. Here is nothing but translation: what a node does for its
//! owner is in [`crate::owner`].

mod api;
mod events;
mod first;
mod pages;
mod public;
mod server;

pub use api::{
    BASE, MAX_BATCH_BYTES, MAX_REQUEST_BYTES, Of, PATHS, PROBLEM_JSON, PathLine, Problem,
};
pub use first::serve_joining;
pub use pages::{JoinCheck, JoinStage, JoinTyped, Joins, LinkView, Newcomer};
pub use public::{MAX_PUBLIC_STREAMS, PublicHandle, start_public};
pub use server::{
    API_FILE, ApiError, ApiFile, ApiFileError, Challenge, Listen, ProofView, Prover, ServerHandle,
    start,
};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
