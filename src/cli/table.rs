//! Tables for people.

use super::output::plain;

/// Space between columns.
const GAP: &str = "  ";

/// Which way a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// A table with a heading: columns as wide as their widest cell.
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
        self.rows.push(cells.map(|cell| plain(&cell)).collect());
    }

    /// The table as text, every line with its end and without spaces before it.
    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.aligns.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).zip(&self.aligns);
            let line: Vec<String> = cells
                .map(|((cell, width), align)| aligned(cell, *width, *align))
                .collect();
            text.push_str(line.join(GAP).trim_end());
            text.push('\n');
        }
        text
    }
}

/// Facts, one a line, the values under each other.
pub fn facts(facts: &[(&str, String)]) -> String {
    let longest = facts.iter().map(|(name, _)| width(name)).max();
    let mut text = String::new();
    for (name, value) in facts {
        let name = aligned(name, longest.unwrap_or(0), Align::Left);
        text.push_str(format!("{name}{GAP}{}", plain(value)).trim_end());
        text.push('\n');
    }
    text
}

fn aligned(cell: &str, to: usize, align: Align) -> String {
    let space = " ".repeat(to.saturating_sub(width(cell)));
    match align {
        Align::Left => format!("{cell}{space}"),
        Align::Right => format!("{space}{cell}"),
    }
}

fn width(cell: &str) -> usize {
    cell.chars().count()
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
}
