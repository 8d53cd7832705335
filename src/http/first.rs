//! The server of a machine on which there is no node yet: nothing but the pages that join a network. It listens on
//! this machine only, lets a browser in by a link that works once, and ends when the node's own pages are there.

use super::pages::{self, Browsers, Drawing, Joins};
use super::server::doorstep::Doorstep;
use super::server::{HEAD_PATIENCE, MAX_CONNECTIONS, REST, WORKERS};
use crate::entropy::Entropy;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::KeepAlive;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, FormConfig};
use actix_web::{App, HttpServer};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// A form with an invitation has a few kilobytes.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// How often it is looked whether the node is there.
const LOOK: Duration = Duration::from_millis(500);

/// For how long whoever joined is led on, once the node is there.
const LEAD_ON: Duration = Duration::from_secs(60);

/// Serves these pages on a port of its own until the node has its pages; to be called within
/// an actix system.
/// `tell` is told the link that lets the one browser in.
///
/// # Errors
/// What the system says where it can't listen or serve.
pub async fn serve_joining(
    joins: Arc<dyn Joins>,
    entropy: Arc<dyn Entropy>,
    tell: impl FnOnce(SocketAddr, String),
) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let browsers = Browsers::before_a_node(address);
    let key = browsers.draw_link(&*entropy);
    let doorstep = Doorstep::default();
    let asked: Data<dyn Joins> = Data::from(joins.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(FormConfig::default().limit(MAX_FORM_BYTES))
            .app_data(Data::new(browsers.clone()))
            .app_data(Data::new(Drawing(entropy.clone())))
            .app_data(asked.clone())
            .configure(pages::joining_routes)
            .wrap(from_fn(admit))
    })
    .workers(WORKERS)
    .max_connections(MAX_CONNECTIONS)
    .on_connect(move |connection, data| doorstep.enter(connection, data))
    .client_request_timeout(HEAD_PATIENCE)
    .keep_alive(KeepAlive::Timeout(REST))
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        while joins.pages().is_none() {
            actix_web::rt::time::sleep(LOOK).await;
        }
        actix_web::rt::time::sleep(LEAD_ON).await;
        handle.stop(true).await;
    });
    tell(address, format!("http://{address}/enter?key={key}"));
    server.await
}

async fn admit<B: MessageBody>(
    browsers: Data<Browsers>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    pages::admit(&browsers, request, next).await
}
