//! Certificates: who registers once the network is known is told so in writing.
//!
//! Every registration is answered with a new one, so that a member renews its own by registering
//! again. Nothing is kept of them: what they say follows from the register.

use crate::chain::{NetworkId, Timestamp};
use crate::clock::Now;
use crate::keys::{PublicKey, SecretKey, verify};
use crate::membership::{
    Authority, Certificate, CertificateStatement, Delegation, DelegationStatement, Invitation,
    InvitationStatement, SignedStatement, Statement,
};
use crate::wire::MemberStatement;
use std::sync::Arc;

/// By what right a tracker issues certificates and invitations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Office<'a> {
    /// It speaks for the network.
    Admin,
    /// The admin gave it the right.
    Delegate(&'a Delegation),
}

impl Office<'_> {
    /// What shows the right.
    pub(super) fn delegation(self) -> Option<Delegation> {
        match self {
            Self::Admin => None,
            Self::Delegate(delegation) => Some(delegation.clone()),
        }
    }

    /// When what is issued now ends, if it is to end then.
    pub(super) fn ends(self, wanted: Timestamp) -> Timestamp {
        match self {
            Self::Admin => wanted,
            Self::Delegate(delegation) => wanted.min(delegation.statement.until),
        }
    }
}

/// Who certifies: this tracker, as long as it speaks for the network or was given the right; else others.
#[derive(Debug)]
pub(super) struct Certificates {
    /// Key of the network's first tracker, which is in genesis: members sign their records for it, whoever
    /// speaks for the network by now.
    founder: PublicKey,
    /// Our own; only used to sign what decides about membership.
    key: Arc<SecretKey>,
    /// Whose word counts.
    authority: Authority,
    /// The right that the admin gave us, if it did.
    delegation: Option<Delegation>,
}

impl Certificates {
    /// Of a tracker with this key, in the network that `founder` founded.
    pub(super) fn new(key: Arc<SecretKey>, founder: PublicKey) -> Self {
        Self {
            founder,
            key,
            authority: Authority::new(founder, None),
            delegation: None,
        }
    }

    pub(super) fn founder(&self) -> PublicKey {
        self.founder
    }

    /// Our key.
    pub(super) fn own_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Whether we are the network's first tracker, which alone founds it.
    pub(super) fn founds(&self) -> bool {
        self.own_key() == self.founder
    }

    /// Whether we speak for the network.
    pub(super) fn is_admin(&self) -> bool {
        self.own_key() == self.authority.admin()
    }

    /// By what right we issue at this time; `None` if by none.
    pub(super) fn office(&self, now: Timestamp) -> Option<Office<'_>> {
        if self.is_admin() {
            return Some(Office::Admin);
        }
        let given = self.delegation.as_ref()?;
        let said = &given.statement;
        let counts = said.delegate == self.own_key()
            && (said.from..said.until).contains(&now)
            && self.gave(given);
        counts.then_some(Office::Delegate(given))
    }

    /// Whether who spoke for the network gave this right, and has not taken it back.
    pub(super) fn gave(&self, given: &Delegation) -> bool {
        let said = &given.statement;
        let item = given.signature_item();
        said.admin == self.authority.admin_at(said.serial)
            && !self.authority.has_revoked(given)
            && verify(&item.key, &item.message, &item.signature).is_ok()
    }

    /// We were given this right.
    pub(super) fn given(&mut self, delegation: Delegation) {
        self.delegation = Some(delegation);
    }

    /// Signs an invitation.
    pub(super) fn sign_invitation(&self, statement: InvitationStatement) -> Invitation {
        statement.sign(&self.key)
    }

    /// Signs that another tracker may issue.
    pub(super) fn sign_delegation(&self, statement: DelegationStatement) -> Delegation {
        statement.sign(&self.key)
    }

    /// Signs what the admin says.
    pub(super) fn sign_statement(&self, statement: Statement) -> SignedStatement {
        statement.sign(&self.key)
    }

    /// Whose word counts from now on.
    pub(super) fn follow(&mut self, authority: Authority) {
        self.authority = authority;
    }

    /// The serial of what is signed at this time: after `void`, up to which nothing of its kind counts, and if we
    /// speak for the network after the word that made it so. Either may be numbered by a clock that was ahead.
    pub(super) fn serial(&self, void: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let since = self.is_admin().then(|| self.authority.since()).flatten();
        since.max(void).map_or(now, |last| now.max(last.plus_ms(1)))
    }

    /// A certificate for a member, if there is a network that it could be for. It is issued after `void`,
    /// whatever our clock says: what was issued until then counts no more.
    pub(super) fn issue(
        &self,
        network: NetworkId,
        statement: &MemberStatement,
        invitation: Option<PublicKey>,
        void: Option<Timestamp>,
        now: Now,
    ) -> Option<Certificate> {
        let office = self.office(now.wall)?;
        (network != NetworkId::ZERO).then(|| {
            let (member, name) = (statement.key, statement.name.clone());
            let said = CertificateStatement::at(now.wall, network, member, name, self.own_key());
            let serial = self.serial(void, said.serial);
            let issued = CertificateStatement {
                invitation,
                serial,
                delegation: office.delegation(),
                until: office.ends(said.until),
                ..said
            };
            issued.sign(&self.key)
        })
    }

    /// Who speaks for the network.
    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether this certificate shows that `key` is a member of `network` now.
    pub(super) fn counts(
        &self,
        certificate: &Certificate,
        network: NetworkId,
        key: &PublicKey,
        now: Now,
    ) -> bool {
        let checked = certificate.check(&self.authority, &network, key, now.wall);
        checked.is_ok()
    }

    /// Whether somebody who showed this may be introduced on `network` (zero: on whichever it is for):
    /// the network's first tracker must have certified it under the name in its record, so that
    /// nobody takes another's name here while that one looks away.
    pub(super) fn check(
        &self,
        shown: Option<&Certificate>,
        network: NetworkId,
        statement: &MemberStatement,
        now: Now,
    ) -> Result<(), String> {
        let Some(certificate) = shown else {
            let text = "this tracker only introduces those whom the first one has certified: reach that \
                        one once";
            return Err(text.to_owned());
        };
        let network = match network {
            NetworkId::ZERO => certificate.statement.network,
            known => known,
        };
        let checked = certificate.check(&self.authority, &network, &statement.key, now.wall);
        checked.map_err(|e| format!("the certificate of membership: {e}"))?;
        if certificate.statement.name != statement.name {
            return Err(format!(
                "the record is of {}, the certificate of {}: connect again with a new certificate",
                statement.name, certificate.statement.name
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
