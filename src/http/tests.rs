//! The API as a whole, over real sockets.

mod chain_calls;
mod connections;
mod lists;
mod many;
mod metrics;
mod place;
mod problems;

use super::testing::Served;
use super::{ApiError, ApiFile, BASE, MAX_REQUEST_BYTES, Problem, start};
use crate::archive::{EndEntry, Entry, Reader, import};
use crate::chain::json::{BlockJson, GenesisJson};
use crate::chain::proof::{Proof, ProofJson, Trust};
use crate::chain::rows::{RowKey, StateKey};
use crate::chain::testing::rules;
use crate::chain::{Action, Amount, Block, Genesis, Height, Salt};
use crate::owner::answers::{
    ActionView, BalanceView, BlockCheckView, BlockView, ChainView, MinedView, OpenView,
    PeerStatusView, PeersView, SentView, SyncView, TrackerStatusView, TransactionState,
    TransactionStateView, VerifyLine,
};
use crate::owner::testing::{FakeNode, secret, tracker};
use crate::owner::{Owned, StopOrder};
use crate::store::chain_rows::changes;
use crate::store::{Disk, MemoryDisk};
use actix::Actor;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Everything a peer answers.
const PEER_PATHS: [&str; 17] = [
    "GET /status",
    "GET /peers",
    "GET /balance",
    "GET /blocks/1",
    "GET /open",
    "POST /mine",
    "POST /leave",
    "GET /chain",
    "GET /chain/export",
    "GET /chain/verify",
    "GET /blocks/1/data",
    "GET /blocks/1/verify",
    "GET /proofs/1",
    "GET /outbox",
    "GET /inbox",
    "GET /history",
    "GET /account",
];

/// Sends a request as it stands and reads until the server closes: status and body.
fn raw(request: &str, address: std::net::SocketAddr) -> (u16, String) {
    let (status, _, body) = raw_with_head(request, address);
    (status, body)
}

/// The same, and the head of the answer in lower case between them.
fn raw_with_head(request: &str, address: std::net::SocketAddr) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    let body = if head.contains("transfer-encoding: chunked") {
        let chunks = body.split("\r\n").skip(1).step_by(2);
        chunks.collect()
    } else {
        body.to_owned()
    };
    (status, head, body)
}

/// Asks with the token, on a thread where one may wait.
async fn ask(served: &Served, request: &str, body: &Value) -> (u16, String) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    ask_with(served, request, &body, |file| {
        format!(
            "host: {}\r\nauthorization: Bearer {}\r\n",
            file.address, file.token
        )
    })
    .await
}

/// A request for a path that is named without what all begin with.
fn versioned(request: &str) -> String {
    request.replacen(" /", &format!(" {BASE}/"), 1)
}

async fn ask_with(
    served: &Served,
    request: &str,
    body: &str,
    headers: impl Fn(&ApiFile) -> String,
) -> (u16, String) {
    let file = ApiFile::read(served.data_dir()).unwrap();
    let length = body.len();
    let request = versioned(request);
    let text = format!(
        "{request} HTTP/1.1\r\n{}connection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
        headers(&file)
    );
    tokio::task::spawn_blocking(move || raw(&text, file.address))
        .await
        .unwrap()
}

