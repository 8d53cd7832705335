//! Entries as text.

use super::Entry;
use serde::Serialize;
use std::io::{self, Write};

/// The two forms of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One array of all entries, an entry a line.
    Json,
    /// One entry a line, and nothing else: what tools that work by lines like best.
    Jsonl,
}

/// Writes an archive, entry by entry.
pub struct Writer<W> {
    to: W,
    format: Format,
    begun: bool,
}

impl<W: Write> Writer<W> {
    /// Begins an archive.
    pub fn new(to: W, format: Format) -> Self {
        Self {
            to,
            format,
            begun: false,
        }
    }

    /// Writes the next entry, in its JSON form.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn entry(&mut self, entry: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(entry)?;
        self.line(&text)
    }

    /// Writes the next entry as it stands: one line of JSON, without its end.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn line(&mut self, entry: &[u8]) -> io::Result<()> {
        let (before, after): (&[u8], &[u8]) = match (self.format, self.begun) {
            (Format::Jsonl, _) => (b"", b"\n"),
            (Format::Json, false) => (b"[\n", b""),
            (Format::Json, true) => (b",\n", b""),
        };
        self.begun = true;
        self.to.write_all(before)?;
        self.to.write_all(entry)?;
        self.to.write_all(after)
    }

    /// Ends the archive, and gives back what it was written to.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn end(mut self) -> io::Result<W> {
        if self.format == Format::Json {
            let end: &[u8] = if self.begun { b"\n]\n" } else { b"[]\n" };
            self.to.write_all(end)?;
        }
        self.to.flush()?;
        Ok(self.to)
    }
}

/// An entry as one line of `jsonl`, its end included.
///
/// # Errors
/// Only if the entry itself can't be written, which is true of none.
pub fn json_line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}
