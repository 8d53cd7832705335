//! The server: how it starts and stops, and who may ask.

mod api_file;
pub(super) mod doorstep;
pub(super) mod guard;
mod proof;

pub use api_file::{API_FILE, ApiFile, ApiFileError};
pub use proof::{Challenge, ProofView, Prover};

use self::doorstep::{Doorstep, MAX_STRANGERS};
use self::guard::Guard;
use self::proof::prove;
use super::api::{self, paths};
use super::events::{MAX_STREAMS, Streams};
use super::pages;
use super::public::PublicHandle;
use crate::owner::{Owned, Refused, StopOrder};
use crate::readable::Typed;
use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle as WebServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::KeepAlive;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long requests under way may take when the server stops, in seconds: those that mine or send
/// get their answer from actors that stop later, all others take milliseconds.
const STOP_SECONDS: u64 = 2;

/// Connections at a time at most: those that have not shown the token are fewer than
/// [`MAX_STRANGERS`], and the owner's programs need a handful.
pub(super) const MAX_CONNECTIONS: usize = MAX_STRANGERS + 64;

/// How long a connection may take until it has sent the head of a request.
pub(super) const HEAD_PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may rest after an answer: a command goes on at once after the proof.
pub(super) const REST: Duration = Duration::from_secs(5);

/// Threads that answer. Handlers only ask actors and read a few rows; long reading has a thread of
/// its own.
pub(super) const WORKERS: usize = 1;

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

/// How far above the node's own port its API listens, if the settings leave the port open: so that the pages
/// stay where somebody has a bookmark to them.
const ABOVE: u16 = 1_000;

/// What is below this is for programs, whoever asks.
const BASE_OF_ALL: &str = "/api/";

/// Where the API listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    address: SocketAddr,
    /// The port to take if any would do.
    usual: Option<u16>,
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            usual: None,
        }
    }
}

impl Listen {
    /// The same, for a node that others reach at this address: where the port is left open, it is a thousand
    /// above that one, or any if that is taken.
    pub fn beside(self, node: SocketAddr) -> Self {
        let open = self.address.port() == 0 && node.port() != 0;
        Self {
            usual: node.port().checked_add(ABOVE).filter(|_| open),
            ..self
        }
    }

    fn bind(self) -> io::Result<TcpListener> {
        let Some(port) = self.usual else {
            return TcpListener::bind(self.address);
        };
        let mut address = self.address;
        address.set_port(port);
        TcpListener::bind(address).or_else(|error| {
            tracing::info!(%address, %error, "the API's usual port can't be taken: any other will do");
            TcpListener::bind(self.address)
        })
    }
}

/// A running server.
pub struct ServerHandle {
    server: WebServerHandle,
    owned: Owned,
    data_dir: PathBuf,
    /// What stops with it.
    public: Option<PublicHandle>,
}

impl ServerHandle {
    /// The same, beside a server for everybody, which stops with it.
    #[must_use]
    pub fn beside(self, public: Option<PublicHandle>) -> Self {
        Self { public, ..self }
    }

    /// Removes `api.json`, takes no more requests, ends the streams of events, verification and export, and waits a moment for the
    /// requests under way.
    ///
    /// # Errors
    /// [`ApiFileError::Unwritable`] if the file can't be removed; the server has stopped all the
    /// same.
    pub async fn stop(&self) -> Result<(), ApiFileError> {
        let removed = ApiFile::remove(&self.data_dir);
        self.owned.end_events();
        self.owned.end_long_reads();
        self.server.stop(true).await;
        if let Some(public) = &self.public {
            public.stop().await;
        }
        // One may have been started in between.
        self.owned.end_long_reads();
        removed
    }
}

/// Starts the API at `listen` (port 0: any free one) and writes `api.json` into `data_dir`, which
/// must exist. Returns where it listens. Called within an actix system, on which the server runs.
/// Whoever may ask can give the order to `stop`.
///
/// # Errors
/// One variant of [`ApiError`] per way to fail.
pub async fn start(
    listen: impl Into<Listen>,
    data_dir: &Path,
    owned: Owned,
    stop: StopOrder,
) -> Result<(ServerHandle, SocketAddr), ApiError> {
    let place = listen.into();
    let listen = place.address;
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
    let listener = place.bind().map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let token = guard::draw_token(&**owned.entropy());
    let door = Door {
        guard: Guard::new(&token, address),
        prover: Prover::new(&token, address),
        browsers: pages::Browsers::of(&owned, data_dir, address),
        stop,
        streams: Streams::new(MAX_STREAMS),
    };
    let served = owned.clone();
    let doorstep = Doorstep::default();
    let server = HttpServer::new(move || {
        App::new()
            .configure(|config| configure(config, &served, door.clone()))
            .wrap(from_fn(admit))
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
        owned,
        data_dir: data_dir.to_owned(),
        public: None,
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

/// What every node's API has, whatever the node is.
#[derive(Clone)]
struct Door {
    guard: Guard,
    prover: Prover,
    browsers: pages::Browsers,
    stop: StopOrder,
    streams: Streams,
}

/// All of the server but the guard at its door.
fn configure(config: &mut ServiceConfig, owned: &Owned, door: Door) {
    config
        .app_data(Data::new(door.guard))
        .app_data(Data::new(door.prover))
        .app_data(Data::new(door.stop))
        .app_data(Data::new(door.browsers))
        .app_data(Data::new(pages::Drawing(owned.entropy().clone())))
        .app_data(Data::new(door.streams))
        .service(api::resource(&paths::CHALLENGE, prove))
        .service(api::resource(&paths::LINK, pages::draw_link))
        .configure(|config| api::configure(config, owned))
        .configure(|config| pages::routes(config, owned))
        .default_service(web::route().to(api::nothing_here));
}

/// The guards at the door: one for browsers, one for programs. What is refused there, or behind it, names commands
/// as they are typed.
async fn admit<B: MessageBody + 'static>(
    guard: Data<Guard>,
    browsers: Data<pages::Browsers>,
    owned: Data<Owned>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse, actix_web::Error> {
    // The page about the API is for both; and who looks at what is nowhere is answered by a page.
    let (path, headers) = (request.path(), request.headers());
    let of_api = [paths::DOCS.path, paths::OPENAPI.path].contains(&path);
    let nowhere = !path.starts_with(BASE_OF_ALL) && pages::wants_a_page(headers);
    let by_browser = (of_api || nowhere) && !headers.contains_key(AUTHORIZATION);
    let answered = match by_browser || pages::owns(request.path()) {
        true => pages::admit(&browsers, request, next).await,
        false => guard::admit(&guard, request, next).await,
    };
    let typed = owned.typed();
    match answered {
        Ok(response) => Ok(match as_typed(response.response().error(), typed) {
            Some(said) => response.map_body(|_, _| said.error_response().into_body()),
            None => response.map_into_boxed_body(),
        }),
        Err(error) => Err(as_typed(Some(&error), typed).unwrap_or(error)),
    }
}

/// A refusal with the commands in it as they are typed.
fn as_typed(error: Option<&actix_web::Error>, typed: &Typed) -> Option<actix_web::Error> {
    let error = error?;
    let by_program = error.as_error::<Refused>();
    let by_browser = error.as_error::<pages::PageRefused>();
    by_program
        .map(|refused| refused.typed(typed).into())
        .or(by_browser.map(|refused| refused.typed(typed).into()))
}
