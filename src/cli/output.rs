//! Writing to people and programs: nothing that others say can steer the terminal, and a reader
//! that goes away is no failure.

use crate::readable::{visible, visible_json};
use serde::Serialize;
use std::io::{self, Write};

/// Where a command writes, and how.
pub struct Output<'a> {
    writer: &'a mut dyn Write,
    json: bool,
}

impl<'a> Output<'a> {
    /// Writes to `writer`: JSON if `json`, else text.
    pub fn new(writer: &'a mut dyn Write, json: bool) -> Self {
        Self { writer, json }
    }

    /// Whether JSON is wanted.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Where data goes that is to be written as it stands.
    pub fn raw(&mut self) -> &mut dyn Write {
        self.writer
    }

    /// Writes a line for people, or lines; control characters other than their ends are escaped.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        for line in text.trim_end_matches('\n').split('\n') {
            writeln!(self.writer, "{}", visible(line).trim_end())?;
        }
        self.writer.flush()
    }

    /// Writes a value as one line of JSON, in which nothing that others say can steer the terminal.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = visible_json(&serde_json::to_string(value)?);
        line.push('\n');
        self.writer.write_all(line.as_bytes())?;
        self.writer.flush()
    }

    /// Writes a value: as JSON if that is wanted, else as the text that `show` makes of it.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn show<T: Serialize>(
        &mut self,
        value: &T,
        show: impl FnOnce(&T) -> String,
    ) -> io::Result<()> {
        if self.json {
            self.json(value)
        } else {
            self.text(&show(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_texts_of_others_can_not_steer_the_terminal() {
        let mut written = Vec::new();
        let mut output = Output::new(&mut written, false);
        output.text("a\u{1b}[2Jb\u{202e}c\r\nd  \n").unwrap();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text, "a\\u{1b}[2Jb\\u{202e}c\\r\nd\n");
    }

    #[test]
    fn json_is_one_line_a_value() {
        let mut written = Vec::new();
        let mut output = Output::new(&mut written, true);
        output.show(&[1, 2], |_| unreachable!()).unwrap();
        output.show(&"x", |_| unreachable!()).unwrap();
        output
            .show(&"\u{7f}\u{9b}2J\u{202e}", |_| unreachable!())
            .unwrap();
        assert_eq!(written, b"[1,2]\n\"x\"\n\"\\u007f\\u009b2J\\u202e\"\n");
    }
}
