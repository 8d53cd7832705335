//! Which browsers are let in, and that no page of elsewhere acts in their name.
//!
//! - `Host` names this machine, at any port: the way here may be a tunnel. `Origin`, if there is one, is that
//!   host. What a browser says of where a request comes from (`Sec-Fetch-Site`) must be here, but for
//!   somebody who follows a link to a page.
//! - Whoever has no cookie that is known is told how to get one.
//! - What changes something is a `POST` with an `Origin`, and its form carries the session's token
//!   ([`Act`](super::form::Act)).

use super::refusal::{PageRefused, no_page};
use super::sessions::{Browsers, Session};
use crate::http::server::doorstep::Place;
use crate::http::server::guard::the_only;
use crate::owner::{Code, Refused};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use std::sync::Arc;

/// What the paths of pages begin with; `/` is one, too.
pub(super) const PLACES: &[&str] = &[
    "assets", "beat", "enter", "home", "live", "me", "members", "network", "out", "pay", "search",
    "start", "votes",
];

/// The ways to write this machine.
const THIS_MACHINE: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Whether a path is one of the pages'.
pub(in crate::http) fn owns(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    path == "/" || first.is_some_and(|first| PLACES.contains(&first))
}

/// Lets through who may ask for a page.
pub(in crate::http) async fn admit<B: MessageBody>(
    browsers: &Browsers,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    check_place(request.method(), request.headers())?;
    let path = request.path();
    if path == "/enter" || path.starts_with("/assets/") {
        return next.call(request).await;
    }
    let Some(session) = session(browsers, request.headers()) else {
        return Err(PageRefused::from(Refused::new(
            Code::UnknownBrowser,
            "This browser is not known to this node. In a terminal on the node's machine, type \
             `node web`: it opens this page, or prints a link that works once.",
        ))
        .into());
    };
    if let Some(place) = request.conn_data::<Arc<Place>>() {
        place.leave();
    }
    request.extensions_mut().insert(session);
    let looked_at = wants_a_page(request.headers());
    let response = next.call(request).await?;
    match looked_at && is_bare(response.status(), response.headers()) {
        true => Err(no_page().into()),
        false => Ok(response),
    }
}

/// Checks where a request comes from.
fn check_place(method: &Method, headers: &HeaderMap) -> Result<(), PageRefused> {
    let refused = |code, detail: &str| Err(Refused::new(code, detail).into());
    let host = match the_only(headers, &HOST) {
        Some(host) if is_this_machine(host) => host,
        // A page that has its own name resolved to this machine sends that name here.
        _ => {
            return refused(
                Code::WrongHost,
                "This page is at 127.0.0.1 or localhost, and under no other name. Ask for it there.",
            );
        }
    };
    let foreign = || {
        refused(
            Code::WrongOrigin,
            "Another web page tried to use this node in your name, and was refused. Nothing was done. \
             If it was you, open this node's own page and do it there.",
        )
    };
    let reads = *method == Method::GET;
    match headers.contains_key(ORIGIN) {
        true => {
            let origin = the_only(headers, &ORIGIN).and_then(|o| o.strip_prefix("http://"));
            if origin != Some(host) {
                return foreign();
            }
        }
        false if !reads => return foreign(),
        false => {}
    }
    // Older browsers do not say it.
    if headers.contains_key(FETCH_SITE) {
        let follows = reads && the_only(headers, &FETCH_MODE) == Some("navigate");
        match the_only(headers, &FETCH_SITE) {
            Some("same-origin" | "none") => {}
            Some(_) if follows => {}
            _ => return foreign(),
        }
    }
    Ok(())
}

fn is_this_machine(host: &str) -> bool {
    let is_port = |rest: &str| match rest.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok(),
        None => rest.is_empty(),
    };
    THIS_MACHINE.iter().any(|name| {
        let start = host.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name)) && is_port(&host[name.len()..])
    })
}

/// Whether somebody looks at what comes back: a browser that goes to a page says that it takes HTML, and what a
/// page or a program fetches does not.
pub(in crate::http) fn wants_a_page(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(ACCEPT)
        .filter_map(|line| line.to_str().ok());
    let mut kinds = accepted.flat_map(|line| line.split(','));
    kinds.any(|kind| kind.split(';').next().map(str::trim) == Some("text/html"))
}

/// Whether an answer is a no that says nothing to somebody who looks at it.
fn is_bare(status: StatusCode, headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    (status.is_client_error() || status.is_server_error())
        && !kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// The session that a request's cookie shows.
fn session(browsers: &Browsers, headers: &HeaderMap) -> Option<Session> {
    let cookies = headers
        .get_all(COOKIE)
        .filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        browsers.may_be_of(name).then(|| browsers.session(value))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn check(method: Method, headers: &[(&'static str, &str)]) -> bool {
        let request = headers
            .iter()
            .fold(TestRequest::default(), |request, &header| {
                request.append_header(header)
            });
        let request = request.to_http_request();
        check_place(&method, request.headers()).is_ok()
    }

    #[test]
    fn any_port_of_this_machine_is_a_host_and_no_other_name() {
        for right in ["127.0.0.1:8001", "localhost:9", "LOCALHOST", "[::1]:80"] {
            assert!(check(Method::GET, &[("host", right)]), "{right}");
        }
        for wrong in [
            "evil.example:8001",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8001",
            "127.0.0.1:80:80",
            "127.0.0.1:x",
            "",
        ] {
            assert!(!check(Method::GET, &[("host", wrong)]), "{wrong}");
        }
        assert!(!check(Method::GET, &[]));
    }

    #[test]
    fn attack_a_form_or_a_fetch_of_a_foreign_page_is_refused() {
        let host = ("host", "127.0.0.1:8001");
        let own = ("origin", "http://127.0.0.1:8001");
        let site = |site| ("sec-fetch-site", site);
        assert!(check(Method::POST, &[host, own, site("same-origin")]));
        assert!(check(Method::POST, &[host, own]));
        assert!(!check(Method::POST, &[host]));
        for origin in [
            "null",
            "http://evil.example",
            "http://127.0.0.1:8002",
            "https://127.0.0.1:8001",
            "http://localhost:8001",
        ] {
            assert!(
                !check(Method::POST, &[host, ("origin", origin)]),
                "{origin}"
            );
        }
        // A page at another port of this machine is the same site: the cookie comes along.
        assert!(!check(Method::POST, &[host, own, site("same-site")]));
        assert!(!check(Method::GET, &[host, site("same-site")]));
        assert!(!check(Method::GET, &[host, site("cross-site")]));
        let follows = ("sec-fetch-mode", "navigate");
        assert!(check(Method::GET, &[host, site("cross-site"), follows]));
        assert!(!check(
            Method::POST,
            &[host, own, site("cross-site"), follows]
        ));
    }

    #[test]
    fn pages_are_told_from_the_api() {
        for page in ["/", "/pay", "/pay/with/bob", "/assets/style.css", "/me"] {
            assert!(owns(page), "{page}");
        }
        for other in ["/api/v1/status", "/status", "/payment", "/proof"] {
            assert!(!owns(other), "{other}");
        }
    }
}
