//! The commands of `node`.
//!
//! Exit codes: 0 success, 1 a fair no, with its reason on standard error, 2 misuse (of the command
//! line, or in the settings). Results go to standard output; if nobody reads it any more, the
//! command ends quietly.

mod archives;
mod arenas;
mod args;
mod backup;
mod bench;
mod client;
mod commands;
mod config;
mod confirm;
mod delivery;
pub mod demo;
mod doctor;
pub mod examples;
mod explain;
mod failure;
mod first;
mod hints;
mod init;
mod invitations;
mod invocation;
mod join;
mod logs;
mod looking;
mod manual;
mod new_file;
mod output;
mod progress;
mod proofs;
mod records;
mod run;
mod show;
mod sim;
mod statements;
mod stop;
mod table;
mod tables;
mod trackers;
mod votes;
mod wallet;
mod web;
mod words;

use self::args::{Cli, Command, Config};
use self::client::Client;
use self::failure::Failure;
use self::invocation::{Invocation, word};
use self::output::Output;
use crate::readable::visible;
use crate::settings::{Settings, environment, settings_files, unknown_variables};
use clap::FromArgMatches;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The settings files that are found without being named.
const USUAL_FILES: [&str; 2] = ["peer.toml", "tracker.toml"];

/// Does what the command line says, and says how it went.
pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut invocation = Invocation::of_this_process();
    // Not locked: a node that runs in the foreground writes from other threads too.
    let mut stdout = std::io::stdout();
    let parsed = examples::command().try_get_matches();
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        // Help and version: what was asked for.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            let json = words.iter().any(|word| word == "--json");
            let failure = not_understood(&words, error);
            if let Ok(config) = config_path(named_config(&words), Path::new("")) {
                invocation = invocation.for_node(&config);
            }
            return report(&failure, &invocation, &mut Output::new(&mut stdout, json));
        }
    };
    if matches!(cli.command, None | Some(Command::Join(_))) {
        arenas::begin_again_with_few();
    }
    let mut output = Output::new(&mut stdout, cli.json);
    match execute(cli, &mut invocation, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, &invocation, &mut output),
    }
}

/// The settings file in a command line that was not understood.
fn named_config(words: &[String]) -> Option<PathBuf> {
    let at = |word: &String| word == "--config" || word == "-c";
    let behind = words.iter().position(at).and_then(|at| words.get(at + 1));
    let named = words.iter().find_map(|word| word.strip_prefix("--config="));
    let named = named.or(behind.map(String::as_str)).map(Path::new);
    named.and_then(|path| args::home(path).ok())
}

/// Why a command line was not understood, with what was probably meant.
fn not_understood(words: &[String], error: clap::Error) -> Failure {
    let error = &hints::without_wrong_advice(words, hints::nearest_first(error));
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    let (told, usage) = text.split_once("\n\nUsage:").unwrap_or((text, ""));
    let told = hints::told(words, error).unwrap_or_else(|| told.to_owned());
    Failure::Misuse(match hints::hint(words, error) {
        Some(hint) => format!("{told}\n{hint}"),
        None if usage.is_empty() => told,
        None => format!("{told}\n\nUsage:{usage}"),
    })
}

