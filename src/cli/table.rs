//! Tables for people.

use super::words::cut;
use crate::readable::visible;
use unicode_width::UnicodeWidthStr;

/// Space between columns.
const GAP: &str = "  ";

/// Columns of a terminal that every table and list of facts fits.
pub const LINE: usize = 80;

/// What is left of a last column at least, however wide the others are.
const LEAST_LAST: usize = 12;

/// Which way a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// A table with a heading: columns as wide as their widest cell, but the last one no wider than the
/// line allows.
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows yet.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        let heading = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self {
            aligns: columns.iter().map(|(_, align)| *align).collect(),
            rows: vec![heading],
        }
    }

    /// Adds a row; cells beyond the columns are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().take(self.aligns.len());
        self.rows.push(cells.map(|cell| visible(&cell)).collect());
    }

    /// The table as text, every line with its end and without spaces before it.
    pub fn render(&self) -> String {
        let mut widths: Vec<usize> = (0..self.aligns.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        if let Some((last, others)) = widths.split_last_mut() {
            let used: usize = others.iter().map(|width| width + GAP.len()).sum();
            *last = (*last).min(LINE.saturating_sub(used).max(LEAST_LAST));
        }
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).zip(&self.aligns);
            let line: Vec<String> = cells
                .map(|((cell, width), align)| aligned(&cut(cell, *width), *width, *align))
                .collect();
            text.push_str(line.join(GAP).trim_end());
            text.push('\n');
        }
        text
    }
}

/// Facts, the values under each other; a value that does not fit its line goes on in the next.
pub fn facts(facts: &[(&str, String)]) -> String {
    let names = facts.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let room = LINE.saturating_sub(names + GAP.len());
    let mut text = String::new();
    for (name, value) in facts {
        let mut name = *name;
        for part in wrapped(&visible(value), room) {
            let line = format!("{}{GAP}{part}", aligned(name, names, Align::Left));
            text.push_str(line.trim_end());
            text.push('\n');
            name = "";
        }
    }
    text
}

/// The text in lines of at most `room` columns, broken at spaces; a longer word, which somebody may
/// want to copy, stays whole, and so does a command between backticks. At least one line.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What stands between spaces that are not within backticks.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut within = false;
    text.split(move |c| {
        within ^= c == '`';
        c == ' ' && !within
    })
}

fn aligned(cell: &str, to: usize, align: Align) -> String {
    let space = " ".repeat(to.saturating_sub(width(cell)));
    match align {
        Align::Left => format!("{cell}{space}"),
        Align::Right => format!("{space}{cell}"),
    }
}

/// Columns that a text takes.
fn width(cell: &str) -> usize {
    cell.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let mut table = Table::new(&[("name", Align::Left), ("coins", Align::Right)]);
        table.row(["alice".into(), "5".into()]);
        table.row(["bo".into(), "1234567".into()]);
        table.row(["x".into()]);
        assert_eq!(
            table.render(),
            "name     coins\nalice        5\nbo     1234567\nx\n"
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut table = Table::new(&[("name", Align::Left), ("coins", Align::Right)]);
        table.row(["漢字".into(), "5".into()]);
        table.row(["bo".into(), "17".into()]);
        assert_eq!(table.render(), "name  coins\n漢字      5\nbo       17\n");
        let mut table = Table::new(&[("note", Align::Left)]);
        table.row(["漢".repeat(80)]);
        let text = table.render();
        assert!(text.lines().all(|line| width(line) <= LINE), "{text}");
    }

    #[test]
    fn a_command_is_not_broken() {
        let command = format!(
            "`'/a b/node' --config '{}/alice.toml' status`",
            "long ".repeat(20)
        );
        let text = facts(&[("waiting", format!("this is why it waits: {command} tells"))]);
        assert!(text.contains(&command), "{text}");
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn a_cell_can_not_break_its_line() {
        let mut table = Table::new(&[("name", Align::Left)]);
        table.row(["a\nb\u{1b}".into()]);
        assert_eq!(table.render(), "name\na\\nb\\u{1b}\n");
        assert_eq!(facts(&[("k", "a\nb".into())]), "k  a\\nb\n");
    }

    #[test]
    fn facts_are_aligned() {
        let text = facts(&[("name", "alice".into()), ("height", "7".into())]);
        assert_eq!(text, "name    alice\nheight  7\n");
    }

    #[test]
    fn a_line_fits_its_terminal() {
        let words = "several words and ".repeat(9);
        let id = "f".repeat(64);
        for line in facts(&[("why", words), ("a-longer-id", id.clone())]).lines() {
            assert!(line.chars().count() <= LINE, "{line}");
        }
        assert!(facts(&[("id", format!("is {id}"))]).contains(&id));
        let mut table = Table::new(&[("a", Align::Left), ("b", Align::Left)]);
        table.row(["x".repeat(30), "y".repeat(260)]);
        let text = table.render();
        assert!(text.lines().all(|line| line.chars().count() <= LINE));
        assert!(text.ends_with("y…\n"));
    }
}
