//! What is valid: a pure function of the rows, the record and the block it would be in.

use super::format::{
    BallotId, Choice, MAX_CHOICES, Opening, Outcome, Parcel, RollHash, RollPart, Vote, roll_hash,
};
use super::rows::{
    BallotRow, Counted, OpenBallot, ResultRow, RollRow, TallyRow, ballot_key, decoded, is_on,
    listed_key, opener_key, roll_key, roll_value, tally_key, vote_key,
};
use super::was_voter;
use crate::apps::members::View;
use crate::canonical;
use crate::chain::application::{ApplicationError, ApplicationState, Record, Rows, Verdict};
use crate::chain::params::MAX_EXPIRY;
use crate::chain::rows::MinedAt;
use crate::chain::{Timestamp, TransactionId};
use crate::keys::PublicKey;

/// Ballots of one key that may be open at a time: each costs rows for as long as there are votes, and is
/// shown to everybody.
pub const MAX_OPEN_BALLOTS: usize = 16;
/// Votes of one voter in one ballot: to think again is fine, to fill blocks with it is not.
pub const MAX_REVISIONS: u8 = 8;
/// Blocks that a ballot may be open at most: a vote can be signed for as long as that.
pub const MAX_SPAN: u64 = MAX_EXPIRY;

/// Digits of an id that a refusal names.
const NAMED_DIGITS: usize = 10;

type Judged<T = ()> = Result<T, ApplicationError>;

/// What is known of a record but its bytes, in fewer words.
struct Situation<'a> {
    record: &'a Record<'a>,
    sender: PublicKey,
    id: TransactionId,
    place: MinedAt,
    timestamp: Timestamp,
}

/// What can be said of a record whatever the ledger holds.
///
/// # Errors
/// Why it can never be valid.
pub(super) fn check(parcel: &Parcel) -> Result<(), String> {
    match parcel {
        Parcel::Open(opening) => check_form(opening),
        Parcel::Roll(part) if part.keys.is_empty() || !part.keys.is_sorted_by(|a, b| a < b) => {
            Err("a part of a roll is a list of rising keys".into())
        }
        Parcel::Vote(vote) if !vote.choices.is_sorted_by(|a, b| a < b) => {
            Err("a choice is there twice, or they do not rise".into())
        }
        Parcel::Roll(_) | Parcel::Vote(_) | Parcel::Result(_) => Ok(()),
    }
}

/// Applies a record to the rows, or refuses it in words for its sender.
///
/// # Errors
/// [`ApplicationError`].
pub(super) fn judge(state: &mut ApplicationState<'_, '_>, record: &Record<'_>) -> Judged<Verdict> {
    let situation = Situation {
        record,
        sender: record.sender,
        id: record.id,
        place: MinedAt {
            height: record.moment.height,
            index: record.index,
        },
        timestamp: record.moment.time,
    };
    let parcel = Parcel::decode(record.body).or_else(|error| refused(error.to_string()))?;
    // Whoever says what a ballot came to does it for everybody.
    let free = matches!(parcel, Parcel::Result(_));
    match parcel {
        Parcel::Open(opening) => open(state, &situation, opening),
        Parcel::Roll(part) => list(state, &part),
        Parcel::Vote(vote) => count(state, &situation, vote),
        Parcel::Result(outcome) => conclude(state, &situation, &outcome),
    }?;
    Ok(Verdict {
        free,
        ..Verdict::default()
    })
}

fn refused<T>(why: impl Into<String>) -> Judged<T> {
    Err(ApplicationError::Refused(why.into()))
}

/// What it builds on is not there, and may come: a branch that has it may win, or it is mined again.
fn not_yet<T>(why: impl Into<String>) -> Judged<T> {
    Err(ApplicationError::NotYet(why.into()))
}

fn row<T: serde::de::DeserializeOwned + serde::Serialize>(
    state: &ApplicationState<'_, '_>,
    key: &[u8],
) -> Judged<Option<T>> {
    Ok(decoded(state.get(key)?)?)
}

