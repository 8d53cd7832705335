//! What whoever runs a tracker does in a browser.

use crate::support::{Lab, agree};
use crate::{browser, care, enter};
use raclette::entropy::OsEntropy;
use raclette::keys::SecretKey;

#[test]
fn browser_a_tracker_gives_a_name_to_another_key_and_says_what_was_wrong() {
    let Some(driver) = browser("the tracker's page") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine();
    agree(&[&alice, &bob]);
    let tab = enter(driver.tab(), &lab.tracker);
    for (width, dark) in [(1280, false), (390, true), (320, false)] {
        tab.is_wide(width).likes_dark(dark).goes_to("/");
        assert_eq!(care::faults(&tab), Vec::<String>::new(), "{width}");
        let fits = tab.runs("return document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, true, "{width}");
    }
    // What the browser kept while one was elsewhere is loaded anew: a button that was pressed there works again.
    let restored = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))";
    let sent = "for (const form of document.querySelectorAll('form')) { form.dataset.sent = 'yes'; }\
                document.body.dataset.old = 'yes';";
    tab.is_wide(1280)
        .goes_to("/")
        .waits_for("#alone", "on this machine alone");
    tab.runs(&format!("{sent} {restored}"));
    tab.waits_until(
        "it is loaded anew",
        "return document.body?.dataset.old === undefined && !document.querySelector('form[data-sent]')",
    );
    tab.presses("form[action='/members/invite'] button.main");
    tab.waits_for("h1", "An invitation")
        .waits_for("main", "node web");
    let pictured = "return document.querySelector('svg.code').getAttribute('aria-label').includes('invitation')";
    assert_eq!(tab.runs(pictured), true);
    // What is shown this once stays.
    let once = tab.text("#invitation");
    tab.runs(&format!("{sent} {restored}"));
    tab.waits_until(
        "it is there still",
        "return document.body.dataset.old === 'yes'",
    );
    assert!(tab.text("#invitation") == once && once.starts_with("join1"));
    tab.goes_to("/");
    let address = SecretKey::draw(&OsEntropy).public_key().to_address();
    tab.is_wide(1280);
    tab.runs("document.querySelectorAll('details').forEach(one => { one.open = true; })");
    tab.types("#name", "bob").types("#address", "rac1nonsense");
    tab.presses("form[action='/members/rekey'] button");
    tab.waits_for(".refused", "Not done.");
    // What was typed is there still.
    tab.waits_until(
        "the name is kept",
        "return document.querySelector('#name').value === 'bob'",
    );
    // Nor does it go when the browser kept this page: there the button works again.
    tab.runs(&format!("{sent} {restored}"));
    tab.waits_until(
        "what was typed is there still",
        "return document.body.dataset.old === 'yes' && document.querySelector('#name').value === 'bob'",
    );
    tab.runs("document.querySelector('#address').value = ''");
    tab.types("#address", &address);
    tab.presses("form[action='/members/rekey'] button");
    tab.waits_for(".notice", "The name is the new key's");
}

#[test]
fn browser_a_trackers_page_goes_on_by_itself_and_says_when_it_does_not() {
    let Some(driver) = browser("the tracker's page goes on") else {
        return;
    };
    let mut lab = Lab::start();
    let tab = enter(driver.tab(), &lab.tracker);
    tab.runs("document.body.dataset.old = 'yes'");
    let [alice] = lab.peers(["alice"]);
    alice.joins();
    tab.waits_for("#members", "alice");
    tab.waits_for("#standing", "1 member connected");
    tab.waits_for("#tracker", "1 member");
    lab.tracker.kill();
    tab.waits_for("#stale", "Not live since");
    assert_eq!(tab.runs("return document.body.dataset.old"), "yes");
}
