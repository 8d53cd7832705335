//! Who may vote, out of a file.

use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::keys::PublicKey;
use crate::owner::answers::{Cursor, PeerStatusView, PeersView, RollRequest};
use crate::plain_file;
use std::collections::HashSet;
use std::path::Path;

/// What stands for the members in the place of a file.
const MEMBERS: &str = "members";
/// Largest file that is read, in bytes: more lines than a roll may have keys.
const MAX_FILE: u64 = 256 * 1024;
/// Wrong lines that are named.
const NAMED: usize = 5;

/// The roll that was named.
pub(super) fn read(named: &Path, client: &Client) -> Result<RollRequest, Failure> {
    if named == Path::new(MEMBERS) {
        return Ok(RollRequest::Members);
    }
    let wrong = |why: String| Failure::Misuse(format!("{}: {why}", named.display()));
    let bytes = plain_file::bytes(named, MAX_FILE);
    let bytes = bytes.map_err(|error| wrong(format!("it can't be read: {error}")))?;
    let text = plain_file::text(&bytes).map_err(|error| wrong(format!("it {error}")))?;
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let names = names(client)?;
    let mut wrong = Vec::new();
    for (number, line) in &lines {
        if let Some(why) = mistake(line, &names) {
            wrong.push(format!("line {number}: {why}"));
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(NAMED);
        wrong.truncate(NAMED);
        if more > 0 {
            wrong.push(format!("and {more} more"));
        }
        return Err(Failure::No(format!(
            "{} is no roll:\n  {}",
            named.display(),
            wrong.join("\n  ")
        )));
    }
    let keys = lines.iter().map(|(_, line)| (*line).to_owned());
    Ok(RollRequest::Keys(keys.collect()))
}

/// What is wrong with a line, if something is.
fn mistake(line: &str, names: &HashSet<String>) -> Option<String> {
    if names.contains(line) {
        return None;
    }
    match (line.starts_with("rac1"), PublicKey::from_address(line)) {
        (_, Ok(_)) => None,
        (true, Err(error)) => Some(error.to_string()),
        (false, Err(_)) => Some(format!("no member is called {line:?}")),
    }
}

/// The names of all members, and of this node.
fn names(client: &Client) -> Result<HashSet<String>, Failure> {
    // This node may be in no list of members yet.
    let own: PeerStatusView = client.get("/status", &[])?;
    let mut names = HashSet::from([own.name.to_string()]);
    let mut after: Option<Cursor> = None;
    loop {
        let query: Vec<_> = after
            .iter()
            .map(|after| ("after", after.0.as_str()))
            .collect();
        let peers: PeersView = client.get("/peers", &query)?;
        names.extend(
            peers
                .peers
                .iter()
                .filter_map(|peer| peer.name.as_ref())
                .map(ToString::to_string),
        );
        match peers.next {
            None => return Ok(names),
            next => after = next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_member_or_an_address() {
        let names = HashSet::from(["ann".to_owned()]);
        let address = PublicKey([8; 32]).to_address();
        let mistyped = address.replace('q', "p");
        assert_eq!(mistake("ann", &names), None);
        assert!(
            mistake("bob", &names)
                .unwrap()
                .contains("no member is called")
        );
        assert!(mistake(&mistyped, &names).is_some());
    }
}
