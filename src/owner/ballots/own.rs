//! What this node's owner has to do with ballots: where a vote is missing, and which one is under way.

use super::reading::{Reading, missing, parcel_of, voters_of};
use super::*;
use crate::apps::voting::BallotRow;
use crate::canonical;
use crate::chain::Internal;
use crate::chain::rows::OpenEntry;
use crate::store::Table;
use crate::store::chain_rows::internal;

/// Ballots that are looked through, from the latest back.
const LOOKED_AT: usize = 20;
/// Open transactions that are looked through for an own vote.
const MAX_OPEN_SEEN: usize = 2_000;

/// A ballot in which the owner may vote and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingVote {
    /// The ballot.
    pub ballot: TransactionId,
    /// What is asked: somebody else's words.
    pub question: String,
}

/// A vote of the owner that no block holds yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteUnderWay {
    /// Id of its record.
    pub id: TransactionId,
    /// What it chooses, in the ballot's words.
    pub choices: Vec<String>,
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
        let mut missing = Vec::new();
        for (id, ballot) in reading.open_ballots(LOOKED_AT)? {
            if missing.len() == most {
                break;
            }
            let voted = Ballots(&ChainRows(&*snapshot)).vote_of(&id, &self.key)?;
            let waits = voted.is_none() && reading.vote_under_way(&id)?.is_none();
            if waits && reading.has(&voters_of(&ballot), &self.key)? {
                missing.push(MissingVote {
                    ballot: id,
                    question: ballot.opening.question.to_string(),
                });
            }
        }
        Ok(missing)
    }

    /// The owner's latest vote in a ballot that no block holds yet, by the ballot's id.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot).
    pub async fn vote_under_way(&self, of: &BallotView) -> Result<Option<VoteUnderWay>, Refused> {
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let found = Reading::begin(self, &*snapshot, &known)?.vote_under_way(&of.ballot)?;
        Ok(found.map(|(id, vote)| VoteUnderWay {
            id,
            choices: vote
                .choices
                .iter()
                .filter_map(|place| Some(of.choices.get(usize::from(*place))?.choice.clone()))
                .collect(),
        }))
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

    /// The owner's open vote in a ballot: of several the one that will count.
    fn vote_under_way(
        &self,
        ballot: &TransactionId,
    ) -> Result<Option<(TransactionId, Vote)>, Internal> {
        let rows = self.disk.scan(Table::Open, &[], MAX_OPEN_SEEN);
        let mut latest: Option<(TransactionId, Vote)> = None;
        for (_, value) in rows.map_err(internal)? {
            let entry: OpenEntry = canonical::decode(&value)
                .map_err(|error| Internal(format!("an open transaction is damaged: {error}")))?;
            if entry.transaction.payload().sender != self.peer.key {
                continue;
            }
            let Some(Parcel::Vote(vote)) = parcel_of(&entry.transaction) else {
                continue;
            };
            let later = latest
                .as_ref()
                .is_none_or(|(_, known)| known.revision < vote.revision);
            if vote.ballot == *ballot && later {
                latest = Some((entry.transaction.id(), vote));
            }
        }
        Ok(latest)
    }
}
