//! `node vote` alone: a conversation at a terminal.

use super::{PUBLIC, get, hand_in, show};
use crate::cli::args::Until;
use crate::cli::client::Client;
use crate::cli::confirm::{ask, is_anybody_there};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::records::{invalid, stay};
use crate::cli::words::short_id;
use crate::owner::answers::{BallotState, BallotView, BallotsView};

/// A vote is mined here, as long as that takes.
const MINE: Until = Until {
    wait: None,
    mine: true,
};

/// Asks what to do until it was enough.
pub(super) fn talk(client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    if !is_anybody_there() || output.is_json() {
        return Err(Failure::Misuse(
            "there is no terminal to talk at: `node vote list`, `cast` and `tally` need none"
                .to_owned(),
        ));
    }
    let Some(ballot) = choose(client, output)? else {
        return Ok(());
    };
    let id = ballot.ballot.to_string();
    output.text(&format!("{}\n{PUBLIC}", ballot.question))?;
    loop {
        let wish = match ask("a: add a vote   d: display the tally   q: quit > ") {
            Ok(wish) => wish,
            Err(Failure::Declined) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        match wish.as_str() {
            "a" | "add" => match add(&id, client, output) {
                Ok(()) | Err(Failure::Declined) => {}
                Err(failure) => output.text(&failure.reason().unwrap_or_default())?,
            },
            "d" | "display" => output.text(&show::tally(&get(&id, client)?))?,
            "q" | "quit" => return Ok(()),
            _ => output.text("a, d or q is wanted")?,
        }
    }
}

/// The ballot that is talked about: the only open one, or the one that is picked.
fn choose(client: &Client, output: &mut Output<'_>) -> Result<Option<BallotView>, Failure> {
    let ballots: BallotsView = client.get("/ballots", &[])?;
    let is_open = |ballot: &BallotView| ballot.state == BallotState::Open;
    let mut open: Vec<_> = ballots.ballots.into_iter().filter(is_open).collect();
    if open.len() < 2 {
        if open.is_empty() {
            output.text("No ballot is open: `node vote open QUESTION --choices A,B` opens one.")?;
        }
        return Ok(open.pop());
    }
    for (number, ballot) in open.iter().enumerate() {
        let line = format!(
            "{}: {} [{}]",
            number + 1,
            ballot.question,
            short_id(ballot.ballot)
        );
        output.text(&line)?;
    }
    loop {
        let typed = ask("Which one? q: quit > ")?;
        if matches!(typed.as_str(), "q" | "quit") {
            return Ok(None);
        }
        match typed.parse::<usize>() {
            Ok(number) if (1..=open.len()).contains(&number) => {
                return Ok(Some(open.swap_remove(number - 1)));
            }
            _ => output.text(&format!("a number from 1 to {} or q is wanted", open.len()))?,
        }
    }
}

fn add(ballot: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let now = get(ballot, client)?;
    for (number, one) in now.choices.iter().enumerate() {
        output.text(&format!("{}: {}", number + 1, one.choice))?;
    }
    let how_many = match now.max {
        1 => "Which one? ".to_owned(),
        max => format!("Which ones, {max} at most, with commas between? "),
    };
    let typed = ask(&how_many)?;
    let choices = typed.split(',').map(|typed| {
        let typed = typed.trim();
        let number = typed
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let named = number.and_then(|at| now.choices.get(at));
        named.map_or_else(|| typed.to_owned(), |one| one.choice.clone())
    });
    let choices: Vec<_> = choices.collect();
    let cast = hand_in(ballot, &choices, client).map_err(|failure| invalid(failure, MINE))?;
    output.text(&show::cast(&cast))?;
    stay(cast.id, MINE, client, output)
}
