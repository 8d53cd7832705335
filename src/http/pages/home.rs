//! Home: am I connected, what do I have, what came, what needs me.

use super::acts::Background;
use super::blocks::Line;
use super::entries::{Entry, Mood};
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::refusal::PageRefused;
use super::sessions::{Browsers, FirstStep};
use super::show::{coins, count, grouped};
use crate::owner::answers::{ClockStateView, PeerStatusView, SendView};
use crate::owner::{InboxPage, MissingVote, Order, Page, Peer, Refused, Which};
use crate::readable::{in_words, sentence, visible};
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

/// Messages, sends and blocks shown at home.
const CAME: usize = 4;
const UNDER_WAY: usize = 8;
const BLOCKS: usize = 7;
/// Ballots in which a vote is missing.
const VOTES: usize = 3;

/// Failed sends that are told of: within the last day.
const RECENT_MS: u64 = 86_400_000;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    /// Why there is no network, as long as there is none.
    waiting: Option<String>,
    balance: String,
    promised: Option<String>,
    spendable: String,
    came: Vec<Entry>,
    /// Numbers of what was not read of what came: it can be read here.
    unread: Vec<u64>,
    under_way: Vec<Entry>,
    failed: Vec<Entry>,
    votes: Vec<MissingVote>,
    blocks: Vec<Line>,
    mining: Mining,
    warning: Option<Warning>,
    steps: Vec<Step>,
    /// Where these pages are.
    address: String,
}

/// The block that is looked for.
pub(super) struct Mining {
    pub(super) running: bool,
    /// Whether it begins by itself, when something waits.
    pub(super) armed: bool,
    pub(super) next: String,
    pub(super) rate: String,
}

impl Mining {
    pub(super) fn of(status: &PeerStatusView, background: &Background) -> Self {
        let chain = status.chain.as_ref();
        let height = chain.map_or(0, |chain| chain.tip.height.0 + 1);
        Self {
            armed: chain.is_some_and(|chain| chain.mining.begins_by_itself()),
            running: chain.is_some_and(|chain| chain.mining.running)
                || background.mining(0).is_running(),
            next: grouped(&height.to_string()),
            rate: rate(chain.map_or(0.0, |chain| chain.mining.hashes_per_second)),
        }
    }
}

/// Tries a second, in the unit that leaves few digits.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e6 => format!("{:.1} million tries a second", r / 1e6),
        r if r >= 1e3 => format!("{:.0} thousand tries a second", r / 1e3),
        r => format!("{r:.0} tries a second"),
    }
}

