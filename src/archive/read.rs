//! Text as entries: one at a time, whatever the length of the file.

use super::Entry;
use serde::Deserialize;
use std::io::{self, BufReader, Read};

/// Longest entry in bytes. The largest block (3 MiB) has at most some 400 bytes of JSON for each of
/// its smallest transactions of 161 bytes, and twice its length where they are large.
pub const MAX_ENTRY_BYTES: usize = 16 * 1024 * 1024;

/// Why a text is no archive.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It can't be read.
    #[error("the file can't be read: {0}")]
    Io(#[from] io::Error),
    /// An entry is not what it should be.
    #[error("entry {number} of the file is not one of an export ({reason})")]
    Entry {
        /// Which, counted from 1.
        number: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// It ends in the middle.
    #[error("the file ends after entry {0}, before its end: it was cut short")]
    Cut(u64),
}

/// The entries in a text, in either [`Format`](super::Format). It ends after an error.
pub struct Reader<R> {
    from: Metered<R>,
    number: u64,
    /// Whether the entries are items of an array; known once the first character is.
    array: Option<bool>,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads from a file; it is buffered here.
    pub fn new(from: R) -> Self {
        Self {
            from: Metered {
                from: BufReader::new(from),
                left: MAX_ENTRY_BYTES,
                back: None,
            },
            number: 0,
            array: None,
            ended: false,
        }
    }

    /// The next character that is no space; `None` at the end of the text.
    fn next_character(&mut self) -> io::Result<Option<u8>> {
        loop {
            self.from.left = MAX_ENTRY_BYTES;
            let mut byte = [0];
            if self.from.read(&mut byte)? == 0 {
                return Ok(None);
            }
            if !byte[0].is_ascii_whitespace() {
                return Ok(Some(byte[0]));
            }
        }
    }

    fn wrong(&self, reason: impl Into<String>) -> ReadError {
        ReadError::Entry {
            number: self.number + 1,
            reason: reason.into(),
        }
    }

    /// Goes on to where the next entry begins; whether there is one.
    fn find(&mut self) -> Result<bool, ReadError> {
        let mut next = self.next_character()?;
        let first = self.array.is_none();
        if first {
            self.array = Some(next == Some(b'['));
            if next == Some(b'[') {
                next = self.next_character()?;
            }
        }
        if self.array == Some(true) {
            match (next, first) {
                (Some(b']'), _) => {
                    return match self.next_character()? {
                        None => Ok(false),
                        Some(_) => Err(self.wrong("something follows the end of the array")),
                    };
                }
                (None, _) => return Err(ReadError::Cut(self.number)),
                (Some(b','), false) => next = self.next_character()?,
                (_, true) => {}
                (Some(_), false) => return Err(self.wrong("there is no comma before it")),
            }
        }
        match next {
            None if self.array == Some(true) => Err(ReadError::Cut(self.number)),
            None => Ok(false),
            Some(b'{') => {
                self.from.back = next;
                Ok(true)
            }
            Some(_) => Err(self.wrong("it is no JSON object")),
        }
    }

    fn read(&mut self) -> Result<Option<Entry>, ReadError> {
        if !self.find()? {
            return Ok(None);
        }
        // An object ends with its own brace: nothing beyond it is taken.
        let mut json = serde_json::Deserializer::from_reader(&mut self.from);
        match Entry::deserialize(&mut json) {
            Ok(entry) => {
                self.number += 1;
                Ok(Some(entry))
            }
            Err(error) if error.is_eof() => Err(ReadError::Cut(self.number)),
            Err(error) if error.is_io() && self.from.left > 0 => Err(ReadError::Io(error.into())),
            Err(error) => Err(self.wrong(error.to_string())),
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.ended = !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}

/// A reader that gives so much and no more, so that no entry fills the memory.
struct Metered<R> {
    from: BufReader<R>,
    left: usize,
    /// A character that was looked at.
    back: Option<u8>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(first) = into.first_mut() else {
            return Ok(0);
        };
        if let Some(back) = self.back.take() {
            *first = back;
            return Ok(1);
        }
        if self.left == 0 {
            return Err(io::Error::other(format!(
                "it is longer than {MAX_ENTRY_BYTES} bytes"
            )));
        }
        let most = into.len().min(self.left);
        let read = self.from.read(&mut into[..most])?;
        self.left -= read;
        Ok(read)
    }
}
