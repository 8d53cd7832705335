//! What this process has signed itself, and need not check.

use super::{EncodedTransaction, Payload};
use crate::keys::SecretKey;

/// A transaction that was signed within this process with the key of its sender, and that nobody could change
/// since: nothing else makes one. It never comes from a disk or a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHere(EncodedTransaction);

impl SignedHere {
    /// Signs.
    ///
    /// # Panics
    /// If the key is not that of the payload's sender: a mistake of ours, after which a signature that is good for
    /// nobody would be believed.
    pub fn sign(payload: Payload, key: &SecretKey) -> Self {
        assert!(
            payload.sender == key.public_key(),
            "a transaction is signed by its sender"
        );
        Self(EncodedTransaction::new(payload.sign(key)))
    }

    /// The transaction.
    pub fn transaction(&self) -> &EncodedTransaction {
        &self.0
    }
}

#[cfg(test)]
impl From<EncodedTransaction> for SignedHere {
    fn from(transaction: EncodedTransaction) -> Self {
        Self(transaction)
    }
}
