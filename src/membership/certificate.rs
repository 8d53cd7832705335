//! Certificates: the tracker's signed word that a key is a member.

use super::delegation::{Delegation, Issued, IssuerError};
use super::{Authority, MemberName, check_signed, digest, item};
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureError, SignatureItem};
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

/// What a certificate says:
/// `[network, key, name, issuer, delegation, invitation, serial, from, until]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateStatement {
    /// Of which network it is a member.
    pub network: NetworkId,
    /// Who is.
    pub key: PublicKey,
    /// What it is called.
    pub name: MemberName,
    /// Who says so: the admin key, or a delegate.
    pub issuer: PublicKey,
    /// The right to, if the issuer is a delegate.
    pub delegation: Option<Delegation>,
    /// Key of the invitation that it joined by, if it did by one.
    pub invitation: Option<PublicKey>,
    /// When it was issued, by the issuer's clock. Whoever leaves or is put out voids all that were issued
    /// until then.
    pub serial: Timestamp,
    /// From when the certificate counts.
    pub from: Timestamp,
    /// Until when it counts; then no more.
    pub until: Timestamp,
}

impl CertificateStatement {
    /// What the issuer says at the time `now` of a member that came without an invitation. It counts for
    /// [`CERTIFICATE_MS`].
    pub fn at(
        now: Timestamp,
        network: NetworkId,
        key: PublicKey,
        name: MemberName,
        issuer: PublicKey,
    ) -> Self {
        Self {
            network,
            key,
            name,
            issuer,
            delegation: None,
            invitation: None,
            serial: now,
            from: Timestamp(now.0.saturating_sub(BACKDATED_MS)),
            until: now.plus_ms(CERTIFICATE_MS),
        }
    }

    /// Signs it with the issuer's key.
    pub fn sign(self, issuer: &SecretKey) -> Certificate {
        let signature = issuer.sign(&digest(CERTIFICATE_CONTEXT, &self));
        Certificate {
            statement: self,
            signature,
        }
    }

    fn issued(&self) -> Issued<'_> {
        Issued {
            issuer: self.issuer,
            delegation: self.delegation.as_ref(),
            serial: self.serial,
            until: self.until,
        }
    }
}

/// A statement and the issuer's signature: `[statement, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// What is said.
    pub statement: CertificateStatement,
    /// By the issuer's key.
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
    /// Its issuer may not issue it.
    #[error("the certificate of membership does not count: {0}")]
    Issuer(#[from] IssuerError),
    /// Its issuer did not sign it.
    #[error("the certificate of membership is not signed by the tracker {issuer}: {reason}")]
    Forged {
        /// Who should have.
        issuer: PublicKey,
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
    /// What is to be checked of its signatures.
    pub fn signature_items(&self) -> impl Iterator<Item = SignatureItem> {
        let said = &self.statement;
        let own = item(CERTIFICATE_CONTEXT, said, said.issuer, self.signature);
        std::iter::once(own).chain(said.issued().signature_items())
    }

    /// Whether it is about `key` on `network`.
    ///
    /// # Errors
    /// [`CertificateError::OtherNetwork`], [`CertificateError::OtherKey`].
    pub fn check_form(&self, network: &NetworkId, key: &PublicKey) -> Result<(), CertificateError> {
        let said = &self.statement;
        if said.network != *network {
            Err(CertificateError::OtherNetwork(said.network))
        } else if said.key != *key {
            Err(CertificateError::OtherKey(said.key))
        } else {
            Ok(())
        }
    }

    /// Whether its issuer may issue it.
    ///
    /// # Errors
    /// [`CertificateError::Issuer`].
    pub fn check_issuer(&self, authority: &Authority) -> Result<(), CertificateError> {
        let said = &self.statement;
        Ok(said.issued().check(authority, &said.network)?)
    }

    /// Whether it shows that `key` is a member of `network` at the time `now`, by the word of whoever
    /// may say so.
    ///
    /// # Errors
    /// By variant of [`CertificateError`], in its order.
    pub fn check(
        &self,
        authority: &Authority,
        network: &NetworkId,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<(), CertificateError> {
        self.check_form(network, key)?;
        self.check_issuer(authority)?;
        check_signed(self.signature_items())
            .map_err(|(issuer, reason)| CertificateError::Forged { issuer, reason })?;
        let (from, until) = (self.statement.from, self.statement.until);
        if now < from {
            Err(CertificateError::NotYet { from, now })
        } else if now >= until {
            Err(CertificateError::Expired { until, now })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
