//! Certificates: who registers once the network is known is told so in writing.
//!
//! Every registration is answered with a new one, so that a member renews its own by registering
//! again. Nothing is kept of them: what they say follows from the register.

use crate::chain::{NetworkId, Timestamp};
use crate::clock::Now;
use crate::keys::{PublicKey, SecretKey};
use crate::membership::{
    Authority, Certificate, CertificateStatement, Invitation, InvitationStatement, SignedStatement,
    Statement,
};
use crate::wire::MemberStatement;
use std::sync::Arc;

/// Who certifies: this tracker, or the network's first one, if that is another.
#[derive(Debug)]
pub(super) struct Certificates {
    /// Key of the network's first tracker.
    issuer: PublicKey,
    /// That key, if it is ours; only used to sign what decides about membership.
    key: Option<Arc<SecretKey>>,
    /// Whose word counts.
    authority: Authority,
}

impl Certificates {
    /// Of the network's first tracker, which certifies.
    pub(super) fn issued_by(key: Arc<SecretKey>) -> Self {
        Self {
            issuer: key.public_key(),
            authority: Authority::new(key.public_key(), None),
            key: Some(key),
        }
    }

    /// Of a tracker that only introduces whom `issuer` certified.
    pub(super) fn judged_for(issuer: PublicKey) -> Self {
        Self {
            issuer,
            authority: Authority::new(issuer, None),
            key: None,
        }
    }

    pub(super) fn issuer(&self) -> PublicKey {
        self.issuer
    }

    /// Our key, if it is ours to certify and to invite.
    pub(super) fn own_key(&self) -> Option<PublicKey> {
        self.key.as_ref().map(|key| key.public_key())
    }

    /// Signs an invitation, if it is ours to invite.
    pub(super) fn sign_invitation(&self, statement: InvitationStatement) -> Option<Invitation> {
        let key = self.key.as_ref()?;
        Some(statement.sign(key))
    }

    /// Signs what the admin says, if that is us.
    pub(super) fn sign_statement(&self, statement: Statement) -> Option<SignedStatement> {
        let key = self.key.as_ref()?;
        Some(statement.sign(key))
    }

    /// Whose word counts from now on.
    pub(super) fn follow(&mut self, authority: Authority) {
        self.authority = authority;
    }

    /// Whether this tracker only introduces.
    pub(super) fn only_judges(&self) -> bool {
        self.key.is_none()
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
        let key = self.key.as_ref()?;
        (network != NetworkId::ZERO).then(|| {
            let (member, name) = (statement.key, statement.name.clone());
            let said = CertificateStatement::at(now.wall, network, member, name, key.public_key());
            let serial = void.map_or(said.serial, |void| said.serial.max(void.plus_ms(1)));
            let issued = CertificateStatement {
                invitation,
                serial,
                ..said
            };
            issued.sign(key)
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
        let first = Certificates::issued_by(secret(TRACKER));
        let other = Certificates::issued_by(secret(9));
        let judging = Certificates::judged_for(key(TRACKER));
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
    fn who_is_refused_or_has_left_gets_none() {
        let mut tracker = founded();
        issued(&mut tracker);
        tracker.join(4, "alice");
        assert_eq!(issued(&mut tracker), [], "the name is taken");
    }
}
