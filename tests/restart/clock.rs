//! A clock that somebody sets back, or forth, while the node runs.

use super::support::{Lab, Node, ShiftedClock, so, wait_until, wait_within};
use raclette::owner::Code;
use raclette::owner::answers::ClockStateView;
use std::time::Duration;

/// Blocks whose times may lie so far ahead of a clock (6 intervals) that a jump does not part the two.
const NETWORK: &str = "block_interval_ms = 20000\nstart_work = 64\n";
/// By how much the clock is set back, in seconds.
const BACK: i64 = -90;
/// How long anything may take that takes a fraction of a second: far less than the jump.
const SOON: Duration = Duration::from_secs(30);

/// Whether a payment from one is open at the other soon, and mined by the other soon after.
fn pays_and_mines(from: &Node, to: &Node) {
    let payment = from.send(&to.name, 1);
    wait_within(SOON, "the payment is open at the other", || {
        so(to.open().contains(&payment), "it is not")
    });
    let block = to.mine().id.to_string();
    wait_within(SOON, "the block is the tip of both", || {
        let tip = from.tip();
        so(tip.1 == block, format!("{tip:?}"))
    });
}

/// A peer whose clock is wrong by as many seconds as are set; right until then.
fn with_shifted_clock(lab: &Lab, name: &str) -> (Node, impl Fn(i64) + use<>) {
    let clock = ShiftedClock::make(lab.directory());
    let mut node = lab.prepare_peer(name);
    node.environment = clock.environment();
    (node, move |seconds| clock.set(seconds))
}

/// Waits until the node says that about its clock, to the minute.
fn finds_its_clock(node: &Node, state: ClockStateView, by_seconds: i64) {
    let by_ms = by_seconds.unsigned_abs() * 1_000;
    wait_within(SOON, "the clock is compared", || {
        let clock = node.status().clock;
        let is_found = clock.state == state && clock.by_ms.abs_diff(by_ms) <= 60_000;
        so(is_found, format!("{clock:?}"))
    });
}

/// A day behind, `mine` waited without a word; three hours ahead, it said "mined" of a block that everybody
/// else held back.
#[test]
fn restart_or_not_who_mines_with_a_wrong_clock_is_told_so_at_once() {
    let lab = Lab::start_with(NETWORK);
    let (mut alice, set) = with_shifted_clock(&lab, "alice");
    alice.start().joins();
    let bob = lab.peer("bob");
    alice.has_sessions(1);
    alice.mine();
    finds_its_clock(&alice, ClockStateView::Right, 0);
    let cases = [
        (-86_400, ClockStateView::Behind, "24 hours behind"),
        (3 * 3_600, ClockStateView::Ahead, "3 hours ahead"),
        (30 * 86_400, ClockStateView::Ahead, "30 days ahead"),
    ];
    for (seconds, state, words) in cases {
        set(seconds);
        finds_its_clock(&alice, state, seconds);
        let refused = alice.try_mine().expect_err("nobody would take it");
        assert_eq!(refused.error.code, Code::WrongClock.to_string());
        assert!(refused.error.detail.contains(words), "{refused:?}");
        let typed = alice.command(["status"]);
        let shown = String::from_utf8_lossy(&typed.stdout).into_owned();
        assert!(shown.contains(words), "{shown}");
        // Said once, however often it is looked.
        let said = alice.output();
        let told = said.lines().filter(|line| line.contains("set it right"));
        let told = told
            .filter(|line| line.contains("everybody else's"))
            .count();
        let before = cases.iter().take_while(|case| case.0 != seconds).count();
        assert_eq!(told, before + 1, "{said}");
    }
    // The clock of the other was right all the time.
    assert_ne!(bob.status().clock.state, ClockStateView::Ahead);
    assert_ne!(bob.status().clock.state, ClockStateView::Behind);
    set(0);
    finds_its_clock(&alice, ClockStateView::Right, 0);
    wait_until("she says that it is right again", || {
        let said = alice.output();
        so(said.contains("right again"), said)
    });
    bob.reaches(&alice.mine().id.to_string());
}

#[test]
fn restart_or_not_a_clock_that_is_set_back_stops_nothing() {
    let lab = Lab::start_with(NETWORK);
    let (mut alice, set) = with_shifted_clock(&lab, "alice");
    alice.start().joins();
    let mut bob = lab.peer("bob");
    alice.has_sessions(1);
    for node in [&alice, &bob] {
        node.mine();
    }
    pays_and_mines(&alice, &bob);
    set(BACK);
    pays_and_mines(&alice, &bob);
    pays_and_mines(&bob, &alice);
    // Whoever was away is found again as soon as ever.
    bob.stop();
    alice.has_sessions(0);
    bob.start().joins();
    wait_within(SOON, "they are connected again", || {
        let sessions = alice.chain().sessions;
        so(sessions == 1, sessions)
    });
    set(0);
    pays_and_mines(&alice, &bob);
    alice.stop();
    set(BACK);
    alice.start().joins();
    pays_and_mines(&bob, &alice);
    alice.verify_chain();
}
