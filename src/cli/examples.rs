//! What `--help` shows at its end: command lines that work as they stand. A test types each of them.

mod table;

pub use table::EXAMPLES;

use super::args::Cli;
use clap::{Command, CommandFactory};

/// What an example needs before it can be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A directory to write in.
    Nothing,
    /// The settings of a peer with a wallet, `peer.toml`, in this directory; no node runs.
    Settings,
    /// Two members, `ann` in `peer.toml` and `bob`, whose nodes run, and coins of ann's.
    Network,
    /// More than that: an id of that network, somebody at the terminal. A page of the tests sees to it.
    More,
}

/// A command line, without the program's name before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// What is typed.
    pub line: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What it needs.
    pub needs: Needs,
}

/// The definition of the commands, with examples at the end of each help.
pub fn command() -> Command {
    with_examples(Cli::command(), "")
}

/// `command`, which is named by the words of `path`, and all below it.
fn with_examples(command: Command, path: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .map(|one| one.get_name().to_owned())
        .collect();
    let mut command = match of(path) {
        found if found.is_empty() => command,
        found => command.after_help(shown(&found)),
    };
    for name in names {
        let below = format!("{path} {name}");
        command = command.mut_subcommand(name, |one| with_examples(one, below.trim_start()));
    }
    command
}

/// The examples of a command; of one that only groups others, the first of each of these.
fn of(path: &str) -> Vec<Example> {
    let own = EXAMPLES.iter().find(|(name, _)| *name == path);
    if let Some((_, examples)) = own {
        return examples.to_vec();
    }
    let within = format!("{path} ");
    let below = EXAMPLES
        .iter()
        .filter(|(name, _)| name.starts_with(&within));
    below
        .filter_map(|(_, examples)| examples.first().copied())
        .collect()
}

fn shown(examples: &[Example]) -> String {
    let lines = examples.iter().map(|one| {
        let line = format!("node {}", one.line);
        format!("  {line}\n      {}", one.does)
    });
    format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
        let below: Vec<_> = command
            .get_subcommands()
            .filter(|one| !one.is_hide_set())
            .collect();
        for one in &below {
            let path = format!("{path} {}", one.get_name());
            leaves(one, path.trim_start(), found);
        }
        if below.is_empty() {
            found.push(path.to_owned());
        }
    }

    /// The command lines in the blocks of shell of a document, without the program's name.
    fn typed_in(document: &str) -> Vec<String> {
        let blocks = document.split("```sh\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split("```").next());
        let lines = blocks.flat_map(str::lines);
        let commands = lines.filter_map(|line| {
            let line = line.strip_prefix("./").unwrap_or(line);
            line.strip_prefix("node ")
        });
        commands.map(str::to_owned).collect()
    }

    #[test]
    fn what_the_guides_say_to_type_is_understood() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut documents = vec![root.join("README.md")];
        for place in ["docs", "docs/guides"] {
            let entries = std::fs::read_dir(root.join(place)).unwrap();
            documents.extend(entries.map(|entry| entry.unwrap().path()));
        }
        let mut seen = 0;
        for document in documents.iter().filter(|path| path.is_file()) {
            for line in typed_in(&std::fs::read_to_string(document).unwrap()) {
                seen += 1;
                let mut words = shlex::split(&line).unwrap();
                words.insert(0, "node".to_owned());
                if let Some(at) = words
                    .iter()
                    .position(|word| word == ">" || word == "|" || word == "&")
                {
                    words.truncate(at);
                }
                if let Err(error) = command().try_get_matches_from(&words) {
                    panic!("{}: {line}: {error}", document.display());
                }
            }
        }
        assert!(seen > 20, "only {seen} commands were found");
    }

    #[test]
    fn every_help_ends_with_examples_that_are_understood() {
        let mut all = Vec::new();
        leaves(&command(), "", &mut all);
        for path in &all {
            let examples = EXAMPLES.iter().find(|(name, _)| name == path);
            assert!(
                examples.is_some_and(|(_, examples)| !examples.is_empty()),
                "the command {path:?} has no example in cli/examples/table.rs"
            );
        }
        for (path, examples) in EXAMPLES {
            let known = path.is_empty()
                || all
                    .iter()
                    .any(|one| one == path || one.starts_with(&format!("{path} ")));
            assert!(known, "there is no command {path:?}");
            for example in *examples {
                assert!(example.line.starts_with(path), "{example:?}");
                let words = shlex::split(&format!("node {}", example.line)).unwrap();
                if let Err(error) = command().try_get_matches_from(words) {
                    panic!("{example:?}: {error}");
                }
            }
        }
        let mut group = command();
        let wallet = group.find_subcommand_mut("wallet").unwrap();
        let help = wallet.render_help().to_string();
        assert!(
            help.contains("Examples:") && help.contains("node wallet words"),
            "{help}"
        );
    }
}
