//! Many transfers by one call.

use super::*;
use crate::http::MAX_BATCH_BYTES;
use crate::owner::answers::SentManyView;
use crate::owner::{Code, MAX_TRANSFERS};

#[actix_web::test]
async fn many_transfers_are_judged_one_by_one_and_none_takes_another_back() {
    let served = Served::peer().await;
    let good = json!({"to": "bob", "amount": "3"});
    let transfers = [
        good.clone(),
        json!({"to": "nobody", "amount": "3"}),
        good.clone(),
        json!({"to": "alice", "amount": "3"}),
        json!({"to": "bob", "amount": "1000000"}),
        good.clone(),
    ];
    let request = json!({"transfers": transfers});
    let answer: SentManyView = read(&served, "POST /transactions/batch", request).await;
    let sent: Vec<_> = answer.sent.iter().map(|one| one.line).collect();
    assert_eq!(sent, [1, 3, 6]);
    let refused: Vec<_> = answer
        .refused
        .iter()
        .map(|one| (one.line, one.code))
        .collect();
    let why = [
        (2, Code::UnknownMember),
        (4, Code::ToSelf),
        (5, Code::InsufficientFunds),
    ];
    assert_eq!(refused, why);
    let last = served.last_sent().unwrap().transaction;
    assert_eq!(answer.sent[2].id, last.transaction().id());

    let path = "POST /transactions/batch";
    let bad = || (400, "bad_parameter".to_owned());
    for count in [0, MAX_TRANSFERS + 1] {
        let request = json!({"transfers": vec![&good; count]});
        assert_eq!(refused_with(&served, path, request).await, bad());
    }
    let long = json!({"to": "x".repeat(MAX_BATCH_BYTES), "amount": "1"});
    let request = json!({"transfers": [long]});
    assert_eq!(
        refused_with(&served, path, request).await,
        (400, "bad_body".to_owned())
    );
    let longer_than_others = vec![&good; MAX_TRANSFERS];
    let request = json!({"transfers": longer_than_others});
    let answer: SentManyView = read(&served, path, request).await;
    assert_eq!(answer.sent.len() + answer.refused.len(), MAX_TRANSFERS);
}

async fn refused_with(served: &Served, path: &str, request: Value) -> (u16, String) {
    let (status, code, _) = refused(served, path, request).await;
    (status, code)
}
