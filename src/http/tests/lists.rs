//! Lists, page by page, and what is named by the beginning of its id.

use super::*;
use crate::canonical;
use crate::chain::testing::transfer;
use crate::owner::answers::{BlocksView, Cursor, HistoryView, InboxView, ReceivedView, SendView};
use crate::protocol::delivery::rows::SendState;

async fn page<T: DeserializeOwned>(served: &Served, path: &str, after: &Option<Cursor>) -> T {
    let request = match after {
        Some(Cursor(after)) => format!("GET {path}&after={after}"),
        None => format!("GET {path}"),
    };
    read(served, &request, Value::Null).await
}

fn numbers(inbox: &InboxView) -> Vec<u64> {
    inbox
        .messages
        .iter()
        .map(|message| message.number)
        .collect()
}

#[actix_web::test]
async fn an_inbox_of_seventy_is_shown_to_its_end_from_either_side() {
    let served = Served::peer().await;
    served.receives(70);
    for (path, first) in [
        ("/inbox?order=latest", 70),
        ("/inbox?order=latest&unread=true", 70),
        ("/inbox?order=oldest", 1),
        ("/inbox?unread=true", 1),
    ] {
        let begun: InboxView = page(&served, path, &None).await;
        assert_eq!(
            (begun.messages.len(), begun.messages[0].number),
            (50, first),
            "{path}"
        );
        let mut all = numbers(&begun);
        let rest: InboxView = page(&served, path, &begun.next).await;
        assert_eq!(
            (rest.messages.len(), rest.next.as_ref()),
            (20, None),
            "{path}"
        );
        all.extend(numbers(&rest));
        all.sort_unstable();
        assert_eq!(all, (1..=70).collect::<Vec<_>>(), "{path}");
    }
    let last: InboxView = read(&served, "GET /inbox?after=70", Value::Null).await;
    assert_eq!((last.messages.len(), last.next), (0, None));
}

#[actix_web::test]
async fn a_history_goes_on_where_its_page_ended() {
    let served = Served::peer().await;
    served.receives(120);
    let mut seen = 0;
    let mut after = None;
    loop {
        let shown: HistoryView = page(&served, "/history?limit=50", &after).await;
        seen += shown.entries.len();
        after = shown.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 120);
}

