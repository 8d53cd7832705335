//! What annoyed somebody who saw these pages for the first time.

use super::*;
use crate::chain::testing::transfer;
use crate::chain::{Action, Amount, EncodedTransaction, Height, Payload, Salt, Topic};
use crate::entropy::OsEntropy;
use crate::keys::{Lock, Passphrase, SecretKey, WalletFile};
use crate::owner::testing::secret;
use zeroize::Zeroizing;

/// A record of alice's under a topic that no application has.
fn record() -> EncodedTransaction {
    let payload = Payload {
        network: crate::chain::testing::rules().network(),
        sender: secret(1).public_key(),
        salt: Salt([77; 16]),
        expires_at: Height(100),
        fee: Amount::ZERO,
        action: Action::Record {
            topic: Topic::new("guest-book").unwrap(),
            body: crate::chain::transaction::RecordBody::new(b"hello".to_vec()).unwrap(),
        },
    };
    EncodedTransaction::new(payload.sign(&secret(1)))
}

#[actix_web::test]
async fn what_came_leads_to_all_between_the_two_where_it_can_be_marked_as_read() {
    let served = Served::peer().await;
    served.receives(1);
    let known = Browser::known(&served).await;
    let id = transfer(2, 1, 1, 0, 1).id();
    for path in ["/", "/pay", "/pay/inbox"] {
        let page = known.get(path).await.body;
        assert!(page.contains("href=\"/pay/with/bob\""), "{path}: {page}");
        assert!(
            !page.contains(&format!("href=\"/network/transactions/{id}")),
            "{path}"
        );
    }
    let talk = known.get("/pay/with/bob").await.body;
    assert!(
        talk.contains("data-mark") && talk.contains("name=\"number\" value=\"1\""),
        "{talk}"
    );
    // From there it leads to where it stands on the ledger, and from the ledger back.
    assert!(
        talk.contains(&format!("href=\"/network/transactions/{id}")),
        "{talk}"
    );
    let mined = known
        .get(&format!("/network/transactions/{}", served.mined))
        .await
        .body;
    assert!(mined.contains("href=\"/pay/with/bob\""), "{mined}");
    let token = known.field("/pay/with/bob", "token").await;
    let read = format!("token={token}&number=1&back=%2Fpay%2Fwith%2Fbob");
    let marked = known.post("/pay/read", &read).await;
    assert!(
        marked.head.contains("location: /pay/with/bob?done=read"),
        "{}",
        marked.head
    );
}

#[actix_web::test]
async fn what_is_on_its_way_at_home_is_on_its_way_in_the_list() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let waits = transfer(1, 2, 5, 0, 99);
    let id = served.queues(1);
    served.opens(&waits);
    for path in ["/", "/pay", "/pay/outbox"] {
        let page = known.get(path).await.body;
        assert!(page.contains(&format!("/pay/sent/{id}")), "{path}: {page}");
        assert!(page.contains("Waiting for a block"), "{path}");
        assert!(
            !page.contains("All that waits") && !page.contains("Nothing is on its way"),
            "{path}: {page}"
        );
    }
}

#[actix_web::test]
async fn the_record_by_which_one_joins_is_no_first_message() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let done = "Send a first message</strong><span class=\"unseen\"> (done)";
    served.keeps(1, &record(), secret(1).public_key());
    let home = known.get("/").await.body;
    assert!(
        home.contains("Send a first message") && !home.contains(done),
        "{home}"
    );
    served.queues(2);
    assert!(known.get("/").await.body.contains(done));
}

#[actix_web::test]
async fn the_account_has_mined_coins_signs_dates_and_what_there_was_then() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let page = known.get("/pay/account").await.body;
    for words in [
        "Mined the block",
        "Founded with",
        "Paid to",
        "+ ",
        "− 6 coins",
        "1 coin of it the fee",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("data-date") && page.contains(" UTC"),
        "{page}"
    );
    // Each line leaves what the one below it had, and what it brought.
    let told: serde_json::Value =
        serde_json::from_str(&served.ask("GET", "/account").await).unwrap();
    let entries = told["entries"].as_array().unwrap();
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(told["balance"], entries[0]["balance"]);
    for pair in entries.windows(2) {
        let before = number(&pair[1]["balance"]) + number(&pair[0]["came"]);
        assert_eq!(
            number(&pair[0]["balance"]),
            before - number(&pair[0]["went"]),
            "{told}"
        );
    }
    // The same one by one.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/account?limit=1{after}");
        let part: serde_json::Value =
            serde_json::from_str(&served.ask("GET", &path).await).unwrap();
        seen.extend(part["entries"].as_array().unwrap().clone());
        let Some(next) = part["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(&seen, entries);
    let foreign = format!("/pay/account?after=1-all-5-{}", "0".repeat(16));
    assert_eq!(known.get(&foreign).await.status, 400);
    assert_eq!(known.get("/pay/account?after=x").await.status, 400);
}

