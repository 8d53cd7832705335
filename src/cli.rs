//! The commands of `node`.
//!
//! Exit codes: 0 success, 1 a fair no, with its reason on standard error, 2 misuse (of the command
//! line, or in the settings). Results go to standard output; if nobody reads it any more, the
//! command ends quietly.

mod archives;
mod args;
mod bench;
mod client;
mod commands;
mod delivery;
pub mod demo;
mod explain;
mod failure;
mod init;
mod invocation;
mod logs;
mod new_file;
mod output;
mod progress;
mod proofs;
mod run;
mod show;
mod sim;
mod table;
mod wallet;
mod words;

use self::args::{Cli, Command};
use self::client::Client;
use self::failure::Failure;
use self::invocation::Invocation;
use self::output::Output;
use crate::readable::visible;
use crate::settings::{Settings, environment};
use clap::Parser;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The settings files that are found without being named.
const USUAL_FILES: [&str; 2] = ["peer.toml", "tracker.toml"];

/// Does what the command line says, and says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut invocation = Invocation::of_this_process();
    // Not locked: a node that runs in the foreground writes from other threads too.
    let mut stdout = std::io::stdout();
    let mut output = Output::new(&mut stdout, cli.json);
    match execute(cli, &mut invocation, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, &invocation),
    }
}

fn execute(cli: Cli, invocation: &mut Invocation, output: &mut Output<'_>) -> Result<(), Failure> {
    let find = |named, invocation: &mut Invocation| -> Result<PathBuf, Failure> {
        let config = config_path(named, Path::new(""))?;
        *invocation = invocation.for_node(&config);
        Ok(config)
    };
    match cli.command {
        Some(Command::Init(what)) => init::init(&what, invocation, output),
        Some(Command::Demo(arguments)) => Ok(demo::run(&arguments, cli.json, invocation)?),
        Some(Command::Eavesdrop(arguments)) => Ok(demo::eavesdrop(&arguments)?),
        Some(Command::Verify(arguments)) => proofs::verify(&arguments, output),
        Some(Command::Export(arguments)) => {
            let config = find(cli.config, invocation)?;
            archives::export(&arguments, &load(&config)?, &config, invocation, output)
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
            logs::logs(&arguments, &config, output)
        }
        Some(Command::Explain { code }) => explain::explain(code.as_deref(), output),
        Some(Command::Bench) => bench::bench(output),
        Some(Command::Sim(arguments)) => sim::sim(&arguments, output),
        Some(Command::Ask(ask)) => {
            let config = find(cli.config, invocation)?;
            let settings = load(&config)?;
            let client = Client::find(&settings, &config, invocation)?;
            commands::ask(&ask, &client, output)
        }
        None => {
            let config = find(cli.config, invocation)?;
            run::run(load(&config)?, invocation)
        }
    }
}

fn load(config: &Path) -> Result<Settings, Failure> {
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
        (None, _) => Err(Failure::Misuse(
            "no settings file was named, and neither peer.toml nor tracker.toml is here; name one \
             with --config FILE, or make one: `node init peer --name NAME --tracker \
             HOST:PORT` or `node init tracker`"
                .to_owned(),
        )),
        (Some(_), Some(_)) => Err(Failure::Misuse(
            "both peer.toml and tracker.toml are here; name the one that is meant with --config \
             FILE"
                .to_owned(),
        )),
    }
}

fn report(failure: &Failure, invocation: &Invocation) -> ExitCode {
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
        assert!(find(None).unwrap_err().contains("node init tracker"));
        std::fs::write(dir.path().join("peer.toml"), "").unwrap();
        assert_eq!(find(None), Ok(dir.path().join("peer.toml")));
        std::fs::write(dir.path().join("tracker.toml"), "").unwrap();
        assert!(find(None).unwrap_err().contains("both"));
        assert_eq!(find(Some("x.toml")), Ok(PathBuf::from("x.toml")));
    }
}
