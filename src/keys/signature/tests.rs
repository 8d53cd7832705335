//! Crafted signatures: every corner where implementations of ed25519 are known to disagree.

mod vectors;

use super::*;
use crate::keys::SecretKey;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Verifier, VerifyingKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use vectors::{VECTORS, Vector};

type Verdict = Result<(), SignatureError>;

/// The order of the prime-order group, 2^252 + 27742317777372353535851937790883648493.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Encodings of small-order points that are not the canonical ones: y = 0, 1 spelled p, p + 1 with
/// either sign, and y = 1, -1 with the sign of a zero.
fn non_canonical_small_order() -> [[u8; 32]; 6] {
    let spelled = |lowest, inner, highest| {
        let mut bytes = [inner; 32];
        bytes[0] = lowest;
        bytes[31] = highest;
        bytes
    };
    [
        spelled(0xed, 0xff, 0x7f),
        spelled(0xed, 0xff, 0xff),
        spelled(0xee, 0xff, 0x7f),
        spelled(0xee, 0xff, 0xff),
        spelled(0x01, 0x00, 0x80),
        spelled(0xec, 0xff, 0xff),
    ]
}

/// Bytes that decode to no point.
fn not_a_point() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    bytes
}

fn scalar(seed: u64, use_of_it: &str) -> Scalar {
    let hash = Sha512::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(use_of_it);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// The signature with the given encoded R over the seed's message: `S = r + H(R, A, M) a`.
fn signed(seed: u64, key: [u8; 32], a: Scalar, encoded_r: [u8; 32], r: Scalar) -> SignatureItem {
    let message: [u8; 32] = *blake3::hash(&seed.to_le_bytes()).as_bytes();
    let hash = Sha512::new()
        .chain_update(encoded_r)
        .chain_update(key)
        .chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&encoded_r);
    signature[32..].copy_from_slice((r + k * a).as_bytes());
    SignatureItem {
        key: PublicKey(key),
        message,
        signature: Signature(signature),
    }
}

/// A signature whose key and R carry the given small-order parts (0 for none).
fn with_torsion(seed: u64, in_key: usize, in_r: usize) -> SignatureItem {
    let (a, r) = (scalar(seed, "key"), scalar(seed, "nonce"));
    let of = |secret: Scalar, torsion: usize| -> EdwardsPoint {
        ED25519_BASEPOINT_POINT * secret + EIGHT_TORSION[torsion]
    };
    signed(
        seed,
        of(a, in_key).compress().0,
        a,
        of(r, in_r).compress().0,
        r,
    )
}

fn honest(seed: u64) -> SignatureItem {
    with_torsion(seed, 0, 0)
}