#[actix_web::test]
async fn blocks_are_listed_from_either_end() {
    let served = Served::peer().await;
    for (order, expected) in [("latest", [2, 1, 0]), ("oldest", [0, 1, 2])] {
        let mut heights = Vec::new();
        let mut after = None;
        loop {
            let path = format!("/blocks?limit=1&order={order}");
            let blocks: BlocksView = page(&served, &path, &after).await;
            heights.extend(blocks.blocks.iter().map(|block| block.height.0));
            after = blocks.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(heights, expected, "{order}");
    }
    let blocks: BlocksView = read(&served, "GET /blocks", Value::Null).await;
    assert_eq!((blocks.blocks.len(), blocks.next), (3, None));
    assert_eq!(blocks.blocks[0].transactions, 1);
    assert_eq!(blocks.blocks[1].transactions, 2);
    let miner = blocks.blocks[1].miner.as_ref().unwrap();
    assert_eq!(miner.name.as_ref().unwrap().as_str(), "alice");
}

#[actix_web::test]
async fn peers_and_open_transactions_are_listed_page_by_page() {
    let served = Served::peer().await;
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let peers: PeersView = page(&served, "/peers?limit=2", &after).await;
        names.extend(
            peers
                .peers
                .into_iter()
                .map(|peer| peer.name.map(|name| name.to_string())),
        );
        after = peers.next;
        if after.is_none() {
            break;
        }
    }
    let known = ["alice", "bob", "carol"].map(|name| Some(name.to_owned()));
    assert_eq!(names[..3], known);
    // Who is connected and no member comes last.
    assert_eq!(names[3..], [None]);

    for amount in ["1", "2", "3"] {
        let body = json!({"to": "bob", "amount": amount, "fee": amount});
        let _: SentView = read(&served, "POST /transactions", body).await;
    }
    let all: OpenView = read(&served, "GET /open", Value::Null).await;
    let mut fees = Vec::new();
    let mut after = None;
    loop {
        let open: OpenView = page(&served, "/open?limit=2", &after).await;
        fees.extend(
            open.transactions
                .iter()
                .map(|transaction| transaction.fee.0),
        );
        after = open.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((all.next, fees), (None, vec![3, 2, 1, 0]));

    let tracker = Served::tracker().await;
    let first: PeersView = page(&tracker, "/peers?limit=2", &None).await;
    let rest: PeersView = page(&tracker, "/peers?limit=2", &first.next).await;
    assert_eq!(
        (first.peers.len(), rest.peers.len(), rest.next),
        (2, 1, None)
    );
}

#[actix_web::test]
async fn whatever_has_an_id_is_found_by_its_beginning_with_or_without_dots() {
    let served = Served::peer().await;
    served.receives(3);
    let block: BlockView = read(&served, "GET /blocks/1", Value::Null).await;
    let message: ReceivedView = read(&served, "GET /inbox/2", Value::Null).await;
    let of = |id: String, path: &str| {
        let cut = &id[..8];
        ["", "...", "%E2%80%A6"].map(|dots| format!("GET {path}/{cut}{dots}"))
    };
    for request in of(block.id.to_string(), "/blocks") {
        let found: BlockView = read(&served, &request, Value::Null).await;
        assert_eq!(found.id, block.id, "{request}");
    }
    for (id, is_open) in [(served.mined, false), (served.open, true)] {
        for request in of(id.to_string(), "/transactions") {
            let found: TransactionStateView = read(&served, &request, Value::Null).await;
            assert_eq!(found.id, id, "{request}");
            assert_eq!(found.state == TransactionState::Open, is_open);
        }
    }
    for request in of(served.mined.to_string(), "/proofs") {
        let proof: ProofJson = read(&served, &request, Value::Null).await;
        let shown = Proof::try_from(proof).unwrap().check().unwrap();
        assert_eq!(shown.transaction, Some(served.mined));
    }
    for request in of(message.id.to_string(), "/inbox") {
        let found: ReceivedView = read(&served, &request, Value::Null).await;
        assert_eq!(found, message, "{request}");
    }
    // Whose id begins like that is asked for the rest of it; and too little is no id.
    for (request, status, code) in [
        ("GET /transactions/abcdef", 404, "unknown_transaction"),
        ("GET /blocks/abcdef", 404, "unknown_block"),
        ("GET /outbox/abcdef", 404, "unknown_send"),
        ("GET /inbox/abcdef", 404, "unknown_message"),
        ("GET /inbox/4", 404, "unknown_message"),
        ("GET /proofs/abcdef", 404, "unknown_transaction"),
        ("GET /transactions/abcde", 400, "bad_id"),
        ("GET /outbox/hello-there", 400, "bad_id"),
    ] {
        let (is, said, _) = refused(&served, request, Value::Null).await;
        assert_eq!((is, said.as_str()), (status, code), "{request}");
    }
}

#[actix_web::test]
async fn a_send_can_be_waited_for_and_is_told_when_patience_ends() {
    let served = Served::peer().await;
    let id = served.queues(1);
    let one: SendView = read(&served, &format!("GET /outbox/{id}"), Value::Null).await;
    assert_eq!(one.state, SendState::Queued);
    for wait in ["open", "delivered", "mined"] {
        let request = format!("GET /outbox/{id}?wait={wait}&seconds=0");
        let now: SendView = read(&served, &request, Value::Null).await;
        assert_eq!(now, one, "{wait}");
    }
    // It becomes open while somebody waits for it.
    let waiting = format!("GET /outbox/{id}?wait=open&seconds=60");
    let (open, ()) = tokio::join!(read::<SendView>(&served, &waiting, Value::Null), async {
        let entry = crate::chain::rows::OpenEntry {
            since: crate::chain::awake::AwakeTime(0),
            transaction: transfer(1, 2, 5, 0, 99),
        };
        let rows = [(RowKey::Open(id), Some(canonical::encode(&entry)))];
        let rows: Vec<_> = changes(&rows).collect();
        served.played.disk.commit(&rows).unwrap();
    });
    assert_eq!(open.state, SendState::Open);
    for (query, code) in [
        ("wait=paid", "bad_parameter"),
        // It is open already: without a cap it would be answered at once.
        ("wait=open&seconds=61", "bad_parameter"),
        // Whether or not something is waited for.
        ("seconds=61", "bad_parameter"),
        ("wait=mined&seconds=-1", "bad_parameter"),
    ] {
        let request = format!("GET /outbox/{id}?{query}");
        assert_eq!(
            refused(&served, &request, Value::Null).await.1,
            code,
            "{query}"
        );
    }
}

/// Every field of a JSON value, with its name.
fn fields(value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
        Value::Object(object) => {
            for (name, value) in object {
                found.push((name.clone(), value.clone()));
                fields(value, found);
            }
        }
        _ => {}
    }
}

