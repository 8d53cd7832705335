//! The network: blocks, mining, the chain as a whole, this node.

use super::acts::Background;
use super::blocks::Line;
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::home::Mining;
use super::refusal::PageRefused;
use super::sessions::Browsers;
use super::show::{When, Who, count, grouped, short};
use crate::owner::answers::{ClockStateView, MiningRequest, MiningView, MovedTo};
use crate::owner::{Code, Order, Page, Peer, Refused};
use crate::readable::{in_words, visible};
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

/// Blocks shown, and those that the chart is drawn of.
const SHOWN: usize = 12;
pub(super) const CHARTED: usize = 60;

#[derive(Template)]
#[template(path = "network.html")]
struct NetworkPage {
    frame: Frame,
    waiting: Option<String>,
    height: String,
    tip: Option<When>,
    length: String,
    work: String,
    open: String,
    blocks: Vec<Line>,
    chart: Option<Chart>,
    mining: Mining,
    mined: String,
    mining_words: Option<String>,
    mining_bad: bool,
    verifying: bool,
    verify_words: Option<String>,
    verify_bad: bool,
    /// When it mines: each choice, in words, and whether it is so.
    modes: Vec<(&'static str, &'static str, bool)>,
    lost: String,
    disconnected: bool,
    /// Who can be asked for the chain.
    sources: Vec<(Who, String)>,
}

/// The times between blocks, drawn here.
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    /// The greatest of them.
    pub(super) most: String,
    pub(super) mean: String,
    /// Width of the drawing.
    pub(super) wide: usize,
}

pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) tall: usize,
    pub(super) height: String,
    pub(super) words: String,
}

/// Height of the drawing, in its own units, and width of a bar with its gap.
const TALL: u64 = 60;
const WIDE: usize = 5;

/// Bars there is room for at least: of a few blocks they would be as broad as the page.
const LEAST_BARS: usize = 24;

impl Chart {
    pub(super) fn of(blocks: &[crate::owner::answers::BlockLine]) -> Option<Self> {
        let gaps: Vec<(u64, u64)> = blocks
            .windows(2)
            .map(|pair| (pair[0].height.0, pair[0].timestamp.since(pair[1].timestamp)))
            .collect();
        let most = gaps.iter().map(|(_, gap)| *gap).max()?.max(1);
        let sum: u64 = gaps
            .iter()
            .map(|(_, gap)| *gap)
            .fold(0, u64::saturating_add);
        let bars = gaps.iter().rev().enumerate().map(|(at, (height, gap))| {
            let tall = (u128::from(*gap) * u128::from(TALL) / u128::from(most)) as usize;
            let tall = tall.max(1);
            Bar {
                x: at * WIDE,
                y: TALL as usize - tall,
                tall,
                height: grouped(&height.to_string()),
                words: in_words(*gap),
            }
        });
        Some(Self {
            wide: gaps.len().max(LEAST_BARS) * WIDE,
            bars: bars.collect(),
            most: in_words(most),
            mean: in_words(sum / gaps.len() as u64),
        })
    }
}

/// The network.
pub(super) async fn network(
    peer: Data<Peer>,
    background: Data<Background>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let (mining, verifying) = (background.mining(), background.verifying());
    let mut shown = NetworkPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Network, "Network"),
        waiting: status.waiting.as_deref().map(visible),
        height: String::new(),
        tip: None,
        length: String::new(),
        work: String::new(),
        open: String::new(),
        blocks: Vec::new(),
        chart: None,
        mining: Mining::of(&status, &background),
        mined: String::new(),
        mining_bad: mining.is_bad(),
        mining_words: mining.words(),
        verifying: verifying.is_running(),
        verify_bad: verifying.is_bad(),
        verify_words: verifying.words(),
        modes: Vec::new(),
        lost: String::new(),
        disconnected: status.disconnected,
        sources: Vec::new(),
    };
    let Some(chain) = &status.chain else {
        return page(&shown);
    };
    let whole = peer.chain().await?;
    shown.height = grouped(&chain.tip.height.0.to_string());
    shown.tip = Some(When::new(chain.tip.timestamp));
    shown.length = count(whole.length as usize, "block");
    shown.work = grouped(&whole.work.to_string());
    shown.open = count(chain.open_transactions, "transaction");
    shown.modes = modes(&chain.mining);
    shown.lost = count(chain.mining.races_lost as usize, "race");
    shown.mined = count(chain.mining.blocks_mined as usize, "block");
    let blocks = peer.blocks(Order::Latest, &Page::first(CHARTED)).await?;
    shown.blocks = blocks.blocks.iter().take(SHOWN).map(Line::new).collect();
    shown.chart = Chart::of(&blocks.blocks);
    let members = peer.peers(&Page::default()).await?;
    let connected = members.peers.iter().filter(|member| !member.this_node);
    shown.sources = connected
        .filter_map(|member| {
            let session = member.session.as_ref()?;
            Some((Who::member(member), grouped(&session.height.0.to_string())))
        })
        .collect();
    page(&shown)
}

/// Begins to look for one block.
pub(super) async fn mine(
    peer: Data<Peer>,
    background: Data<Background>,
    browsers: Data<Browsers>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    if first_time(&browsers, &act) {
        background.mine(peer.get_ref().clone());
    }
    on_to("/network?done=mining#mine")
}

/// Begins to check the chain.
pub(super) async fn verify(
    peer: Data<Peer>,
    background: Data<Background>,
    browsers: Data<Browsers>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    if first_time(&browsers, &act) {
        background.verify(peer.get_ref().clone());
    }
    on_to("/network?done=verifying#chain")
}

/// Whether this form comes for the first time.
fn first_time(browsers: &Browsers, act: &Act) -> bool {
    act.once().is_none_or(|once| browsers.take_once(once))
}

/// Has the node mine at other times, until it is started again.
pub(super) async fn mode(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    let mode = act.fields.text("mode").unwrap_or_default();
    let request = serde_json::from_value(serde_json::json!({ "mode": mode }));
    let request: MiningRequest = request.map_err(|_| {
        let detail = "A node mines on command, when something waits, or always.";
        Refused::new(Code::BadParameter, detail)
    })?;
    peer.set_mining(&request).await?;
    on_to("/network?done=mode#mine")
}

/// Says goodbye to everybody, or takes the sessions up again.
pub(super) async fn connect(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    let connected = act.fields.text("connected") == Some("yes");
    peer.connect(connected).await?;
    match connected {
        true => on_to("/network?done=connected#connections"),
        false => on_to("/network?done=disconnected#connections"),
    }
}

/// The times at which a node can mine: as they are called, in words, and whether it is so.
fn modes(mining: &MiningView) -> Vec<(&'static str, &'static str, bool)> {
    let now = serde_json::to_value(mining.mode);
    let is = |name: &str| now.as_ref().is_ok_and(|now| now == name);
    [
        ("on-command", "When I say so"),
        ("when-pending", "When something waits"),
        ("always", "Always"),
    ]
    .map(|(name, words)| (name, words, is(name)))
    .to_vec()
}

/// Fetches the chain of one member first.
pub(super) async fn sync(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    peer.sync_from(act.fields.text("from").unwrap_or_default())
        .await?;
    on_to("/network?done=syncing#chain")
}

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage {
    frame: Frame,
    rows: Vec<(&'static str, String)>,
    moved: Vec<Moved>,
    moved_words: String,
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
            ("To be delivered", count(chain.delivery.queued, "send")),
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
    })
}
