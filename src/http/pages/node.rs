//! This node: how it stands, what it keeps, what its settings are.

use super::acts::Background;
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::network::first_time;
use super::refusal::PageRefused;
use super::sessions::Browsers;
use super::show::{Moment, When, coins, count, grouped, short, size};
use crate::chain::Timestamp;
use crate::owner::answers::{
    BackupRequest, ClockStateView, ClockView, MovedTo, SettingView, TrackerStatusView,
};
use crate::owner::{NodePlace, Peer, Refused, Tracker};
use crate::readable::{in_words, visible};
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage {
    frame: Frame,
    rows: Vec<(&'static str, String)>,
    /// Until when the certificate of a member holds.
    until: Option<Moment>,
    moved: Vec<Moved>,
    moved_words: String,
    settings: Vec<Said>,
    backup: Backup,
    /// Where it is itself.
    back: &'static str,
    is_peer: bool,
}

/// Backups, as they are told of.
pub(super) struct Backup {
    pub(super) last: Option<When>,
    /// Where they are made, unless another place is named.
    pub(super) place: String,
    /// How the one goes that was asked for, or what came of it.
    pub(super) words: Option<String>,
    pub(super) is_bad: bool,
    pub(super) is_running: bool,
}

impl Backup {
    pub(super) async fn of(place: &NodePlace, background: &Background) -> Result<Self, Refused> {
        let goes = background.backing_up();
        Ok(Self {
            last: place.last_backup().await?.map(When::new),
            place: visible(&place.backups_in()),
            words: goes.words(),
            is_bad: goes.is_bad(),
            is_running: goes.is_running(),
        })
    }
}

/// Has the node make a backup.
pub(super) async fn back_up(
    place: Data<NodePlace>,
    background: Data<Background>,
    browsers: Data<Browsers>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    let dir = act.fields.text("dir").filter(|dir| !dir.is_empty());
    let wanted = BackupRequest {
        dir: dir.map(Into::into),
    };
    if first_time(&browsers, &act) {
        background.back_up(&place.into_inner(), wanted);
    }
    let back = act.back().unwrap_or("/network/node");
    on_to(&format!("{back}?done=backup#backup"))
}

/// A setting, and who says so.
struct Said {
    key: String,
    value: String,
    by: String,
}

impl Said {
    fn new(setting: &SettingView) -> Self {
        Self {
            key: setting.key.clone(),
            value: setting.value.clone(),
            by: match (setting.line, &setting.variable) {
                (Some(line), _) => format!("line {line} of the settings file"),
                (None, Some(name)) => format!("the variable {name}"),
                (None, None) => "as usual".to_owned(),
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
pub(super) async fn node(
    peer: Data<Peer>,
    background: Data<Background>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let tracker = &status.tracker;
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
        ("Clock", clock(&status.clock)),
    ];
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
                        MovedTo::PutOut => {
                            "void unless its sender, who was put out, is let back".into()
                        }
                    },
                })
                .collect();
        }
    }
    let frame = Frame::of_peer(&peer, &status, &asked, Spot::Network, "This node");
    let backup = Backup::of(&peer.place, &background).await?;
    let until = tracker.member_until;
    node_page(
        &peer.place,
        frame,
        (rows, until),
        backup,
        (moved_words, moved),
    )
    .await
}

/// A node, within this frame: how it stands, and what is the same of all.
async fn node_page(
    place: &NodePlace,
    frame: Frame,
    (mut rows, until): (Vec<(&'static str, String)>, Option<Timestamp>),
    backup: Backup,
    (moved_words, moved): (String, Vec<Moved>),
) -> Result<HttpResponse, PageRefused> {
    let kept = place.settings().await?;
    rows.push(("Its files", size(kept.bytes_on_disk)));
    rows.push(("They are in", visible(&kept.data_dir)));
    page(&NodePage {
        is_peer: frame.is_peer,
        frame,
        rows,
        until: until.map(Moment::new),
        moved,
        moved_words,
        settings: kept.settings.iter().map(Said::new).collect(),
        backup,
        back: "/network/node",
    })
}

/// This tracker.
pub(super) async fn of_tracker(
    tracker: &Tracker,
    status: &TrackerStatusView,
    background: &Background,
    frame: Frame,
) -> Result<HttpResponse, PageRefused> {
    let mut rows = vec![
        ("Version", visible(&status.version)),
        ("Members reach it at", visible(&status.endpoint)),
        ("Clock", clock(&status.clock)),
        ("Connections", count(status.sessions, "member")),
        (
            "Members that others can call",
            grouped(&status.reachable.to_string()),
        ),
    ];
    if let Some(height) = status.height {
        rows.push(("Last block, as members say", grouped(&height.0.to_string())));
    }
    rows.extend(status.overruled.iter().map(|one| {
        let words = format!(
            "{} here, but {} holds: the network was founded so",
            visible(&one.given),
            visible(&one.holds)
        );
        (
            "A setting that is overruled",
            format!("{}: {words}", visible(&one.key)),
        )
    }));
    let backup = Backup::of(&tracker.place, background).await?;
    node_page(
        &tracker.place,
        frame,
        (rows, None),
        backup,
        Default::default(),
    )
    .await
}

/// How a clock compares.
fn clock(clock: &ClockView) -> String {
    match clock.state {
        ClockStateView::Unknown => "Not compared yet: that takes two others".to_owned(),
        ClockStateView::Right => "Right".to_owned(),
        ClockStateView::Ahead => format!("{} ahead", in_words(clock.by_ms)),
        ClockStateView::Behind => format!("{} behind", in_words(clock.by_ms)),
    }
}