fn execute(cli: Cli, invocation: &mut Invocation, output: &mut Output<'_>) -> Result<(), Failure> {
    let find = |named, invocation: &mut Invocation| -> Result<PathBuf, Failure> {
        let config = config_path(named, Path::new(""))?;
        *invocation = invocation.for_node(&config);
        Ok(config)
    };
    match cli.command {
        Some(Command::Init(what)) => init::init(&what, invocation, output),
        Some(Command::Join(arguments)) => join::join(&arguments, invocation, output),
        Some(Command::Demo(arguments)) => Ok(demo::run(&arguments, cli.json, invocation)?),
        Some(Command::Eavesdrop(arguments)) => Ok(demo::eavesdrop(&arguments)?),
        Some(Command::Verify(arguments)) => {
            let own = match is_set_up(cli.config.as_deref()) && !arguments.says_what_counts() {
                true => Some(find(cli.config, invocation)?),
                false => None,
            };
            // Whoever has no chain to ask says what to trust.
            let own = own.and_then(|config| {
                let settings = Settings::load(&config, environment()).ok()?;
                Client::find(&settings, &config, invocation).ok()
            });
            proofs::verify(&arguments, own.as_ref(), invocation, output)
        }
        Some(Command::Export(arguments)) => {
            let config = find(cli.config, invocation)?;
            archives::export(&arguments, &load(&config)?, &config, invocation, output)
        }
        Some(Command::Table(arguments)) => {
            let config = find(cli.config, invocation)?;
            tables::table(&arguments, &load(&config)?, &config, invocation, output)
        }
        Some(Command::Doctor) => doctor::doctor(&find(cli.config, invocation)?, invocation, output),
        Some(Command::Backup(arguments)) => {
            let config = find(cli.config, invocation)?;
            backup::backup(&arguments, &load(&config)?, &config, invocation, output)
        }
        Some(Command::Restore(arguments)) => {
            let config = find(cli.config, invocation)?;
            backup::restore(&arguments, &load(&config)?, &config, invocation, output)
        }
        Some(Command::Import(arguments)) => {
            let config = find(cli.config, invocation)?;
            archives::import(&arguments, &load(&config)?, &config, output)
        }
        Some(Command::Wallet(what)) => {
            let config = find(cli.config, invocation)?;
            wallet::wallet(what, &load(&config)?, &config, invocation, output)
        }
        Some(Command::Logs(arguments)) => {
            let config = find(cli.config, invocation)?;
            if let Some(order) = &arguments.order {
                let client = Client::find(&load(&config)?, &config, invocation)?;
                return logs::order(order, &client, output);
            }
            logs::logs(&arguments, &config, invocation, output)
        }
        Some(Command::Explain { word }) => {
            // It is about no node; what is to be typed then is about the one that is here, if one is.
            if let Ok(config) = config_path(cli.config, Path::new("")) {
                *invocation = invocation.for_node(&config);
            }
            explain::explain(word.as_deref(), &invocation.for_texts(), output)
        }
        Some(Command::Bench) => bench::bench(output),
        Some(Command::Sim(arguments)) => sim::sim(&arguments, output),
        Some(Command::Completions { shell }) => manual::completions(shell, output),
        Some(Command::Man(arguments)) => {
            manual::man(&arguments.command, arguments.dir.as_deref(), output)
        }
        Some(Command::Config(Config::Default { role })) => config::default(role, output),
        Some(Command::Config(Config::Check)) => {
            config::check(&find(cli.config, invocation)?, output)
        }
        Some(Command::Config(Config::Show { origin })) => {
            config::show(&find(cli.config, invocation)?, origin, output)
        }
        Some(Command::Stop) => {
            let config = find(cli.config, invocation)?;
            let settings = load(&config)?;
            let client = Client::find(&settings, &config, invocation)?;
            stop::stop(&settings, &client, output)
        }
        Some(Command::Web { print }) if !is_set_up(cli.config.as_deref()) => {
            first::first(print, invocation, output)
        }
        Some(Command::Web { print }) => {
            let config = find(cli.config, invocation)?;
            let settings = load(&config)?;
            let client = Client::find(&settings, &config, invocation)?;
            web::web(print, &client, output)
        }
        Some(Command::Ask(ask)) => {
            let config = find(cli.config, invocation)?;
            let settings = load(&config)?;
            let client = Client::find(&settings, &config, invocation)?;
            commands::ask(&ask, &settings, &client, output)
        }
        None => {
            let config = find(cli.config, invocation)?;
            run::run(load(&config)?, &config, invocation)
        }
    }
}

/// Whether there are settings here, under whatever name, or some are named.
fn is_set_up(named: Option<&Path>) -> bool {
    named.is_some() || has_usual_file(Path::new("")) || !settings_files(Path::new("")).is_empty()
}

/// Whether a directory has a settings file that is found without being named.
fn has_usual_file(place: &Path) -> bool {
    USUAL_FILES.iter().any(|name| place.join(name).exists())
}

