//! Everything that can be done, done in a browser that runs no script.

use crate::joining::{Beginning, invitation};
use crate::looks::{TOPIC, pages};
use crate::restoring::at_the_door;
use crate::support::{Lab, agree, so, wait_until};
use crate::{Driver, Tab, browser, enter};
use std::rc::Rc;

/// In the page that shows words, types two wrong ones: they are refused in a window of their own, and the words stay
/// to be compared.
fn wrong_words_leave_the_words(driver: &Rc<Driver>, shown: &Tab) -> Tab {
    shown.waits_for("h1", "Write these 24 words down");
    let words = shown.text("ol.words");
    assert_eq!(words.split_whitespace().count(), 24, "{words}");
    shown.types("#first", "wrong").types("#second", "wrong");
    shown.presses("form[action$=words] button");
    wait_until("another window opens", || {
        let tabs = driver.tabs().len();
        so(tabs == 2, tabs)
    });
    let other = driver.tabs().into_iter().find(|tab| !tab.is(shown));
    let other = other.unwrap();
    other.front();
    other.waits_for("h1", "Not these two words");
    shown.front();
    assert_eq!(shown.text("ol.words"), words);
    other
}

#[test]
fn browser_wrong_words_leave_the_words_in_their_window_without_a_script() {
    let Some(driver) = browser("wrong words without a script") else {
        return;
    };
    let lab = Lab::start();
    let mut alice = lab.prepare_peer_with("alice", "[wallet]\ncreate = \"on-command\"\n");
    alice.start();
    let tab = driver.tab();
    tab.runs_no_script();
    let tab = at_the_door(tab, &alice);
    tab.presses("form[action='/start/create'] button");
    wait_until("it has its wallet", || {
        let output = alice.output();
        so(output.contains("alice is up"), output)
    });
    alice.joins();
    wrong_words_leave_the_words(&driver, &tab);
}

#[test]
fn browser_wrong_words_of_who_joins_leave_the_words_in_their_window_without_a_script() {
    let Some(driver) = browser("wrong words of who joins") else {
        return;
    };
    let lab = Lab::start_with("admission = \"invite\"\nblock_interval_ms = 100\nstart_work = 64\n");
    let begun = Beginning::new();
    let tab = driver.tab();
    tab.runs_no_script();
    tab.open(&begun.link);
    tab.waits_for("h1", "Join a network");
    tab.types("#invitation", &invitation(&lab))
        .types("#name", "dora")
        .presses("main form button.main");
    tab.waits_for("h1", "You can join");
    tab.presses("form[action='/start/words'] button");
    wrong_words_leave_the_words(&driver, &tab);
}

#[test]
fn browser_every_page_and_form_works_without_a_script() {
    let Some(driver) = browser("the pages without a script") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    let tab = driver.tab();
    tab.runs_no_script();
    let tab = enter(tab, &alice);

    tab.goes_to("/network").presses("#mine button.main");
    tab.waits_for(".notice", "looks for one block");
    wait_until("the block is there", || {
        so(alice.height() == 1, alice.height())
    });
    agree(&[&alice, &bob]);

    tab.goes_to("/pay")
        .types("#to", "bbo")
        .types("#amount", "3")
        .types("#note", "hello");
    tab.presses("form.sending button.main");
    tab.waits_for(".refused", "did you mean bob?");
    // What was typed is there still; the wrong name is put right.
    tab.waits_for("#note", "hello");
    tab.goes_to("/pay?to=bob")
        .types("#amount", "3")
        .types("#note", "hello");
    tab.presses("form.sending button.main");
    tab.waits_for(".notice", "on its way");
    bob.mine();
    agree(&[&alice, &bob]);
    wait_until("loading again shows it", || {
        tab.loads_again();
        let state = tab.text("#state");
        so(state.contains("In a block"), state)
    });
    let sent = tab.address();
    let sent = sent.trim_matches('"').split('?').next().unwrap();
    let sent = sent.rsplit('/').next().unwrap().to_owned();

    bob.send("alice", 1);
    wait_until("it is there", || {
        so(alice.chain().delivery.unread == 1, "not yet")
    });
    tab.goes_to("/pay/inbox");
    wait_until("loading again offers to mark it as read", || {
        tab.loads_again();
        let marks = tab.text("#mark");
        so(!marks.is_empty(), marks)
    });
    tab.presses("form.mark button");
    tab.waits_for(".notice", "Marked as read");
    assert_eq!(alice.chain().delivery.unread, 0);

    tab.goes_to("/votes").types("#question", "Where to?");
    tab.types("#choices", "Rome")
        .presses("#open-ballot button.main");
    tab.waits_for(".refused", "two at least");
    tab.waits_for("#question", "");
    tab.presses("#open-ballot summary");
    tab.types("#choices", "\nBern").types("#roll", "alice\nbob");
    tab.presses("#open-ballot button.main");
    tab.waits_for(".notice", "Votes count once");
    tab.waits_for("#own", "once its opening is in a block");
    let ballot = tab.address();
    let ballot = ballot.trim_matches('"').split('?').next().unwrap();
    let ballot = ballot.rsplit('/').next().unwrap().to_owned();
    alice.mine();
    tab.loads_again().presses("#cast button.main");
    tab.presses("#choice-1").presses("#cast button.main");
    tab.waits_for(".notice", "Your vote counts once");
    tab.waits_for("#own", "Waits for a block: Bern");
    alice.mine();
    tab.loads_again()
        .waits_for("#own", "Counted in block 4: Bern");

    tab.goes_to("/votes/records").types("#topic", TOPIC);
    tab.types("#text", "I was here")
        .presses("main form button.main");
    tab.waits_for(".notice", "once it is in a block");
    alice.mine();
    tab.goes_to("/votes/records")
        .presses("#topics a[href$=guest-book]");
    tab.waits_for("#records", "I was here");

    for (name, path) in pages("bob", &sent, &ballot) {
        tab.goes_to(&path);
        assert!(
            !tab.text("h1").is_empty() || name == "home" || name == "pay",
            "{name}"
        );
        assert!(!tab.text("main").is_empty(), "{name}");
    }
    tab.goes_to("/")
        .types("#q", "bob")
        .presses(".search button");
    tab.waits_for("h1", "bob");
    tab.goes_to("/me").presses("form[action='/out'] button");
    tab.waits_for("h1", "Signed out");
    tab.goes_to("/").waits_for("h1", "not known");
}
