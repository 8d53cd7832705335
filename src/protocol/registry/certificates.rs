//! Certificates: who registers once the network is known is told so in writing.
//!
//! Every registration is answered with a new one, so that a member renews its own by registering
//! again. Nothing is kept of them: what they say follows from the register.

use super::Registry;
use crate::chain::{NetworkId, Timestamp};
use crate::clock::Now;
use crate::keys::SecretKey;
use crate::protocol::SessionId;
use crate::wire::certificate::{BACKDATED_MS, CERTIFICATE_MS, Certificate, CertificateStatement};
use crate::wire::{MemberId, MemberStatement, Message};
use std::sync::Arc;

/// The tracker's key, as far as the registry may use it: to sign certificates.
#[derive(Debug)]
pub(super) struct Certifier {
    key: Arc<SecretKey>,
}

impl Certifier {
    pub(super) fn new(key: Arc<SecretKey>) -> Self {
        Self { key }
    }

    fn sign(&self, statement: CertificateStatement) -> Certificate {
        statement.sign(&self.key)
    }
}

impl Registry {
    /// Sends a member its certificate, if there is a network that it could be for.
    pub(super) fn certify(&mut self, session: SessionId, id: MemberId, now: Now) {
        if let Some(certificate) = self.certificate(id, now) {
            self.send(session, Message::CertificateIssued(certificate));
        }
    }

    fn certificate(&self, id: MemberId, now: Now) -> Option<Certificate> {
        let certifier = self.certifier.as_ref()?;
        let network = self.network();
        let statement = &self.members.get(id)?.record.statement;
        (network != NetworkId::ZERO).then(|| {
            certifier.sign(CertificateStatement {
                network,
                key: statement.key,
                name: statement.name.clone(),
                id,
                from: Timestamp(now.wall.0.saturating_sub(BACKDATED_MS)),
                until: now.wall.plus_ms(CERTIFICATE_MS),
            })
        })
    }

    /// Whether somebody may be introduced: the network's first tracker must have certified it under
    /// the name in its record, so that nobody takes another's name here while that one looks away.
    pub(super) fn check_certified(
        &self,
        session: SessionId,
        statement: &MemberStatement,
        now: Now,
    ) -> Result<(), String> {
        let shown = self.sessions.get(&session);
        let Some(certificate) = shown.and_then(|s| s.certificate.as_ref()) else {
            let text = "this tracker only introduces those whom the first one has certified: reach that \
                        one once";
            return Err(text.to_owned());
        };
        let network = match self.network() {
            NetworkId::ZERO => certificate.statement.network,
            known => known,
        };
        let checked = certificate.check(&self.issuer, &network, &statement.key, now.wall);
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
    use crate::protocol::testing::{TRACKER, Tracker, genesis_by, key, record};

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
        assert_eq!(alice.check(&key(TRACKER), &network, &key(1), START), Ok(()));
        assert_eq!(alice.statement.name.as_str(), "alice");
        assert_eq!(alice.statement.id, MemberId(1));
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
    fn who_is_refused_or_has_left_gets_none() {
        let mut tracker = founded();
        issued(&mut tracker);
        tracker.join(4, "alice");
        assert_eq!(issued(&mut tracker), [], "the name is taken");
    }
}
