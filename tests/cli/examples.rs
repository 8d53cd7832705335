//! The examples at the end of each `--help`, typed as they stand.

use super::commands::command;
use super::run;
use crate::support::{Lab, wait_until};
use raclette::cli::examples::{EXAMPLES, Example, Needs};
use std::fs;

fn that_need(needs: Needs) -> impl Iterator<Item = (Example, Vec<String>)> {
    let all = EXAMPLES.iter().flat_map(|(_, examples)| *examples);
    let wanted = all.filter(move |one| one.needs == needs);
    wanted.map(|one| (*one, shlex::split(one.line).unwrap()))
}

fn words(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

#[test]
fn cli_examples_of_help_do_what_they_say() {
    for (example, line) in that_need(Needs::Nothing) {
        let place = tempfile::tempdir().unwrap();
        let ran = run(place.path(), &words(&line));
        assert_eq!(ran.code, Some(0), "{example:?}: {ran:?}");
    }
    let place = tempfile::tempdir().unwrap();
    let settings = "role = \"peer\"\nname = \"ann\"\ntrackers = [\"127.0.0.1:7000\"]\n";
    fs::write(place.path().join("peer.toml"), settings).unwrap();
    run(place.path(), &["wallet", "new"]).succeeds();
    for (example, line) in that_need(Needs::Settings) {
        let ran = run(place.path(), &words(&line));
        assert_eq!(ran.code, Some(0), "{example:?}: {ran:?}");
    }
}

#[test]
fn cli_examples_of_help_do_what_they_say_in_a_network() {
    let lab = Lab::start();
    let [ann, bob] = lab.peers(["ann", "bob"]);
    command(&ann, &["mine", "--blocks", "2"]).succeeds();
    wait_until("bob has ann's blocks", || {
        crate::support::so(bob.height() == 2, bob.height())
    });
    for (example, line) in that_need(Needs::Network) {
        let ran = command(&ann, &words(&line));
        assert_eq!(ran.code, Some(0), "{example:?}: {ran:?}");
    }
}

#[test]
fn cli_help_is_plain_where_it_is_no_terminal() {
    let place = tempfile::tempdir().unwrap();
    for arguments in [
        &["--help"][..],
        &["wallet", "--help"],
        &["send", "-h"],
        &["fly"],
    ] {
        let ran = run(place.path(), arguments);
        let told = ran.out + &ran.err;
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
}

#[test]
fn cli_mistakes_in_settings_are_found_without_starting() {
    let place = tempfile::tempdir().unwrap();
    fs::write(
        place.path().join("peer.toml"),
        "role = \"peer\"\nnmae = \"ann\"\n",
    )
    .unwrap();
    run(place.path(), &["config", "check"]).fails(2, &["peer.toml:2", "did you mean `name`?"]);
}
