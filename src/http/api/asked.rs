//! What a request says: its parameters and its body, and what is said of those that can't be read.

use super::paths::{self, PathLine};
use super::unread;
use crate::owner::answers::{Cursor, EventId, EventKind, EventKinds};
use crate::owner::{Code, Goal, LogQuery, MAX_PATIENCE, Order, Page, PeersPage, Refused};
use actix_web::dev::Payload;
use actix_web::error::JsonPayloadError;
use actix_web::http::header;
use actix_web::web::{JsonConfig, Query};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};
use std::str::FromStr;
use std::time::Duration;

/// Largest body of a request, in bytes: the longest record in hexadecimal digits, and what stands around it.
pub const MAX_REQUEST_BYTES: usize = 132 * 1024;

/// Largest body of a call for many transfers, in bytes: a thousand without notes take a tenth of it, and 250 have
/// room for the longest note.
pub const MAX_BATCH_BYTES: usize = 2 << 20;

/// What carries the last event that a browser has got, and with every answer the last one that was told before
/// it was read.
pub(super) const LAST_EVENT_HEADER: &str = "last-event-id";

/// What carries the key of a request.
pub(super) const KEY_HEADER: &str = "Idempotency-Key";

/// Characters of a parameter that a refusal repeats.
const REPEATED: usize = 80;

/// The parameters of a request.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Result<Self, Refused> {
        let read = Query::<Vec<(String, String)>>::from_query(query);
        let read = read.map_err(|error| bad(format!("the parameters can't be read: {error}")))?;
        Ok(Self(read.into_inner()))
    }

    /// Refuses what this path has no use for, and what is there twice.
    pub(super) fn check(query: &str, line: &PathLine) -> Result<(), Refused> {
        let Self(parameters) = Self::read(query)?;
        for (at, (name, _)) in parameters.iter().enumerate() {
            if !line.parameters.contains(&name.as_str()) {
                let takes = match line.parameters {
                    [] => "it takes none".to_owned(),
                    some => format!("it takes {}", some.join(", ")),
                };
                return Err(Refused::new(
                    Code::UnknownParameter,
                    format!("{} has no parameter {:?}: {takes}", line.path, cut(name)),
                ));
            }
            if parameters
                .iter()
                .skip(at + 1)
                .any(|(other, _)| other == name)
            {
                return Err(bad(format!("{name} is there twice: which one is meant?")));
            }
        }
        Ok(())
    }

    /// The text of a parameter.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut parameters = self.0.iter();
        let found = parameters.find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter that is a whole number.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refused> {
        let number = |text: &str| {
            text.parse().map_err(|_| {
                bad(format!(
                    "{name} is {:?}, but must be a whole number",
                    cut(text)
                ))
            })
        };
        self.text(name).map(number).transpose()
    }

    /// For how many seconds an answer is waited for; as long as one may be, if it is not said.
    pub(super) fn patience(&self) -> Result<Duration, Refused> {
        let seconds = self.number("seconds")?;
        let patience = seconds.map_or(MAX_PATIENCE, Duration::from_secs);
        match patience <= MAX_PATIENCE {
            true => Ok(patience),
            false => Err(bad(format!(
                "seconds is {}, but must be {} at most: ask again after that",
                patience.as_secs(),
                MAX_PATIENCE.as_secs()
            ))),
        }
    }

    /// A parameter that is `true` or `false`; `false` if it is left out.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refused> {
        Ok(self.either(name)? == Some(true))
    }

    /// A parameter that is `true` or `false`, or left out.
    fn either(&self, name: &str) -> Result<Option<bool>, Refused> {
        match self.text(name) {
            None => Ok(None),
            Some("false") => Ok(Some(false)),
            Some("true") => Ok(Some(true)),
            Some(text) => Err(bad(format!(
                "{name} is {:?}, but must be true or false",
                cut(text)
            ))),
        }
    }

    /// From which end a list is shown.
    pub(super) fn order(&self, usual: Order) -> Result<Order, Refused> {
        match self.text("order") {
            None => Ok(usual),
            Some("oldest") => Ok(Order::Oldest),
            Some("latest") => Ok(Order::Latest),
            Some(text) => Err(bad(format!(
                "order is {:?}, but must be oldest or latest",
                cut(text)
            ))),
        }
    }

    /// What is waited for.
    pub(super) fn goal(&self) -> Result<Option<Goal>, Refused> {
        match self.text("wait") {
            None => Ok(None),
            Some("open") => Ok(Some(Goal::Open)),
            Some("delivered") => Ok(Some(Goal::Delivered)),
            Some("mined") => Ok(Some(Goal::Mined)),
            Some(text) => Err(bad(format!(
                "wait is {:?}, but must be open, delivered or mined",
                cut(text)
            ))),
        }
    }

    /// A parameter that names an event.
    pub(super) fn event(&self, name: &str) -> Result<Option<EventId>, Refused> {
        self.text(name).map(event).transpose()
    }

    /// Which kinds of events; all of them if it is left out.
    pub(super) fn kinds(&self) -> Result<EventKinds, Refused> {
        let kind = |name: &str| {
            let found = EventKind::ALL.iter().find(|kind| kind.name() == name);
            found.copied().ok_or_else(|| {
                let all: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
                let all = all.join(", ");
                bad(format!(
                    "there is no event {:?}: there are {all}",
                    cut(name)
                ))
            })
        };
        match self.text("kinds") {
            None => Ok(EventKinds::ALL),
            Some(names) => {
                let kinds: Result<Vec<_>, _> = names.split(',').map(kind).collect();
                Ok(EventKinds::only(kinds?))
            }
        }
    }

    /// Which lines of the log.
    pub(super) fn log(&self) -> Result<LogQuery, Refused> {
        let level = |text: &str| {
            text.parse().map_err(|_| {
                bad(format!(
                    "level is {:?}, but must be error, warn, info, debug or trace",
                    cut(text)
                ))
            })
        };
        Ok(LogQuery {
            level: self.text("level").map(level).transpose()?,
            actor: self.text("actor").map(str::to_owned),
            about: self.text("about").map(str::to_owned),
            page: self.page()?,
        })
    }

    /// Which members.
    pub(super) fn peers(&self) -> Result<PeersPage, Refused> {
        Ok(PeersPage {
            matching: self.text("matching").map(str::to_owned),
            here: self.either("here")?,
            page: self.page()?,
        })
    }

    /// Which part of a list.
    pub(super) fn page(&self) -> Result<Page, Refused> {
        Ok(Page {
            after: self.text("after").map(|text| Cursor(text.to_owned())),
            limit: self.number("limit")?,
        })
    }
}

