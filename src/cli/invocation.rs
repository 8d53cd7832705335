//! What people are told to type: command lines that work as they stand, from any directory.

use crate::readable::Typed;
use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Commands that are about no node: they take no settings file.
const WITHOUT_A_NODE: [&str; 11] = [
    "init",
    "join",
    "demo",
    "verify",
    "bench",
    "sim",
    "explain",
    "completions",
    "man",
    "help",
    "--version",
];

/// How commands begin in the texts of lower floors, which know neither this program's path nor its
/// settings file: `` `node status` ``.
const PLACEHOLDER: &str = "`node";

/// How this program was called, and for which node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program as a word of a shell.
    program: String,
    /// The settings file, absolute.
    config: Option<PathBuf>,
}

impl Invocation {
    /// How this process was called; for no node yet.
    pub fn of_this_process() -> Self {
        let called = env::args_os().next().unwrap_or_else(|| "node".into());
        let own = env::current_exe().ok();
        let path = env::var_os("PATH").unwrap_or_default();
        Self::called(&called, own.as_deref(), &path)
    }

    /// As `called` by a shell that looks for programs in `search`; `own` is where this program lies.
    fn called(called: &OsString, own: Option<&Path>, search: &OsString) -> Self {
        let path = Path::new(called);
        let by_name = path.components().count() == 1 && !is_path(called);
        let program = if by_name && !found(path, search).is_some_and(|it| same(&it, own)) {
            // Another program of this name would be started, or none.
            own.map_or_else(|| path.to_owned(), Path::to_owned)
        } else if by_name {
            path.to_owned()
        } else {
            absolute(path)
        };
        Self {
            program: word(&program),
            config: None,
        }
    }

    /// For the node of this settings file.
    pub fn for_node(&self, config: &Path) -> Self {
        Self {
            program: self.program.clone(),
            config: Some(absolute(config)),
        }
    }

    /// The command line of a command with its arguments, which are words of a shell already; without
    /// any, the one that starts the node.
    pub fn line(&self, arguments: &str) -> String {
        let mut line = self.program.clone();
        let command = arguments.split(' ').next().unwrap_or_default();
        if let Some(config) = &self.config
            && !WITHOUT_A_NODE.contains(&command)
            // A text that was made here already, and is gone through again.
            && command != "--config"
        {
            line.push_str(" --config ");
            line.push_str(&word(config));
        }
        if !arguments.is_empty() {
            line.push(' ');
            line.push_str(arguments);
        }
        line
    }

    /// The same for who tells something and knows no command line.
    pub fn for_texts(&self) -> Typed {
        let own = self.clone();
        Typed::by(move |text| own.typed(text))
    }

    /// A text with every `` `node ...` `` in it as [`line`](Self::line) has it.
    pub fn typed(&self, text: &str) -> String {
        let mut typed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(PLACEHOLDER) {
            typed.push_str(before);
            match after.split_once('`') {
                Some((arguments, after)) if arguments.is_empty() || arguments.starts_with(' ') => {
                    typed.push_str(&format!("`{}`", self.line(arguments.trim_start())));
                    rest = after;
                }
                _ => {
                    typed.push_str(PLACEHOLDER);
                    rest = after;
                }
            }
        }
        typed.push_str(rest);
        typed
    }
}

/// Something as one word of a shell.
pub fn word(text: impl AsRef<Path>) -> String {
    let text = text.as_ref().to_string_lossy();
    match shlex::try_quote(&text) {
        Ok(quoted) => quoted.into_owned(),
        // It holds a zero byte, which no argument can.
        Err(_) => Cow::into_owned(text),
    }
}

/// Whether a shell takes it for a path, and not for a name to be looked for.
fn is_path(called: &OsString) -> bool {
    called.as_encoded_bytes().contains(&b'/')
}

fn absolute(path: &Path) -> PathBuf {
    // Where there is no working directory any more, nothing better can be said.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What a shell starts when this name is typed.
fn found(name: &Path, search: &OsString) -> Option<PathBuf> {
    let mut candidates = env::split_paths(search).map(|directory| directory.join(name));
    candidates.find(|candidate| candidate.is_file())
}

fn same(found: &Path, own: Option<&Path>) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    own.is_some_and(|own| real(found) == real(own))
}

#[cfg(test)]
mod tests;
