//! Moments, and how they are written.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

const DAY_MS: u64 = 86_400_000;
/// Days from the first of March of the year 0 to the first of January 1970.
const DAYS_TO_1970: u64 = 719_468;

/// A moment, to the millisecond, in UTC. Shown as `2026-11-20T21:43:02.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    ms_since_1970: u64,
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        // A clock before 1970 is not set; there is no better answer than its earliest.
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH);
        let ms = since_1970.map_or(0, |since| since.as_millis());
        Self {
            ms_since_1970: u64::try_from(ms).unwrap_or(u64::MAX),
        }
    }
}

impl Time {
    /// From milliseconds since the start of 1970.
    pub fn from_unix_ms(ms_since_1970: u64) -> Self {
        Self { ms_since_1970 }
    }

    /// Milliseconds since the start of 1970.
    pub fn unix_ms(self) -> u64 {
        self.ms_since_1970
    }

    /// `2026-11-20`
    pub fn day(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `21:43:02.123Z`
    pub(super) fn of_day(self) -> String {
        let ms = self.ms_since_1970 % DAY_MS;
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        format!("{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
    }

    /// Year, month and day of the Gregorian calendar.
    fn date(self) -> (u64, u64, u64) {
        // Counted in years that begin in March: the leap day is then the last of its year, and the
        // months from March on have 31, 30, 31, 30, 31 days over and over: 153 for each five.
        let days = self.ms_since_1970 / DAY_MS + DAYS_TO_1970;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next_year) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        (400 * era + year + next_year, month, day)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.day(), self.of_day())
    }
}

/// The text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a moment is written as 2026-11-20, 2026-11-20T21:43 or 2026-11-20T21:43:02.123Z, in UTC")]
pub struct NotATime;

impl FromStr for Time {
    type Err = NotATime;

    /// A day, or a day with hours and minutes, with seconds, with their fraction.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let text = text.strip_suffix('Z').unwrap_or(text);
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let days = days_since_1970(date).ok_or(NotATime)?;
        let ms = match time {
            Some(time) => ms_of_day(time).ok_or(NotATime)?,
            None => 0,
        };
        Ok(Self::from_unix_ms(days * DAY_MS + ms))
    }
}

/// `2026-11-20`
fn days_since_1970(date: &str) -> Option<u64> {
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 1970..=9999)?;
    let month = number(parts.next()?, 2, 1..=12)?;
    let day = number(parts.next()?, 2, 1..=31)?;
    if parts.next().is_some() {
        return None;
    }
    // Years that begin in March, as in `Time::date`.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let found = days.checked_sub(DAYS_TO_1970)?;
    // The thirtieth of February is another day.
    let written = Time::from_unix_ms(found * DAY_MS).day();
    (written == date).then_some(found)
}

/// `21:43`, `21:43:02`, `21:43:02.123`
fn ms_of_day(time: &str) -> Option<u64> {
    let mut parts = time.split(':');
    let hour = number(parts.next()?, 2, 0..=23)?;
    let minute = number(parts.next()?, 2, 0..=59)?;
    let (second, ms) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (number(seconds, 2, 0..=59)?, 0),
            Some((second, ms)) => (number(second, 2, 0..=59)?, number(ms, 3, 0..=999)?),
        },
    };
    if parts.next().is_some() {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000 + ms)
}

fn number(text: &str, digits: usize, within: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| plain)?;
    within.contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in 0..253_402_300_800_000u64) {
            let time = Time::from_unix_ms(ms);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn moments_may_be_cut_short_and_nonsense_is_refused() {
        let read = |text: &str| text.parse::<Time>().map(|time| time.to_string());
        assert_eq!(read("2026-11-20").unwrap(), "2026-11-20T00:00:00.000Z");
        assert_eq!(
            read("2026-11-20 21:43").unwrap(),
            "2026-11-20T21:43:00.000Z"
        );
        assert_eq!(
            read("2024-02-29T21:43:02").unwrap(),
            "2024-02-29T21:43:02.000Z"
        );
        for text in [
            "",
            "5m",
            "2026-11",
            "2026-11-20-1",
            "2026-13-01",
            "2026-02-29",
            "2026-11-00",
            "1969-12-31",
            "2026-11-20T",
            "2026-11-20T24:00",
            "2026-11-20T1:00",
            "2026-11-20T21:43:02.1",
            "+026-11-20",
            "2026-11-20T21:43:02.123:4",
            "20260-11-20",
            "é",
        ] {
            assert_eq!(read(text), Err(NotATime), "{text}");
        }
    }
}
