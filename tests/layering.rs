//! The order of the house, read off the source text: which module may name which, what machines may
//! not know of, and what nobody may do.

use std::fs;
use std::path::{Path, PathBuf};

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

/// Most lines of a source file, comments and blank ones not counted: about 500, and some for the one
/// that could only be cut badly.
const MAX_LINES: usize = 500;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "helper", "helpers", "manager", "common", "misc",
];

/// A file below `src`.
struct Source {
    /// `chain/tree.rs`
    path: String,
    /// All of it.
    text: String,
    /// Without comments, contents of literals, and tests.
    code: String,
}

impl Source {
    /// First part of the path: `chain`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    fn is_test(&self) -> bool {
        let stem = self.path.trim_end_matches(".rs");
        let name = stem.rsplit('/').next().unwrap_or_default();
        let inside = stem.split('/').any(|part| part == "tests");
        inside || name == "testing" || stem.split('/').any(|part| part == "testing")
    }
}

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
        let is_code = |line: &&str| !line.trim().is_empty() && !is_comment(line);
        let lines = source.text.lines().filter(is_code).count();
        if lines > MAX_LINES {
            wrong.push(format!("{} has {lines} lines", source.path));
        }
        let parts = source.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            wrong.push(format!("{}: {part} says nothing", source.path));
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

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn report(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 50, "the sources are not where they were");
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap();
            Source {
                path: path.to_str().unwrap().to_owned(),
                code: without_tests(&bare_code(&text)),
                text,
            }
        })
        .collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The code without comments and without what stands in literals.
fn bare_code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = code.ends_with(is_word);
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            literal(rest, 1)
        } else if !after_word && (rest.starts_with("r\"") || rest.starts_with("r#")) {
            raw_string(rest)
        } else if !after_word && rest.starts_with("br") && rest[2..].starts_with(['"', '#']) {
            1 + raw_string(&rest[1..])
        } else if first == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped > 0 {
            code.push(' ');
            rest = &rest[skipped..];
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}

/// Length of the comment that `text` starts with; comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    loop {
        match text.get(at..at + 2) {
            Some("/*") => (depth, at) = (depth + 1, at + 2),
            Some("*/") if depth == 1 => return at + 2,
            Some("*/") => (depth, at) = (depth - 1, at + 2),
            _ if at >= text.len() => return text.len(),
            _ => at += 1,
        }
    }
}

/// Length of the literal whose opening quote ends at `at`.
fn literal(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes[at - 1];
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// Length of the raw string, or 0 where it is a raw identifier.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
    let start = 1 + hashes;
    if !text[start..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text[start + 1..].find(&end);
    length.map_or(text.len(), |length| start + 1 + length + end.len())
}

/// Length of the character literal, or 0 where it is a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text[1..].chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => literal(text, 1),
        (Some(one), Some('\'')) => 2 + one.len_utf8(),
        _ => 0,
    }
}

/// The code without modules that are only there for tests.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let body = from.find(['{', ';']).unwrap_or(from.len() - 1);
        rest = &from[body + 1..];
        if from[body..].starts_with('{') {
            let mut depth = 1;
            let end = rest.find(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth == 0
            });
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        }
    }
    kept + rest
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Modules of this crate that the code names, by `crate::name` and in `crate::{name, ...}`.
fn crate_modules(code: &str) -> Vec<String> {
    ["crate", "raclette"]
        .iter()
        .flat_map(|root| children_of(code, root))
        .collect()
}

/// What stands right behind `path::`, be it one name or a group.
fn children_of(code: &str, path: &str) -> Vec<String> {
    let mut children = Vec::new();
    for at in places(code, path) {
        let behind = code[at + path.len()..].trim_start();
        let Some(behind) = behind.strip_prefix("::") else {
            continue;
        };
        children.extend(first_names(behind.trim_start()));
    }
    children
}

/// The first name of each path in a use tree.
fn first_names(tree: &str) -> Vec<String> {
    let Some(group) = tree.strip_prefix('{') else {
        return vec![tree.chars().take_while(|c| is_word(*c)).collect()];
    };
    let mut depth = 1;
    let end = group.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    let mut depth = 0;
    let paths = group[..end.unwrap_or(group.len())].split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    paths
        .map(|path| path.trim().chars().take_while(|c| is_word(*c)).collect())
        .filter(|name: &String| !name.is_empty())
        .collect()
}

/// Whether the code names a path such as `tokio` or `std::fs`, be it within a group.
fn names_path(code: &str, path: &str) -> bool {
    match path.rsplit_once("::") {
        None => !places(code, path).is_empty(),
        Some((root, last)) => {
            !places(code, path).is_empty()
                || children_of(code, root).iter().any(|child| child == last)
        }
    }
}

/// Where a path stands as a whole, and not as the end of a longer one.
fn places(code: &str, path: &str) -> Vec<usize> {
    let whole = |at: &usize| {
        let before = code[..*at].chars().next_back();
        let after = code[at + path.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    };
    let found = code.match_indices(path).map(|(at, _)| at);
    found.filter(whole).collect()
}

#[test]
fn the_reader_sees_code_and_nothing_else() {
    let text = r###"
        // tokio in a comment /* "
        use crate::{chain::{self, wire}, keys as k};
        let s = "crate::store \" tokio"; let r = r#"actix " "#; let q = '"'; let t = 'a';
        fn f<'a>(x: &'a str) { crate::pow::search() } /* rocksdb /* nested */ tokio */
        #[cfg(test)]
        mod tests { use crate::node; fn g() { let b = "}"; } }
        use std::{fs, io::Read};
    "###;
    let code = without_tests(&bare_code(text));
    let mut modules = crate_modules(&code);
    modules.sort();
    assert_eq!(modules, ["chain", "keys", "pow"]);
    for absent in [
        "tokio",
        "rocksdb",
        "actix",
        "std::net",
        "std::time::Instant",
    ] {
        assert!(!names_path(&code, absent), "{absent}");
    }
    assert!(names_path(&code, "std::fs"));
    assert!(names_path(&code, "std::io"));
    assert!(!names_path(&code, "std::Read"));
}
