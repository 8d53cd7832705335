//! The records of the topic `members`, by which a ledger says who is a member.

use super::certificate::CertificateError;
use super::invitation::{Invitation, InvitationError, invited_item};
use super::{Certificate, MemberName, SignedStatement, digest, item};
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SealingKey, SecretKey, Signature, SignatureItem};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// Context of the hash that a member signs when it leaves, on the ledger.
pub const LEAVE_RECORD_CONTEXT: &str = "raclette 2026-11 member leaves the ledger";

/// A key becomes a member: `[name, sealing_key, certificate, invitation, invited]`. Its transaction is
/// sent by the member itself. Where a member is to be found is never on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRecord {
    /// What it is called.
    pub name: MemberName,
    /// Notes for it are sealed with this.
    pub sealing_key: SealingKey,
    /// That it was admitted.
    pub certificate: Certificate,
    /// By which invitation, if by one.
    pub invitation: Option<Invitation>,
    /// By the invitation's key, over network, member and name.
    pub invited: Option<Signature>,
}

/// Why a join is none, whatever the ledger holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The certificate is under another name.
    #[error("the record names {name}, its certificate {certified}")]
    OtherName {
        /// In the record.
        name: MemberName,
        /// In the certificate.
        certified: MemberName,
    },
    /// Of invitation, its signature, and the key that the certificate names, not all are there or none.
    #[error("the record's invitation is not the one that its certificate names")]
    OtherInvitation,
    /// The certificate is not that of the member.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The invitation is not into this network.
    #[error(transparent)]
    Invitation(#[from] InvitationError),
}

impl JoinRecord {
    /// Whether its parts belong together and to `network` and `sender`, but for signatures.
    ///
    /// # Errors
    /// By variant of [`JoinError`].
    pub fn check_form(&self, network: &NetworkId, sender: &PublicKey) -> Result<(), JoinError> {
        let said = &self.certificate.statement;
        self.certificate.check_form(network, sender)?;
        if said.name != self.name {
            return Err(JoinError::OtherName {
                name: self.name.clone(),
                certified: said.name.clone(),
            });
        }
        let shown = self.invitation.as_ref().map(|i| i.statement.key);
        if shown != said.invitation || shown.is_some() != self.invited.is_some() {
            return Err(JoinError::OtherInvitation);
        }
        Ok(())
    }

    /// What is to be checked of the signatures in it.
    pub fn signature_items(&self) -> Vec<SignatureItem> {
        let said = &self.certificate.statement;
        let mut items: Vec<_> = self.certificate.signature_items().collect();
        if let (Some(invitation), Some(invited)) = (&self.invitation, self.invited) {
            items.extend(invitation.signature_items());
            let key = &invitation.statement.key;
            items.push(invited_item(
                key,
                &said.network,
                &said.key,
                &said.name,
                invited,
            ));
        }
        items
    }
}

/// A member's word that it is none any more: `[network, key, number, signature]`. All certificates of the
/// key with a serial not above the number are void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// On which network.
    pub network: NetworkId,
    /// Who leaves.
    pub key: PublicKey,
    /// When (ms since 1970).
    pub number: Timestamp,
    /// By the key.
    pub signature: Signature,
}

impl Leave {
    /// Signs that the owner of `key` leaves.
    pub fn sign(network: NetworkId, number: Timestamp, key: &SecretKey) -> Self {
        let public = key.public_key();
        let digest = digest(LEAVE_RECORD_CONTEXT, &(network, public, number));
        Self {
            network,
            key: public,
            number,
            signature: key.sign(&digest),
        }
    }

    /// What is to be checked of its signature.
    pub fn signature_item(&self) -> SignatureItem {
        let said = (self.network, self.key, self.number);
        item(LEAVE_RECORD_CONTEXT, &said, self.key, self.signature)
    }
}

/// A record of the topic `members`: `[kind, content]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembersRecord {
    /// Kind 1: a key joins, or a member takes another name.
    Join(Box<JoinRecord>),
    /// Kind 2: a member leaves.
    Leave(Leave),
    /// Kind 3: the admin has decided.
    Statement(SignedStatement),
}

impl MembersRecord {
    const JOIN: u8 = 1;
    const LEAVE: u8 = 2;
    const STATEMENT: u8 = 3;
}

impl Serialize for MembersRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Join(join) => (Self::JOIN, join).serialize(serializer),
            Self::Leave(leave) => (Self::LEAVE, leave).serialize(serializer),
            Self::Statement(signed) => (Self::STATEMENT, signed).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for MembersRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = MembersRecord;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record of members: its kind and its content")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<MembersRecord, A::Error> {
                fn part<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
                    parts: &mut A,
                ) -> Result<T, A::Error> {
                    let part = parts.next_element()?;
                    part.ok_or_else(|| de::Error::custom("a record of members ends too early"))
                }
                match part::<u8, A>(&mut parts)? {
                    MembersRecord::JOIN => Ok(MembersRecord::Join(part(&mut parts)?)),
                    MembersRecord::LEAVE => Ok(MembersRecord::Leave(part(&mut parts)?)),
                    MembersRecord::STATEMENT => Ok(MembersRecord::Statement(part(&mut parts)?)),
                    kind => Err(de::Error::custom(format_args!(
                        "no record of members is of kind {kind}"
                    ))),
                }
            }
        }

        deserializer.deserialize_seq(Parts)
    }
}

#[cfg(test)]
mod tests;
