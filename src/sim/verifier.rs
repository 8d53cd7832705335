//! Signatures checked on the spot: how many cores there are must not decide what happens when.

use crate::chain::check_signatures;
use crate::verifier::{Asked, Verifier, Work};

/// Checks when it is asked.
pub struct InlineVerifier;

impl Verifier for InlineVerifier {
    fn verify(&self, asked: Vec<Asked>) {
        for (transactions, done) in asked {
            done(check_signatures(&transactions));
        }
    }

    fn aside(&self, work: Work) {
        work();
    }
}
