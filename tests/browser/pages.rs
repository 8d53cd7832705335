//! The pages in use: they go on by themselves.

use crate::support::{Lab, agree, secret_in, so, wait_until};
use crate::{browser, enter};
use raclette::entropy::OsEntropy;
use raclette::keys::{Lock, Passphrase, WalletFile};
use rustix::process::Signal;
use std::fs;
use zeroize::Zeroizing;

#[test]
fn browser_a_payment_is_read_and_mined_without_reloading_on_two_pages_side_by_side() {
    let Some(driver) = browser("payments") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine();
    agree(&[&alice, &bob]);
    // Two nodes in one browser: cookies know no ports.
    let hers = enter(driver.tab(), &alice);
    let his = enter(driver.another_tab(), &bob);
    his.goes_to("/pay/with/alice")
        .waits_for("#between", "Nothing yet");

    hers.front();
    hers.goes_to("/pay")
        .types("#to", "bob")
        .types("#amount", "7");
    hers.types("#note", "for the cheese <b>& more</b>");
    hers.waits_for("#costs", "Costs 7 coins");
    hers.presses("form.sending button.main");
    hers.waits_for("#state", "Waiting for a block");

    his.front()
        .waits_for("#between", "for the cheese <b>& more</b>");
    his.waits_for("#between", "7 coins");
    wait_until("what was looked at counts as read", || {
        let unread = bob.chain().delivery.unread;
        so(unread == 0, unread)
    });

    hers.front();
    bob.mine();
    hers.waits_for("#state", "In a block");
    his.front().waits_for("#between", "In a block");
    // Loading again repeats nothing.
    hers.front();
    hers.loads_again().waits_for("#state", "In a block");
    hers.goes_to("/pay/account")
        .waits_for("#list", "for the cheese <b>& more</b>");
    assert_eq!(
        hers.runs("return document.querySelectorAll('#list .note').length"),
        1
    );
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_a_draft_and_the_focus_outlive_what_happens_and_the_title_counts() {
    let Some(driver) = browser("drafts") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    let hers = enter(driver.tab(), &alice);
    hers.goes_to("/pay")
        .types("#to", "bob")
        .types("#note", "half a sent");
    bob.mine();
    bob.send("alice", 3);
    hers.waits_for("#latest", "3 coins");
    assert!(hers.title().starts_with("(1) "), "{}", hers.title());
    assert_eq!(hers.runs("return document.activeElement.id"), "note");
    assert_eq!(
        hers.runs("return document.querySelector('#note').value"),
        "half a sent"
    );
    hers.loads_again().waits_until(
        "the draft is there",
        "return document.querySelector('#note').value === 'half a sent'",
    );
    // A form that was left by sending it leaves no draft.
    hers.types("#note", "ence");
    hers.presses("form.sending button.main");
    hers.waits_for("main", "half a sentence");
    hers.goes_to("/pay");
    assert_eq!(
        hers.runs("return document.querySelector('#note').value"),
        ""
    );
}

#[test]
fn browser_a_block_is_mined_by_pressing_and_things_are_found_by_name_and_height() {
    let Some(driver) = browser("mining and search") else {
        return;
    };
    let lab = Lab::start();
    let [alice, _bob] = lab.peers(["alice", "bob"]);
    let hers = enter(driver.tab(), &alice);
    hers.goes_to("/network").presses("#mine button.main");
    hers.waits_for("#mining", "Block 1 found");
    hers.waits_for("#blocks", "alice");
    hers.presses("#chain form button");
    hers.waits_for("#chain-facts", "All is right");
    // Mining is begun, goes on, and is stopped.
    hers.presses("button[value=always]")
        .waits_for(".notice", "Taken");
    hers.waits_until(
        "blocks come",
        "return document.querySelectorAll('#blocks tbody tr').length > 4",
    );
    hers.presses("button[value=when-pending]")
        .waits_for("#mining", "Ready: it begins as soon as something waits");
    hers.presses("button[value=on-command]")
        .waits_for("#mining", "Not mining");
    for (typed, path) in [("bo", "/members/bob"), ("1", "/network/blocks/")] {
        hers.goes_to("/")
            .types("#q", typed)
            .presses(".search button");
        hers.waits_until(
            "it was found",
            &format!("return location.pathname.startsWith('{path}')"),
        );
    }
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_what_comes_of_nothing_happening_is_seen_all_the_same() {
    let Some(driver) = browser("nothing happens") else {
        return;
    };
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let tab = enter(driver.tab(), &alice);
    tab.goes_to("/network")
        .waits_for("#chain-facts", "Last block");
    // The clock of the page goes half a minute ahead, in which nothing was heard: it looks anew by itself.
    tab.runs("const now = Date.now, real = window.fetch; window.looked = 0; Date.now = () => now() + 31000; \
              window.fetch = (url, ...how) => { if (url === location.href) window.looked += 1; return real(url, ...how); }");
    tab.waits_until("it looks anew", "return window.looked > 0");
}

#[test]
fn browser_who_is_killed_is_seen_to_be_gone() {
    let Some(driver) = browser("a killed peer") else {
        return;
    };
    let lab = Lab::start();
    let [alice, mut bob] = lab.peers(["alice", "bob"]);
    let hers = enter(driver.tab(), &alice);
    hers.goes_to("/members")
        .waits_for("#members", "2 of 2 members here now");
    bob.kill();
    hers.waits_for("#standing", "Nobody else is here");
    hers.waits_for("#members", "away");
    bob.start();
    hers.waits_for("#members", "2 of 2 members here now");
}

#[test]
fn browser_no_stale_number_is_shown_after_a_sleep_or_a_restart() {
    let Some(driver) = browser("sleep and restart") else {
        return;
    };
    let lab = Lab::start();
    let [mut alice, bob] = lab.peers(["alice", "bob"]);
    let hers = enter(driver.tab(), &alice);
    let tabs: Vec<_> = (0..7).map(|_| driver.another_tab()).collect();
    for tab in &tabs {
        tab.open(&format!("http://{}/", alice.api().unwrap().address));
    }
    hers.goes_to("/network")
        .waits_for("#chain-facts", "Last block");
    let greyed = "return document.body.classList.contains('stale')";
    let live = "return !document.body.classList.contains('stale')";

    // A laptop that sleeps: the lines stay, and nothing comes over them.
    alice.signal(Signal::STOP);
    hers.waits_until("what may be old is grey", greyed);
    hers.waits_for("#stale", "Not live since");
    alice.signal(Signal::CONT);
    hers.waits_until("it is live again", live);

    // With a locked wallet it waits for the passphrase: that is said, too, and nothing looks true that is not.
    alice.stop();
    hers.waits_until("what may be old is grey", greyed);
    hers.waits_for("#stale", "this starts it");
    let (key, away) = (
        alice.data_dir.join("key.pem"),
        alice.data_dir.join("away.pem"),
    );
    let secret = secret_in(&key);
    fs::rename(&key, &away).unwrap();
    let passphrase = Passphrase::given(Zeroizing::new("correct horse".to_owned())).unwrap();
    let lock = Lock::new(&passphrase, &OsEntropy).unwrap();
    WalletFile::new(&key).create(&secret, Some(&lock)).unwrap();
    alice.start();
    hers.waits_for("#stale", "waits for its wallet");
    hers.waits_until("what may be old is grey still", greyed);
    alice.stop();
    fs::rename(&away, &key).unwrap();
    alice.start();
    hers.goes_to("/network")
        .waits_for("#chain-facts", "Last block");

    alice.stop();
    hers.waits_until("what may be old is grey", greyed);
    // What is pressed now is not sent into nothing: the page stays, and says so.
    hers.presses("#mine button.main");
    hers.waits_for("#stale", "Nothing was sent: the node does not answer");
    bob.mine_blocks(3);
    alice.start();
    alice.has_sessions(1);
    hers.waits_until("it is live again", live);
    // Without a reload, by the same cookie, at the same address.
    hers.waits_until(
        "the new height is shown",
        "return document.querySelector('#chain-facts a').textContent === '3'",
    );
    bob.mine();
    hers.waits_until(
        "the next, too",
        "return document.querySelector('#chain-facts a').textContent === '4'",
    );
    tabs[3].front().waits_until(
        "another tab, too",
        "return document.querySelector('#strip li:nth-child(2) strong').textContent === '4'",
    );
}

#[test]
fn browser_a_wallet_is_made_its_words_shown_once_and_typed_back() {
    let Some(driver) = browser("making a wallet") else {
        return;
    };
    let lab = Lab::start();
    let mut alice = lab.prepare_peer_with("alice", "[wallet]\ncreate = \"on-command\"\n");
    alice.start();
    let hers = enter(driver.tab(), &alice);
    hers.waits_for("h1", "Welcome").presses("form button.main");
    hers.waits_for("h1", "Write these 24 words down");
    let asked = |label: &str| {
        let script = format!(
            "const n = Number(document.querySelector('label[for={label}]').textContent.match(/\\d+/)[0]);\
             return document.querySelectorAll('ol.words li')[n - 1].textContent"
        );
        hers.runs(&script).as_str().unwrap().to_owned()
    };
    let (first, second) = (asked("first"), asked("second"));
    alice.joins();
    hers.types("#first", "wrong")
        .types("#second", &second)
        .presses("form button.main");
    // The words stay to be compared, and so does what was typed.
    hers.waits_for(".refused", "not the two words");
    assert_eq!(
        (asked("first"), asked("second")),
        (first.clone(), second.clone())
    );
    hers.runs("document.querySelector('#first').value = ''");
    hers.types("#first", &first).presses("form button.main");
    hers.waits_for(".notice", "Keep the words");
    hers.waits_for("#have", "0 coins");
    hers.waits_for("#steps .done", "Write your 24 words down");
    // They are nowhere else.
    for path in ["/", "/me", "/network/node"] {
        hers.goes_to(path);
        let text = hers.runs("return document.documentElement.outerHTML");
        let text = text.as_str().unwrap();
        assert!(!text.contains(&format!(">{first}<")), "{path}");
    }
    let log = alice.output();
    assert!(
        !log.contains(&format!("{first} ")) || !log.contains(&second),
        "the words are in the log"
    );
}

#[test]
fn browser_a_tracker_invites_once_and_takes_back() {
    let Some(driver) = browser("invitations") else {
        return;
    };
    let lab = Lab::start();
    let tab = enter(driver.tab(), &lab.tracker);
    tab.waits_for("#invitations", "Invitations stand here");
    tab.presses("form[action='/members/invite'] button");
    tab.waits_for("#invitation", "join1");
    tab.goes_to("/").waits_for("#invitations", "Open");
    let listed = "return document.querySelectorAll('#invitations tbody tr').length";
    assert_eq!(tab.runs(listed), 1);
    tab.presses("form[action^='/members/revoke'] button");
    tab.waits_for(".notice", "Taken back");
    tab.waits_for("#invitations", "Taken back");
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_a_page_that_is_open_goes_over_to_the_better_branch() {
    let Some(driver) = browser("a reorganisation") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine();
    agree(&[&alice, &bob]);
    let hers = enter(driver.tab(), &alice);
    hers.goes_to("/network").presses("#connections form button");
    hers.waits_for("#connections", "Disconnected");
    let sent = alice.send("bob", 5);
    alice.command(["outbox", "retry", &sent]);
    let payment = driver
        .another_tab()
        .at(&format!("http://{}", alice.api().unwrap().address));
    payment
        .goes_to("/network")
        .waits_for("#chain-facts", "Last block");
    alice.mine();
    payment.waits_for("#chain-facts dd a", "2");
    payment.waits_for("#blocks tbody tr:nth-child(1)", "alice");
    bob.mine_blocks(3);
    hers.front();
    hers.presses("#connections form button");
    payment.front();
    // By itself, without a number of the branch that was left.
    payment.waits_for("#blocks tbody tr:nth-child(1)", "bob");
    payment.waits_for("#blocks tbody tr:nth-child(2)", "bob");
    payment.waits_for("#chain-facts dd a", "4");
    payment.goes_to("/").waits_for("#warning", "another branch");
    payment
        .goes_to("/network/node")
        .waits_for("main", "above block 1");
}

#[test]
fn browser_everybody_sees_the_blocks_come_where_the_settings_say_so() {
    let Some(driver) = browser("the public page") else {
        return;
    };
    let lab = Lab::start();
    let place = crate::support::free_address();
    let alice = lab.peer_with("alice", &format!("[web]\npublic = \"{place}\"\n"));
    let bob = lab.peer("bob");
    alice.has_sessions(1);
    let wall = driver.tab().at(&format!("http://{place}"));
    for width in [1280, 390] {
        wall.is_wide(width);
        wall.goes_to("/")
            .waits_for("#members", "2 of 2 members here now");
        let fits = wall.runs("return document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, true, "{width}");
    }
    bob.mine();
    wall.waits_for("#tip .balance", "1");
    wall.waits_for("#blocks", "bob");
    alice.mine();
    wall.waits_for("#tip .balance", "2");
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_attack_a_page_of_elsewhere_spends_nothing() {
    let Some(driver) = browser("foreign pages") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.mine();
    let hers = enter(driver.tab(), &alice);
    let target = alice.api().unwrap().address;
    // A page at another port of this machine: the same site, so that cookies come along, and no friend.
    let evil = enter(driver.another_tab(), &bob);
    evil.runs(&format!("window.sent = fetch('http://{target}/pay', {{method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams({{to: 'bob', amount: 5}})}}).catch(() => {{}})"));
    evil.open(&format!(
        "data:text/html,<form method=post action='http://{target}/pay'><input name=to value=bob><input name=amount value=5><button>x</button></form>"
    ));
    evil.presses("button").waits_for("h1", "From another page");
    hers.front();
    hers.goes_to("/pay/account")
        .waits_for("#list", "You have 50 coins");
    assert_eq!(
        hers.runs("return document.querySelectorAll('#list tr[data-key]').length"),
        1,
        "the block that she mined"
    );
    hers.goes_to("/pay/outbox")
        .waits_for("#list", "Nothing is on its way");
    assert_eq!(alice.balance("alice"), 50);
}
