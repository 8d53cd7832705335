//! What can't be undone asks first.

use super::failure::Failure;
use crate::readable::visible;
use std::io::{BufRead, IsTerminal, Read, Write, stderr, stdin};

/// Longest answer to a question that is read, in bytes.
const MAX_ANSWER: u64 = 64;

/// Goes on if it is meant: `yes` says so on the command line, else a person is asked at the terminal.
/// `what` says in whole sentences what will happen.
///
/// # Errors
/// [`Failure::Declined`] if the person does not want it, [`Failure::Misuse`] if nobody can be asked.
pub fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !is_anybody_there() {
        return Err(Failure::Misuse(format!(
            "{what} Nothing was done: there is no terminal to ask whether this is meant. Say so with \
             --yes"
        )));
    }
    match ask(&format!("{what}\nGo on? [y/N] "))?.as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Declined),
    }
}

/// Whether a person can be asked.
pub fn is_anybody_there() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// What a person answers, in lower case. The question goes to standard error, where no result is.
///
/// # Errors
/// [`Failure::Declined`] if there is no answer.
pub fn ask(question: &str) -> Result<String, Failure> {
    let lines: Vec<String> = question.split('\n').map(visible).collect();
    let mut terminal = stderr();
    let asked = write!(terminal, "{}", lines.join("\n")).and_then(|()| terminal.flush());
    asked.map_err(|_| Failure::Declined)?;
    let mut answer = String::new();
    let mut input = stdin().lock().take(MAX_ANSWER);
    match input.read_line(&mut answer) {
        Ok(0) | Err(_) => Err(Failure::Declined),
        Ok(_) => Ok(answer.trim().to_lowercase()),
    }
}
