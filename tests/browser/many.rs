//! Many: members, tabs, readers who do not read.

use crate::looks::first_load;
use crate::support::{Crowd, Grown, Lab, Node, so, wait_until, wait_within};
use crate::{browser, care, enter};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Members beside alice.
const MEMBERS: usize = 499;

/// More than five hundred handshakes take on a busy machine of two cores.
const PATIENCE: Duration = Duration::from_secs(180);

/// A lab whose network has five hundred members, of which one is alice, and whose chain has so many blocks.
fn five_hundred(blocks: u64) -> (Lab, Node, Crowd) {
    let lab = Lab::start();
    let mut alice = lab.prepare_peer("alice");
    if blocks > 0 {
        Grown::new(&lab, blocks).give(&alice);
    }
    alice.start();
    alice.joins();
    let network = alice.chain().network.id.unwrap();
    let crowd = Crowd::start(
        lab.tracker.listen,
        (network, lab.tracker_key()),
        MEMBERS,
        0,
        0,
    );
    wait_within(PATIENCE, "alice knows all", || {
        let known = alice.peers().peers.len();
        so(known > MEMBERS, known)
    });
    (lab, alice, crowd)
}

#[test]
fn browser_five_hundred_members_are_shown_found_and_written_to() {
    let Some(driver) = browser("five hundred members") else {
        return;
    };
    let (_lab, alice, _crowd) = five_hundred(0);
    let tab = enter(driver.tab(), &alice);
    driver.complaints();
    for width in [1280, 390] {
        tab.is_wide(width);
        for path in PAGES {
            tab.goes_to(path);
            let fits = tab.runs("return document.documentElement.scrollWidth <= innerWidth");
            assert_eq!(fits, true, "{path} at {width}");
            assert_eq!(
                care::faults(&tab),
                Vec::<String>::new(),
                "{path} at {width}"
            );
            let bytes = first_load(&tab);
            assert!((20_000..80_000).contains(&bytes), "{path}: {bytes} bytes");
        }
    }
    // All of them are there, page by page, and each once.
    let mut seen = BTreeSet::new();
    tab.goes_to("/members").waits_for("#members", "500 members");
    loop {
        let rows = "return [...document.querySelectorAll('#members tbody tr')].map((row) => row.dataset.key)";
        let rows = tab.runs(rows);
        for name in rows.as_array().unwrap() {
            assert!(seen.insert(name.to_string()), "{name} is there twice");
        }
        let more = "const more = [...document.links].find((link) => link.textContent === 'More members'); return more ? more.getAttribute('href') : null";
        match tab.runs(more).as_str() {
            Some(more) => tab.goes_to(&format!("/members{more}")),
            None => break,
        };
    }
    assert_eq!(seen.len(), MEMBERS + 1);
    tab.goes_to("/members").types("#matching", "m48");
    tab.presses("#main .search button");
    tab.waits_for("#members", "m487");
    tab.goes_to("/pay").types("#to", "m32");
    tab.waits_until(
        "names are offered as one types",
        "return [...document.querySelectorAll('datalist option')].some((one) => one.value === 'm321')",
    );
    tab.types("#to", "1").types("#note", "hello");
    tab.presses("form.sending button.main");
    tab.waits_for("#state", "");
    tab.goes_to("/")
        .types("#q", "m48")
        .presses(".search button");
    tab.waits_for("main", "m48");
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_eight_tabs_follow_one_stream_and_each_other() {
    let Some(driver) = browser("eight tabs") else {
        return;
    };
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.has_sessions(1);
    let first = enter(driver.tab(), &alice);
    let base = format!("http://{}", alice.api().unwrap().address);
    let tabs: Vec<_> = (0..7).map(|_| driver.another_tab().at(&base)).collect();
    for tab in &tabs {
        tab.goes_to("/network")
            .waits_for("#chain-facts", "Last block");
    }
    bob.mine();
    // Each of them shows it once it is looked at, and the tab that leads may go.
    for tab in &tabs {
        tab.front();
        tab.waits_for("#chain-facts", "2 blocks");
    }
    first.front();
    first.open("about:blank");
    bob.mine();
    for tab in &tabs {
        tab.front();
        tab.waits_for("#chain-facts", "3 blocks");
        let live = "return !document.body.classList.contains('stale')";
        tab.waits_until("it is live", live);
    }
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[test]
fn browser_attack_a_hundred_who_follow_and_never_read_cost_little() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.has_sessions(1);
    let api = alice.api().unwrap();
    let before = alice.resident_bytes();
    let follow = || {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let ask = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
            api.address, api.token
        );
        stream.write_all(ask.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (String::from_utf8(status.to_vec()).unwrap(), stream)
    };
    let slow: Vec<_> = (0..100).map(|_| follow()).collect();
    let let_in = slow
        .iter()
        .filter(|(status, _)| status.ends_with("200"))
        .count();
    let refused = slow
        .iter()
        .filter(|(status, _)| status.ends_with("503") || status.ends_with("429"));
    assert_eq!((let_in, refused.count()), (50, 50));
    // Thousands of events pass them by.
    alice
        .try_post::<serde_json::Value>("/mining/mode", json!({"mode": "always"}))
        .unwrap();
    wait_until("blocks come", || so(bob.height() >= 200, bob.height()));
    alice
        .try_post::<serde_json::Value>("/mining/mode", json!({"mode": "on-command"}))
        .unwrap();
    let grown = alice.resident_bytes().saturating_sub(before);
    assert!(grown < 256 * 1024 * 1024, "{grown} bytes");
    // Others are served all the while, and their places come free when they go.
    assert!(alice.status().chain.is_some());
    drop(slow);
    wait_until("a place is free", || {
        let (status, _stream) = follow();
        so(status.ends_with("200"), status)
    });
}

/// The pages whose figures stand in docs/figures.md: each is opened, and its first load measured.
const PAGES: &[&str] = &[
    "/",
    "/pay",
    "/pay/with/m7",
    "/pay/inbox",
    "/pay/account",
    "/members",
    "/members/m498",
    "/votes",
    "/votes/records",
    "/network",
    "/network/blocks",
    "/search?q=m4",
    "/me",
    "/network/node",
    "/network/log",
];

/// How a page is timed: so often, after it was made once.
const ROUNDS: u32 = 20;

#[test]
#[ignore = "measures; its figures stand in docs/figures.md"]
fn figures_of_the_pages_with_five_hundred_members() {
    let driver = browser("figures").expect("a browser is needed");
    let blocks = std::env::var("FIGURES_BLOCKS").map_or(0, |blocks| blocks.parse().unwrap());
    let (_lab, alice, _crowd) = five_hundred(blocks);
    let tab = enter(driver.tab(), &alice);
    let middle = format!("/network/blocks/{}", blocks / 2);
    for path in PAGES.iter().copied().chain([middle.as_str()]) {
        tab.goes_to(path);
        let script = format!(
            "const times = []; let bytes = 0; for (let i = 0; i < {ROUNDS}; i++) {{ const asked = new XMLHttpRequest(); \
             asked.open('GET', '{path}', false); const at = performance.now(); asked.send(); \
             times.push(performance.now() - at); bytes = asked.responseText.length; }} \
             times.sort((a, b) => a - b); return [times[{}], bytes]",
            ROUNDS / 2
        );
        let (before, begun) = (alice.cpu_seconds(), Instant::now());
        let found = tab.runs(&script);
        let cpu = (alice.cpu_seconds() - before) * 1e3 / f64::from(ROUNDS);
        crate::driver::say(&format!(
            "{path}: {cpu:.1} ms of CPU (two beats and its rest within {} ms, too), median {} ms, {} characters",
            begun.elapsed().as_millis(),
            found[0],
            found[1]
        ));
    }
    // The longest task of the page's own thread while it is made live anew.
    tab.goes_to("/members");
    tab.runs("window.longest = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration); }).observe({entryTypes: ['longtask']})");
    for _ in 0..30 {
        alice.mine();
    }
    let heap = |tab: &crate::Tab| {
        driver.devtools("HeapProfiler.collectGarbage", json!({}));
        tab.front();
        driver.devtools("Runtime.getHeapUsage", json!({}))["usedSize"]
            .as_f64()
            .unwrap()
            / 1e6
    };
    let early = heap(&tab);
    for _ in 0..300 {
        alice.mine();
    }
    crate::driver::say(&format!(
        "longest task {} ms (0: none above 50); heap {early:.1} MB after 30 blocks, {:.1} MB after 330",
        tab.runs("return window.longest"),
        heap(&tab)
    ));
}
