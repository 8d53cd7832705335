//! Who checks signatures: off the ledger's thread, on all cores.

use crate::keys::{SIGNATURE_BATCH, SignatureError, SignatureItem, verify_batch};
use rayon::prelude::*;

/// One verdict a signature, in their order.
pub type Verdicts = Vec<Result<(), SignatureError>>;

/// Checks signatures and calls back.
pub trait Verifier: Send + Sync {
    /// Checks `items` and calls `done` with the verdicts, on any thread, at any later time or at
    /// once.
    fn verify(&self, items: Vec<SignatureItem>, done: Box<dyn FnOnce(Verdicts) + Send>);
}

/// Spreads batches over the machine's cores.
#[derive(Debug, Clone, Copy, Default)]
pub struct RayonVerifier;

impl Verifier for RayonVerifier {
    fn verify(&self, items: Vec<SignatureItem>, done: Box<dyn FnOnce(Verdicts) + Send>) {
        rayon::spawn(move || {
            done(
                items
                    .par_chunks(SIGNATURE_BATCH)
                    .flat_map_iter(verify_batch)
                    .collect(),
            );
        });
    }
}
