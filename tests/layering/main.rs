//! The order of the house, read off the source text: which module may name which, what machines may
//! not know of, and what nobody may do.

mod reading;

use reading::{collect, crate_modules, names_path, sources};
use std::fs;
use std::path::Path;

/// The floors, lowest first. A module may name itself and modules of lower floors.
const FLOORS: &[&[&str]] = &[
    &[
        "canonical",
        "entropy",
        "plain_file",
        "readable",
        "steady",
        "suggest",
        "whole_file",
    ],
    &["keys", "pow", "settings"],
    &["chain", "logging", "passphrase"],
    &["membership"],
    &["apps", "clock", "verifier", "wire"],
    &["protocol"],
    &["store", "net"],
    &["archive", "backup", "messages"],
    &["shell"],
    &["actors"],
    &["owner"],
    &["http"],
    &["bench", "node"],
    &["sim"],
    &["cli"],
    &["main", "lib"],
];

/// Plain Rust: everything that happens to them is handed to them.
const MACHINES: &[&str] = &[
    "canonical",
    "chain",
    "keys",
    "pow",
    "membership",
    "apps",
    "protocol",
];

/// What a machine must not know of: runtimes, sockets, disks, clocks, threads, chance.
const UNKNOWN_TO_MACHINES: &[&str] = &[
    "actix",
    "actix_rt",
    "actix_web",
    "futures_util",
    "getrandom",
    "rand",
    "rayon",
    "rocksdb",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "tracing",
    "ureq",
];

/// Where a machine's module may know of it after all: file, what it names, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Where a message may be sent past a full mailbox: file and why nothing from outside can fill it.
const SENT_REGARDLESS: &[(&str, &str)] = &[];

/// Most lines of a file, all of them counted.
const MAX_LINES: usize = 500;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "helper", "helpers", "manager", "common", "misc",
];

/// Lines that a `mod tests` at the end of a file may have: a longer one goes into a file of its own.
const MAX_INLINE_TESTS: usize = 120;

#[test]
fn a_folder_lies_beside_its_module_and_tests_lie_in_theirs() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.path.ends_with("/mod.rs") {
            wrong.push(format!(
                "{}: the module of a folder is NAME.rs beside NAME/",
                source.path
            ));
        }
        let name = source.path.rsplit('/').next().unwrap_or_default();
        if name.ends_with("_tests.rs") || source.text.contains("#[path") {
            wrong.push(format!(
                "{}: tests of NAME.rs are NAME/tests.rs",
                source.path
            ));
        }
        if let Some((_, tests)) = source.text.split_once("\nmod tests {\n")
            && tests.lines().count() > MAX_INLINE_TESTS
        {
            wrong.push(format!(
                "{}: these tests need a file, tests.rs",
                source.path
            ));
        }
    }
    report(wrong);
}

#[test]
fn imports_point_down_the_floors() {
    let floor_of = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let module = source.module();
        let Some(floor) = floor_of(module) else {
            wrong.push(format!("{}: module {module} has no floor", source.path));
            continue;
        };
        for named in crate_modules(&source.code) {
            let below = floor_of(&named).is_none_or(|other| other < floor);
            if named != module && !below {
                wrong.push(format!(
                    "{} names {named}, which is not below it",
                    source.path
                ));
            }
        }
    }
    report(wrong);
}

#[test]
fn machines_know_nothing_of_the_world() {
    let mut wrong = Vec::new();
    let mut used = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if !MACHINES.contains(&source.module()) {
            continue;
        }
        for name in UNKNOWN_TO_MACHINES {
            if !names_path(&source.code, name) {
                continue;
            }
            match EXCEPTIONS
                .iter()
                .find(|(path, what, _)| *path == source.path && what == name)
            {
                Some(exception) => used.push(exception),
                None => wrong.push(format!("{} names {name}", source.path)),
            }
        }
    }
    let idle = EXCEPTIONS.iter().filter(|one| !used.contains(one));
    wrong.extend(idle.map(|(path, name, _)| format!("{path} no longer names {name}")));
    report(wrong);
}

#[test]
fn the_composition_root_alone_wires_actors_and_threads() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if source.module() == "node" {
            continue;
        }
        for name in ["Arbiter", "SyncArbiter", "System::new"] {
            if names_path(&source.code, name) {
                wrong.push(format!("{} names {name}", source.path));
            }
        }
        // A simulation takes the place of what is around a node, and of a member that lies.
        let may_name = ["actors", "sim"].contains(&source.module());
        if !may_name && crate_modules(&source.code).contains(&"actors".into()) {
            wrong.push(format!("{} names actors", source.path));
        }
    }
    report(wrong);
}

#[test]
fn the_api_translates_and_asks_nobody_but_the_owners_floor() {
    let below = [
        "actors", "archive", "messages", "net", "protocol", "shell", "store",
    ];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let named = crate_modules(&source.code);
        if source.module() == "http" {
            let asked = named.iter().filter(|named| below.contains(&named.as_str()));
            wrong.extend(asked.map(|named| format!("{} names {named}", source.path)));
        }
        // What a node does for its owner is asked of the floor that does it.
        let translated = ["node", "cli", "http"].contains(&source.module());
        if !translated && named.contains(&"http".into()) {
            wrong.push(format!("{} names http", source.path));
        }
    }
    report(wrong);
}

#[test]
fn no_mailbox_is_found_by_type_or_filled_regardless() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if names_path(&source.code, "from_registry") {
            wrong.push(format!("{} uses from_registry", source.path));
        }
        let allowed = SENT_REGARDLESS.iter().any(|(path, _)| *path == source.path);
        if names_path(&source.code, "do_send") != allowed {
            wrong.push(format!("{}: do_send, allowed: {allowed}", source.path));
        }
    }
    report(wrong);
}

#[test]
fn unsafe_code_stays_within_the_hash_kernels() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.module() != "pow" && names_path(&source.code, "unsafe") {
            wrong.push(source.path);
        }
    }
    report(wrong);
}

#[test]
fn nothing_is_left_for_later_and_every_file_can_be_read_in_one_go() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    let mut wrong = Vec::new();
    for source in sources() {
        for mark in &marks {
            if source.text.contains(mark) {
                wrong.push(format!("{} contains {mark}", source.path));
            }
        }
        let parts = source.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            wrong.push(format!("{}: {part} says nothing", source.path));
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests"] {
        collect(&root.join(folder), &mut paths);
    }
    for path in paths {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let path = path.strip_prefix(root).unwrap().to_str().unwrap();
        if lines > MAX_LINES {
            wrong.push(format!("{path} has {lines} lines"));
        }
    }
    report(wrong);
}

/// What the documents name in backquotes as a file or folder of the source is there.
#[test]
fn the_documents_name_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        collect(&root.join(folder), &mut paths);
    }
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap())
        .collect();
    let mut wrong = Vec::new();
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/figures.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        for name in quoted.filter(|name| name.ends_with(".rs") && !name.contains(['<', '*', ' '])) {
            let is_it = |path: &&&str| path.ends_with(&format!("/{name}")) || **path == name;
            if !paths.iter().any(|path| is_it(&path)) {
                wrong.push(format!("{document} names {name}, which is not there"));
            }
        }
    }
    report(wrong);
}

fn report(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}
