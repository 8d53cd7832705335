//! Whose clock is wrong: this node's, compared with those of the others it talks to.
//!
//! Nobody sets a clock by what others say. But the owner of a wrong one is to hear of it, and not only those
//! whom it disturbs.

use crate::chain::Timestamp;
use crate::clock::{Now, SteadyTime};
use crate::keys::PublicKey;
use std::collections::BTreeMap;

/// How far a clock may be off before its owner is told: more than a line takes or a clock drifts between two
/// looks of somebody, and a third of what blocks may be ahead by on a network with the usual interval.
pub const TOLERATED_MS: u64 = 10_000;
/// From how many others it takes to say that a clock is wrong: one of two that differ may be either.
pub const LEAST_OTHERS: usize = 2;
/// How long an answer may take to be of use: half of it is how much it may be wrong by.
const LONGEST_ANSWER_MS: u64 = 10_000;
/// How often everybody is asked again: clocks drift, and are set.
const ASK_EVERY_MS: u64 = 600_000;
/// How long a reading counts: as long as it takes until the one after the next should be there.
const COUNTS_MS: u64 = 3 * ASK_EVERY_MS;
/// Readings that are kept: more than a member has sessions, and for a tracker as good as all of them.
const MAX_READINGS: usize = 256;
/// By how much the wall clock may move against the steady one between two looks; more, and somebody has set
/// it, or the machine was asleep.
const STEP_MS: u64 = 1_000;

/// How far another's clock is from ours, as one answer of it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// By how many milliseconds it is ahead of ours for certain; negative if it is behind.
    ahead_ms: i64,
}

impl Reading {
    /// Reads another's clock. It said `told` at some time between `asked` and `heard`, on being asked. `None`
    /// if that took too long to say anything.
    pub fn new(told: Timestamp, asked: SteadyTime, heard: Now) -> Option<Self> {
        let took_ms = heard.steady.since(asked);
        if took_ms > LONGEST_ANSWER_MS {
            return None;
        }
        // Our clock may have been set meanwhile: only what it says now counts, and what time has passed.
        let least = i128::from(told.0) - i128::from(heard.wall.0);
        let most = least + i128::from(took_ms);
        let certain = if least > 0 { least } else { most.min(0) };
        let ahead_ms = certain.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Some(Self {
            ahead_ms: i64::try_from(ahead_ms).unwrap_or(0),
        })
    }
}

/// How this node's clock stands, as far as the others' tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Too few others were heard.
    Unknown,
    /// It is right, or wrong by less than [`TOLERATED_MS`].
    Right,
    /// It is ahead by [about] so many milliseconds.
    Ahead(u64),
    /// It is behind by [about] so many milliseconds.
    Behind(u64),
}

/// How far this node's clock is from what most of the others agree on, if enough of them were heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnClock {
    /// By how many milliseconds the others are ahead of it; negative if they are behind.
    others_ahead_ms: Option<i64>,
}

impl OwnClock {
    /// Too few others were heard.
    pub const UNKNOWN: Self = Self {
        others_ahead_ms: None,
    };

    /// What the others' clocks say when ours says `wall`; the same as far as nobody knows better.
    pub fn of_others(self, wall: Timestamp) -> Timestamp {
        Timestamp(
            wall.0
                .saturating_add_signed(self.others_ahead_ms.unwrap_or(0)),
        )
    }

    /// In a word, and by how much it is wrong.
    pub fn state(self) -> ClockState {
        let Some(others_ahead_ms) = self.others_ahead_ms else {
            return ClockState::Unknown;
        };
        match others_ahead_ms.unsigned_abs() {
            0..TOLERATED_MS => ClockState::Right,
            ms if others_ahead_ms > 0 => ClockState::Behind(about(ms)),
            ms => ClockState::Ahead(about(ms)),
        }
    }
}

