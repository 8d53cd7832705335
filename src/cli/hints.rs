//! What was probably meant, where the words of a command line were not understood.

mod plain;

pub use plain::told;

use super::args::Cli;
use super::invocation::word;
use crate::suggest::nearest;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Words that people try, and what does it here.
const MEANT: [(&[&str], &str); 13] = [
    (
        &["pay", "transfer", "give"],
        "`node send bob 5` pays bob 5 coins",
    ),
    (
        &["message", "write", "note", "tell", "mail", "msg", "chat"],
        "`node send bob 0 --note hello` writes to bob",
    ),
    (
        &["stop", "quit", "exit", "shutdown", "kill"],
        "Ctrl-C in the node's terminal stops it",
    ),
    (
        &["logout", "log-out", "logoff", "signout"],
        "there is nothing to log out of: Ctrl-C in the node's terminal stops it, and it stays a member",
    ),
    (
        &["start", "run", "up", "daemon", "serve"],
        "`node` starts it",
    ),
    (
        &["read", "messages", "received", "receive"],
        "`node inbox` shows what was received",
    ),
    (
        &["sent", "queue", "pending"],
        "`node outbox` shows what is on its way",
    ),
    (
        &["members", "users", "who", "list", "nodes"],
        "`node peers` shows who is in the network",
    ),
    (
        &["address", "whoami", "key", "id"],
        "`node wallet address` prints this node's address",
    ),
    (
        &["coins", "money", "funds", "account"],
        "`node balance` shows what somebody has",
    ),
    (
        &["register", "join"],
        "`node init peer --name NAME --tracker HOST:PORT` writes the settings of a new member",
    ),
    (
        &["new", "create", "network", "found"],
        "`node init network NAME` makes a new network: its tracker and its first member",
    ),
    (
        &["seed", "backup", "restore", "mnemonic"],
        "`node wallet words` shows what a wallet is brought back from, `node wallet restore` takes it",
    ),
];

/// The error with the one command in its advice that was most likely meant: of those that go on with what was
/// typed the shortest, else the nearest. Where none is near, all stay.
pub fn nearest_first(mut error: clap::Error) -> clap::Error {
    let (Some(ContextValue::String(typed)), Some(ContextValue::Strings(known))) = (
        error.get(ContextKind::InvalidSubcommand),
        error.get(ContextKind::SuggestedSubcommand),
    ) else {
        return error;
    };
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let longer = known.iter().filter(|name| name.starts_with(typed.as_str()));
    let meant = longer.min_by_key(|name| name.len()).copied();
    if let Some(meant) = meant.or_else(|| nearest(typed, &known)) {
        let meant = ContextValue::Strings(vec![meant.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, meant);
    }
    error
}

/// The error without advice that leads astray: to take an option that there is not for a value, since what is called
/// so was never meant; or another option, where this one is known by another name.
pub fn without_wrong_advice(words: &[String], mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) {
        tips.retain(|tip| !tip.to_string().contains("as a value"));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    if let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg)
        && instead(&typed(words), option).is_some()
    {
        error.remove(ContextKind::SuggestedArg);
    }
    error
}

/// A hint for who typed `words`, which were refused with this error.
pub fn hint(words: &[String], error: &clap::Error) -> Option<String> {
    let typed = typed(words);
    let about = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let wrong = about(ContextKind::InvalidSubcommand)?.to_lowercase();
            meant(&wrong)
        }
        ErrorKind::UnknownArgument => {
            let extra = about(ContextKind::InvalidArg)?;
            let is_option = extra.starts_with("--");
            let is_advised = error.get(ContextKind::SuggestedArg).is_some();
            match instead(&typed, extra) {
                Some(option) => Some(option.to_owned()),
                None if is_option => (!is_advised).then(|| options_of(&typed)),
                None => more_than_wanted(&typed, extra),
            }
        }
        ErrorKind::MissingRequiredArgument => missing(&typed),
        ErrorKind::ValueValidation => {
            let value = about(ContextKind::InvalidValue)?;
            wrong_value(&typed, value)
        }
        _ => None,
    }
}

