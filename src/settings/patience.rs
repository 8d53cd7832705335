//! How long something is waited for: as text, since a number alone does not say of what.

use serde::{Deserialize, Deserializer, de};
use std::str::FromStr;

/// Longest time that can be waited, in seconds: a week.
const LONGEST_S: u64 = 7 * 24 * 3_600;

/// A time to wait, written as `"90s"`, `"1m"` or `"2h"`; or `"never"`, when nothing follows from waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience(Option<u64>);

impl Patience {
    /// So many milliseconds; `None` for never.
    pub fn ms(self) -> Option<u64> {
        self.0
    }
}

/// It is no time to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a time is a whole number with its unit, \"90s\", \"1m\" or \"2h\", from one second to a week, or \
     \"never\""
)]
pub struct NoPatience;

impl FromStr for Patience {
    type Err = NoPatience;

    fn from_str(text: &str) -> Result<Self, NoPatience> {
        if text == "never" {
            return Ok(Self(None));
        }
        let unit = |letter| match letter {
            's' => Some(1),
            'm' => Some(60),
            'h' => Some(3_600),
            _ => None,
        };
        let last = text.chars().next_back().ok_or(NoPatience)?;
        let seconds = unit(last).ok_or(NoPatience)?;
        let number = &text[..text.len() - 1];
        if !number.bytes().all(|byte| byte.is_ascii_digit()) || number.starts_with('0') {
            return Err(NoPatience);
        }
        let number: u64 = number.parse().map_err(|_| NoPatience)?;
        let whole = number.checked_mul(seconds).filter(|s| *s <= LONGEST_S);
        whole.map(|s| Self(Some(s * 1_000))).ok_or(NoPatience)
    }
}

impl<'de> Deserialize<'de> for Patience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit_and_nothing_else() {
        let read = |text: &str| text.parse::<Patience>().map(Patience::ms);
        assert_eq!(read("90s"), Ok(Some(90_000)));
        assert_eq!(read("1m"), Ok(Some(60_000)));
        assert_eq!(read("168h"), Ok(Some(604_800_000)));
        assert_eq!(read("never"), Ok(None));
        for wrong in [
            "",
            "1",
            "m",
            "0m",
            "01m",
            "1 m",
            "-1m",
            "+1m",
            "1.5h",
            "1d",
            "169h",
            "1M",
            "Never",
            "99999999999999999999s",
            "1mü",
            "é",
        ] {
            assert_eq!(read(wrong), Err(NoPatience), "{wrong}");
        }
    }
}
