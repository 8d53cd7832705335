//! Calls for the chain as a whole: verified, exported, proven.

use super::*;
use crate::owner::Code;

async fn verify(served: &Served) -> Vec<VerifyLine> {
    let (status, text) = ask(served, "GET /chain/verify", &Value::Null).await;
    assert_eq!(status, 200, "{text}");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[actix_web::test]
async fn a_verification_shows_its_progress_and_finds_what_was_changed() {
    let served = Served::peer().await;
    let lines = verify(&served).await;
    let [one, two, end] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(matches!(
        one,
        VerifyLine::Progress {
            height: Height(1),
            of: Height(2)
        }
    ));
    assert!(matches!(
        two,
        VerifyLine::Progress {
            height: Height(2),
            ..
        }
    ));
    // Four members with 1000 coins, and two blocks of 50.
    assert!(matches!(
        end,
        VerifyLine::Verified {
            transactions: 3,
            supply: Amount(4_100),
            ..
        }
    ));

    let richer = RowKey::State(StateKey::Balance(secret(1).public_key()));
    let rows = [(richer, Some(9_999u64.to_le_bytes().to_vec()))];
    let rows: Vec<_> = changes(&rows).collect();
    served.played.disk.commit(&rows).unwrap();
    match verify(&served).await.last() {
        Some(VerifyLine::Error(error)) => assert_eq!(error.code, Code::StoredState),
        other => panic!("{other:?}"),
    }
}

#[actix_web::test]
async fn the_chain_is_told_in_numbers_and_each_block_to_the_byte() {
    let served = Served::peer().await;
    let chain: ChainView = read(&served, "GET /chain", Value::Null).await;
    assert_eq!((chain.length, chain.tip.height), (3, Height(2)));
    assert_eq!(chain.network, rules().network());
    let block: BlockJson = read(&served, "GET /blocks/2/data", Value::Null).await;
    let block = Block::try_from(block).unwrap();
    assert_eq!(block.id(), chain.tip.id);
    assert_eq!(block.computed_root(), block.header.transactions_root);
    let genesis: GenesisJson = read(&served, "GET /blocks/0/data", Value::Null).await;
    assert_eq!(Genesis::try_from(genesis).unwrap().id(), chain.network);
    for name in ["0", "1", &chain.tip.id.to_string()] {
        let path = format!("GET /blocks/{name}/verify");
        let checked: BlockCheckView = read(&served, &path, Value::Null).await;
        assert_eq!(checked.error, None);
    }
    let nobody = "ab".repeat(32);
    for path in [
        "/blocks/9/data",
        "/blocks/9/verify",
        &format!("/blocks/{nobody}/verify"),
    ] {
        let (status, ..) = refused(&served, &format!("GET {path}"), Value::Null).await;
        assert_eq!(status, 404, "{path}");
    }
    let id = block.id();
    let mut poorer = block;
    poorer.transactions.pop();
    let rows = vec![(RowKey::Body(id), Some(poorer.to_bytes()))];
    let rows: Vec<_> = changes(&rows).collect();
    served.played.disk.commit(&rows).unwrap();
    let checked: BlockCheckView = read(&served, "GET /blocks/2/verify", Value::Null).await;
    assert_eq!(checked.error.unwrap().code, Code::InvalidBlock);
}

#[actix_web::test]
async fn what_is_known_is_not_told_again_and_what_never_changes_says_so() {
    let served = Served::peer().await;
    let file = ApiFile::read(served.data_dir()).unwrap();
    let ask = |path: &str, known: &str| {
        let text = format!(
            "GET {BASE}{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{known}connection: close\r\n\r\n",
            file.address, file.token
        );
        let address = file.address;
        async move {
            tokio::task::spawn_blocking(move || raw_with_head(&text, address))
                .await
                .unwrap()
        }
    };
    let block: BlockView = read(&served, "GET /blocks/1", Value::Null).await;
    for (path, lasts) in [
        ("/blocks/1".to_owned(), false),
        ("/blocks/1/data".to_owned(), false),
        (format!("/blocks/{}/data", block.id), true),
        (format!("/transactions/{}", served.mined), false),
    ] {
        let (status, head, body) = ask(&path, "").await;
        assert_eq!((status, body.is_empty()), (200, false), "{path}");
        assert_eq!(head.contains("immutable"), lasts, "{path}: {head}");
        let tag = head.split("etag: ").nth(1).unwrap();
        let tag = tag.lines().next().unwrap();
        for known in [
            tag.to_owned(),
            format!("\"other\", W/{tag}"),
            "*".to_owned(),
        ] {
            let (status, head, body) = ask(&path, &format!("if-none-match: {known}\r\n")).await;
            assert_eq!((status, body.as_str()), (304, ""), "{path}, {known}");
            assert!(head.contains(&format!("etag: {tag}")), "{head}");
        }
        let (status, ..) = ask(&path, "if-none-match: \"other\"\r\n").await;
        assert_eq!(status, 200, "{path}");
    }
    // How many blocks stand on it has changed.
    let (_, before, _) = ask("/blocks/1", "").await;
    let _: MinedView = read(&served, "POST /mine", json!({})).await;
    let (_, after, _) = ask("/blocks/1", "").await;
    let tag = |head: &str| head.split("etag: ").nth(1).map(|tag| tag[..34].to_owned());
    assert_ne!(tag(&before), tag(&after));
}

#[actix_web::test]
async fn moments_are_written_as_rfc_3339() {
    let served = Served::peer().await;
    let block: Value = read(&served, "GET /blocks/1", Value::Null).await;
    for moment in [&block["timestamp"], &block["tip"]["timestamp"]] {
        let moment = moment.as_str().unwrap();
        let time: crate::logging::Time = moment.parse().unwrap();
        assert_eq!(time.to_string(), moment);
        assert!(moment.ends_with('Z'), "{moment}");
    }
    let peers: Value = read(&served, "GET /peers", Value::Null).await;
    assert!(peers["peers"][0]["since"].is_string(), "{peers}");
    assert!(peers["peers"][3]["since"].is_null(), "{peers}");
    let typed: PeersView = serde_json::from_value(peers.clone()).unwrap();
    assert_eq!(serde_json::to_value(typed).unwrap(), peers);
}

#[actix_web::test]
async fn an_export_is_the_whole_chain_from_one_snapshot() {
    let served = Served::peer().await;
    let (status, text) = ask(&served, "GET /chain/export", &Value::Null).await;
    assert_eq!(status, 200, "{text}");
    let entries: Vec<_> = Reader::new(text.as_bytes()).map(Result::unwrap).collect();
    assert_eq!(entries.len(), 5);
    assert!(matches!(
        entries[4],
        Entry::End(EndEntry {
            transactions: 3,
            ..
        })
    ));
    let disk = MemoryDisk::new();
    let clock = crate::owner::testing::FixedClock;
    let imported = import(
        &disk,
        &crate::apps::built_in(),
        entries.into_iter().map(Ok),
        &clock,
        |_| (),
    )
    .unwrap();
    assert_eq!(imported.added, 2);
}

#[actix_web::test]
async fn a_proof_is_made_for_blocks_and_transactions() {
    let served = Served::peer().await;
    let chain: ChainView = read(&served, "GET /chain", Value::Null).await;
    let mined = served.mined.to_string();
    for (id, transaction) in [
        ("0", None),
        ("1", None),
        (mined.as_str(), Some(served.mined)),
    ] {
        let path = format!("GET /proofs/{id}?tail=1");
        let proof: ProofJson = read(&served, &path, Value::Null).await;
        let shown = Proof::try_from(proof).unwrap().check().unwrap();
        assert_eq!(shown.transaction, transaction);
        assert_eq!(shown.satisfies(&Trust::Header(chain.tip.id)), Ok(()));
    }
    let path = format!("GET /proofs/{mined}?until=1");
    let proof: ProofJson = read(&served, &path, Value::Null).await;
    assert!(proof.tail.is_empty());
    let open = served.open.to_string();
    for (path, status) in [
        (format!("/proofs/{open}"), 404),
        (format!("/proofs/{}", "ab".repeat(32)), 404),
        ("/proofs/9".to_owned(), 404),
        ("/proofs/x".to_owned(), 400),
        ("/proofs/2?until=1".to_owned(), 400),
        ("/proofs/1?tail=0".to_owned(), 400),
        ("/proofs/1?tail=1001".to_owned(), 400),
        ("/proofs/1?until=9".to_owned(), 404),
        ("/proofs/1?unto=2".to_owned(), 400),
    ] {
        let (is, _, reason) = refused(&served, &format!("GET {path}"), Value::Null).await;
        assert_eq!(is, status, "{path}: {reason}");
    }
}
