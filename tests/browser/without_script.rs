//! Everything that can be done, done in a browser that runs no script.

use crate::looks::{TOPIC, pages};
use crate::support::{Lab, agree, so, wait_until};
use crate::{browser, enter};

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
