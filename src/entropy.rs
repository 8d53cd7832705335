//! Randomness, behind a trait, so that a simulated network can be repeated.

/// Gives random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random ones, fit for keys.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// If the operating system has no randomness to give: nothing that was made without it would
    /// be secret, so the node ends.
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}
