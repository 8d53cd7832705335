//! A key sealed for a member: HPKE (RFC 9180) in auth mode, or in base mode, one message a context, with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.

use super::{Key, SealingKey};
use ::hpke::aead::{AeadTag, ChaCha20Poly1305};
use ::hpke::inout::InOutBuf;
use ::hpke::kdf::HkdfSha256;
use ::hpke::kem::{Kem, X25519HkdfSha256};
use ::hpke::rand_core::CryptoRng;
use ::hpke::{
    Deserializable, HpkeError, OpModeR, OpModeS, Serializable, single_shot_open_inout_detached,
    single_shot_seal_inout_detached_with_rng,
};
use zeroize::Zeroizing;

/// Bytes of the key that HPKE sends along, and of every other key here.
const KEY_LEN: usize = 32;
/// Bytes that authenticate.
const TAG_LEN: usize = 16;

/// Bytes of a sealed key: HPKE's public key for this one message, then what is sealed and its tag.
pub(super) const SEALED_KEY_LEN: usize = KEY_LEN + KEY_LEN + TAG_LEN;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;
type Tag = AeadTag<ChaCha20Poly1305>;
/// What HPKE is told that it seals, and what is authenticated with it.
type About<'a> = (&'a [u8], &'a [u8]);

/// Who seals, or opens: both halves of its key.
pub(super) struct KeyPair {
    secret: PrivateKey,
    public: PublicKey,
}

impl KeyPair {
    /// The pair of this scalar, which is clamped here.
    pub(super) fn from_scalar(scalar: &[u8; KEY_LEN]) -> Self {
        let secret = PrivateKey::from_bytes(scalar).expect("a scalar has 32 bytes");
        let public = X25519HkdfSha256::sk_to_pk(&secret);
        Self { secret, public }
    }

    /// The public half.
    pub(super) fn public(&self) -> SealingKey {
        SealingKey(self.public.to_bytes().into())
    }

    /// Appends `secret`, or whatever else, sealed for `to` and authenticated as from this pair
    /// together with what it is about, to `out`: the key that HPKE sends along, the sealed bytes, the
    /// tag.
    ///
    /// # Errors
    /// If `to` is a point of small order, under which nothing is secret.
    pub(super) fn seal(
        &self,
        to: &SealingKey,
        about: About<'_>,
        secret: &[u8],
        random: &mut impl CryptoRng,
        out: &mut Vec<u8>,
    ) -> Result<(), HpkeError> {
        let mode = OpModeS::Auth((self.secret.clone(), self.public.clone()));
        seal_as(&mode, to, about, secret, random, out)
    }

    /// What [`KeyPair::seal`] made of a key, for this pair, by the owner of `from`.
    ///
    /// # Errors
    /// If it is anything else.
    pub(super) fn open(
        &self,
        from: &SealingKey,
        about: About<'_>,
        sealed: &[u8; SEALED_KEY_LEN],
    ) -> Result<Key, HpkeError> {
        let from = PublicKey::from_bytes(&from.0)?;
        self.open_as(&OpModeR::Auth(from), about, sealed)
    }

    /// What [`seal_for`] made of a key, for this pair, by whomever.
    ///
    /// # Errors
    /// If it is anything else.
    pub(super) fn open_own(
        &self,
        about: About<'_>,
        sealed: &[u8; SEALED_KEY_LEN],
    ) -> Result<Key, HpkeError> {
        self.open_as(&OpModeR::Base, about, sealed)
    }

    fn open_as(
        &self,
        mode: &OpModeR<'_, X25519HkdfSha256>,
        (info, associated): About<'_>,
        sealed: &[u8; SEALED_KEY_LEN],
    ) -> Result<Key, HpkeError> {
        let (encapsulated, rest) = sealed.split_at(KEY_LEN);
        let (data, tag) = rest.split_at(KEY_LEN);
        let mut key = Key::default();
        key.copy_from_slice(data);
        single_shot_open_inout_detached::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            mode,
            &self.secret,
            &Encapsulated::from_bytes(encapsulated)?,
            info,
            InOutBuf::from(key.as_mut_slice()),
            associated,
            &Tag::from_bytes(tag)?,
        )?;
        Ok(key)
    }
}

/// As [`KeyPair::seal`], from nobody in particular: whoever knows the secret and draws the same gets the
/// same bytes.
///
/// # Errors
/// If `to` is a point of small order, under which nothing is secret.
pub(super) fn seal_for(
    to: &SealingKey,
    about: About<'_>,
    secret: &[u8],
    random: &mut impl CryptoRng,
    out: &mut Vec<u8>,
) -> Result<(), HpkeError> {
    seal_as(&OpModeS::Base, to, about, secret, random, out)
}

