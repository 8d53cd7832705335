//! The server for everybody: where the settings name a place, blocks, charts and members are shown there to
//! whoever comes. It shares nothing with the owner's server but the node it shows: own connections, own streams, no
//! cookie, no token, no act.

use super::MAX_REQUEST_BYTES;
use super::events::Streams;
use super::pages::{self, Made};
use super::server::{HEAD_PATIENCE, REST};
use crate::owner::Peer;
use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::web::{Data, PayloadConfig};
use actix_web::{App, HttpServer};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Streams at a time: a class, each with a browser, and some more.
pub const MAX_PUBLIC_STREAMS: usize = 300;

/// Connections at a time: the streams, and those that load a page.
const MAX_CONNECTIONS: usize = MAX_PUBLIC_STREAMS + 100;

/// One thread answers: what it makes is made once for all.
const WORKERS: usize = 1;

/// How long requests under way may take when it stops, in seconds.
const STOP_SECONDS: u64 = 1;

/// A running server for everybody.
pub struct PublicHandle(ServerHandle);

impl PublicHandle {
    /// Takes no more requests. The streams end with the events.
    pub async fn stop(&self) {
        self.0.stop(true).await;
    }
}

/// Shows this peer to everybody at `listen`. Returns where it listens. Called within an actix system.
///
/// # Errors
/// What the system says where it can't listen there.
pub fn start_public(listen: SocketAddr, peer: Peer) -> io::Result<(PublicHandle, SocketAddr)> {
    let listener = TcpListener::bind(listen)?;
    let address = listener.local_addr()?;
    let (streams, made) = (Streams::new(MAX_PUBLIC_STREAMS), Made::default());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(PayloadConfig::new(MAX_REQUEST_BYTES))
            .app_data(Data::new(peer.clone()))
            .app_data(Data::new(streams.clone()))
            .app_data(Data::new(made.clone()))
            .configure(pages::public_routes)
    })
    .workers(WORKERS)
    .max_connections(MAX_CONNECTIONS)
    .client_request_timeout(HEAD_PATIENCE)
    .keep_alive(KeepAlive::Timeout(REST))
    .shutdown_timeout(STOP_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok((PublicHandle(handle), address))
}

#[cfg(test)]
mod tests;