impl FromRequest for Parameters {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.query_string()))
    }
}

/// The header `Idempotency-Key`: what a request is known by if it is asked again.
pub(super) struct Key(pub(super) Option<String>);

impl FromRequest for Key {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut keys = request.headers().get_all(KEY_HEADER);
        let key = match (keys.next(), keys.next()) {
            (None, _) => Ok(None),
            (Some(key), None) => key.to_str().map(|key| Some(key.to_owned())).map_err(drop),
            (Some(_), Some(_)) => Err(()),
        };
        let refused = |()| {
            Refused::new(
                Code::BadKey,
                format!("{KEY_HEADER} must be there once, as visible ASCII characters"),
            )
        };
        ready(key.map(Self).map_err(refused))
    }
}

/// The header `Last-Event-ID`: the last event that somebody has got who comes back.
pub(in crate::http) struct LastEvent(pub(in crate::http) Option<EventId>);

impl FromRequest for LastEvent {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let last = request.headers().get(LAST_EVENT_HEADER);
        let last = last.map(|last| event(last.to_str().unwrap_or_default()));
        ready(last.transpose().map(Self))
    }
}

fn event(text: &str) -> Result<EventId, Refused> {
    text.parse().map_err(|error| {
        let detail = format!("{:?} is no event: {error}", cut(text));
        Refused::new(Code::BadCursor, detail)
    })
}

/// How the body of a request of this path is read.
pub(super) fn bodies(line: &PathLine) -> JsonConfig {
    let most = match line.path == paths::SEND_MANY.path {
        true => MAX_BATCH_BYTES,
        false => MAX_REQUEST_BYTES,
    };
    JsonConfig::default()
        .limit(most)
        .error_handler(move |error, request| bad_body(&error, most, request).into())
}

fn bad_body(error: &JsonPayloadError, most: usize, request: &HttpRequest) -> Refused {
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let why = match error {
        JsonPayloadError::Deserialize(error) => unread::why(error),
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            format!("it has more than {most} bytes")
        }
        JsonPayloadError::ContentType if !is_json => {
            "its Content-Type must be application/json".to_owned()
        }
        error => error.to_string(),
    };
    Refused::new(
        Code::BadBody,
        format!("the body of this request can't be read: {why}"),
    )
}

fn bad(detail: String) -> Refused {
    Refused::new(Code::BadParameter, detail)
}

fn cut(text: &str) -> String {
    text.chars().take(REPEATED).collect()
}
