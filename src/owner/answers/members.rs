//! Who is a member, by the ledger.

use super::{Cursor, TipView};
use crate::chain::Height;
use crate::membership::MemberName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A member, by the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerMember {
    /// What it is called.
    pub name: MemberName,
    /// Its key.
    pub address: String,
    /// Since which block it is a member without a break.
    pub since_height: Height,
    /// Since which block it is called so.
    pub named_height: Height,
    /// Whether it is this node's owner.
    pub this_node: bool,
}

/// Those who are members after a block, in the order in which they first joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerMembersView {
    /// Some of them.
    pub members: Vec<LedgerMember>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
    /// After the block at this height.
    pub at: Height,
    /// The end of the chain.
    pub tip: TipView,
}
