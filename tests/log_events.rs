//! What a node writes down is documented: the table in docs/log-events.md and the source say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// An event: its text, its level, and the names of its fields in their order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    text: String,
    level: String,
    fields: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && !path.to_str().unwrap().contains("tests") {
            found.push(path);
        }
    }
}

/// What stands between a macro's parentheses, cut at the commas that are its own.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut parts = vec![String::new()];
    for c in text.chars() {
        let part = parts.last_mut().unwrap();
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    let whole = parts.iter().map(|part| part.trim().to_owned());
    whole.filter(|part| !part.is_empty()).collect()
}

/// `%error` and `height = tip.height().0` by the name that they have in the file.
fn field(argument: &str) -> String {
    let name = argument.split('=').next().unwrap().trim();
    let last = name.trim_start_matches(['%', '?', '&']);
    last.rsplit('.').next().unwrap().to_owned()
}

fn events_of(source: &str) -> Vec<Event> {
    let code: Vec<&str> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for level in LEVELS {
        for (at, opening) in code.match_indices(&format!("tracing::{level}!(")) {
            let mut arguments = arguments(&code[at + opening.len()..]);
            let text = arguments.pop().unwrap();
            assert!(
                text.starts_with('"') && !text.contains('{'),
                "an event has a constant text, and what varies is in fields: {text}"
            );
            let fields: Vec<String> = arguments.iter().map(|one| field(one)).collect();
            found.push(Event {
                text: text[1..text.len() - 1].replace('`', ""),
                level: level.to_owned(),
                fields: fields.join(" "),
            });
        }
    }
    found
}

fn in_the_source() -> BTreeSet<Event> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts.flat_map(|text| events_of(&text)).collect()
}

/// The rows `| event | level | fields | ... |` of the table.
fn in_the_document() -> BTreeSet<Event> {
    let text = fs::read_to_string(root().join("docs/log-events.md")).unwrap();
    let from = text.find("| Event | Level | Fields |").expect("the table");
    let rows = text[from..].lines().skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let event = |row: &str| {
        let mut cells = row
            .split('|')
            .skip(1)
            .map(|cell| cell.trim().replace('`', ""));
        let mut next = || cells.next().unwrap();
        Event {
            text: next(),
            level: next(),
            fields: next(),
        }
    };
    rows.map(event).collect()
}

#[test]
fn every_event_is_documented_with_its_level_and_fields() {
    let (source, document) = (in_the_source(), in_the_document());
    assert!(source.len() > 40, "the source was not read: {source:?}");
    let show = |events: Vec<&Event>| -> String {
        let row = |e: &&Event| format!("| {} | {} | `{}` |\n", e.text, e.level, e.fields);
        events.iter().map(row).collect()
    };
    let undocumented = show(source.difference(&document).collect());
    let gone = show(document.difference(&source).collect());
    assert!(
        undocumented.is_empty() && gone.is_empty(),
        "not in the table of docs/log-events.md:\n{undocumented}not in the source:\n{gone}"
    );
}

#[test]
fn what_is_searched_for_in_the_source_is_found() {
    let source = r#"
        // tracing::info!("not this one");
        tracing::warn!(height = tip.at(1, 2).0, %error, session.peer, "it is (not) \"there\"");
    "#;
    let found = events_of(source);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fields, "height error peer");
    assert_eq!(found[0].text, r#"it is (not) \"there\""#);
}
