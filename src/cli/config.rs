//! The settings, as they are found: which hold, who says so, and what is wrong with them.

use super::args::Role;
use super::failure::Failure;
use super::output::Output;
use super::table::{Align, Table};
use crate::settings::{
    Origin, Setting, Settings, TrackerTemplate, environment, example_peer, settings_with_origin,
    tracker_template, unknown_variables,
};
use serde::Serialize;
use std::path::Path;

/// Settings without a mistake.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    file: &'a Path,
    role: &'static str,
    /// How many the file gives, how many variables replace, how many have their default.
    from_file: usize,
    from_variables: usize,
    from_defaults: usize,
    warnings: Vec<String>,
}

/// Checks the settings at `path` and the variables.
pub fn check(path: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    let (role, settings) = found(path)?;
    let count = |is: fn(&Origin) -> bool| settings.iter().filter(|one| is(&one.origin)).count();
    let checked = Checked {
        file: path,
        role,
        from_file: count(|origin| matches!(origin, Origin::File { .. })),
        from_variables: count(|origin| matches!(origin, Origin::Variable { .. })),
        from_defaults: count(|origin| matches!(origin, Origin::Default)),
        warnings: unknown_variables(environment()),
    };
    Ok(output.show(&checked, |checked| {
        let warnings = checked.warnings.iter();
        let warnings: String = warnings.map(|one| format!("warning: {one}\n")).collect();
        format!(
            "{warnings}{} is right: the settings of a {role}, {} from the file, {} from variables, {} \
             by default\n",
            checked.file.display(),
            checked.from_file,
            checked.from_variables,
            checked.from_defaults
        )
    })?)
}

/// Prints the file that ships for this kind of node.
pub fn default(role: Role, output: &mut Output<'_>) -> Result<(), Failure> {
    let text = match role {
        Role::Peer => example_peer(),
        Role::Tracker => tracker_template(&TrackerTemplate::default()),
    };
    if output.is_json() {
        return Ok(output.json(&serde_json::json!({ "toml": text }))?);
    }
    Ok(output.text(&text)?)
}

/// Shows every setting that holds; with `origin`, who says so. None of them is a secret: a passphrase is
/// in a file of its own, of which the settings know the path.
pub fn show(path: &Path, origin: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    let (_, settings) = found(path)?;
    if output.is_json() {
        return Ok(output.json(&settings)?);
    }
    if !origin {
        let lines = settings.iter();
        let lines: String = lines
            .map(|one| format!("{} = {}\n", one.key, one.value))
            .collect();
        return Ok(output.text(&lines)?);
    }
    let mut table = Table::new(&[
        ("setting", Align::Left),
        ("from", Align::Left),
        ("value", Align::Left),
    ]);
    for one in &settings {
        table.row([one.key.clone(), said_by(&one.origin), one.value.to_string()]);
    }
    Ok(output.text(&table.render())?)
}

fn said_by(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::File { line } => format!("line {line}"),
        Origin::Variable { name } => name.clone(),
    }
}

fn found(path: &Path) -> Result<(&'static str, Vec<Setting>), Failure> {
    let wrong = |error: crate::settings::SettingsError| Failure::Misuse(error.to_string());
    let role = match Settings::load(path, environment()).map_err(wrong)? {
        Settings::Peer(_) => "peer",
        Settings::Tracker(_) => "tracker",
    };
    let settings = settings_with_origin(path, environment()).map_err(wrong)?;
    Ok((role, settings))
}