/// Everything about an opening that depends on nothing but itself.
fn check_form(opening: &Opening) -> Result<(), String> {
    let refused = |why: String| Err(why);
    let is_text = |text: &str| {
        let visible = !text.chars().any(char::is_control);
        visible && !text.is_empty() && text.trim() == text
    };
    if !is_text(opening.question.as_str()) {
        return refused("the question is empty, or has line ends or spaces around it".into());
    }
    let choices = &opening.choices;
    if choices.len() < 2 {
        return refused(format!("a ballot has 2 to {MAX_CHOICES} choices"));
    }
    if let Some(wrong) = choices.iter().find(|choice| !is_text(choice.as_str())) {
        return refused(format!(
            "{:?} is no choice: it is empty, or has line ends or spaces around it",
            wrong.as_str()
        ));
    }
    let mut sorted: Vec<&Choice> = choices.iter().collect();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return refused(format!("{:?} is there twice", twice[0].as_str()));
    }
    if !(1..=choices.len()).contains(&usize::from(opening.max)) {
        return refused("a vote chooses 1 or more, and no more than there are".into());
    }
    let roll = &opening.roll;
    let kinds = [roll.members, !roll.keys.is_empty(), !roll.parts.is_empty()];
    if kinds.iter().filter(|is_there| **is_there).count() != 1 {
        return refused("a roll is the members, a list of keys, or parts that list them".into());
    }
    if !roll.keys.is_sorted_by(|a, b| a < b) {
        return refused("the keys of the roll do not rise".into());
    }
    let mut parts = roll.parts.clone();
    parts.sort_unstable();
    parts.dedup();
    if parts.len() != roll.parts.len() {
        return refused("a part of the roll is there twice".into());
    }
    Ok(())
}

fn open(
    state: &mut ApplicationState<'_, '_>,
    situation: &Situation<'_>,
    mut opening: Opening,
) -> Judged {
    let height = situation.place.height;
    let last = opening.last_height;
    if last <= height || last.0 - height.0 > MAX_SPAN {
        return refused(format!(
            "its last height is {last}, but must be after {height}, where it would open, by {MAX_SPAN} blocks at \
             most"
        ));
    }
    if opening
        .closes_at
        .is_some_and(|close| close <= situation.timestamp)
    {
        return refused("it would close before it opens");
    }
    let mut running: Vec<OpenBallot> =
        row(state, &opener_key(&situation.sender))?.unwrap_or_default();
    running.retain(|ballot| {
        let by_time = ballot
            .closes_at
            .is_some_and(|close| situation.timestamp >= close);
        !by_time && height <= ballot.last_height
    });
    if running.len() >= MAX_OPEN_BALLOTS {
        return refused(format!(
            "{MAX_OPEN_BALLOTS} ballots of this key are open: wait until one closes"
        ));
    }
    let lists = lists_of(state, &mut opening)?;
    let roll = RollRow {
        members_after: opening.roll.members.then(|| height.previous()).flatten(),
        lists,
    };
    running.push(OpenBallot {
        ballot: situation.id,
        closes_at: opening.closes_at,
        last_height: opening.last_height,
    });
    let tally = TallyRow {
        counts: vec![0; opening.choices.len()],
        voters: 0,
        result: None,
    };
    let ballot = BallotRow {
        opener: situation.sender,
        place: situation.place,
        opening,
        roll,
    };
    let id = situation.id;
    state.put(&ballot_key(&id), canonical::encode(&ballot))?;
    state.put(&tally_key(&id), canonical::encode(&tally))?;
    state.put(&opener_key(&situation.sender), canonical::encode(&running))?;
    state.put(&listed_key(situation.place), canonical::encode(&id))
}

/// The lists of an opening, each in a row of its own; a list that stands in the opening itself is moved to
/// one.
fn lists_of(state: &mut ApplicationState<'_, '_>, opening: &mut Opening) -> Judged<Vec<RollHash>> {
    if !opening.roll.keys.is_empty() {
        let keys = std::mem::take(&mut opening.roll.keys);
        let hash = roll_hash(&keys);
        state.put(&roll_key(&hash), roll_value(&keys))?;
        return Ok(vec![hash]);
    }
    for part in &opening.roll.parts {
        if state.get(&roll_key(part))?.is_none() {
            return not_yet(format!(
                "the part {} of its roll is not mined yet",
                short(part)
            ));
        }
    }
    Ok(opening.roll.parts.clone())
}

fn list(state: &mut ApplicationState<'_, '_>, part: &RollPart) -> Judged {
    let key = roll_key(&part.hash());
    if state.get(&key)?.is_some() {
        return refused("this part of a roll is recorded already");
    }
    state.put(&key, roll_value(&part.keys))
}

/// The ballot and how it stands.
fn find(state: &ApplicationState<'_, '_>, id: &BallotId) -> Judged<(BallotRow, TallyRow)> {
    let ballot = row(state, &ballot_key(id))?;
    let tally = row(state, &tally_key(id))?;
    match (ballot, tally) {
        (Some(ballot), Some(tally)) => Ok((ballot, tally)),
        _ => not_yet(format!(
            "there is no ballot {}, or the record that opens it is not mined yet",
            short(id)
        )),
    }
}

