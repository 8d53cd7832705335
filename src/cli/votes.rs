//! The commands about ballots and votes.

mod roll;
mod show;
mod talk;

use super::args::{Page, Vote, VoteCast, VoteOpen};
use super::client::Client;
use super::commands::{next_page, segment};
use super::failure::Failure;
use super::invocation::word;
use super::new_file::NewFile;
use super::output::Output;
use super::records::{invalid, stay};
use crate::clock::{Clock, SystemClock};
use crate::owner::answers::{
    BallotState, BallotView, BallotsView, CastRequest, CastView, Cursor, EventKind,
    OpenBallotRequest, OpenedView, VotersView,
};
use crate::plain_file;
use crate::readable::visible;
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What may change a ballot.
const CHANGES: [EventKind; 4] = [
    EventKind::BlockConnected,
    EventKind::BlockDisconnected,
    EventKind::TransactionOpened,
    EventKind::TransactionClosed,
];
/// Longest line of an audit, in bytes: the largest block, every byte in two digits.
const MAX_LINE: usize = 32 * 1024 * 1024;

/// What everybody sees of a vote.
const PUBLIC: &str =
    "Votes are public: everybody on this network sees who voted, when, and for what.";

/// Does it; without a command, talks about it at a terminal.
pub(super) fn vote(
    what: Option<&Vote>,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    match what {
        None => talk::talk(client, output),
        Some(Vote::Open(arguments)) => open(arguments, client, output),
        Some(Vote::List { page }) => list(page, client, output),
        Some(Vote::Show { ballot }) => show_one(ballot, client, output),
        Some(Vote::Cast(arguments)) => cast(arguments, client, output),
        Some(Vote::Tally { ballot, follow }) => tally(ballot, *follow, client, output),
        Some(Vote::Audit { ballot, out }) => audit(ballot, out, client, output),
    }
}

fn open(arguments: &VoteOpen, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let choices = arguments.choices.iter();
    let request = OpenBallotRequest {
        question: arguments.question.trim().to_owned(),
        choices: choices.map(|choice| choice.trim().to_owned()).collect(),
        max: arguments.max,
        roll: roll::read(&arguments.roll, client)?,
        closes: arguments
            .closes
            .map(|closes| closes.request(SystemClock.wall())),
    };
    let opened: Result<OpenedView, _> = client.post("/ballots/open", &request);
    let opened = opened.map_err(|failure| invalid(failure, arguments.until))?;
    output.show(&opened, |opened| show::opened(opened, client.invocation()))?;
    stay(opened.ballot, arguments.until, client, output)
}

fn list(page: &Page, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let ballots: BallotsView = client.list("/ballots", page)?;
    let more = next_page(ballots.next.as_ref(), "vote list", client);
    output.show(&ballots, |ballots| show::ballots(ballots) + &more)?;
    Ok(())
}

fn get(ballot: &str, client: &Client) -> Result<BallotView, Failure> {
    client.get(&format!("/ballots/{}", segment(ballot)?), &[])
}

/// A ballot with everybody who may vote.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    ballot: BallotView,
    roll: VotersView,
}

fn show_one(ballot: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let ballot = get(ballot, client)?;
    let path = format!("/ballots/{}/voters", ballot.ballot);
    let mut roll: VotersView = client.get(&path, &[])?;
    while let Some(Cursor(next)) = roll.next.take() {
        let more: VotersView = client.get(&path, &[("after", &next)])?;
        roll.voters.extend(more.voters);
        roll.next = more.next;
    }
    output.show(&Shown { ballot, roll }, |shown| {
        show::ballot(&shown.ballot) + &show::roll(&shown.ballot, &shown.roll)
    })?;
    Ok(())
}

fn cast(arguments: &VoteCast, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    if !output.is_json() {
        // If standard error is gone, the vote goes on.
        let _ = writeln!(io::stderr(), "{PUBLIC}");
    }
    let cast = hand_in(&arguments.ballot, &arguments.choices, client)
        .map_err(|failure| invalid(failure, arguments.until))?;
    output.show(&cast, show::cast)?;
    stay(cast.id, arguments.until, client, output)
}