async fn read<T: DeserializeOwned>(served: &Served, request: &str, body: Value) -> T {
    let (status, text) = ask(served, request, &body).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn refused(served: &Served, request: &str, body: Value) -> (u16, String, String) {
    let (status, text) = ask(served, request, &body).await;
    let problem: Problem = serde_json::from_str(&text).expect(&text);
    assert_eq!(problem.status, status);
    (status, problem.code, problem.detail)
}

#[actix_web::test]
async fn nothing_is_answered_without_the_token_or_to_a_foreign_page() {
    let served = Served::peer().await;
    for path in PEER_PATHS
        .into_iter()
        .chain(["GET /nothing", "POST /transactions"])
    {
        let (status, _) =
            ask_with(&served, path, "{}", |f| format!("host: {}\r\n", f.address)).await;
        assert_eq!(status, 401, "{path}");
        let (status, _) = ask_with(&served, path, "{}", |f| {
            format!(
                "host: evil.example\r\nauthorization: Bearer {}\r\n",
                f.token
            )
        })
        .await;
        assert_eq!(status, 403, "{path}");
        let (status, _) = ask_with(&served, path, "{}", |f| {
            let (host, token) = (f.address, &f.token);
            format!(
                "host: {host}\r\norigin: http://evil.example\r\nauthorization: Bearer {token}\r\n"
            )
        })
        .await;
        assert_eq!(status, 403, "{path}");
    }
    assert!(served.last_sent().is_none());
    assert_eq!(refused(&served, "GET /nothing", Value::Null).await.0, 404);
    assert_eq!(refused(&served, "GET /mine", Value::Null).await.0, 405);
}

#[actix_web::test]
async fn a_peer_tells_how_it_stands() {
    let served = Served::peer().await;
    let status: PeerStatusView = read(&served, "GET /status", Value::Null).await;
    let chain = status.chain.unwrap();
    assert_eq!((status.name.as_str(), status.waiting), ("alice", None));
    assert_eq!((chain.tip.height, chain.tip_age_ms), (Height(2), 4_000));
    assert_eq!((chain.sessions, chain.open_transactions), (2, 1));
    assert!(!chain.syncing);

    let peers: PeersView = read(&served, "GET /peers", Value::Null).await;
    let names: Vec<_> = peers
        .peers
        .iter()
        .map(|p| p.name.as_ref().map(|n| n.as_str()))
        .collect();
    assert_eq!(names, [Some("alice"), Some("bob"), Some("carol"), None]);
    let connected: Vec<bool> = peers.peers.iter().map(|p| p.session.is_some()).collect();
    assert_eq!(connected, [false, true, false, true]);
    assert!(peers.peers[0].this_node);
}

#[actix_web::test]
async fn a_balance_is_told_by_name_and_by_address() {
    let served = Served::peer().await;
    let own: BalanceView = read(&served, "GET /balance", Value::Null).await;
    assert_eq!(own.of.name.unwrap().as_str(), "alice");
    // 1000, less 5 and the fee of 1, and a block of 50 with that fee.
    assert_eq!(own.balance, Amount(1_000 - 6 + 51));
    // 100 in open transactions, and 7 that are queued.
    assert_eq!(own.promised, Amount(107));
    assert_eq!(own.spendable, Amount(own.balance.0 - 107));
    assert_eq!(own.tip.height, Height(2));
    let bob = secret(2).public_key().to_address();
    let by_name: BalanceView = read(&served, "GET /balance?of=bob", Value::Null).await;
    let by_address: BalanceView =
        read(&served, &format!("GET /balance?of={bob}"), Value::Null).await;
    assert_eq!(by_name, by_address);
    let (status, code, reason) = refused(&served, "GET /balance?of=bobb", Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "unknown_member"));
    assert!(reason.ends_with("did you mean bob?"));
    let injected = "GET /balance?of=bob%27%3B%20DROP%20TABLE%20members%3B--";
    assert_eq!(refused(&served, injected, Value::Null).await.0, 404);
    assert_eq!(
        refused(&served, "GET /balance?off=bob", Value::Null)
            .await
            .0,
        400
    );
}

#[actix_web::test]
async fn the_status_names_the_last_block_that_is_stored_as_other_answers_do() {
    let served = Served::peer().await;
    // The ledger connects a block that the disk does not hold yet.
    served.played.moves.store(1, Ordering::Relaxed);
    let _: BalanceView = read(&served, "GET /balance", Value::Null).await;
    let status: PeerStatusView = read(&served, "GET /status", Value::Null).await;
    let chain = status.chain.unwrap();
    let block: BlockView = read(&served, "GET /blocks/0", Value::Null).await;
    assert_eq!(chain.tip.id, block.tip.id);
    assert_eq!(chain.tip.height.next(), chain.best_header.height);
}

#[actix_web::test]
async fn a_balance_belongs_to_the_tip_it_names_however_fast_the_chain_moves() {
    let served = Served::peer().await;
    let first: BalanceView = read(&served, "GET /balance", Value::Null).await;
    served.played.moves.store(u32::MAX, Ordering::Relaxed);
    for blocks in 0..20 {
        let then: BalanceView = read(&served, "GET /balance", Value::Null).await;
        assert_eq!(then.tip.height, Height(first.tip.height.0 + blocks));
        assert_eq!(then.balance, Amount(first.balance.0 + blocks * 50));
    }
}

