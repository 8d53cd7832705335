//! The one rule by which a signature counts, for one and for many at a time.
//!
//! The rule is ZIP-215, the only written one under which checking many signatures at once always
//! agrees with checking them one by one; nodes that disagreed about a signature would disagree about
//! the chain. On top of it a key must be canonical and not of small order: such a key belongs to
//! nobody, since signatures under it can be made without a secret.

use super::PublicKey;
use super::draws::Draws;
use crate::canonical::byte_newtype;
use ed25519_zebra::{VerificationKey, VerificationKeyBytes, batch};

byte_newtype! {
    /// An ed25519 signature: the encoded point R, then the scalar S, little-endian.
    Signature, 64
}

/// Signatures checked in one equation. The cost of a signature hardly falls beyond this, while one
/// bad signature makes the whole batch be checked again.
pub const SIGNATURE_BATCH: usize = 256;

/// A batch that fails is checked again in parts of this many, and a part that fails one by one.
///
/// Sixteen at once are checked almost as fast per signature as a whole batch; one alone takes about
/// twice as long. So one culprit makes a batch cost two and a half times as much, and any number of
/// them about five times. Halving the batch until the culprits stand alone costs four times as much
/// for one and twelve times for many, which is what an attacker would send.
const SEARCH_PART: usize = 16;

/// Context of the hash that the coefficients of a batch are drawn from.
const COEFFICIENTS_CONTEXT: &str = "raclette 2026-11 batch coefficients";

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key is not the one encoding of its point (y is not below p, or x is a negative zero).
    #[error("the public key is not in its canonical encoding")]
    KeyNotCanonical,
    /// The key is one of the eight points under which anybody can sign.
    #[error("the public key is a point of small order, which belongs to nobody")]
    KeySmallOrder,
    /// No point of the curve has the key's coordinate.
    #[error("the public key is not a point of the curve")]
    KeyNotAPoint,
    /// The signature was not made with this key over this message, or is badly encoded (S not below
    /// the group's order, R not a point).
    #[error("the signature does not fit the key and the message")]
    Invalid,
}

/// One signature to check among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureItem {
    /// Who is said to have signed.
    pub key: PublicKey,
    /// What was signed: a digest.
    pub message: [u8; 32],
    /// The signature over `message`.
    pub signature: Signature,
}

/// Checks one signature.
///
/// # Errors
/// What is wrong with the key, in the order of [`PublicKey::check`]; else
/// [`SignatureError::Invalid`].
pub fn verify(
    key: &PublicKey,
    message: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    key.check_encoding()?;
    VerificationKey::try_from(key.0)
        .map_err(|_| SignatureError::KeyNotAPoint)?
        .verify(&signature.0.into(), message)
        .map_err(|_| SignatureError::Invalid)
}

/// Checks many signatures, [`SIGNATURE_BATCH`] in one equation, on the calling thread. The result
/// has one verdict per item, in their order, and each is the verdict of [`verify`].
///
/// To use more cores, share out chunks of [`SIGNATURE_BATCH`] items.
pub fn verify_batch(items: &[SignatureItem]) -> Vec<Result<(), SignatureError>> {
    let mut verdicts: Vec<_> = items.iter().map(|item| item.key.check_encoding()).collect();
    let sound: Vec<usize> = (0..items.len()).filter(|i| verdicts[*i].is_ok()).collect();
    for batch in sound.chunks(SIGNATURE_BATCH) {
        if batch.len() > SEARCH_PART && all_hold(items, batch) {
            continue;
        }
        for part in batch.chunks(SEARCH_PART) {
            if part.len() > 1 && all_hold(items, part) {
                continue;
            }
            for &i in part {
                let item = &items[i];
                verdicts[i] = verify(&item.key, &item.message, &item.signature);
            }
        }
    }
    verdicts
}

/// Whether one equation over all the chosen items holds.
fn all_hold(items: &[SignatureItem], chosen: &[usize]) -> bool {
    let mut batch = batch::Verifier::new();
    for item in chosen.iter().map(|i| &items[*i]) {
        batch.queue((
            VerificationKeyBytes::from(item.key.0),
            item.signature.0.into(),
            &item.message,
        ));
    }
    batch
        .verify(coefficients(chosen.iter().map(|i| &items[*i])))
        .is_ok()
}

/// The random coefficients of a batch's equation.
///
/// Someone who could foretell them could craft wrong signatures whose errors cancel out. They are
/// drawn from a hash of everything in the batch: whoever changes a signature to fit the coefficients
/// changes the coefficients, and is left to try 2^128 times. So no source of randomness is needed,
/// and the same batch always takes the same course.
fn coefficients<'a>(items: impl Iterator<Item = &'a SignatureItem>) -> Draws {
    let mut hasher = blake3::Hasher::new_derive_key(COEFFICIENTS_CONTEXT);
    for item in items {
        hasher.update(&item.key.0);
        hasher.update(&item.message);
        hasher.update(&item.signature.0);
    }
    Draws::of(hasher)
}

#[cfg(test)]
mod tests;
