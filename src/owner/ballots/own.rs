//! Ballots in which this node's owner has yet to vote.

use super::reading::{Reading, missing, voters_of};
use super::*;
use crate::apps::voting::BallotRow;

/// Ballots that are looked through, from the latest back.
const LOOKED_AT: usize = 20;
/// A ballot in which the owner may vote and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingVote {
    /// The ballot.
    pub ballot: TransactionId,
    /// What is asked: somebody else's words.
    pub question: String,
}

impl Peer {
    /// Open ballots in which the owner may vote and has not, the latest first, at most so many. None where the
    /// network has no votes.
    ///
    /// # Errors
    /// [`Code::NoNetwork`], [`Code::Stopping`], [`Code::Internal`].
    pub async fn missing_votes(&self, most: usize) -> Result<Vec<MissingVote>, Refused> {
        if self.votes().is_err_and(|no| no.code == Code::NoApplication) {
            return Ok(Vec::new());
        }
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let reading = Reading::begin(self, &*snapshot, &known)?;
        let own = reading.own_votes()?;
        let mut missing = Vec::new();
        for (id, ballot) in reading.open_ballots(LOOKED_AT)? {
            if missing.len() == most {
                break;
            }
            let voted = Ballots(&ChainRows(&*snapshot)).vote_of(&id, &self.key)?;
            let own = reading.uncounted(own.get(&id), &ballot.opening, BallotState::Open, None)?;
            let is_missing = voted.is_none() && !own.is_some_and(|vote| vote.state.is_under_way());
            if is_missing && reading.has(&voters_of(&ballot), &self.key)? {
                missing.push(MissingVote {
                    ballot: id,
                    question: ballot.opening.question.to_string(),
                });
            }
        }
        Ok(missing)
    }
}

impl Reading<'_> {
    /// Ballots in which votes count, the latest first, among the last so many.
    fn open_ballots(&self, of: usize) -> Result<Vec<(TransactionId, BallotRow)>, Refused> {
        let mut open = Vec::new();
        for id in self.latest(None, of)?.0 {
            let found = Ballots(&ChainRows(self.disk)).ballot(&id)?;
            let (ballot, tally) = found.ok_or_else(|| missing(&id))?;
            if self.state(&ballot, &tally) == BallotState::Open {
                open.push((id, ballot));
            }
        }
        Ok(open)
    }
}
