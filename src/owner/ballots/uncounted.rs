//! The votes of this node's owner that are in no block.

use super::reading::{Reading, choices_of, parcel_of};
use super::*;
use crate::chain::Internal;
use crate::chain::rows::StateView;
use crate::owner::answers::{UncountedState, UncountedView};
use crate::protocol::delivery::rows::{self, SendFacts};
use crate::store::delivery_rows::DeliveryTable;

/// Sends that are looked through for them, from the latest back: a voter looks soon after.
const MAX_SENDS_SEEN: u64 = 200;

impl Reading<'_> {
    /// The latest of them in a ballot, unless one that counts came after it.
    pub(super) fn uncounted(
        &self,
        id: &TransactionId,
        opening: &Opening,
        state: BallotState,
        counted: Option<u64>,
    ) -> Result<Option<UncountedView>, Internal> {
        let (view, sends) = (ChainRows(self.disk), DeliveryTable::outbox(self.disk));
        let next = rows::next_number(&sends)?;
        let first = next.saturating_sub(MAX_SENDS_SEEN).max(1);
        for number in (first..next).rev() {
            let Some(transaction) = rows::body(&sends, number)? else {
                continue;
            };
            let vote = match parcel_of(&transaction) {
                Some(Parcel::Vote(vote)) if vote.ballot == *id => vote,
                _ => continue,
            };
            if view.mined(&transaction.id())?.is_some() || Some(vote.revision) <= counted {
                return Ok(None);
            }
            let facts: Option<SendFacts> = rows::facts(&sends, number)?;
            let Some(facts) = facts else {
                continue;
            };
            let over = matches!(state, BallotState::Closed | BallotState::ResultMined);
            let is_open = view.open_transaction(&transaction.id())?.is_some();
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
            return Ok(Some(UncountedView {
                id: transaction.id(),
                revision: vote.revision,
                choices: choices_of(opening, &vote.choices),
                state,
                reason: Some(reason).filter(|reason| !reason.is_empty()),
            }));
        }
        Ok(None)
    }
}
