//! Which tracker leads: the one that speaks for the network, which the admin or the recovery key may change, or one
//! that was given the right to stand in for it.

use super::{Effect, Phase, Talk, TrackerLink, Warning};
use crate::chain::{Genesis, NetworkId};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::Address;

impl TrackerLink {
    /// Whether this is the key of a tracker that may lead us: of the one that speaks for the network by now, or
    /// of one that invited or certified us and has not lost its right. As long as the network is not known, that of
    /// the tracker that was pinned, or invited us.
    fn may_lead(&self, key: &PublicKey) -> bool {
        let invitation = self.config.invitation.as_ref();
        let invited = invitation.filter(|one| one.tracker == *key);
        let certified = self.certificate().map(|one| &one.statement);
        let certified = certified.filter(|one| one.issuer == *key);
        let Some(statements) = &self.statements else {
            // Whom the owner named beside one that lets nobody in may tell which network that one is of.
            let is_asked = self.named.is_some();
            let is_known = self.tracker == Some(*key) || certified.is_some();
            return is_known || invited.is_some() || is_asked;
        };
        let authority = statements.authority();
        let invites = invited.is_some_and(|one| {
            let said = &one.invitation.statement;
            match said.issuer == *key {
                true => authority.stands(key, said.delegation.as_ref()),
                // It hands out what another one issued.
                false => !authority.is_former(key),
            }
        });
        let certifies = certified.is_some_and(|one| authority.stands(key, one.delegation.as_ref()));
        authority.admin() == *key || invites || certifies
    }

    /// What is wrong with a tracker that shows this key, if anything is.
    pub(super) fn wrong_key(&self, shown: &PublicKey) -> Option<Warning> {
        let pinned = self.tracker.filter(|_| !self.may_lead(shown))?;
        let address = self.address();
        let (shown, statements) = (*shown, self.statements.as_ref());
        let Some(authority) = statements.map(|all| all.authority()) else {
            return Some(Warning::TrackerKeyChanged {
                address,
                pinned,
                shown,
            });
        };
        let admin = authority.admin();
        Some(
            match authority.is_former(&shown) || authority.was_revoked(&shown) {
                true => Warning::LeadsNoMore { address, admin },
                false => Warning::TrackerKeyChanged {
                    address,
                    pinned: admin,
                    shown,
                },
            },
        )
    }

    /// After the admin has said something: a tracker that leads no more is left, and a certificate that counts no
    /// more is asked for anew.
    pub(super) fn follow_admin(&mut self, now: Now) {
        if let Phase::Talking(Talk { session, shown, .. }) = self.phase
            && let Some(warning @ Warning::LeadsNoMore { .. }) = self.wrong_key(&shown)
        {
            self.stop_mining();
            let reason = warning.to_string();
            self.decided.at_once(Effect::Warn(warning));
            self.decided.at_once(Effect::Close { session, reason });
            self.retry_later(now);
        }
        self.renew_void(now);
    }

    /// Which network it is to be, as far as that is known.
    pub(super) fn looked_for(&self) -> Option<NetworkId> {
        let named = self.named.as_ref().map(|one| one.network);
        self.founding.genesis().map(Genesis::id).or(named)
    }

    /// The tracker has let nobody in, and no network is known yet: the next one of the settings leads.
    pub(super) fn ask_another(&mut self) {
        if self.named.is_none() || self.founding.genesis().is_some() || self.others.is_empty() {
            return;
        }
        let introducer = self.turn % self.others.len();
        self.turn = introducer + 1;
        std::mem::swap(&mut self.address, &mut self.others[introducer]);
        self.decided.at_once(Effect::Instead {
            introducer,
            address: self.others[introducer].clone(),
        });
    }

    /// One of the other trackers, at this address, has proven to have the key of the one that speaks for the network:
    /// it leads from now on, unless we talk with that one already. The address of the one that led before, whose
    /// place the other conversation takes.
    #[must_use]
    pub fn admin_met(
        &mut self,
        address: Address,
        key: &PublicKey,
    ) -> (Option<Address>, Vec<Effect>) {
        let admin = self.statements.as_ref().map(|all| all.authority().admin());
        let talks_with_it = match &self.phase {
            Phase::AtRest => true,
            Phase::Talking(talk) => talk.shown == *key,
            Phase::Waiting | Phase::Dialling { .. } => false,
        };
        if admin != Some(*key) || talks_with_it || self.apart {
            return (None, self.take_effects());
        }
        self.stop_mining();
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            let reason = "the tracker that speaks for the network was found".to_owned();
            self.decided.at_once(Effect::Close { session, reason });
            self.former = Some(session);
        }
        if let Some(other) = self.others.iter_mut().find(|other| **other == address) {
            *other = self.address.clone();
        }
        let former = std::mem::replace(&mut self.address, address);
        self.phase = Phase::Waiting;
        self.pause.hurry();
        (Some(former), self.take_effects())
    }
}
