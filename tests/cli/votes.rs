//! Ballots at the command line: opened, voted in, counted, and counted again without a node.

use super::Ran;
use super::commands::{command, json};
use super::terminal::Terminal;
use crate::support::{Lab, Node, so, wait_until};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The script that counts a ballot again.
fn check(arguments: &[&str]) -> Ran {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check_vote.py");
    let output = Command::new("python3").arg(script).args(arguments).output();
    output.unwrap().into()
}

fn tally(of: &Node, ballot: &str) -> Value {
    json(of, &["--json", "vote", "tally", ballot])
}

fn votes(of: &Node, ballot: &str) -> Vec<u64> {
    let tally = tally(of, ballot);
    let choices = tally["choices"].as_array().unwrap();
    choices
        .iter()
        .map(|one| one["votes"].as_u64().unwrap())
        .collect()
}

/// Waits until the ballot's opening is in a block, by this node.
fn has_open(of: &Node, ballot: &str) {
    wait_until("the ballot is open", || {
        let shown = command(of, &["--json", "vote", "tally", ballot]);
        so(
            shown.out.contains("\"state\":\"open\""),
            format!("{shown:?}"),
        )
    });
}

fn roll(of: &Node, names: &str) -> PathBuf {
    let file = of.data_dir.join("roll");
    fs::write(&file, names).unwrap();
    file
}

