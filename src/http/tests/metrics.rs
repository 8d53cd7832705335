//! What a node measures, and whether it is of use.

use super::*;
use crate::owner::answers::HealthView;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

fn documented() -> BTreeSet<String> {
    let rows = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `raclette_"));
    rows.map(|row| format!("raclette_{}", row.split('`').next().unwrap()))
        .collect()
}

/// The metrics in an answer by their whole names, each with its one value.
fn measured(text: &str) -> BTreeSet<String> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.split_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            // A label would stand here: there is none, so no member's key or name.
            assert!(!name.contains('{'), "{line}");
            name.to_owned()
        })
        .collect()
}

#[actix_web::test]
async fn what_is_measured_is_what_is_documented() {
    let mut found = BTreeSet::new();
    for served in [Served::peer().await, Served::tracker().await] {
        let (status, text) = ask(&served, "GET /metrics", &Value::Null).await;
        assert_eq!(status, 200, "{text}");
        found.extend(measured(&text));
    }
    assert_eq!(found, documented());
}

async fn without_token(served: &Served, path: &str) -> (u16, HealthView) {
    let (status, text) = ask_with(served, path, "", |f| format!("host: {}\r\n", f.address)).await;
    (status, serde_json::from_str(&text).expect(&text))
}

#[actix_web::test]
async fn health_is_told_without_a_token_and_metrics_are_not() {
    let waiting = Served::waiting_peer().await;
    assert_eq!(without_token(&waiting, "GET /healthy").await.0, 200);
    let (status, health) = without_token(&waiting, "GET /ready").await;
    assert_eq!((status, health.ready), (503, false));
    assert_eq!(health.because, ["no_network"]);
    let tracker = Served::tracker().await;
    let (status, health) = without_token(&tracker, "GET /ready").await;
    assert_eq!((status, health.ready), (200, true));
    let (status, _) = ask_with(&tracker, "GET /metrics", "", |f| {
        format!("host: {}\r\n", f.address)
    })
    .await;
    assert_eq!(status, 401);
    let foreign = |_: &ApiFile| "host: evil.example\r\n".to_owned();
    let (status, _) = ask_with(&tracker, "GET /ready", "", foreign).await;
    assert_eq!(status, 403);
}
