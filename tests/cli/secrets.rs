//! Nothing that a node writes, says or shows of itself has a secret in it.

use super::run;
use super::wallet::{other_settings, passphrase_file, wallet};
use crate::support::{Lab, Node};
use raclette::http::PATHS;
use raclette::keys::{Passphrase, SecretKey, Stored, WalletFile};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Contains nothing that stands anywhere else.
const PASSPHRASE: &str = "quartz-vinegar-sextant";
/// So do these.
const WRONG: [&str; 2] = ["walrus-umbrella-zephyr", "obelisk-mnemonic-9"];

/// Every form in which a secret could stand somewhere.
fn forms(secret: &SecretKey) -> Vec<(String, Vec<u8>)> {
    let root = root_of(secret);
    let mut forms = Vec::new();
    let derived = [
        ("root", root),
        (
            "signing seed",
            blake3::derive_key("raclette 2026-11 signing key", &root),
        ),
        (
            "sealing scalar",
            blake3::derive_key("raclette 2026-11 sealing key", &root),
        ),
    ];
    for (name, bytes) in derived {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let numbers: Vec<_> = bytes[..6].iter().map(u8::to_string).collect();
        forms.push((format!("{name}, raw"), bytes[..16].to_vec()));
        forms.push((format!("{name}, hex"), hex.as_bytes()[..32].to_vec()));
        forms.push((format!("{name}, HEX"), hex[..32].to_uppercase().into()));
        forms.push((format!("{name}, list"), numbers.join(", ").into()));
        forms.push((format!("{name}, json list"), numbers.join(",").into()));
        for start in 0..3 {
            let text = base64(&bytes[start..start + 24]);
            forms.push((format!("{name}, base64 from {start}"), text.into()));
        }
    }
    let words = secret.words();
    let words: Vec<_> = words.iter().collect();
    for part in words.chunks(3) {
        forms.push(("words".to_owned(), part.join(" ").into()));
        forms.push(("words, json".to_owned(), part.join("\",\"").into()));
    }
    for passphrase in [PASSPHRASE].into_iter().chain(WRONG) {
        forms.push((format!("passphrase {passphrase}"), passphrase.into()));
    }
    forms
}

/// The root, by way of its words: nothing else gives it away.
fn root_of(secret: &SecretKey) -> [u8; 32] {
    let mut bits = Vec::new();
    let list = bip39::Language::English;
    for word in secret.words().iter() {
        let index = list.find_word(word).unwrap();
        bits.extend((0..11).rev().map(|bit| index >> bit & 1 == 1));
    }
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    let bytes: Vec<u8> = bits[..256].chunks(8).map(byte).collect();
    bytes.try_into().unwrap()
}

/// Three bytes in four characters.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks_exact(3) {
        let number = three.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        for place in (0..4).rev() {
            text.push(char::from(DIGITS[number >> (6 * place) & 63]));
        }
    }
    text
}

fn found_in(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

/// Every file below a directory but wallets and what is called `passphrase`.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            files(&path, found);
        } else if !name.ends_with(".pem") && !name.starts_with("passphrase") {
            found.push(path);
        }
    }
}

/// The secret in a locked wallet.
fn unlocked(file: &Path) -> SecretKey {
    let passphrase = Passphrase::given(Zeroizing::new(PASSPHRASE.to_owned())).unwrap();
    match WalletFile::new(file).read().unwrap() {
        Stored::Locked(locked) => locked.unlock(&passphrase).unwrap(),
        Stored::Open(_) => panic!("it is open"),
    }
}

