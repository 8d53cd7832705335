//! The network: blocks, mining, the chain as a whole.

use super::acts::Background;
use super::blocks::Line;
use super::charts::{CHARTED, Chart};
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::home::Mining;
use super::refusal::PageRefused;
use super::sessions::Browsers;
use super::show::{When, Who, count, grouped};
use crate::owner::answers::{MiningRequest, MiningView};
use crate::owner::{Code, Order, Page, Peer, Refused};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

/// How mining on command alone is called.
const COMMAND: &str = "on-command";

/// Blocks shown.
const SHOWN: usize = 12;

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
    between: Chart,
    rates: Chart,
    here: Chart,
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

/// The network.
pub(super) async fn network(
    peer: Data<Peer>,
    background: Data<Background>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let tip = status.chain.as_ref().map_or(0, |chain| chain.tip.height.0);
    let (mining, verifying) = (background.mining(tip), background.verifying());
    let mut shown = NetworkPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Network, "Network"),
        waiting: status.waiting.as_deref().map(visible),
        height: String::new(),
        tip: None,
        length: String::new(),
        work: String::new(),
        open: String::new(),
        blocks: Vec::new(),
        between: Chart::between(&[]),
        rates: Chart::rates(&[]),
        here: Chart::here(&[]),
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
    if status.put_out.is_some() {
        // The others do not take what it mines: all that is left is to stop what mines by itself.
        let is_idle = !chain.mining.begins_by_itself();
        shown
            .modes
            .retain(|(name, ..)| *name == COMMAND && !is_idle);
    }
    shown.lost = count(chain.mining.races_lost as usize, "race");
    shown.mined = count(chain.mining.blocks_mined as usize, "block");
    let blocks = peer.blocks(Order::Latest, &Page::first(CHARTED)).await?;
    shown.blocks = blocks
        .blocks
        .iter()
        .take(SHOWN)
        .map(|block| Line::new(&peer, block))
        .collect();
    shown.between = Chart::between(&blocks.blocks);
    shown.rates = Chart::rates(&blocks.blocks);
    shown.here = Chart::here(&peer.presence().await?);
    let connected = peer.company().await?.connected;
    shown.sources = connected
        .iter()
        .map(|one| {
            (
                Who::of(&peer, &one.person),
                grouped(&one.height.0.to_string()),
            )
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
    on_to(&format!("{}?done=mining", act.back().unwrap_or("/network")))
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
    on_to("/network?done=verifying")
}

/// Whether this form comes for the first time.
pub(super) fn first_time(browsers: &Browsers, act: &Act) -> bool {
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
    on_to("/network?done=mode")
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

/// Asks the tracker now instead of when it is time.
pub(super) async fn try_now(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    peer.try_now().await?;
    on_to(&format!("{}?done=trying", act.back().unwrap_or("/")))
}

/// The times at which a node can mine: as they are called, in words, and whether it is so.
fn modes(mining: &MiningView) -> Vec<(&'static str, &'static str, bool)> {
    let now = serde_json::to_value(mining.mode);
    let is = |name: &str| now.as_ref().is_ok_and(|now| now == name);
    [
        (COMMAND, "When I say so"),
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
    on_to("/network?done=syncing")
}
