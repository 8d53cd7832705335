//! Walks docs/limits.md: what it says of every bound is what the source says, and no bound is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Name, value and file of each row.
fn told() -> Vec<[String; 3]> {
    let text = fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let quoted = rows.map(|row| {
        let cells = row.split('|').map(str::trim);
        let quoted = cells.filter_map(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
        quoted.map(str::to_owned).collect::<Vec<_>>()
    });
    quoted.filter_map(|cells| cells.try_into().ok()).collect()
}

/// Name and value of every constant that a text declares, wherever it does.
fn constants(text: &str) -> Vec<(String, String)> {
    let declared = text.split("const ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once(':')?;
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let (_, rest) = rest.split_once('=')?;
        let (value, _) = rest.split_once(';')?;
        let value: Vec<_> = value.split_whitespace().collect();
        Some((name.to_owned(), value.join(" ")))
    });
    declared.collect()
}

fn sources(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" && name != "testing" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "testing.rs" {
            found.push(path);
        }
    }
}

#[test]
fn every_bound_in_the_table_has_the_value_that_is_told() {
    let told = told();
    assert!(told.len() > 100, "{} rows", told.len());
    let mut wrong = Vec::new();
    for [name, value, file] in &told {
        let text = fs::read_to_string(root().join(file));
        let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
        match constants(&text)
            .into_iter()
            .find(|(other, _)| other == name)
        {
            None => wrong.push(format!("{file} has no {name}")),
            Some((_, is)) if is != *value => wrong.push(format!("{name} of {file} is {is}")),
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_bound_of_the_source_is_missing_in_the_table() {
    let told: BTreeSet<(String, String)> = told()
        .into_iter()
        .map(|[name, _, file]| (file, name))
        .collect();
    let mut paths = Vec::new();
    for floor in ["protocol", "wire", "chain", "shell", "http", "owner"] {
        sources(&root().join("src").join(floor), &mut paths);
    }
    let mut missing = Vec::new();
    for path in paths {
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for (name, _) in constants(code) {
            let is_bound = name.starts_with("MAX_") || name.ends_with("_CAP");
            if is_bound && !told.contains(&(file.clone(), name.clone())) {
                missing.push(format!("{name} of {file}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "not told in docs/limits.md:\n{}",
        missing.join("\n")
    );
}
