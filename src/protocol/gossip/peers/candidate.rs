//! Who may be connected with, and what becomes of who wants to be.

use crate::keys::PublicKey;
use crate::wire::Member;

/// What becomes of a stranger who dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may begin its handshake.
    Welcome,
    /// It may, in the place of the stranger who has been at it for longest: an honest handshake is
    /// over in milliseconds, so that somebody who holds all places keeps nobody out.
    InPlaceOfOldest,
    /// There are as many connections as there may be.
    Full,
}

/// Who dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// We did.
    Outgoing,
    /// The other did.
    Incoming,
}

/// What dialling a member promises, the best first. The word of the tracker only decides on the
/// order: whoever it calls away is dialled all the same when nobody better is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outlook {
    /// It answered under its address.
    Good,
    /// Nobody said.
    Unknown,
    /// It did not answer, or only on a session of its own.
    Poor,
}

impl Outlook {
    /// By what the tracker tells of a member.
    pub fn of(member: &Member) -> Self {
        if member.live && member.reachable {
            Self::Good
        } else {
            Self::Poor
        }
    }
}

/// A member that may be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Public key of the member: what it is on the ledger.
    pub key: PublicKey,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// What dialling it promises.
    pub outlook: Outlook,
    /// Since when it is a member, by the tracker's word, in ms since 1970.
    pub since: Option<u64>,
}
