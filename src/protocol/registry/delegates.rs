//! Other trackers with the right to issue: given by the admin, for a time, and taken back by it.

use super::certificates::Office;
use super::orders::{Delegate, OrderRefused, Outcome};
use super::{Effect, Fact, Registry};
use crate::canonical;
use crate::chain::Internal;
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::certificate::BACKDATED_MS;
use crate::membership::delegation::MAX_DELEGATION_MS;
use crate::membership::{Delegation, DelegationStatement, SignedStatement};
use crate::wire::Message;
use std::collections::BTreeMap;

/// First byte of the keys of the rows of rights to issue; whose it is follows.
pub(super) const DELEGATION_ROW: u8 = 7;
/// Most trackers with the right, those from whom it was taken back included: a network needs one or two.
pub const MAX_DELEGATES: usize = 64;

/// What is said to a member whose session rests on a right that was lost.
const RIGHT_LOST: &str = "this tracker, or the one that certified you, may not issue any more: connect again with a \
                          certificate that counts";

/// The rights that were given, by delegate: on the admin's tracker all, on a delegate its own.
pub(super) type Delegations = BTreeMap<PublicKey, Delegation>;

impl Registry {
    /// Takes up a stored right.
    pub(super) fn open_delegation(&mut self, value: &[u8]) -> Result<(), Internal> {
        let damaged = |error| Internal(format!("a right to issue is damaged: {error}"));
        let delegation: Delegation = canonical::decode(value).map_err(damaged)?;
        self.hold(delegation);
        Ok(())
    }

    fn hold(&mut self, delegation: Delegation) {
        let delegate = delegation.statement.delegate;
        if delegate == self.certificates.own_key() {
            self.certificates.given(delegation.clone());
        }
        self.delegations.insert(delegate, delegation);
    }

    fn keep_delegation(&mut self, delegation: Delegation) {
        let delegate = delegation.statement.delegate;
        let key = [&[DELEGATION_ROW], &delegate.0[..]].concat();
        self.outgoing
            .write(vec![(key, Some(canonical::encode(&delegation)))]);
        self.hold(delegation);
    }

    /// The owner gives another tracker the right to issue.
    pub(super) fn delegate(
        &mut self,
        key: PublicKey,
        lasts_ms: u64,
        now: Now,
    ) -> Result<Outcome, OrderRefused> {
        let admin = self.certificates.own_key();
        if self.genesis().is_none() {
            return Err(OrderRefused::NotFounded);
        }
        if !self.certificates.is_admin() {
            return Err(OrderRefused::NotAdmin(
                self.certificates.authority().admin(),
            ));
        }
        if key == admin {
            return Err(OrderRefused::Oneself);
        }
        if !(1_000..=MAX_DELEGATION_MS - BACKDATED_MS).contains(&lasts_ms) {
            return Err(OrderRefused::DelegationLasts);
        }
        if !self.delegations.contains_key(&key) && self.delegations.len() >= MAX_DELEGATES {
            self.forget_ended(now)
                .ok_or(OrderRefused::TooManyDelegates)?;
        }
        let void = self.certificates.authority().revoked_until(&key);
        let delegation = self.certificates.sign_delegation(DelegationStatement {
            network: self.network(),
            admin,
            delegate: key,
            serial: self.certificates.serial(void, now.wall),
            // For a delegate whose clock is behind.
            from: crate::chain::Timestamp(now.wall.0.saturating_sub(BACKDATED_MS)),
            until: now.wall.plus_ms(lasts_ms),
        });
        self.keep_delegation(delegation.clone());
        for session in self.copies.of(&key) {
            self.send(session, Message::Delegated(delegation.clone()));
        }
        let until = delegation.statement.until;
        self.outgoing
            .say(Effect::Fact(Fact::Delegated { key, until }));
        Ok(Outcome::Delegated(self.as_it_stands(&delegation)))
    }

    /// Forgets a right that has ended.
    fn forget_ended(&mut self, now: Now) -> Option<()> {
        let mut all = self.delegations.iter();
        let ended = all.find(|(_, given)| given.statement.until <= now.wall);
        let key = *ended?.0;
        self.delegations.remove(&key);
        let row = [&[DELEGATION_ROW], &key.0[..]].concat();
        self.outgoing.write(vec![(row, None)]);
        Some(())
    }

    fn as_it_stands(&self, delegation: &Delegation) -> Delegate {
        Delegate {
            delegation: delegation.clone(),
            revoked: !self.certificates.gave(delegation),
            copying: self.copies.with(&delegation.statement.delegate),
        }
    }

    /// All trackers that were given the right to issue.
    pub fn delegates(&self) -> Vec<Delegate> {
        let all = self.delegations.values();
        all.map(|delegation| self.as_it_stands(delegation))
            .collect()
    }

    /// The right of this tracker, if it was given one that has not been taken back.
    pub(super) fn right_of(&self, key: &PublicKey, now: Now) -> Option<&Delegation> {
        let given = self.delegations.get(key)?;
        let counts = given.statement.until > now.wall && self.certificates.gave(given);
        counts.then_some(given)
    }

    /// The admin's tracker says that we may issue.
    pub(super) fn take_right(&mut self, delegation: Delegation, now: Now) {
        let said = &delegation.statement;
        let is_ours = said.delegate == self.certificates.own_key()
            && said.network == self.network()
            && said.until.since(said.from) <= MAX_DELEGATION_MS
            && self.certificates.gave(&delegation);
        if !is_ours || self.delegations.get(&said.delegate) == Some(&delegation) {
            return;
        }
        let (key, until) = (said.delegate, said.until);
        self.keep_delegation(delegation);
        self.outgoing
            .say(Effect::Fact(Fact::Delegated { key, until }));
        self.certify_all(now);
    }

    /// We may issue from now on: whoever is there is certified, and so told of it.
    pub(super) fn certify_all(&mut self, now: Now) {
        let live: Vec<_> = self.sessions.members().collect();
        for (id, session) in live {
            self.certify(session, id, now);
        }
    }

    /// Somebody has got or lost the right to issue: where we speak for the network, whoever is there is certified anew.
    /// Where we issue nothing any more, sessions end that rest on us, or on a certificate that counts no more: whoever
    /// has one that does comes back with it.
    pub(super) fn follow_rights(&mut self, now: Now) {
        match self.certificates.office(now.wall) {
            Some(Office::Admin) => self.certify_all(now),
            Some(Office::Delegate(_)) => {}
            None => {
                let own = self.certificates.own_key();
                let network = self.network();
                let live = self.sessions.members().map(|(_, session)| session);
                let ended = live.filter(|session| {
                    let known = self.sessions.get(*session);
                    let rests = known.and_then(|known| {
                        let shown = known.certificate.as_ref()?;
                        let counts =
                            self.certificates
                                .counts(shown, network, &known.hello.key, now);
                        Some(counts && shown.statement.issuer != own)
                    });
                    rests != Some(true)
                });
                for session in ended.collect::<Vec<_>>() {
                    self.close(session, RIGHT_LOST, now);
                }
            }
        }
    }

    /// The owner has somebody else's word: that of the recovery key.
    pub(super) fn hear_owner(
        &mut self,
        signed: SignedStatement,
        now: Now,
    ) -> Result<Outcome, OrderRefused> {
        if self.statements.is_none() {
            return Err(OrderRefused::NotFounded);
        }
        self.keep(signed.clone(), now)?;
        let said = vec![signed];
        let told = self.pass_on(&said, None, now);
        Ok(Outcome::Said {
            said,
            name: None,
            let_in: Vec::new(),
            told,
        })
    }
}
