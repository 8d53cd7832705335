//! Who I am: name, address, words, this browser.

use super::form::{Act, Asked};
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::refusal::PageRefused;
use super::sessions::{Browsers, Session};
use super::show::Who;
use crate::owner::{Code, Peer, Refused};
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use fast_qr::{ECL, QRBuilder};
use std::fmt::Write;

/// Empty squares around a code, which readers need.
const QUIET: usize = 4;

/// An address as a picture that a telephone reads; empty if it is too long for one.
pub(super) fn code(text: &str) -> String {
    // Capitals alone take a third less room, and an address reads the same.
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
        "<svg class=\"code\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"The address as a code to photograph\" \
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
}

/// Who I am.
pub(super) async fn own(
    peer: Data<Peer>,
    browsers: Data<Browsers>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    page(&OwnPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Own, "My name and address"),
        who: Who::me(&status),
        code: code(&status.address),
        words_kept: browsers.words_are_kept(),
    })
}

/// What the two words that are asked for are sealed under.
const WORDS_SEAL: &str = "raclette 2026 two words typed back";

/// A seal over two of the words, by which their being typed back is checked without anybody keeping them.
pub(super) fn seal_of_words(session: &Session, first: &str, second: &str) -> String {
    session.sealed(WORDS_SEAL, &format!("{first} {second}"))
}

/// Two of the words were typed back.
pub(super) async fn words(browsers: Data<Browsers>, act: Act) -> Result<HttpResponse, PageRefused> {
    let typed = |name| {
        let typed = act.fields.text(name).unwrap_or_default();
        typed.to_lowercase()
    };
    let seal = seal_of_words(&act.session, &typed("first"), &typed("second"));
    let expected = act.fields.text("seal").unwrap_or_default();
    if blake3::hash(seal.as_bytes()) != blake3::hash(expected.as_bytes()) {
        let detail = "These are not the two words that were asked for. Go back (the page with the words is still there) and compare what you wrote down.";
        return Err(Refused::new(Code::BadParameter, detail).into());
    }
    browsers.keep_words();
    on_to("/?done=kept")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_makes_a_code_and_a_seal_is_of_one_session() {
        let svg = code("rac1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq");
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