fn seal_as(
    mode: &OpModeS<'_, X25519HkdfSha256>,
    to: &SealingKey,
    (info, associated): About<'_>,
    secret: &[u8],
    random: &mut impl CryptoRng,
    out: &mut Vec<u8>,
) -> Result<(), HpkeError> {
    let to = PublicKey::from_bytes(&to.0)?;
    let mut sealed = Zeroizing::new(secret.to_vec());
    let (encapsulated, tag) =
        single_shot_seal_inout_detached_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            mode,
            &to,
            info,
            InOutBuf::from(sealed.as_mut_slice()),
            associated,
            random,
        )?;
    out.extend_from_slice(&encapsulated.to_bytes());
    out.extend_from_slice(&sealed);
    out.extend_from_slice(&tag.to_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::bytes_from_hex;
    use ::hpke::rand_core::{TryCryptoRng, TryRng};
    use std::convert::Infallible;

    /// Gives what it is told to, once.
    struct Told(Vec<u8>);

    impl TryRng for Told {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("keys are drawn as bytes")
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("keys are drawn as bytes")
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.copy_from_slice(&std::mem::take(&mut self.0));
            Ok(())
        }
    }

    impl TryCryptoRng for Told {}

    fn bytes(hex: &str) -> Vec<u8> {
        bytes_from_hex(hex).unwrap()
    }

    fn derived(hex: &str) -> KeyPair {
        let (secret, public) = X25519HkdfSha256::derive_keypair(&bytes(hex));
        KeyPair { secret, public }
    }

    /// RFC 9180, A.2.3.1, sequence number 0.
    #[test]
    fn the_vector_of_the_rfc_holds() {
        let sender = derived("9d8f94537d5a3ddef71234c0baedfad4ca6861634d0b94c3007fed557ad17df6");
        let recipient = derived("64835d5ee64aa7aad57c6f2e4f758f7696617f8829e70bc9ac7a5ef95d1c756c");
        assert_eq!(
            sender.public().to_string(),
            "f0f4f9e96c54aeed3f323de8534fffd7e0577e4ce269896716bcb95643c8712b"
        );
        let about = (&b"Ode on a Grecian Urn"[..], &b"Count-0"[..]);
        let text = b"Beauty is truth, truth beauty";
        let drawn = "938d3daa5a8904540bc24f48ae90eed3f4f7f11839560597b55e7c9598c996c0";
        let mut sealed = Vec::new();
        let to = recipient.public();
        let done = sender.seal(&to, about, text, &mut Told(bytes(drawn)), &mut sealed);
        assert_eq!(done, Ok(()));
        let encapsulated = "f7674cc8cd7baa5872d1f33dbaffe3314239f6197ddf5ded1746760bfc847e0e";
        let ciphertext = "ab1a13c9d4f01a87ec3440dbd756e2677bd2ecf9df0ce7ed73869b98e0\
                          0c09be111cb9fdf077347aeb88e61bdf";
        assert_eq!(sealed, [bytes(encapsulated), bytes(ciphertext)].concat());
    }

    #[test]
    fn a_key_comes_out_as_it_went_in_and_only_where_it_belongs() {
        let [alice, bob, carol] = [1, 2, 3].map(|byte| KeyPair::from_scalar(&[byte; 32]));
        let about = (&b"info"[..], &b"about"[..]);
        let mut sealed = Vec::new();
        let mut random = Told(vec![9; 32]);
        let done = alice.seal(&bob.public(), about, &[5; 32], &mut random, &mut sealed);
        assert_eq!(done, Ok(()));
        let sealed: [u8; SEALED_KEY_LEN] = sealed.try_into().unwrap();
        let opened = bob.open(&alice.public(), about, &sealed).unwrap();
        assert_eq!(*opened, [5; 32]);
        assert!(carol.open(&alice.public(), about, &sealed).is_err());
        assert!(bob.open(&carol.public(), about, &sealed).is_err());
        let other = (&b"info"[..], &b"abort"[..]);
        assert!(bob.open(&alice.public(), other, &sealed).is_err());
        let other = (&b"onfi"[..], &b"about"[..]);
        assert!(bob.open(&alice.public(), other, &sealed).is_err());
    }

    /// RFC 9180, A.2.1.1, sequence number 0.
    #[test]
    fn the_vector_of_the_rfc_holds_in_base_mode() {
        let recipient = derived("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df");
        let about = (&b"Ode on a Grecian Urn"[..], &b"Count-0"[..]);
        let text = b"Beauty is truth, truth beauty";
        let drawn = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b";
        let mut sealed = Vec::new();
        let to = recipient.public();
        let done = seal_for(&to, about, text, &mut Told(bytes(drawn)), &mut sealed);
        assert_eq!(done, Ok(()));
        let encapsulated = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
        let ciphertext = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db\
                          21993c62ce81883d2dd1b51a28";
        assert_eq!(sealed, [bytes(encapsulated), bytes(ciphertext)].concat());
    }
}
