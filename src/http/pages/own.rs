//! Who I am: name, address, words, this browser.

use super::acts::Background;
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, html, on_to, page, see, status_of};
use super::node::Backup;
use super::refusal::PageRefused;
use super::sessions::{Browsers, Session};
use super::show::Who;
use crate::keys::WORDS;
use crate::owner::Peer;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use fast_qr::{ECL, QRBuilder};
use std::fmt::Write;

/// Empty squares around a code, which readers need.
const QUIET: usize = 4;

/// What a picture holds.
#[derive(Clone, Copy)]
pub(super) enum Coded {
    Address,
    Invitation,
}

impl Coded {
    /// What it is for whoever does not see it.
    fn words(self) -> &'static str {
        match self {
            Self::Address => "The address as a code to photograph",
            Self::Invitation => "The invitation as a code to photograph",
        }
    }
}

/// A text as a picture that a telephone reads; empty if it is too long for one.
pub(super) fn code(what: Coded, text: &str) -> String {
    let words = what.words();
    // Capitals alone take a third less room, and both read the same.
    let Ok(code) = QRBuilder::new(text.to_uppercase()).ecl(ECL::M).build() else {
        return String::new();
    };
    let mut path = String::new();
    for y in 0..code.size {
        for x in 0..code.size {
            if code[y][x].value() {
                let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
    }
    let side = code.size + 2 * QUIET;
    format!(
        "<svg class=\"code\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{words}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
         <path d=\"{path}\" fill=\"#000\"/></svg>"
    )
}

#[derive(Template)]
#[template(path = "own.html")]
struct OwnPage {
    frame: Frame,
    who: Who,
    code: String,
    words_kept: bool,
    /// Whether the wallet file has a passphrase, where that is known.
    is_locked: Option<bool>,
    backup: Backup,
    /// Where it is itself.
    back: &'static str,
    /// Where these pages are, and from when on a page is known there.
    home: String,
}

/// Who I am.
pub(super) async fn own(
    peer: Data<Peer>,
    browsers: Data<Browsers>,
    background: Data<Background>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    page(&OwnPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Own, "My name and address"),
        who: Who::me(&status),
        code: code(Coded::Address, &status.address),
        words_kept: browsers.words_are_kept(),
        is_locked: peer.place.wallet_is_locked().await?,
        backup: Backup::of(&peer.place, &background).await?,
        back: "/me",
        home: format!("http://{}/", browsers.address()),
    })
}

/// Which two of the words are asked for, counted from 1: one of each half; which ones differs from wallet to wallet.
pub(super) fn draw_two(address: &str) -> [usize; 2] {
    let drawn = blake3::hash(address.as_bytes());
    [0, 1].map(|half| half * 12 + usize::from(drawn.as_bytes()[half] % 12) + 1)
}

/// What the two words that are asked for are sealed under.
const WORDS_SEAL: &str = "raclette 2026 two words typed back";

/// A seal over two of the words, by which their being typed back is checked without anybody keeping them.
pub(super) fn seal_of_words(session: &Session, first: &str, second: &str) -> String {
    session.sealed(WORDS_SEAL, &format!("{first} {second}"))
}

/// Whether the two words are right, for a page that shows them still: it leaves only when they are.
pub(super) fn told_quietly(is_right: bool) -> Result<HttpResponse, PageRefused> {
    let status = match is_right {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(see(HttpResponse::build(status)).finish())
}

#[derive(Template)]
#[template(path = "words-again.html")]
struct WordsAgainPage {
    frame: Frame,
    /// Which two are asked for, counted from 1.
    first: usize,
    second: usize,
    seal: String,
}

/// Two of the words were typed back. Where they are wrong they are asked for again: the words themselves were
/// shown once, and stand on paper or nowhere.
pub(super) async fn words(
    peer: Data<Peer>,
    browsers: Data<Browsers>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    let typed = |name| act.fields.text(name).unwrap_or_default().to_lowercase();
    let seal = seal_of_words(&act.session, &typed("first"), &typed("second"));
    let expected = act.fields.text("seal").unwrap_or_default().to_owned();
    let is_right = blake3::hash(seal.as_bytes()) == blake3::hash(expected.as_bytes());
    if act.fields.text("quietly").is_some() {
        return told_quietly(is_right);
    }
    if is_right {
        browsers.keep_words();
        return on_to("/?done=kept");
    }
    let place = |name| {
        let place = act.fields.text(name).and_then(|at| at.parse().ok());
        place.filter(|at| (1..=WORDS).contains(at)).unwrap_or(1)
    };
    let (first, second) = (place("first_at"), place("second_at"));
    let status = status_of(&peer).await?;
    let again = WordsAgainPage {
        frame: Frame::of_peer(&peer, &status, &act.into(), Spot::Own, "Two of the words"),
        first,
        second,
        seal: expected,
    };
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &again))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_makes_a_code_and_a_seal_is_of_one_session() {
        let svg = code(
            Coded::Address,
            "rac1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
        );
        assert!(svg.starts_with("<svg") && svg.len() > 1_000);
        let (one, other) = (Session::with("one"), Session::with("other"));
        assert_eq!(seal_of_words(&one, "a", "b"), seal_of_words(&one, "a", "b"));
        assert_ne!(
            seal_of_words(&one, "a", "b"),
            seal_of_words(&other, "a", "b")
        );
        assert_ne!(seal_of_words(&one, "a", "b"), seal_of_words(&one, "a", "c"));
    }
}