#[actix_web::test]
async fn blocks_are_found_by_height_and_by_id() {
    let served = Served::peer().await;
    let first: BlockView = read(&served, "GET /blocks/1", Value::Null).await;
    assert_eq!(
        (first.height, first.confirmations, first.connected),
        (Height(1), 2, true)
    );
    assert_eq!(first.transactions.len(), 2);
    assert!(matches!(
        first.transactions[0].action,
        ActionView::Reward { .. }
    ));
    assert_eq!(first.transactions[1].id, served.mined);
    let again: BlockView = read(&served, &format!("GET /blocks/{}", first.id), Value::Null).await;
    assert_eq!(again, first);

    let genesis: BlockView = read(&served, "GET /blocks/0", Value::Null).await;
    assert_eq!(genesis.id, rules().network());
    assert_eq!(genesis.genesis.unwrap().motto, "RacletteCheese");

    let absent = |path: String| {
        let served = &served;
        async move { refused(served, &path, Value::Null).await.0 }
    };
    assert_eq!(absent("GET /blocks/3".into()).await, 404);
    assert_eq!(absent(format!("GET /blocks/{}", "0".repeat(64))).await, 404);
    // No height; the beginning of an id, perhaps.
    assert_eq!(absent("GET /blocks/18446744073709551616".into()).await, 404);
    for name in ["-1", "+1", "one", "%27%3B--", &"g".repeat(64)] {
        assert_eq!(absent(format!("GET /blocks/{name}")).await, 400, "{name}");
    }
}

#[actix_web::test]
async fn a_transaction_is_open_or_mined_or_unknown() {
    let served = Served::peer().await;
    let state = |id: String| {
        let served = &served;
        async move {
            let path = format!("GET /transactions/{id}");
            read::<TransactionStateView>(served, &path, Value::Null).await
        }
    };
    let mined = state(served.mined.to_string()).await;
    assert!(matches!(
        mined.state,
        TransactionState::Mined {
            height: Height(1),
            confirmations: 2,
            ..
        }
    ));
    assert_eq!(mined.transaction.unwrap().id, served.mined);
    let open = state(served.open.to_string()).await;
    assert_eq!(open.state, TransactionState::Open);
    let unknown = state("0".repeat(64)).await;
    assert_eq!(
        (unknown.state, unknown.transaction),
        (TransactionState::Unknown, None)
    );
    assert_eq!(
        refused(&served, "GET /transactions/12", Value::Null)
            .await
            .0,
        400
    );

    let all: OpenView = read(&served, "GET /open", Value::Null).await;
    assert_eq!((all.count, all.transactions[0].id), (1, served.open));
}

#[actix_web::test]
async fn a_transfer_is_signed_sent_and_mined() {
    let served = Served::peer().await;
    let request = json!({"to": "bob", "amount": "30", "fee": "2", "expires_in_blocks": 10});
    let sent: SentView = read(&served, "POST /transactions", request).await;
    let order = served.last_sent().unwrap();
    let transaction = order.transaction.transaction();
    let payload = transaction.payload();
    assert_eq!(transaction.id(), sent.id);
    assert_eq!(
        (payload.sender, payload.network),
        (secret(1).public_key(), rules().network())
    );
    assert_eq!((payload.expires_at, payload.fee), (Height(12), Amount(2)));
    assert_ne!(payload.salt, Salt([0; 16]));
    assert!(matches!(
        payload.action,
        Action::Transfer { to, amount: Amount(30), .. } if to == secret(2).public_key()
    ));

    let mined: MinedView = read(&served, "POST /mine", json!({})).await;
    assert_eq!((mined.height, mined.transactions), (Height(3), 3));
    let path = format!("GET /transactions/{}", sent.id);
    let state: TransactionStateView = read(&served, &path, Value::Null).await;
    assert!(matches!(
        state.state,
        TransactionState::Mined {
            height: Height(3),
            ..
        }
    ));

    let synced: SyncView = read(&served, "POST /sync", json!({"from": "bob"})).await;
    assert_eq!(
        (synced.from.name, synced.height),
        (Some("bob".parse().unwrap()), 2)
    );
    let (status, code, reason) = refused(&served, "POST /sync", json!({"from": "carol"})).await;
    assert_eq!((status, code.as_str()), (409, "not_connected"));
    assert!(reason.contains("carol is not connected"), "{reason}");

    let two_equal = json!({"to": "bob", "amount": "1"});
    let first: SentView = read(&served, "POST /transactions", two_equal.clone()).await;
    let second: SentView = read(&served, "POST /transactions", two_equal).await;
    assert_ne!(first.id, second.id, "each has a salt of its own");
}

