//! What a node wrote down, and its settings; and members in lists that are narrowed down.

use super::*;
use crate::owner::answers::{LogView, SettingsView};

#[actix_web::test]
async fn the_log_is_told_by_level_part_and_value_and_goes_on_behind_a_cursor() {
    for served in [Served::peer().await, Served::tracker().await] {
        let none: LogView = read(&served, "GET /log", Value::Null).await;
        assert_eq!((none.lines.len(), none.next), (0, None));
        let logs = served.data_dir().join("logs");
        std::fs::create_dir_all(&logs).unwrap();
        let line = |number: usize| {
            let (level, actor) = match number % 2 {
                0 => ("INFO", "ledger::blocks"),
                _ => ("DEBUG", "gossip"),
            };
            format!(
                "{{\"time\":\"2026-11-20T21:43:02.123Z\",\"level\":\"{level}\",\"actor\":\"{actor}\",\
                 \"event\":\"event {number}\",\"block\":\"00{number:04}\",\"height\":{number}}}\n"
            )
        };
        let text: String = (0..10).map(line).collect();
        std::fs::write(logs.join("node.jsonl"), text).unwrap();
        let ask = async |query: &str| -> (Vec<String>, Option<String>) {
            let told: LogView = read(&served, &format!("GET /log?{query}"), Value::Null).await;
            let events = told.lines.into_iter().map(|line| line.event);
            (events.collect(), told.next.map(|next| next.0))
        };
        let (first, next) = ask("limit=4").await;
        assert_eq!(first, ["event 9", "event 8", "event 7", "event 6"]);
        let (second, next) = ask(&format!("limit=4&after={}", next.unwrap())).await;
        assert_eq!(second, ["event 5", "event 4", "event 3", "event 2"]);
        let (third, next) = ask(&format!("limit=4&after={}", next.unwrap())).await;
        assert_eq!((third.len(), next), (2, None));
        assert_eq!(ask("level=info").await.0.len(), 5);
        assert_eq!(ask("actor=ledger").await.0.len(), 5);
        assert_eq!(ask("about=000007").await.0, ["event 7"]);
        let told: LogView = read(&served, "GET /log?about=000007", Value::Null).await;
        assert_eq!(told.lines[0].fields["height"], 7);
        for (query, code) in [
            ("level=all", "bad_parameter"),
            ("level=INFO", "bad_parameter"),
            ("limit=1001", "bad_parameter"),
            ("after=7", "bad_cursor"),
        ] {
            let (_, said, _) = refused(&served, &format!("GET /log?{query}"), Value::Null).await;
            assert_eq!(said, code, "{query}");
        }
    }
}

#[actix_web::test]
async fn settings_are_told_with_where_they_come_from_and_no_passphrase() {
    use crate::settings::{Origin, Setting};
    let mut told = Vec::new();
    for (key, value, origin) in [
        ("api.listen", json!("127.0.0.1:0"), Origin::File { line: 7 }),
        (
            "wallet.passphrase_file",
            json!("/secret/place"),
            Origin::Default,
        ),
        (
            "log.level",
            json!("info"),
            Origin::Variable {
                name: "NODE_LOG_LEVEL".into(),
            },
        ),
    ] {
        told.push(Setting {
            key: key.into(),
            value,
            origin,
        });
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("one"), [0; 10]).unwrap();
    let backups = crate::owner::BackupPlace {
        dir: "/elsewhere".into(),
        role: crate::store::Role::Peer,
        reached_at: Vec::new(),
        disk: std::sync::Weak::<MemoryDisk>::new(),
        clock: std::sync::Arc::new(crate::clock::SystemClock),
    };
    let place = crate::owner::NodePlace::new(dir.path(), told, Default::default(), backups);
    let view = place.settings().await.unwrap();
    assert_eq!((view.bytes_on_disk, view.last_backup), (10, None));
    let said = serde_json::to_value(&view.settings).unwrap();
    assert_eq!(
        said,
        json!([
            {"key": "api.listen", "value": "\"127.0.0.1:0\"", "from": "file", "line": 7, "variable": null},
            {"key": "wallet.passphrase_file", "value": "set, and not shown", "from": "default", "line": null, "variable": null},
            {"key": "log.level", "value": "\"info\"", "from": "variable", "line": null, "variable": "NODE_LOG_LEVEL"},
        ])
    );
    let served = Served::peer().await;
    let view: SettingsView = read(&served, "GET /settings", Value::Null).await;
    assert_eq!(view.data_dir, served.data_dir().display().to_string());
}

#[actix_web::test]
async fn members_are_found_by_a_part_of_their_name_and_by_who_is_here() {
    let carol = secret(3).public_key().to_address();
    for (served, others) in [(Served::peer().await, 1), (Served::tracker().await, 0)] {
        let found = async |query: &str| -> Vec<String> {
            let path = format!("GET /peers?{query}");
            let told: PeersView = read(&served, &path, Value::Null).await;
            let name =
                |peer: crate::owner::answers::PeerView| peer.name.map(|name| name.to_string());
            told.peers.into_iter().filter_map(name).collect()
        };
        assert_eq!(found("matching=O").await, ["bob", "carol"]);
        assert_eq!(found("matching=aro").await, ["carol"]);
        assert_eq!(
            found(&format!("matching={}", &carol[..20])).await,
            ["carol"]
        );
        assert_eq!(found("matching=nobody").await, [""; 0]);
        assert_eq!(found("here=true").await, ["alice", "bob", "carol"]);
        assert_eq!(found("here=false").await, [""; 0]);
        let all: PeersView = read(&served, "GET /peers?here=true", Value::Null).await;
        assert_eq!(all.peers.len(), 3 + others);
        // A cursor goes on among those that were asked for.
        let first: PeersView = read(&served, "GET /peers?matching=o&limit=1", Value::Null).await;
        let next = first.next.unwrap().0;
        assert_eq!(
            found(&format!("matching=o&limit=1&after={next}")).await,
            ["carol"]
        );
        let (status, code, _) = refused(&served, "GET /peers?here=yes", Value::Null).await;
        assert_eq!((status, code.as_str()), (400, "bad_parameter"));
    }
}
