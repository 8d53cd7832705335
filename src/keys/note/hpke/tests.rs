//! Held against the vectors of the RFC, and against another implementation.

use super::*;
use crate::canonical::bytes_from_hex;
use ::hpke::aead::{AeadTag, ChaCha20Poly1305 as TheirCipher};
use ::hpke::kdf::HkdfSha256;
use ::hpke::kem::{Kem, X25519HkdfSha256};
use ::hpke::rand_core::{TryCryptoRng, TryRng};
use ::hpke::{Deserializable, OpModeS, Serializable, single_shot_seal_inout_detached_with_rng};
use proptest::prelude::*;
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
    KeyPair::derived(&bytes(hex).try_into().unwrap())
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
    let message = derived("938d3daa5a8904540bc24f48ae90eed3f4f7f11839560597b55e7c9598c996c0");
    // Once with what the two share worked out, once with what is remembered of it.
    for _ in 0..2 {
        let mut sealed = Vec::new();
        let done = sender.seal_by(&message, &recipient.public(), about, text, &mut sealed);
        assert_eq!(done, Ok(()));
        let encapsulated = "f7674cc8cd7baa5872d1f33dbaffe3314239f6197ddf5ded1746760bfc847e0e";
        let ciphertext = "ab1a13c9d4f01a87ec3440dbd756e2677bd2ecf9df0ce7ed73869b98e0\
                          0c09be111cb9fdf077347aeb88e61bdf";
        assert_eq!(sealed, [bytes(encapsulated), bytes(ciphertext)].concat());
    }
}

/// RFC 9180, A.2.1.1, sequence number 0.
#[test]
fn the_vector_of_the_rfc_holds_in_base_mode() {
    let recipient = derived("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df");
    let about = (&b"Ode on a Grecian Urn"[..], &b"Count-0"[..]);
    let text = b"Beauty is truth, truth beauty";
    let message = derived("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b");
    let mut sealed = Vec::new();
    let done = seal_for_by(&message, &recipient.public(), about, text, &mut sealed);
    assert_eq!(done, Ok(()));
    let encapsulated = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
    let ciphertext = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db\
                      21993c62ce81883d2dd1b51a28";
    assert_eq!(sealed, [bytes(encapsulated), bytes(ciphertext)].concat());
}

#[test]
fn a_key_comes_out_as_it_went_in_and_only_where_it_belongs() {
    let [alice, bob, carol] = [1, 2, 3].map(|byte| KeyPair::from_scalar(&[byte; 32]));
    let about = (&b"info"[..], &b"about"[..]);
    let mut sealed = Vec::new();
    let message = KeyPair::derived(&[9; 32]);
    let done = alice.seal_by(&message, &bob.public(), about, &[5; 32], &mut sealed);
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

/// What the other implementation makes of the same; from somebody in particular, or from nobody.
fn theirs(from: Option<[u8; 32]>, to: &SealingKey, about: About<'_>, drawn: [u8; 32]) -> Vec<u8> {
    type Theirs = X25519HkdfSha256;
    let mode = match from {
        None => OpModeS::Base,
        Some(scalar) => {
            let secret = <Theirs as Kem>::PrivateKey::from_bytes(&scalar).unwrap();
            let public = Theirs::sk_to_pk(&secret);
            OpModeS::Auth((secret, public))
        }
    };
    let to = <Theirs as Kem>::PublicKey::from_bytes(&to.0).unwrap();
    let mut sealed = vec![5; 32];
    let done: (_, AeadTag<TheirCipher>) =
        single_shot_seal_inout_detached_with_rng::<_, HkdfSha256, Theirs>(
            &mode,
            &to,
            about.0,
            InOutBuf::from(sealed.as_mut_slice()),
            about.1,
            &mut Told(drawn.to_vec()),
        )
        .unwrap();
    [&done.0.to_bytes()[..], &sealed, &done.1.to_bytes()].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the keys are, and whatever of them is remembered: the same bytes as another implementation's.
    #[test]
    fn it_makes_what_another_implementation_makes(
        from: [u8; 32], to: [u8; 32], drawn: [u8; 32], info: [u8; 7], associated: Vec<u8>,
    ) {
        let (sender, recipient) = (KeyPair::from_scalar(&from), KeyPair::from_scalar(&to));
        let about = (&info[..], &associated[..]);
        let message = KeyPair::derived(&drawn);
        for _ in 0..2 {
            let mut sealed = Vec::new();
            sender.seal_by(&message, &recipient.public(), about, &[5; 32], &mut sealed).unwrap();
            prop_assert_eq!(&sealed, &theirs(Some(from), &recipient.public(), about, drawn));
            let sealed: [u8; SEALED_KEY_LEN] = sealed.try_into().unwrap();
            let opened = recipient.open(&sender.public(), about, &sealed);
            prop_assert_eq!(opened.map(|key| *key), Ok([5; 32]));
        }
        let expected = theirs(None, &recipient.public(), about, drawn);
        let (mut by_public, mut by_pair) = (Vec::new(), Vec::new());
        seal_for_by(&message, &recipient.public(), about, &[5; 32], &mut by_public).unwrap();
        prop_assert_eq!(&by_public, &expected);
        let shared = [message.shared_with_pair(&recipient).unwrap()];
        let keys = [&message.public, &recipient.public];
        Cipher::of(BASE, &shared, &keys, about.0)
            .seal(&message.public, about.1, &[5; 32], &mut by_pair);
        prop_assert_eq!(&by_pair, &expected);
        let sealed: [u8; SEALED_KEY_LEN] = by_pair.try_into().unwrap();
        prop_assert_eq!(recipient.open_own(about, &sealed).map(|key| *key), Ok([5; 32]));
    }
}

#[test]
fn attack_no_number_of_senders_has_more_remembered_than_there_is_room_for() {
    let own = KeyPair::from_scalar(&[1; 32]);
    let others: Vec<_> = (0..=MAX_SHARED as u64)
        .map(|number| KeyPair::derived(blake3::hash(&number.to_le_bytes()).as_bytes()).public())
        .collect();
    for other in &others {
        let shared = own.shared_for_long(other).unwrap();
        assert_eq!(*shared, *own.shared(other).unwrap());
    }
    let known = own.shared.lock().unwrap();
    assert_eq!(known.len(), MAX_SHARED);
    assert!(known.capacity() <= MAX_SHARED, "{}", known.capacity());
    assert!(
        known.iter().all(|(key, _)| *key != others[0]),
        "the first one left"
    );
    drop(known);
    // A key of small order is nobody's, and is not remembered.
    assert_eq!(own.shared_for_long(&SealingKey([0; 32])), Err(Refused));
}
