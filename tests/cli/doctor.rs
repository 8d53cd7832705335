//! `node doctor`, of nodes that are well and of some that are not.

use super::commands::{command, json};
use super::run;
use crate::support::{Lab, Node, free_address, so, wait_until};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What the doctor says of one thing: verdict and what was found.
fn said(report: &Value, what: &str) -> Option<(String, String)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let mut named = findings.filter(|one| one["what"] == what);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    named
        .next()
        .map(|one| (text(&one["verdict"]), text(&one["found"])))
}

#[test]
fn cli_doctor_finds_a_node_that_runs_well() {
    let lab = Lab::start();
    let [alice, _bob] = lab.peers(["alice", "bob"]);
    alice.mine_blocks(1);
    wait_until("the tracker has dialled alice back", || {
        let report = json(&alice, &["--json", "doctor"]);
        let found = said(&report, "dialled back");
        so(
            found
                .as_ref()
                .is_some_and(|(verdict, _)| verdict == "right"),
            format!("{found:?}"),
        )
    });
    let report = json(&alice, &["--json", "doctor"]);
    assert_eq!(report["well"], true, "{report}");
    for what in [
        "settings",
        "wallet",
        "disk room",
        "tracker",
        "peers",
        "clock",
        "open files",
    ] {
        let (verdict, _) = said(&report, what).unwrap_or_else(|| panic!("{what}: {report}"));
        assert_ne!(verdict, "trouble", "{what}: {report}");
    }
    assert_eq!(said(&report, "backup").unwrap().0, "note");
    command(&lab.tracker, &["doctor"]).succeeds();
}

