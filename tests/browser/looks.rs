//! How the pages look, and what they load: at every width, light and dark, with names, notes and numbers at
//! their longest.

use crate::support::{Lab, Node, agree, secret_in};
use crate::{Tab, browser, enter};
use raclette::keys::{SecretKey, WalletFile};
use raclette::owner::answers::{OpenedView, RecordRequest, RecordedView};
use serde_json::json;
use std::fs;

/// A note of somebody who means no good.
pub const HOSTILE: &str = "<script>document.title='owned'</script><img src=x onerror=alert(1)><b>bold</b> \u{1b}[31mred \u{202e}dleif \u{200b}zero &amp; עברית";

/// The same, as short as a choice of a ballot.
const MARKUP: &str =
    "<script>document.title='owned'</script><b>bold</b> \u{202e}dleif \u{200b}zero עברית";

/// The longest name that there is.
pub const LONG: &str = "bartholomew-of-the-long-name-123";

/// The topic of the records that are looked at.
pub const TOPIC: &str = "guest-book";

/// Opens a ballot that asks this, with choices that mean no good, for two who may vote, and adds a record.
pub fn ballot_and_record(opener: &Node, question: &str, roll: [&str; 2]) -> String {
    let opened: OpenedView = opener
        .try_post(
            "/ballots/open",
            json!({"question": question, "choices": ["Rome", MARKUP], "roll": {"keys": roll}}),
        )
        .unwrap();
    let record = RecordRequest::new(TOPIC, HOSTILE.as_bytes());
    let _: RecordedView = opener.try_post("/records", record).unwrap();
    opened.ballot.to_string()
}

/// Every page there is, for a member of this name, one send and one ballot.
pub fn pages(name: &str, sent: &str, ballot: &str) -> Vec<(&'static str, String)> {
    vec![
        ("home", "/".into()),
        ("pay", "/pay".into()),
        ("member-talk", format!("/pay/with/{name}")),
        ("inbox", "/pay/inbox".into()),
        ("outbox", "/pay/outbox".into()),
        ("failed", "/pay/outbox?failed=1".into()),
        ("account", "/pay/account".into()),
        ("sent", format!("/pay/sent/{sent}")),
        ("members", "/members".into()),
        ("member", format!("/members/{name}")),
        ("network", "/network".into()),
        ("node", "/network/node".into()),
        ("log", "/network/log?level=debug".into()),
        ("open", "/network/open".into()),
        ("blocks", "/network/blocks".into()),
        ("block", "/network/blocks/1".into()),
        ("genesis", "/network/blocks/0".into()),
        ("transaction", format!("/network/transactions/{sent}")),
        ("votes", "/votes".into()),
        ("ballot", format!("/votes/{ballot}")),
        ("topics", "/votes/records".into()),
        ("records", format!("/votes/records/{TOPIC}")),
        ("me", "/me".into()),
        ("search", "/search?q=nothing-like-it".into()),
        ("nothing", "/pay/nothing/here".into()),
    ]
}

#[test]
fn browser_no_page_scrolls_sideways_complains_or_loads_from_elsewhere() {
    let Some(driver) = browser("looks") else {
        return;
    };
    // All coins there can be are alice's.
    let mut lab = Lab::prepare("block_interval_ms = 100\nstart_work = 64\nreward = 0\n");
    let mut alice = lab.prepare_peer("alice");
    fs::create_dir_all(&alice.data_dir).unwrap();
    let key = SecretKey::draw(&raclette::entropy::OsEntropy);
    WalletFile::new(alice.data_dir.join("key.pem"))
        .create(&key, None)
        .unwrap();
    let address = secret_in(&alice.data_dir.join("key.pem"))
        .public_key()
        .to_address();
    let settings = fs::read_to_string(&lab.tracker.config).unwrap();
    let all = format!(
        "{settings}allocations = [{{ address = \"{address}\", amount = 9223372036854775807 }}]\n"
    );
    fs::write(&lab.tracker.config, all).unwrap();
    lab.tracker.start();
    alice.start();
    alice.joins();
    let other = lab.peer(LONG);
    alice.has_sessions(1);
    let sent = alice.send(LONG, 1);
    let note = other.command(["send", "alice", "0", "--note", HOSTILE]);
    assert!(note.status.success(), "{note:?}");
    let ballot = ballot_and_record(&alice, MARKUP, ["alice", LONG]);
    alice.mine();
    agree(&[&alice, &other]);
    let vote = alice.command(["vote", "cast", &ballot, "Rome"]);
    assert!(vote.status.success(), "{vote:?}");
    alice.mine();
    alice.send(LONG, 9_223_372_036_854_775_000);

    let tab = enter(driver.tab(), &alice);
    driver.complaints();
    for dark in [false, true] {
        for width in [1280, 390, 320] {
            tab.is_wide(width).likes_dark(dark);
            for (name, path) in pages(LONG, &sent, &ballot) {
                tab.goes_to(&path);
                let found = tab.runs(
                    "return {wide: document.documentElement.scrollWidth, is: innerWidth, title: document.title, \
                     markup: document.querySelectorAll('main script, main b, main img').length, \
                     hidden: /[\\u001b\\u202e\\u200b]/.test(document.body.innerText), \
                     small: [...document.querySelectorAll('button, .button, .bar a')].filter(one => one.offsetParent && one.getBoundingClientRect().height < 43).map(one => one.outerHTML), \
                     elsewhere: performance.getEntriesByType('resource').map(one => one.name).filter(one => !one.startsWith(location.origin))}",
                );
                let at = format!("{name} at {width}, dark: {dark}");
                assert!(
                    found["wide"].as_u64() <= found["is"].as_u64(),
                    "{at}: {found}"
                );
                assert_eq!(found["markup"], 0, "{at}: {found}");
                assert_eq!(found["hidden"], false, "{at}: {found}");
                assert_ne!(found["title"], "owned", "{at}");
                assert_eq!(found["small"], serde_json::json!([]), "{at}");
                assert_eq!(found["elsewhere"], serde_json::json!([]), "{at}");
                assert_eq!(crate::care::faults(&tab), Vec::<String>::new(), "{at}");
            }
        }
    }
    tab.is_wide(1280).goes_to("/");
    let bytes = first_load(&tab);
    assert!((20_000..80_000).contains(&bytes), "{bytes}");
    // The most that one can have is wider than all that there can be at the beginning.
    for width in [320, 1280] {
        tab.is_wide(width).goes_to("/");
        let fits = tab.runs(
            "for (const one of document.querySelectorAll('.balance')) one.textContent = '18\\u202f446\\u202f744\\u202f073\\u202f709\\u202f551\\u202f615 coins'; \
             return document.querySelector('.balance') !== null && document.documentElement.scrollWidth <= innerWidth",
        );
        assert_eq!(fits, true, "at {width}");
    }
    let complaints = driver.complaints();
    let others: Vec<_> = complaints
        .iter()
        .filter(|one| !one.contains("404"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

/// What a first load of the page that a tab shows takes, in bytes: the page, and all that it names.
pub fn first_load(tab: &Tab) -> u64 {
    let bytes = tab.runs(
        "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]\
         .filter(one => one.initiatorType !== 'fetch').reduce((sum, one) => sum + one.decodedBodySize, 0)",
    );
    bytes.as_u64().unwrap_or_else(|| panic!("{bytes}"))
}
