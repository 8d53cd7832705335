//! The pages of a machine on which there is no node yet: they take an invitation and a name, show each check as
//! it is done, and the words of the new wallet, once. What is checked and written is behind [`Joins`].

use super::entry::Drawing;
use super::entry::cookie_of_key;
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, html, on_to};
use super::own::{draw_two, seal_of_words, told_quietly};
use super::refusal::{PageRefused, nothing_here};
use super::sessions::Browsers;
use super::{assets, entry};
use crate::keys::SecretWords;
use crate::readable::{Typed, visible};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::{self, Data, ServiceConfig};
use askama::Template;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A check that was done.
#[derive(Debug, Clone)]
pub struct JoinCheck {
    /// Whether it is well; else it is worth a word.
    pub well: bool,
    /// What was found, and where it is not well, what to do.
    pub words: String,
}

/// How joining goes.
#[derive(Debug, Clone, Default)]
pub enum JoinStage {
    /// It was not asked for.
    #[default]
    Asking,
    /// It is being checked.
    Checking,
    /// It can't be, for this reason; nothing was written.
    Refused(String),
    /// All checks are done, and nothing is written.
    Checked {
        /// The node's address, as people write it.
        address: String,
        /// Whether it is of a wallet that there was before: then its words are on paper.
        comes_back: bool,
    },
    /// Everything is written, and the node can start. The words of its wallet were shown.
    Joined(Newcomer),
    /// The node was told to start.
    Starting,
}

/// Who joined.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// The node's address, as people write it.
    pub address: String,
    /// Where its node keeps its files.
    pub data_dir: PathBuf,
}

/// What was typed, kept for another try.
#[derive(Clone, Default)]
pub struct JoinTyped {
    /// The invitation.
    pub invitation: Zeroizing<String>,
    /// The name.
    pub name: String,
    /// Whether 24 words were typed, too: they are kept nowhere.
    pub with_words: bool,
}

/// What carries out the joining that these pages ask for.
pub trait Joins: Send + Sync {
    /// Begins to check, unless that goes on already or is done. Whoever comes back types the words of the
    /// former wallet; they are kept nowhere.
    fn begin(&self, typed: JoinTyped, words: Zeroizing<String>);
    /// What was typed last.
    fn last_typed(&self) -> JoinTyped;
    /// Asks anew, as long as nothing is written: for another name.
    fn ask_again(&self);
    /// How it goes: what was checked, and where it stands.
    fn progress(&self) -> (Vec<JoinCheck>, JoinStage);
    /// Writes what was checked, unless it is written; `None` where nothing is checked, or it can't be written.
    fn set_up(&self) -> Option<Newcomer>;
    /// The words of the wallet that was made: once.
    fn take_words(&self) -> Option<SecretWords>;
    /// Has the node start.
    fn start(&self);
    /// Makes commands such that they work when typed, once somebody has joined.
    fn typed(&self) -> &Typed;
    /// Where the pages of the node are, once it has started.
    fn pages(&self) -> Option<SocketAddr>;
}

/// The routes of these pages.
pub(in crate::http) fn routes(config: &mut ServiceConfig) {
    config
        .route("/enter", web::get().to(entry::enter))
        .route("/beat", web::get().to(entry::beat))
        .route("/assets/{file}", web::get().to(assets::asset))
        .route("/", web::get().to(joining))
        .route("/start/join", web::post().to(join))
        .route("/start/again", web::post().to(again))
        .route("/start/words", web::post().to(words))
        .route("/start/node", web::post().to(start))
        .default_service(web::route().to(nothing_here));
}

#[derive(Template)]
#[template(path = "joining.html")]
struct JoiningPage {
    frame: Frame,
    checks: Vec<JoinCheck>,
    stage: JoinStage,
    typed: JoinTyped,
    /// Where to go on, once the node is there.
    node: Option<SocketAddr>,
}

impl JoiningPage {
    fn is_checking(&self) -> bool {
        matches!(self.stage, JoinStage::Checking)
    }

    fn heading(&self) -> &'static str {
        match self.stage {
            JoinStage::Checked { .. } => "You can join",
            JoinStage::Joined(_) => "Your words were shown",
            JoinStage::Starting => "Your node starts",
            JoinStage::Asking | JoinStage::Checking | JoinStage::Refused(_) => "Join a network",
        }
    }

    fn asks(&self) -> bool {
        matches!(self.stage, JoinStage::Asking | JoinStage::Refused(_))
    }

    /// Whether it has to be looked at again in a moment.
    fn goes_on(&self) -> bool {
        self.node.is_none() && matches!(self.stage, JoinStage::Checking | JoinStage::Starting)
    }
}

