//! The tracker's word against the ledger.
//!
//! Who is a member is a fact on the ledger, which everybody derives alike; the tracker introduces, certifies and
//! tells who is there. It can invent members, keep some back, put another key under a name, and certify whom it
//! likes. None of that can be prevented by whoever hears it, but all of it can be seen, because the ledger says
//! otherwise. What differs is said once, with names, and never settled in silence: what to make of it is for people.

use crate::chain::Height;
use crate::keys::PublicKey;
use crate::membership::MemberName;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// For how many blocks the two may differ about who is a member, before it is said: joins and leaves have to be
/// mined, and at most 64 joins without an invitation fit a block.
pub const TOLERATED_BLOCKS: u64 = 120;
/// For how many blocks they may differ about whose a name is: so deep the ledger's word is settled.
pub const NAME_TOLERATED_BLOCKS: u64 = 12;
/// Most differences that are held. A tracker that invents more is known for what it is.
pub const MAX_DIFFERENCES: usize = 1_000;

/// In what the tracker's word and the ledger differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The tracker names a member that is none on the ledger.
    NotOnLedger {
        /// As the tracker calls it.
        name: MemberName,
        /// Whose.
        key: PublicKey,
    },
    /// The ledger has a member that the tracker does not name.
    NotTold {
        /// As the ledger calls it.
        name: MemberName,
        /// Whose.
        key: PublicKey,
    },
    /// The tracker puts another key under a name than the ledger does.
    OtherKey {
        /// Which name.
        name: MemberName,
        /// The tracker's.
        told: PublicKey,
        /// The ledger's.
        ledger: PublicKey,
    },
    /// Somebody was certified of whom neither the tracker nor the ledger knows.
    Stranger {
        /// Who.
        key: PublicKey,
    },
}

impl Difference {
    /// For how many blocks it may be so before it is said.
    fn tolerated(&self) -> u64 {
        match self {
            Self::OtherKey { .. } => NAME_TOLERATED_BLOCKS,
            Self::NotOnLedger { .. } | Self::NotTold { .. } | Self::Stranger { .. } => {
                TOLERATED_BLOCKS
            }
        }
    }

    /// A word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotOnLedger { .. } => "not_on_ledger",
            Self::NotTold { .. } => "not_told",
            Self::OtherKey { .. } => "other_key",
            Self::Stranger { .. } => "stranger",
        }
    }

    /// Which name it is about, if it is about one.
    pub fn name(&self) -> Option<&MemberName> {
        match self {
            Self::NotOnLedger { name, .. }
            | Self::NotTold { name, .. }
            | Self::OtherKey { name, .. } => Some(name),
            Self::Stranger { .. } => None,
        }
    }

    /// Which key it is about: of two, the tracker's.
    pub fn key(&self) -> PublicKey {
        match self {
            Self::NotOnLedger { key, .. }
            | Self::NotTold { key, .. }
            | Self::OtherKey { told: key, .. }
            | Self::Stranger { key } => *key,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOnLedger { name, key } => write!(
                f,
                "the tracker names {name} ({}) as a member, and for {TOLERATED_BLOCKS} blocks the ledger has not",
                key.to_address()
            ),
            Self::NotTold { name, key } => write!(
                f,
                "{name} ({}) is a member by the ledger, and for {TOLERATED_BLOCKS} blocks the tracker has not named it",
                key.to_address()
            ),
            Self::OtherKey { name, told, ledger } => write!(
                f,
                "the tracker says that {name} is {}, the ledger says {}: ask {name} on another way before you send it \
                 anything",
                told.to_address(),
                ledger.to_address()
            ),
            Self::Stranger { key } => write!(
                f,
                "{} showed a certificate of membership, and for {TOLERATED_BLOCKS} blocks neither the tracker nor the \
                 ledger has known it",
                key.to_address()
            ),
        }
    }
}

