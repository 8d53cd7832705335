//! What a miner does whose clock is wrong, or whose chain is ahead of it.

use super::*;

/// A template that is stamped so, for somebody who asked on command.
fn asked_at(stamp: Timestamp, now: Now, own: OwnClock) -> (Mining, Vec<Effect>) {
    let mut mining = Mining::new(Mode::OnCommand, MAX_AHEAD_MS);
    let _ = mining.asked(Request(1));
    let mut template = template();
    template.header.timestamp = stamp;
    let effects = mining.template(template, now, own);
    (mining, effects)
}

fn refusal(effects: &[Effect]) -> NotNow {
    match effects {
        [
            Effect::Answer(Request(1), Err(Failure::NotNow(why))),
            Effect::Tell(told),
        ] => {
            assert_eq!(why, told);
            *why
        }
        other => panic!("{other:?}"),
    }
}

/// The clock of the machine is a day behind: its own ledger would hold whatever is mined. `mine` ran for
/// ever without a word.
#[test]
fn who_mines_with_a_clock_a_day_behind_is_told_so_at_once() {
    let right = START.plus_ms(24 * HOUR_MS);
    let stamp = Timestamp(right.0 - 4_000);
    let (mut mining, effects) = asked_at(stamp, BEGUN, others_say(right, BEGUN));
    let why = refusal(&effects);
    let by_ms = 24 * HOUR_MS;
    assert_eq!(why, NotNow::ClockBehind { by_ms });
    let said = why.to_string();
    assert!(
        said.contains("24 hours behind") && said.contains("set the clock right"),
        "{said}"
    );
    assert!(!mining.is_searching());
    assert_eq!(
        mining.tick(STARTED.plus_ms(HOUR_MS)),
        [],
        "nobody wants a block any more"
    );
}

/// All clocks were ahead and were set right: nobody can mine until the chain's time has come.
#[test]
fn who_mines_on_a_chain_that_is_ahead_of_all_clocks_is_told_for_how_long_there_is_none() {
    let stamp = START.plus_ms(24 * HOUR_MS);
    let (_, effects) = asked_at(stamp, BEGUN, others_say(START, BEGUN));
    let why = refusal(&effects);
    assert!(
        matches!(why, NotNow::ChainAhead { clock: ClockState::Right, wait_ms, .. } if wait_ms == 24 * HOUR_MS - MAX_AHEAD_MS),
        "{why:?}"
    );
    assert!(why.to_string().contains("nothing to do but wait"), "{why}");
    // And alone, nobody knows which of the two it is.
    let (_, effects) = asked_at(stamp, BEGUN, OwnClock::UNKNOWN);
    let said = refusal(&effects).to_string();
    assert!(
        said.contains("set this machine's clock right if it is wrong"),
        "{said}"
    );
}

/// The clock is three hours ahead: everybody else would hold the block, and it was reported as mined.
#[test]
fn who_mines_with_a_clock_three_hours_ahead_is_told_that_nobody_would_take_it() {
    let right = Timestamp(START.0 - 3 * HOUR_MS);
    let (_, effects) = asked_at(START, BEGUN, others_say(right, BEGUN));
    let why = refusal(&effects);
    assert_eq!(why, NotNow::ClockAhead { by_ms: 3 * HOUR_MS });
    assert!(why.to_string().contains("3 hours ahead"), "{why}");
}

#[test]
fn clocks_that_differ_by_less_than_blocks_may_be_ahead_by_keep_nobody_from_mining() {
    for off_ms in [
        -(MAX_AHEAD_MS as i64),
        -20_000,
        0,
        20_000,
        MAX_AHEAD_MS as i64,
    ] {
        let right = Timestamp(START.0.saturating_add_signed(off_ms));
        let (mining, _) = asked_at(START, BEGUN, others_say(right, BEGUN));
        assert!(mining.is_searching(), "off by {off_ms} ms");
    }
}

/// Its time comes within seconds: that is waited for without a word.
#[test]
fn a_block_whose_time_comes_in_a_moment_is_waited_for() {
    let stamp = START.plus_ms(MAX_AHEAD_MS + 2_000);
    let (mut mining, effects) = asked_at(stamp, BEGUN, OwnClock::UNKNOWN);
    assert_eq!(effects, []);
    assert_eq!(mining.tick(STARTED.plus_ms(REST_MS)), [Effect::GetTemplate]);
    let mut template = template();
    template.header.timestamp = stamp;
    let later = BEGUN.plus_ms(2_000);
    let begun = mining.template(template, later, OwnClock::UNKNOWN);
    assert!(matches!(begun[..], [Effect::Search(..)]));
}

/// A miner that mines by itself does not mine what is lost, says so once, and goes on when the clock is right.
#[test]
fn a_miner_whose_clock_is_ahead_rests_until_it_is_right() {
    let right = Timestamp(START.0 - 3 * HOUR_MS);
    let own = others_say(right, BEGUN);
    let mut mining = Mining::new(Mode::Always, MAX_AHEAD_MS);
    let _ = mining.start();
    let stamped = |wall| {
        let mut template = template();
        template.header.timestamp = wall;
        template
    };
    let told = mining.template(stamped(START), BEGUN, own);
    let by_ms = 3 * HOUR_MS;
    assert_eq!(told, [Effect::Tell(NotNow::ClockAhead { by_ms })]);
    let mut now = BEGUN;
    for _ in 0..100 {
        now = now.plus_ms(REST_MS);
        assert_eq!(mining.tick(now.steady), [Effect::GetTemplate]);
        assert_eq!(mining.template(stamped(now.wall), now, own), []);
    }
    // The clock is set right.
    let now = Now {
        wall: right,
        steady: now.steady.plus_ms(REST_MS),
    };
    assert_eq!(mining.tick(now.steady), [Effect::GetTemplate]);
    let begun = mining.template(stamped(right), now, others_say(right, now));
    assert!(matches!(begun[..], [Effect::Search(..)]), "{begun:?}");
}

/// The clock is set back while the search goes on: the own ledger holds what was found. That is not mined, and
/// no race either.
#[test]
fn a_mined_block_that_the_own_ledger_holds_is_not_reported_as_mined() {
    let (mut mining, effects) = asked_at(START, BEGUN, OwnClock::UNKNOWN);
    assert!(matches!(effects[..], [Effect::Search(..)]));
    let found = mining.found(JobId(1), 5);
    let [Effect::Submit(block)] = &found[..] else {
        panic!("{found:?}");
    };
    let now = Now {
        wall: Timestamp(START.0 - 24 * HOUR_MS),
        ..BEGUN
    };
    let judged = mining.judged(block, &BlockOutcome::Held, now.steady);
    assert_eq!(judged, [Effect::GetTemplate]);
    let mut template = template();
    template.header.timestamp = START.plus_ms(1);
    let told = mining.template(template, now, OwnClock::UNKNOWN);
    assert!(matches!(refusal(&told), NotNow::ChainAhead { .. }));
    assert_eq!(mining.mined(), 0);
}