#[derive(Template)]
#[template(path = "join-words.html")]
struct JoinWordsPage {
    frame: Frame,
    words: Vec<&'static str>,
    address: String,
    first: usize,
    second: usize,
    seal: String,
    /// Whether what was typed back is wrong.
    wrong: bool,
}

/// How joining goes, and what can be done now.
async fn joining(joins: Data<dyn Joins>, drawing: Data<Drawing>, asked: Asked) -> HttpResponse {
    let (checks, stage) = joins.progress();
    let checks = checks.into_iter().map(|check| JoinCheck {
        words: visible(&check.words),
        ..check
    });
    let of = (&*drawing.0, joins.typed());
    html(
        StatusCode::OK,
        &JoiningPage {
            frame: Frame::bare(of, &asked.session, Spot::Home, "Join a network"),
            checks: checks.collect(),
            node: match stage {
                JoinStage::Starting => joins.pages(),
                _ => None,
            },
            stage,
            typed: joins.last_typed(),
        },
    )
}

/// Begins to check.
async fn join(joins: Data<dyn Joins>, act: Act) -> Result<HttpResponse, PageRefused> {
    let text = |name| act.fields.text(name).unwrap_or_default().to_owned();
    let typed = JoinTyped {
        invitation: Zeroizing::new(text("invitation")),
        name: text("name"),
        with_words: false,
    };
    joins.begin(typed, Zeroizing::new(text("words")));
    on_to("/")
}

/// Asks anew, with what was typed.
async fn again(joins: Data<dyn Joins>, _: Act) -> Result<HttpResponse, PageRefused> {
    joins.ask_again();
    on_to("/")
}

/// Shows the words of the new wallet, which no page does again, or takes two of them back.
async fn words(
    joins: Data<dyn Joins>,
    browsers: Data<Browsers>,
    drawing: Data<Drawing>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    let Some(newcomer) = joins.set_up() else {
        return on_to("/");
    };
    let of = (&*drawing.0, joins.typed());
    let frame = Frame::bare(of, &act.session, Spot::Home, "Your words");
    let typed = |name| act.fields.text(name).unwrap_or_default().to_lowercase();
    let mut page = JoinWordsPage {
        frame,
        words: Vec::new(),
        address: newcomer.address.clone(),
        first: 1,
        second: 2,
        seal: act.fields.text("seal").unwrap_or_default().to_owned(),
        wrong: false,
    };
    if page.seal.is_empty() {
        let Some(words) = joins.take_words() else {
            return on_to("/");
        };
        page.words = words.iter().collect();
        [page.first, page.second] = draw_two(&newcomer.address);
        let [first, second] = [page.first, page.second].map(|at| page.words[at - 1]);
        page.seal = seal_of_words(&act.session, first, second);
        return Ok(html(StatusCode::OK, &page));
    }
    let seal = seal_of_words(&act.session, &typed("first"), &typed("second"));
    // Hashes compare in constant time.
    let is_right = blake3::hash(seal.as_bytes()) == blake3::hash(page.seal.as_bytes());
    if act.fields.text("quietly").is_some() {
        return told_quietly(is_right);
    }
    if is_right {
        browsers.keep_words();
        return go(&joins, &browsers, &newcomer, &act);
    }
    [page.first, page.second] = draw_two(&newcomer.address);
    page.wrong = true;
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Starts the node.
async fn start(
    joins: Data<dyn Joins>,
    browsers: Data<Browsers>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    if let JoinStage::Checked {
        comes_back: true, ..
    } = joins.progress().1
    {
        // Whoever could type the words has them.
        browsers.keep_words();
    }
    match joins.set_up() {
        Some(newcomer) => go(&joins, &browsers, &newcomer, &act),
        None => on_to("/"),
    }
}

/// Hands this browser over to the node, and has it start.
fn go(
    joins: &Arc<dyn Joins>,
    browsers: &Browsers,
    newcomer: &Newcomer,
    act: &Act,
) -> Result<HttpResponse, PageRefused> {
    browsers.hand_over(&newcomer.data_dir);
    joins.start();
    let mut response = on_to("/")?;
    let cookie = cookie_of_key(&newcomer.address, &act.session);
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}
