//! The public halves: what others know of a member.

use super::SignatureError;
use crate::canonical::byte_newtype;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use std::sync::LazyLock;

byte_newtype! {
    /// An ed25519 public key: the y coordinate of a point, little-endian, the sign of x in the top
    /// bit. The type holds any 32 bytes; [`PublicKey::check`] tells whether they can be a member.
    PublicKey, 32
}

byte_newtype! {
    /// An X25519 public key (RFC 7748, u coordinate, little-endian): notes are sealed to it.
    SealingKey, 32
}

impl PublicKey {
    /// Whether these bytes can be the key of a member: the one encoding of a point that is not of
    /// small order.
    ///
    /// # Errors
    /// [`SignatureError::KeyNotCanonical`], [`SignatureError::KeySmallOrder`] or
    /// [`SignatureError::KeyNotAPoint`], looked for in this order.
    pub fn check(&self) -> Result<(), SignatureError> {
        self.check_encoding()?;
        CompressedEdwardsY(self.0)
            .decompress()
            .map(drop)
            .ok_or(SignatureError::KeyNotAPoint)
    }

    /// The part of [`PublicKey::check`] that needs no arithmetic on the curve.
    pub(super) fn check_encoding(&self) -> Result<(), SignatureError> {
        if !is_canonical(&self.0) {
            Err(SignatureError::KeyNotCanonical)
        } else if SMALL_ORDER.contains(&self.0) {
            Err(SignatureError::KeySmallOrder)
        } else {
            Ok(())
        }
    }
}

/// The encodings of the eight points of small order. Each point has one canonical encoding, so that
/// comparing bytes is enough once a key is known to be canonical.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().0));

/// Whether `y < p = 2^255 - 19`, and x is not a negative zero (which only y = 1 and y = -1 have).
fn is_canonical(key: &[u8; 32]) -> bool {
    const NEGATIVE: u8 = 0x80;
    let ends = |lowest: u8, inner: u8, highest: u8| {
        key[0] == lowest && key[1..31].iter().all(|byte| *byte == inner) && key[31] == highest
    };
    let below_p =
        key[31] & !NEGATIVE != 0x7f || key[1..31].iter().any(|byte| *byte != 0xff) || key[0] < 0xed;
    let one_negated = ends(0x01, 0x00, NEGATIVE);
    let minus_one_negated = ends(0xec, 0xff, 0x7f | NEGATIVE);
    below_p && !one_negated && !minus_one_negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Compression gives the canonical encoding, so a point that survives the round trip had it.
        #[test]
        fn canonical_means_what_compression_gives(key: [u8; 32]) {
            if let Some(point) = CompressedEdwardsY(key).decompress() {
                prop_assert_eq!(is_canonical(&key), point.compress().0 == key);
            }
        }
    }

    #[test]
    fn every_encoding_at_the_border_is_judged_as_compression_judges_it() {
        for (lowest, inner, highest) in (0..=255u8)
            .flat_map(|lowest| [(lowest, 0xff, 0x7f), (lowest, 0, 0)])
            .flat_map(|(l, i, h)| [(l, i, h), (l, i, h | 0x80)])
        {
            let mut key = [inner; 32];
            key[0] = lowest;
            key[31] = highest;
            if let Some(point) = CompressedEdwardsY(key).decompress() {
                assert_eq!(is_canonical(&key), point.compress().0 == key, "{key:x?}");
            }
        }
    }

    #[test]
    fn keys_that_are_no_member_are_refused_by_variant() {
        let mut not_a_point = [0; 32];
        not_a_point[0] = 2;
        assert_eq!(
            PublicKey(not_a_point).check(),
            Err(SignatureError::KeyNotAPoint)
        );
        for point in EIGHT_TORSION {
            assert_eq!(
                PublicKey(point.compress().0).check(),
                Err(SignatureError::KeySmallOrder)
            );
        }
        assert_eq!(
            PublicKey([0xff; 32]).check(),
            Err(SignatureError::KeyNotCanonical)
        );
    }
}
