//! By what right somebody comes onto the list who is not on it.

use super::Registry;
use super::members::Refusal;
use crate::chain::params::Admission;
use crate::chain::{NetworkId, Params};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::Invitation;
use crate::protocol::SessionId;
use crate::wire::message::RefusalCode;
use crate::wire::work::{Newcomer, WorkAsked};
use crate::wire::{MemberRecord, MemberStatement};

/// By what right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Right {
    /// It is on the list.
    Listed,
    /// It was certified, and we have forgotten it: by an invitation with this key, if by one.
    Certified(Option<PublicKey>),
    /// It was invited.
    Invited(Box<Invitation>),
    /// The admin's word lets it in: it may come back, or has a name that was another key's.
    LetIn,
    /// Whoever comes may join.
    Open,
}

impl Right {
    /// The key of the invitation that it joins by.
    pub(super) fn invitation(&self) -> Option<PublicKey> {
        match self {
            Self::Certified(invitation) => *invitation,
            Self::Invited(invitation) => Some(invitation.statement.key),
            Self::LetIn | Self::Listed | Self::Open => None,
        }
    }
}

impl Registry {
    /// The parameters of the network: those of genesis, or until there is one, those of the settings.
    pub(super) fn params(&self) -> &Params {
        let genesis = self.founding.genesis();
        genesis.map_or(self.founding.wanted(), |genesis| genesis.params())
    }

    /// What its sender has to do before it is registered, if it is nobody whom we know, certified or invited,
    /// and has not done it.
    pub(super) fn work_for(
        &self,
        session: SessionId,
        record: &MemberRecord,
        now: Now,
    ) -> Option<WorkAsked> {
        let pricing = self.pricing.as_ref()?;
        let said = &record.statement;
        let known = self.sessions.get(session)?;
        if self.certificates.office(now.wall).is_none()
            || self.params().admission != Admission::Open
            || known.invited.is_some()
            || known.is_of_network
            || self.members.id_of(&said.key).is_some()
            || self.members.judge_name(record).is_err()
        {
            return None;
        }
        let newcomer = Newcomer {
            tracker: said.tracker,
            network: self.network(),
            key: said.key,
            name: said.name.clone(),
        };
        let work = known.work.as_ref();
        if work.is_some_and(|work| pricing.is_paid(work, &newcomer, now)) {
            return None;
        }
        let host = self.doorstep.host_of(session).unwrap_or_default();
        Some(pricing.ask(&newcomer, host, now))
    }

    /// By what right the sender of this may be on the list, by what it showed in its session.
    pub(super) fn right(
        &self,
        session: SessionId,
        said: &MemberStatement,
        now: Now,
    ) -> Result<Right, Refusal> {
        self.check_out(&said.key)?;
        if self.members.id_of(&said.key).is_some() {
            return Ok(Right::Listed);
        }
        let known = self.sessions.get(session);
        let network = match known.filter(|shown| shown.is_of_network) {
            // Without a genesis, its certificate says which network we have.
            Some(shown) if self.network() == NetworkId::ZERO => shown.hello.network,
            Some(_) | None => self.network(),
        };
        if let Some(awaited) = self
            .founding
            .awaited()
            .filter(|awaited| *awaited != network)
        {
            // Whoever comes first could have any name that is somebody's there.
            let text = format!(
                "this tracker has lost its register, and waits for a member of network {awaited} to bring it \
                 back; it takes you in after that"
            );
            return Err((RefusalCode::RegisterLost, text));
        }
        let shown = known.and_then(|session| session.certificate.as_ref());
        let counts = |certificate: &&_| {
            self.certificates
                .counts(certificate, network, &said.key, now)
        };
        let statements = self.statements.as_ref();
        let void = statements.and_then(|all| all.void_until(&said.key));
        let void = void.max(self.members.left_at(&said.key));
        if let Some(certificate) = shown.filter(counts)
            && void < Some(certificate.statement.serial)
        {
            return Ok(Right::Certified(certificate.statement.invitation));
        }
        if statements.is_some_and(|all| all.lets_in(&said.key, &said.name)) {
            return Ok(Right::LetIn);
        }
        if let Some(invited) = known.and_then(|session| session.invited.as_ref()) {
            let authority = self.certificates.authority();
            let invitations = &self.invitations;
            invitations.judge(invited, authority, network, said, now.wall)?;
            return Ok(Right::Invited(Box::new(invited.invitation.clone())));
        }
        let only_introduces = self.certificates.office(now.wall).is_none();
        if only_introduces || self.params().admission == Admission::Open {
            return Ok(Right::Open);
        }
        let text = "this network takes in whoever was invited: ask whoever runs the tracker for an \
                    invitation, and give it to `node join`";
        Err((RefusalCode::InvitationNeeded, text.to_owned()))
    }
}
