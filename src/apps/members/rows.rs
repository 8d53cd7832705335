//! What the ledger keeps of members, and how it is read.

use crate::canonical;
use crate::chain::application::Rows;
use crate::chain::{GenesisContent, Height, Internal, Timestamp};
use crate::keys::{PublicKey, SealingKey};
use crate::membership::{Act, Authority, MemberName, SignedStatement};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A key that ever was a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Its place in the list of all that ever were, from 0.
    pub index: u32,
    /// How many intervals it has.
    pub intervals: u32,
    /// When it last took a name.
    pub named_at: Height,
    /// Key of the invitation that it came by last, if it came by one.
    pub invitation: Option<PublicKey>,
    /// Whether it came by an invitation before, and so had the network's gift.
    pub gifted: bool,
}

/// A time in which a key was a member under one name: from the block at `from` on, until the one at
/// `until`, which took it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Since when it has been a member without a break.
    pub since: Height,
    /// First height with this name.
    pub from: Height,
    /// First height without.
    pub until: Option<Height>,
    /// What it was called.
    pub name: MemberName,
    /// What notes for it are sealed with.
    pub sealing_key: SealingKey,
}

impl Interval {
    /// One as it is kept: the value of a row whose key begins with [`INTERVALS`].
    ///
    /// # Errors
    /// It is damaged.
    pub fn read(value: &[u8]) -> Result<Self, Internal> {
        decoded(value)
    }

    /// Whether its key was a member after the block at this height.
    pub fn covers(&self, height: Height) -> bool {
        self.from <= height && self.until.is_none_or(|until| height < until)
    }
}

fn decoded<T: DeserializeOwned + Serialize>(value: &[u8]) -> Result<T, Internal> {
    let damaged = |error| Internal(format!("a row of members is damaged: {error}"));
    canonical::decode(value).map_err(damaged)
}

/// Whose a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRow {
    /// Whose.
    pub owner: PublicKey,
    /// Since when.
    pub since: Height,
    /// Number of the statement by which it came to that key; 0 if it took the name itself.
    pub number: Timestamp,
}

/// What was said about a key; also about one that never joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Certificates with a serial not above this are void.
    pub void: Timestamp,
    /// Number of the last statement that put it out.
    pub expelled: Option<Timestamp>,
    /// Number of the last statement that lets it back in.
    pub readmitted: Option<Timestamp>,
}

impl Standing {
    /// Whether it is put out: at equal numbers it is.
    pub fn is_out(&self) -> bool {
        self.expelled.is_some() && self.expelled >= self.readmitted
    }
}

/// What the keys of the rows begin with that have the times in which keys were members.
pub const INTERVALS: &[u8] = b"t";

/// Names of rows: a letter, then what it is about.
pub(super) mod key {
    use crate::keys::PublicKey;
    use crate::membership::{MemberName, SignedStatement};

    /// Who speaks for the network.
    pub(in super::super) const AUTHORITY: &[u8] = b"a";
    /// How many keys ever were members.
    pub(in super::super) const COUNT: &[u8] = b"c";
    /// Joins without an invitation in the last block that had any.
    pub(in super::super) const UNINVITED: &[u8] = b"u";

    pub(in super::super) fn member(key: &PublicKey) -> Vec<u8> {
        [b"m", key.0.as_slice()].concat()
    }

    pub(in super::super) fn interval(key: &PublicKey, number: u32) -> Vec<u8> {
        [super::INTERVALS, &key.0, &number.to_be_bytes()].concat()
    }

    pub(in super::super) fn listed(index: u32) -> Vec<u8> {
        [b"l", index.to_be_bytes().as_slice()].concat()
    }

    pub(in super::super) fn name(name: &MemberName) -> Vec<u8> {
        [b"n", name.as_str().as_bytes()].concat()
    }

    /// At which height a statement was taken, by its signature.
    pub(in super::super) fn said(signed: &SignedStatement) -> Vec<u8> {
        // A half of it names it as well as the whole.
        [b"d", &signed.signature.0[..32]].concat()
    }

    pub(in super::super) fn standing(key: &PublicKey) -> Vec<u8> {
        [b"s", key.0.as_slice()].concat()
    }

    pub(in super::super) fn invitation(key: &PublicKey) -> Vec<u8> {
        [b"i", key.0.as_slice()].concat()
    }
}

/// What the ledger says of members, read from their rows.
#[derive(Clone, Copy)]
pub struct View<'a>(&'a dyn Rows);

