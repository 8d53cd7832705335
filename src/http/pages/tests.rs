//! The pages of a played node, asked as a browser asks, and as nobody should.

mod commands;
mod differing;
mod looked_at;
mod newcomer;
mod paths;
mod put_out;
mod shown;

use super::sessions::Browsers;
use crate::entropy::OsEntropy;
use crate::http::ApiFile;
use crate::http::testing::Served;
use crate::owner::Owned;
use crate::owner::testing::{FakeNode, tracker};
use actix::Actor;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// What came back.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// Somebody who asks a served node.
#[derive(Clone)]
struct Browser {
    address: SocketAddr,
    host: String,
    token: String,
    cookie: Option<String>,
}

impl Browser {
    /// One that is not known.
    fn stranger(served: &Served) -> Self {
        let file = ApiFile::read(served.data_dir()).unwrap();
        Self {
            address: file.address,
            host: file.address.to_string(),
            token: file.token,
            cookie: None,
        }
    }

    /// One that came in by a link.
    async fn known(served: &Served) -> Self {
        let mut browser = Self::stranger(served);
        let path = browser.link().await;
        let entered = browser.get(&path).await;
        assert_eq!(entered.status, 200);
        browser.cookie = Some(cookie_of(&entered));
        browser
    }

    /// The path of a fresh link.
    async fn link(&self) -> String {
        let headers = format!(
            "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
            self.token
        );
        let answer = self.ask("POST", "/api/v1/link", &headers, "{}").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let told: super::LinkView = serde_json::from_str(&answer.body).unwrap();
        let path = told.link.strip_prefix(&format!("http://{}", self.address));
        path.unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(
            "GET",
            path,
            "sec-fetch-site: none\r\nsec-fetch-mode: navigate\r\n",
            "",
        )
        .await
    }

    /// Sends a form as this node's own page does.
    async fn post(&self, path: &str, form: &str) -> Answer {
        let own = format!(
            "origin: http://{}\r\nsec-fetch-site: same-origin\r\n",
            self.address
        );
        self.post_from(&own, path, form).await
    }

    async fn post_from(&self, from: &str, path: &str, form: &str) -> Answer {
        let headers = format!("content-type: application/x-www-form-urlencoded\r\n{from}");
        self.ask("POST", path, &headers, form).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let cookie = self
            .cookie
            .iter()
            .map(|cookie| format!("cookie: {cookie}\r\n"));
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{}{headers}content-length: {}\r\n\r\n{body}",
            self.host,
            cookie.collect::<String>(),
            body.len()
        );
        let address = self.address;
        tokio::task::spawn_blocking(move || exchange(address, &text))
            .await
            .unwrap()
    }

    /// What a form of this page carries under a name.
    async fn field(&self, path: &str, name: &str) -> String {
        let page = self.get(path).await.body;
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = page.split_once(&start).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

fn exchange(address: SocketAddr, text: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: answer.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// The cookie that an answer sets.
fn cookie_of(answer: &Answer) -> String {
    let line = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    let line = line.unwrap();
    assert!(
        line.contains("httponly") && line.contains("samesite=strict"),
        "{line}"
    );
    line.split(';').next().unwrap().to_owned()
}

/// Every page of a peer.
const PAGES: &[&str] = &[
    "/",
    "/pay",
    "/pay?to=bob",
    "/pay/with/bob",
    "/pay/names?typed=b",
    "/pay/inbox",
    "/pay/outbox",
    "/pay/outbox?failed=1",
    "/pay/account",
    "/members",
    "/members?matching=o",
    "/members?after=away.1",
    "/members/bob",
    "/network",
    "/network/node",
    "/network/log",
    "/network/log?level=debug&actor=ledger&about=00",
    "/network/open",
    "/network/blocks",
    "/network/blocks/0",
    "/network/blocks/1",
    "/votes",
    "/votes/records",
    "/votes/records/guest-book",
    "/search?q=nothing-like-it",
    "/me",
];

/// Everything that a form does.
const ACTS: &[&str] = &[
    "/out",
    "/home/kept",
    "/pay",
    "/pay/read",
    "/pay/sent/00/retry",
    "/pay/sent/00/withdraw",
    "/pay/sent/00/release",
    "/network/mine",
    "/network/mode",
    "/network/connect",
    "/network/try",
    "/network/verify",
    "/network/sync",
    "/network/backup",
    "/votes",
    "/votes/00",
    "/votes/records",
    "/me/words",
];

#[actix_web::test]
async fn every_page_is_shown_to_a_known_browser_and_to_nobody_else() {
    let served = Served::peer().await;
    let (known, stranger) = (Browser::known(&served).await, Browser::stranger(&served));
    for path in PAGES {
        let page = known.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(
            page.head
                .contains("content-security-policy: default-src 'none'"),
            "{path}"
        );
        assert!(page.head.contains("cache-control: no-store"), "{path}");
        assert!(
            !page.body.contains("style=\"") && !page.body.contains("<style"),
            "{path}"
        );
        let page = stranger.get(path).await;
        assert_eq!(page.status, 401, "{path}");
        assert!(page.body.contains(" web</code>"), "{path}: {}", page.body);
    }
    assert_eq!(known.get("/pay/nothing/here").await.status, 404);
    assert_eq!(stranger.get("/assets/style.css?x").await.status, 200);
    assert_eq!(known.get("/assets/../api.json").await.status, 404);
    // The cookie opens the pages and nothing else.
    assert_eq!(known.get("/api/v1/status").await.status, 401);
}

#[actix_web::test]
async fn a_tracker_has_pages_of_its_own() {
    let served = Served::tracker().await;
    let known = Browser::known(&served).await;
    let page = known.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("alice") && page.body.contains("Registered"));
    assert_eq!(known.get("/pay/inbox").await.status, 404);
    let node = known.get("/network/node").await.body;
    assert!(
        node.contains("Version") && node.contains("Its files"),
        "{node}"
    );
    let log = known.get("/network/log").await;
    assert!(log.status == 200 && log.body.contains("‹ Tracker"));
    let found = known.get("/members?matching=aro").await.body;
    assert!(
        found.contains("carol") && !found.contains("alice"),
        "{found}"
    );
}

#[actix_web::test]
async fn a_peer_without_a_network_says_so_on_every_page_it_has() {
    let served = Served::waiting_peer().await;
    let known = Browser::known(&served).await;
    for path in ["/", "/network", "/network/node", "/me"] {
        let page = known.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains("Looking for the network"), "{path}");
    }
    let page = known.get("/pay").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("On no network yet"));
}

