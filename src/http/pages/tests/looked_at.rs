//! Whoever looks at what comes back is answered by a page, wherever the path leads; and a node that waits for its
//! wallet knows the browsers that it knew.

use super::*;
use crate::http::{ServerHandle, start};
use crate::keys::{Lock, Passphrase, SecretKey, WalletFile};
use crate::messages::wallet::{OpenWallet, OpenedWallet, WalletRefused};
use crate::owner::testing::peer;
use crate::owner::{StopOrder, Waiting};
use crate::wire::NodeRole;
use actix::{Context, Handler};
use std::sync::Arc;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// What a browser that goes to a page says it takes.
const LOOKS: &str = "accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nsec-fetch-site: none\r\nsec-fetch-mode: \
                     navigate\r\n";

/// Paths where nothing is to be seen.
const NOWHERE: &[&str] = &[
    "/nonsense",
    "/status",
    "/payment",
    "/favicon.ico",
    "/start/join",
    "/start/load",
    "/pay/read",
    "/me/words",
    "/members/%ff",
    "/network/proofs/zz",
    "/votes/zz/audit",
    "/home/kept",
    "/out",
    "/robots.txt",
];

#[actix_web::test]
async fn whoever_looks_is_answered_by_a_page_wherever_the_path_leads_and_programs_by_json() {
    for served in [Served::peer().await, Served::tracker().await] {
        let (known, stranger) = (Browser::known(&served).await, Browser::stranger(&served));
        for path in NOWHERE {
            for (who, status) in [(&known, 400..=422), (&stranger, 401..=401)] {
                let page = who.ask("GET", path, LOOKS, "").await;
                assert!(status.contains(&page.status), "{path}: {}", page.status);
                assert!(
                    page.head.contains("content-type: text/html"),
                    "{path}: {}",
                    page.head
                );
                assert!(page.body.contains("<h1>"), "{path}: {}", page.body);
            }
        }
        // What a program asks, without or with the token, is answered as before.
        let program = "accept: */*\r\n".to_owned();
        let owner = format!("authorization: Bearer {}\r\n", known.token);
        // The token is a program's, whatever it says that it takes.
        let takes_all = format!("{owner}{LOOKS}");
        for (headers, code) in [
            (program, "wrong_token"),
            (owner, "unknown_path"),
            (takes_all, "unknown_path"),
        ] {
            let answer = stranger.ask("GET", "/nonsense", &headers, "").await;
            assert!(
                answer.head.contains("application/problem+json"),
                "{}",
                answer.head
            );
            assert!(answer.body.contains(code), "{}", answer.body);
        }
    }
}

/// Opens nothing.
struct Shut;

impl Actor for Shut {
    type Context = Context<Self>;
}

impl Handler<OpenWallet> for Shut {
    type Result = Result<OpenedWallet, WalletRefused>;

    fn handle(&mut self, _: OpenWallet, _: &mut Self::Context) -> Self::Result {
        Err(WalletRefused::NoPassphrase)
    }
}

/// A node whose wallet is locked.
async fn locked(dir: &TempDir) -> (ServerHandle, SocketAddr) {
    let passphrase = Passphrase::given(Zeroizing::new("correct horse".to_owned())).unwrap();
    let file = WalletFile::new(dir.path().join("key.pem"));
    let lock = Lock::new(&passphrase, &OsEntropy).unwrap();
    file.create(&SecretKey::draw(&OsEntropy), Some(&lock))
        .unwrap();
    let owned = Owned::Waiting(Waiting {
        role: NodeRole::Peer,
        file,
        open: Shut.start().recipient(),
        entropy: Arc::new(OsEntropy),
        typed: crate::readable::Typed::default(),
    });
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    start(any, dir.path(), owned, StopOrder::default())
        .await
        .unwrap()
}

#[actix_web::test]
async fn a_locked_node_asks_a_browser_that_it_knows_for_the_passphrase_wherever_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _) = FakeNode::with_two_blocks(None);
    let played = node.played();
    let ran = Owned::Peer(peer(&node.start(), &played, dir.path()));
    let before = Browsers::of(&ran, dir.path(), "127.0.0.1:1".parse().unwrap());
    let session = before
        .enter(&before.draw_link(&OsEntropy), &OsEntropy)
        .unwrap();
    let (handle, address) = locked(&dir).await;
    let mut known = Browser {
        address,
        host: address.to_string(),
        token: ApiFile::read(dir.path()).unwrap().token,
        cookie: Some(format!("{}={}", before.cookie(), session.secret())),
    };
    let page = known.ask("GET", "/", LOOKS, "").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Unlock your wallet"), "{}", page.body);
    for path in ["/votes", "/pay/with/bob", "/me", "/network/blocks/1"] {
        let led = known.ask("GET", path, LOOKS, "").await;
        assert!(
            led.status == 303 && led.head.contains("location: /\r"),
            "{path}: {}",
            led.head
        );
    }
    let nowhere = known.ask("GET", "/nonsense", LOOKS, "").await;
    assert!(nowhere.head.contains("text/html"), "{}", nowhere.head);
    // A cookie that says something else lets nobody in, and programs are told as before.
    known.cookie = Some(format!("{}={}", before.cookie(), "0".repeat(64)));
    assert_eq!(known.ask("GET", "/", LOOKS, "").await.status, 401);
    let headers = format!("authorization: Bearer {}\r\n", known.token);
    let told = known.ask("GET", "/nonsense", &headers, "").await;
    assert!(told.body.contains("no_wallet"), "{}", told.body);
    handle.stop().await.unwrap();
}
