//! Other trackers with the right to issue, as they are ordered and shown.

use super::rfc3339;
use crate::chain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Give another tracker the right to issue certificates and invitations.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DelegateRequest {
    /// The address of its key.
    pub address: String,
    /// For how long from now on, in milliseconds; 30 days if it is left out, 89 at most.
    pub lasts_ms: Option<u64>,
}

/// Put another tracker in the place of this one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverRequest {
    /// The address of its key.
    pub address: String,
}

/// A statement that was signed elsewhere, with the recovery key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementRequest {
    /// Its canonical bytes, in hexadecimal digits.
    #[schema(pattern = "^([0-9a-f]{2})+$")]
    pub statement: String,
}

/// How a delegate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DelegateState {
    /// It may issue.
    Valid,
    /// Its time is over.
    Ended,
    /// The right was taken back, or given by who was not the admin.
    Revoked,
}

/// A tracker that was given the right to issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DelegateView {
    /// The address of its key.
    pub address: String,
    /// Whether the right counts.
    pub state: DelegateState,
    /// Whether it is there, and copies the register.
    pub copying: bool,
    /// When the right was given.
    #[serde(with = "rfc3339")]
    pub given: Timestamp,
    /// When it ends.
    #[serde(with = "rfc3339")]
    pub until: Timestamp,
    /// Whether it is this tracker itself.
    pub this_node: bool,
}

/// The trackers that were given the right to issue; a delegate knows of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DelegatesView {
    /// All of them.
    pub delegates: Vec<DelegateView>,
}
