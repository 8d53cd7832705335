//! Reading the log files back from their end: the latest lines first, and from a place on those before it.

use super::super::rotating_file::numbered;
use super::{Line, LogEvent, if_there, read_line};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

/// How much is read at a time: some thousand lines, taken apart in a few milliseconds, and room for the longest.
const PIECE: u64 = 1 << 20;

/// How much is looked through for one answer: what finds nothing in it goes on behind a place.
const MOST: u64 = 4 * PIECE;

/// A place in the log files: what lies before it is older. A file is known by its inode, which stays when it is
/// renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    file: u64,
    at: u64,
}

impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.file, self.at)
    }
}

/// It is no place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAPlace;

impl FromStr for LogPlace {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let (file, at) = text.split_once('.').ok_or(NotAPlace)?;
        let number = |text: &str| text.parse().map_err(|_| NotAPlace);
        Ok(Self {
            file: number(file)?,
            at: number(at)?,
        })
    }
}

/// Some events, the latest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// The events.
    pub events: Vec<LogEvent>,
    /// Before which place there may be more.
    pub next: Option<LogPlace>,
}

/// The last events before a place that are `wanted`, so many at most; before the end if it is left out. Nothing,
/// if the file of the place is gone: what was before it went earlier.
///
/// # Errors
/// Whatever keeps a file that is there from being read.
pub fn earlier(
    path: &Path,
    before: Option<LogPlace>,
    limit: usize,
    wanted: impl Fn(&LogEvent) -> bool,
) -> io::Result<Part> {
    let (mut part, mut looked_through) = (Part::default(), 0);
    let mut is_behind = before.is_some();
    for number in 0..=u16::MAX {
        let name = match number {
            0 => path.to_owned(),
            number => numbered(path, number),
        };
        let Some(mut file) = if_there(File::open(&name))? else {
            match number {
                // While files are renamed, the current one is missing for a moment.
                0 => continue,
                _ => break,
            }
        };
        let found = file.metadata()?;
        let mut end = found.len();
        if let Some(before) = before.filter(|_| is_behind) {
            if before.file != found.ino() {
                continue;
            }
            is_behind = false;
            end = end.min(before.at);
        }
        while end > 0 {
            if looked_through >= MOST {
                part.next = Some(LogPlace {
                    file: found.ino(),
                    at: end,
                });
                return Ok(part);
            }
            let from = end.saturating_sub(PIECE);
            let mut bytes = vec![0; usize::try_from(end - from).unwrap_or_default()];
            file.seek(SeekFrom::Start(from))?;
            file.read_exact(&mut bytes)?;
            looked_through += end - from;
            // What begins before this piece is read with the next one.
            let whole = match (from, bytes.iter().position(|byte| *byte == b'\n')) {
                (0, _) => 0,
                (_, Some(at)) => at + 1,
                // One line longer than any of ours.
                (_, None) => bytes.len(),
            };
            let mut line_end = bytes.len();
            while line_end > whole {
                let before_it = &bytes[whole..line_end - 1];
                let begin = before_it.iter().rposition(|byte| *byte == b'\n');
                let begin = begin.map_or(whole, |at| whole + at + 1);
                if let Line::Event(event) = read_line(&bytes[begin..line_end])
                    && wanted(&event)
                {
                    part.events.push(event);
                }
                line_end = begin;
                if part.events.len() >= limit {
                    part.next = Some(LogPlace {
                        file: found.ino(),
                        at: from + begin as u64,
                    });
                    return Ok(part);
                }
            }
            end = if whole < bytes.len() {
                from + whole as u64
            } else {
                from
            };
        }
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{event, log};
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn numbers(part: &Part) -> Vec<u64> {
        let number = |event: &LogEvent| event.fields[1].1.as_u64().unwrap();
        part.events.iter().map(number).collect()
    }

    #[test]
    fn all_files_are_read_from_their_end_and_a_place_outlasts_their_renaming() {
        let dir = TempDir::new().unwrap();
        let (path, mut file) = log(&dir, 100);
        for number in 0..100 {
            file.append(&event(number).to_json()).unwrap();
        }
        let (mut all, mut place) = (Vec::new(), None);
        loop {
            let part = earlier(&path, place, 7, |_| true).unwrap();
            all.extend(numbers(&part));
            // What comes meanwhile moves the files, and nothing of this.
            for number in 0..20 {
                file.append(&event(1_000 + number).to_json()).unwrap();
            }
            place = part.next;
            if place.is_none() {
                break;
            }
            assert_eq!(place.unwrap().to_string().parse(), Ok(place.unwrap()));
        }
        assert_eq!(all, (0..100).rev().collect::<Vec<_>>());

        let odd = |event: &LogEvent| event.fields[1].1.as_u64().unwrap() == 3;
        let part = earlier(&path, None, 7, odd).unwrap();
        assert_eq!((numbers(&part), part.next), (vec![3], None));
    }

    #[test]
    fn what_is_no_line_is_passed_over_and_a_long_log_goes_on_behind_a_place() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("node.jsonl");
        assert_eq!(earlier(&path, None, 7, |_| true).unwrap(), Part::default());
        // Longer than a piece, without an end of a line; and a line that is being written.
        let text = [
            event(1).to_json(),
            "x".repeat(2 * PIECE as usize) + "\n",
            "{}\n".repeat(2 * PIECE as usize),
            event(2).to_json(),
            "{\"time\":\"2026".to_owned(),
        ];
        fs::write(&path, text.concat()).unwrap();
        let first = earlier(&path, None, 7, |_| true).unwrap();
        assert_eq!(numbers(&first), [2]);
        let (mut found, mut place) = (Vec::new(), first.next);
        while place.is_some() {
            let part = earlier(&path, place, 7, |_| true).unwrap();
            found.extend(numbers(&part));
            place = part.next;
        }
        assert_eq!(found, [1]);

        let gone = LogPlace { file: 1, at: 9 };
        assert_eq!(
            earlier(&path, Some(gone), 7, |_| true).unwrap(),
            Part::default()
        );
        for wrong in ["", "1", "1.", ".1", "1.x", "-1.2"] {
            assert_eq!(wrong.parse::<LogPlace>(), Err(NotAPlace), "{wrong}");
        }
    }
}
