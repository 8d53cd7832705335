//! What the admin says to everybody, as it is ordered and shown.

use super::{InvitationView, rfc3339};
use crate::chain::{Height, Timestamp};
use crate::membership::statement::ActKind;
use crate::membership::{Act, MemberName, SignedStatement};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Put a member out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpelRequest {
    /// Its name, or an address.
    pub who: String,
    /// Why, for everybody to read; 200 bytes at most.
    pub reason: String,
}

/// Let somebody come back who was put out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadmitRequest {
    /// Its name, or an address.
    pub who: String,
}

/// Give the name of a member that has lost its wallet to another key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RekeyRequest {
    /// The name.
    pub name: MemberName,
    /// The address of the new key.
    pub address: String,
}

/// What the admin decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActView {
    /// A key is put out.
    Expel,
    /// A key may come back.
    Readmit,
    /// A name is another key's.
    Reassign,
    /// Another key is the network's admin.
    Succeed,
    /// A delegate may issue no more.
    Revoke,
}

impl From<ActKind> for ActView {
    fn from(kind: ActKind) -> Self {
        match kind {
            ActKind::Expel => Self::Expel,
            ActKind::Readmit => Self::Readmit,
            ActKind::Reassign => Self::Reassign,
            ActKind::Succeed => Self::Succeed,
            ActKind::Revoke => Self::Revoke,
        }
    }
}

/// A statement of the admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementView {
    /// What was decided.
    pub act: ActView,
    /// The name that it is about, or that the key it is about goes by, if one is known.
    pub name: Option<MemberName>,
    /// Whom it is about.
    pub address: String,
    /// Why somebody was put out.
    pub reason: Option<String>,
    /// When it was signed.
    #[serde(with = "rfc3339")]
    pub signed: Timestamp,
    /// By whom.
    pub by: String,
    /// In which block of the ledger it is; `None` if in none yet, if it was overtaken there, or at a tracker, which
    /// has no ledger.
    pub on_ledger: Option<Height>,
}

impl StatementView {
    /// That of a statement about a key that goes by this name.
    pub(in crate::owner) fn new(signed: &SignedStatement, name: Option<MemberName>) -> Self {
        let act = &signed.statement.act;
        let (reason, name) = match act {
            Act::Expel { reason, .. } => (Some(reason.as_str().to_owned()), name),
            Act::Reassign { name, .. } => (None, Some(name.clone())),
            Act::Readmit { .. } | Act::Succeed { .. } | Act::Revoke { .. } => (None, name),
        };
        Self {
            act: act.kind().into(),
            name,
            address: act.key().to_address(),
            reason,
            signed: signed.statement.number,
            by: signed.by.to_address(),
            on_ledger: None,
        }
    }
}

/// What the admin has just said: it is signed, kept, and told. Members write it on the ledger.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SaidView {
    /// What was signed, in its order: what was ordered comes last.
    pub statements: Vec<StatementView>,
    /// How many members were told at once; the others are when they come.
    pub told: usize,
    /// By which invitations whoever is put out came, as far as this tracker knows: somebody else may come by
    /// them, too.
    pub invitations: Vec<InvitationView>,
}