/// What both say at one tip, this node itself left out.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The height of the tip.
    pub height: Height,
    /// Whether the tracker is there: what it does not say while it is away means nothing.
    pub tracker_there: bool,
    /// Whether members join on the ledger in this network.
    pub joins: bool,
    /// Whom the tracker names; also twice under one name, if it does.
    pub told: Vec<(MemberName, PublicKey)>,
    /// Who has shown a certificate in a session that lasts.
    pub met: Vec<PublicKey>,
    /// Whose the names are on the ledger, as far as the tracker uses them.
    pub owners: BTreeMap<MemberName, PublicKey>,
    /// Who is a member on the ledger.
    pub members: BTreeMap<PublicKey, MemberName>,
}

impl Look {
    /// Whether either of them knows this key.
    fn knows(&self, key: &PublicKey) -> bool {
        self.members.contains_key(key) || self.told.iter().any(|(_, told)| told == key)
    }

    /// All in which the two differ.
    fn differences(&self) -> BTreeSet<Difference> {
        let mut found = BTreeSet::new();
        let mut told_keys = BTreeSet::new();
        for (name, key) in &self.told {
            told_keys.insert(*key);
            match self.owners.get(name) {
                Some(owner) if owner != key => {
                    found.insert(Difference::OtherKey {
                        name: name.clone(),
                        told: *key,
                        ledger: *owner,
                    });
                }
                _ if self.joins && !self.members.contains_key(key) => {
                    let (name, key) = (name.clone(), *key);
                    found.insert(Difference::NotOnLedger { name, key });
                }
                _ => {}
            }
        }
        let unknown = |key: &&PublicKey| self.joins && !self.knows(key);
        let strangers = self.met.iter().filter(unknown);
        found.extend(strangers.map(|key| Difference::Stranger { key: *key }));
        if self.tracker_there {
            let kept_back = self
                .members
                .iter()
                .filter(|(key, _)| !told_keys.contains(*key));
            found.extend(kept_back.map(|(key, name)| Difference::NotTold {
                name: name.clone(),
                key: *key,
            }));
        }
        found
    }
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// They differ in this.
    Differs(Difference),
    /// They do no longer.
    Agrees(Difference),
}

/// A difference that was found.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// At which height first.
    since: Height,
    /// At which height last.
    last: Height,
    said: bool,
}

/// The machine.
#[derive(Debug, Default)]
pub struct TrackerWord {
    found: BTreeMap<Difference, Found>,
}

impl TrackerWord {
    /// Looks at both: what is to be said for the first time.
    pub fn look(&mut self, look: &Look) -> Vec<Word> {
        let now = look.differences();
        let mut words = Vec::new();
        self.found.retain(|difference, found| {
            let may_end = match difference {
                // A tracker that is away takes back nothing.
                Difference::NotTold { .. } => look.tracker_there,
                // Whoever goes and comes is a stranger still, until it is known or stays away.
                Difference::Stranger { key } => {
                    let absent = look.height.0.saturating_sub(found.last.0);
                    absent >= TOLERATED_BLOCKS || look.knows(key)
                }
                Difference::NotOnLedger { .. } | Difference::OtherKey { .. } => true,
            };
            let is_so = now.contains(difference);
            if is_so {
                found.last = look.height;
            }
            let stays = is_so || !may_end;
            if !stays && found.said {
                words.push(Word::Agrees(difference.clone()));
            }
            stays
        });
        for difference in now {
            if self.found.len() >= MAX_DIFFERENCES && !self.found.contains_key(&difference) {
                break;
            }
            let fresh = Found {
                since: look.height,
                last: look.height,
                said: false,
            };
            let found = self.found.entry(difference.clone()).or_insert(fresh);
            let blocks = look.height.0.saturating_sub(found.since.0);
            if !found.said && blocks >= difference.tolerated() {
                found.said = true;
                words.push(Word::Differs(difference));
            }
        }
        words
    }

    /// What was said and is so still.
    pub fn standing(&self) -> impl Iterator<Item = &Difference> {
        let said = self.found.iter().filter(|(_, found)| found.said);
        said.map(|(difference, _)| difference)
    }
}

#[cfg(test)]
mod tests;
