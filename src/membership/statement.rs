//! What the admin says to everybody: who is put out and who may come back, whose key or whose place is
//! another's from now on.

use super::{Authority, AuthorityError, MAX_NUMBER_AHEAD_MS, MemberName, digest, item};
use crate::canonical::{CappedText, coded};
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureError, SignatureItem, verify};
use crate::readable::in_words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Context of the hash that the admin signs in a statement.
pub const STATEMENT_CONTEXT: &str = "raclette 2026-11 admin statement";
/// Longest reason of an expulsion, in bytes: a sentence or two.
pub const MAX_EXPULSION_REASON: usize = 200;

/// Why somebody was put out, in words.
pub type ExpulsionReason = CappedText<MAX_EXPULSION_REASON>;

coded! {
    /// Kinds of acts.
    pub enum ActKind, "no act" {
        /// A member is put out.
        1 Expel,
        /// It may come back.
        2 Readmit,
        /// A name goes to another key.
        3 Reassign,
        /// Another key is the admin's.
        4 Succeed,
        /// A delegate may issue no more.
        5 Revoke,
    }
}

/// What the admin decides: `[kind, key, name, reason]`. An expulsion has a reason, what hands on a name
/// that name, and nothing else has either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ActForm", try_from = "ActForm")]
pub enum Act {
    /// The key is put out. All its certificates with a serial not above the statement's number are void.
    Expel {
        /// Whose.
        key: PublicKey,
        /// Shown to everybody.
        reason: ExpulsionReason,
    },
    /// The key may come back. It is no member by this alone: it needs a certificate issued afterwards.
    Readmit {
        /// Whose.
        key: PublicKey,
    },
    /// A member has lost its key: the name is another key's from now on, the former one is out.
    Reassign {
        /// Which name.
        name: MemberName,
        /// Whose it is.
        key: PublicKey,
    },
    /// What is numbered after this is signed with another admin key. The recovery key may say so, too.
    Succeed {
        /// The new admin key.
        key: PublicKey,
    },
    /// The delegations of this key with a serial not above the statement's number are void.
    Revoke {
        /// The delegate.
        key: PublicKey,
    },
}

/// An act as it is written.
#[derive(Serialize, Deserialize)]
struct ActForm(
    ActKind,
    PublicKey,
    Option<MemberName>,
    Option<ExpulsionReason>,
);

impl From<Act> for ActForm {
    fn from(act: Act) -> Self {
        let kind = act.kind();
        match act {
            Act::Expel { key, reason } => Self(kind, key, None, Some(reason)),
            Act::Reassign { name, key } => Self(kind, key, Some(name), None),
            Act::Readmit { key } | Act::Succeed { key } | Act::Revoke { key } => {
                Self(kind, key, None, None)
            }
        }
    }
}

impl TryFrom<ActForm> for Act {
    type Error = String;

    fn try_from(form: ActForm) -> Result<Self, String> {
        match form {
            ActForm(ActKind::Expel, key, None, Some(reason)) => Ok(Self::Expel { key, reason }),
            ActForm(ActKind::Readmit, key, None, None) => Ok(Self::Readmit { key }),
            ActForm(ActKind::Reassign, key, Some(name), None) => Ok(Self::Reassign { name, key }),
            ActForm(ActKind::Succeed, key, None, None) => Ok(Self::Succeed { key }),
            ActForm(ActKind::Revoke, key, None, None) => Ok(Self::Revoke { key }),
            ActForm(kind, ..) => Err(format!("an act {kind:?} has other fields")),
        }
    }
}

impl Act {
    /// Which kind.
    pub fn kind(&self) -> ActKind {
        match self {
            Self::Expel { .. } => ActKind::Expel,
            Self::Readmit { .. } => ActKind::Readmit,
            Self::Reassign { .. } => ActKind::Reassign,
            Self::Succeed { .. } => ActKind::Succeed,
            Self::Revoke { .. } => ActKind::Revoke,
        }
    }

