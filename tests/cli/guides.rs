//! The guides, typed as they stand: every command in a block of shell, but for those marked *not tried*.
//!
//! What a reader does not see, and a test has to know, stands in comments before a block: at whose desk it is
//! typed (`desk`), what happened meanwhile (`first`) or is waited for (`until`), what is answered to questions
//! (`answers`), into which settings the lines go (`into`), and for what an id of the page stands (`for ID`).

mod page;
mod play;

use page::{Page, Step};
use play::Play;
use raclette::cli::examples::{EXAMPLES, Needs};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One at a time: the members of two would take each other's usual ports.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn guides() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides")
}

/// Types all of a guide, by the name of its file; how many commands that were.
fn walk(name: &str) -> usize {
    let text = std::fs::read_to_string(guides().join(name)).unwrap();
    let page = Page::read(&text);
    walk_through(&page);
    page.typed()
}

fn walk_through(page: &Page) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|one| one.into_inner());
    let mut play = Play::begin();
    for step in &page.steps {
        play.go(step);
    }
}

/// Examples that a test of their own types, and which: they ask in a way that only a person answers in time, or
/// go on.
const TYPED_ELSEWHERE: [(&str, &str, &str); 12] = [
    ("demo", "demo.rs", "fn cli_demo_stays_up_until_ctrl_c"),
    ("demo --once", "demo.rs", "--once"),
    ("leave", "terminal.rs", "fn cli_leave_asks_first"),
    ("wallet lock", "terminal.rs", "wallet lock"),
    ("wallet unlock", "wallet.rs", "\"unlock\""),
    ("wallet load", "wallet.rs", "\"load\""),
    (
        "tracker delegate rac1... --until 60d",
        "../p2p/takeover.rs",
        "\"delegate\"",
    ),
    (
        "expel bob --reason 'sold what he never had'",
        "../attack/expelled.rs",
        "\"expel\"",
    ),
    ("readmit bob", "../attack/expelled.rs", "\"readmit\""),
    (
        "rekey ann rac1qw508d6qejxtdg4y5r3zarvary0c5xw7k3z",
        "../attack/expelled.rs",
        "\"rekey\"",
    ),
    ("tracker revoke rac1...", "../p2p/takeover.rs", "\"revoke\""),
    (
        "tracker hand-over rac1... --recovery",
        "../p2p/takeover.rs",
        "\"hand-over\"",
    ),
];

/// What the text of an example says that nobody has tried in a test.
const NOT_TRIED: &str = "not tried";

#[test]
fn cli_examples_of_help_that_need_more_are_typed_on_a_page() {
    let page = Page::read(include_str!("guides/examples.md"));
    let typed: Vec<_> = page
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Type { line, .. } => line.strip_prefix("node "),
            _ => None,
        })
        .collect();
    let all = EXAMPLES.iter().flat_map(|(_, examples)| *examples);
    for example in all.filter(|one| one.needs == Needs::More) {
        let elsewhere = TYPED_ELSEWHERE.iter().find(|one| one.0 == example.line);
        let tried = match elsewhere {
            Some((_, file, what)) => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("tests/cli")
                    .join(file);
                std::fs::read_to_string(path).unwrap().contains(what)
            }
            None => typed.contains(&example.line) || example.does.contains(NOT_TRIED),
        };
        assert!(tried, "nobody types {example:?}");
    }
    walk_through(&page);
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

/// What commands on the pages begin with.
const COMMANDS: [&str; 12] = [
    "node",
    "./node",
    "raclette",
    "python3",
    "make",
    "cargo",
    "curl",
    "sudo",
    "apt",
    "systemctl",
    "docker",
    "podman",
];

/// The lines of blocks that are shown as something else than shell, and would be typed by nobody.
fn not_of_shell(text: &str) -> Vec<&str> {
    let mut block = None;
    let mut found = Vec::new();
    for line in text.lines() {
        block = match (line.strip_prefix("```"), block) {
            (Some(language), None) => Some(language),
            (Some(_), Some(_)) => None,
            (None, block) => {
                found.extend(block.filter(|language| *language != "sh").map(|_| line));
                block
            }
        };
    }
    found
}

#[test]
fn cli_no_command_of_a_guide_hides_in_a_block_that_is_not_typed() {
    let text = "```sh\nnode a\n```\nnode b\n```text\nnode c\n```\n```\nd\n```\n";
    assert_eq!(not_of_shell(text), ["node c", "d"]);
    for entry in std::fs::read_dir(guides()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = not_of_shell(&text).into_iter();
        let first = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let hidden: Vec<_> = lines
            .filter(|line| COMMANDS.contains(&&first(line)[..]))
            .collect();
        assert!(hidden.is_empty(), "{}: {hidden:?}", path.display());
    }
}
