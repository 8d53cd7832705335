//! The guides, typed as they stand: every command in a block of shell, but for those marked *not tried*.
//!
//! What a reader does not see, and a test has to know, stands in comments before a block: at whose desk it is
//! typed (`desk`), what happened meanwhile (`first`) or is waited for (`until`), what is answered to questions
//! (`answers`), into which settings the lines go (`into`), and for what an id of the page stands (`for ID`).

mod page;
mod play;

use page::Page;
use play::Play;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One at a time: the members of two would take each other's usual ports.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn guides() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides")
}

/// Types all of a guide, by the name of its file; how many commands that were.
fn walk(name: &str) -> usize {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|one| one.into_inner());
    let text = std::fs::read_to_string(guides().join(name)).unwrap();
    let mut play = Play::begin();
    let page = Page::read(&text);
    for step in &page.steps {
        play.go(step);
    }
    page.typed()
}

#[test]
fn cli_guide_of_a_class_is_typed_as_it_stands() {
    assert!(walk("class.md") > 25);
}

#[test]
fn cli_guide_of_a_club_that_votes_is_typed_as_it_stands() {
    assert!(walk("club.md") > 15);
}

#[test]
fn cli_guide_of_three_companies_is_typed_as_it_stands() {
    assert!(walk("companies.md") > 15);
}

#[test]
fn cli_guide_of_a_tracker_is_typed_as_it_stands() {
    assert!(walk("tracker.md") > 10);
}

#[test]
fn cli_guide_of_what_went_wrong_is_typed_as_it_stands() {
    assert!(walk("trouble.md") > 12);
}

#[test]
fn cli_guide_of_applications_is_typed_as_it_stands_and_quotes_the_example() {
    assert!(walk("application.md") > 4);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = std::fs::read_to_string(root.join("examples/guest_book.rs")).unwrap();
    let guide = std::fs::read_to_string(guides().join("application.md")).unwrap();
    let quoted: Vec<_> = guide.split("```rust\n").skip(1).collect();
    assert!(quoted.len() > 1);
    for block in quoted {
        let block = block.split("```").next().unwrap();
        assert!(
            code.contains(block),
            "examples/guest_book.rs has not: {block}"
        );
    }
}

#[test]
fn cli_every_guide_is_typed() {
    let tried = [
        "application.md",
        "class.md",
        "club.md",
        "companies.md",
        "tracker.md",
        "trouble.md",
    ];
    let mut there: Vec<_> = std::fs::read_dir(guides())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, tried, "each needs a test of its own above");
}