#[actix_web::test]
async fn attack_a_link_works_once_and_a_cookie_at_its_own_node() {
    let (served, other) = (Served::peer().await, Served::peer().await);
    let stranger = Browser::stranger(&served);
    let link = stranger.link().await;
    assert_eq!(stranger.get(&link).await.status, 200);
    let again = stranger.get(&link).await;
    assert_eq!(again.status, 401);
    assert!(again.body.contains("used before") && !again.head.contains("set-cookie"));
    assert_eq!(stranger.get("/enter?key=00").await.status, 401);
    assert_eq!(stranger.get("/enter").await.status, 401);

    let known = Browser::known(&served).await;
    let mut abroad = Browser::stranger(&other);
    abroad.cookie = known.cookie.clone();
    assert_eq!(abroad.get("/").await.status, 401);
    // Nobody guesses one: it is compared whole.
    let (name, _) = known.cookie.as_deref().unwrap().split_once('=').unwrap();
    for wrong in ["", "00", "x"] {
        abroad.address = known.address;
        abroad.cookie = Some(format!("{name}={wrong}"));
        assert_eq!(abroad.get("/").await.status, 401);
    }
    let token = known.field("/me", "token").await;
    assert_eq!(
        known.post("/out", &format!("token={token}")).await.status,
        200
    );
    assert_eq!(known.get("/").await.status, 401);
}

#[actix_web::test]
async fn attack_nothing_is_done_for_a_foreign_page_or_without_the_mark_of_a_form() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let token = known.field("/me", "token").await;
    let form = format!("token={token}&to=bob&amount=5");
    let own = format!("origin: http://{}\r\n", known.address);
    for path in ACTS {
        for from in [
            "",
            "origin: null\r\n",
            "origin: http://evil.example\r\n",
            &format!("{own}sec-fetch-site: same-site\r\n"),
            &format!("{own}sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n"),
        ] {
            let refused = known.post_from(from, path, &form).await;
            assert_eq!(refused.status, 403, "{path} from {from:?}");
        }
        for form in ["to=bob&amount=5", "token=&to=bob&amount=5", "token=00"] {
            let refused = known.post(path, form).await;
            assert_eq!(refused.status, 403, "{path} with {form:?}");
            assert!(refused.body.contains("Load the page again"), "{path}");
        }
    }
    let mut rebound = known.clone();
    rebound.host = "evil.example".to_owned();
    let asked = rebound.get("/").await;
    assert_eq!(asked.status, 403);
    rebound.host = format!("localhost:{}", known.address.port());
    assert_eq!(
        rebound.get("/").await.status,
        200,
        "through a tunnel, at any port"
    );
    assert!(served.last_sent().is_none());
    // Another session's mark is no mark.
    let theirs = Browser::known(&served).await.field("/me", "token").await;
    assert_eq!(
        known
            .post("/pay", &format!("token={theirs}&to=bob&amount=5"))
            .await
            .status,
        403
    );
    assert!(served.last_sent().is_none());
}

