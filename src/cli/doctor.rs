//! What is wrong with a node, and what to do about it: also where it does not start.

mod finding;
mod last_backup;
mod machine;
mod running;
mod trackers;

use super::client::Client;
use super::failure::Failure;
use super::invocation::Invocation;
use super::output::Output;
use super::table::{Align, Table, facts};
use crate::clock::{Clock, SystemClock};
use crate::node;
use crate::settings::{Settings, environment, unknown_variables};
use crate::store::Role;
use finding::{Finding, Verdict};
use serde::Serialize;
use std::path::Path;

/// All that was looked at.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether nothing needs the owner.
    well: bool,
    findings: Vec<Finding>,
}

/// Looks at the node of this settings file, its machine, and its network.
///
/// # Errors
/// [`Failure::Answered`] if something needs the owner.
pub fn doctor(
    config: &Path,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut findings = Vec::new();
    match Settings::load(config, environment()) {
        Err(error) => findings.push(Finding::trouble(
            "settings",
            error.to_string(),
            "change the file as it says; `node config check` says whether that was all",
        )),
        Ok(settings) => {
            findings.push(of_settings(config));
            look(&settings, config, invocation, &mut findings);
        }
    }
    let troubled = findings
        .iter()
        .filter(|one| one.verdict == Verdict::Trouble);
    let troubles = troubled.count();
    let report = Report {
        well: troubles == 0,
        findings,
    };
    output.show(&report, |report| invocation.typed(&shown(report)))?;
    match troubles {
        0 => Ok(()),
        1 => Err(Failure::Answered("one thing needs you".to_owned())),
        some => Err(Failure::Answered(format!("{some} things need you"))),
    }
}

fn of_settings(config: &Path) -> Finding {
    let unknown = unknown_variables(environment());
    match unknown.first() {
        None => Finding::right("settings", config.display().to_string()),
        Some(first) => Finding::note(
            "settings",
            first.clone(),
            "unset it, if it is meant for this node",
        ),
    }
}

fn look(settings: &Settings, config: &Path, invocation: &Invocation, findings: &mut Vec<Finding>) {
    let data_dir = settings.data_dir();
    let runs = node::is_running(data_dir);
    findings.extend(machine::directory(data_dir));
    findings.push(machine::wallet(settings.wallet()));
    let mut own_network = None;
    if node::has_database(data_dir) && !runs {
        let (finding, of_chain) = machine::database(settings);
        findings.push(finding);
        own_network = of_chain;
    }
    findings.push(machine::room(data_dir));
    findings.extend(machine::sync_speed(data_dir));
    let mut pid = None;
    if runs {
        match Client::find(settings, config, invocation) {
            Ok(client) => {
                pid = Some(client.pid());
                findings.extend(running::findings(&client, SystemClock.wall()));
            }
            Err(failure) => findings.push(running::silent(&failure)),
        }
    } else {
        findings.push(Finding::note(
            "node",
            "it does not run".to_owned(),
            "start it: `node`; then clock, tracker and members can be looked at, too",
        ));
        findings.extend(machine::ports(settings));
        findings.extend(trackers::findings(settings, own_network));
    }
    findings.push(machine::open_files(pid));
    findings.push(last_backup::finding(settings, SystemClock.wall()));
}

/// What a node is, as its database knows it.
fn role(settings: &Settings) -> Role {
    match settings {
        Settings::Peer(_) => Role::Peer,
        Settings::Tracker(_) => Role::Tracker,
    }
}

fn shown(report: &Report) -> String {
    let mut table = Table::new(&[
        ("what", Align::Left),
        ("is", Align::Left),
        ("found", Align::Left),
    ]);
    for one in &report.findings {
        let first = one.found.lines().next().unwrap_or_default();
        table.row([
            one.what.to_owned(),
            one.verdict.word().to_owned(),
            first.to_owned(),
        ]);
    }
    let todo: Vec<_> = report
        .findings
        .iter()
        .filter_map(|one| {
            let remedy = one.remedy.as_ref()?;
            Some((one.what, format!("{}: {remedy}", one.found)))
        })
        .collect();
    if todo.is_empty() {
        return table.render();
    }
    format!("{}\nWhat to do:\n{}", table.render(), facts(&todo))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_the_owner_is_told_with_its_remedy() {
        let report = Report {
            well: false,
            findings: vec![
                Finding::right("settings", "peer.toml".to_owned()),
                Finding::trouble("disk", "it is full".to_owned(), "make room"),
            ],
        };
        let text = shown(&report);
        assert!(text.contains("settings  right"), "{text}");
        assert!(text.contains("it is full: make room"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["findings"][1]["verdict"], "trouble");
        assert_eq!(json["findings"][0]["remedy"], serde_json::Value::Null);
    }
}
