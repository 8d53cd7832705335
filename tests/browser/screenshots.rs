//! Pictures of every page, for the documents and for whoever looks at them with a critical eye:
//! `make screenshots`.

use crate::looks::{HOSTILE, ballot_and_record, pages};
use crate::support::{Lab, agree, so, wait_until};
use crate::{browser, enter};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where they go.
const FOLDER: &str = "docs/screenshots";

/// Commands as whoever has installed the program reads them, and not by where a test has put it.
const AS_INSTALLED: &str = "for (const code of document.querySelectorAll('code')) \
    code.textContent = code.textContent.replace(/\\S*node --config \\S*\\//, 'node --config ')";

#[test]
#[ignore = "writes pictures into docs/: `make screenshots`"]
fn screenshots_of_every_page() {
    let driver = browser("screenshots").expect("a browser is needed");
    let lab = Lab::start();
    let [alice, bob, carol] = lab.peers(["alice", "bob", "carol"]);
    for node in [&alice, &bob, &alice, &carol, &alice] {
        node.mine();
        agree(&[&alice, &bob, &carol]);
    }
    let sends = |node: &crate::support::Node, to: &str, coins: &str, note: &str| {
        let sent = node.command(["send", to, coins, "--note", note]);
        assert!(sent.status.success(), "{sent:?}");
    };
    sends(
        &bob,
        "alice",
        "12",
        "For the raclette last night, thank you!",
    );
    sends(
        &carol,
        "alice",
        "0",
        "Will you be there on Friday?\nI bring the potatoes.",
    );
    let sent = alice.send("bob", 30);
    wait_until("carol can mine it", || {
        let open = carol.open();
        so(open.contains(&sent) && open.len() >= 3, format!("{open:?}"))
    });
    let ballot = ballot_and_record(&carol, "Where do we eat on Friday?", ["alice", "bob"]);
    carol.mine();
    agree(&[&alice, &bob, &carol]);
    let vote = bob.command(["vote", "cast", &ballot, "Rome"]);
    assert!(vote.status.success(), "{vote:?}");
    bob.mine();
    agree(&[&alice, &bob, &carol]);
    sends(&alice, "carol", "5", "For the potatoes");
    sends(&bob, "alice", "1", HOSTILE);

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    fs::create_dir_all(&root).unwrap();
    let tab = enter(driver.tab(), &alice);
    for dark in [false, true] {
        for width in [1280, 390] {
            tab.is_wide(width).likes_dark(dark);
            for (name, path) in pages("bob", &sent, &ballot) {
                tab.goes_to(&path);
                tab.runs(AS_INSTALLED);
                let theme = if dark { "dark" } else { "light" };
                save(
                    &root.join(format!("{name}-{theme}-{width}.png")),
                    &tab.picture(width > 500),
                );
            }
        }
    }
    let tab = enter(driver.another_tab(), &lab.tracker);
    tab.is_wide(1280).likes_dark(false);
    save(&root.join("tracker-light-1280.png"), &tab.picture(true));
}

/// Writes what stands in base 64 as a file.
fn save(path: &Path, data: &str) {
    let text = path.with_extension("base64");
    fs::write(&text, data).unwrap();
    let decoded = Command::new("base64")
        .arg("-d")
        .arg(&text)
        .output()
        .unwrap();
    fs::write(path, decoded.stdout).unwrap();
    fs::remove_file(&text).unwrap();
}
