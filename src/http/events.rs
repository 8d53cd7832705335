//! The stream of events, as browsers and programs read it (`text/event-stream`).
//!
//! Nothing is kept for a client but its place in the node's ring: the next events are read when the connection
//! has room for them. Who is too slow is told `reset`.

use crate::owner::answers::{EventId, EventKind, Told};
use crate::owner::{Code, EventStream, Refused};
use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use futures_util::{StreamExt, stream};
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Streams at a time at the owner's API: a browser needs one, however many tabs it has.
pub(super) const MAX_STREAMS: usize = 50;

/// How often a stream says something, if only that it is there: so that whoever listens knows within seconds
/// that the node is gone, and the place of whoever has gone is free within seconds.
const PULSE: Duration = Duration::from_secs(2);

/// After how many milliseconds a browser comes back when the stream has ended.
const RETRY_MS: u64 = 1_000;

/// What a stream of events is.
const EVENT_STREAM: &str = "text/event-stream";

/// The event that no kind is: look anew.
const RESET: &str = "reset";

/// The places of one server's streams.
#[derive(Clone)]
pub(super) struct Streams {
    places: Arc<Semaphore>,
    most: usize,
}

impl Streams {
    /// So many at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
        }
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.places.clone().try_acquire_owned().map_err(|_| {
            Refused::new(
                Code::TooManyStreams,
                format!(
                    "{} follow the events already: close some of them, or ask again later",
                    self.most
                ),
            )
        })
    }
}

/// The answer that goes on for as long as somebody reads it.
///
/// # Errors
/// [`Code::TooManyStreams`].
pub(super) fn respond(streams: &Streams, events: EventStream) -> Result<HttpResponse, Refused> {
    let place = streams.enter()?;
    let hello = format!("retry: {RETRY_MS}\nid: {}\n\n", events.at());
    let hello = stream::iter([Ok::<_, io::Error>(Bytes::from(hello))]);
    let following = stream::unfold((events, place), |(mut events, place)| async move {
        let text = match timeout(PULSE, events.next()).await {
            Ok(Some(told)) => written(&told),
            // No event, but where to go on: what was passed over need not be looked at again.
            Err(_) => format!(": here\nid: {}\n\n", events.at()),
            Ok(None) => return None,
        };
        Some((Ok(Bytes::from(text)), (events, place)))
    });
    Ok(HttpResponse::Ok()
        .content_type(EVENT_STREAM)
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(hello.chain(following)))
}

fn written(told: &[Told]) -> String {
    let mut text = String::new();
    for told in told {
        match told {
            Told::Event(id, event) => {
                // What the API's shapes hold can be written as JSON, in one line.
                let data = serde_json::to_string(event).unwrap_or_default();
                write(&mut text, *id, EventKind::of(event).name(), &data);
            }
            Told::Reset(id) => write(&mut text, *id, RESET, "{\"kind\":\"reset\"}"),
        }
    }
    text
}

fn write(text: &mut String, id: EventId, name: &str, data: &str) {
    // Writing to a string can't fail.
    let _ = write!(text, "id: {id}\nevent: {name}\ndata: {data}\n\n");
}

#[cfg(test)]
mod tests;