/// `S + L`: the same scalar, spelled differently.
fn with_large_s(mut item: SignatureItem) -> SignatureItem {
    let mut carry = 0;
    for (byte, order) in item.signature.0[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    item
}

fn altered(mut item: SignatureItem, alter: impl FnOnce(&mut SignatureItem)) -> SignatureItem {
    alter(&mut item);
    item
}

/// One crafted signature with its verdict by construction.
fn crafted(kind: usize, seed: u64, choice: usize) -> (SignatureItem, Verdict) {
    use SignatureError::*;
    let (a, r) = (scalar(seed, "key"), scalar(seed, "nonce"));
    let key = (ED25519_BASEPOINT_POINT * a).compress().0;
    let encoded_r = (ED25519_BASEPOINT_POINT * r).compress().0;
    let torsion = 1 + choice % 7;
    let odd_encoding = non_canonical_small_order()[choice % 6];
    let small_order = EIGHT_TORSION[choice % 8].compress().0;
    match kind {
        0..=3 => (honest(seed), Ok(())),
        4 => (with_torsion(seed, torsion, 0), Ok(())),
        5 => (with_torsion(seed, 0, torsion), Ok(())),
        6 => (with_torsion(seed, torsion, choice % 8), Ok(())),
        7 => (signed(seed, key, a, small_order, Scalar::ZERO), Ok(())),
        8 => (signed(seed, key, a, odd_encoding, Scalar::ZERO), Ok(())),
        9 => (with_large_s(honest(seed)), Err(Invalid)),
        10 => (signed(seed, key, a, not_a_point(), r), Err(Invalid)),
        11 => (
            altered(honest(seed), |i| i.message[choice % 32] ^= 1),
            Err(Invalid),
        ),
        12 => (
            altered(honest(seed), |i| i.signature.0[32] ^= 1),
            Err(Invalid),
        ),
        13 => (
            signed(seed, small_order, Scalar::ZERO, encoded_r, r),
            Err(KeySmallOrder),
        ),
        14 => (
            signed(seed, odd_encoding, Scalar::ZERO, encoded_r, r),
            Err(KeyNotCanonical),
        ),
        _ => (
            signed(seed, not_a_point(), a, encoded_r, r),
            Err(KeyNotAPoint),
        ),
    }
}

/// Kinds that [`crafted`] knows.
const KINDS: usize = 16;

fn single(item: &SignatureItem) -> Verdict {
    verify(&item.key, &item.message, &item.signature)
}

/// What ZIP-215 alone says, without our rules for keys.
fn zip_215(item: &SignatureItem) -> bool {
    VerificationKey::try_from(item.key.0)
        .is_ok_and(|key| key.verify(&item.signature.0.into(), &item.message).is_ok())
}

/// What an implementation says that checks without the cofactor.
fn cofactorless(item: &SignatureItem) -> bool {
    VerifyingKey::from_bytes(&item.key.0)
        .is_ok_and(|key| key.verify(&item.message, &item.signature.0.into()).is_ok())
}

proptest! {
    #[test]
    fn each_crafted_signature_gets_the_verdict_of_its_construction(
        kind in 0..KINDS, seed: u64, choice in 0..56usize,
    ) {
        let (item, verdict) = crafted(kind, seed, choice);
        prop_assert_eq!(single(&item), verdict);
    }

    #[test]
    fn many_at_once_get_the_verdicts_of_one_by_one(
        makings in prop::collection::vec((0..KINDS, 0..20u64, 0..56usize), 0..40),
    ) {
        let (items, verdicts): (Vec<_>, Vec<_>) = makings
            .into_iter()
            .map(|(kind, seed, choice)| crafted(kind, seed, choice))
            .unzip();
        prop_assert_eq!(&verify_batch(&items), &verdicts);
        prop_assert_eq!(items.iter().map(single).collect::<Vec<_>>(), verdicts);
    }

    #[test]
    fn every_culprit_is_found_and_nobody_else(
        culprits in prop::collection::btree_set(0..40usize, 0..40),
    ) {
        let items: Vec<_> = (0..40).map(|seed| {
            let item = honest(seed);
            if culprits.contains(&(seed as usize)) { with_large_s(item) } else { item }
        }).collect();
        for (i, verdict) in verify_batch(&items).iter().enumerate() {
            prop_assert_eq!(verdict.is_err(), culprits.contains(&i));
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused_alike_by_both(
        bytes in prop::collection::vec((any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>()), 5..9),
    ) {
        let items: Vec<_> = bytes.into_iter().map(|(key, r, s)| {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            signature[32..].copy_from_slice(&s);
            SignatureItem { key: PublicKey(key), message: r, signature: Signature(signature) }
        }).collect();
        let verdicts = verify_batch(&items);
        prop_assert!(verdicts.iter().all(Result::is_err));
        prop_assert_eq!(items.iter().map(single).collect::<Vec<_>>(), verdicts);
    }
}

#[test]
fn more_than_one_batch_keeps_the_order() {
    let mut items: Vec<_> = (0..2 * SIGNATURE_BATCH as u64 + 10).map(honest).collect();
    let culprits = [0, SIGNATURE_BATCH - 1, SIGNATURE_BATCH + 3, items.len() - 1];
    for culprit in culprits {
        items[culprit].message[0] ^= 1;
    }
    for (i, verdict) in verify_batch(&items).iter().enumerate() {
        assert_eq!(verdict.is_err(), culprits.contains(&i), "item {i}");
    }
}

/// Adds to the scalar S of a signature.
fn shift(item: &mut SignatureItem, by: Scalar) {
    let s = <[u8; 32]>::try_from(&item.signature.0[32..]).unwrap();
    let s = Scalar::from_canonical_bytes(s).unwrap() + by;
    item.signature.0[32..].copy_from_slice(s.as_bytes());
}

/// With equal coefficients the two errors would cancel out in the batch's equation.
#[test]
fn errors_that_cancel_out_are_found() {
    let mut items: Vec<_> = (0..8).map(honest).collect();
    shift(&mut items[1], Scalar::from(5u8));
    shift(&mut items[6], -Scalar::from(5u8));
    let refused: Vec<bool> = verify_batch(&items).iter().map(Result::is_err).collect();
    let expected: Vec<bool> = (0..8).map(|i| i == 1 || i == 6).collect();
    assert_eq!(refused, expected);
}

/// An attacker who fits the errors to the coefficients of the honest batch finds others used.
#[test]
fn errors_fitted_to_the_coefficients_are_found() {
    let one_sender: Vec<_> = [1, 2]
        .map(|message| {
            let secret = SecretKey::from_bytes([7; 32]);
            SignatureItem {
                key: secret.public_key(),
                message: [message; 32],
                signature: secret.sign(&[message; 32]),
            }
        })
        .into();
    let mut coefficients = coefficients(one_sender.iter());
    let [first, second] = [(); 2].map(|()| {
        let mut bytes = [0; 16];
        coefficients.fill(&mut bytes);
        Scalar::from(u128::from_le_bytes(bytes))
    });
    let mut forged = one_sender;
    shift(&mut forged[0], second);
    shift(&mut forged[1], -first);
    assert!(verify_batch(&forged).iter().all(Result::is_err));
}

/// The corner that splits networks: a check without the cofactor judges these otherwise, and so does
/// a batch of it, depending on what else is in the batch.
#[test]
fn the_cofactor_counts_where_others_leave_it_out() {
    let disputed = |items: &[SignatureItem]| items.iter().filter(|i| !cofactorless(i)).count();
    let in_keys: Vec<_> = (0..64).map(|seed| with_torsion(seed, 1, 0)).collect();
    let in_rs: Vec<_> = (0..64).map(|seed| with_torsion(seed, 0, 1)).collect();
    assert!(verify_batch(&in_keys).iter().all(Result::is_ok));
    assert!(verify_batch(&in_rs).iter().all(Result::is_ok));
    assert!(
        (40..64).contains(&disputed(&in_keys)),
        "one in eight agrees by chance"
    );
    assert_eq!(disputed(&in_rs), 64);
}

/// Our rules for keys refuse what ZIP-215 alone would take: signatures that need no secret.
#[test]
fn keys_that_are_nobodys_would_pass_without_our_rule() {
    for (kind, choices) in [(13, 8), (14, 6)] {
        for choice in 0..choices {
            let (item, verdict) = crafted(kind, 1, choice);
            assert!(verdict.is_err() && zip_215(&item));
            assert_eq!(single(&item), verdict);
        }
    }
}

#[test]
fn the_odd_encodings_are_what_they_are_said_to_be() {
    for bytes in non_canonical_small_order() {
        let point = CompressedEdwardsY(bytes).decompress().unwrap();
        assert!(point.is_small_order());
        assert_ne!(point.compress().0, bytes);
    }
    assert!(CompressedEdwardsY(not_a_point()).decompress().is_none());
}

#[test]
fn the_published_vectors_hold() {
    for vector in VECTORS {
        let item = vector.item();
        assert_eq!(single(&item), vector.verdict, "{}", vector.why);
    }
    let items: Vec<_> = VECTORS.iter().map(Vector::item).collect();
    let verdicts: Vec<_> = VECTORS.iter().map(|vector| vector.verdict).collect();
    assert_eq!(verify_batch(&items), verdicts);
}
