//! What the rows say, for whoever looks.

use super::format::{BallotId, RollHash};
use super::rows::{
    BallotRow, Counted, TallyRow, ballot_key, decoded, is_on, roll_key, roll_keys, tally_key,
    vote_key,
};
use crate::chain::Internal;
use crate::chain::rows::{RowKey, StateKey, StateView};
use crate::keys::PublicKey;

/// The ballots in a view of the chain.
pub struct Ballots<'a>(pub &'a dyn StateView);

/// A ballot, as it was opened and as it stands.
pub type Listed = (BallotRow, TallyRow);

impl Ballots<'_> {
    fn row(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, Internal> {
        let topic = super::topic();
        self.0
            .read(&RowKey::State(StateKey::Application { topic, key }))
    }

    /// A ballot; `None` if it is not on the connected chain.
    ///
    /// # Errors
    /// The disk failed, or a row is damaged.
    pub fn ballot(&self, id: &BallotId) -> Result<Option<Listed>, Internal> {
        let Some(ballot) = decoded(self.row(ballot_key(id))?)? else {
            return Ok(None);
        };
        let tally = decoded(self.row(tally_key(id))?)?;
        let missing = || Internal(format!("the tally of ballot {id} is missing"));
        Ok(Some((ballot, tally.ok_or_else(missing)?)))
    }

    /// The vote of somebody that counts.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot).
    pub fn vote_of(&self, id: &BallotId, voter: &PublicKey) -> Result<Option<Counted>, Internal> {
        decoded(self.row(vote_key(id, voter))?)
    }

    /// The keys of the lists of a roll, rising.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot).
    pub fn in_lists(&self, lists: &[RollHash]) -> Result<Vec<PublicKey>, Internal> {
        let mut keys = Vec::new();
        for list in lists {
            keys.extend(roll_keys(&self.list(list)?));
        }
        if lists.len() > 1 {
            keys.sort_unstable();
            keys.dedup();
        }
        Ok(keys)
    }

    /// Whether a key is on one of these lists.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot).
    pub fn is_listed(&self, lists: &[RollHash], key: &PublicKey) -> Result<bool, Internal> {
        for list in lists {
            if is_on(&self.list(list)?, key) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a list is on the chain.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot).
    pub fn has_list(&self, list: &RollHash) -> Result<bool, Internal> {
        Ok(self.row(roll_key(list))?.is_some())
    }

    fn list(&self, list: &RollHash) -> Result<Vec<u8>, Internal> {
        let missing = || Internal(format!("the list {list} of a roll is missing"));
        self.row(roll_key(list))?.ok_or_else(missing)
    }
}
