//! Starting and stopping the server.

use super::api_file::{ApiFile, ApiFileError};
use super::doorstep::{Doorstep, MAX_STRANGERS};
use super::error::Refused;
use super::guard::{self, Guard};
use super::long_read::LongReads;
use super::proof::{PROOF_PATH, Prover, prove};
use super::views::{StopRequest, StoppingView};
use super::{Api, MAX_REQUEST_BYTES, peer, tracker, waiting};
use crate::entropy::Entropy;
use crate::store::SCRATCH;
use actix_web::dev::ServerHandle as WebServerHandle;
use actix_web::http::{KeepAlive, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, Json, JsonConfig, QueryConfig, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, Resource, Route};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long requests under way may take when the server stops, in seconds: those that mine or send
/// get their answer from actors that stop later, all others take milliseconds.
const STOP_SECONDS: u64 = 2;

/// Connections at a time at most: those that have not shown the token are fewer than
/// [`MAX_STRANGERS`], and the owner's programs need a handful.
const MAX_CONNECTIONS: usize = MAX_STRANGERS + 64;

/// How long a connection may take until it has sent the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may rest after an answer: a command goes on at once after the proof.
const REST: Duration = Duration::from_secs(5);

/// Threads that answer. Handlers only ask actors and read a few rows; long reading has a thread of
/// its own.
const WORKERS: usize = 1;

/// Why the API does not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Another program listens there.
    #[error(
        "the API can't listen at {address}: another program does; name another port under \
         [api] listen in the settings, or port 0 for any free one"
    )]
    InUse {
        /// The address in the settings.
        address: SocketAddr,
    },
    /// The system does not let it listen there.
    #[error("the API can't listen at {address}: {source}; change [api] listen in the settings")]
    Listen {
        /// The address in the settings.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The address does not belong to this machine alone.
    #[error("the API may listen on this machine only (127.0.0.1 or [::1]), not at {address}")]
    NotLoopback {
        /// The address that was given.
        address: SocketAddr,
    },
    /// The file with its token can't be written.
    #[error(transparent)]
    File(#[from] ApiFileError),
}

/// What reads a long time, and where what it needs for a while goes.
#[derive(Clone)]
pub(super) struct LongAnswers {
    pub(super) verifications: LongReads,
    pub(super) exports: LongReads,
    /// For a database that only a verification needs.
    pub(super) scratch: PathBuf,
}

impl LongAnswers {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            verifications: LongReads::new("verified"),
            exports: LongReads::new("exported"),
            scratch: data_dir.join(SCRATCH),
        }
    }

    fn cancel(&self) {
        self.verifications.cancel();
        self.exports.cancel();
    }
}

/// A running server.
pub struct ServerHandle {
    server: WebServerHandle,
    long: LongAnswers,
    data_dir: PathBuf,
}

impl ServerHandle {
    /// Removes `api.json`, takes no more requests, ends verification and export, and waits a moment for the
    /// requests under way.
    ///
    /// # Errors
    /// [`ApiFileError::Unwritable`] if the file can't be removed; the server has stopped all the
    /// same.
    pub async fn stop(&self) -> Result<(), ApiFileError> {
        let removed = ApiFile::remove(&self.data_dir);
        self.long.cancel();
        self.server.stop(true).await;
        // One may have been started in between.
        self.long.cancel();
        removed
    }
}

/// The owner's order to end the node, on its way from the API to whoever carries it out.
#[derive(Clone, Default)]
pub struct StopOrder(Arc<Notify>);

impl StopOrder {
    /// Gives it; it is kept until somebody listens.
    pub fn give(&self) {
        self.0.notify_one();
    }

    /// Waits until it is given.
    pub async fn given(&self) {
        self.0.notified().await;
    }
}

