//! Voting: ballots, rolls, votes and results, as records under the topic [`TOPIC`].
//!
//! Who opens a ballot says what is asked, who may vote and when it closes; its id is that of the record that
//! opened it. A vote counts if its own block comes before the close: by that block's timestamp, and by its
//! height. Each carries a revision, and the greatest counts, so that no miner chooses among the votes of
//! one voter by their order. The tally is kept as it grows; after the close a `result` record says it, which
//! every node judges by its own.

mod format;
mod judging;
mod reading;
mod rows;

pub use format::{
    BallotId, Choice, Choices, MAX_CHOICE, MAX_CHOICES, MAX_PARTS, MAX_QUESTION, MAX_ROLL,
    Malformed, Opening, Outcome, Parcel, Question, Roll, RollHash, RollPart, Vote,
};
pub use judging::{MAX_OPEN_BALLOTS, MAX_REVISIONS, MAX_SPAN};
pub use reading::{Ballots, Listed};
pub use rows::{BallotRow, Counted, ResultRow, RollRow, TallyRow};

use super::members::{Interval, View};
use crate::chain::application::{Application, ApplicationError, ApplicationState, Record, Verdict};
use crate::chain::params::Admission;
use crate::chain::transaction::{RecordBody, Topic};
use crate::chain::{Height, Internal, NetworkId};
use crate::keys::{PublicKey, SignatureItem};
use judging::{check, judge};

/// The topic of all of it.
pub const TOPIC: &str = "vote";

/// Blocks for which a key must have been a member to be on the roll of members, where anybody is admitted.
pub const OPEN_NETWORK_AGE: u64 = 100;

/// [`TOPIC`] as records carry it.
pub fn topic() -> Topic {
    Topic::new(TOPIC).expect("it is shorter than a topic may be")
}

/// The application.
pub struct Voting {
    topic: Topic,
}

impl Default for Voting {
    fn default() -> Self {
        Self { topic: topic() }
    }
}

impl Application for Voting {
    fn topic(&self) -> &Topic {
        &self.topic
    }

    fn check(
        &self,
        _: &NetworkId,
        _: &PublicKey,
        body: &RecordBody,
    ) -> Result<Vec<SignatureItem>, String> {
        let parcel = Parcel::decode(body).map_err(|error| error.to_string())?;
        check(&parcel).map(|()| Vec::new())
    }

    /// Votes and results: of the one a voter has eight in a ballot at most, of the other a ballot has one.
    fn is_outside_free_budget(&self, body: &RecordBody) -> bool {
        matches!(
            Parcel::decode(body),
            Ok(Parcel::Vote(_) | Parcel::Result(_))
        )
    }

    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<Verdict, ApplicationError> {
        judge(state, record)
    }
}

/// Whether a key may vote where the members after the block at this height may. Where anybody is admitted,
/// only who has been a member for a while: else somebody could come with many names, and vote with each.
///
/// # Errors
/// The disk failed, or a row is damaged.
pub fn was_voter(
    members: &View<'_>,
    admission: Admission,
    key: &PublicKey,
    after: Height,
) -> Result<bool, Internal> {
    let interval = members.member_at(key, after)?;
    Ok(interval.is_some_and(|interval| is_settled(admission, interval.since, after)))
}

fn is_settled(admission: Admission, since: Height, after: Height) -> bool {
    match admission {
        Admission::Open => since.0.saturating_add(OPEN_NETWORK_AGE) <= after.0,
        _ => true,
    }
}

/// How many may vote where the members after the blocks at these heights may, each: in one pass over all times in
/// which keys were members, of which no two of one key cover one height.
///
/// # Errors
/// As for [`was_voter`].
pub fn count_voters(
    times: impl IntoIterator<Item = Result<Interval, Internal>>,
    admission: Admission,
    after: &[Height],
) -> Result<Vec<u64>, Internal> {
    let mut counts = vec![0; after.len()];
    for time in times {
        let time = time?;
        for (count, after) in counts.iter_mut().zip(after) {
            let may = time.covers(*after) && is_settled(admission, time.since, *after);
            *count += u64::from(may);
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests;
