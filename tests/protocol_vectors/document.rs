//! PROTOCOL.md as a program reads it: its vectors and its tables.
//!
//! A vector is a fenced block whose head is `vector` and a kind. Each of its lines is `key = value`;
//! a line that begins with a space goes on with the value above it.

use std::ops::Range;
use std::path::PathBuf;

/// Longest line that is written without a break.
const LINE: usize = 100;
/// Hexadecimal digits in a line of a value that is broken.
const DIGITS: usize = 64;

/// One example.
pub struct Vector {
    /// What is shown.
    pub kind: String,
    /// Where it begins in the document, counted from 1.
    pub line: usize,
    /// Its lines.
    pub entries: Vec<(String, String)>,
    /// Its lines' place in the document.
    pub place: Range<usize>,
}

/// The document.
pub struct Document {
    /// All of it.
    pub text: String,
    /// Its examples, in their order.
    pub vectors: Vec<Vector>,
}

/// Where it is.
pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("PROTOCOL.md")
}

impl Document {
    /// Reads it.
    pub fn read() -> Self {
        let text = std::fs::read_to_string(path()).expect("PROTOCOL.md can be read");
        let vectors = vectors(&text);
        Self { text, vectors }
    }

    /// The rows of the table that follows the comment `<!-- table: name -->`, without its head.
    pub fn table(&self, name: &str) -> Vec<Vec<String>> {
        let mark = format!("<!-- table: {name} -->");
        let (_, rest) = self
            .text
            .split_once(&mark)
            .unwrap_or_else(|| panic!("PROTOCOL.md has no table {name}"));
        let rows = rest.trim_start().lines().take_while(|l| l.starts_with('|'));
        rows.skip(2)
            .map(|row| {
                let cells = row.trim_matches('|').split('|');
                cells
                    .map(|c| c.trim().trim_matches('`').to_owned())
                    .collect()
            })
            .collect()
    }
}

fn vectors(text: &str) -> Vec<Vector> {
    let mut vectors = Vec::new();
    let mut open: Option<Vector> = None;
    let mut at = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let start = at;
        at += line.len();
        let line = line.trim_end();
        if let Some(vector) = &mut open {
            if line == "```" {
                vector.place.end = start;
                vectors.extend(open.take());
            } else if let Some(more) = line.strip_prefix(' ') {
                let last = vector.entries.last_mut();
                let (_, value) = last.unwrap_or_else(|| panic!("line {number} continues nothing"));
                value.push_str(more.trim());
            } else {
                let (key, value) = line
                    .split_once('=')
                    .unwrap_or_else(|| panic!("line {number} is not `key = value`"));
                let entry = (key.trim().to_owned(), value.trim().to_owned());
                vector.entries.push(entry);
            }
        } else if let Some(kind) = line.strip_prefix("```vector ") {
            open = Some(Vector {
                kind: kind.trim().to_owned(),
                line: number,
                entries: Vec::new(),
                place: at..at,
            });
        }
    }
    assert!(open.is_none(), "the last vector of PROTOCOL.md has no end");
    vectors
}

/// The lines of a vector, long values broken.
pub fn lines(entries: &[(String, String)]) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        if key.len() + 3 + value.len() <= LINE || value.contains(' ') {
            let line = format!("{key} = {value}");
            text.push_str(line.trim_end());
            text.push('\n');
            continue;
        }
        let mut rest = value.as_str();
        let mut head = format!("{key} = ");
        while !rest.is_empty() {
            let (line, later) = rest.split_at(rest.len().min(DIGITS));
            text.push_str(&format!("{head}{line}\n"));
            head = "  ".to_owned();
            rest = later;
        }
    }
    text
}