/// The one thing that needs the owner most.
struct Warning {
    words: String,
    more: String,
    /// What leads to its remedy: where, and its words.
    button: Option<(String, &'static str)>,
    /// Whether asking the tracker at once may be its remedy.
    can_try: bool,
}

/// A step of the first days.
struct Step {
    done: bool,
    words: &'static str,
    more: &'static str,
    /// Where it is done.
    path: &'static str,
    act: &'static str,
    /// Whether it is done by pressing here.
    mines: bool,
}

/// Home.
pub(super) async fn home(
    peer: Data<Peer>,
    browsers: Data<Browsers>,
    background: Data<Background>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let frame = Frame::of_peer(&peer, &status, &asked, Spot::Home, "Home");
    let mut shown = HomePage {
        frame,
        waiting: status.waiting.as_deref().map(|why| sentence(&visible(why))),
        balance: String::new(),
        promised: None,
        spendable: String::new(),
        came: Vec::new(),
        unread: Vec::new(),
        under_way: Vec::new(),
        failed: Vec::new(),
        votes: Vec::new(),
        blocks: Vec::new(),
        mining: Mining::of(&status, &background),
        warning: warning(&status),
        steps: Vec::new(),
        address: format!("http://{}/", browsers.address()),
    };
    let Some(chain) = &status.chain else {
        return page(&shown);
    };
    let is_out = status.put_out.is_some();
    let balance = peer.balance(None).await?;
    shown.balance = coins(balance.balance);
    shown.promised = (balance.promised.0 > 0).then(|| coins(balance.promised));
    shown.spendable = coins(balance.spendable);
    let inbox = peer
        .inbox(&InboxPage {
            unread: false,
            order: Order::Latest,
            page: Page::first(CAME),
        })
        .await?;
    let mood = Mood::of(&status);
    let came = inbox.messages.iter();
    shown.came = came.map(|one| Entry::received(&peer, one, &mood)).collect();
    shown.unread = super::pay::unread_of(&shown.came);
    shown.under_way = under_way(&peer, &mood).await?;
    let failed = peer.outbox(Which::Failed, &Page::first(2)).await?;
    let now = peer.clock.wall();
    let recent = failed
        .sends
        .iter()
        .filter(|send| now.since(send.queued_at) < RECENT_MS && send.state.name() != "withdrawn");
    shown.failed = recent.map(|send| Entry::sent(&peer, send, &mood)).collect();
    shown.votes = peer.missing_votes(VOTES).await?;
    let blocks = peer.blocks(Order::Latest, &Page::first(BLOCKS)).await?;
    shown.blocks = blocks
        .blocks
        .iter()
        .map(|block| Line::new(&peer, block))
        .collect();
    shown.steps = steps(&peer, &browsers, chain.sessions > 0, balance.balance.0 > 0).await?;
    // The others do not take what it mines.
    shown.steps.retain(|step| !(step.mines && is_out));
    page(&shown)
}

/// The steps of the first days; none once all are done. What was done once stays done, whatever becomes of it: a
/// first member goes away, a first coin is spent.
async fn steps(
    peer: &Peer,
    browsers: &Browsers,
    is_connected: bool,
    has_coins: bool,
) -> Result<Vec<Step>, Refused> {
    let steps = vec![
        Step {
            done: browsers.words_are_kept(),
            words: "Write your 24 words down",
            more: "They bring your coins and your name back, on any machine. Nothing else does.",
            path: "/me#words",
            act: "How",
            mines: false,
        },
        Step {
            done: browsers.was_done(FirstStep::Met, is_connected),
            words: "Meet a first member",
            more: "Your node finds the others by itself, as soon as one of them is there.",
            path: "/members",
            act: "See who is there",
            mines: false,
        },
        Step {
            done: browsers.was_done(FirstStep::HadCoins, has_coins),
            words: "Get a first coin",
            more: "Somebody pays you, or you mine a block.",
            path: "/network/mine",
            act: "Mine one",
            mines: true,
        },
        Step {
            done: peer.has_written()?,
            words: "Send a first message",
            more: "It costs nothing here, and only its recipient can read it.",
            path: "/pay",
            act: "Write",
            mines: false,
        },
        Step {
            done: peer.place.last_backup().await?.is_some(),
            words: "Make a first backup",
            more: "The words bring back coins and name; a backup brings back what you wrote and received.",
            path: "/me#backup",
            act: "Back up",
            mines: false,
        },
    ];
    Ok(match steps.iter().all(|step| step.done) {
        true => Vec::new(),
        false => steps,
    })
}

/// What is not in a block yet, the latest first: what waits for its recipient, and what waits for a block. Behind
/// it what has waited for its recipient for so long that many were sent since.
pub(super) async fn under_way(peer: &Peer, mood: &Mood) -> Result<Vec<Entry>, Refused> {
    let part = Page::first(UNDER_WAY);
    let mut sends: Vec<SendView> = peer.outbox(Which::UnderWay, &part).await?.sends;
    if sends.len() < UNDER_WAY {
        for send in peer.outbox(Which::Waiting, &part).await?.sends {
            if sends.len() < UNDER_WAY && sends.iter().all(|known| known.id != send.id) {
                sends.push(send);
            }
        }
    }
    let sends = sends.iter();
    Ok(sends.map(|send| Entry::sent(peer, send, mood)).collect())
}

/// What most needs the owner.
fn warning(status: &PeerStatusView) -> Option<Warning> {
    if status.put_out.is_some() {
        // That stands on every page, and nothing else matters as much.
        return None;
    }
    let by = in_words(status.clock.by_ms);
    match status.clock.state {
        ClockStateView::Ahead => return Some(wrong_clock(format!("Your clock is {by} ahead"))),
        ClockStateView::Behind => return Some(wrong_clock(format!("Your clock is {by} behind"))),
        ClockStateView::Unknown | ClockStateView::Right => {}
    }
    let chain = status.chain.as_ref()?;
    if let Some(change) = &chain.branch_change
        && change.age_ms < RECENT_MS
    {
        let lost = change.transactions.len() as u64 + change.and_more;
        return Some(Warning {
            words: format!(
                "The network went over to another branch {} ago",
                in_words(change.age_ms)
            ),
            more: format!(
                "Replaced: {}. In what was replaced: {} of yours. What became of each is told under the node.",
                count(change.blocks as usize, "block"),
                count(lost as usize, "payment"),
            ),
            button: Some(("/network/node".into(), "What became of them")),
            can_try: false,
        });
    }
    let trouble = status.tracker.trouble.as_ref()?;
    (!status.tracker.registered).then(|| Warning {
        words: "The tracker does not answer".into(),
        more: format!(
            "{} Members who know each other still pay and write; newcomers wait.",
            sentence(&visible(trouble))
        ),
        button: Some(("/network/node".into(), "How the node stands")),
        can_try: !status.disconnected && status.chain.is_some(),
    })
}

fn wrong_clock(words: String) -> Warning {
    Warning {
        words,
        more: "Blocks that you mine would be held back by the others. Set this machine's date and time, best by its time service; this goes away by itself.".into(),
        button: Some(("/network/node".into(), "How the node stands")),
        can_try: false,
    }
}

/// The words are written down.
pub(super) async fn kept(browsers: Data<Browsers>, _: Act) -> Result<HttpResponse, PageRefused> {
    browsers.keep_words();
    on_to("/?done=kept")
}