#[actix_web::test]
async fn a_fair_no_has_its_reason_and_nonsense_is_not_sent() {
    let served = Served::peer().await;
    let send = |body: Value| {
        let served = &served;
        async move { refused(served, "POST /transactions", body).await }
    };
    let (status, code, reason) = send(json!({"to": "bob", "amount": "1000000"})).await;
    assert_eq!((status, code.as_str()), (422, "insufficient_funds"));
    assert!(reason.contains("1000000 needed"), "{reason}");
    assert!(served.last_sent().is_some());
    assert_eq!(
        send(json!({"to": "alice", "amount": "1"})).await.1,
        "to_self"
    );
    assert!(served.last_sent().is_none());

    for (body, status) in [
        (json!({"to": "bbo", "amount": "1"}), 404),
        (
            json!({"to": "rac1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "amount": "1"}),
            400,
        ),
        (json!({"to": "bob", "amount": -6}), 400),
        (json!({"to": "bob", "amount": 1.5}), 400),
        (json!({"to": "bob", "amount": 5}), 400),
        (json!({"to": "bob", "amount": "05"}), 400),
        (json!({"to": "bob"}), 400),
        (json!({"to": "bob", "amount": "1", "from": "carol"}), 400),
        (
            json!({"to": "bob", "amount": "1", "expires_in_blocks": 0}),
            400,
        ),
        (
            json!({"to": "bob", "amount": "1", "expires_in_blocks": u64::MAX}),
            400,
        ),
        (
            json!({"to": "x".repeat(MAX_REQUEST_BYTES), "amount": "1"}),
            400,
        ),
        (json!(["bob", 1, 2, 3, 4, 5]), 400),
    ] {
        assert_eq!(send(body.clone()).await.0, status, "{body}");
    }
    assert!(served.last_sent().is_none());
}

#[actix_web::test]
async fn a_peer_without_a_network_says_why() {
    let served = Served::waiting_peer().await;
    let status: PeerStatusView = read(&served, "GET /status", Value::Null).await;
    assert_eq!(status.chain, None);
    assert!(status.waiting.unwrap().contains("connection refused"));
    let peers: PeersView = read(&served, "GET /peers", Value::Null).await;
    assert_eq!(peers.peers.len(), 3);
    let (status, code, _) = refused(&served, "POST /leave", json!({})).await;
    assert_eq!((status, code.as_str()), (503, "not_registered"));
    for path in PEER_PATHS[2..]
        .iter()
        .filter(|path| **path != "POST /leave")
    {
        let (status, code, reason) = refused(&served, path, json!({})).await;
        assert_eq!((status, code.as_str()), (503, "no_network"), "{path}");
        assert!(reason.contains("the tracker 127.0.0.1:7000"), "{reason}");
    }
    let send = json!({"to": "bob", "amount": "1"});
    assert_eq!(refused(&served, "POST /transactions", send).await.0, 503);
}

#[actix_web::test]
async fn a_tracker_tells_its_members_and_nothing_else() {
    let served = Served::tracker().await;
    let status: TrackerStatusView = read(&served, "GET /status", Value::Null).await;
    assert_eq!((status.registered, status.live, status.sessions), (3, 3, 2));
    assert_eq!(status.network.id, Some(rules().network()));
    let peers: PeersView = read(&served, "GET /peers", Value::Null).await;
    assert_eq!(peers.peers.len(), 3);
    assert_eq!(refused(&served, "GET /balance", Value::Null).await.0, 404);
}

#[actix_web::test]
async fn a_stop_takes_the_file_away_and_frees_the_port() {
    let served = Served::peer().await;
    let first = ApiFile::read(served.data_dir()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let taken = start_again(first.address, elsewhere.path()).await;
    assert!(matches!(taken, Err(ApiError::InUse { .. })));
    served.handle.stop().await.unwrap();
    assert!(!ApiFile::path(served.data_dir()).exists());
    start_again(first.address, elsewhere.path()).await.unwrap();
    assert!(ApiFile::path(elsewhere.path()).exists());

    let open_to_all = "0.0.0.0:0".parse().unwrap();
    let refused = start_again(open_to_all, elsewhere.path()).await;
    assert!(matches!(refused, Err(ApiError::NotLoopback { .. })));
}

async fn start_again(listen: std::net::SocketAddr, data_dir: &Path) -> Result<(), ApiError> {
    let owned = Owned::Tracker(tracker(&FakeNode::new(None).start(), data_dir));
    start(listen, data_dir, owned, StopOrder::default())
        .await
        .map(|_| ())
}