fn count(state: &mut ApplicationState<'_, '_>, situation: &Situation<'_>, vote: Vote) -> Judged {
    let (ballot, mut tally) = find(state, &vote.ballot)?;
    let key = vote_key(&vote.ballot, &situation.sender);
    let before: Option<Counted> = row(state, &key)?;
    let counts = || counted_where(before.as_ref());
    if ballot.is_closed_at(situation.place.height, situation.timestamp) {
        return refused(format!("the ballot is closed; {}", counts()));
    }
    check_choices(&ballot.opening, &vote.choices)?;
    if before.is_none() && !may_vote(state, situation, &ballot.roll)? {
        return refused(format!(
            "{} is not on the roll of this ballot",
            situation.sender.to_address()
        ));
    }
    let number = match &before {
        Some(before) if vote.revision <= before.revision => {
            return refused(format!(
                "its revision {} is not above that of the vote before it; {}",
                vote.revision,
                counts()
            ));
        }
        Some(before) if before.number >= MAX_REVISIONS => {
            return refused(format!(
                "nobody votes more than {MAX_REVISIONS} times in a ballot; {}",
                counts()
            ));
        }
        Some(before) => before.number + 1,
        None => 1,
    };
    match &before {
        Some(before) => move_by(&mut tally.counts, &before.choices, |count| count - 1),
        None => tally.voters += 1,
    }
    move_by(&mut tally.counts, &vote.choices, |count| count + 1);
    let counted = Counted {
        id: situation.id,
        place: situation.place,
        revision: vote.revision,
        choices: vote.choices,
        number,
    };
    state.put(&tally_key(&vote.ballot), canonical::encode(&tally))?;
    state.put(&key, canonical::encode(&counted))
}

fn move_by(counts: &mut [u64], choices: &[u8], step: impl Fn(u64) -> u64) {
    for choice in choices {
        if let Some(count) = counts.get_mut(usize::from(*choice)) {
            *count = step(*count);
        }
    }
}

fn check_choices(opening: &Opening, choices: &[u8]) -> Judged {
    let there = opening.choices.len();
    if let Some(unknown) = choices.iter().find(|choice| usize::from(**choice) >= there) {
        return refused(format!(
            "there is no choice {}: the ballot has {there}",
            u16::from(*unknown) + 1
        ));
    }
    if choices.is_empty() || choices.len() > usize::from(opening.max) {
        let most = opening.max;
        return refused(format!(
            "{} choices, but a vote in this ballot has 1 to {most}",
            choices.len()
        ));
    }
    Ok(())
}

fn may_vote(
    state: &ApplicationState<'_, '_>,
    situation: &Situation<'_>,
    roll: &RollRow,
) -> Judged<bool> {
    if let Some(after) = roll.members_after {
        let members = state.members();
        let admission = situation.record.genesis.params.admission;
        return Ok(was_voter(
            &View::new(&members),
            admission,
            &situation.sender,
            after,
        )?);
    }
    for list in &roll.lists {
        if let Some(keys) = state.get(&roll_key(list))?
            && is_on(&keys, &situation.sender)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn conclude(
    state: &mut ApplicationState<'_, '_>,
    situation: &Situation<'_>,
    outcome: &Outcome,
) -> Judged {
    let (ballot, mut tally) = find(state, &outcome.ballot)?;
    if let Some(result) = &tally.result {
        return refused(format!(
            "its result is in the block at height {} already",
            result.place.height
        ));
    }
    if !ballot.is_closed_at(situation.place.height, situation.timestamp) {
        return not_yet("the ballot is open still");
    }
    if (&outcome.counts, outcome.voters) != (&tally.counts, tally.voters) {
        return refused("it is not what the votes on the ledger come to");
    }
    tally.result = Some(ResultRow {
        id: situation.id,
        place: situation.place,
    });
    state.put(&tally_key(&outcome.ballot), canonical::encode(&tally))
}

/// Which vote of somebody counts.
fn counted_where(vote: Option<&Counted>) -> String {
    match vote {
        None => "no vote of this voter counts".to_owned(),
        Some(vote) => format!(
            "the vote {} with revision {}, in the block at height {}, counts",
            short(vote.id),
            vote.revision,
            vote.place.height
        ),
    }
}

fn short(id: impl ToString) -> String {
    let mut id = id.to_string();
    id.truncate(NAMED_DIGITS);
    id
}
