//! What the node writes down, as it does.

use super::form::Asked;
use super::frame::{Frame, Spot, page, status_of};
use super::refusal::PageRefused;
use super::show::When;
use crate::logging::PARTS;
use crate::owner::answers::LogLine;
use crate::owner::{Code, LogQuery, NodePlace, Peer, Refused};
use crate::readable::{Typed, visible};
use crate::settings::LogLevel;
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::Value;
use std::fmt::Write;

/// Lines on one page.
const LINES: usize = 100;

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
    /// What was chosen.
    level: String,
    actor: String,
    /// Where earlier lines are.
    earlier: Option<String>,
    /// Whether these are the latest, which are shown as they come.
    is_latest: bool,
    is_peer: bool,
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
    /// A line, whose event is the node's own words: commands in them are as they are typed.
    fn new(line: &LogLine, typed: &Typed) -> Self {
        let (level, sign, tone) = match line.level {
            LogLevel::Error => ("error", "▲", "bad"),
            LogLevel::Warn => ("warning", "△", "wait"),
            LogLevel::Info => ("info", "●", ""),
            LogLevel::Debug => ("debug", "○", ""),
            LogLevel::Trace => ("trace", "·", ""),
        };
        let mut fields = String::new();
        for (name, value) in &line.fields {
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
            when: When::new(line.time),
            level,
            sign,
            tone,
            actor: visible(&line.actor),
            event: visible(&typed.text(&line.event)),
            fields,
        }
    }
}

/// The log of a peer.
pub(super) async fn log(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let frame = Frame::of_peer(&peer, &status, &asked, Spot::Network, "Log");
    log_page(&peer.place, frame, &asked).await
}

/// The log of a node, within this frame.
pub(super) async fn log_page(
    place: &NodePlace,
    frame: Frame,
    asked: &Asked,
) -> Result<HttpResponse, PageRefused> {
    let typed = |name| asked.fields.text(name).filter(|typed| !typed.is_empty());
    let level = typed("level").unwrap_or("info");
    let query = LogQuery {
        level: Some(level.parse().map_err(|_| {
            let detail = "A level is error, warn, info or debug: choose one of them.";
            Refused::new(Code::BadParameter, detail)
        })?),
        actor: typed("actor").map(str::to_owned),
        about: typed("about").map(str::to_owned),
        page: asked.page(LINES),
    };
    let chosen = query.actor.clone();
    let log = place.log(query).await?;
    // What was typed stays to choose, though no part is called so.
    let mut actors: Vec<&str> = PARTS.to_vec();
    actors.extend(chosen.as_deref().filter(|chosen| !PARTS.contains(chosen)));
    let line = |line| Line::new(line, place.typed());
    page(&LogPage {
        earlier: log.next.map(|next| next.0),
        level: level.to_owned(),
        actor: chosen.clone().unwrap_or_default(),
        is_latest: asked.fields.text("after").is_none(),
        is_peer: frame.is_peer,
        frame,
        lines: log.lines.iter().map(line).collect(),
        levels: LEVELS
            .map(|(name, words)| (name, words, name == level))
            .to_vec(),
        actors: actors
            .into_iter()
            .map(|actor| (visible(actor), Some(actor) == chosen.as_deref()))
            .collect(),
        about: typed("about").map(visible).unwrap_or_default(),
    })
}
