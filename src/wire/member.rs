//! Members: what one says of itself, and what the tracker says of it.

use crate::canonical;
use crate::chain::Timestamp;
use crate::keys::{PublicKey, SealingKey, SecretKey, Signature, SignatureError, verify};
use crate::membership::address::addresses;
use crate::membership::{Address, MemberName};
use serde::{Deserialize, Serialize};

/// Context of the hash that a member signs in its record.
pub const RECORD_CONTEXT: &str = "raclette 2026-11 member record";
/// Context of the hash that a member signs to leave.
pub const LEAVE_CONTEXT: &str = "raclette 2026-11 member leaves";
/// Most addresses of one member: one for each network it can be reached from, and some to spare.
pub const MAX_ADDRESSES: usize = 8;

/// A number that the tracker gives a member; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub u32);

/// What a member says of itself:
/// `[tracker, sequence, name, key, sealing_key, addresses]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatement {
    /// Key of the tracker it is for: on another network it says nothing.
    pub tracker: PublicKey,
    /// Greater than in every earlier statement of the same key: older ones are refused.
    pub sequence: u64,
    /// What it wants to be called.
    pub name: MemberName,
    /// Its signing key: what it is.
    pub key: PublicKey,
    /// Notes for it are sealed with this.
    pub sealing_key: SealingKey,
    /// Where it can be dialled, each address once; empty if nowhere.
    #[serde(deserialize_with = "addresses::<MAX_ADDRESSES, _>")]
    pub addresses: Vec<Address>,
}

impl MemberStatement {
    /// Signs it with the key it names.
    pub fn sign(self, key: &SecretKey) -> MemberRecord {
        let signature = key.sign(&blake3::derive_key(
            RECORD_CONTEXT,
            &canonical::encode(&self),
        ));
        MemberRecord {
            statement: self,
            signature,
        }
    }
}

/// A statement and its signature: `[statement, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// What is said.
    pub statement: MemberStatement,
    /// By the key in it.
    pub signature: Signature,
}

impl MemberRecord {
    /// Whether the named key signed it.
    pub fn check(&self) -> Result<(), SignatureError> {
        let digest = blake3::derive_key(RECORD_CONTEXT, &canonical::encode(&self.statement));
        verify(&self.statement.key, &digest, &self.signature)
    }
}

/// A member's word that it leaves for good: `[tracker, key, sequence, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Key of the tracker it is said to.
    pub tracker: PublicKey,
    /// Who leaves.
    pub key: PublicKey,
    /// Greater than in the member's last record.
    pub sequence: u64,
    /// By `key`.
    pub signature: Signature,
}

impl Leaving {
    /// Signs that the owner of `key` leaves.
    pub fn sign(tracker: PublicKey, sequence: u64, key: &SecretKey) -> Self {
        let public = key.public_key();
        let digest = Self::digest(&tracker, &public, sequence);
        Self {
            tracker,
            key: public,
            sequence,
            signature: key.sign(&digest),
        }
    }

    /// Whether the named key signed it.
    pub fn check(&self) -> Result<(), SignatureError> {
        let digest = Self::digest(&self.tracker, &self.key, self.sequence);
        verify(&self.key, &digest, &self.signature)
    }

    fn digest(tracker: &PublicKey, key: &PublicKey, sequence: u64) -> [u8; 32] {
        blake3::derive_key(LEAVE_CONTEXT, &canonical::encode(&(tracker, key, sequence)))
    }
}

/// What the tracker tells of a member: `[id, record, live, reachable, since]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Number that the tracker gave the member.
    pub id: MemberId,
    /// What it says of itself.
    pub record: MemberRecord,
    /// Whether it answers at present, on its session or when dialled back.
    pub live: bool,
    /// Whether it answers under an address of its record: a member behind a router that lets nobody
    /// in is live and not reachable.
    pub reachable: bool,
    /// When it was first registered, by the tracker's clock.
    pub since: Timestamp,
}

/// As many addresses as a member may have, each as long as may be.
#[cfg(test)]
pub(crate) fn longest_addresses() -> Vec<Address> {
    let address = |n: usize| {
        let label = |length| "h".repeat(length);
        let host = [label(63), label(63), label(63), label(61)].join(".");
        format!("{host}:{}", 65_535 - n).parse()
    };
    let addresses = (0..MAX_ADDRESSES).map(address).collect::<Result<_, _>>();
    addresses.expect("each has the form")
}

#[cfg(test)]
mod tests;