#[actix_web::test]
async fn a_block_that_was_found_is_news_until_the_next_one() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let token = known.field("/network", "token").await;
    let begun = known
        .post(
            "/network/mine",
            &format!("token={token}&once=a&back=%2Fvotes"),
        )
        .await;
    assert!(
        begun.head.contains("location: /votes?done=mining"),
        "{}",
        begun.head
    );
    let mut page = String::new();
    for _ in 0..1_000 {
        page = known.get("/network").await.body;
        if page.contains("Block 3 found") {
            break;
        }
    }
    assert!(page.contains("Block 3 found"), "{page}");
    let Owned::Peer(peer) = &served.owned else {
        panic!("it is a peer's");
    };
    peer.mine().await.unwrap();
    assert!(!known.get("/network").await.body.contains("Block 3 found"));
    let elsewhere = known
        .post(
            "/network/mine",
            &format!("token={token}&once=b&back=//evil.example"),
        )
        .await;
    assert!(
        elsewhere.head.contains("location: /network?done=mining"),
        "{}",
        elsewhere.head
    );
}

#[actix_web::test]
async fn a_backup_is_made_by_pressing_and_found_by_its_word_and_why_none_was_made_is_said() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    for typed in ["lock", "unlock", "passphrase"] {
        let found = known.get(&format!("/search?q={typed}")).await;
        assert!(
            found.head.contains("/me#passphrase"),
            "{typed}: {}",
            found.head
        );
    }
    let found = known.get("/search?q=Backup").await;
    assert!(
        found.head.contains("location: /me#backup"),
        "{}",
        found.head
    );
    for path in ["/me", "/network/node"] {
        let page = known.get(path).await.body;
        assert!(
            page.contains("Back up now") && page.contains("None was made yet"),
            "{path}"
        );
    }
    let token = known.field("/me", "token").await;
    let form = format!("token={token}&once=a&back=%2Fme&dir=elsewhere%2Fbackups");
    let asked = known.post("/network/backup", &form).await;
    assert!(
        asked.head.contains("location: /me?done=backup#backup"),
        "{}",
        asked.head
    );
    let mut page = String::new();
    for _ in 0..1_000 {
        page = known.get("/me").await.body;
        if page.contains("No backup was made") {
            break;
        }
    }
    assert!(
        page.contains("“elsewhere/backups” is no whole path: begin it with /"),
        "{page}"
    );
}

#[actix_web::test]
async fn what_was_found_on_the_ledger_came_when_its_block_did() {
    let served = Served::peer().await;
    served.fetches_late();
    let told = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let message = told(served.ask("GET", "/inbox/1").await);
    let height = message["height"].as_u64().unwrap();
    let block = told(served.ask("GET", &format!("/blocks/{height}")).await);
    assert_eq!(message["received_at"], block["timestamp"], "{message}");
}

#[actix_web::test]
async fn the_page_of_a_transaction_names_what_checks_its_proof() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let path = format!("/network/transactions/{}", served.mined);
    let page = known.get(&path).await.body;
    let block = served.ask("GET", "/blocks/1").await;
    let block: serde_json::Value = serde_json::from_str(&block).unwrap();
    let typed = format!(
        "node verify proof.json --trust {}",
        block["id"].as_str().unwrap()
    );
    assert!(page.contains(&typed), "{page}");
    let path = format!("/network/transactions/{}", served.open);
    assert!(!known.get(&path).await.body.contains("node verify"));
}

#[actix_web::test]
async fn the_own_page_says_whether_the_wallet_is_locked_and_what_is_typed_for_it() {
    let served = Served::peer().await;
    let known = Browser::known(&served).await;
    let of = |page: &str| page.split_once("id=\"passphrase\"").unwrap().1.to_owned();
    let unknown = of(&known.get("/me").await.body);
    assert!(
        unknown.contains("wallet lock</code>") && !unknown.contains("ocked</span>"),
        "{unknown}"
    );
    let file = WalletFile::new(served.data_dir().join("wallet.pem"));
    let secret = SecretKey::draw(&OsEntropy);
    file.create(&secret, None).unwrap();
    let open = of(&known.get("/me").await.body);
    assert!(
        open.contains("Not locked</span>") && open.contains("wallet lock</code>"),
        "{open}"
    );
    let passphrase = Passphrase::given(Zeroizing::new("correct horse".to_owned())).unwrap();
    let lock = Lock::new(&passphrase, &OsEntropy).unwrap();
    file.replace(&secret, Some(&lock)).unwrap();
    let locked = of(&known.get("/me").await.body);
    assert!(
        locked.contains(" Locked</span>") && locked.contains("wallet unlock</code>"),
        "{locked}"
    );
}
