//! The secret: one root, from which every key of a member is derived.

use super::note::KeyPair;
use super::{PublicKey, SealingKey, Signature};
use crate::entropy::Entropy;
use curve25519_dalek::montgomery::MontgomeryPoint;
use ed25519_dalek::{Signer, SigningKey};
use std::fmt;
use std::sync::OnceLock;
use zeroize::{Zeroize, Zeroizing};

/// Contexts of the BLAKE3 key derivation: a different key for each use of one root.
const SIGNING_CONTEXT: &str = "raclette 2026-11 signing key";
const SEALING_CONTEXT: &str = "raclette 2026-11 sealing key";

/// A member's root secret (32 bytes) with the keys derived from it. Wiped from memory when dropped;
/// it has no `Display`, no `Serialize`, and its `Debug` tells nothing.
pub struct SecretKey {
    root: Zeroizing<[u8; 32]>,
    signing: SigningKey,
    sealing: Zeroizing<[u8; 32]>,
    /// What notes are sealed and opened with, worked out when the first one is.
    pair: OnceLock<KeyPair>,
}

impl SecretKey {
    /// Takes up a root secret: one that was made before, or, for a new member, 32 bytes from the
    /// operating system's random source. Whoever can guess the bytes is the member, so nothing weaker
    /// may stand in.
    pub fn from_bytes(mut root: [u8; 32]) -> Self {
        let mut seed = blake3::derive_key(SIGNING_CONTEXT, &root);
        let key = Self {
            signing: SigningKey::from_bytes(&seed),
            sealing: Zeroizing::new(blake3::derive_key(SEALING_CONTEXT, &root)),
            root: Zeroizing::new(root),
            pair: OnceLock::new(),
        };
        seed.zeroize();
        root.zeroize();
        key
    }

    /// A new secret.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut root = Zeroizing::new([0; 32]);
        entropy.fill(&mut *root);
        Self::from_bytes(*root)
    }

    /// The key that others check this member's signatures with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.signing.verifying_key().to_bytes())
    }

    /// The key that others seal notes to.
    pub fn sealing_key(&self) -> SealingKey {
        SealingKey(MontgomeryPoint::mul_base_clamped(*self.sealing).to_bytes())
    }

    /// Signs `message` (ed25519, RFC 8032: the same message always gives the same signature).
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.signing.sign(message).to_bytes())
    }

    /// The scalar behind [`SecretKey::sealing_key`], for sealing and opening notes alone.
    pub(super) fn sealing_scalar(&self) -> &Zeroizing<[u8; 32]> {
        &self.sealing
    }

    /// The pair of that, for the same.
    pub(super) fn sealing_pair(&self) -> &KeyPair {
        let pair = || KeyPair::from_scalar(&self.sealing);
        self.pair.get_or_init(pair)
    }

    /// The root secret, for the wallet file alone.
    pub(super) fn root(&self) -> &Zeroizing<[u8; 32]> {
        &self.root
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::verify;

    #[test]
    fn one_root_gives_always_the_same_keys_and_they_differ_from_each_other() {
        let key = SecretKey::from_bytes([7; 32]);
        let again = SecretKey::from_bytes([7; 32]);
        assert_eq!(key.public_key(), again.public_key());
        assert_eq!(key.sealing_key(), again.sealing_key());
        assert_ne!(
            key.public_key(),
            SecretKey::from_bytes([8; 32]).public_key()
        );
        assert_ne!(key.public_key().0, key.sealing_key().0);
        assert_ne!(*key.root, key.signing.to_bytes());
        assert_ne!(*key.root, *key.sealing);
        assert_ne!(key.signing.to_bytes(), *key.sealing);
    }

    #[test]
    fn what_it_signs_verifies_and_nothing_else_does() {
        let key = SecretKey::from_bytes([7; 32]);
        let signature = key.sign(b"five coins to bob");
        assert_eq!(
            verify(&key.public_key(), b"five coins to bob", &signature),
            Ok(())
        );
        assert!(verify(&key.public_key(), b"six coins to bob", &signature).is_err());
        let other = SecretKey::from_bytes([8; 32]).public_key();
        assert!(verify(&other, b"five coins to bob", &signature).is_err());
    }

    #[test]
    fn debugging_tells_nothing() {
        assert_eq!(
            format!("{:?}", SecretKey::from_bytes([7; 32])),
            "SecretKey(..)"
        );
    }
}
