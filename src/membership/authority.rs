//! Who speaks for a network: the admin key in genesis, and whoever was put in its place.

use super::delegation::Delegation;
use super::statement::{Act, SignedStatement};
use crate::chain::{GenesisContent, Timestamp};
use crate::keys::PublicKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most changes of the admin key that are kept: a network changes its first tracker a few times in its
/// life. What the recovery key says always finds room.
pub const MAX_SUCCESSIONS: usize = 64;
/// Most delegates whose right was withdrawn, of whom it is kept: the last ones.
pub const MAX_REVOKED: usize = 256;

/// Whose word counts: the admin key, which may change, and the recovery key, which can only change it.
///
/// It is the same for everybody who knows the same statements, in whichever order they came: a change
/// counts if it is by the recovery key, or by the admin key of the moment that its number names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    first: PublicKey,
    recovery: Option<PublicKey>,
    /// Those that count, by number.
    successions: Vec<Succession>,
    /// Up to which number a delegate's delegations are void.
    revoked: BTreeMap<PublicKey, Timestamp>,
}

/// `[number, key, by]`: from that number on, the admin key is this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Succession {
    number: Timestamp,
    key: PublicKey,
    by: PublicKey,
}

/// Why a statement does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Whoever signed it was not the admin then.
    #[error("{by} signed it, but the network's admin key was {admin} then")]
    NotAdmin {
        /// Who signed.
        by: PublicKey,
        /// Who should have.
        admin: PublicKey,
    },
    /// The admin key was changed too often.
    #[error(
        "the admin key was changed {MAX_SUCCESSIONS} times: only the recovery key can change it now"
    )]
    TooManySuccessions,
}

impl Authority {
    /// That of a network in which nobody has succeeded yet.
    pub fn new(admin: PublicKey, recovery: Option<PublicKey>) -> Self {
        Self {
            first: admin,
            recovery,
            successions: Vec::new(),
            revoked: BTreeMap::new(),
        }
    }

    /// That of a network at its beginning.
    pub fn at_genesis(content: &GenesisContent) -> Self {
        Self::new(content.tracker, content.params.recovery)
    }

    /// The admin key of now.
    pub fn admin(&self) -> PublicKey {
        self.successions.last().map_or(self.first, |last| last.key)
    }

    /// The number of the word that made the admin key of now one: what it signs counts if it is numbered after that.
    /// `None` as long as nobody has succeeded.
    pub fn since(&self) -> Option<Timestamp> {
        self.successions.last().map(|last| last.number)
    }

    /// Up to which number rights of this key were taken back.
    pub fn revoked_until(&self, delegate: &PublicKey) -> Option<Timestamp> {
        self.revoked.get(delegate).copied()
    }

    /// Whose admin key it was for what has this number: a change counts for what is numbered after it.
    pub fn admin_at(&self, number: Timestamp) -> PublicKey {
        let before = self.successions.iter().rev().find(|s| s.number < number);
        before.map_or(self.first, |last| last.key)
    }

    /// Whether a statement is by who may say it.
    ///
    /// # Errors
    /// [`AuthorityError::NotAdmin`].
    pub fn allows(&self, signed: &SignedStatement) -> Result<(), AuthorityError> {
        let (by, admin) = (signed.by, self.admin_at(signed.statement.number));
        let recovers =
            matches!(signed.statement.act, Act::Succeed { .. }) && self.recovery == Some(by);
        if by == admin || recovers {
            Ok(())
        } else {
            Err(AuthorityError::NotAdmin { by, admin })
        }
    }

    /// Takes up what a statement changes in whose word counts; whether it changed anything. Its signature
    /// was checked.
    ///
    /// # Errors
    /// As [`Authority::allows`], and [`AuthorityError::TooManySuccessions`].
    pub fn take(&mut self, signed: &SignedStatement) -> Result<bool, AuthorityError> {
        self.allows(signed)?;
        let (by, number) = (signed.by, signed.statement.number);
        match signed.statement.act {
            Act::Succeed { key } => self.succeed(Succession { number, key, by }),
            Act::Revoke { key } => Ok(self.revoke(key, number)),
            _ => Ok(false),
        }
    }

    fn succeed(&mut self, new: Succession) -> Result<bool, AuthorityError> {
        let recovers = |s: &Succession| self.recovery == Some(s.by);
        let mut said = self.successions.clone();
        if said.contains(&new) {
            return Ok(false);
        }
        if said.len() == MAX_SUCCESSIONS {
            let other = said.iter().position(|s| !recovers(s));
            match other.filter(|_| recovers(&new)) {
                Some(at) => drop(said.remove(at)),
                None => return Err(AuthorityError::TooManySuccessions),
            }
        }
        said.push(new);
        // At equal numbers the recovery key outranks the admin's, which may have been stolen.
        said.sort_by_key(|s| (s.number, recovers(s), s.key.0));
        let mut admin = self.first;
        said.retain(|s| {
            let counts = recovers(s) || s.by == admin;
            if counts {
                admin = s.key;
            }
            counts
        });
        let changed = said != self.successions;
        self.successions = said;
        Ok(changed)
    }

    fn revoke(&mut self, delegate: PublicKey, number: Timestamp) -> bool {
        let known = self.revoked.get(&delegate);
        if known.is_some_and(|known| *known >= number) {
            return false;
        }
        self.revoked.insert(delegate, number);
        if self.revoked.len() > MAX_REVOKED {
            let oldest = self
                .revoked
                .iter()
                .min_by_key(|(key, number)| (**number, key.0));
            let oldest = oldest.map(|(key, _)| *key);
            oldest.map(|key| self.revoked.remove(&key));
        }
        true
    }

    /// Whether this key spoke for the network once and does no more.
    pub fn is_former(&self, key: &PublicKey) -> bool {
        let spoke = self.first == *key || self.successions.iter().any(|s| s.key == *key);
        spoke && self.admin() != *key
    }

    /// Whether a right of this key was taken back, whatever it was given since.
    pub fn was_revoked(&self, key: &PublicKey) -> bool {
        self.revoked.contains_key(key)
    }

    /// Whether a tracker may still stand for the network by this right: `None` if it needs none, because it
    /// speaks for the network itself.
    pub fn stands(&self, tracker: &PublicKey, right: Option<&Delegation>) -> bool {
        match right {
            None => self.admin() == *tracker,
            Some(right) => {
                let said = &right.statement;
                said.delegate == *tracker
                    && said.admin == self.admin_at(said.serial)
                    && !self.has_revoked(right)
            }
        }
    }

    /// Whether a delegation was withdrawn.
    pub fn has_revoked(&self, delegation: &Delegation) -> bool {
        let said = &delegation.statement;
        self.revoked_until(&said.delegate) >= Some(said.serial)
    }
}

#[cfg(test)]
mod tests;