#[test]
fn cli_doctor_says_what_to_do_about_a_node_that_does_not_start() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let doctor = |at: &Path| {
        let ran = run(at, &["--json", "doctor"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        serde_json::from_str::<Value>(ran.out.lines().next().unwrap()).unwrap()
    };
    let file = at.join("peer.toml");
    fs::write(&file, "role = \"peer\"\nnmae = \"ann\"\n").unwrap();
    let report = doctor(at);
    assert_eq!(said(&report, "settings").unwrap().0, "trouble", "{report}");

    let (taken, tracker) = (TcpListener::bind("127.0.0.1:0").unwrap(), free_address());
    let listen = taken.local_addr().unwrap();
    let text = format!(
        "role = \"peer\"\nname = \"ann\"\nlisten = \"{listen}\"\ntrackers = [\"{tracker}\"]\n"
    );
    fs::write(&file, &text).unwrap();
    run(at, &["wallet", "new"]).succeeds();
    let wallet = at.join("ann-data/key.pem");
    fs::set_permissions(&wallet, fs::Permissions::from_mode(0o644)).unwrap();
    let report = doctor(at);
    for what in ["port", "tracker", "wallet"] {
        let (verdict, found) = said(&report, what).unwrap_or_else(|| panic!("{what}: {report}"));
        assert_eq!(verdict, "trouble", "{what}: {found}");
    }
    let table = run(at, &["doctor"]);
    table.fails(1, &["3 things need you"]);
    // A file is where its data directory should be.
    fs::rename(at.join("ann-data"), at.join("kept")).unwrap();
    fs::write(at.join("ann-data"), "").unwrap();
    let report = doctor(at);
    let (verdict, found) = said(&report, "data directory").unwrap();
    assert_eq!(verdict, "trouble", "{found}");
    assert!(remedy(&report, "data directory").contains("data_dir"));
    // There is no wallet, and none is to be made.
    fs::remove_file(at.join("ann-data")).unwrap();
    fs::write(&file, text + "[wallet]\ncreate = \"on-command\"\n").unwrap();
    let report = doctor(at);
    assert_eq!(said(&report, "wallet").unwrap().0, "trouble", "{report}");
    assert!(remedy(&report, "wallet").contains("`node wallet new`"));
}

/// The remedy for one thing.
fn remedy(report: &Value, what: &str) -> String {
    let mut findings = report["findings"].as_array().unwrap().iter();
    let found = findings.find(|one| one["what"] == what);
    let remedy = found.and_then(|one| one["remedy"].as_str());
    remedy
        .unwrap_or_else(|| panic!("{what}: {report}"))
        .to_owned()
}

#[test]
fn cli_doctor_says_of_a_node_that_waits_for_its_wallet_what_it_waits_for() {
    let lab = Lab::start();
    let mut alice = lab.prepare_peer_with("alice", "[wallet]\ncreate = \"on-command\"\n");
    alice.start();
    let look = |alice: &Node| {
        let ran = command(alice, &["--json", "doctor"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        serde_json::from_str::<Value>(ran.out.lines().next().unwrap()).unwrap()
    };
    let report = look(&alice);
    let (verdict, found) = said(&report, "node").unwrap();
    assert!(
        verdict == "trouble" && found.contains("it has no wallet"),
        "{report}"
    );
    assert!(
        remedy(&report, "node").contains("`node wallet restore`"),
        "{report}"
    );
    assert!(!found.contains("makes no sense"), "{report}");
}

/// Everything that can be set right on this machine is, by doing what the doctor says.
#[test]
fn cli_doctor_is_content_once_its_remedies_were_taken() {
    let mut lab = Lab::start();
    let mut alice = lab.peer("alice");
    alice.mine();
    alice.stop();
    let look = |alice: &Node| {
        let ran = command(alice, &["--json", "doctor"]);
        serde_json::from_str::<Value>(ran.out.lines().next().unwrap()).unwrap()
    };
    let verdict = |alice: &Node, what: &str| {
        let report = look(alice);
        said(&report, what)
            .unwrap_or_else(|| panic!("{what}: {report}"))
            .0
    };
    // At rest, all is well but for what only a running node can say.
    for what in [
        "wallet",
        "database",
        "port",
        "tracker",
        "tracker key",
        "network",
        "clock",
    ] {
        assert_eq!(verdict(&alice, what), "right", "{what}");
    }

    fs::set_permissions(&alice.data_dir, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(verdict(&alice, "data directory"), "note");
    let chmod = remedy(&look(&alice), "data directory");
    let status = std::process::Command::new("sh")
        .args(["-c", &chmod])
        .status();
    assert!(status.unwrap().success(), "{chmod}");
    assert_eq!(verdict(&alice, "data directory"), "right");

    let wallet = alice.data_dir.join("key.pem");
    fs::set_permissions(&wallet, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(verdict(&alice, "wallet"), "trouble");
    let (_, found) = said(&look(&alice), "wallet").unwrap();
    assert!(found.contains("chmod 600"), "{found}");
    fs::set_permissions(&wallet, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(verdict(&alice, "wallet"), "right");

    let taken = TcpListener::bind(alice.listen).unwrap();
    assert_eq!(verdict(&alice, "port"), "trouble");
    assert!(remedy(&look(&alice), "port").contains("\"listen\""));
    drop(taken);
    assert_eq!(verdict(&alice, "port"), "right");

    lab.tracker.stop();
    assert_eq!(verdict(&alice, "tracker"), "trouble");
    assert!(remedy(&look(&alice), "tracker").contains("see that it runs"));
    // Somebody stands in for it, whose key is not the one in the chain.
    let own = lab.tracker.data_dir.join("key.pem");
    let kept = lab.directory().join("kept");
    fs::rename(&lab.tracker.data_dir, &kept).unwrap();
    lab.tracker.start();
    let report = look(&alice);
    assert_eq!(said(&report, "tracker key").unwrap().0, "trouble");
    assert!(remedy(&report, "tracker key").contains("`node wallet restore`"));
    lab.tracker.stop();
    fs::remove_dir_all(&lab.tracker.data_dir).unwrap();
    fs::rename(&kept, &lab.tracker.data_dir).unwrap();
    assert!(own.exists());
    lab.tracker.start();
    assert_eq!(verdict(&alice, "tracker key"), "right");

    assert_eq!(verdict(&alice, "backup"), "note");
    assert!(remedy(&look(&alice), "backup").contains("`node backup DIR`"));
    let dir = lab.directory().join("backup");
    let dir = dir.to_str().unwrap();
    command(&alice, &["backup", dir]).succeeds();
    assert_eq!(verdict(&alice, "backup"), "right");
    // Its disk is not there, and is again; and a week goes by.
    let away = lab.directory().join("away");
    fs::rename(dir, &away).unwrap();
    assert_eq!(verdict(&alice, "backup"), "note");
    let (_, found) = said(&look(&alice), "backup").unwrap();
    assert!(found.contains("which is gone"), "{found}");
    fs::rename(&away, dir).unwrap();
    assert_eq!(verdict(&alice, "backup"), "right");
    let noted = alice.data_dir.join("last-backup.json");
    let made = fs::read_to_string(&noted).unwrap();
    let mut old: Value = serde_json::from_str(&made).unwrap();
    old["made_at_ms"] = (old["made_at_ms"].as_u64().unwrap() - 8 * 24 * 3_600_000).into();
    fs::write(&noted, old.to_string()).unwrap();
    assert_eq!(verdict(&alice, "backup"), "note");
    let (_, found) = said(&look(&alice), "backup").unwrap();
    assert!(found.starts_with("8 days old"), "{found}");
    fs::write(&noted, made).unwrap();

    let database = alice.data_dir.join("db");
    fs::write(database.join("CURRENT"), "nonsense").unwrap();
    assert_eq!(verdict(&alice, "database"), "trouble");
    assert!(remedy(&look(&alice), "database").contains("`node restore DIR`"));
    fs::rename(&database, lab.directory().join("damaged")).unwrap();
    command(&alice, &["restore", dir]).succeeds();
    assert_eq!(verdict(&alice, "database"), "right");

    // It does not run, and the doctor says so and how to start it; running, it is alone, and bob's coming helps.
    assert!(remedy(&look(&alice), "node").contains("`node`"));
    alice.start().joins();
    assert_eq!(verdict(&alice, "node"), "right");
    assert_eq!(verdict(&alice, "peers"), "trouble");
    let bob = lab.peer("bob");
    alice.has_sessions(1);
    assert_eq!(verdict(&alice, "peers"), "right");
    assert_eq!(verdict(&bob, "versions"), "right");
    command(&alice, &["disconnect"]).succeeds();
    alice.has_sessions(0);
    assert_eq!(verdict(&alice, "peers"), "trouble");
    assert!(remedy(&look(&alice), "peers").contains("`node connect`"));
}
