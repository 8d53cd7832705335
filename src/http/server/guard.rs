//! Who may ask: checked before anything else, for every request, known path or not.

use super::doorstep::Place;
use super::paths;
use crate::entropy::Entropy;
use crate::owner::{Code, Refused};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

/// Random bytes in a token: not to be guessed.
const TOKEN_BYTES: usize = 32;

/// How `Authorization` names the kind of secret it carries.
const SCHEME: &str = "Bearer ";

/// A fresh token, in hexadecimal.
pub(super) fn draw_token(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; TOKEN_BYTES];
    entropy.fill(&mut bytes);
    let mut token = String::with_capacity(2 * TOKEN_BYTES);
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(token, "{byte:02x}");
    }
    token
}

/// What a request must show.
#[derive(Clone)]
pub(super) struct Guard {
    /// The token's hash, so that comparing takes as long for any guess: hashes compare in constant
    /// time, and all have one length.
    token: blake3::Hash,
    /// The ways to write this machine and our port.
    hosts: [String; 3],
}

impl Guard {
    /// Lets through who has `token` and asks at `address`.
    pub(super) fn new(token: &str, address: SocketAddr) -> Self {
        let port = address.port();
        Self {
            token: blake3::hash(token.as_bytes()),
            hosts: ["127.0.0.1", "[::1]", "localhost"].map(|host| format!("{host}:{port}")),
        }
    }

    /// Checks the headers of a request: whether the owner asks.
    fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        self.check_place(headers)?;
        let token = the_only(headers, &AUTHORIZATION).and_then(|value| value.strip_prefix(SCHEME));
        if token.is_some_and(|token| blake3::hash(token.as_bytes()) == self.token) {
            return Ok(());
        }
        Err(Refused::new(
            Code::WrongToken,
            "send `Authorization: Bearer TOKEN` with the token in api.json in the node's data \
             directory; it is a new one at every start",
        ))
    }

    /// Checks that a program of this machine asks, and no page in its visitor's name.
    fn check_place(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let forbidden = |code, reason| Err(Refused::new(code, reason));
        match the_only(headers, &HOST) {
            Some(host) if self.is_ours(host) => {}
            // A page that has its own name resolved to this machine sends that name here.
            _ => {
                return forbidden(
                    Code::WrongHost,
                    "the Host header must be this machine (127.0.0.1, [::1] or localhost) and the \
                     port that the API listens on",
                );
            }
        }
        if headers.contains_key(ORIGIN) {
            let origin = the_only(headers, &ORIGIN).and_then(|o| o.strip_prefix("http://"));
            if !origin.is_some_and(|origin| self.is_ours(origin)) {
                return forbidden(
                    Code::WrongOrigin,
                    "pages of other origins may not use this API",
                );
            }
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}

/// The value of a header that must stand there once: of two, somebody on the way might have looked
/// at the other one.
pub(in crate::http) fn the_only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?;
    match values.next() {
        None => value.to_str().ok(),
        Some(_) => None,
    }
}

/// The guard as part of the server: nothing is read or done for whom it does not let through.
pub(super) async fn admit<B: MessageBody>(
    guard: &Guard,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if paths::WITHOUT_TOKEN.contains(&request.path()) {
        guard.check_place(request.headers())?;
    } else {
        guard.check(request.headers())?;
        if let Some(place) = request.conn_data::<Arc<Place>>() {
            place.leave();
        }
    }
    next.call(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn check(headers: &[(&'static str, &str)]) -> Result<(), Code> {
        let guard = Guard::new("the-token", "127.0.0.1:8080".parse().unwrap());
        let request = headers
            .iter()
            .fold(TestRequest::default(), |request, &header| {
                request.append_header(header)
            });
        guard
            .check(request.to_http_request().headers())
            .map_err(|refused| refused.code)
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:8080");
    const TOKEN: (&str, &str) = ("authorization", "Bearer the-token");

    #[test]
    fn the_token_is_needed_whole_and_once() {
        assert_eq!(check(&[HOST, TOKEN]), Ok(()));
        assert_eq!(check(&[HOST]), Err(Code::WrongToken));
        assert_eq!(check(&[HOST, TOKEN, TOKEN]), Err(Code::WrongToken));
        for wrong in [
            "Bearer the-toke",
            "Bearer the-tokenn",
            "Bearer ",
            "the-token",
            "Basic x",
        ] {
            let sent = ("authorization", wrong);
            assert_eq!(check(&[HOST, sent]), Err(Code::WrongToken), "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_at_our_port_is_a_host() {
        for right in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost:8080",
            "LocalHost:8080",
        ] {
            assert_eq!(check(&[("host", right), TOKEN]), Ok(()), "{right}");
        }
        for wrong in [
            "127.0.0.1",
            "127.0.0.1:8081",
            "evil.example:8080",
            "127.0.0.1.evil.example:8080",
            "localhost",
            "",
        ] {
            let sent = ("host", wrong);
            assert_eq!(check(&[sent, TOKEN]), Err(Code::WrongHost), "{wrong}");
        }
        assert_eq!(check(&[TOKEN]), Err(Code::WrongHost));
        assert_eq!(check(&[HOST, HOST, TOKEN]), Err(Code::WrongHost));
    }

    #[test]
    fn a_page_of_another_origin_is_refused_even_with_the_token() {
        let origin = |value| check(&[HOST, ("origin", value), TOKEN]);
        assert_eq!(origin("http://localhost:8080"), Ok(()));
        for wrong in [
            "null",
            "http://evil.example",
            "https://localhost:8080",
            "http://localhost:8081",
            "http://localhost:8080.evil.example",
        ] {
            assert_eq!(origin(wrong), Err(Code::WrongOrigin), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_long_and_made_of_what_was_drawn() {
        struct Counting;
        impl Entropy for Counting {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
            }
        }
        let token = draw_token(&Counting);
        assert_eq!(token.len(), 64);
        assert!(token.starts_with("000102030405"));
    }
}