fn load(config: &Path) -> Result<Settings, Failure> {
    for warning in unknown_variables(environment()) {
        // Whoever has closed standard error does not want to know.
        let _ = writeln!(std::io::stderr(), "warning: {}", visible(&warning));
    }
    Settings::load(config, environment()).map_err(|error| Failure::Misuse(error.to_string()))
}

/// The settings file that was named, or the one usual one in `place`.
fn config_path(named: Option<PathBuf>, place: &Path) -> Result<PathBuf, Failure> {
    if let Some(named) = named {
        return Ok(named);
    }
    let mut found: Vec<PathBuf> = USUAL_FILES
        .iter()
        .map(|name| place.join(name))
        .filter(|path| path.exists())
        .collect();
    match (found.pop(), found.pop()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Failure::Misuse(match &settings_files(place)[..] {
            [] => "no settings file was named, and neither peer.toml nor tracker.toml is here. To begin a network: \
                   `node init network NAME`. To join one by an invitation: `node web`, in a browser, or `node join`. \
                   For a node that was set up: --config FILE"
                .to_owned(),
            there => name_one_of(there),
        })),
        (Some(_), Some(_)) => Err(Failure::Misuse(
            "both peer.toml and tracker.toml are here; name the one that is meant with --config \
             FILE"
                .to_owned(),
        )),
    }
}

/// What to type where settings files lie that have other names than the usual ones.
fn name_one_of(there: &[PathBuf]) -> String {
    /// A few are enough to see how it is done.
    const NAMED: usize = 4;
    let mut told = "no settings file was named, and neither peer.toml nor tracker.toml is here. Name the one that is \
                    meant, with every command:"
        .to_owned();
    for path in there.iter().take(NAMED) {
        let file = path.file_name().unwrap_or(path.as_os_str());
        // What is printed to be typed works from any directory.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let file = Path::new(file).display();
        told.push_str(&format!(
            "\n{file} is here: `node --config {}`",
            word(whole)
        ));
    }
    if let more @ 1.. = there.len().saturating_sub(NAMED) {
        told.push_str(&format!("\nand {more} more"));
    }
    told
}

/// Says why it was not done: people on standard error; programs as JSON on standard output, where they
/// look for the answer.
fn report(failure: &Failure, invocation: &Invocation, output: &mut Output<'_>) -> ExitCode {
    if output.is_json()
        && let Some(problem) = failure.problem(invocation)
    {
        // If nobody reads it, the exit code still tells.
        let _ = output.json(&problem);
        if std::io::stdout().is_terminal() {
            return failure.exit_code();
        }
    }
    if let Some(reason) = failure.reason() {
        let reason = invocation.typed(&reason);
        let mut stderr = std::io::stderr().lock();
        let lines: Vec<String> = reason.lines().map(visible).collect();
        // If standard error is gone too, the exit code still tells.
        let _ = writeln!(stderr, "error: {}", lines.join("\n"));
    }
    failure.exit_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_settings_file_that_is_here_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let find = |named: Option<&str>| {
            config_path(named.map(PathBuf::from), dir.path())
                .map_err(|failure| failure.reason().unwrap())
        };
        let nothing = find(None).unwrap_err();
        let named = [
            "node init network NAME",
            "node web",
            "node join",
            "--config FILE",
        ];
        let at: Vec<_> = named.map(|words| nothing.find(words).unwrap()).into();
        assert!(
            at.is_sorted(),
            "who begins a network comes first: {nothing}"
        );
        std::fs::write(dir.path().join("dan.toml"), "role = \"peer\"").unwrap();
        let dan = find(None).unwrap_err();
        assert!(dan.contains("dan.toml is here: `node --config "), "{dan}");
        std::fs::write(dir.path().join("peer.toml"), "").unwrap();
        assert_eq!(find(None), Ok(dir.path().join("peer.toml")));
        std::fs::write(dir.path().join("tracker.toml"), "").unwrap();
        assert!(find(None).unwrap_err().contains("both"));
        assert_eq!(find(Some("x.toml")), Ok(PathBuf::from("x.toml")));
    }
}
