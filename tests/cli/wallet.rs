//! `node wallet`, and nodes that wait for theirs.

use super::{Ran, run};
use crate::support::{Lab, Node, node, secret_in, so, wait_until};
use raclette::owner::answers::{StatusView, WaitingView};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

/// What locks the wallets of these tests.
pub const PASSPHRASE: &str = "eight mountains";

/// Puts a passphrase where settings can name it.
pub fn passphrase_file(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// The same node's settings in another file, with more lines.
pub fn other_settings(node: &Node, name: &str, lines: &str) -> String {
    let path = node.config.with_file_name(name);
    let text = fs::read_to_string(&node.config).unwrap();
    // The name is what the data directory is called after, so both have the same.
    fs::write(&path, format!("{text}\n{lines}")).unwrap();
    path.display().to_string()
}

/// A command on these settings, with a text on standard input.
pub fn typed(config: &str, arguments: &[&str], input: &str) -> Ran {
    let all = [&["--config", config], arguments].concat();
    let mut command = node(all.iter().map(OsStr::new));
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A command that does not read it has ended by then.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::from(child.wait_with_output().unwrap())
}

pub fn wallet(config: &str, arguments: &[&str]) -> Ran {
    typed(config, &[&["wallet"], arguments].concat(), "")
}

/// A fact that is shown.
fn fact(ran: &Ran, name: &str) -> String {
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    match &value[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn cli_a_wallet_is_made_shown_and_brought_back_from_its_words() {
    let lab = Lab::prepare("");
    let alice = lab.prepare_peer("alice");
    let config = alice.config.to_str().unwrap();
    wallet(config, &["show"]).fails(1, &["no wallet", "wallet new", "wallet restore"]);
    let made = wallet(config, &["new", "--json"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let (file, address) = (fact(&made, "file"), fact(&made, "address"));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fact(&made, "locked"), "false");
    assert_eq!(
        secret_in(Path::new(&file)).public_key().to_address(),
        address
    );
    wallet(config, &["new"]).fails(1, &["exists", &file]);
    wallet(config, &["restore"]).fails(1, &["exists", &file]);
    let shown = wallet(config, &["address"]);
    assert_eq!(shown.out.trim(), address);

    wallet(config, &["words"]).fails(2, &["--reveal"]);
    let words = wallet(config, &["words", "--reveal"]);
    assert!(words.err.contains("Whoever reads these words"), "{words:?}");
    let kept = format!("{file}.kept");
    fs::rename(&file, &kept).unwrap();
    let mistyped = words.out.replacen("24 ", "24 x", 1);
    typed(config, &["wallet", "restore"], &mistyped).fails(1, &["word 24"]);
    typed(config, &["wallet", "restore"], "legal winner").fails(1, &["2 words", "24"]);
    assert!(!Path::new(&file).exists());
    let back = typed(config, &["wallet", "restore", "--json"], &words.out);
    assert_eq!(fact(&back, "address"), address);
    assert_eq!(fs::read(&file).unwrap(), fs::read(&kept).unwrap());
    fs::rename(kept, alice.data_dir.join("second.pem")).unwrap();
    let shown = wallet(config, &["show", "--json"]);
    assert!(fact(&shown, "others").contains("second.pem"), "{shown:?}");
}

#[test]
fn cli_a_wallet_is_locked_and_unlocked_by_a_passphrase() {
    let lab = Lab::prepare("");
    let alice = lab.prepare_peer("alice");
    let plain = alice.config.to_str().unwrap();
    let secret = passphrase_file(lab.directory(), "passphrase", PASSPHRASE);
    let lines = format!("[wallet]\npassphrase_file = \"{secret}\"\n");
    let config = &other_settings(&alice, "alice-locked.toml", &lines);
    let made = wallet(plain, &["new", "--json"]);
    let (file, address) = (fact(&made, "file"), fact(&made, "address"));
    let open = fs::read_to_string(&file).unwrap();
    wallet(plain, &["lock"]).fails(2, &["passphrase_file"]);

    let locked = wallet(config, &["lock", "--json"]);
    assert_eq!(fact(&locked, "locked"), "true", "{locked:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("ENCRYPTED") && !text.contains(open.lines().nth(1).unwrap()));
    wallet(config, &["lock"]).fails(1, &["locked already"]);
    // Whose it is, is no secret.
    assert_eq!(wallet(plain, &["address"]).out.trim(), address);
    wallet(plain, &["words", "--reveal"]).fails(2, &["passphrase_file"]);
    wallet(plain, &["unlock", "--yes"]).fails(2, &["passphrase_file"]);

    let wrong = passphrase_file(lab.directory(), "passphrase", "eight hills");
    wallet(config, &["unlock", "--yes"]).fails(1, &["passphrase is wrong"]);
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o644)).unwrap();
    wallet(config, &["unlock", "--yes"]).fails(1, &["chmod 600", &wrong]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    passphrase_file(lab.directory(), "passphrase", PASSPHRASE);
    let words = wallet(config, &["words", "--reveal"]);
    assert_eq!(words.out.split_whitespace().count(), 48, "{words:?}");
    let unlocked = wallet(config, &["unlock", "--yes", "--json"]);
    assert_eq!(fact(&unlocked, "locked"), "false", "{unlocked:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), open);
    wallet(config, &["unlock", "--yes"]).fails(1, &["not locked"]);

    // Too short to keep anybody out, and nothing is changed.
    passphrase_file(lab.directory(), "passphrase", "seven77");
    wallet(config, &["lock"]).fails(1, &["fewer than 8"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), open);
}

/// What a node that waits answers.
fn waits(node: &Node) -> WaitingView {
    match node.try_get("/status").unwrap() {
        StatusView::<Value>::Waiting(waiting) => waiting,
        StatusView::Running(status) => panic!("it runs: {status}"),
    }
}

#[test]
fn cli_a_node_without_a_wallet_waits_until_it_is_given_one() {
    let lab = Lab::start();
    let mut alice = lab.prepare_peer_with("alice", "[wallet]\ncreate = \"on-command\"\n");
    alice.start();
    let waiting = waits(&alice);
    assert!(waiting.waiting.contains("wallet new"), "{waiting:?}");
    let config = alice.config.to_str().unwrap().to_owned();
    let status = run(lab.directory(), &["--config", &config, "status"]);
    assert!(status.out.contains("wallet new"), "{status:?}");
    run(lab.directory(), &["--config", &config, "mine"]).fails(1, &["no wallet"]);
    let unknown: Result<Value, _> = alice.try_get("/balance");
    assert_eq!(unknown.unwrap_err().error.code, "no_wallet");
    let none: Result<Value, _> = alice.try_post("/wallet", json!({"order": "load"}));
    assert_eq!(none.unwrap_err().error.code, "no_wallet_file");
    let short = json!({"order": "create", "passphrase": "short"});
    let refused: Result<Value, _> = alice.try_post("/wallet", short);
    assert_eq!(refused.unwrap_err().error.code, "unfit_passphrase");

    let made = wallet(&config, &["new"]);
    assert!(made.out.contains("The node runs now"), "{made:?}");
    alice.joins();
    let file = alice.data_dir.join("key.pem");
    let address = secret_in(&file).public_key().to_address();
    assert_eq!(alice.status().address, address);
    wallet(&config, &["load"]).fails(1, &["has its wallet"]);
    // From now on it does not wait.
    alice.stop();
    alice.start().joins();

    // A node that waits can be told to stop, and a program can do without the command.
    let mut bob = lab.prepare_peer_with("bob", "[wallet]\ncreate = \"on-command\"\n");
    bob.start();
    assert!(bob.stop().success(), "{}", bob.output());
    bob.start();
    let opened: Value = bob.try_post("/wallet", json!({"order": "create"})).unwrap();
    wait_until("bob runs", || match bob.try_get("/status") {
        Ok(StatusView::<Value>::Running(status)) => so(
            status["address"] == opened["address"],
            "another wallet's address",
        ),
        other => Err(format!("{:?}", other.map(|_| ()))),
    });
    bob.joins();
}

#[test]
fn cli_a_node_with_a_locked_wallet_waits_for_the_passphrase() {
    let mut lab = Lab::start();
    let mut alice = lab.prepare_peer("alice");
    let secret = passphrase_file(lab.directory(), "passphrase", PASSPHRASE);
    let lines = format!("[wallet]\npassphrase_file = \"{secret}\"\n");
    let config = &other_settings(&alice, "alice-locked.toml", &lines);
    let made = wallet(config, &["new", "--json"]);
    assert_eq!(fact(&made, "locked"), "true", "{made:?}");
    alice.start();
    let waiting = waits(&alice);
    assert!(waiting.locked && waiting.waiting.contains("wallet load"));
    for (passphrase, code) in [
        (Value::Null, "locked"),
        (json!("eight hills"), "not_unlocked"),
    ] {
        let order = json!({"order": "load", "passphrase": passphrase});
        let refused: Result<Value, _> = alice.try_post("/wallet", order);
        assert_eq!(refused.unwrap_err().error.code, code);
    }
    let create: Result<Value, _> = alice.try_post("/wallet", json!({"order": "create"}));
    assert_eq!(create.unwrap_err().error.code, "wallet_exists");
    assert!(waits(&alice).locked);
    let loaded = wallet(config, &["load"]);
    assert!(loaded.out.contains("The node runs now"), "{loaded:?}");
    alice.joins();
    assert_eq!(alice.status().address, fact(&made, "address"));

    // A wallet that is made at a start is locked as well, where a passphrase is there.
    let mut carol = lab.prepare_peer_with("carol", &lines);
    carol.start().joins();
    let made = wallet(carol.config.to_str().unwrap(), &["show", "--json"]);
    assert_eq!(fact(&made, "locked"), "true", "{made:?}");

    // With the file in its settings it asks nobody; so does a tracker.
    alice.stop();
    fs::copy(config, &alice.config).unwrap();
    alice.start().joins();
    let tracker = lab.tracker.config.to_str().unwrap().to_owned();
    let key = lab.tracker.tracker_status().address;
    lab.tracker.stop();
    let locking = other_settings(&lab.tracker, "tracker-locked.toml", &lines);
    let locked = wallet(&locking, &["lock", "--json"]);
    assert_eq!(fact(&locked, "address"), key, "{locked:?}");
    lab.tracker.start();
    assert!(waits(&lab.tracker).locked);
    lab.tracker.stop();
    fs::copy(locking, tracker).unwrap();
    lab.tracker.start();
    assert_eq!(lab.tracker.tracker_status().address, key);
}

/// The secret of a wallet that is unlocked stands, until it gets its name, in a file beside it: `kill -9` between the
/// two leaves it there, open, until the next command or start looks.
#[test]
fn cli_a_kill_between_write_and_rename_leaves_no_open_secret_beside_the_wallet() {
    const LEFT: usize = 3;
    const TRIES: usize = 200;
    let lab = Lab::prepare("");
    let alice = lab.prepare_peer("alice");
    let secret = passphrase_file(lab.directory(), "passphrase", PASSPHRASE);
    let lines = format!("[wallet]\npassphrase_file = \"{secret}\"\n");
    let config = &other_settings(&alice, "alice-locked.toml", &lines);
    let made = wallet(config, &["new", "--json"]);
    let (file, address) = (fact(&made, "file"), fact(&made, "address"));
    let beside = || {
        let entries = fs::read_dir(Path::new(&file).parent().unwrap()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".new")).collect();
        names.sort();
        names
    };
    let mut left = 0;
    for number in 0..TRIES {
        if left == LEFT {
            break;
        }
        if !wallet(config, &["show", "--json"])
            .out
            .contains("\"locked\":true")
        {
            wallet(config, &["lock"]).succeeds();
        }
        let words = ["--config", config, "wallet", "unlock", "--yes"];
        let mut child = node(words.iter().map(OsStr::new))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            if !beside().is_empty() {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
        if beside().is_empty() {
            continue;
        }
        left += 1;
        // Whoever uses the wallet next removes it, a command as well as a node that starts.
        let next = match number % 2 {
            0 => wallet(config, &["address"]),
            _ => wallet(config, &["show"]),
        };
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!(beside(), Vec::<String>::new());
        assert_eq!(wallet(config, &["address"]).out.trim(), address);
    }
    assert_eq!(left, LEFT, "kills that came between");
}