/// Starts the API at `listen` (port 0: any free one) and writes `api.json` into `data_dir`, which
/// must exist. Returns where it listens. Called within an actix system, on which the server runs.
/// Whoever may ask can give the order to `stop`.
///
/// # Errors
/// One variant of [`ApiError`] per way to fail.
pub async fn start(
    listen: SocketAddr,
    data_dir: &Path,
    api: Api,
    stop: StopOrder,
) -> Result<(ServerHandle, SocketAddr), ApiError> {
    if !listen.ip().is_loopback() {
        return Err(ApiError::NotLoopback { address: listen });
    }
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ApiError::InUse { address: listen },
        _ => ApiError::Listen {
            address: listen,
            source,
        },
    };
    let listener = TcpListener::bind(listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let token = guard::draw_token(&**api.entropy());
    let door = Door {
        guard: Guard::new(&token, address),
        prover: Prover::new(&token, address),
        stop,
    };
    let long = LongAnswers::new(data_dir);
    let parts = (Arc::new(api), door, long.clone());
    let doorstep = Doorstep::default();
    let server = HttpServer::new(move || {
        let (api, door, long) = parts.clone();
        App::new()
            .configure(|config| configure(config, &api, door, long))
            .wrap(from_fn(guard::admit))
    })
    .workers(WORKERS)
    .max_connections(MAX_CONNECTIONS)
    .on_connect(move |connection, data| doorstep.enter(connection, data))
    .client_request_timeout(HEAD_PATIENCE)
    .keep_alive(KeepAlive::Timeout(REST))
    .shutdown_timeout(STOP_SECONDS)
    .disable_signals()
    .listen(listener)
    .map_err(failed)?
    .run();
    let handle = ServerHandle {
        server: server.handle(),
        long,
        data_dir: data_dir.to_owned(),
    };
    actix_rt::spawn(server);
    let file = ApiFile {
        address,
        token,
        pid: std::process::id(),
    };
    if let Err(error) = file.write(data_dir) {
        handle.server.stop(false).await;
        return Err(error.into());
    }
    Ok((handle, address))
}

impl Api {
    fn entropy(&self) -> &Arc<dyn Entropy> {
        match self {
            Self::Peer(peer) => &peer.entropy,
            Self::Tracker(tracker) => &tracker.entropy,
            Self::Waiting(waiting) => &waiting.entropy,
        }
    }
}

/// What every node's API has, whatever the node is.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) guard: Guard,
    pub(super) prover: Prover,
    pub(super) stop: StopOrder,
}

/// All of the server but the guard at its door.
pub(super) fn configure(config: &mut ServiceConfig, api: &Api, door: Door, long: LongAnswers) {
    let json = JsonConfig::default()
        .limit(MAX_REQUEST_BYTES)
        .error_handler(|error, _| Refused::bad_request(error.to_string()).into());
    let query = QueryConfig::default()
        .error_handler(|error, _| Refused::bad_request(error.to_string()).into());
    config
        .app_data(Data::new(door.guard))
        .app_data(Data::new(door.prover))
        .app_data(Data::new(door.stop))
        .app_data(Data::new(long))
        .app_data(json)
        .app_data(query)
        .service(resource(PROOF_PATH, web::get().to(prove)))
        .service(resource("/stop", web::post().to(stop_node)));
    match api {
        Api::Waiting(_) => config.default_service(web::route().to(waiting::not_yet)),
        Api::Peer(_) | Api::Tracker(_) => config.default_service(web::route().to(nothing_here)),
    };
    match api {
        Api::Peer(peer) => config
            .app_data(Data::new(peer.clone()))
            .configure(peer::routes),
        Api::Tracker(tracker) => config
            .app_data(Data::new(tracker.clone()))
            .configure(tracker::routes),
        Api::Waiting(waiting) => config
            .app_data(Data::new(waiting.clone()))
            .configure(waiting::routes),
    };
}

/// Ends the node, which goes on until its answer has left.
async fn stop_node(order: Data<StopOrder>, _: Json<StopRequest>) -> Json<StoppingView> {
    order.give();
    Json(StoppingView {
        pid: std::process::id(),
    })
}

async fn nothing_here() -> Result<HttpResponse, Refused> {
    Err(Refused::not_found(
        "the API of this node has nothing under this path",
    ))
}

/// A path with the one way in which it can be asked.
pub(super) fn resource(path: &str, route: Route) -> Resource {
    async fn wrong_method() -> Result<HttpResponse, Refused> {
        Err(Refused::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong_method",
            "this path is asked with another method",
        ))
    }
    web::resource(path)
        .route(route)
        .default_service(web::route().to(wrong_method))
}