#[actix_web::test]
async fn no_coins_are_a_number_and_no_number_is_beyond_what_javascript_keeps() {
    let coins = [
        "amount",
        "fee",
        "balance",
        "promised",
        "spendable",
        "reserved",
        "supply",
        "reward",
        "work",
        "rewards_lost",
        "nonce",
    ];
    let served = Served::peer().await;
    served.receives(3);
    served.queues(1);
    let mut seen = std::collections::BTreeSet::new();
    for request in [
        "GET /status",
        "GET /balance",
        "GET /blocks/0",
        "GET /blocks/1",
        "GET /blocks/1/data",
        "GET /blocks/0/data",
        "GET /open",
        "GET /outbox",
        "GET /inbox",
        "GET /history",
        "GET /account",
        "GET /chain",
        "GET /chain/verify",
        "GET /chain/export",
        "GET /proofs/1",
    ] {
        let (status, text) = ask(&served, request, &Value::Null).await;
        assert_eq!(status, 200, "{request}: {text}");
        for line in text.lines().filter(|line| !line.is_empty()) {
            let mut all = Vec::new();
            fields(&serde_json::from_str(line).unwrap(), &mut all);
            for (name, value) in all {
                if coins.contains(&name.as_str()) && !value.is_object() && !value.is_null() {
                    assert!(value.is_string(), "{request}: {name} is {value}");
                    seen.insert(name);
                } else if let Some(number) = value.as_u64() {
                    assert!(number < 1 << 53, "{request}: {name} is {number}");
                }
            }
        }
    }
    assert!(seen.len() >= 8, "{seen:?}");
}

#[actix_web::test]
async fn a_refusal_shares_the_directory_and_copies_nothing() {
    let node = FakeNode::new(Some("no tracker".to_owned()));
    let played = node.played();
    let peer = crate::owner::testing::peer(&node.start(), &played, Path::new(""));
    let shared = peer.known.borrow().clone();
    let holders = std::sync::Arc::strong_count(&shared);
    let refused = peer.balance(Some("bbo")).await.unwrap_err();
    assert_eq!(refused.code, crate::owner::Code::NoNetwork);
    assert_eq!(std::sync::Arc::strong_count(&shared), holders);
    assert!(std::sync::Arc::ptr_eq(&shared, &*peer.known.borrow()));
}

/// What the description says of lists is what they take: so many, and cursors of this form.
#[actix_web::test]
async fn every_list_takes_as_many_as_the_description_says_and_no_more() {
    let mut seen = 0;
    for served in [Served::peer().await, Served::tracker().await] {
        let description = served.ask("GET", "/openapi.json").await;
        let description: Value = serde_json::from_str(&description).unwrap();
        for (path, methods) in description["paths"].as_object().unwrap() {
            let parameters = methods["get"]["parameters"].as_array();
            let limit = parameters
                .into_iter()
                .flatten()
                .find(|one| one["name"] == "limit");
            let Some(limit) = limit else { continue };
            let most = limit["schema"]["maximum"].as_u64().unwrap();
            let cursor = parameters
                .unwrap()
                .iter()
                .find(|one| one["name"] == "after")
                .unwrap();
            assert!(cursor["schema"]["pattern"].is_string(), "{path}");
            let path = path.trim_start_matches(BASE);
            let path = path
                .replace("{topic}", "guest-book")
                .replace("{ballot}", "000000");
            for (many, is_taken) in [(0, false), (1, true), (most, true), (most + 1, false)] {
                let (_, text) =
                    ask(&served, &format!("GET {path}?limit={many}"), &Value::Null).await;
                assert_eq!(
                    !text.contains("limit is"),
                    is_taken,
                    "{path} {many}: {text}"
                );
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 16);
}

#[actix_web::test]
async fn a_body_that_is_a_list_is_none_where_nothing_is_to_be_said() {
    let served = Served::peer().await;
    for path in ["/connect", "/disconnect", "/mine", "/link", "/stop"] {
        for wrong in [json!([]), json!({"now": true})] {
            let (status, code, _) = refused(&served, &format!("POST {path}"), wrong).await;
            assert_eq!((status, code.as_str()), (400, "bad_body"), "{path}");
        }
    }
    let (status, _) = ask(&served, "POST /connect", &json!({})).await;
    assert_eq!(status, 200);
}
