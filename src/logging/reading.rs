//! Reading the log files back, from the oldest line on, and along as they grow.

mod earlier;

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tracing::Level;

use super::event::{FIXED, LogEvent};
use super::rotating_file::numbered;
use super::time::Time;

pub use earlier::{LogPlace, NotAPlace, Part, earlier};

/// The longest line that is read, in bytes: 32 fields of the longest text, each byte of it escaped.
/// A longer one is not ours.
pub const MAX_LINE_BYTES: usize = 256 * 1024;

/// How often a file is looked for again that was renamed while it was looked for.
const TRIES: usize = 8;

/// What stands on one line.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// An event.
    Event(LogEvent),
    /// Something else: a line that a crash tore, or that others wrote.
    Unreadable,
}

/// Goes through the log files of one node, from the oldest to the one that is being written.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    /// Files that were last written before this need not be opened.
    since: Option<SystemTime>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    lines: BufReader<File>,
    inode: u64,
    /// What was read of a line whose end has not been written yet.
    begun: Vec<u8>,
    /// The line is too long and is passed over up to its end.
    skipping: bool,
}

impl LogReader {
    /// Reads the files at `path` (`node.jsonl`, and `node.jsonl.1` and so on before it); where
    /// `since` is given, those that were last written earlier are left out.
    pub fn new(path: &Path, since: Option<SystemTime>) -> Self {
        Self {
            path: path.to_owned(),
            since,
            current: None,
        }
    }

    /// The next line; `None` if no further one is there yet: ask again later.
    ///
    /// # Errors
    /// Whatever keeps a file that is there from being read.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(current) = &mut self.current
                && let Some(line) = current.next_line()?
            {
                return Ok(Some(line));
            }
            if !self.open_next()? {
                return Ok(None);
            }
        }
    }

    /// Opens the file after the one that is open; false if there is none.
    fn open_next(&mut self) -> io::Result<bool> {
        for _ in 0..TRIES {
            let Some(next) = self.find_next()? else {
                return Ok(false);
            };
            let Some(file) = if_there(File::open(&next))? else {
                continue;
            };
            // The files may have moved on meanwhile, and this one be another than was looked for.
            if self.find_next()?.as_ref() != Some(&next) {
                continue;
            }
            self.current = Some(Current {
                inode: file.metadata()?.ino(),
                lines: BufReader::new(file),
                begun: Vec::new(),
                skipping: false,
            });
            return Ok(true);
        }
        Ok(false)
    }

    /// Where the file after the one that is open is now.
    fn find_next(&self) -> io::Result<Option<PathBuf>> {
        let mut files = self.files()?;
        let Some(current) = &self.current else {
            files.retain(|(_, metadata)| match (self.since, metadata.modified()) {
                (Some(since), Ok(modified)) => modified >= since,
                _ => true,
            });
            return Ok(files.pop().map(|(path, _)| path));
        };
        // Youngest first. If ours was deleted, all that are left are younger.
        let at = files
            .iter()
            .position(|(_, metadata)| metadata.ino() == current.inode);
        files.truncate(at.unwrap_or(files.len()));
        Ok(files.pop().map(|(path, _)| path))
    }

    /// The files there are, the youngest first.
    fn files(&self) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
        let mut files = Vec::new();
        for number in 0..=u16::MAX {
            let path = match number {
                0 => self.path.clone(),
                number => numbered(&self.path, number),
            };
            match if_there(fs::metadata(&path))? {
                Some(metadata) => files.push((path, metadata)),
                // While the files move, the current one is missing for a moment.
                None if number > 0 => break,
                None => {}
            }
        }
        Ok(files)
    }
}

impl Current {
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let room = (MAX_LINE_BYTES + 1 - self.begun.len()) as u64;
            let read = self
                .lines
                .by_ref()
                .take(room)
                .read_until(b'\n', &mut self.begun)?;
            if read == 0 {
                return Ok(None);
            }
            if self.begun.last() == Some(&b'\n') {
                let line = if std::mem::take(&mut self.skipping) {
                    Line::Unreadable
                } else {
                    read_line(&self.begun)
                };
                self.begun.clear();
                return Ok(Some(line));
            }
            if self.begun.len() > MAX_LINE_BYTES {
                self.skipping = true;
                self.begun.clear();
            }
        }
    }
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_line(line: &[u8]) -> Line {
    serde_json::from_slice(line).map_or(Line::Unreadable, Line::Event)
}

impl<'de> Deserialize<'de> for LogEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventVisitor)
    }
}

/// Takes the fields in the order of the line, which a map would not keep.
struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = LogEvent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of the log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LogEvent, A::Error> {
        let mut fixed: [Option<String>; 4] = Default::default();
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            match FIXED.iter().position(|fixed| *fixed == name) {
                Some(at) => fixed[at] = Some(map.next_value()?),
                None => fields.push((Cow::Owned(name), map.next_value::<Value>()?)),
            }
        }
        let [Some(time), Some(level), Some(actor), Some(event)] = fixed else {
            return Err(de::Error::custom("one of the four fixed names is missing"));
        };
        Ok(LogEvent {
            time: time.parse::<Time>().map_err(de::Error::custom)?,
            level: level.parse::<Level>().map_err(de::Error::custom)?,
            actor,
            event,
            fields,
        })
    }
}

#[cfg(test)]
mod tests;
