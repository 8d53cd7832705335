//! Who is a member, by the ledger.

use super::{Cursor, PersonView, StatementView, TipView};
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
    /// Whom the tracker names and who are not on the ledger yet, at its end: the first 50, with the first page of a
    /// list of now. None where members do not join there.
    pub not_yet: Vec<PersonView>,
    /// In what the tracker's word differs from the ledger at its end, as far as that was said.
    pub differs: Vec<DifferenceView>,
    /// What the admin has said, as far as this node has heard it: the last ones first, 50 at most.
    pub statements: Vec<StatementView>,
}

/// Something in which the tracker's word differs from the ledger. Nothing is settled by it: what to make of it
/// is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferenceView {
    /// `"not_on_ledger"` (the tracker names a member that is none on the ledger), `"not_told"` (the tracker keeps
    /// a member back), `"other_key"` (it puts another key under a name), `"stranger"` (somebody was certified
    /// whom neither knows).
    pub kind: String,
    /// Which name it is about, if about one.
    pub name: Option<MemberName>,
    /// Which key it is about: of two, the tracker's.
    pub address: String,
    /// The whole, for people.
    pub detail: String,
}

/// How a node stands on the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLedgerState {
    /// It is a member there.
    Member,
    /// Its join was sent and is not mined yet.
    Open,
    /// It is none, and no join is under way.
    None,
}

/// How a node stands on the ledger, and why not, if it could not join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OnLedgerView {
    /// How it stands.
    pub state: OnLedgerState,
    /// What the ledger has against its join: another has the name, say, or the invitation is used up.
    pub trouble: Option<String>,
}
