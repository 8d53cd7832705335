//! Signatures checked on the spot: how many cores there are must not decide what happens when.

use crate::chain::{EncodedTransaction, check_signatures};
use crate::verifier::{Done, Verifier, Work};

/// Checks when it is asked.
pub struct InlineVerifier;

impl Verifier for InlineVerifier {
    fn verify(&self, transactions: Vec<EncodedTransaction>, done: Done) {
        done(check_signatures(&transactions));
    }

    fn aside(&self, work: Work) {
        work();
    }
}
