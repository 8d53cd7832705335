//! The documents, as they are read in a terminal: no line of prose is longer than it is comfortable to read, and the
//! tests that they name are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest line of prose, in characters.
const LINE: usize = 120;

/// The documents of the project.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["", "docs", "docs/guides", "packaging"].map(|place| root.join(place));
    let entries = places.iter().flat_map(|place| fs::read_dir(place).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"))
        .collect();
    found.sort();
    found
}

/// Numbers of the lines of prose that are too long: what is in a table, in a block, a picture or a comment for
/// tests stands on one line however long it is.
fn too_long(text: &str) -> Vec<usize> {
    let mut in_block = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("```") {
            in_block = !in_block;
        }
        let whole = ["|", "!", "<"].iter().any(|begin| line.starts_with(begin));
        if !in_block && !whole && line.chars().count() > LINE {
            found.push(number);
        }
    }
    found
}

/// The titles of the sections, in their order, and those that the list of contents links to.
fn sections(text: &str) -> (Vec<String>, Vec<String>) {
    let titles = text.lines().filter_map(|line| line.strip_prefix("## "));
    let titles = titles.map(str::to_owned).collect();
    let (_, contents) = text.split_once("Contents: ").unwrap();
    let (contents, _) = contents.split_once("\n\n").unwrap();
    let joined = contents.replace('\n', " ");
    let links = joined.split('[').skip(1);
    let named = links.map(|link| link.split_once(']').unwrap().0.to_owned());
    (titles, named.collect())
}

#[test]
fn the_contents_of_the_protocol_name_all_its_sections() {
    let (titles, named) = sections("Contents: [A](#a) · [B\nc](#b-c)\n\n## A\n## B c\n");
    assert_eq!(titles, named);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("PROTOCOL.md");
    let (titles, named) = sections(&fs::read_to_string(page).unwrap());
    assert_eq!(titles, named);
}

#[test]
fn lines_of_prose_are_no_longer_than_they_are_read() {
    let long = "x".repeat(LINE + 1);
    let text = format!("{long}\n| {long}\n```\n{long}\n```\n{long}\n<!-- {long} -->\n");
    assert_eq!(too_long(&text), [1, 6]);
    let mut wrong = Vec::new();
    for path in documents() {
        let lines = too_long(&fs::read_to_string(&path).unwrap());
        wrong.extend(
            lines
                .iter()
                .map(|line| format!("{}:{line}", path.display())),
        );
    }
    assert!(
        wrong.is_empty(),
        "longer than {LINE}:\n{}",
        wrong.join("\n")
    );
}

/// The names of all tests below a directory: functions behind an attribute that makes them one.
fn tests_below(below: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let name = line.strip_prefix("fn ").or(line.strip_prefix("async fn "));
                match name.and_then(|rest| rest.split(['(', '<']).next()) {
                    Some(name) if is_test => {
                        found.insert(name.to_owned());
                        is_test = false;
                    }
                    Some(_) => is_test = false,
                    None => is_test |= line.starts_with("#[") && line.contains("test"),
                }
            }
        }
    }
}

fn all_tests(root: &Path) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for place in ["src", "tests"] {
        tests_below(&root.join(place), &mut known);
    }
    known
}

#[test]
fn what_was_seen_is_held_by_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let there = all_tests(root);
    let text = fs::read_to_string(root.join("docs/seen.md")).unwrap();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let named = cells
            .iter()
            .skip(2)
            .map(|cell| cell.trim().trim_matches('`'));
        let named: Vec<&str> = named.filter(|name| name.contains('_')).collect();
        if cells
            .first()
            .is_some_and(|cell| cell.trim() == "What was done")
        {
            continue;
        }
        assert_eq!((cells.len(), named.len()), (4, 2), "{line}");
        for name in named {
            assert!(there.contains(name), "there is no test {name}");
        }
        rows += 1;
    }
    assert!(rows > 40, "{rows} lines were read");
}

#[test]
fn every_attack_that_is_told_of_has_the_tests_that_are_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/attacks.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows
        .filter(|row| !row.starts_with("| What was tried"))
        .collect();
    let known = all_tests(root);
    assert!(
        rows.len() > 20 && known.len() > 1_000,
        "{} {}",
        rows.len(),
        known.len()
    );
    let mut wrong = Vec::new();
    for row in rows {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        let missing = named.iter().filter(|name| !known.contains(**name));
        wrong.extend(missing.map(|name| format!("no test is called {name}")));
        if named.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
