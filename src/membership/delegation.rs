//! Delegations: the right to issue certificates and invitations in the admin's place.

use super::{Authority, digest, item};
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureItem};
use crate::readable::in_words;
use serde::{Deserialize, Serialize};

/// Context of the hash that the admin signs in a delegation.
pub const DELEGATION_CONTEXT: &str = "raclette 2026-11 delegation";
/// For how long a delegation counts at most, in milliseconds: 90 days. A delegate that was forgotten about
/// is none after that.
pub const MAX_DELEGATION_MS: u64 = 90 * 86_400_000;

/// What a delegation says: `[network, admin, delegate, serial, from, until]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationStatement {
    /// On which network.
    pub network: NetworkId,
    /// Who gives the right: the admin key.
    pub admin: PublicKey,
    /// Who may issue.
    pub delegate: PublicKey,
    /// When it was issued, by the admin's clock.
    pub serial: Timestamp,
    /// From when on what the delegate issues counts.
    pub from: Timestamp,
    /// Until when it counts: nothing that the delegate issues outlasts this.
    pub until: Timestamp,
}

impl DelegationStatement {
    /// Signs it with the admin key.
    pub fn sign(self, admin: &SecretKey) -> Delegation {
        let signature = admin.sign(&digest(DELEGATION_CONTEXT, &self));
        Delegation {
            statement: self,
            signature,
        }
    }
}

/// A statement and the admin's signature: `[statement, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// What is said.
    pub statement: DelegationStatement,
    /// By the admin key in it.
    pub signature: Signature,
}

/// Why somebody may not issue what it issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Neither the admin nor a delegate.
    #[error("{issuer} issued it, which is not this network's tracker: that is {admin}")]
    NotAdmin {
        /// Who issued.
        issuer: PublicKey,
        /// Who was the admin then.
        admin: PublicKey,
    },
    /// The delegation is for another network.
    #[error("its issuer may issue on network {0}, which is not this one")]
    OtherNetwork(NetworkId),
    /// The delegation is somebody else's.
    #[error("its issuer shows the right to issue of {0}")]
    OtherDelegate(PublicKey),
    /// The delegation is not by the admin.
    #[error("{by} gave its issuer the right to issue, but this network's tracker is {admin}")]
    DelegationNotByAdmin {
        /// Who signed.
        by: PublicKey,
        /// Who was the admin then.
        admin: PublicKey,
    },
    /// The delegation ends before it begins, or is for too long.
    #[error(
        "its issuer's right to issue is for {}: more than {} are not given", in_words(*.0), in_words(MAX_DELEGATION_MS)
    )]
    DelegationTooLong(u64),
    /// It was issued before the delegation begins, or lasts longer than that.
    #[error("it was issued, or would count, at a time for which its issuer had no right to issue")]
    OutsideOfDelegation,
    /// The admin took the right back.
    #[error("the right of its issuer, {0}, to issue was taken back")]
    Revoked(PublicKey),
}

impl Delegation {
    /// What is to be checked of its signature.
    pub fn signature_item(&self) -> SignatureItem {
        let said = &self.statement;
        item(DELEGATION_CONTEXT, said, said.admin, self.signature)
    }
}

/// Who issued something, with what right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Issued<'a> {
    pub(super) issuer: PublicKey,
    pub(super) delegation: Option<&'a Delegation>,
    pub(super) serial: Timestamp,
    pub(super) until: Timestamp,
}

impl<'a> Issued<'a> {
    /// Whether the issuer may issue that on `network`.
    pub(super) fn check(
        &self,
        authority: &Authority,
        network: &NetworkId,
    ) -> Result<(), IssuerError> {
        let Some(delegation) = self.delegation else {
            let (issuer, admin) = (self.issuer, authority.admin_at(self.serial));
            return if issuer == admin {
                Ok(())
            } else {
                Err(IssuerError::NotAdmin { issuer, admin })
            };
        };
        let said = &delegation.statement;
        let (by, admin) = (said.admin, authority.admin_at(said.serial));
        let lasts = said.until.since(said.from);
        if said.network != *network {
            Err(IssuerError::OtherNetwork(said.network))
        } else if said.delegate != self.issuer {
            Err(IssuerError::OtherDelegate(said.delegate))
        } else if by != admin {
            Err(IssuerError::DelegationNotByAdmin { by, admin })
        } else if lasts == 0 || lasts > MAX_DELEGATION_MS {
            Err(IssuerError::DelegationTooLong(lasts))
        } else if self.serial < said.from || self.until > said.until {
            Err(IssuerError::OutsideOfDelegation)
        } else if authority.has_revoked(delegation) {
            Err(IssuerError::Revoked(self.issuer))
        } else {
            Ok(())
        }
    }

    /// What is to be checked of the signatures by which the right was given.
    pub(super) fn signature_items(self) -> impl Iterator<Item = SignatureItem> + use<'a> {
        self.delegation.map(Delegation::signature_item).into_iter()
    }
}
