//! Settings files and data directories of the formats that are kept: `tests/frozen/`, whose README says where they
//! come from. Each is copied, started, and found to hold what it held.

use crate::support::{Lab, Node, free_address, node, so, wait_until};
use raclette::canonical;
use raclette::owner::answers::{BallotsView, BodyView, LedgerMembersView, OpenedView, RecordsView};
use raclette::protocol::delivery::rows::SendState;
use raclette::store::{Disk, OpenOptions, RocksDisk, Role, RowChange, SCHEMA_VERSION, Table};
use raclette::wire::version::{PROTOCOL_DRAFT, PROTOCOL_VERSION};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of one kept version at most: the repository keeps all of them for ever.
const MAX_BYTES: u64 = 300_000;

/// The two nodes that are kept: whose settings they have, and what is set otherwise in them.
const TRACKER: (&str, &[(&str, &str)]) = (
    "tracker",
    &[
        ("block_interval_ms = 5_000", "block_interval_ms = 100"),
        ("start_work = 4_194_304", "start_work = 64"),
        ("admission = \"invite\"", "admission = \"open\""),
    ],
);
const PEER: (&str, &[(&str, &str)]) = ("peer", &[]);

/// What a data directory is found to hold.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    height: u64,
    tip: String,
    balances: BTreeMap<String, u64>,
    members: Vec<String>,
    inbox: Vec<String>,
    sends: BTreeMap<String, SendState>,
    open: Vec<String>,
    records: Vec<String>,
    question: String,
    votes: BTreeMap<String, u64>,
}

/// The directory of this program's formats. While they are a draft they change, and it is made anew; what is
/// frozen stays.
fn place() -> PathBuf {
    let version = match PROTOCOL_DRAFT {
        0 => format!("{PROTOCOL_VERSION}.0-schema-{SCHEMA_VERSION}"),
        draft => format!("{PROTOCOL_VERSION}-draft-{draft}-schema-{SCHEMA_VERSION}"),
    };
    frozen().join(version)
}

fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen")
}

fn kept_versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(frozen()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).collect()
}

fn held(node: &Node, sends: impl IntoIterator<Item = String>) -> Held {
    let (height, tip) = node.tip();
    let listed: LedgerMembersView = node.try_get("/ledger/members").unwrap();
    let listed = listed.members.iter();
    let mut members: Vec<_> = listed.map(|one| one.name.to_string()).collect();
    members.sort();
    let records: RecordsView = node.try_get("/records/minutes").unwrap();
    let text = |body: &BodyView| String::from_utf8(body.bytes().unwrap()).unwrap();
    let records = records.entries.iter();
    let sends = sends.into_iter().map(|id| {
        let state = node.sent(&id).state;
        (id, state)
    });
    let ballots: BallotsView = node.try_get("/ballots").unwrap();
    let ballot = &ballots.ballots[0];
    let votes = ballot.choices.iter();
    Held {
        height,
        tip,
        balances: BTreeMap::from(
            ["alice", "bob"].map(|name| (name.to_owned(), node.balance(name))),
        ),
        members,
        inbox: node.notes(),
        sends: sends.collect(),
        open: node.open(),
        records: records.map(|entry| text(&entry.record().body)).collect(),
        question: ballot.question.clone(),
        votes: votes.map(|one| (one.choice.clone(), one.votes)).collect(),
    }
}

