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
            let serial = void.map_or(said.serial, |void| said.serial.max(void.plus_ms(1)));
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
mod tests {
    use super::*;
    use crate::chain::testing::START;
    use crate::membership::certificate::{BACKDATED_MS, CERTIFICATE_MS};
    use crate::protocol::testing::{TRACKER, Tracker, genesis_by, key, record, secret, statement};
    use crate::wire::Message;

    fn issued(tracker: &mut Tracker) -> Vec<(u64, Certificate)> {
        tracker.sync();
        let issued = tracker.issued.drain(..);
        issued.map(|(session, one)| (session.0, one)).collect()
    }

    /// A network that has its genesis, and two members.
    fn founded() -> Tracker {
        let mut tracker = Tracker::new();
        tracker.join(1, "alice");
        tracker.join(2, "bob");
        assert_eq!(
            issued(&mut tracker),
            [],
            "there is no network to be a member of"
        );
        tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
        tracker
    }

    #[test]
    fn whoever_waited_for_genesis_is_certified_with_the_news_of_it() {
        let mut tracker = founded();
        assert_eq!(tracker.issued.len(), 0, "not before it is on the disk");
        let issued = issued(&mut tracker);
        let sessions: Vec<_> = issued.iter().map(|(session, _)| *session).collect();
        assert_eq!(sessions, [1, 2]);
        let (_, alice) = &issued[0];
        let network = genesis_by(1).id();
        assert_eq!(
            alice.check(
                &Authority::new(key(TRACKER), None),
                &network,
                &key(1),
                START
            ),
            Ok(())
        );
        assert_eq!(alice.statement.name.as_str(), "alice");
        assert_eq!(alice.statement.until, START.plus_ms(CERTIFICATE_MS));
        let from = Timestamp(START.0 - BACKDATED_MS);
        assert_eq!(alice.statement.from, from);
    }

    #[test]
    fn each_registration_is_answered_with_a_new_one() {
        let mut tracker = founded();
        issued(&mut tracker);
        tracker.join(3, "carol");
        assert_eq!(issued(&mut tracker).len(), 1);
        tracker.now = tracker.now.plus_ms(1_000);
        tracker.receive(3, &Message::Register(record(3, "carol", 1)));
        let again = issued(&mut tracker);
        let until = START.plus_ms(1_000 + CERTIFICATE_MS);
        assert_eq!(again[0].1.statement.until, until);
    }

    #[test]
    fn only_a_certificate_of_the_first_tracker_under_the_same_name_introduces() {
        let first = Certificates::new(secret(TRACKER), key(TRACKER));
        let other = Certificates::new(secret(9), key(9));
        let judging = Certificates::new(secret(8), key(TRACKER));
        let (network, now) = (genesis_by(1).id(), crate::clock::BEGUN);
        let (bob, robert) = (statement(2, "bob", 1), statement(2, "robert", 1));
        let issue = |by: &Certificates, on| by.issue(on, &bob, None, None, now);
        assert_eq!(issue(&first, NetworkId::ZERO), None, "of no network");
        assert_eq!(issue(&judging, network), None);
        let check = |shown: Option<Certificate>, on, statement| {
            judging.check(shown.as_ref(), on, statement, now).is_ok()
        };
        let good = issue(&first, network);
        assert!(check(good.clone(), network, &bob) && check(good.clone(), NetworkId::ZERO, &bob));
        assert!(!check(good.clone(), genesis_by(2).id(), &bob));
        assert!(!check(good, network, &robert));
        assert!(!check(issue(&other, network), network, &bob));
        assert!(!check(None, network, &bob));
    }

    #[test]
    fn a_delegate_issues_as_long_as_its_right_counts_and_nothing_that_outlasts_it() {
        let (first, now) = (
            Certificates::new(secret(TRACKER), key(TRACKER)),
            crate::clock::BEGUN,
        );
        let network = genesis_by(1).id();
        let until = now.wall.plus_ms(1_000);
        let right = DelegationStatement {
            network,
            admin: key(TRACKER),
            delegate: key(8),
            serial: now.wall,
            from: now.wall,
            until,
        };
        let mut delegate = Certificates::new(secret(8), key(TRACKER));
        let bob = statement(2, "bob", 1);
        let issue = |by: &Certificates, now| by.issue(network, &bob, None, None, now);
        assert_eq!(issue(&delegate, now), None);
        delegate.given(first.sign_delegation(right.clone()));
        let issued = issue(&delegate, now).unwrap();
        let authority = Authority::new(key(TRACKER), None);
        assert_eq!(
            issued.check(&authority, &network, &key(2), now.wall),
            Ok(())
        );
        assert_eq!(issued.statement.until, until);
        assert_eq!(
            issue(&delegate, now.plus_ms(1_000)),
            None,
            "its time is over"
        );
        // Of somebody who may not give it, or another's.
        delegate.given(right.clone().sign(&secret(9)));
        assert_eq!(issue(&delegate, now), None);
        let mut third = Certificates::new(secret(7), key(TRACKER));
        third.given(first.sign_delegation(right));
        assert_eq!(issue(&third, now), None);
    }

    #[test]
    fn who_is_refused_or_has_left_gets_none() {
        let mut tracker = founded();
        issued(&mut tracker);
        tracker.join(4, "alice");
        assert_eq!(issued(&mut tracker), [], "the name is taken");
    }
}
