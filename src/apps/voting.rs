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
pub use judging::{MAX_OPEN_BALLOTS, MAX_REVISIONS, MAX_SPAN, Situation, judge};
pub use reading::{Ballots, Listed};
pub use rows::{BallotRow, Counted, ResultRow, RollRow, TallyRow};

use crate::chain::application::{Application, ApplicationError, ApplicationState, Record};
use crate::chain::transaction::Topic;

/// The topic of all of it.
pub const TOPIC: &str = "vote";

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

    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<(), ApplicationError> {
        let situation = Situation {
            sender: record.sender,
            id: record.id,
            place: record.place,
            timestamp: record.timestamp,
            was_member: &|_, _| {
                let why = "this network keeps no members on its ledger: name the keys of the roll";
                Err(ApplicationError::Refused(why.to_owned()))
            },
        };
        judge(state, &situation, record.body)
    }
}

#[cfg(test)]
mod tests;