    /// The key it is about.
    pub fn key(&self) -> PublicKey {
        match self {
            Self::Expel { key, .. }
            | Self::Readmit { key }
            | Self::Reassign { key, .. }
            | Self::Succeed { key }
            | Self::Revoke { key } => *key,
        }
    }
}

/// What whoever is told of it reads.
impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expel { reason, .. } => {
                write!(f, "the admin of the network has put this key out: {reason}")
            }
            Self::Readmit { .. } => f.write_str("the admin of the network lets this key come back"),
            Self::Reassign { name, .. } => write!(f, "the name {name} has another key"),
            Self::Succeed { .. } => f.write_str("the network has another admin key"),
            Self::Revoke { .. } => f.write_str("a delegate may issue no more"),
        }
    }
}

/// A decision, where it counts, and its number: `[network, number, act]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// On which network.
    pub network: NetworkId,
    /// When it was made (ms since 1970), or one more than the admin's last, if that is greater. Of what
    /// is said of one key, the greatest number counts; at equal numbers *out* does.
    pub number: Timestamp,
    /// What was decided.
    pub act: Act,
}

impl Statement {
    /// Signs it with the admin key, or with the recovery key.
    pub fn sign(self, key: &SecretKey) -> SignedStatement {
        let signature = key.sign(&digest(STATEMENT_CONTEXT, &self));
        SignedStatement {
            by: key.public_key(),
            statement: self,
            signature,
        }
    }
}

/// A statement, who signed it, and the signature: `[statement, by, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedStatement {
    /// What is said.
    pub statement: Statement,
    /// Who says so.
    pub by: PublicKey,
    /// By that key.
    pub signature: Signature,
}

/// Why a statement does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is about another network.
    #[error("the admin's statement is for network {0}, which is not this one")]
    OtherNetwork(NetworkId),
    /// Its number is that of another day.
    #[error(
        "the admin's statement has the number of {} from now: more than {} ahead is not taken",
        in_words(*.0),
        in_words(MAX_NUMBER_AHEAD_MS)
    )]
    TooFarAhead(u64),
    /// Who signed it may not.
    #[error("the admin's statement does not count: {0}")]
    Authority(#[from] AuthorityError),
    /// Whoever is named did not sign it.
    #[error("the admin's statement is not signed by {by}: {reason}")]
    Forged {
        /// Who should have.
        by: PublicKey,
        /// What is wrong with the signature.
        reason: SignatureError,
    },
}

impl SignedStatement {
    /// What is to be checked of its signature.
    pub fn signature_item(&self) -> SignatureItem {
        item(STATEMENT_CONTEXT, &self.statement, self.by, self.signature)
    }

    /// Whether its number is too far ahead of the time `now` for it to count yet.
    pub fn is_early(&self, now: Timestamp) -> bool {
        self.statement.number.since(now) > MAX_NUMBER_AHEAD_MS
    }

    /// Whether it counts on `network` at the time `now`, but for its signature.
    ///
    /// # Errors
    /// By variant of [`StatementError`], in its order.
    pub fn check_right(
        &self,
        authority: &Authority,
        network: &NetworkId,
        now: Timestamp,
    ) -> Result<(), StatementError> {
        if self.statement.network != *network {
            return Err(StatementError::OtherNetwork(self.statement.network));
        }
        if self.is_early(now) {
            let ahead = self.statement.number.since(now);
            return Err(StatementError::TooFarAhead(ahead));
        }
        Ok(authority.allows(self)?)
    }

    /// Whether it counts on `network` at the time `now`.
    ///
    /// # Errors
    /// As [`SignedStatement::check_right`], then [`StatementError::Forged`].
    pub fn check(
        &self,
        authority: &Authority,
        network: &NetworkId,
        now: Timestamp,
    ) -> Result<(), StatementError> {
        self.check_right(authority, network, now)?;
        let signed = verify(
            &self.by,
            &digest(STATEMENT_CONTEXT, &self.statement),
            &self.signature,
        );
        signed.map_err(|reason| StatementError::Forged {
            by: self.by,
            reason,
        })
    }
}

#[cfg(test)]
mod tests;