#[test]
fn cli_a_ballot_is_opened_voted_in_and_counted_again_without_a_node() {
    let lab = Lab::start();
    let [alice, bob, carol] = lab.peers(["alice", "bob", "carol"]);
    alice.knows(&["bob", "carol"]);
    let file = roll(&alice, "# who was there\nalice\nbob\n");
    let question = [
        "--json",
        "vote",
        "open",
        "Where to?",
        "--choices",
        "Rome,Bern",
    ];
    let how = ["--closes", "+6", "--mine", "--roll", file.to_str().unwrap()];
    let opened = command(&alice, &[&question[..], &how].concat()).succeeds();
    let opened: Value = serde_json::from_str(opened.lines().next().unwrap()).unwrap();
    let ballot = opened["ballot"].as_str().unwrap();
    has_open(&bob, ballot);
    // What can't count is refused in words.
    for (of, choice, saying) in [
        (&alice, "Oslo", "there are Rome, Bern"),
        (&alice, "Romr", "did you mean \"Rome\"?"),
    ] {
        command(of, &["vote", "cast", ballot, choice]).fails(1, &[saying]);
    }
    command(&alice, &["vote", "cast", ballot, "Rome", "Bern"]).fails(1, &["1 to 1"]);
    command(&alice, &["vote", "cast", "abcdef123456", "Rome"]).fails(1, &["no ballot"]);
    has_open(&carol, ballot);
    command(&carol, &["vote", "cast", ballot, "Rome"]).fails(1, &["not on the roll"]);
    // The later vote of bob counts.
    let cast = command(&bob, &["vote", "cast", ballot, "Rome", "--mine"]).succeeds();
    assert!(cast.contains("added in the block at height 2"), "{cast}");
    let again = command(&bob, &["vote", "cast", ballot, "bern"]).succeeds();
    assert!(
        again.contains("replaces  Rome, counted in block 2"),
        "{again}"
    );
    assert!(again.contains("closes soon"), "{again}");
    // Lists and the account say what was voted, not under which topic alone.
    let history = command(&bob, &["history"]).succeeds();
    let vote = history
        .lines()
        .find(|line| line.contains("a vote for Bern"));
    let vote = vote.unwrap_or_else(|| panic!("{history}"));
    let id = vote.split_whitespace().nth(2).unwrap();
    let told = command(&bob, &["tx", id]).succeeds();
    assert!(
        told.contains("says     a vote for Bern: Where to?"),
        "{told}"
    );
    let open = command(&bob, &["open"]).succeeds();
    assert!(
        open.contains("says") && open.contains("a vote for"),
        "{open}"
    );
    let account = command(&bob, &["account"]).succeeds();
    assert!(
        account.contains("recorded") && account.contains("a vote for Rome"),
        "{account}"
    );
    // Whatever is refused from now on, it is said which one counts.
    let counts = "your vote for Rome in the block at height 2 counts";
    command(&bob, &["vote", "cast", ballot, "Oslo"]).fails(1, &[counts]);
    command(&bob, &["vote", "cast", ballot, "Rome", "Bern"]).fails(1, &[counts]);
    bob.mine();
    wait_until("alice counts it", || {
        let votes = votes(&alice, ballot);
        so(votes == [0, 1], format!("{votes:?}"))
    });
    let audit = alice.data_dir.join("early.audit");
    let audit = audit.to_str().unwrap();
    let told = command(&alice, &["vote", "audit", ballot, "--out", audit]).succeeds();
    assert!(told.contains("incomplete"), "{told}");
    // U3: what it prints to be typed works when typed, somewhere else and without this source.
    let typed = told.lines().last().unwrap().trim();
    let mut shell = Command::new("/bin/sh");
    let typed = shell.current_dir("/").args(["-c", typed]).output().unwrap();
    assert_eq!(typed.status.code(), Some(3), "{typed:?}");
    let checked = check(&[audit]);
    assert_eq!(checked.code, Some(3), "{checked:?}");
    assert!(checked.out.contains("incomplete"), "{checked:?}");
    // Closed by its height; its opener's node records the result.
    while alice.height() < 6 {
        alice.mine();
    }
    command(&alice, &["vote", "cast", ballot, "Rome"]).fails(1, &["is closed"]);
    // What is open may be somebody's join.
    wait_until("the result is mined", || {
        alice.mine();
        let state = tally(&alice, ballot)["state"].clone();
        so(state == "result_mined", state)
    });
    for node in [&alice, &bob, &carol] {
        wait_until("the result is in a block", || {
            let state = tally(node, ballot)["state"].clone();
            so(state == "result_mined", state)
        });
        assert_eq!(votes(node, ballot), [0, 1]);
    }
    let list = command(&carol, &["vote", "list"]).succeeds();
    assert!(
        list.contains("result mined") && list.contains("1 of 2"),
        "{list}"
    );
    let show = command(&carol, &["vote", "show", ballot]).succeeds();
    assert!(
        show.contains("alice  none") && show.contains("bob    Bern"),
        "{show}"
    );
    // Counted again without a node.
    let audit = bob.data_dir.join("audit");
    let audit = audit.to_str().unwrap();
    command(&bob, &["vote", "audit", ballot, "--out", audit]).succeeds();
    let tip = bob.tip().1;
    let checked = check(&[audit, "--trust", &tip]).succeeds();
    assert!(
        checked.contains("Bern") && checked.contains("correct"),
        "{checked}"
    );
    // A changed one is not.
    let text = fs::read_to_string(audit).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(2);
    fs::write(audit, lines.join("\n")).unwrap();
    let checked = check(&[audit]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    // A receipt of the vote.
    let vote = &json(&bob, &["--json", "vote", "show", ballot])["own"]["id"];
    let receipt = command(&bob, &["prove", vote.as_str().unwrap()]).succeeds();
    let file = bob.data_dir.join("receipt.json");
    fs::write(&file, receipt).unwrap();
    check(&[file.to_str().unwrap(), "--trust", &tip]).succeeds();
}

#[test]
fn cli_a_roll_with_mistakes_is_named_line_by_line() {
    let lab = Lab::start();
    let [alice] = lab.peers(["alice"]);
    // U7, U13: as editors elsewhere save it, and what is no file.
    let utf16: Vec<u8> = "\u{feff}alice"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let saved = alice.data_dir.join("saved");
    fs::write(&saved, utf16).unwrap();
    let open = ["vote", "open", "Where to?", "--choices", "a,b", "--roll"];
    let with = |file: &Path| command(&alice, &[&open[..], &[file.to_str().unwrap()]].concat());
    with(&saved).fails(2, &["UTF-16", "save it as UTF-8"]);
    fs::write(&saved, "\u{feff}alice\r\ncarl\r\n").unwrap();
    let told = with(&saved);
    assert!(
        !told.err.contains("line 1"),
        "the mark is no letter: {told:?}"
    );
    told.fails(1, &["line 2: no member is called \"carl\""]);
    let pipe = alice.data_dir.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    with(&pipe).fails(2, &["a pipe"]);
    let file = roll(&alice, "alice\ncarl\nrac1qqqq\n");
    with(&file).fails(1, &["line 2: no member is called", "line 3:"]);
    command(&alice, &["vote"]).fails(2, &["no terminal to talk at"]);
    command(
        &alice,
        &["vote", "open", "x", "--choices", "a,b", "--closes", "soon"],
    )
    .fails(2, &["20m"]);
}

#[test]
fn cli_vote_alone_is_a_conversation_that_mines() {
    let lab = Lab::start();
    let [alice] = lab.peers(["alice"]);
    let file = roll(&alice, "alice\n");
    let open = [
        "--json",
        "vote",
        "open",
        "Where to?",
        "--choices",
        "Rome,Bern",
    ];
    let how = [
        "--closes",
        "+50",
        "--mine",
        "--roll",
        file.to_str().unwrap(),
    ];
    let opened = command(&alice, &[&open[..], &how].concat()).succeeds();
    let opened: Value = serde_json::from_str(opened.lines().next().unwrap()).unwrap();
    let ballot = opened["ballot"].as_str().unwrap();
    let config = alice.config.to_str().unwrap();
    let Some(mut terminal) = Terminal::run(config, "vote") else {
        println!("there is no `script` here: not tested");
        return;
    };
    let prompt = "q: quit > ";
    // What is public is said before anybody votes.
    terminal.has_shown("Votes are public", 1);
    terminal.types((prompt, 1), "x");
    terminal.types((prompt, 2), "a");
    terminal.types(("Which one? ", 1), "Paris");
    terminal.types((prompt, 3), "a");
    terminal.types(("Which one? ", 2), "2");
    terminal.types((prompt, 4), "d");
    terminal.types((prompt, 5), "q");
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    for said in [
        "Where to?",
        "a, d or q is wanted",
        "\"paris\" is no choice of this ballot",
        "2: Bern",
        "added in the block at height 2",
        "1 of 1 voted",
    ] {
        assert!(shown.contains(said), "{said:?}: {shown}");
    }
    assert_eq!(votes(&alice, ballot), [0, 1]);
    // Of several, one is picked, or none.
    command(&alice, &[&open[..], &how].concat()).succeeds();
    let mut terminal = Terminal::run(config, "vote").unwrap();
    terminal.types(("Which one? q: quit > ", 1), "3");
    terminal.types(("Which one? q: quit > ", 2), "q");
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("from 1 to 2 or q is wanted"), "{shown}");
}
