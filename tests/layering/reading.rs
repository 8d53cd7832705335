//! The source text, and what of it is code.

use std::fs;
use std::path::{Path, PathBuf};

/// A file below `src`.
pub struct Source {
    /// `chain/tree.rs`
    pub path: String,
    /// All of it.
    pub text: String,
    /// Without comments, contents of literals, and tests.
    pub code: String,
}

impl Source {
    /// First part of the path: `chain`.
    pub fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    pub fn is_test(&self) -> bool {
        let stem = self.path.trim_end_matches(".rs");
        let name = stem.rsplit('/').next().unwrap_or_default();
        let inside = stem.split('/').any(|part| part == "tests");
        inside || name == "testing" || stem.split('/').any(|part| part == "testing")
    }
}

pub fn sources() -> Vec<Source> {
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

pub fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
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
pub fn crate_modules(code: &str) -> Vec<String> {
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
pub fn names_path(code: &str, path: &str) -> bool {
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
