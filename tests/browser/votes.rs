//! Voting and recording in a browser: live, and with something to keep.

use crate::support::{Lab, Node, agree, node, so, wait_until};
use crate::{browser, enter};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Fetches a file as the page's reader would, and puts it beside the node's own.
fn download(tab: &crate::Tab, of: &Node, path: &str, name: &str) -> std::path::PathBuf {
    let script = format!(
        "const asked = new XMLHttpRequest(); asked.open('GET', '{path}', false); asked.send(); return asked.responseText"
    );
    let file = of.data_dir.join(name);
    fs::write(&file, tab.runs(&script).as_str().unwrap()).unwrap();
    file
}

#[test]
fn browser_a_ballot_is_opened_voted_in_and_its_count_grows_while_one_looks() {
    let Some(driver) = browser("votes") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    let hers = enter(driver.tab(), &alice);
    hers.goes_to("/votes")
        .waits_for("#ballots", "Nothing has been asked yet");
    hers.types("#question", "Where <b>to</b>?");
    hers.types("#choices", "Rome\nBern");
    // Twice in a row: one ballot.
    hers.runs("document.querySelector('#open-ballot details').open = true");
    hers.types("#roll", "alice\nbob");
    hers.presses("#open-ballot button.main");
    hers.waits_for("#count", "waits for a block");
    let path = hers.runs("return location.pathname");
    let path = path.as_str().unwrap().to_owned();
    alice.mine();
    hers.waits_for("#count", "Open");
    hers.waits_for("#voters", "Nobody yet");
    agree(&[&alice, &bob]);

    // Bob is told at home, and told what is public before he votes.
    let his = enter(driver.another_tab(), &bob);
    // What the nodes write by themselves stands in words, and nobody is offered to write there.
    his.goes_to("/votes/records/vote")
        .waits_for("#records", "a ballot: Where <b>to</b>?")
        .waits_for("main", "Written by the nodes");
    his.goes_to("/");
    his.waits_for("#needs", "Where <b>to</b>?");
    his.presses("#needs a");
    his.waits_for("#cast", "Votes are public.");
    his.presses("#choice-1").presses("#cast button.main");
    his.waits_for("#own", "Waits for a block: Bern");
    wait_until("alice can mine it", || {
        so(!alice.open().is_empty(), "not yet")
    });
    let vote = alice.open()[0].clone();
    alice.mine();
    his.waits_for("#own", "Counted in block 2: Bern");
    his.goes_to("/").waits_for("#have", "coins");
    // His own join may wait for a block there still.
    let needs = his.text("#needs");
    assert!(!needs.contains("Where"), "{needs}");

    // Hers has grown meanwhile, in a tab that was not looked at.
    hers.front();
    hers.waits_for("#count", "1 of 2 voted");
    hers.waits_for("#count .shares li:nth-child(2)", "1 vote");
    // Both stood among those who had not voted.
    hers.waits_for("#voters tbody", "bob");
    hers.waits_for("#voters .people", "alice");
    // She votes, and again: the last one counts.
    hers.presses("#choice-1").presses("#cast button.main");
    hers.waits_for("#own", "Waits for a block: Bern");
    alice.mine();
    hers.waits_for("#own", "Counted in block 3: Bern");
    hers.presses("#choice-0").presses("#cast button.main");
    hers.waits_for("#own", "Waits for a block: Rome");
    alice.mine();
    hers.waits_for("#own", "Counted in block 4: Rome");
    hers.waits_for("#count", "2 of 2 voted");
    hers.waits_for("#count .shares li:nth-child(1)", "1 vote");
    hers.goes_to("/votes").waits_for("#ballots", "you voted");

    let proof = download(
        &hers,
        &alice,
        &format!("/network/proofs/{vote}"),
        "proof.json",
    );
    let tip = alice.tip().1;
    let trust = [
        "verify".as_ref(),
        proof.as_os_str(),
        "--trust".as_ref(),
        tip.as_ref(),
    ];
    let checked = node(trust).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let audit = download(&hers, &alice, &format!("{path}/audit"), "vote.audit");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check_vote.py");
    let checked = Command::new("python3")
        .arg(script)
        .arg(audit)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    // It is not closed yet, which the script says by its exit code.
    assert_eq!(checked.status.code(), Some(3), "{told}");
    assert!(told.contains("Rome") && told.contains("Bern"), "{told}");
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_a_record_is_added_and_read_on_the_page_of_another() {
    let Some(driver) = browser("records") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    let his = enter(driver.tab(), &bob);
    his.goes_to("/votes/records/a%2Fb")
        .waits_for("#records", "Nothing stands under this topic yet");
    let hers = enter(driver.another_tab(), &alice);
    hers.goes_to("/votes/records").types("#topic", "a/b");
    hers.types("#text", "one <i>line</i>\nand another");
    hers.presses("main form button.main");
    hers.waits_for("main", "under \"a/b\"");
    alice.mine();
    hers.waits_for("#transaction", "In a block");
    agree(&[&alice, &bob]);
    his.front();
    his.waits_for("#records", "one <i>line</i>\nand another");
    his.waits_for("#records", "alice");
    his.goes_to("/votes/records")
        .presses("#topics a[href$='a%2Fb']");
    his.waits_for("#records", "one <i>line</i>");
    assert_eq!(driver.complaints(), Vec::<String>::new());
}
