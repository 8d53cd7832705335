//! What annoyed somebody who knew nothing and used these pages for the first time.

use crate::joining::invitation;
use crate::looks::{ballot_and_record, pages};
use crate::support::{Lab, agree, so, wait_until};
use crate::{browser, enter};
use serde_json::json;
use std::fs;

#[test]
fn browser_a_message_is_opened_where_it_came_from_and_is_read_then() {
    let Some(driver) = browser("opening a message") else {
        return;
    };
    let lab = Lab::start_with("admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n");
    let [alice, bob] =
        ["alice", "bob"].map(|name| lab.joined(&invitation(&lab), name, &[&lab.tracker]));
    let hers = enter(driver.tab(), &alice);
    // By joining nobody has written anything, though that is a record of one's own.
    wait_until("both have written that they joined", || {
        let open = alice.open().len();
        so(open == 2, open)
    });
    alice.mine();
    hers.loads_again()
        .waits_for("#steps", "It costs nothing here");
    let note = bob.command(["send", "alice", "0", "--note", "Potatoes on Friday?"]);
    assert!(note.status.success(), "{note:?}");
    hers.waits_for("#came", "Potatoes on Friday?");
    hers.presses("#came .entry a.line").waits_for("h1", "bob");
    hers.waits_for("#between", "Potatoes on Friday?");
    wait_until("what was opened counts as read", || {
        let unread = alice.chain().delivery.unread;
        so(unread == 0, unread)
    });
    hers.types("#note", "I bring them")
        .presses("form.sending button.main");
    hers.waits_for("#state", "Waiting for a block");
    // It is on its way at home, and in the list that home leads to.
    hers.goes_to("/").waits_for("#needs", "I bring them");
    hers.presses("#needs .acts a").waits_for("h1", "On its way");
    hers.waits_for("#list", "I bring them");
    hers.goes_to("/").waits_until(
        "the first message is written",
        "return document.querySelector('#steps li:nth-child(4)').classList.contains('done')",
    );
}