fn meant(wrong: &str) -> Option<String> {
    let found = MEANT.iter().find(|(words, _)| words.contains(&wrong));
    found.map(|(_, hint)| (*hint).to_owned())
}

/// The command and what follows it, without options that stand before it.
fn typed(words: &[String]) -> Vec<&str> {
    let mut words = words.iter().skip(1).map(String::as_str);
    let mut typed = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "--config" | "-c" => {
                words.next();
            }
            "--json" => {}
            word if word.starts_with("--config=") => {}
            word => typed.push(word),
        }
    }
    typed
}

fn more_than_wanted(typed: &[&str], extra: &str) -> Option<String> {
    match typed {
        ["mine", ..] if is_number(extra) => {
            Some(format!("`node mine --blocks {extra}` mines {extra}"))
        }
        ["send", to, amount, rest @ ..] if !extra.starts_with('-') => {
            let note = rest.iter().filter(|word| !word.starts_with("--"));
            let note = note.copied().collect::<Vec<_>>().join(" ");
            Some(format!(
                "`node send {} {} --note {}` sends a text with the coins",
                word(to),
                word(amount),
                word(&note)
            ))
        }
        [
            "account" | "history" | "inbox" | "outbox" | "peers" | "open",
            ..,
        ] if is_number(extra) => Some(format!("`node {} --limit {extra}` shows {extra}", typed[0])),
        _ => None,
    }
}

/// What does it where a command has not the option of this name.
fn instead(typed: &[&str], option: &str) -> Option<&'static str> {
    let option = option.split('=').next().unwrap_or(option);
    match (typed, option) {
        (["init", "network", ..], "--listen" | "--advertise" | "--address" | "--bind") => Some(
            "`node init network NAME --host 192.168.1.10 --port 7000` says where others reach its tracker, and \
             its first member one port higher; without --host, the network is for this machine alone",
        ),
        (["init", "tracker", ..], "--advertise" | "--host" | "--port" | "--address" | "--bind") => {
            Some(
                "`node init tracker --listen 0.0.0.0:7000` says where it listens, here at every way into this machine",
            )
        }
        (["init", "peer", ..] | ["join", ..], "--host" | "--port" | "--address" | "--bind") => {
            Some(
                "--listen 0.0.0.0:7001 says where the node listens, and --advertise 192.168.1.20:7001 where others \
             dial it",
            )
        }
        _ => None,
    }
}

/// The names of the command that was typed, from the outermost on.
fn command_path(typed: &[&str]) -> Vec<String> {
    let (mut command, mut path) = (Cli::command(), Vec::new());
    for word in typed {
        let Some(inner) = command.find_subcommand(word).cloned() else {
            break;
        };
        path.push(inner.get_name().to_owned());
        command = inner;
    }
    path
}

/// The options of the command that was typed.
fn options_of(typed: &[&str]) -> String {
    let path = command_path(typed);
    let command = path.iter().try_fold(Cli::command(), |command, name| {
        command.find_subcommand(name).cloned()
    });
    let command = command.expect("the path is one of commands");
    let shown = command.get_arguments().filter(|one| !one.is_hide_set());
    let options: Vec<_> = shown
        .filter_map(|one| one.get_long().map(|name| format!("--{name}")))
        .collect();
    let path = match path.is_empty() {
        true => "node".to_owned(),
        false => path.join(" "),
    };
    match options.is_empty() {
        true => format!("{path} has no options of its own"),
        false => format!("{path} has the options {}", options.join(", ")),
    }
}

fn missing(typed: &[&str]) -> Option<String> {
    match typed {
        ["send"] => Some(
            "to whom, and how many coins? `node send bob 5` pays bob 5; `node peers` shows who is there"
                .to_owned(),
        ),
        ["send", to] => Some(format!(
            "how many coins? `node send {0} 5` pays {0} 5, `node send {0} 0 --note hello` only writes",
            word(to)
        )),
        ["sync", from] => Some(format!("`node sync --from {}`", word(from))),
        ["init", "peer", ..] => Some(
            "`node init peer --name NAME --tracker HOST:PORT`: the name is yours to choose, and where \
             the tracker is, whoever runs it knows"
                .to_owned(),
        ),
        _ => None,
    }
}

