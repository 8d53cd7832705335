//! Invitations: the admin's or a delegate's word that whoever has the invitation's secret may join.

pub mod string;

use super::delegation::{Delegation, Issued, IssuerError};
use super::{Authority, MemberName, check_signed, digest, item};
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureError, SignatureItem};
use crate::readable::in_words;
use serde::{Deserialize, Serialize};

/// Context of the hash that its issuer signs in an invitation.
pub const INVITATION_CONTEXT: &str = "raclette 2026-11 invitation";
/// Context of the hash that the invitation's key signs for who joins by it.
pub const INVITED_CONTEXT: &str = "raclette 2026-11 joins by invitation";
/// Most members that may join by one invitation: as many as a network is made for.
pub const MAX_USES: u32 = 10_000;

/// What an invitation says: `[network, key, issuer, delegation, uses, serial, expires]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationStatement {
    /// Into which network; nothing if it was issued before that was founded.
    pub network: Option<NetworkId>,
    /// The invitation's own key: whoever can sign with it was invited.
    pub key: PublicKey,
    /// Who invites: the admin key, or a delegate.
    pub issuer: PublicKey,
    /// The right to, if the issuer is a delegate.
    pub delegation: Option<Delegation>,
    /// How many may join by it.
    pub uses: u32,
    /// When it was issued, by the issuer's clock.
    pub serial: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl InvitationStatement {
    /// Signs it with the issuer's key.
    pub fn sign(self, issuer: &SecretKey) -> Invitation {
        let signature = issuer.sign(&digest(INVITATION_CONTEXT, &self));
        Invitation {
            statement: self,
            signature,
        }
    }

    fn issued(&self) -> Issued<'_> {
        Issued {
            issuer: self.issuer,
            delegation: self.delegation.as_ref(),
            serial: self.serial,
            until: self.expires,
        }
    }
}

/// A statement and its issuer's signature: `[statement, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// What is said.
    pub statement: InvitationStatement,
    /// By the issuer's key.
    pub signature: Signature,
}

/// Why an invitation lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// It is into another network.
    #[error("the invitation is into network {0}, which is not this one")]
    OtherNetwork(NetworkId),
    /// It has no uses, or too many.
    #[error("the invitation is for {0} members: 1 to {MAX_USES} is allowed")]
    Uses(u32),
    /// Its issuer may not invite.
    #[error("the invitation does not count: {0}")]
    Issuer(#[from] IssuerError),
    /// Its issuer did not sign it.
    #[error("the invitation is not signed by {issuer}: {reason}")]
    Forged {
        /// Who should have.
        issuer: PublicKey,
        /// What is wrong with the signature.
        reason: SignatureError,
    },
    /// Its time is over.
    #[error(
        "the invitation ended {} ago by this node's clock: ask for a new one", in_words(now.since(*expires))
    )]
    Expired {
        /// When it ended.
        expires: Timestamp,
        /// What our clock says.
        now: Timestamp,
    },
}

impl Invitation {
    /// What is to be checked of its signatures.
    pub fn signature_items(&self) -> impl Iterator<Item = SignatureItem> {
        let said = &self.statement;
        let own = item(INVITATION_CONTEXT, said, said.issuer, self.signature);
        std::iter::once(own).chain(said.issued().signature_items())
    }

    /// Whether it lets somebody into `network`, whenever that is, but for its signatures.
    ///
    /// # Errors
    /// By variant of [`InvitationError`], in its order.
    pub fn check_right(
        &self,
        authority: &Authority,
        network: &NetworkId,
    ) -> Result<(), InvitationError> {
        let said = &self.statement;
        if let Some(other) = said.network.filter(|into| into != network) {
            return Err(InvitationError::OtherNetwork(other));
        }
        if !(1..=MAX_USES).contains(&said.uses) {
            return Err(InvitationError::Uses(said.uses));
        }
        Ok(said.issued().check(authority, network)?)
    }

    /// Whether it lets somebody into `network` at the time `now`. How often it was used is not asked here.
    ///
    /// # Errors
    /// By variant of [`InvitationError`], in its order.
    pub fn check(
        &self,
        authority: &Authority,
        network: &NetworkId,
        now: Timestamp,
    ) -> Result<(), InvitationError> {
        self.check_right(authority, network)?;
        self.check_signatures()?;
        let expires = self.statement.expires;
        if now >= expires {
            return Err(InvitationError::Expired { expires, now });
        }
        Ok(())
    }

    /// Whether whoever is named signed it.
    pub(super) fn check_signatures(&self) -> Result<(), InvitationError> {
        check_signed(self.signature_items())
            .map_err(|(issuer, reason)| InvitationError::Forged { issuer, reason })
    }
}

/// What the key of an invitation signs for who joins by it: `[network, member, name]`, the network being
/// zero as long as it is not founded. So what was overheard lets nobody else in.
fn invited(network: &NetworkId, member: &PublicKey, name: &MemberName) -> [u8; 32] {
    digest(INVITED_CONTEXT, &(network, member, name))
}

/// Signs with an invitation's key that `member` joins `network` by it, called `name`.
pub fn sign_invited(
    invitation: &SecretKey,
    network: &NetworkId,
    member: &PublicKey,
    name: &MemberName,
) -> Signature {
    invitation.sign(&invited(network, member, name))
}

/// What is to be checked of such a signature; `invitation` is the invitation's key.
pub fn invited_item(
    invitation: &PublicKey,
    network: &NetworkId,
    member: &PublicKey,
    name: &MemberName,
    signature: Signature,
) -> SignatureItem {
    SignatureItem {
        key: *invitation,
        message: invited(network, member, name),
        signature,
    }
}

#[cfg(test)]
mod tests;
