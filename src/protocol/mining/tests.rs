mod any_order;
mod clocks;

use super::*;
use crate::chain::testing::START;
use crate::chain::testing::{Node, member};
use crate::chain::{PeerFault, Timestamp};
use crate::clock::{BEGUN, STARTED};
use crate::protocol::clocks::{ClockState, Clocks, Reading};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A template upon genesis; what is in it does not matter to mining.
fn template() -> Template {
    let node = Node::new();
    let to = member(1).public_key();
    node.ledger.template(to, &node.disk, START).unwrap()
}

/// How far blocks may be ahead of clocks here.
const MAX_AHEAD_MS: u64 = 30_000;
const HOUR_MS: u64 = 3_600_000;

/// What most others say of our clock if theirs say `right`.
fn others_say(right: Timestamp, now: Now) -> OwnClock {
    let mut clocks = Clocks::new(now);
    for number in [1, 2, 3] {
        let reading = Reading::new(right, now.steady, now).unwrap();
        let _ = clocks.heard(member(number).public_key(), reading, now);
    }
    clocks.own()
}

fn searching() -> (Mining, JobId) {
    let mut mining = Mining::new(Mode::Always, MAX_AHEAD_MS);
    assert_eq!(mining.start(), [Effect::GetTemplate]);
    match &mining.template(template(), BEGUN, OwnClock::UNKNOWN)[..] {
        [Effect::Search(job, ..)] => (mining, *job),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_is_made_anew_after_its_time_and_its_nonce_counts_until_then() {
    let (mut mining, job) = searching();
    assert_eq!(mining.tick(STARTED.plus_ms(REFRESH_MS - 1)), []);
    assert_eq!(
        mining.tick(STARTED.plus_ms(REFRESH_MS)),
        [Effect::GetTemplate]
    );
    // The old search goes on while the new template is on its way, and what it finds is good.
    let found = mining.found(job, 9);
    assert_eq!(found, [Effect::Submit(template().solved(9))]);
    // The template comes after all: the block is being judged, nothing is searched for.
    assert_eq!(mining.template(template(), BEGUN, OwnClock::UNKNOWN), []);
}

#[test]
fn jobs_on_one_header_take_its_nonces_part_by_part() {
    let (mut mining, job) = searching();
    // A refresh that brings nothing new leaves the search alone.
    assert_eq!(
        mining.tick(STARTED.plus_ms(REFRESH_MS)),
        [Effect::GetTemplate]
    );
    assert_eq!(mining.template(template(), BEGUN, OwnClock::UNKNOWN), []);
    assert_eq!(mining.exhausted(job), [Effect::Stop, Effect::GetTemplate]);
    for expected in 1..=u16::MAX {
        let begun = mining.template(template(), BEGUN, OwnClock::UNKNOWN);
        let [Effect::Search(job, _, part)] = begun[..] else {
            panic!("{begun:?}");
        };
        assert_eq!(part, Part(expected));
        let _ = mining.exhausted(job);
    }
    // All were tried: it waits for another header.
    assert_eq!(mining.template(template(), BEGUN, OwnClock::UNKNOWN), []);
    assert_eq!(mining.tick(STARTED.plus_ms(REST_MS)), [Effect::GetTemplate]);
    let mut later = template();
    later.header.timestamp = START.plus_ms(REST_MS);
    let begun = mining.template(later.clone(), BEGUN, OwnClock::UNKNOWN);
    assert!(matches!(&begun[..], [Effect::Search(_, template, Part(0))] if *template == later));
}

proptest! {
    #[test]
    fn no_two_threads_and_no_two_parts_share_a_nonce(
        (threads, one, other) in prop_oneof![1..=4_u16, 1..=256_u16]
            .prop_flat_map(|n| (Just(n), 0..n, 0..n)),
        (part, next) in any::<u16>().prop_flat_map(|part| {
            (Just(part), prop_oneof![Just(part), Just(part.wrapping_add(1)), any::<u16>()])
        }),
    ) {
        let (own, others) = (Part(part).share(one, threads), Part(next).share(other, threads));
        prop_assert!(!own.is_empty());
        if (part, one) != (next, other) {
            prop_assert!(own.end <= others.start || others.end <= own.start);
        }
    }
}

#[test]
fn a_template_from_before_the_tip_moved_is_not_searched() {
    let mut mining = Mining::new(Mode::Always, MAX_AHEAD_MS);
    assert_eq!(mining.start(), [Effect::GetTemplate]);
    assert_eq!(mining.tip_moved(), []);
    assert_eq!(
        mining.template(template(), BEGUN, OwnClock::UNKNOWN),
        [Effect::GetTemplate]
    );
    let begun = mining.template(template(), BEGUN, OwnClock::UNKNOWN);
    assert!(matches!(begun[..], [Effect::Search(..)]));
}

#[test]
fn news_of_a_better_block_rests_the_search_for_its_time_and_no_longer() {
    let (mut mining, job) = searching();
    assert_eq!(mining.better_seen(STARTED), [Effect::Stop]);
    assert_eq!(mining.found(job, 1), []);
    // More news does not make the rest longer.
    assert_eq!(mining.better_seen(STARTED.plus_ms(REST_MS - 1)), []);
    assert_eq!(mining.tick(STARTED.plus_ms(REST_MS - 1)), []);
    assert_eq!(mining.tick(STARTED.plus_ms(REST_MS)), [Effect::GetTemplate]);
}

#[test]
fn a_moved_tip_ends_the_rest_and_the_search() {
    let (mut mining, job) = searching();
    assert_eq!(mining.tip_moved(), [Effect::Stop, Effect::GetTemplate]);
    assert_eq!(mining.found(job, 1), []);
    let (mut mining, _) = searching();
    assert_eq!(mining.better_seen(STARTED), [Effect::Stop]);
    assert_eq!(mining.tip_moved(), [Effect::GetTemplate]);
}

#[test]
fn mining_when_pending_stops_as_soon_as_nothing_is() {
    let mut mining = Mining::new(Mode::WhenPending, MAX_AHEAD_MS);
    assert_eq!(mining.start(), []);
    assert_eq!(mining.open_changed(1), [Effect::GetTemplate]);
    let begun = mining.template(template(), BEGUN, OwnClock::UNKNOWN);
    assert!(matches!(begun[..], [Effect::Search(..)]));
    assert_eq!(mining.open_changed(2), []);
    assert_eq!(mining.open_changed(0), [Effect::Stop]);
}

#[test]
fn a_mode_that_is_set_counts_at_once() {
    let mut mining = Mining::new(Mode::OnCommand, MAX_AHEAD_MS);
    assert_eq!(mining.start(), []);
    assert_eq!(mining.set_mode(Mode::Always), [Effect::GetTemplate]);
    let begun = mining.template(template(), BEGUN, OwnClock::UNKNOWN);
    let [Effect::Search(job, ..)] = begun[..] else {
        panic!("{begun:?}");
    };
    assert_eq!(mining.set_mode(Mode::Always), [], "it goes on");
    let _ = mining.found(job, 5);
    let lost = mining.judged(&template().solved(5), &BlockOutcome::LostRace, STARTED);
    assert_eq!(lost, [Effect::GetTemplate]);
    assert_eq!((mining.mined(), mining.races_lost()), (0, 1));
    let _ = mining.template(template(), BEGUN, OwnClock::UNKNOWN);
    assert_eq!(mining.set_mode(Mode::OnCommand), [Effect::Stop]);
    assert!(mining.is_idle());
}

#[test]
fn more_requests_than_may_wait_are_refused() {
    let mut mining = Mining::new(Mode::OnCommand, MAX_AHEAD_MS);
    for n in 0..MAX_WAITING as u64 {
        assert!(mining.asked(Request(n)).is_some());
    }
    assert_eq!(mining.asked(Request(99)), None);
    let _ = mining.gave_up(Request(3));
    assert!(mining.asked(Request(99)).is_some());
}

#[test]
fn an_answer_tells_of_the_work_and_the_lost_races() {
    let mut mining = Mining::new(Mode::OnCommand, MAX_AHEAD_MS);
    assert_eq!(mining.asked(Request(1)), Some(vec![Effect::GetTemplate]));
    let _ = mining.template(template(), BEGUN, OwnClock::UNKNOWN);
    mining.tried(100);
    let _ = mining.tip_moved();
    let begun = mining.template(template(), BEGUN.plus_ms(300), OwnClock::UNKNOWN);
    let [Effect::Search(job, ..)] = begun[..] else {
        panic!("{begun:?}");
    };
    mining.tried(50);
    let _ = mining.found(job, 5);
    let block = template().solved(5);
    let now = STARTED.plus_ms(700);
    let answered = mining.judged(&block, &BlockOutcome::Accepted, now);
    let success = Success {
        id: block.id(),
        height: block.header.height,
        transactions: 1,
        tries: 150,
        elapsed_ms: 700,
        races_lost: 1,
    };
    assert_eq!(answered, [Effect::Answer(Request(1), Ok(success))]);
    assert_eq!(mining.mined(), 1);
}

#[test]
fn a_race_is_lost_once_whether_or_not_the_news_came_before_the_block() {
    for news_first in [false, true] {
        let (mut mining, _) = searching();
        assert!(mining.asked(Request(1)).is_some());
        if news_first {
            let _ = mining.better_seen(STARTED);
        }
        assert!(mining.tip_moved().contains(&Effect::GetTemplate));
        let searched = mining.template(template(), BEGUN, OwnClock::UNKNOWN);
        let [Effect::Search(job, ..)] = searched.as_slice() else {
            panic!("{searched:?}");
        };
        let found = mining.found(*job, 0);
        let [.., Effect::Submit(block)] = found.as_slice() else {
            panic!("{found:?}");
        };
        let answers = mining.judged(block, &BlockOutcome::Accepted, STARTED);
        let lost = answers.iter().find_map(|effect| match effect {
            Effect::Answer(_, Ok(success)) => Some(success.races_lost),
            _ => None,
        });
        assert_eq!(lost, Some(1), "{news_first}");
    }
}
