//! The page of a node that waits for its wallet: makes one, and shows its words, which no page does again; or opens the one
//! that is there.

use super::door::PLACES;
use super::entry::cookie_of_key;
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, html, on_to};
use super::own::{draw_two, seal_of_words};
use super::refusal::PageRefused;
use super::sessions::{Browsers, Session};
use super::show::told;
use crate::http::api::problem::status_of;
use crate::owner::answers::{WalletOrder, WalletRequest};
use crate::owner::{Code, Refused, Waiting};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::{self, Data, ServiceConfig};
use askama::Template;
use zeroize::Zeroizing;

/// The paths of a node without a wallet.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(start))
        .route("/start/create", web::post().to(create))
        .route("/start/restore", web::post().to(restore))
        .route("/start/load", web::post().to(load));
    for place in PLACES {
        let below = format!("/{place}/{{rest:.*}}");
        config
            .route(&format!("/{place}"), web::get().to(elsewhere))
            .route(&below, web::get().to(elsewhere));
    }
}

/// A page that the node has once it has its wallet: first that is asked for.
async fn elsewhere() -> Result<HttpResponse, PageRefused> {
    on_to("/")
}

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    frame: Frame,
    role: String,
    file: String,
    /// Whether there is a wallet, which is locked.
    locked: bool,
    refused: Option<String>,
}

#[derive(Template)]
#[template(path = "words.html")]
struct WordsPage {
    frame: Frame,
    address: String,
    words: Vec<&'static str>,
    /// Which two are asked for, counted from 1.
    first: usize,
    second: usize,
    seal: String,
}

#[derive(Template)]
#[template(path = "started.html")]
struct StartedPage {
    frame: Frame,
}

fn frame(waiting: &Waiting, session: &Session, title: &str) -> Frame {
    let of = (&*waiting.entropy, &waiting.typed);
    Frame::bare(of, session, Spot::Home, title)
}

fn start_page(waiting: &Waiting, asked: &Asked, refused: Option<&Refused>) -> StartPage {
    let status = waiting.status();
    StartPage {
        frame: frame(waiting, &asked.session, "Welcome"),
        role: status.role,
        file: visible(&status.file),
        locked: status.locked,
        refused: refused.map(|refused| told(refused, &waiting.typed)),
    }
}

async fn start(waiting: Data<Waiting>, asked: Asked) -> HttpResponse {
    html(StatusCode::OK, &start_page(&waiting, &asked, None))
}

/// The passphrase that was typed, if one was.
fn passphrase(act: &Act) -> Option<Zeroizing<String>> {
    let typed = act
        .fields
        .typed("passphrase")
        .filter(|typed| !typed.is_empty());
    typed.map(|typed| Zeroizing::new(typed.to_owned()))
}

fn refused(waiting: &Waiting, act: Act, refused: &Refused) -> HttpResponse {
    let asked = Asked::from(act);
    html(
        status_of(refused.code),
        &start_page(waiting, &asked, Some(refused)),
    )
}

/// Makes a wallet. Its words are on this one page and nowhere else: nobody keeps it, and no other part of
/// the API says them.
async fn create(waiting: Data<Waiting>, act: Act) -> Result<HttpResponse, PageRefused> {
    let typed = passphrase(&act);
    if let Err(no) = typed_twice(&act) {
        return Ok(refused(&waiting, act, &no));
    }
    let (opened, words) = match waiting.create_showing(typed).await {
        Ok(made) => made,
        Err(no) => return Ok(refused(&waiting, act, &no)),
    };
    let words: Vec<&'static str> = words.iter().collect();
    let [first, second] = draw_two(&opened.address);
    let shown = WordsPage {
        frame: frame(&waiting, &act.session, "Your words"),
        seal: seal_of_words(&act.session, words[first - 1], words[second - 1]),
        first,
        second,
        address: opened.address.clone(),
        words,
    };
    let mut response = html(StatusCode::OK, &shown);
    response
        .headers_mut()
        .append(SET_COOKIE, cookie_of_key(&opened.address, &act.session));
    Ok(response)
}

/// Whether the passphrase of a wallet that is to be written was typed twice alike.
fn typed_twice(act: &Act) -> Result<(), Refused> {
    let [once, again] =
        ["passphrase", "again"].map(|name| act.fields.typed(name).unwrap_or_default());
    if once == again {
        return Ok(());
    }
    let detail = "The passphrase was not typed twice alike. Nothing was made; try again.";
    Err(Refused::new(Code::UnfitPassphrase, detail))
}

/// Brings a wallet back from its words. They are in no answer, whatever becomes of them.
async fn restore(
    waiting: Data<Waiting>,
    browsers: Data<Browsers>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    if let Err(no) = typed_twice(&act) {
        return Ok(refused(&waiting, act, &no));
    }
    let words = act.fields.typed("words").unwrap_or_default();
    let opened = match waiting.restore(words, passphrase(&act)).await {
        Ok(opened) => opened,
        Err(no) => return Ok(refused(&waiting, act, &no)),
    };
    // Whoever could type them has them.
    browsers.keep_words();
    Ok(started(&waiting, &act, &opened.address))
}

/// Opens the wallet that is there.
async fn load(waiting: Data<Waiting>, act: Act) -> Result<HttpResponse, PageRefused> {
    let request = WalletRequest {
        order: WalletOrder::Load,
        passphrase: passphrase(&act),
    };
    let opened = match waiting.open(request).await {
        Ok(opened) => opened,
        Err(no) => return Ok(refused(&waiting, act, &no)),
    };
    Ok(started(&waiting, &act, &opened.address))
}

/// The node starts now, and knows this browser then.
fn started(waiting: &Waiting, act: &Act, address: &str) -> HttpResponse {
    let shown = StartedPage {
        frame: frame(waiting, &act.session, "Starting"),
    };
    let mut response = html(StatusCode::OK, &shown);
    response
        .headers_mut()
        .append(SET_COOKIE, cookie_of_key(address, &act.session));
    response
}
