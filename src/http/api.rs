//! The REST API: what commands, and programs on this machine, ask of a node.

pub(super) mod asked;
mod docs;
mod known;
mod lists;
mod metrics;
mod openapi;
pub(super) mod paths;
mod peer;
pub(super) mod problem;
mod shapes;
mod tracker;
mod unread;
mod waiting;

pub use asked::{MAX_BATCH_BYTES, MAX_REQUEST_BYTES};
pub use paths::{BASE, Of, PATHS, PathLine};
pub use problem::{PROBLEM_JSON, Problem};

use self::asked::{LAST_EVENT_HEADER, Parameters, bodies};
use crate::owner::answers::{
    BackupRequest, BackupView, CheckpointRequest, CheckpointView, LogLevelRequest, LogLevelView,
    LogView, SettingsView, StopRequest, StoppingView,
};
use crate::owner::{Code, NodePlace, Owned, Peer, Refused, StopOrder, set_log_level};
use actix_web::dev::{HttpServiceFactory, ServiceRequest};
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, Json, ServiceConfig};
use actix_web::{Error, FromRequest, Handler, HttpRequest, HttpResponse, Responder};
use std::sync::Arc;

/// Every path of the API that a node of this kind has.
pub(super) fn configure(config: &mut ServiceConfig, owned: &Owned) {
    config
        .service(resource(&paths::STOP, stop_node))
        .service(resource(&paths::LOG_LEVEL, log_level))
        .service(resource(&paths::METRICS, metrics::metrics))
        .service(resource(&paths::HEALTHY, metrics::healthy))
        .service(resource(&paths::READY, metrics::ready))
        .app_data(Data::new(owned.clone()))
        .configure(lists::routes);
    match owned {
        Owned::Peer(peer) => config
            .app_data(Data::new(Of::Peer))
            .app_data(Data::new(peer.clone()))
            .configure(|config| place(config, &peer.place))
            .configure(peer::routes),
        Owned::Tracker(tracker) => config
            .app_data(Data::new(Of::Tracker))
            .app_data(Data::new(tracker.clone()))
            .configure(|config| place(config, &tracker.place))
            .configure(tracker::routes),
        Owned::Waiting(waiting) => config
            .app_data(Data::new(Of::Waiting))
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

/// Changes how much the node tells of itself.
async fn log_level(request: Json<LogLevelRequest>) -> Result<Json<LogLevelView>, Refused> {
    set_log_level(&request).map(Json)
}

/// What a node tells of its own files.
fn place(config: &mut ServiceConfig, place: &Arc<NodePlace>) {
    config
        .app_data(Data::from(place.clone()))
        .service(resource(&paths::LOG, log))
        .service(resource(&paths::SETTINGS, settings))
        .service(resource(&paths::CHECKPOINT, checkpoint))
        .service(resource(&paths::BACK_UP, back_up));
}

async fn log(place: Data<NodePlace>, asked: Parameters) -> Result<Json<LogView>, Refused> {
    place.log(asked.log()?).await.map(Json)
}

async fn settings(place: Data<NodePlace>) -> Result<Json<SettingsView>, Refused> {
    place.settings().await.map(Json)
}

async fn checkpoint(
    place: Data<NodePlace>,
    request: Json<CheckpointRequest>,
) -> Result<Json<CheckpointView>, Refused> {
    let made = web::block(move || place.checkpoint(&request)).await;
    made.map_err(|_| Refused::stopping())?.map(Json)
}

async fn back_up(
    place: Data<NodePlace>,
    request: Json<BackupRequest>,
) -> Result<Json<BackupView>, Refused> {
    place.into_inner().back_up(&request).await.map(Json)
}

/// What is said where there is nothing.
pub(super) async fn nothing_here(
    of: Data<Of>,
    request: HttpRequest,
) -> Result<HttpResponse, Refused> {
    let path = request.path();
    let unknown = |detail: String| Err(Refused::new(Code::UnknownPath, detail));
    match paths::moved(path) {
        Some(now) => unknown(format!("what was at {path} is at {now} now")),
        None if **of == Of::Waiting => Err(waiting::not_yet()),
        None => unknown(format!(
            "the API of this node has nothing under this path: `GET {}` lists what there is",
            paths::LIST.path
        )),
    }
}

/// A path with the one way in which it can be asked.
pub(super) fn resource<F, Args>(line: &'static PathLine, handler: F) -> impl HttpServiceFactory
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let route = match line.method {
        "GET" => web::get(),
        _ => web::post(),
    };
    let wrong_method = move || async move {
        let refused = Refused::new(
            Code::WrongMethod,
            format!("{} is asked with {}", line.path, line.method),
        );
        let mut response = problem::response(&refused);
        let allow = HeaderValue::from_static(line.method);
        response.headers_mut().insert(ALLOW, allow);
        response
    };
    web::resource(line.path)
        .app_data(bodies(line))
        .wrap(from_fn(
            move |request: ServiceRequest, next: Next<_>| async move {
                Parameters::check(request.query_string(), line)?;
                // Before anything is read: whoever follows the events from there on misses nothing.
                let last = request
                    .app_data::<Data<Peer>>()
                    .map(|peer| peer.last_event());
                let mut response = next.call(request).await?;
                if let Some(last) = last
                    && let Ok(last) = HeaderValue::try_from(last.to_string())
                {
                    let headers = response.headers_mut();
                    headers.insert(HeaderName::from_static(LAST_EVENT_HEADER), last);
                }
                Ok::<_, Error>(response)
            },
        ))
        .route(route.to(handler))
        .default_service(web::route().to(wrong_method))
}
