//! Numbers, ids and times in the words of people.

use crate::chain::Timestamp;
use crate::logging::Time;
use crate::owner::answers::PersonView;

/// Digits of an id in a table: enough to tell any two of a small network apart at a glance.
const SHORT_ID: usize = 10;

/// Characters of an address shown from its start and from its end, where nobody has a name.
const SHORT_ADDRESS: (usize, usize) = (9, 4);

/// Longest name in a table with more than one of them, so that a line fits 80 columns.
const MAX_NAME: usize = 20;

/// The beginning of an id.
pub fn short_id(id: impl ToString) -> String {
    cut(&id.to_string(), SHORT_ID + 1)
}

/// Beginning and end of an address.
pub fn short_address(address: &str) -> String {
    let (start, end) = SHORT_ADDRESS;
    match (address.get(..start), address.len().checked_sub(end)) {
        (Some(head), Some(at)) if at > start => match address.get(at..) {
            Some(tail) => format!("{head}…{tail}"),
            None => address.to_owned(),
        },
        _ => address.to_owned(),
    }
}

/// A text of at most `most` characters, with `…` where it was cut.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept = text.chars().take(most.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// Somebody, in a narrow column.
pub fn short_person(person: &PersonView) -> String {
    match &person.name {
        Some(name) => short_name(name.as_str()),
        None => short_address(&person.address),
    }
}

/// A name in a table.
pub fn short_name(name: &str) -> String {
    cut(name, MAX_NAME)
}

/// Somebody, by name if there is one.
pub fn person(person: &PersonView) -> String {
    match &person.name {
        Some(name) => name.to_string(),
        None => person.address.clone(),
    }
}

/// `1 coin`, `5 coins`.
pub fn count(number: impl Into<u64>, one: &str, many: &str) -> String {
    match number.into() {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

/// A stretch of time, to two figures or so: `350 ms`, `4.2 s`, `12 min`, `3 h`, `5 days`.
pub fn stretch(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// A moment, in UTC, to the second: `2026-11-20 21:43:02 UTC`.
pub fn moment(at: Timestamp) -> String {
    let text = Time::from_unix_ms(at.0).to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{} UTC", seconds.replace('T', " ")),
        None => text,
    }
}

/// The day of a moment, in UTC: `2026-11-20`.
pub fn day(at: Timestamp) -> String {
    let text = Time::from_unix_ms(at.0).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// A rate of hashes: `0`, `950`, `4.2 million`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e9 => format!("{:.1} billion", r / 1e9),
        r if r >= 1e6 => format!("{:.1} million", r / 1e6),
        r if r >= 1e4 => format!("{:.0} thousand", r / 1e3),
        r => format!("{r:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_short_and_say_where_they_were_cut() {
        assert_eq!(short_id("0123456789abcdef"), "0123456789…");
        assert_eq!(short_address("rac1qqqqqqqqqqqqqqqqwxyz"), "rac1qqqqq…wxyz");
        assert_eq!(short_address("rac1"), "rac1");
        assert_eq!(short_address("äöüäöüäöüäöü"), "äöüäöüäöüäöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1u64, "coin", "coins"), "1 coin");
        assert_eq!(count(0u64, "coin", "coins"), "0 coins");
        assert_eq!(stretch(999), "999 ms");
        assert_eq!(stretch(4_249), "4.2 s");
        assert_eq!(stretch(3_600_000 - 1), "59 min");
        assert_eq!(stretch(u64::MAX), "213503982334 days");
        assert_eq!(rate(4_200_000.0), "4.2 million");
        assert_eq!(
            moment(Timestamp(1_795_210_982_123)),
            "2026-11-20 21:43:02 UTC"
        );
        assert!(moment(Timestamp(u64::MAX)).ends_with("UTC"));
        assert_eq!(day(Timestamp(1_795_210_982_123)), "2026-11-20");
    }
}
