//! Ballots and votes as text for people.

use crate::cli::invocation::Invocation;
use crate::cli::table::{Align, Table, facts};
use crate::cli::words::{count, cut, moment, person, short_id, short_person};
use crate::owner::answers::{
    BallotState, BallotView, BallotsView, CastView, CountedView, OpenedView, UncountedState,
    UncountedView, VotersView,
};

/// Characters of a question in a table.
const MAX_QUESTION: usize = 40;
/// Width of the longest bar.
const BAR: u64 = 30;

/// A ballot that was opened.
pub(super) fn opened(opened: &OpenedView, invocation: &Invocation) -> String {
    let mut text = facts(&[
        ("ballot", opened.ballot.to_string()),
        ("roll", count(opened.voters, "voter", "voters")),
        ("closes", closes(opened.closes_at, opened.last_height)),
    ]);
    if let Some(warning) = &opened.warning {
        text.push_str(&format!("Mind: {warning}.\n"));
    }
    if opened.closes_at.is_some() {
        text.push_str("Whoever mines can shift the close by six block intervals.\n");
    }
    let vote = format!(
        "vote cast {} CHOICE",
        short_id(opened.ballot).trim_end_matches('…')
    );
    text.push_str(&format!(
        "Votes count once the ballot is in a block. Everybody on its roll votes with:\n  {}\n",
        invocation.line(&vote)
    ));
    text
}

fn closes(at: Option<crate::chain::Timestamp>, last: crate::chain::Height) -> String {
    match at {
        Some(at) => format!(
            "with the first block after {}, or after height {last} if that comes first",
            moment(at)
        ),
        None => format!("after height {last}"),
    }
}

/// The ballots.
pub(super) fn ballots(ballots: &BallotsView) -> String {
    if ballots.ballots.is_empty() {
        return "there is no ballot yet\n".to_owned();
    }
    let mut table = Table::new(&[
        ("ballot", Align::Left),
        ("question", Align::Left),
        ("state", Align::Left),
        ("voted", Align::Right),
        ("you", Align::Left),
    ]);
    for ballot in &ballots.ballots {
        table.row([
            short_id(ballot.ballot),
            cut(&ballot.question, MAX_QUESTION),
            ballot.state.name().to_owned(),
            voted(ballot),
            match (&ballot.own, ballot.may_vote) {
                (Some(own), _) => own.choices.join(", "),
                (None, true) => "not voted".to_owned(),
                (None, false) => "-".to_owned(),
            },
        ]);
    }
    table.render()
}

fn voted(ballot: &BallotView) -> String {
    format!("{} of {}", ballot.voted, ballot.voters)
}

/// One ballot.
pub(super) fn ballot(ballot: &BallotView) -> String {
    let mut rows = vec![
        ("ballot", ballot.ballot.to_string()),
        ("question", ballot.question.clone()),
        ("opened", opened_by(ballot)),
        ("closes", closes(ballot.closes_at, ballot.last_height)),
        ("a vote has", count(ballot.max, "choice", "choices at most")),
        ("voted", voted(ballot)),
        ("you", own(ballot)),
    ];
    if let Some(vote) = &ballot.uncounted {
        rows.push(("not counted", uncounted(vote)));
    }
    if let Some(result) = &ballot.result {
        rows.push((
            "result",
            format!("in block {} [{}]", result.height, short_id(result.id)),
        ));
    }
    facts(&rows) + "\n" + &tally(ballot)
}

fn opened_by(ballot: &BallotView) -> String {
    let opener = person(&ballot.opener);
    match ballot.height {
        Some(height) => format!("by {opener} in block {height}"),
        None => format!("by {opener}, in no block yet"),
    }
}

fn own(ballot: &BallotView) -> String {
    match (&ballot.own, ballot.may_vote) {
        (Some(vote), _) => format!("{}, {}", vote.choices.join(", "), counted(vote)),
        (None, true) => "have not voted".to_owned(),
        (None, false) => "are not on the roll".to_owned(),
    }
}

/// A vote that is in no block.
fn uncounted(vote: &UncountedView) -> String {
    let choices = vote.choices.join(", ");
    let id = short_id(vote.id);
    let known = match vote.state {
        UncountedState::Open => "the network has it, and it counts once it is in a block",
        UncountedState::Waiting => "not taken for now; it is tried again",
        UncountedState::Refused => "refused",
        UncountedState::Lost => return format!("{choices} [{id}], {}", reason(vote)),
    };
    match vote.reason {
        None => format!("{choices} [{id}], {known}"),
        Some(_) => format!("{choices} [{id}], {known}: {}", reason(vote)),
    }
}

fn reason(vote: &UncountedView) -> &str {
    vote.reason.as_deref().unwrap_or("lost")
}

fn counted(vote: &CountedView) -> String {
    format!("counted in block {} [{}]", vote.height, short_id(vote.id))
}

/// What it has come to so far.
pub(super) fn tally(ballot: &BallotView) -> String {
    let most = ballot.choices.iter().map(|one| one.votes).max();
    let most = most.unwrap_or(0).max(1);
    let mut table = Table::new(&[
        ("choice", Align::Left),
        ("votes", Align::Right),
        ("", Align::Left),
    ]);
    for one in &ballot.choices {
        let bar = usize::try_from(one.votes * BAR / most).unwrap_or(0);
        table.row([one.choice.clone(), one.votes.to_string(), "█".repeat(bar)]);
    }
    let end = match ballot.state {
        BallotState::ResultMined => ", and every node has come to the same",
        BallotState::Closed => ", its result follows in a block",
        BallotState::Open | BallotState::NotMined => "",
    };
    format!(
        "{}{} voted; {}{end} (up to block {})\n",
        table.render(),
        voted(ballot),
        ballot.state.name(),
        ballot.tip.height
    )
}

/// Who has voted, and who has not.
pub(super) fn roll(ballot: &BallotView, roll: &VotersView) -> String {
    let mut text = String::from("\n");
    let mut table = Table::new(&[
        ("voter", Align::Left),
        ("vote", Align::Left),
        ("", Align::Left),
    ]);
    for voter in &roll.voters {
        let (vote, place) = match &voter.vote {
            Some(vote) => (vote.choices.join(", "), counted(vote)),
            None if ballot.state == BallotState::Open => ("not yet".to_owned(), String::new()),
            None => ("none".to_owned(), String::new()),
        };
        table.row([short_person(&voter.voter), vote, place]);
    }
    text.push_str(&table.render());
    text
}

/// A vote that was taken in.
pub(super) fn cast(cast: &CastView) -> String {
    let mut rows = vec![
        ("vote", cast.choices.join(", ")),
        ("id", cast.id.to_string()),
        ("revision", cast.revision.to_string()),
    ];
    if let Some(before) = &cast.replaces {
        rows.push((
            "replaces",
            format!("{}, {}", before.choices.join(", "), counted(before)),
        ));
    }
    if let Some(warning) = &cast.warning {
        rows.push(("note", warning.clone()));
    }
    facts(&rows)
}
