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
mod failure;
mod init;
mod logs;
mod new_file;
mod output;
mod progress;
mod proofs;
mod run;
mod show;
mod sim;
mod stop;
mod table;
mod wallet;
mod words;

use self::args::{Cli, Command};
use self::client::Client;
use self::failure::Failure;
use self::output::{Output, plain};
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
    let program = program();
    // Not locked: a node that runs in the foreground writes from other threads too.
    let mut stdout = std::io::stdout();
    let mut output = Output::new(&mut stdout, cli.json);
    match execute(cli, &program, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// How this program was called: what its messages tell people to type works in their shell, also
/// where `node` is another program.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "node".to_owned())
}

fn execute(cli: Cli, program: &str, output: &mut Output<'_>) -> Result<(), Failure> {
    let place = Path::new("");
    match cli.command {
        Some(Command::Init(what)) => init::init(&what, program, output),
        Some(Command::Demo(arguments)) => Ok(demo::run(&arguments, cli.json, program)?),
        Some(Command::Eavesdrop(arguments)) => Ok(demo::eavesdrop(&arguments)?),
        Some(Command::Verify(arguments)) => proofs::verify(&arguments, output),
        Some(Command::Export(arguments)) => {
            let config = config_path(cli.config, place, program)?;
            archives::export(&arguments, &load(&config)?, &config, program, output)
        }
        Some(Command::Import(arguments)) => {
            let config = config_path(cli.config, place, program)?;
            archives::import(&arguments, &load(&config)?, &config, output)
        }
        Some(Command::Wallet(what)) => {
            let config = config_path(cli.config, place, program)?;
            wallet::wallet(what, &load(&config)?, &config, program, output)
        }
        Some(Command::Logs(arguments)) => {
            let config = config_path(cli.config, place, program)?;
            logs::logs(&arguments, &config, output)
        }
        Some(Command::Bench) => bench::bench(output),
        Some(Command::Sim(arguments)) => sim::sim(&arguments, output),
        Some(Command::Stop) => {
            let config = config_path(cli.config, place, program)?;
            let settings = load(&config)?;
            let client = Client::find(&settings, &config, program)?;
            stop::stop(&settings, &client, output)
        }
        Some(Command::Ask(ask)) => {
            let config = config_path(cli.config, place, program)?;
            let settings = load(&config)?;
            let client = Client::find(&settings, &config, program)?;
            commands::ask(&ask, &client, output)
        }
        None => {
            let config = config_path(cli.config, place, program)?;
            run::run(load(&config)?)
        }
    }
}

fn load(config: &Path) -> Result<Settings, Failure> {
    Settings::load(config, environment()).map_err(|error| Failure::Misuse(error.to_string()))
}

/// The settings file that was named, or the one usual one in `place`.
fn config_path(named: Option<PathBuf>, place: &Path, program: &str) -> Result<PathBuf, Failure> {
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
        (None, _) => Err(Failure::Misuse(format!(
            "no settings file was named, and neither peer.toml nor tracker.toml is here; name one \
             with --config FILE, or make one: `{program} init peer --name NAME --tracker \
             HOST:PORT` or `{program} init tracker`"
        ))),
        (Some(_), Some(_)) => Err(Failure::Misuse(
            "both peer.toml and tracker.toml are here; name the one that is meant with --config \
             FILE"
                .to_owned(),
        )),
    }
}

fn report(failure: &Failure) -> ExitCode {
    if let Some(reason) = failure.reason() {
        let mut stderr = std::io::stderr().lock();
        let lines: Vec<String> = reason.lines().map(plain).collect();
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
            config_path(named.map(PathBuf::from), dir.path(), "node")
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
