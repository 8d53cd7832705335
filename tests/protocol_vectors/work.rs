//! Working an example out: what it gives, what the program finds, and the lines it should have.

use crate::document::Vector;

/// An example being worked out.
pub struct Work<'a> {
    vector: &'a Vector,
    /// The lines it should have, as far as they are known.
    pub lines: Vec<(String, String)>,
}

impl<'a> Work<'a> {
    /// Begins.
    pub fn new(vector: &'a Vector) -> Self {
        let mut work = Self {
            vector,
            lines: Vec::new(),
        };
        work.maybe("note");
        work
    }

    /// A value that the example gives, if it does.
    pub fn maybe(&mut self, key: &str) -> Option<&'a str> {
        let mut entries = self.vector.entries.iter();
        let (_, value) = entries.find(|(name, _)| name == key)?;
        self.lines.push((key.to_owned(), value.clone()));
        Some(value)
    }

    /// A value that the example has to give.
    pub fn given(&mut self, key: &str) -> &'a str {
        self.maybe(key)
            .unwrap_or_else(|| panic!("line {}: no `{key}` is given", self.vector.line))
    }

    /// A given number.
    pub fn number(&mut self, key: &str) -> u64 {
        let text = self.given(key);
        text.parse()
            .unwrap_or_else(|_| panic!("line {}: `{text}` is no number", self.vector.line))
    }

    /// Given bytes.
    pub fn bytes(&mut self, key: &str) -> Vec<u8> {
        unhex(self.given(key))
    }

    /// Given bytes of a fixed length.
    pub fn array<const N: usize>(&mut self, key: &str) -> [u8; N] {
        let bytes = self.bytes(key);
        let found = bytes.len();
        bytes
            .try_into()
            .unwrap_or_else(|_| panic!("line {}: {found} bytes, not {N}", self.vector.line))
    }

    /// All given lines but the note, as they stand.
    pub fn all_given(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let entries = self
            .vector
            .entries
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()));
        entries.filter(|(key, _)| *key != "note")
    }

    /// What the program finds.
    pub fn found(&mut self, key: &str, value: impl ToString) {
        self.lines.push((key.to_owned(), value.to_string()));
    }

    /// Bytes that the program finds.
    pub fn found_bytes(&mut self, key: &str, bytes: &[u8]) {
        self.found(key, hex(bytes));
    }

    /// What the program says to a case: "accepted", or why not.
    pub fn verdict<E: ToString>(&mut self, key: &str, result: Result<(), E>) {
        self.found(
            key,
            result.map_or_else(|e| e.to_string(), |()| "accepted".into()),
        );
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal.
pub fn unhex(text: &str) -> Vec<u8> {
    assert!(
        text.len().is_multiple_of(2),
        "an odd number of digits: {text}"
    );
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(pair).collect()
}
