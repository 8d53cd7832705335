//! Certificates: the tracker's signed word that a key is a member.

use super::member::{MemberId, MemberName};
use crate::canonical;
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureError, verify};
use crate::readable::in_words;
use serde::{Deserialize, Serialize};

/// Context of the hash that the tracker signs in a certificate.
pub const CERTIFICATE_CONTEXT: &str = "raclette 2026-11 membership certificate";
/// How long a certificate counts from the moment it is issued, in milliseconds: 180 days. A member
/// that is let go without its word stays one for so long at most; and a network whose tracker is
/// gone goes on for half of it at least ([`RENEW_BEFORE_MS`]), a term of school with its holidays.
pub const CERTIFICATE_MS: u64 = 180 * 86_400_000;
/// How long before its end a certificate is renewed, in milliseconds: 90 days, so that a tracker may
/// be away for three months before the first certificate runs out.
pub const RENEW_BEFORE_MS: u64 = 90 * 86_400_000;
/// By how much a certificate begins before it is issued, in milliseconds: a day, for members whose
/// clocks are behind the tracker's.
pub const BACKDATED_MS: u64 = 86_400_000;

/// What a certificate says: `[network, key, name, id, from, until]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateStatement {
    /// Of which network it is a member.
    pub network: NetworkId,
    /// Who is.
    pub key: PublicKey,
    /// What it is called.
    pub name: MemberName,
    /// Number that the tracker gave the member.
    pub id: MemberId,
    /// From when the certificate counts.
    pub from: Timestamp,
    /// Until when it counts; then no more.
    pub until: Timestamp,
}

impl CertificateStatement {
    /// Signs it with the tracker's key.
    pub fn sign(self, tracker: &SecretKey) -> Certificate {
        let signature = tracker.sign(&self.digest());
        Certificate {
            statement: self,
            signature,
        }
    }

    fn digest(&self) -> [u8; 32] {
        blake3::derive_key(CERTIFICATE_CONTEXT, &canonical::encode(self))
    }
}

/// A statement and the tracker's signature: `[statement, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// What is said.
    pub statement: CertificateStatement,
    /// By the tracker's key.
    pub signature: Signature,
}

/// Why a certificate does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is about another network.
    #[error("the certificate of membership is for network {0}, which is not this one")]
    OtherNetwork(NetworkId),
    /// It is somebody else's.
    #[error("the certificate of membership is that of {0}, not of who shows it")]
    OtherKey(PublicKey),
    /// The tracker did not sign it.
    #[error("the certificate of membership is not signed by the tracker {tracker}: {reason}")]
    Forged {
        /// Who should have.
        tracker: PublicKey,
        /// What is wrong with the signature.
        reason: SignatureError,
    },
    /// Its time has not come.
    #[error(
        "the certificate of membership begins in {} by this node's clock: one of the clocks is wrong", in_words(from.since(*now))
    )]
    NotYet {
        /// From when it counts.
        from: Timestamp,
        /// What our clock says.
        now: Timestamp,
    },
    /// Its time is over.
    #[error(
        "the certificate of membership ended {} ago by this node's clock: its owner has to reach the tracker", in_words(now.since(*until))
    )]
    Expired {
        /// Until when it counted.
        until: Timestamp,
        /// What our clock says.
        now: Timestamp,
    },
}

impl Certificate {
    /// Whether it shows that `key` is a member of `network` at the time `now`, by the word of
    /// `tracker`.
    ///
    /// # Errors
    /// By variant of [`CertificateError`], in this order: network, key, signature, time.
    pub fn check(
        &self,
        tracker: &PublicKey,
        network: &NetworkId,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<(), CertificateError> {
        let said = &self.statement;
        if said.network != *network {
            return Err(CertificateError::OtherNetwork(said.network));
        }
        if said.key != *key {
            return Err(CertificateError::OtherKey(said.key));
        }
        let signed = verify(tracker, &said.digest(), &self.signature);
        signed.map_err(|reason| CertificateError::Forged {
            tracker: *tracker,
            reason,
        })?;
        if now < said.from {
            let from = said.from;
            return Err(CertificateError::NotYet { from, now });
        }
        if now >= said.until {
            let until = said.until;
            return Err(CertificateError::Expired { until, now });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::BlockId;
    use crate::chain::testing::member;

    const NETWORK: BlockId = BlockId([1; 32]);
    const FROM: Timestamp = Timestamp(1_000);
    const UNTIL: Timestamp = Timestamp(2_000);

    fn certificate() -> Certificate {
        let statement = CertificateStatement {
            network: NETWORK,
            key: member(1).public_key(),
            name: "alice".parse().unwrap(),
            id: MemberId(1),
            from: FROM,
            until: UNTIL,
        };
        statement.sign(&member(9))
    }

    fn judged(certificate: &Certificate, now: u64) -> Result<(), CertificateError> {
        let (tracker, key) = (member(9).public_key(), member(1).public_key());
        certificate.check(&tracker, &NETWORK, &key, Timestamp(now))
    }

    #[test]
    fn it_counts_from_its_beginning_to_before_its_end() {
        let certificate = certificate();
        assert_eq!(judged(&certificate, 1_000), Ok(()));
        assert_eq!(judged(&certificate, 1_999), Ok(()));
        let (from, until) = (FROM, UNTIL);
        let now = Timestamp(999);
        let early = CertificateError::NotYet { from, now };
        assert_eq!(judged(&certificate, 999), Err(early));
        let now = Timestamp(2_000);
        let late = CertificateError::Expired { until, now };
        assert_eq!(judged(&certificate, 2_000), Err(late));
    }

    #[test]
    fn it_is_for_one_key_on_one_network_by_one_tracker() {
        let certificate = certificate();
        let (tracker, alice) = (member(9).public_key(), member(1).public_key());
        let bob = member(2).public_key();
        let now = FROM;
        let refused = certificate.check(&tracker, &NETWORK, &bob, now);
        assert_eq!(refused, Err(CertificateError::OtherKey(alice)));
        let other = BlockId([2; 32]);
        let refused = certificate.check(&tracker, &other, &alice, now);
        assert_eq!(refused, Err(CertificateError::OtherNetwork(NETWORK)));
        let refused = certificate.check(&bob, &NETWORK, &alice, now);
        assert!(matches!(refused, Err(CertificateError::Forged { .. })));
        // What a member signs for itself is worth nothing.
        let own = certificate.statement.clone().sign(&member(1));
        let refused = judged(&own, 1_000);
        assert!(matches!(refused, Err(CertificateError::Forged { .. })));
    }

    #[test]
    fn times_are_told_in_units_that_one_grasps() {
        let told = [1, 119_999, 120_000, 7_200_000, 180 * 86_400_000].map(in_words);
        assert_eq!(told, ["1 ms", "119 s", "2 minutes", "2 hours", "180 days"]);
    }

    #[test]
    fn nothing_in_it_can_be_changed() {
        let honest = canonical::encode(&certificate());
        for at in 0..honest.len() {
            let mut bytes = honest.clone();
            bytes[at] ^= 1;
            if let Ok(changed) = canonical::decode::<Certificate>(&bytes) {
                assert!(judged(&changed, 1_000).is_err(), "byte {at}");
            }
        }
    }
}
