//! The votes of this node's owner that are in no block.

use super::reading::{Reading, choices_of, parcel_of};
use super::*;
use crate::chain::Internal;
use crate::chain::rows::StateView;
use crate::owner::answers::{UncountedState, UncountedView};
use crate::protocol::delivery::rows::{self, SendFacts};
use crate::store::delivery_rows::DeliveryTable;
use std::collections::BTreeMap;

/// Sends that are looked through for them, from the latest back: a voter looks soon after.
const MAX_SENDS_SEEN: u64 = 200;

/// The owner's latest vote in a ballot, among the last sends.
pub(super) struct OwnVote {
    /// The number of the send.
    number: u64,
    id: TransactionId,
    vote: Vote,
}

impl Reading<'_> {
    /// The owner's latest vote in each ballot, among the last sends: one walk, however many ballots there are.
    pub(super) fn own_votes(&self) -> Result<BTreeMap<TransactionId, OwnVote>, Internal> {
        let sends = DeliveryTable::outbox(self.disk);
        let next = rows::next_number(&sends)?;
        let first = next.saturating_sub(MAX_SENDS_SEEN).max(1);
        let mut votes = BTreeMap::new();
        for number in first..next {
            let Some(transaction) = rows::body(&sends, number)? else {
                continue;
            };
            if let Some(Parcel::Vote(vote)) = parcel_of(&transaction) {
                let id = transaction.id();
                votes.insert(vote.ballot, OwnVote { number, id, vote });
            }
        }
        Ok(votes)
    }

    /// Where the owner's latest vote in a ballot stands, unless one that counts came after it.
    pub(super) fn uncounted(
        &self,
        own: Option<&OwnVote>,
        opening: &Opening,
        state: BallotState,
        counted: Option<u64>,
    ) -> Result<Option<UncountedView>, Internal> {
        let Some(OwnVote { number, id, vote }) = own else {
            return Ok(None);
        };
        let view = ChainRows(self.disk);
        if view.mined(id)?.is_some() || Some(vote.revision) <= counted {
            return Ok(None);
        }
        let facts: Option<SendFacts> = rows::facts(&DeliveryTable::outbox(self.disk), *number)?;
        let Some(facts) = facts else {
            return Ok(None);
        };
        let over = matches!(state, BallotState::Closed | BallotState::ResultMined);
        let is_open = view.open_transaction(id)?.is_some();
        let (state, reason) = match facts.end {
            _ if over && facts.fell_out() => (
                UncountedState::Lost,
                "lost: the ballot closed before it was mined again".to_owned(),
            ),
            _ if over => (
                UncountedState::Lost,
                "lost: the ballot closed before it was mined".to_owned(),
            ),
            _ if is_open => (UncountedState::Open, String::new()),
            Some(_) => (UncountedState::Refused, facts.reason.to_string()),
            None => (UncountedState::Waiting, facts.reason.to_string()),
        };
        Ok(Some(UncountedView {
            id: *id,
            revision: vote.revision,
            choices: choices_of(opening, &vote.choices),
            state,
            reason: Some(reason).filter(|reason| !reason.is_empty()),
        }))
    }
}
