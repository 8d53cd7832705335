//! Certificates: who registers once the network is known is told so in writing.
//!
//! Every registration is answered with a new one, so that a member renews its own by registering
//! again. Nothing is kept of them: what they say follows from the register.

use super::Registry;
use crate::chain::{NetworkId, Timestamp};
use crate::keys::SecretKey;
use crate::protocol::SessionId;
use crate::wire::certificate::{BACKDATED_MS, CERTIFICATE_MS, Certificate, CertificateStatement};
use crate::wire::{MemberId, Message};
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
    pub(super) fn certify(&mut self, session: SessionId, id: MemberId, now: Timestamp) {
        if let Some(certificate) = self.certificate(id, now) {
            self.send(session, Message::CertificateIssued(certificate));
        }
    }

    fn certificate(&self, id: MemberId, now: Timestamp) -> Option<Certificate> {
        let network = self.network();
        let statement = &self.members.get(id)?.record.statement;
        (network != NetworkId::ZERO).then(|| {
            self.certifier.sign(CertificateStatement {
                network,
                key: statement.key,
                name: statement.name.clone(),
                id,
                from: Timestamp(now.0.saturating_sub(BACKDATED_MS)),
                until: now.plus_ms(CERTIFICATE_MS),
            })
        })
    }
}
