//! The documents, as they are read in a terminal: no line of prose is longer than it is comfortable to read.

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
