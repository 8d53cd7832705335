//! `node doctor`, of nodes that are well and of some that are not.

use super::commands::{command, json};
use super::run;
use crate::support::{Lab, free_address, so, wait_until};
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
    fs::write(&file, text).unwrap();
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
}