#[test]
fn browser_a_vote_that_waits_says_what_for_and_how_to_help() {
    let Some(driver) = browser("a vote that waits") else {
        return;
    };
    let lab = Lab::start_by_clock("block_interval_ms = 100\nstart_work = 64\n", 0);
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    let ballot = ballot_and_record(&alice, "Where to?", ["alice", "bob"]);
    alice.mine();
    agree(&[&alice, &bob]);
    let hers = enter(driver.tab(), &alice);
    hers.goes_to(&format!("/votes/{ballot}"));
    hers.presses("#choice-0").presses("#cast button.main");
    hers.waits_for("#own", "Waits for a block: Rome");
    hers.waits_for("#own", "You can mine it, too");
    hers.waits_for("#voters", "your vote waits for a block");
    hers.goes_to("/votes")
        .waits_for("#ballots", "your vote waits for a block");
    hers.goes_to("/pay/outbox").waits_for("#list", "Voted on");
    hers.waits_for("#list", "Where to?")
        .waits_for("#list", "Rome");
    hers.goes_to(&format!("/votes/{ballot}"));
    hers.presses("#own a[href^='/network/transactions']");
    hers.waits_for("h1", "a vote for Rome: Where to?");
    // Two minutes without a block: it is said, with what helps, and that leads back.
    lab.clock().set(120);
    hers.goes_to(&format!("/votes/{ballot}"));
    hers.waits_for("#own", "Nobody seems to mine");
    hers.presses("#own form[action='/network/mine'] button");
    hers.waits_for(".notice", "looks for one block");
    hers.waits_for("#own", "Counted in block 2: Rome");
    // What came of it is seen: that it was taken is said no more.
    hers.waits_until(
        "it is said no more",
        "return !document.querySelector('.notice')",
    );
    hers.goes_to("/pay/account")
        .waits_for("#list", "Voted on Where to?: Rome");
    hers.waits_for("#list", "Mined the block");
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_a_backup_is_made_by_pressing_a_button() {
    let Some(driver) = browser("a backup") else {
        return;
    };
    let lab = Lab::start();
    let alice = lab.peer("alice");
    alice.mine();
    let hers = enter(driver.tab(), &alice);
    hers.types("#q", "backup").presses(".search button");
    hers.waits_for("h1", "alice");
    hers.presses("#backup button").waits_for(".notice", "Taken");
    hers.waits_for("#backup-goes", "The backup is in");
    hers.waits_for("#backups", "The last one was made");
    let beside = alice.data_dir.with_file_name(format!(
        "{}-backups",
        alice.data_dir.file_name().unwrap().to_string_lossy()
    ));
    let made: Vec<_> = fs::read_dir(&beside).unwrap().collect();
    assert_eq!(made.len(), 1);
    let made = made.into_iter().next().unwrap().unwrap().path();
    assert!(raclette::backup::check(&made).is_ok());
    assert!(!made.join("wallet.pem").exists());
    hers.goes_to("/").waits_until(
        "the step is done",
        "return document.querySelector('#steps li:nth-child(5)').classList.contains('done')",
    );
    // A tracker's, to another place.
    let its = enter(driver.another_tab(), &lab.tracker);
    let place = lab.directory().join("its-backup");
    its.goes_to("/network/node")
        .waits_for("main", "of the settings file");
    its.presses("#backup summary")
        .types("#dir", place.to_str().unwrap());
    its.presses("#backup button")
        .waits_for("#backup-goes", "its-backup");
    assert!(raclette::backup::check(&place).is_ok());
}

#[test]
fn browser_times_are_the_readers_and_nothing_stands_crooked() {
    let Some(driver) = browser("times and lines") else {
        return;
    };
    let lab = Lab::start();
    let [alice, _bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    alice.mine_blocks(8);
    let ballot = ballot_and_record(&alice, "Where to?", ["alice", "bob"]);
    let sent = alice.send("bob", 1);
    alice.mine();
    let hers = enter(driver.tab(), &alice);
    driver.devtools(
        "Emulation.setTimezoneOverride",
        json!({"timezoneId": "Asia/Tokyo"}),
    );
    hers.goes_to("/pay/account").waits_until(
        "exact times are of the reader's zone",
        "return [...document.querySelectorAll('time')].every((time) => time.title.includes('GMT+9') && !time.textContent.includes('UTC'))",
    );
    let shown = "return getComputedStyle(document.querySelector('time'), '::after').content";
    assert_eq!(hers.runs(shown), "none");
    hers.runs("document.querySelector('time').focus({focusVisible: true})");
    hers.waits_until(
        "who comes by keys sees them, too",
        "return getComputedStyle(document.querySelector('time'), '::after').content.includes('GMT+9')",
    );
    // So is every other moment on any page: what shows on a bar of a chart, too.
    hers.goes_to("/network").waits_until(
        "a chart has times",
        "return document.querySelector('svg title[data-at]') !== null",
    );
    for (name, path) in pages("bob", &sent, &ballot) {
        hers.goes_to(&path).waits_until(
            &format!("{name} has no other times"),
            "return !document.documentElement.outerHTML.includes(' UTC')",
        );
    }
    hers.goes_to(&format!("/votes/{ballot}"));
    assert!(
        !hers.text("#count").contains("after block"),
        "{}",
        hers.text("#count")
    );
    // In one line each: the blocks at home, and when the node mines.
    hers.is_wide(1280);
    for (path, selector) in [("/", "#strip > li"), ("/network", ".modes button")] {
        hers.goes_to(path);
        let script = format!(
            "return new Set([...document.querySelectorAll('{selector}')].map((one) => one.offsetTop)).size"
        );
        assert_eq!(hers.runs(&script), 1, "{path}");
    }
    // Two members fill their picture.
    hers.goes_to("/members");
    let tall =
        hers.runs("return document.querySelector('.sessions').getBoundingClientRect().height");
    assert!(tall.as_f64().unwrap() < 100.0, "{tall}");
    hers.is_wide(390).goes_to(&format!("/votes/{ballot}"));
    let top =
        hers.runs("return document.querySelector('#yours h2').getBoundingClientRect().bottom");
    assert!(top.as_f64().unwrap() < 400.0, "{top}");
    hers.goes_to("/");
    let cut = "const q = document.querySelector('#q'); const wide = document.createElement('canvas').getContext('2d'); \
               wide.font = getComputedStyle(q).font; const style = getComputedStyle(q); \
               return wide.measureText(q.placeholder).width <= q.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)";
    assert_eq!(hers.runs(cut), true);
}
