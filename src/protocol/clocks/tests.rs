use super::*;
use crate::chain::testing::member;
use crate::clock::BEGUN;
use proptest::prelude::*;

const DAY_MS: u64 = 86_400_000;

fn key(number: u8) -> PublicKey {
    member(number).public_key()
}

/// What somebody says whose clock is so far ahead of ours, at once.
fn reading(ahead_ms: i64, now: Now) -> Reading {
    let told = Timestamp(now.wall.0.saturating_add_signed(ahead_ms));
    Reading::new(told, now.steady, now).unwrap()
}

/// A machine that was told the time by these, in their order.
fn told_by(ahead_ms: &[i64]) -> (Clocks, Vec<Effect>) {
    let mut clocks = Clocks::new(BEGUN);
    let mut effects = Vec::new();
    for (number, ahead_ms) in (1..).zip(ahead_ms) {
        effects.extend(clocks.heard(key(number), reading(*ahead_ms, BEGUN), BEGUN));
    }
    (clocks, effects)
}

#[test]
fn a_clock_a_day_behind_that_of_all_others_is_behind_and_said_so_once() {
    let day = DAY_MS as i64;
    let (clocks, effects) = told_by(&[day, day + 40, day - 40, day]);
    assert_eq!(effects, [Effect::Tell(ClockState::Behind(DAY_MS))]);
    assert_eq!(clocks.own().state(), ClockState::Behind(DAY_MS));
    let network = clocks.own().of_others(BEGUN.wall);
    assert_eq!(network, BEGUN.wall.plus_ms(DAY_MS));
}

#[test]
fn a_clock_three_hours_ahead_of_all_others_is_ahead() {
    let three = 3 * 3_600_000;
    let (clocks, effects) = told_by(&[-three, -three]);
    assert_eq!(clocks.own().state(), ClockState::Ahead(three as u64));
    assert_eq!(effects, [Effect::Tell(clocks.own().state())]);
}

#[test]
fn nobody_is_convinced_by_one_alone_nor_by_half() {
    let day = DAY_MS as i64;
    assert_eq!(told_by(&[]).0.own().state(), ClockState::Unknown);
    assert_eq!(told_by(&[day]).0.own().state(), ClockState::Unknown);
    assert_eq!(told_by(&[day, 0]).0.own().state(), ClockState::Right);
    assert_eq!(told_by(&[day, -day]).0.own().state(), ClockState::Right);
    assert_eq!(
        told_by(&[day, 0, day, 0]).0.own().state(),
        ClockState::Right
    );
    assert_eq!(
        told_by(&[day, 0, day]).0.own().state(),
        ClockState::Behind(DAY_MS)
    );
}

#[test]
fn who_is_asked_twice_counts_once() {
    let mut clocks = Clocks::new(BEGUN);
    for _ in 0..5 {
        let told = clocks.heard(key(1), reading(DAY_MS as i64, BEGUN), BEGUN);
        assert_eq!(told, []);
    }
    assert_eq!(clocks.own().state(), ClockState::Unknown);
}

/// The other said it somewhere on the way: as far as it may have been, nobody is blamed.
#[test]
fn the_time_on_the_way_is_held_against_nobody() {
    let took_ms = 3_000;
    let heard = BEGUN.plus_ms(took_ms);
    for ahead_ms in 0..=took_ms {
        let told = BEGUN.wall.plus_ms(ahead_ms);
        let reading = Reading::new(told, BEGUN.steady, heard).unwrap();
        assert_eq!(reading.ahead_ms, 0, "{ahead_ms}");
    }
    let read = |told| {
        let reading = Reading::new(told, BEGUN.steady, heard);
        reading.unwrap().ahead_ms
    };
    assert_eq!(read(heard.wall.plus_ms(7)), 7);
    assert_eq!(read(Timestamp(BEGUN.wall.0 - 7)), -7);
    let late = BEGUN.plus_ms(LONGEST_ANSWER_MS + 1);
    assert_eq!(Reading::new(late.wall, BEGUN.steady, late), None);
}

/// Our clock is set while the answer is on its way.
#[test]
fn a_clock_that_is_set_during_a_question_is_read_as_it_is_now() {
    let heard = Now {
        wall: BEGUN.wall.plus_ms(DAY_MS),
        steady: BEGUN.steady.plus_ms(100),
    };
    let told = BEGUN.wall.plus_ms(50);
    let reading = Reading::new(told, BEGUN.steady, heard).unwrap();
    assert_eq!(reading.ahead_ms, -(DAY_MS as i64) + 50 + 100);
}