/// A difference as it is told: to the second, or from an hour on to the minute. Readings are not better, and
/// three hours less a moment are no two hours.
pub fn about(ms: u64) -> u64 {
    let unit = if ms < 3_600_000 { 1_000 } else { 60_000 };
    ms.saturating_add(unit / 2) / unit * unit
}

/// What the shell has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Have everybody asked for the time, and the answers handed in with [`Clocks::heard`].
    AskAll,
    /// Tell the owner how the clock stands now.
    Tell(ClockState),
}

/// The machine.
#[derive(Debug)]
pub struct Clocks {
    readings: BTreeMap<PublicKey, (SteadyTime, Reading)>,
    /// What both clocks said at the last look.
    looked: Now,
    /// When everybody was asked last.
    asked: SteadyTime,
    own: OwnClock,
    told: ClockState,
}

impl Clocks {
    /// Nobody was heard.
    pub fn new(now: Now) -> Self {
        Self {
            readings: BTreeMap::new(),
            looked: now,
            asked: now.steady,
            own: OwnClock::UNKNOWN,
            told: ClockState::Unknown,
        }
    }

    /// How our clock stands.
    pub fn own(&self) -> OwnClock {
        self.own
    }

    /// Somebody who has proven who it is told the time.
    pub fn heard(&mut self, from: PublicKey, reading: Reading, now: Now) -> Vec<Effect> {
        let mut effects = self.look(now);
        if self.readings.len() >= MAX_READINGS && !self.readings.contains_key(&from) {
            let oldest = self.readings.iter().min_by_key(|(_, (at, _))| *at);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.readings.remove(&oldest);
            }
        }
        self.readings.insert(from, (now.steady, reading));
        effects.extend(self.judge());
        effects
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = self.look(now);
        if now.steady.since(self.asked) >= ASK_EVERY_MS {
            self.asked = now.steady;
            effects.push(Effect::AskAll);
        }
        let before = self.readings.len();
        self.readings
            .retain(|_, (at, _)| now.steady.since(*at) < COUNTS_MS);
        if self.readings.len() != before {
            effects.extend(self.judge());
        }
        effects
    }

    /// Whether our clock was set since the last look, or time has passed that the steady one did not see:
    /// nothing that was read before counts then.
    fn look(&mut self, now: Now) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.looked, now);
        let expected = before.wall.plus_ms(now.steady.since(before.steady));
        if now.wall.0.abs_diff(expected.0) < STEP_MS {
            return Vec::new();
        }
        self.readings.clear();
        self.own = OwnClock::UNKNOWN;
        self.asked = now.steady;
        vec![Effect::AskAll]
    }

    /// What most of the others agree on at least: the reading in the middle, and of two there the one that
    /// blames us less.
    fn judge(&mut self) -> Option<Effect> {
        self.own = self.majority();
        let state = self.own.state();
        let is_news = match (self.told, state) {
            // As long as nobody says anything, what was told last stands.
            (_, ClockState::Unknown) | (ClockState::Unknown, ClockState::Right) => false,
            (ClockState::Ahead(told), ClockState::Ahead(now))
            | (ClockState::Behind(told), ClockState::Behind(now)) => {
                told.abs_diff(now) >= TOLERATED_MS.max(told / 2)
            }
            (told, now) => told != now,
        };
        if !is_news {
            return None;
        }
        self.told = state;
        Some(Effect::Tell(state))
    }

    fn majority(&self) -> OwnClock {
        if self.readings.len() < LEAST_OTHERS {
            return OwnClock::UNKNOWN;
        }
        let readings = self.readings.values();
        let mut ahead: Vec<i64> = readings.map(|(_, reading)| reading.ahead_ms).collect();
        ahead.sort_unstable();
        let (lower, upper) = (ahead[(ahead.len() - 1) / 2], ahead[ahead.len() / 2]);
        let others_ahead_ms = match (lower > 0, upper < 0) {
            (true, _) => lower,
            (_, true) => upper,
            _ => 0,
        };
        OwnClock {
            others_ahead_ms: Some(others_ahead_ms),
        }
    }
}

#[cfg(test)]
mod tests;
