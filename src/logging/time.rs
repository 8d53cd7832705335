//! Moments, and how they are written: in UTC where programs read them, in the time of this place for
//! people.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A moment, to the millisecond. Shown as `2026-11-20T21:43:02.123Z`, in UTC; what lies beyond the
/// year 9999 is shown as its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    ms_since_1970: u64,
}

/// Where people read a moment: by which clock on the wall.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// That of this machine: `TZ` in the environment, else `/etc/localtime`, else UTC.
    pub fn local() -> Self {
        Self(TimeZone::system())
    }

    /// UTC.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }
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
    pub fn day(self, zone: &Zone) -> String {
        self.written("%Y-%m-%d", zone)
    }

    /// `21:43:02`
    pub fn of_day(self, zone: &Zone) -> String {
        self.written("%H:%M:%S", zone)
    }

    /// `21:43:02.123`
    pub fn of_day_exactly(self, zone: &Zone) -> String {
        self.written("%H:%M:%S.%3f", zone)
    }

    /// `11-20 21:43`
    pub fn to_the_minute(self, zone: &Zone) -> String {
        self.written("%m-%d %H:%M", zone)
    }

    /// `2026-11-20 21:43:02`
    pub fn to_the_second(self, zone: &Zone) -> String {
        self.written("%Y-%m-%d %H:%M:%S", zone)
    }

    /// The moment that somebody wrote: a day, or a day with hours and minutes, with seconds, with their
    /// fraction, by the clock of `zone`, unless it ends with `Z` or another offset.
    ///
    /// # Errors
    /// [`NotATime`] if it is none, or lies before 1970.
    pub fn read(text: &str, zone: &Zone) -> Result<Self, NotATime> {
        let instant = match text.parse::<Timestamp>() {
            Ok(instant) => instant,
            Err(_) => {
                let civil: DateTime = text.parse().map_err(|_| NotATime)?;
                zone.0.to_timestamp(civil).map_err(|_| NotATime)?
            }
        };
        let ms = u64::try_from(instant.as_millisecond()).map_err(|_| NotATime)?;
        Ok(Self::from_unix_ms(ms))
    }

    fn written(self, form: &str, zone: &Zone) -> String {
        let ms = i64::try_from(self.ms_since_1970).ok();
        let instant = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let instant = instant.unwrap_or(Timestamp::MAX);
        let written = instant.to_zoned_datetime(zone.0.clone()).strftime(form);
        written.to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written("%Y-%m-%dT%H:%M:%S.%3fZ", &Zone::utc()))
    }
}

/// The text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a moment is written as 2026-11-20, 2026-11-20T21:43 or 2026-11-20T21:43:02.123Z")]
pub struct NotATime;

impl FromStr for Time {
    type Err = NotATime;

    /// As it is shown, in UTC.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        Self::read(text, &Zone::utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in 0..253_402_200_000_000u64) {
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
            "+026-11-20",
            "2026-11-20T21:43:02.123:4",
            "é",
        ] {
            assert_eq!(read(text), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn people_read_and_write_the_time_of_their_place() {
        // Two hours ahead of UTC in summer, one in winter.
        let class = Zone(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
        let winter = Time::from_unix_ms(1_795_210_982_123);
        assert_eq!(winter.to_string(), "2026-11-20T21:43:02.123Z");
        assert_eq!(winter.to_the_second(&class), "2026-11-20 22:43:02");
        assert_eq!(winter.of_day_exactly(&class), "22:43:02.123");
        assert_eq!(winter.to_the_minute(&class), "11-20 22:43");
        let summer = Time::read("2026-07-01T12:00", &class).unwrap();
        assert_eq!(summer.to_string(), "2026-07-01T10:00:00.000Z");
        assert_eq!(Time::read("2026-07-01T10:00Z", &class), Ok(summer));
        assert_eq!(summer.day(&class), "2026-07-01");
        // Beyond what a calendar holds.
        assert!(Time::from_unix_ms(u64::MAX).day(&class).starts_with("9999"));
    }
}
