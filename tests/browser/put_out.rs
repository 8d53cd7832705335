//! Putting a member out and letting it back, as the tracker, the others and the one it is about see it.

use crate::support::{Lab, agree, so, wait_until};
use crate::{browser, enter};

#[test]
fn browser_a_tracker_puts_a_member_out_and_says_why_it_can_not() {
    let Some(driver) = browser("putting a member out") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    let tab = enter(driver.tab(), &lab.tracker);
    tab.waits_for("#members", "bob");
    tab.types("#who", "bbo")
        .types("#reason", "sold <b>two</b> votes");
    tab.presses("form[action='/members/expel'] button");
    tab.waits_for(".refused", "did you mean bob?");
    // What was typed is there still.
    tab.runs("document.querySelector('#who').value = ''");
    tab.types("#who", "bob")
        .presses("form[action='/members/expel'] button");
    // Nothing is done before one has read what follows.
    tab.waits_for("h1", "Put bob out?");
    tab.presses("form[action='/members/expel'] button.main");
    tab.waits_for(".notice", "Everybody who is there was told");
    wait_until("alice knows it", || {
        let peers = alice.peers().peers;
        let bobs = peers
            .iter()
            .filter(|peer| peer.address == bob.status().address);
        let there = bobs.filter(|peer| peer.live == Some(true)).count();
        so(there == 0, there)
    });
    // He is told so, and whoever looks for him as well.
    let his = enter(driver.another_tab(), &bob);
    his.waits_for("main", "You were put out of this network");
    his.waits_for("main", "sold <b>two</b> votes");
    let hers = enter(driver.another_tab(), &alice);
    hers.goes_to("/members/bob");
    hers.waits_for("#put-out", "sold <b>two</b> votes");
    hers.goes_to("/members").waits_for("#put-out", "bob");
    tab.front();
    tab.waits_for("#put-out", "bob");
    tab.presses("form[action='/members/readmit'] button");
    tab.waits_for(".notice", "No new invitation is needed");
    tab.waits_for("#back", "bob");
    hers.front();
    hers.waits_for("#back", "bob");
    // Without the button it would take five minutes.
    his.front();
    his.presses("form[action='/network/try'] button");
    his.waits_for(".notice", "The tracker is asked now");
    his.waits_until(
        "he is in again",
        "return !document.querySelector('#put-out-here').textContent && \
         document.querySelector('#standing').textContent.includes('Connected')",
    );
    // Nobody who looks on need load anything.
    let nobody_is_awaited = "return !document.querySelector('#back')";
    hers.front();
    hers.waits_until("alice sees him", nobody_is_awaited);
    hers.waits_for("#members", "bob");
    tab.front();
    tab.waits_until("the tracker's page, too", nobody_is_awaited);
    tab.waits_for("#members", "bob");
}

/// What a page says, without what tells times and ids of the page itself.
const SAID: &str = "const main = document.querySelector('main').cloneNode(true); \
    for (const one of main.querySelectorAll('time, svg, .notice, datalist')) one.remove(); \
    return main.innerText.replace(/\\s+/g, ' ')";

#[test]
fn browser_what_is_open_at_whoever_is_put_out_says_the_same_as_what_is_loaded_then() {
    let Some(driver) = browser("the pages of whoever is put out") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine();
    agree(&[&alice, &bob]);
    alice.knows(&["bob"]);
    let fresh = enter(driver.tab(), &bob);
    let paths = ["/", "/pay", "/members", "/votes/records", "/network"];
    let tabs = paths.map(|path| {
        let tab = enter(driver.another_tab(), &bob);
        tab.goes_to(path).waits_for("#standing", "Connected");
        tab
    });
    let said = lab
        .tracker
        .command(["expel", "bob", "--reason", "sold two votes", "--yes"]);
    assert!(said.status.success(), "{said:?}");
    for (tab, path) in tabs.iter().zip(paths) {
        tab.front();
        tab.waits_for("#put-out-here", "sold two votes");
        tab.waits_for("#standing", "Put out");
        fresh.goes_to(path);
        fresh.waits_for("#put-out-here", "sold two votes");
        let loaded = fresh.runs(SAID);
        tab.front();
        wait_until(&format!("{path} says {loaded}"), || {
            let said = tab.runs(SAID);
            so(said == loaded, said)
        });
    }
}
