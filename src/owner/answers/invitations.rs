//! Invitations as they are asked for and shown.

use super::{Cursor, rfc3339};
use crate::chain::Timestamp;
use serde::{Deserialize, Serialize};

/// Invite somebody.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// How many may join by it; one if it is left out.
    #[serde(default)]
    pub uses: Option<u32>,
    /// For how long from now on, in milliseconds; a day if it is left out.
    #[serde(default)]
    pub lasts_ms: Option<u64>,
}

/// A new invitation. Nobody can ask for it again: it is not kept.
#[derive(Clone, Serialize, Deserialize)]
pub struct InvitedView {
    /// What is handed over. Whoever has it can join.
    pub invitation: String,
    /// Its number at this tracker.
    pub id: u32,
    /// How many may join by it.
    pub uses: u32,
    /// When it ends.
    #[serde(with = "rfc3339")]
    pub expires: Timestamp,
}

/// Whether somebody can join by an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// Somebody can.
    Open,
    /// As many as it was for have joined.
    UsedUp,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

/// An invitation that was made, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitationView {
    /// Its number at this tracker.
    pub id: u32,
    /// Whether somebody can join by it.
    pub state: InvitationState,
    /// How many more may join by it.
    pub uses_left: u32,
    /// How many it is for.
    pub uses: u32,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub made: Timestamp,
    /// When it ends.
    #[serde(with = "rfc3339")]
    pub expires: Timestamp,
    /// When it was taken back.
    #[serde(with = "rfc3339::optional")]
    pub revoked: Option<Timestamp>,
}

/// Invitations, by number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitationsView {
    /// These.
    pub invitations: Vec<InvitationView>,
    /// Where the next page begins; `None` if there is none.
    pub next: Option<Cursor>,
}