fn wrong_value(typed: &[&str], value: &str) -> Option<String> {
    match typed {
        ["send", first, second, ..] if *second == value && is_number(first) => Some(format!(
            "the name comes first: `node send {} {first}`",
            word(second)
        )),
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser;

    fn hinted(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let error = Cli::try_parse_from(&words).unwrap_err();
        hint(&words, &error).unwrap_or_else(|| panic!("{line}: {error}"))
    }

    #[test]
    fn a_command_with_a_slip_of_the_fingers_is_told_alone_and_the_nearest_one() {
        for (line, told) in [
            ("node sned bob 5", "'send'"),
            ("node sen bob 5", "'send'"),
            ("node send-may x.csv", "'send-many'"),
            ("node hist", "'history'"),
            ("node outbx", "'outbox'"),
            ("node wallet lcok", "'lock'"),
            ("node vote tlaly 00", "'tally'"),
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            let text = nearest_first(error).to_string();
            let advice = text.lines().find(|line| line.contains("tip:"));
            let advice = advice.unwrap_or_else(|| panic!("{text}"));
            assert!(advice.ends_with(told), "{line}: {advice}");
            assert_eq!(advice.matches('\'').count(), 2, "{line}: {advice}");
        }
    }

    /// The words that lead to each command.
    fn paths(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
        found.push(path.to_vec());
        for inner in command.get_subcommands() {
            let inner_path = [path, &[inner.get_name().to_owned()]].concat();
            paths(inner, &inner_path, found);
        }
    }

    #[test]
    fn no_option_that_there_is_not_is_to_be_typed_as_a_value() {
        let mut all = Vec::new();
        paths(&Cli::command(), &["node".to_owned()], &mut all);
        assert!(all.len() > 60, "{} commands", all.len());
        for mut words in all {
            words.push("--qqqqqqqq".to_owned());
            let error = Cli::try_parse_from(&words).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::UnknownArgument,
                "{words:?}: {error}"
            );
            let hint = hint(&words, &error).unwrap();
            assert!(hint.contains(" has "), "{words:?}: {hint}");
            let text = without_wrong_advice(&words, error).to_string();
            assert!(!text.contains("as a value"), "{words:?}: {text}");
        }
    }

    #[test]
    fn what_people_try_is_answered_by_what_to_type() {
        for (line, told) in [
            ("node pay ben 5", "`node send bob 5`"),
            ("node message ben hi", "`node send bob 0 --note hello`"),
            ("node logout", "stays a member"),
            ("node mine 3", "`node mine --blocks 3`"),
            ("node --config a.toml mine 3", "`node mine --blocks 3`"),
            ("node send ben 5 hello", "`node send ben 5 --note hello`"),
            (
                "node send ben 5 see you",
                "`node send ben 5 --note 'see you'`",
            ),
            ("node send ben", "`node send ben 5`"),
            ("node send 5 ben", "`node send ben 5`"),
            ("node send", "`node peers`"),
            ("node history 20", "`node history --limit 20`"),
            ("node whoami", "`node wallet address`"),
            (
                "node init network chess --listen BAD",
                "--host 192.168.1.10",
            ),
            ("node init tracker --advertise a.example:1", "--listen"),
            (
                "node init peer --name a --tracker t:1 --port=7",
                "--advertise",
            ),
            ("node join join1x --host 10.0.0.1", "--advertise"),
            (
                "node send ben 5 --text hello",
                "send has the options --note, --fee",
            ),
            ("node wallet address --qqqqqqqq", "has no options"),
        ] {
            let hint = hinted(line);
            assert!(hint.contains(told), "{line}: {hint}");
        }
    }
}