#[test]
fn a_clock_that_is_set_forgets_what_it_was_compared_with_and_has_all_asked_again() {
    let (mut clocks, _) = told_by(&[0, 0, 0]);
    assert_eq!(clocks.own().state(), ClockState::Right);
    // Somebody sets it 30 days ahead, and nothing else has changed.
    let wrong = Now {
        wall: BEGUN.wall.plus_ms(30 * DAY_MS),
        steady: BEGUN.steady.plus_ms(100),
    };
    assert_eq!(clocks.tick(wrong), [Effect::AskAll]);
    assert_eq!(clocks.own().state(), ClockState::Unknown);
    let ahead = -30 * DAY_MS as i64;
    assert_eq!(clocks.heard(key(1), reading(ahead, wrong), wrong), []);
    let told = clocks.heard(key(2), reading(ahead, wrong), wrong);
    assert_eq!(told, [Effect::Tell(ClockState::Ahead(30 * DAY_MS))]);
    // And right again: said once as well.
    let right = BEGUN.plus_ms(5_000);
    assert_eq!(clocks.tick(right), [Effect::AskAll]);
    assert_eq!(clocks.heard(key(1), reading(0, right), right), []);
    let told = clocks.heard(key(2), reading(0, right), right);
    assert_eq!(told, [Effect::Tell(ClockState::Right)]);
    assert_eq!(clocks.heard(key(3), reading(0, right), right), []);
}

/// 1970, until the network sets it.
#[test]
fn a_clock_that_begins_in_1970_is_behind_by_years() {
    let begun = Now {
        wall: Timestamp(0),
        ..BEGUN
    };
    let mut clocks = Clocks::new(begun);
    let told = |number| Reading::new(BEGUN.wall, begun.steady, begun).map(|r| (key(number), r));
    for (from, reading) in [told(1), told(2)].into_iter().flatten() {
        let _ = clocks.heard(from, reading, begun);
    }
    assert_eq!(
        clocks.own().state(),
        ClockState::Behind(about(BEGUN.wall.0))
    );
}

#[test]
fn a_wrong_clock_is_told_again_only_when_it_is_wrong_otherwise() {
    let mut clocks = Clocks::new(BEGUN);
    let mut told = Vec::new();
    for ahead_ms in [20_000, 21_000, 29_000, 31_000, 32_000, 90_000] {
        for number in [1, 2] {
            told.extend(clocks.heard(key(number), reading(ahead_ms, BEGUN), BEGUN));
        }
    }
    let behind = |ms| Effect::Tell(ClockState::Behind(ms));
    assert_eq!(told, [behind(20_000), behind(31_000), behind(90_000)]);
}

#[test]
fn all_are_asked_again_every_ten_minutes_and_who_answers_no_more_counts_no_more() {
    let (mut clocks, _) = told_by(&[0, 0]);
    let mut asked = 0;
    for minute in 1..=29 {
        let told = clocks.tick(BEGUN.plus_ms(60_000 * minute));
        asked += usize::from(told == [Effect::AskAll]);
        assert_eq!(
            clocks.own().state(),
            ClockState::Right,
            "after {minute} minutes"
        );
    }
    assert_eq!(asked, 2);
    let _ = clocks.tick(BEGUN.plus_ms(COUNTS_MS));
    assert_eq!(clocks.own().state(), ClockState::Unknown);
}

proptest! {
    /// Keys cost nothing: memory stays bounded.
    #[test]
    fn readings_are_bounded_and_times_of_any_size_are_taken(
        times in prop::collection::vec(any::<u64>(), 300..400),
        own: u64,
    ) {
        let now = Now { wall: Timestamp(own), ..BEGUN };
        let mut clocks = Clocks::new(now);
        for (number, time) in (0u64..).zip(times) {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            if let Some(reading) = Reading::new(Timestamp(time), now.steady, now) {
                let _ = clocks.heard(PublicKey(bytes), reading, now);
            }
            prop_assert!(clocks.readings.len() <= MAX_READINGS);
        }
    }

    /// Less than half of the others may say what they like.
    #[test]
    fn a_minority_convinces_nobody(
        honest in prop::collection::vec(-500..500i64, 2..20),
        lies in prop::collection::vec(any::<i32>(), 0..20),
    ) {
        let lies: Vec<i64> = lies.into_iter().take(honest.len() - 1).map(i64::from).collect();
        let all: Vec<i64> = lies.iter().chain(&honest).copied().collect();
        prop_assert_eq!(told_by(&all).0.own().state(), ClockState::Right);
    }
}
