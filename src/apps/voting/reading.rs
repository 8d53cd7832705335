//! What the rows say, for whoever looks.

use super::format::{BallotId, Roll, RollHash};
use super::rows::{
    BallotRow, Counted, RollRow, TallyRow, ballot_key, decoded, roll_key, roll_keys, tally_key,
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
    pub fn listed(&self, roll: &RollRow) -> Result<Vec<PublicKey>, Internal> {
        self.in_parts(&roll.lists)
    }

    /// The keys that a roll names itself or by its parts, as far as these are on the chain, rising.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot).
    pub fn in_lists(&self, roll: &Roll) -> Result<Vec<PublicKey>, Internal> {
        match roll.keys.is_empty() {
            false => Ok(roll.keys.clone()),
            true => self.in_parts(&roll.parts),
        }
    }

    fn in_parts(&self, lists: &[RollHash]) -> Result<Vec<PublicKey>, Internal> {
        let mut keys = Vec::new();
        for list in lists {
            let value = self.row(roll_key(list))?;
            let missing = || Internal(format!("the list {list} of a roll is missing"));
            keys.extend(roll_keys(&value.ok_or_else(missing)?));
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}
