//! A wallet that comes back from its words, in a browser; and that no page says a secret.

use crate::looks::{ballot_and_record, pages};
use crate::support::{Lab, Node, agree, secret_in};
use crate::{browser, enter, link};
use raclette::entropy::OsEntropy;
use raclette::keys::SecretKey;
use std::fs;

/// A tab at a node that waits for its wallet.
pub fn at_the_door(tab: crate::Tab, node: &Node) -> crate::Tab {
    let link = link(node);
    let tab = tab.at(link.split("/enter").next().unwrap());
    tab.open(&link);
    tab.waits_for("h1", "Welcome");
    tab
}

#[test]
fn browser_a_wallet_comes_back_from_its_words_and_none_of_them_in_an_answer() {
    let Some(driver) = browser("restoring a wallet") else {
        return;
    };
    let lab = Lab::start();
    let mut alice = lab.prepare_peer_with("alice", "[wallet]\ncreate = \"on-command\"\n");
    alice.start();
    let secret = SecretKey::draw(&OsEntropy);
    let mut words: Vec<String> = secret.words().iter().map(str::to_owned).collect();
    let tab = at_the_door(driver.tab(), &alice);
    let send = |words: &[String], again: &str| {
        tab.types("#words", &words.join(" "));
        tab.types("#new-passphrase", "correct horse battery")
            .types("#new-again", again);
        tab.presses("form[action='/start/restore'] button");
    };
    let says_none = || {
        let shown = tab.runs("return document.documentElement.outerHTML");
        let shown = shown.as_str().unwrap().to_lowercase();
        let shown: Vec<_> = shown.split(|c: char| !c.is_ascii_lowercase()).collect();
        let pairs = words.windows(3).filter(|three| {
            shown
                .windows(3)
                .any(|found| found.iter().zip(three.iter()).all(|(a, b)| a == b))
        });
        assert_eq!(pairs.count(), 0, "words stand in the page");
    };
    send(&words[..23], "correct horse battery");
    tab.waits_for(".refused", "These are 23 words");
    says_none();
    let mut mistyped = words.clone();
    mistyped[6] = "raclette".into();
    send(&mistyped, "correct horse battery");
    tab.waits_for(".refused", "Word 7 is none");
    says_none();
    let mut swapped = words.clone();
    let other = (1..24).find(|at| words[*at] != words[0]).unwrap();
    swapped.swap(0, other);
    send(&swapped, "correct horse battery");
    tab.waits_for(".refused", "together they are no wallet");
    send(&words, "something else entirely");
    tab.waits_for(".refused", "not typed twice alike");
    says_none();
    assert!(!alice.data_dir.join("key.pem").exists());

    words
        .iter_mut()
        .for_each(|word| *word = word.to_uppercase());
    send(&words, "correct horse battery");
    tab.waits_until(
        "it goes on by itself, and is at home",
        "return document.body.dataset.cursor !== undefined",
    );
    alice.joins();
    assert_eq!(alice.status().address, secret.public_key().to_address());
    tab.goes_to("/").waits_for("#steps .done", "24 words");
    // It is locked, and the page unlocks it at the next start.
    alice.stop();
    alice.spawn();
    crate::support::wait_until("it waits", || {
        crate::support::so(alice.api().is_ok(), "not yet")
    });
    let tab = at_the_door(driver.another_tab(), &alice);
    tab.types("#passphrase", "wrong horse")
        .presses("main button.main");
    tab.waits_for(".refused", "passphrase");
    tab.types("#passphrase", "correct horse battery")
        .presses("main button.main");
    tab.waits_until(
        "it goes on by itself, and is at home",
        "return document.body.dataset.cursor !== undefined",
    );
    alice.joins();
}

#[test]
fn browser_attack_no_page_says_a_secret() {
    let Some(driver) = browser("secrets") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine();
    agree(&[&alice, &bob]);
    let sent = alice.send("bob", 1);
    let ballot = ballot_and_record(&alice, "Where do we eat on Friday?", ["alice", "bob"]);
    alice.mine();
    let api = alice.api().unwrap();
    let pem = fs::read_to_string(alice.data_dir.join("key.pem")).unwrap();
    let body = pem
        .lines()
        .find(|line| !line.starts_with('-') && line.len() > 20);
    let words = secret_in(&alice.data_dir.join("key.pem")).words();
    let words: Vec<&str> = words.iter().collect();
    let words = words[..3].join(" ");
    let tab = enter(driver.tab(), &alice);
    let cookies = driver.devtools("Network.getCookies", serde_json::json!({}));
    let cookie = cookies["cookies"][0]["value"].as_str().unwrap().to_owned();
    assert_eq!(tab.runs("return document.cookie"), "");
    for (name, path) in pages("bob", &sent, &ballot) {
        tab.goes_to(&path);
        let shown = tab.runs("return document.documentElement.outerHTML");
        let shown = shown.as_str().unwrap();
        let is_there = !shown.contains("There is no such");
        assert!(is_there || ["nothing", "search"].contains(&name), "{name}");
        for (what, secret) in [
            ("the token", api.token.as_str()),
            ("the wallet", body.unwrap()),
            ("its words", words.as_str()),
            ("the cookie", cookie.as_str()),
        ] {
            assert!(!shown.contains(secret), "{name} says {what}");
        }
    }
}