fn tar(arguments: &[&str]) {
    let ran = Command::new("tar").args(arguments).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

/// The nodes of these settings files, which run on ports that are free here. Not started.
fn with_settings(peer: &str, tracker: &str) -> (Lab, Node) {
    let mut lab = Lab::prepare("");
    let at = lab.tracker.listen;
    let mut nodes = [("tracker", at, tracker), ("alice", free_address(), peer)].map(
        |(name, listen, settings)| {
            let mut node = lab.node(name, listen, settings);
            node.environment = vec![("RACLETTE_LISTEN", listen.to_string().into())];
            node
        },
    );
    let trackers = ("RACLETTE_TRACKERS", at.to_string().into());
    nodes[1].environment.push(trackers);
    let [tracker, peer] = nodes;
    lab.tracker = tracker;
    (lab, peer)
}

/// A copy of what is kept of a version: its tracker and its peer, not started.
fn copy(version: &Path) -> (Lab, Node) {
    let settings = |name| fs::read_to_string(version.join(format!("{name}.toml"))).unwrap();
    let (lab, alice) = with_settings(&settings("peer"), &settings("tracker"));
    for (node, name) in [(&lab.tracker, "tracker"), (&alice, "peer")] {
        fs::create_dir_all(&node.data_dir).unwrap();
        let archive = version.join(format!("{name}.tar.gz"));
        let to = node.data_dir.to_str().unwrap();
        tar(&["-xzf", archive.to_str().unwrap(), "-C", to]);
    }
    (lab, alice)
}

#[test]
fn restart_on_what_a_kept_version_wrote_finds_everything() {
    assert!(
        place().is_dir(),
        "the formats have changed, and {} is not there: see tests/frozen/README.md",
        place().display()
    );
    for version in kept_versions() {
        reads(&version);
    }
}

fn reads(version: &Path) {
    let files = fs::read_dir(version).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes in {}", version.display());
    let expected = fs::read_to_string(version.join("held.json")).unwrap();
    let expected: Held = serde_json::from_str(&expected).unwrap();
    let (mut lab, mut alice) = copy(version);
    // Before anybody could tell it anything.
    alice.start();
    wait_until("the chain is there", || {
        let status = alice.status();
        so(status.chain.is_some(), format!("{status:?}"))
    });
    let sends: Vec<_> = expected.sends.keys().cloned().collect();
    assert_eq!(held(&alice, sends), expected, "{}", version.display());
    alice.verify_chain();
    lab.tracker.start();
    alice.joins();
    let known = lab.tracker.tracker_status();
    assert_eq!(known.registered, 2, "{known:?}");
    alice.mine();
    assert_eq!(alice.height(), expected.height + 1);
    assert_eq!(alice.open(), Vec::<String>::new());
}

/// Of a newer program's directory as of an older one's, for which there are no steps, a node says which schema it has,
/// which one this program works with, and what to do; so does the doctor.
#[test]
fn restart_on_another_schema_is_refused_in_words() {
    for (found, advice) in [
        (SCHEMA_VERSION + 1, "newer program that wrote it"),
        (SCHEMA_VERSION - 1, "older program that wrote it"),
    ] {
        let (mut lab, mut alice) = copy(&place());
        for (node, role) in [(&mut lab.tracker, Role::Tracker), (&mut alice, Role::Peer)] {
            let database = node.data_dir.join("db");
            let set = |version: u32| {
                let disk = RocksDisk::open(&database, &OpenOptions::new(role));
                let row = canonical::encode(&version);
                let row = RowChange::put(Table::Meta, *b"schema_version", row);
                disk.unwrap().commit(&[row]).unwrap();
            };
            set(found);
            node.spawn();
            assert!(!node.wait().success());
            let said = node.output();
            for part in [
                format!("has schema version {found},"),
                format!("works with schema version {SCHEMA_VERSION};"),
                advice.to_owned(),
            ] {
                assert!(said.contains(&part), "{part:?} is missing in {said}");
            }
            let doctor = String::from_utf8(node.command(["--json", "doctor"]).stdout).unwrap();
            assert!(
                doctor.contains(&format!("has schema version {found},")),
                "{doctor}"
            );
        }
    }
}

fn writes(node: &Node, path: &str, body: serde_json::Value) {
    let done = node.try_post::<serde_json::Value>(path, body);
    done.unwrap_or_else(|refused| panic!("{path}: {refused}"));
}

/// Makes the directory of this program's formats: see `tests/frozen/README.md`.
#[test]
#[ignore = "writes into the repository"]
fn write_a_kept_version() {
    let place = place();
    assert!(!place.exists(), "{} is there", place.display());
    let nodes = [PEER, TRACKER].map(|(role, changes)| {
        let default = node(["config", "default", role].map(OsStr::new)).output();
        let settings = String::from_utf8(default.unwrap().stdout).unwrap();
        changes.iter().fold(settings, |settings, (from, to)| {
            assert!(settings.contains(from), "{from} is not in it");
            settings.replace(from, to)
        })
    });
    let [peer, tracker] = nodes;
    let (mut lab, mut alice) = with_settings(&peer, &tracker);
    lab.tracker.start();
    alice.start().joins();
    let mut bob = lab.peer("bob");
    alice.mine_blocks(2);
    alice.knows(&["bob"]);
    bob.knows(&["alice"]);
    // The first ballot has members write on the ledger that they are.
    let addresses = [&alice, &bob].map(|node| node.status().address);
    let opened: OpenedView = alice
        .try_post(
            "/ballots/open",
            json!({
                "question": "Where to?",
                "choices": ["Rome", "Bern"],
                "roll": {"keys": addresses},
                "closes": {"blocks": 100_000},
            }),
        )
        .unwrap();
    alice.mines_members(&["alice", "bob"]);
    bob.reaches(&alice.tip().1);
    writes(
        &bob,
        &format!("/ballots/{}/votes", opened.ballot),
        json!({"choices": ["Bern"]}),
    );
    let minutes = json!({"topic": "minutes", "body": {"text": "all were there"}});
    writes(&alice, "/records", minutes);
    let paid = alice.write("bob", 3, Some("for the cheese"));
    alice.has_receipt(&paid);
    let thanks = bob.write("alice", 0, Some("thank you"));
    bob.has_receipt(&thanks);
    alice.has_notes(&["thank you"]);
    wait_until("all of it is open at alice's", || {
        let open = alice.open();
        so(open.len() == 4, format!("{open:?}"))
    });
    alice.mine();
    bob.stop();
    let waiting = alice.write("bob", 1, Some("for later"));
    writes(
        &alice,
        "/records",
        json!({"topic": "minutes", "body": {"text": "not mined yet"}}),
    );
    fs::create_dir_all(&place).unwrap();
    let text = serde_json::to_string_pretty(&held(&alice, [paid, waiting])).unwrap();
    fs::write(place.join("held.json"), text + "\n").unwrap();
    alice.stop();
    lab.tracker.stop();
    for (node, name) in [(&lab.tracker, "tracker"), (&alice, "peer")] {
        let archive = place.join(format!("{name}.tar.gz"));
        let from = node.data_dir.to_str().unwrap();
        let archive = archive.to_str().unwrap();
        // Logs are not read back, and what RocksDB tells of itself is none of the data.
        let without = ["--exclude=./logs", "--exclude=./db/LOG*"];
        tar(&["-czf", archive, "-C", from, without[0], without[1], "."]);
        fs::copy(&node.config, place.join(format!("{name}.toml"))).unwrap();
    }
}
