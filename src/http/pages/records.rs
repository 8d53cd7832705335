//! Records: the topics, what stands under one, and adding to it.

use super::form::{Act, Asked, Fields};
use super::frame::{Frame, Spot, html, on_to, page, status_of};
use super::refusal::PageRefused;
use super::show::{When, Who, grouped, lines, told};
use crate::canonical;
use crate::chain::Amount;
use crate::chain::application::MEMBERS_TOPIC;
use crate::http::api::problem::status_of as code_of;
use crate::membership::{Act as AdminAct, MembersRecord};
use crate::owner::answers::{ActionView, BodyView, PersonView, RecordEntry, RecordRequest};
use crate::owner::{Code, Peer, Refused};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

/// Topics on one page, and records.
const TOPICS_LISTED: usize = 100;
const LISTED: usize = 50;

/// Characters of a record that are shown: the rest is a page away.
const SHOWN: usize = 2_000;

/// The form that adds a record, as it is filled in.
#[derive(Default)]
struct Adding {
    topic: String,
    text: String,
    refused: Option<String>,
}

/// A topic in the list.
struct Topic {
    topic: String,
    /// What is recorded under it, where the network says.
    of: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "topics.html")]
struct TopicsPage {
    frame: Frame,
    /// Why there is nothing; `None` where there is a network.
    waiting: Option<String>,
    topics: Vec<Topic>,
    next: Option<String>,
    adding: Adding,
}

async fn topics_page(
    peer: &Peer,
    asked: &Asked,
    adding: Adding,
) -> Result<TopicsPage, PageRefused> {
    let status = status_of(peer).await?;
    let mut shown = TopicsPage {
        frame: Frame::of_peer(peer, &status, asked, Spot::Votes, "Records"),
        waiting: status.waiting.as_deref().map(visible),
        topics: Vec::new(),
        next: None,
        adding,
    };
    if status.chain.is_some() {
        let list = peer.topics(&asked.page(TOPICS_LISTED)).await?;
        shown.topics = list
            .topics
            .iter()
            .map(|topic| Topic {
                topic: topic.topic.clone(),
                of: topic.application.then_some(match topic.topic.as_str() {
                    "members" => "who joined, and who left",
                    "vote" => "ballots, votes and results",
                    _ => "kept by an application of this network",
                }),
            })
            .collect();
        shown.next = list.next.map(|next| next.0);
    }
    Ok(shown)
}

/// The topics.
pub(super) async fn topics(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    page(&topics_page(&peer, &asked, Adding::default()).await?)
}

/// A record in the list.
struct Line {
    id: String,
    who: Who,
    when: When,
    height: String,
    /// Whether a change of branch has taken it off the chain.
    reverted: bool,
    body: Body,
}

enum Body {
    /// What it says, where the node's own applications write it, and whom it is about.
    Said(String, Option<Who>),
    Text(String),
    Digits(String),
}

impl Line {
    fn new(peer: &Peer, entry: &RecordEntry, said: Option<(String, Option<Who>)>) -> Self {
        let record = entry.record();
        Self {
            id: record.id.to_string(),
            who: Who::of(peer, &record.sender),
            when: When::new(record.timestamp),
            height: grouped(&record.height.0.to_string()),
            reverted: matches!(entry, RecordEntry::Reverted(_)),
            body: match (said, &record.body) {
                (Some((words, about)), _) => Body::Said(words, about),
                (None, BodyView::Text(text)) => Body::Text(lines(&cut(text))),
                (None, BodyView::Hex(digits)) => Body::Digits(cut(digits)),
            },
        }
    }
}

/// What a record says that an application of this network has written, and whom it is about.
async fn said(
    peer: &Peer,
    topic: &str,
    entry: &RecordEntry,
) -> Result<(String, Option<Who>), PageRefused> {
    let record = entry.record();
    if topic == MEMBERS_TOPIC
        && let Some(Ok(MembersRecord::Statement(signed))) =
            record.body.bytes().map(|bytes| canonical::decode(&bytes))
    {
        return Ok(decided(peer, &signed.statement.act));
    }
    let found = peer.transaction(&record.id.to_string()).await?;
    let says = match found.transaction.map(|transaction| transaction.action) {
        Some(ActionView::Record { says, .. }) => says,
        _ => None,
    };
    let words = says.map_or_else(
        || "what an application of this network keeps for itself".to_owned(),
        |says| visible(&says.words()),
    );
    Ok((words, None))
}

/// What the admin has decided, and about whom.
fn decided(peer: &Peer, act: &AdminAct) -> (String, Option<Who>) {
    let words = match act {
        AdminAct::Expel { reason, .. } => {
            format!(
                "the admin put out, for this reason: “{}”",
                visible(reason.as_str())
            )
        }
        AdminAct::Readmit { .. } => "the admin let back".to_owned(),
        AdminAct::Reassign { name, .. } => {
            format!("the admin gave the name {name} to another key")
        }
        AdminAct::Succeed { .. } => "the admin handed the network over".to_owned(),
        AdminAct::Revoke { .. } => "the admin took back the right to issue".to_owned(),
    };
    let about = PersonView {
        name: None,
        address: act.key().to_address(),
        put_out: false,
    };
    (words, Some(Who::of(peer, &about)))
}

/// As much of a text as is shown.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "records.html")]
struct RecordsPage {
    frame: Frame,
    topic: String,
    records: Vec<Line>,
    next: Option<String>,
    /// Whether nodes write under it by themselves, and nobody by hand.
    is_own: bool,
    adding: Adding,
    later: bool,
}

/// What stands under a topic.
pub(super) async fn records(
    peer: Data<Peer>,
    topic: Path<String>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let list = peer.records(&topic, &asked.page(LISTED)).await?;
    let title = format!("Records under {}", visible(&list.topic));
    let is_own = peer.keeps_topic(&list.topic);
    let mut records = Vec::new();
    for entry in &list.entries {
        let said = match is_own {
            true => Some(said(&peer, &list.topic, entry).await?),
            false => None,
        };
        records.push(Line::new(&peer, entry, said));
    }
    page(&RecordsPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Votes, title),
        records,
        next: list.next.map(|next| next.0),
        later: asked.fields.text("after").is_some(),
        is_own,
        adding: Adding {
            topic: list.topic.clone(),
            ..Adding::default()
        },
        topic: list.topic,
    })
}

/// Adds one.
pub(super) async fn add(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    let added = match request(&act.fields) {
        Ok(request) => peer.add_record(&request, act.once()).await,
        Err(refused) => Err(refused),
    };
    let refused = match added {
        Ok(added) => return on_to(&format!("/network/transactions/{}?done=recorded", added.id)),
        Err(refused) => refused,
    };
    let typed = |name| act.fields.typed(name).unwrap_or_default().to_owned();
    let adding = Adding {
        topic: typed("topic"),
        text: typed("text"),
        refused: Some(told(&refused, peer.place.typed())),
    };
    let again = topics_page(&peer, &act.into(), adding).await?;
    Ok(html(code_of(refused.code), &again))
}

/// What the filled form asks for.
fn request(fields: &Fields) -> Result<RecordRequest, Refused> {
    let text = fields.typed("text").unwrap_or_default();
    let text = text.replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Err(Refused::new(
            Code::BadRecord,
            "There is nothing to record yet: type a text.",
        ));
    }
    Ok(RecordRequest {
        topic: fields.text("topic").unwrap_or_default().to_owned(),
        body: BodyView::Text(text),
        fee: Amount::ZERO,
        expires_in_blocks: None,
    })
}
