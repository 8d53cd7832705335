//! Numbers, ids and times in the words of people.

use crate::chain::Timestamp;
use crate::logging::{Time, Zone, short_address};
use crate::owner::answers::PersonView;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Digits of an id in a table: enough to tell any two of a small network apart at a glance.
const SHORT_ID: usize = 10;

/// Digits of an id in a crowded table: more than are wanted when one is typed.
const SHORTER_ID: usize = 8;

/// Longest name in a table with more than one of them, so that a line fits 80 columns.
const MAX_NAME: usize = 20;

/// The beginning of an id.
pub fn short_id(id: impl ToString) -> String {
    cut(&id.to_string(), SHORT_ID + 1)
}

/// The beginning of an id in a table that has much else to show.
pub fn shorter_id(id: impl ToString) -> String {
    cut(&id.to_string(), SHORTER_ID + 1)
}

/// A text of at most `most` columns, with `…` where it was cut.
pub fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(1);
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    text.chars().take_while(fits).chain(['…']).collect()
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
    let called = match &person.name {
        Some(name) => name.to_string(),
        None => person.address.clone(),
    };
    match person.put_out {
        true => format!("{called} (put out)"),
        false => called,
    }
}

/// `1 coin`, `5 coins`.
pub fn count(number: impl Into<u64>, one: &str, many: &str) -> String {
    match number.into() {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

/// A moment, to the second, by the clock of this place: `2026-11-20 21:43:02`.
pub fn moment(at: Timestamp) -> String {
    Time::from_unix_ms(at.0).to_the_second(&Zone::local())
}

/// A moment in a table: `11-20 21:43`.
pub fn short_moment(at: Timestamp) -> String {
    Time::from_unix_ms(at.0).to_the_minute(&Zone::local())
}

/// The day of a moment: `2026-11-20`.
pub fn day(at: Timestamp) -> String {
    Time::from_unix_ms(at.0).day(&Zone::local())
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
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("漢字漢字", 4), "漢…");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1u64, "coin", "coins"), "1 coin");
        assert_eq!(count(0u64, "coin", "coins"), "0 coins");
        assert_eq!(rate(4_200_000.0), "4.2 million");
        assert!(!moment(Timestamp(u64::MAX)).is_empty());
    }
}
