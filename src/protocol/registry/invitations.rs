//! Invitations: who may join whom the tracker has never seen.
//!
//! An invitation is complete in itself: its issuer's signature says for whom and until when it counts. What
//! is kept here is what the signature can't say: how often it was used, and that it was revoked. So one that
//! this tracker has forgotten, or that was made before it first ran, lets somebody in all the same.

use super::members::Refusal;
use crate::canonical;
use crate::chain::{Internal, NetworkId, Timestamp};
use crate::keys::{PublicKey, verify};
use crate::membership::invitation::{InvitationError, invited_item};
use crate::membership::{Authority, Invitation};
use crate::protocol::Row;
use crate::wire::MemberStatement;
use crate::wire::message::{Invited, RefusalCode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// First byte of the keys of invitations' rows; the number follows, big-endian.
pub(super) const INVITATION_ROW: u8 = 5;
/// Most invitations that are kept, as many as there may be members. The ones that have ended make room.
pub const MAX_INVITATIONS: usize = 10_000;

/// Number of an invitation at its tracker, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InvitationId(pub u32);

/// What is kept of an invitation: `[invitation, used, revoked]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What was signed.
    pub invitation: Invitation,
    /// How many joined by it.
    pub used: u32,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

impl Kept {
    /// How many may still join by it at this time.
    pub fn left(&self, now: Timestamp) -> u32 {
        let said = &self.invitation.statement;
        match self.revoked.is_some() || now >= said.expires {
            true => 0,
            false => said.uses.saturating_sub(self.used),
        }
    }
}

/// All that are known.
#[derive(Debug, Default)]
pub(super) struct Invitations {
    by_id: BTreeMap<InvitationId, Kept>,
    by_key: HashMap<PublicKey, InvitationId>,
    /// What copies of the register have not been told yet.
    changed: BTreeSet<InvitationId>,
}

impl Invitations {
    /// Takes up a stored row; `key` without its first byte.
    pub(super) fn open_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        let id = key.try_into().map(u32::from_be_bytes);
        let id = id.map_err(|_| {
            Internal("the register holds an invitation without a number".to_owned())
        })?;
        let kept: Kept = canonical::decode(value)
            .map_err(|e| Internal(format!("the register's invitation {id} is damaged: {e}")))?;
        self.by_key
            .insert(kept.invitation.statement.key, InvitationId(id));
        self.by_id.insert(InvitationId(id), kept);
        Ok(())
    }

    /// Those behind this number.
    pub(super) fn after(
        &self,
        after: Option<InvitationId>,
    ) -> impl Iterator<Item = (InvitationId, &Kept)> {
        let from = InvitationId(after.map_or(0, |after| after.0.saturating_add(1)));
        self.by_id.range(from..).map(|(id, kept)| (*id, kept))
    }

    /// The one of this number.
    pub(super) fn get(&self, id: InvitationId) -> Option<&Kept> {
        self.by_id.get(&id)
    }

    /// The number of the invitation with this key.
    pub(super) fn id_of(&self, key: &PublicKey) -> Option<InvitationId> {
        self.by_key.get(key).copied()
    }

    /// Keeps one that is not kept yet; `None` if there is no room.
    pub(super) fn keep(
        &mut self,
        invitation: Invitation,
        now: Timestamp,
    ) -> Option<(InvitationId, Vec<Row>)> {
        let mut rows = Vec::new();
        if self.by_id.len() >= MAX_INVITATIONS {
            rows.push(self.forget_ended(now)?);
        }
        let last = self.by_id.last_key_value().map_or(0, |(id, _)| id.0);
        let id = InvitationId(last.checked_add(1)?);
        self.by_key.insert(invitation.statement.key, id);
        let kept = Kept {
            invitation,
            used: 0,
            revoked: None,
        };
        rows.push(row(id, &kept));
        self.changed.insert(id);
        self.by_id.insert(id, kept);
        Some((id, rows))
    }

    /// Forgets the first by which nobody can join any more, whether or not it is kept. The last one stays,
    /// so that no number is given twice.
    fn forget_ended(&mut self, now: Timestamp) -> Option<Row> {
        let mut ended = self.by_id.iter().rev().skip(1);
        let has_ended = |kept: &Kept| now >= kept.invitation.statement.expires;
        let id = *ended.rfind(|(_, kept)| has_ended(kept))?.0;
        let kept = self.by_id.remove(&id)?;
        self.by_key.remove(&kept.invitation.statement.key);
        Some((row_key(id), None))
    }

    /// Nobody joins by it any more; its rows, none if it was revoked before. `None` if it is not known.
    pub(super) fn revoke(&mut self, id: InvitationId, now: Timestamp) -> Option<Vec<Row>> {
        let kept = self.by_id.get_mut(&id)?;
        if kept.revoked.is_some() {
            return Some(Vec::new());
        }
        kept.revoked = Some(now);
        self.changed.insert(id);
        Some(vec![row(id, kept)])
    }

    /// Whether who shows this may join `network` by it, under the name that it says.
    pub(super) fn judge(
        &self,
        shown: &Invited,
        authority: &Authority,
        network: NetworkId,
        newcomer: &MemberStatement,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let said = &shown.invitation.statement;
        let elsewhere = |other: NetworkId| {
            let text = format!(
                "the invitation is into network {other}, and this tracker's is {}: ask for one into this \
                 network, or look for the tracker of that one",
                named(network)
            );
            (RefusalCode::InvitationElsewhere, text)
        };
        if let Some(other) = said.network.filter(|other| *other != network) {
            return Err(elsewhere(other));
        }
        let kept = self.id_of(&said.key).and_then(|id| self.by_id.get(&id));
        if kept.is_some_and(|kept| kept.revoked.is_some()) {
            let text = "the invitation was revoked: ask whoever runs the tracker for a new one";
            return Err((RefusalCode::InvitationRevoked, text.to_owned()));
        }
        let checked = shown.invitation.check(authority, &network, now);
        checked.map_err(|error| match error {
            InvitationError::OtherNetwork(other) => elsewhere(other),
            InvitationError::Expired { .. } => (RefusalCode::InvitationExpired, error.to_string()),
            error => (RefusalCode::InvitationWrong, error.to_string()),
        })?;
        if kept.is_some_and(|kept| kept.used >= said.uses) {
            let text = format!(
                "the invitation was for {} and is used up: ask whoever runs the tracker for a new one",
                match said.uses {
                    1 => "one member".to_owned(),
                    uses => format!("{uses} members"),
                }
            );
            return Err((RefusalCode::InvitationUsedUp, text));
        }
        let signed = |on: &NetworkId| {
            let item = invited_item(
                &said.key,
                on,
                &newcomer.key,
                &newcomer.name,
                shown.signature,
            );
            verify(&item.key, &item.message, &item.signature).is_ok()
        };
        // Who greeted before the network was founded signed for none.
        if signed(&network) || (said.network.is_none() && signed(&NetworkId::ZERO)) {
            return Ok(());
        }
        let text = "the invitation was not used with its secret, for this key and name: paste the whole \
                    string that you were given";
        Err((RefusalCode::InvitationWrong, text.to_owned()))
    }

    /// Somebody joined by it.
    pub(super) fn used(&mut self, invitation: &Invitation, now: Timestamp) -> Vec<Row> {
        let mut rows = Vec::new();
        let id = match self.id_of(&invitation.statement.key) {
            Some(id) => id,
            None => match self.keep(invitation.clone(), now) {
                Some((id, kept)) => {
                    rows.extend(kept);
                    id
                }
                // Its uses are not counted here, then; the ledger counts them.
                None => return rows,
            },
        };
        rows.extend(self.count_use(id));
        rows
    }

    /// Somebody whom this tracker has forgotten had joined by the invitation with this key.
    pub(super) fn remember_use(&mut self, key: &PublicKey) -> Vec<Row> {
        let id = self.id_of(key);
        id.and_then(|id| self.count_use(id)).into_iter().collect()
    }

    /// What another tracker of the network keeps of an invitation, put together with what is kept here: the
    /// rows that change by it.
    pub(super) fn merge(&mut self, theirs: Kept, now: Timestamp) -> Vec<Row> {
        let key = theirs.invitation.statement.key;
        let mut rows = Vec::new();
        let id = match self.id_of(&key) {
            Some(id) => id,
            None => match self.keep(theirs.invitation.clone(), now) {
                Some((id, kept)) => {
                    rows = kept;
                    id
                }
                None => return rows,
            },
        };
        if let Some(kept) = self.by_id.get_mut(&id) {
            let before = kept.clone();
            kept.used = kept.used.max(theirs.used);
            kept.revoked = kept.revoked.or(theirs.revoked);
            if *kept != before {
                rows.push(row(id, kept));
                self.changed.insert(id);
            }
        }
        rows
    }

    /// Those that changed since this was last asked for.
    pub(super) fn take_changed(&mut self) -> BTreeSet<InvitationId> {
        std::mem::take(&mut self.changed)
    }

    fn count_use(&mut self, id: InvitationId) -> Option<Row> {
        let kept = self.by_id.get_mut(&id)?;
        kept.used = kept.used.saturating_add(1);
        self.changed.insert(id);
        Some(row(id, kept))
    }
}

fn named(network: NetworkId) -> String {
    match network {
        NetworkId::ZERO => "not founded yet".to_owned(),
        known => known.to_string(),
    }
}

fn row_key(id: InvitationId) -> Vec<u8> {
    [&[INVITATION_ROW], &id.0.to_be_bytes()[..]].concat()
}

fn row(id: InvitationId, kept: &Kept) -> Row {
    (row_key(id), Some(canonical::encode(kept)))
}
