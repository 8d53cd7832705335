//! This node: how it stands, what it keeps, what its settings are.

use super::form::Asked;
use super::frame::{Frame, Spot, page, status_of};
use super::refusal::PageRefused;
use super::show::{When, coins, count, grouped, short, size};
use crate::owner::Peer;
use crate::owner::answers::{ClockStateView, MovedTo};
use crate::readable::{in_words, visible};
use crate::settings::{Origin, Setting};
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage {
    frame: Frame,
    rows: Vec<(&'static str, String)>,
    moved: Vec<Moved>,
    moved_words: String,
    settings: Vec<Said>,
}

/// A setting, and who says so.
struct Said {
    key: String,
    value: String,
    by: String,
}

impl Said {
    fn new(setting: &Setting) -> Self {
        Self {
            key: setting.key.clone(),
            // A passphrase stands in a file of its own; not even where is told here.
            value: match setting.key.contains("passphrase") && setting.value != "" {
                true => "set, and not shown".to_owned(),
                false => visible(&setting.value.to_string()),
            },
            by: match &setting.origin {
                Origin::Default => "as usual".to_owned(),
                Origin::File { line } => format!("line {line} of the settings file"),
                Origin::Variable { name } => format!("the variable {}", visible(name)),
            },
        }
    }
}

/// A payment whose block was taken away.
struct Moved {
    id: String,
    short: String,
    words: String,
}

/// This node.
pub(super) async fn node(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let tracker = &status.tracker;
    let clock = match status.clock.state {
        ClockStateView::Unknown => "Not compared yet: that takes two others".to_owned(),
        ClockStateView::Right => "Right".to_owned(),
        ClockStateView::Ahead => format!("{} ahead", in_words(status.clock.by_ms)),
        ClockStateView::Behind => format!("{} behind", in_words(status.clock.by_ms)),
    };
    let mut rows = vec![
        ("Version", visible(&status.version)),
        ("Tracker", visible(&tracker.endpoint)),
        (
            "Registered there",
            match (&tracker.trouble, tracker.registered) {
                (_, true) => "Yes".to_owned(),
                (Some(why), false) => format!("No: {}", visible(why)),
                (None, false) => "Not yet".to_owned(),
            },
        ),
        ("Clock", clock),
    ];
    if let Some(until) = tracker.member_until {
        rows.push(("Member until", When::new(until).exact));
    }
    rows.push(("Its files", size(peer.bytes_on_disk().await?)));
    rows.push((
        "They are in",
        visible(&peer.data_dir().display().to_string()),
    ));
    let (mut moved, mut moved_words) = (Vec::new(), String::new());
    if let Some(chain) = &status.chain {
        let network = chain
            .network
            .id
            .map(|id| id.to_string())
            .unwrap_or_default();
        rows.extend([
            (
                "Network",
                format!("{} ({})", visible(&chain.network.name), short(&network)),
            ),
            ("Last block", grouped(&chain.tip.height.0.to_string())),
            ("Connections", count(chain.sessions, "member")),
            (
                "Waiting for a block",
                count(chain.open_transactions, "transaction"),
            ),
            ("Their size", size(chain.open_bytes as u64)),
            ("To be delivered", count(chain.delivery.queued, "send")),
            ("Coins kept back for them", coins(chain.delivery.reserved)),
            ("Not read yet", count(chain.delivery.unread, "message")),
            (
                "Mined since the start",
                count(chain.mining.blocks_mined as usize, "block"),
            ),
        ]);
        if let Some(change) = &chain.branch_change {
            moved_words = format!(
                "{} ago the network went over to a branch with more work: {} above block {} were replaced.",
                in_words(change.age_ms),
                count(change.blocks as usize, "block"),
                grouped(&change.fork.0.to_string())
            );
            moved = change
                .transactions
                .iter()
                .map(|one| Moved {
                    id: one.id.to_string(),
                    short: short(&one.id.to_string()),
                    words: match one.to {
                        MovedTo::Open => "waits for a block again".into(),
                        MovedTo::Mined { height } => format!("in block {} now", height.0),
                        MovedTo::TimedOut => {
                            "waited too long for a block: it is void unless somebody sends it again"
                                .into()
                        }
                        MovedTo::Expired => "expired: it will not be paid".into(),
                        MovedTo::Evicted => "pushed out by better paying ones".into(),
                        MovedTo::Conflicted => "void: its coins went elsewhere".into(),
                    },
                })
                .collect();
        }
    }
    page(&NodePage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Network, "This node"),
        rows,
        moved,
        moved_words,
        settings: peer.settings().iter().map(Said::new).collect(),
    })
}