/// What all commands and paths answer, and what the system shows of the process.
fn everything_said(node: &Node, directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut said = Vec::new();
    let config = node.config.to_str().unwrap();
    for line in [
        "status",
        "peers",
        "balance",
        "open",
        "block 0",
        "chain show",
        "chain verify",
        "export",
        "wallet show",
        "wallet address",
        "wallet words",
        "wallet new",
        "wallet restore",
        "wallet lock",
        "wallet load",
        "send nobody 1",
    ] {
        for json in [&[][..], &["--json"]] {
            let words: Vec<_> = line.split(' ').chain(json.iter().copied()).collect();
            let ran = run(directory, &[&["--config", config], &words[..]].concat());
            said.push((format!("node {line}, out"), ran.out.into()));
            said.push((format!("node {line}, err"), ran.err.into()));
        }
    }
    // Whatever can be read; events go on for ever.
    let api = node.api().unwrap();
    let read = PATHS
        .iter()
        .filter(|line| line.method == "GET" && !line.path.ends_with("/events"));
    for line in read {
        let path = line
            .path
            .replace("{block}", "1")
            .replace("{topic}", "guest-book");
        let url = format!("http://{}{}", api.address, path.replace(['{', '}'], "0"));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let asked = ureq::Agent::from(agent)
            .get(&url)
            .header("authorization", format!("Bearer {}", api.token))
            .call();
        let answer = asked.unwrap().body_mut().read_to_string().unwrap();
        assert!(!answer.is_empty(), "{path}");
        said.push((format!("GET {path}"), answer.into()));
    }
    let pid = node.api().unwrap().pid;
    for what in ["cmdline", "environ"] {
        let bytes = fs::read(format!("/proc/{pid}/{what}")).unwrap();
        said.push((format!("/proc/{pid}/{what}"), bytes));
    }
    said
}

/// The private key is served over HTTP: lesson 14.
#[test]
fn attack_no_secret_is_ever_written_or_said() {
    let lab = Lab::start();
    let mut alice = lab.prepare_peer_with("alice", "[log]\nlevel = \"trace\"\n");
    let directory = lab.directory();
    let file = passphrase_file(directory, "passphrase", PASSPHRASE);
    let lines = format!("[wallet]\npassphrase_file = \"{file}\"\n");
    let config = other_settings(&alice, "alice-locked.toml", &lines);
    let made = wallet(&config, &["new"]);
    let mut said = vec![("node wallet new".to_owned(), made.out.into_bytes())];
    said.push(("node wallet new, err".to_owned(), made.err.into_bytes()));
    alice.start();
    // What is typed wrong is as secret as what is typed right.
    for wrong in WRONG {
        let order = json!({"order": "load", "passphrase": wrong});
        let refused: Result<Value, _> = alice.try_post("/wallet", order);
        said.push((
            "POST /wallet".to_owned(),
            format!("{:?}", refused.err()).into(),
        ));
        let nonsense = json!({"order": "lode", "passphrase": wrong});
        let refused: Result<Value, _> = alice.try_post("/wallet", nonsense);
        said.push((
            "POST /wallet".to_owned(),
            format!("{:?}", refused.err()).into(),
        ));
    }
    said.extend(everything_said(&alice, directory));
    let loaded = wallet(&config, &["load"]);
    assert_eq!(loaded.code, Some(0), "{loaded:?}");
    said.push(("node wallet load".to_owned(), loaded.out.into_bytes()));
    alice.joins();
    let bob = lab.peer("bob");
    alice.has_sessions(1);
    alice.mine();
    alice.send("bob", 1);
    alice.mine();
    said.extend(everything_said(&alice, directory));
    drop(bob);

    let secret = unlocked(&alice.data_dir.join("key.pem"));
    let forms = forms(&secret);
    // They would be found: the one command that tells them does.
    let words = wallet(&config, &["words", "--reveal", "--json"]).out;
    let told = forms
        .iter()
        .filter(|(_, form)| found_in(words.as_bytes(), form));
    assert_eq!(told.count(), 8, "{words}");

    alice.stop();
    let mut written = Vec::new();
    files(directory, &mut written);
    let logs = written
        .iter()
        .filter(|path| path.to_string_lossy().contains("log"));
    assert!(logs.count() >= 2, "{written:?}");
    for path in written {
        said.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    for (place, bytes) in &said {
        for (name, form) in &forms {
            assert!(!found_in(bytes, form), "{place} tells the {name}");
        }
    }
}
