//! Why there is no mining now: nobody would take what was found.

use crate::chain::Timestamp;
use crate::protocol::clocks::{ClockState, OwnClock, about};
use crate::readable::in_words;

/// Until when it is waited for a block's time without a word: a short while passes before anybody wonders.
const SHORT_MS: u64 = 5_000;

/// Why no block can be mined now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// Our clock is so far ahead that the others would hold our block.
    #[error(
        "this machine's clock is {} ahead of everybody else's: the others would hold a block of now back \
         for as long, and by then go on without it; set the clock right, then mine", in_words(*by_ms)
    )]
    ClockAhead {
        /// How far.
        by_ms: u64,
    },
    /// Our clock is so far behind that our own ledger would hold our block.
    #[error(
        "this machine's clock is {} behind everybody else's: for it, the time of the next block has not \
         come; set the clock right, then mine", in_words(*by_ms)
    )]
    ClockBehind {
        /// How far.
        by_ms: u64,
    },
    /// The last block is stamped so far ahead that nobody takes another for a while.
    #[error(
        "the last block of the chain is stamped {} ahead of this machine's clock, so no block can follow it for {}: {}",
        in_words(*ahead_ms), in_words(*wait_ms), advice(*clock)
    )]
    ChainAhead {
        /// How far the last block is ahead of our clock.
        ahead_ms: u64,
        /// How long that keeps the next one from being taken.
        wait_ms: u64,
        /// How our clock stands.
        clock: ClockState,
    },
}

fn advice(clock: ClockState) -> &'static str {
    match clock {
        ClockState::Unknown => {
            "set this machine's clock right if it is wrong, which nobody connected can tell"
        }
        ClockState::Right => {
            "it was mined while clocks were wrong, this one is right, and there is nothing to do but wait"
        }
        ClockState::Ahead(_) | ClockState::Behind(_) => {
            "it was mined while clocks were wrong, and this one still is: set it right, then wait"
        }
    }
}

/// Whether a block that is stamped `stamp` may be mined when our clock says `wall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// It may.
    Now,
    /// Its time comes in a moment.
    Soon,
    /// It may not.
    Not(NotNow),
}

pub(super) fn timing(
    stamp: Timestamp,
    wall: Timestamp,
    own: OwnClock,
    max_ahead_ms: u64,
) -> Timing {
    let others = own.of_others(wall);
    let held_ms = |clock: Timestamp| stamp.since(clock.plus_ms(max_ahead_ms));
    let (ours_ms, theirs_ms) = (held_ms(wall), held_ms(others));
    let by_ms = about(wall.0.abs_diff(others.0));
    if stamp <= wall {
        // It is our clock that stamps it.
        return match theirs_ms {
            0 => Timing::Now,
            _ => Timing::Not(NotNow::ClockAhead { by_ms }),
        };
    }
    // Its parent does.
    match (ours_ms.max(theirs_ms), theirs_ms) {
        (0, _) => Timing::Now,
        (1..=SHORT_MS, _) => Timing::Soon,
        (_, 0..=SHORT_MS) => Timing::Not(NotNow::ClockBehind { by_ms }),
        (_, wait_ms) => Timing::Not(NotNow::ChainAhead {
            ahead_ms: stamp.since(wall),
            wait_ms,
            clock: own.state(),
        }),
    }
}
