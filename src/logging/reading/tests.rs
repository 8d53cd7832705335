use super::*;
use crate::logging::event::LogEvent;
use crate::logging::rotating_file::RotatingFile;
use std::io::Write;
use tempfile::TempDir;

/// The smallest rotation that the test wants to see.
const SMALL: u64 = 4_096;

pub(super) fn event(number: u64) -> LogEvent {
    LogEvent {
        time: Time::from_unix_ms(1_795_210_982_123 + number),
        level: Level::INFO,
        actor: "ledger".into(),
        event: "block connected".into(),
        fields: vec![
            ("zebra".into(), "z".repeat(100).into()),
            ("number".into(), number.into()),
        ],
    }
}

fn number(line: Line) -> u64 {
    let Line::Event(event) = line else {
        panic!("not an event: {line:?}");
    };
    event.fields[1].1.as_u64().unwrap()
}

fn numbers(reader: &mut LogReader) -> Vec<u64> {
    std::iter::from_fn(|| reader.next_line().unwrap())
        .map(number)
        .collect()
}

pub(super) fn log(dir: &TempDir, max_files: u16) -> (PathBuf, RotatingFile) {
    let path = dir.path().join("node.jsonl");
    let file = RotatingFile::open(&path, SMALL, max_files).unwrap();
    (path, file)
}

#[test]
fn what_was_written_is_read_back_with_its_fields_in_order() {
    let dir = TempDir::new().unwrap();
    let (path, mut file) = log(&dir, 5);
    let mut odd = event(7);
    odd.fields.push(("level".into(), true.into()));
    file.append(&odd.to_json()).unwrap();
    let mut reader = LogReader::new(&path, None);
    // A field with a fixed name has a mark behind it.
    odd.fields[2].0 = "level_".into();
    assert_eq!(reader.next_line().unwrap(), Some(Line::Event(odd)));
    assert_eq!(reader.next_line().unwrap(), None);
}

#[test]
fn a_reader_goes_along_with_a_file_that_grows_and_rotates() {
    let dir = TempDir::new().unwrap();
    let (path, mut file) = log(&dir, 100);
    let mut reader = LogReader::new(&path, None);
    let mut read = Vec::new();
    // Read every once in a while: sometimes several files have been begun meanwhile.
    for number in 0..500 {
        file.append(&event(number).to_json()).unwrap();
        if number % 97 == 0 {
            read.extend(numbers(&mut reader));
        }
    }
    read.extend(numbers(&mut reader));
    assert_eq!(read, Vec::from_iter(0..500));
    // One that comes later begins with the oldest line.
    assert_eq!(numbers(&mut LogReader::new(&path, None)), read);
}

#[test]
fn a_reader_that_was_left_behind_goes_on_with_the_oldest_that_is_kept() {
    let dir = TempDir::new().unwrap();
    let (path, mut file) = log(&dir, 2);
    let mut reader = LogReader::new(&path, None);
    file.append(&event(0).to_json()).unwrap();
    assert_eq!(numbers(&mut reader), [0]);
    for number in 1..500 {
        file.append(&event(number).to_json()).unwrap();
    }
    let kept = numbers(&mut LogReader::new(&path, None));
    assert!(kept.len() < 60, "{kept:?}");
    let read = numbers(&mut reader);
    // First the rest of the file that it had open, which is gone from the directory.
    assert!(read.ends_with(&kept));
    assert!(read.is_sorted());
}

#[test]
fn lines_that_are_torn_foreign_or_endless_are_passed_over() {
    let dir = TempDir::new().unwrap();
    let (path, mut file) = log(&dir, 2);
    file.append(&event(1).to_json()).unwrap();
    let mut raw = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let good = event(2).to_json();
    raw.write_all(b"{\"time\":\"2026\n[]\n\xff\n\n{\"time\":1}\n")
        .unwrap();
    raw.write_all(&vec![b'x'; 3 * MAX_LINE_BYTES]).unwrap();
    raw.write_all(b"\n").unwrap();
    raw.write_all(&good.as_bytes()[..20]).unwrap();
    let mut reader = LogReader::new(&path, None);
    let lines: Vec<Line> = std::iter::from_fn(|| reader.next_line().unwrap()).collect();
    assert_eq!(number(lines[0].clone()), 1);
    assert_eq!(lines[1..], vec![Line::Unreadable; 6]);
    // The rest of a line that was only begun.
    raw.write_all(&good.as_bytes()[20..]).unwrap();
    assert_eq!(numbers(&mut reader), [2]);
}

#[test]
fn files_from_before_the_time_that_is_asked_for_are_left_out() {
    let dir = TempDir::new().unwrap();
    let (path, mut file) = log(&dir, 100);
    for number in 0..100 {
        file.append(&event(number).to_json()).unwrap();
    }
    let old = SystemTime::UNIX_EPOCH;
    let older = (1..).map(|number| numbered(&path, number));
    for file in older.take_while(|file| file.exists()) {
        File::open(file).unwrap().set_modified(old).unwrap();
    }
    let since = Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1));
    let read = numbers(&mut LogReader::new(&path, since));
    assert!(read.len() < 30 && read.ends_with(&[99]), "{read:?}");
}

#[test]
fn nothing_is_read_where_nothing_was_written() {
    let dir = TempDir::new().unwrap();
    let mut reader = LogReader::new(&dir.path().join("logs/node.jsonl"), None);
    assert_eq!(reader.next_line().unwrap(), None);
}