impl<'a> View<'a> {
    /// Over the rows of the topic `members`.
    pub fn new(rows: &'a dyn Rows) -> Self {
        Self(rows)
    }

    pub(super) fn read<T: DeserializeOwned + Serialize>(
        &self,
        key: &[u8],
    ) -> Result<Option<T>, Internal> {
        let bytes = self.0.get(key)?;
        bytes.map(|bytes| decoded(&bytes)).transpose()
    }

    /// Who speaks for the network that `genesis` began.
    pub fn authority(&self, genesis: &GenesisContent) -> Result<Authority, Internal> {
        let stored = self.read(key::AUTHORITY)?;
        Ok(stored.unwrap_or_else(|| Authority::at_genesis(genesis)))
    }

    /// How many keys ever were members.
    pub fn count(&self) -> Result<u32, Internal> {
        Ok(self.read(key::COUNT)?.unwrap_or(0))
    }

    /// The key at a place in the list of all that ever were members.
    pub fn listed(&self, index: u32) -> Result<Option<PublicKey>, Internal> {
        self.read(&key::listed(index))
    }

    /// What is kept of a key that ever was a member.
    pub fn member(&self, key: &PublicKey) -> Result<Option<MemberRow>, Internal> {
        self.read(&key::member(key))
    }

    /// Whose a name is.
    pub fn named(&self, name: &MemberName) -> Result<Option<NameRow>, Internal> {
        self.read(&key::name(name))
    }

    /// What was said about a key.
    pub fn standing(&self, key: &PublicKey) -> Result<Standing, Internal> {
        Ok(self.read(&key::standing(key))?.unwrap_or_default())
    }

    /// How many joined by an invitation.
    pub fn uses(&self, invitation: &PublicKey) -> Result<u32, Internal> {
        Ok(self.read(&key::invitation(invitation))?.unwrap_or(0))
    }

    /// In which block a statement was taken, if it is on the ledger and did something there.
    pub fn said_at(&self, signed: &SignedStatement) -> Result<Option<Height>, Internal> {
        self.read(&key::said(signed))
    }

    /// Whether a statement, or what outranks it, is on the ledger, or would do nothing there.
    pub fn holds(
        &self,
        signed: &SignedStatement,
        genesis: &GenesisContent,
    ) -> Result<bool, Internal> {
        let number = signed.statement.number;
        Ok(match &signed.statement.act {
            Act::Expel { key, .. } => {
                let standing = self.standing(key)?;
                standing.expelled >= Some(number) || standing.readmitted > Some(number)
            }
            Act::Readmit { key } => {
                let standing = self.standing(key)?;
                !standing.is_out() || standing.expelled >= Some(number)
            }
            Act::Reassign { name, key } => {
                let row = self.named(name)?;
                row.is_none_or(|row| row.number >= number || row.owner == *key)
            }
            Act::Succeed { .. } | Act::Revoke { .. } => {
                self.authority(genesis)?.take(signed) != Ok(true)
            }
        })
    }

    pub(super) fn interval(&self, key: &PublicKey, number: u32) -> Result<Interval, Internal> {
        let interval = self.read(&key::interval(key, number))?;
        interval.ok_or_else(|| Internal(format!("interval {number} of member {key} is missing")))
    }

    /// The time in which a key is a member now, if it is one.
    pub fn current(&self, key: &PublicKey) -> Result<Option<Interval>, Internal> {
        let Some(last) = self
            .member(key)?
            .and_then(|row| row.intervals.checked_sub(1))
        else {
            return Ok(None);
        };
        let interval = self.interval(key, last)?;
        Ok(Some(interval).filter(|interval| interval.until.is_none()))
    }

    /// The name under which a key is, or was last, a member.
    pub fn last_name(&self, key: &PublicKey) -> Result<Option<MemberName>, Internal> {
        let last = self
            .member(key)?
            .and_then(|row| row.intervals.checked_sub(1));
        let interval = last.map(|last| self.interval(key, last)).transpose()?;
        Ok(interval.map(|interval| interval.name))
    }

    /// The time to which a height belongs, if the key was a member after the block at that height.
    pub fn member_at(&self, key: &PublicKey, height: Height) -> Result<Option<Interval>, Internal> {
        let count = self.member(key)?.map_or(0, |row| row.intervals);
        // The last one that had begun by then.
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.interval(key, middle)?.from <= height {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(number) = low.checked_sub(1) else {
            return Ok(None);
        };
        let interval = self.interval(key, number)?;
        Ok(Some(interval).filter(|one| one.covers(height)))
    }
}