#[actix_web::test]
async fn a_payment_is_sent_by_a_form_and_a_refused_one_keeps_what_was_typed() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let token = known.field("/pay", "token").await;
    let form =
        format!("token={token}&once=abc&to=bob&amount=30&note=for+the+cheese%0D%0Athanks&fee=");
    let sent = known.post("/pay", &form).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    assert!(sent.head.contains("location: /pay/sent/"));
    let taken = served.last_sent().unwrap();
    assert!(taken.request.is_some(), "the same form again is known");

    for (form, why) in [
        ("to=bbo&amount=5&note=hello", "did you mean bob?"),
        (
            "to=bob&amount=1000000&note=hello",
            "this takes 1\u{202f}000\u{202f}000 coins with its fee, and you can spend",
        ),
        ("to=bob&amount=1.5&note=hello", "whole numbers"),
        (
            "to=bob&amount=18446744073709551616&note=hello",
            "more than all coins",
        ),
        ("to=&amount=5&note=hello", "To whom?"),
    ] {
        let refused = known
            .post("/pay", &format!("token={token}&once=b&{form}"))
            .await;
        assert!((400..500).contains(&refused.status), "{form}");
        assert!(refused.body.contains(why), "{form}: {}", refused.body);
        assert!(refused.body.contains(">hello</textarea>"), "{form}");
    }
    let nothing = known
        .post("/pay", &format!("token={token}&to=bob&amount=&note=++"))
        .await;
    assert!(nothing.body.contains("nothing to send"));
}

#[actix_web::test]
async fn attack_what_is_typed_comes_back_as_text() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let token = known.field("/pay", "token").await;
    let markup = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%1B%5B2J%E2%80%AE";
    let shown = [
        known.get(&format!("/search?q={markup}")).await,
        known.get(&format!("/pay?to={markup}")).await,
        known.get(&format!("/pay/with/{markup}")).await,
        known.get(&format!("/members/{markup}")).await,
        known.get(&format!("/network/blocks/{markup}")).await,
        known.get(&format!("/network/transactions/{markup}")).await,
        known.get(&format!("/pay/inbox?after={markup}")).await,
        known
            .get(&format!("/network/log?about={markup}&actor={markup}"))
            .await,
        known.get(&format!("/network/log?level={markup}")).await,
        known.get(&format!("/enter?key={markup}")).await,
        known
            .post(
                "/pay",
                &format!("token={token}&to={markup}&amount={markup}&note={markup}&fee={markup}"),
            )
            .await,
    ];
    for (at, page) in shown.iter().enumerate() {
        assert!(!page.body.contains("<script>"), "{at}: {}", page.body);
        // In a form it stands as it was typed: that is where it is mended.
        let outside = !page.body.contains("<textarea");
        assert!(
            !outside || !page.body.contains(['\u{1b}', '\u{202e}']),
            "{at}: {}",
            page.body
        );
    }
}

#[actix_web::test]
async fn attack_a_form_beyond_its_cap_or_of_another_kind_is_refused_and_nothing_done() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let token = known.field("/pay", "token").await;
    let long = "x".repeat(crate::http::MAX_REQUEST_BYTES);
    let form = format!("token={token}&to=bob&amount=5&note={long}");
    let refused = known.post("/pay", &form).await;
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    assert!(!refused.body.contains("xxxxxxxxxx"));
    let own = format!("origin: http://{}\r\n", known.address);
    for kind in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        let headers = format!("content-type: {kind}\r\n{own}");
        let form = format!("token={token}&to=bob&amount=5");
        let refused = known.ask("POST", "/pay", &headers, &form).await;
        assert!(
            (400..500).contains(&refused.status),
            "{kind}: {}",
            refused.status
        );
    }
    assert!(served.last_sent().is_none());
    assert_eq!(known.get("/").await.status, 200);
}

#[actix_web::test]
async fn browsers_are_known_over_a_restart_and_are_bounded() {
    let (entropy, dir) = (OsEntropy, tempfile::tempdir().unwrap());
    let address = "127.0.0.1:1".parse().unwrap();
    let owned = &Owned::Tracker(tracker(&FakeNode::new(None).start(), dir.path()));
    let first = Browsers::of(owned, dir.path(), address);
    let session = first.enter(&first.draw_link(&entropy), &entropy).unwrap();
    let second = Browsers::of(owned, dir.path(), address);
    assert!(second.session(session.secret()).is_some());
    second.forget(&session);
    assert!(
        Browsers::of(owned, dir.path(), address)
            .session(session.secret())
            .is_none()
    );

    // The oldest link, and the oldest browser, make room.
    let link = second.draw_link(&entropy);
    for _ in 0..8 {
        second.draw_link(&entropy);
    }
    assert!(second.enter(&link, &entropy).is_none());
    let oldest = second.enter(&second.draw_link(&entropy), &entropy).unwrap();
    for _ in 0..32 {
        assert!(second.session(oldest.secret()).is_some());
        second.enter(&second.draw_link(&entropy), &entropy).unwrap();
    }
    assert!(second.session(oldest.secret()).is_none());
    std::fs::write(dir.path().join("browsers.json"), "{half").unwrap();
    assert!(
        Browsers::of(owned, dir.path(), address)
            .session(session.secret())
            .is_none()
    );
}
