//! What the node writes down, as it does.

use super::form::Asked;
use super::frame::{Frame, Spot, page, status_of};
use super::refusal::PageRefused;
use super::show::When;
use crate::chain::Timestamp;
use crate::logging::LogEvent;
use crate::owner::{Code, LogQuery, MAX_LOG_LINES, Peer, Refused};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::Value;
use std::fmt::Write;

/// The levels that can be chosen, and what is said of them.
const LEVELS: [(&str, &str); 4] = [
    ("error", "Only failures"),
    ("warn", "What is odd, too"),
    ("info", "What it does"),
    ("debug", "Every conversation"),
];

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    frame: Frame,
    lines: Vec<Line>,
    /// Value, words, whether it is chosen.
    levels: Vec<(&'static str, &'static str, bool)>,
    actors: Vec<(String, bool)>,
    about: String,
    most: usize,
}

/// One line.
struct Line {
    when: When,
    level: &'static str,
    /// For who does not read it.
    sign: &'static str,
    tone: &'static str,
    actor: String,
    event: String,
    fields: String,
}

impl Line {
    fn new(event: &LogEvent) -> Self {
        let (level, sign, tone) = match event.level {
            tracing::Level::ERROR => ("error", "▲", "bad"),
            tracing::Level::WARN => ("warning", "△", "wait"),
            tracing::Level::INFO => ("info", "●", ""),
            tracing::Level::DEBUG => ("debug", "○", ""),
            tracing::Level::TRACE => ("trace", "·", ""),
        };
        let mut fields = String::new();
        for (name, value) in &event.fields {
            let value = match value {
                Value::String(text) => visible(text),
                other => visible(&other.to_string()),
            };
            // Writing to a string can't fail.
            let _ = write!(
                fields,
                "{}{name} {value}",
                if fields.is_empty() { "" } else { ", " }
            );
        }
        Self {
            when: When::new(Timestamp(event.time.unix_ms())),
            level,
            sign,
            tone,
            actor: visible(&event.actor),
            event: visible(&event.event),
            fields,
        }
    }
}

/// The log.
pub(super) async fn log(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let typed = |name| asked.fields.text(name).filter(|typed| !typed.is_empty());
    let level = typed("level").unwrap_or("info");
    let query = LogQuery {
        level: Some(level.parse().map_err(|_| {
            let detail = "A level is error, warn, info or debug: choose one of them.";
            Refused::new(Code::BadParameter, detail)
        })?),
        actor: typed("actor").map(str::to_owned),
        about: typed("about").map(str::to_owned),
    };
    let chosen = query.actor.clone();
    let (events, mut actors) = peer.log(query).await?;
    // What was chosen stays to choose when it is silent.
    if let Some(chosen) = &chosen
        && !actors.contains(chosen)
    {
        actors.push(chosen.clone());
    }
    page(&LogPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Network, "Log"),
        lines: events.iter().map(Line::new).collect(),
        levels: LEVELS
            .map(|(name, words)| (name, words, name == level))
            .to_vec(),
        actors: actors
            .into_iter()
            .map(|actor| (visible(&actor), Some(&actor) == chosen.as_ref()))
            .collect(),
        about: typed("about").map(visible).unwrap_or_default(),
        most: MAX_LOG_LINES,
    })
}
