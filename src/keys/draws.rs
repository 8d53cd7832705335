//! Random numbers that are a hash: what they depend on, they are different for; the same draws the same.

use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use zeroize::Zeroize;

/// The output of a hash as a source of random numbers; wiped when it is dropped.
pub(super) struct Draws(blake3::OutputReader);

impl Draws {
    /// Those that follow from everything that was hashed.
    pub(super) fn of(mut hasher: blake3::Hasher) -> Self {
        let draws = Self(hasher.finalize_xof());
        hasher.zeroize();
        draws
    }

    /// The next of them.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

impl Drop for Draws {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Draws {}