fn hand_in(ballot: &str, choices: &[String], client: &Client) -> Result<CastView, Failure> {
    let request = CastRequest {
        choices: choices.to_vec(),
    };
    client.post(&format!("/ballots/{}/votes", segment(ballot)?), &request)
}

fn tally(
    ballot: &str,
    follow: bool,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut news = match follow {
        true => Some(client.news(&CHANGES)?),
        false => None,
    };
    let mut now = get(ballot, client)?;
    output.show(&now, show::tally)?;
    while let Some(news) = &mut news
        && now.state != BallotState::ResultMined
    {
        news.wait()?;
        let next = get(ballot, client)?;
        let is_news =
            (next.state, next.voted, &next.choices) != (now.state, now.voted, &now.choices);
        now = next;
        if is_news {
            output.show(&now, show::tally)?;
        }
    }
    Ok(())
}

/// What counts a ballot again without a node, as it is shipped.
pub(super) const SCRIPT: &str = include_str!("../../scripts/check_vote.py");
/// The name of it.
pub(super) const SCRIPT_NAME: &str = "check_vote.py";

/// What an audit came to.
#[derive(Serialize)]
struct Audited<'a> {
    file: &'a Path,
    /// What counts it again.
    script: &'a Path,
    state: BallotState,
}

fn audit(
    ballot: &str,
    out: &Path,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let shown = get(ballot, client)?;
    let mut file = NewFile::begin(out)?;
    let path = format!("/ballots/{}/audit", shown.ballot);
    let mut ended = false;
    client.raw_lines(&path, MAX_LINE, |line| {
        ended = line.starts_with(b"{\"end\"");
        let written = file.write_all(line).and_then(|()| file.write_all(b"\n"));
        written.map_err(|error| file.failed(&error))
    })?;
    if !ended {
        return Err(Failure::No(
            "the audit was cut off: the node is stopping".to_owned(),
        ));
    }
    file.end()?;
    let script = script_beside(out)?;
    let audited = Audited {
        file: out,
        script: &script,
        state: shown.state,
    };
    output.show(&audited, |audited| {
        let so_far = match audited.state {
            BallotState::ResultMined => "",
            _ => "\nIts result is in no block yet: the audit is incomplete until it is.",
        };
        format!(
            "Wrote {}, and beside it what reads it.{so_far}\nWhoever has both counts again, without this program:\n  \
             python3 {} {}",
            visible(&out.display().to_string()),
            word(audited.script),
            word(audited.file),
        )
    })?;
    Ok(())
}

/// Writes the script that counts an audit again beside it, unless it is there. Another file under its name stays.
fn script_beside(audit: &Path) -> Result<PathBuf, Failure> {
    let plain = audit.with_file_name(SCRIPT_NAME);
    let dated = audit.with_extension("check_vote.py");
    for script in [plain, dated.clone()] {
        let there = plain_file::bytes(&script, 2 * SCRIPT.len() as u64);
        match there {
            Ok(bytes) if bytes == SCRIPT.as_bytes() => return Ok(script),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut file = NewFile::begin(&script)?;
                let written = file.write_all(SCRIPT.as_bytes());
                written.map_err(|error| file.failed(&error))?;
                file.end()?;
                return Ok(script);
            }
            _ => {}
        }
    }
    Err(Failure::No(format!(
        "{} is written, but what reads it could not be put beside it: {} is another file",
        audit.display(),
        dated.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_reads_an_audit_is_beside_it_and_replaces_nothing() {
        let place = tempfile::tempdir().unwrap();
        let audit = place.path().join("our votes.json");
        let script = script_beside(&audit).unwrap();
        assert_eq!(script, place.path().join(SCRIPT_NAME));
        assert_eq!(fs::read_to_string(&script).unwrap(), SCRIPT);
        assert_eq!(script_beside(&audit).unwrap(), script);
        // Somebody's own file of that name stays as it is.
        fs::write(&script, "mine").unwrap();
        let other = script_beside(&audit).unwrap();
        assert_eq!(fs::read_to_string(&script).unwrap(), "mine");
        assert_eq!(fs::read_to_string(&other).unwrap(), SCRIPT);
        assert_eq!(script_beside(&audit).unwrap(), other);
        fs::write(&other, "mine, too").unwrap();
        assert!(script_beside(&audit).is_err());
    }
}
