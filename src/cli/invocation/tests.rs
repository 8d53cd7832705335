use super::*;
use crate::cli::args::Cli;
use clap::Parser;
use std::fs;

fn plain() -> Invocation {
    Invocation {
        program: "node".into(),
        config: None,
    }
}

#[test]
fn what_is_typed_works_from_any_directory_with_spaces() {
    let called = OsString::from("/my net/node");
    let invocation = Invocation::called(&called, None, &OsString::new());
    let alice = invocation.for_node(Path::new("/it's here/alice.toml"));
    let line = alice.line("wallet words");
    assert_eq!(
        shlex::split(&line).unwrap(),
        [
            "/my net/node",
            "--config",
            "/it's here/alice.toml",
            "wallet",
            "words"
        ]
    );
    // Relative ones are made absolute.
    let relative = Invocation::called(&"./node".into(), None, &OsString::new());
    let words = shlex::split(&relative.for_node(Path::new("peer.toml")).line("")).unwrap();
    assert!(words.iter().step_by(2).all(|path| path.starts_with('/')));
    // What is about no node has no settings.
    assert_eq!(
        plain().for_node(Path::new("/x")).line("init peer"),
        "node init peer"
    );
}

#[test]
fn a_name_is_typed_only_if_the_shell_finds_this_program_by_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, other) = (dir.path().join("mine"), dir.path().join("other"));
    for place in [&mine, &other] {
        fs::create_dir(place).unwrap();
        fs::write(place.join("node"), place.display().to_string()).unwrap();
    }
    let own = mine.join("node");
    let search = |first: &Path, second: &Path| env::join_paths([first, second]).unwrap();
    let called = |search| Invocation::called(&"node".into(), Some(&own), &search).line("");
    assert_eq!(called(search(&mine, &other)), "node");
    // A `node` of another kind comes first, as on many machines of programmers.
    assert_eq!(called(search(&other, &mine)), own.display().to_string());
    assert_eq!(called(OsString::new()), own.display().to_string());
}

#[test]
fn commands_in_the_texts_of_lower_floors_are_made_typeable() {
    let alice = plain().for_node(Path::new("/a b/alice.toml"));
    assert_eq!(
        alice.typed("look with `node history`, or start it: `node`; `nodes` and `status` stay"),
        "look with `node --config '/a b/alice.toml' history`, or start it: \
         `node --config '/a b/alice.toml'`; `nodes` and `status` stay"
    );
    assert_eq!(alice.typed("no end `node st"), "no end `node st");
}

/// The source files below a directory.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// What stands in a text between "`node" and the next "`".
fn commands(text: &str) -> Vec<String> {
    let parts = text.split(PLACEHOLDER).skip(1);
    let commands = parts.filter_map(|part| part.split_once('`'));
    let commands = commands.filter(|(command, _)| command.starts_with(' '));
    commands
        .map(|(command, _)| command.trim().to_owned())
        .collect()
}

/// A command line as somebody types it who puts in what is meant by NAME and `{name}`.
fn filled_in(command: &str) -> Vec<String> {
    let words = command.replace("\\\n", " ");
    let mut filled = vec!["node".to_owned()];
    for word in words.split_whitespace() {
        let meant = match word {
            "HOST:PORT" => "127.0.0.1:7000".to_owned(),
            "NUMBER" | "{id}" => "3".to_owned(),
            word if word.contains('{') => "somebody".to_owned(),
            word => word.to_owned(),
        };
        filled.push(meant);
    }
    filled
}

#[test]
fn every_command_that_a_message_names_can_be_typed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    // Made of what was typed: tests/cli/hints.rs types them.
    files.retain(|file| !file.ends_with("cli/hints.rs"));
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let messages = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let text = messages
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ")
            .replace("\\ ", "");
        for command in commands(&text) {
            seen += 1;
            if command.ends_with("...") || command.chars().all(|c| !c.is_lowercase()) {
                continue;
            }
            if let Err(error) = Cli::try_parse_from(filled_in(&command)) {
                wrong.push(format!("{}: {command}: {error}", file.display()));
            }
        }
    }
    assert!(seen > 10, "the source was not read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A text of the client is made here, and what shows it goes through all texts again.
#[test]
fn a_text_that_was_gone_through_stays_as_it_is() {
    let node = Invocation {
        program: "node".to_owned(),
        config: Some(PathBuf::from("/tmp/ann.toml")),
    };
    let once = node.typed("start it: `node`, then `node status`, or `node join`");
    assert_eq!(
        once,
        "start it: `node --config /tmp/ann.toml`, then `node --config /tmp/ann.toml status`, or `node join`"
    );
    assert_eq!(node.typed(&once), once);
}
