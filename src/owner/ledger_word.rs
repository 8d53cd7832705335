//! How this node stands on the ledger, and in what the tracker's word differs from it.

use super::answers::{DifferenceView, OnLedgerState, OnLedgerView};
use super::chain_reads::tip_of;
use super::members::joins_on_ledger;
use super::{OnLedger, Peer, Refused};
use crate::apps::members::View;
use crate::chain::Height;
use crate::chain::application::TopicRows;
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::messages::gossip::GetGossipStatus;
use crate::protocol::tracker_word::{Difference, Look, TrackerWord, Word};
use crate::store::chain_rows::ChainRows;
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// Members up to which the two are compared once a block.
const FEW_MEMBERS: u32 = 1_000;
/// Once in how many blocks where there are more: reading them all takes a moment.
const MANY_EVERY: u64 = 12;

/// What is known of both, for whoever asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// How this node stands, or what the ledger has against it; nothing before it was looked at.
    own: Option<Result<OnLedger, String>>,
    differences: Vec<Difference>,
}

/// The comparison of the tracker's word with the ledger, from block to block.
#[derive(Debug, Default)]
pub struct Comparison {
    word: TrackerWord,
    looked_at: Option<Height>,
}

#[cfg(test)]
impl Comparison {
    /// One that has come to this.
    pub(crate) fn that_found(word: TrackerWord) -> Self {
        Self {
            word,
            looked_at: None,
        }
    }
}

impl Peer {
    /// Compares the tracker's word with the ledger, if there is a new block: what is to be said for the first
    /// time.
    ///
    /// # Errors
    /// [`Code::NoNetwork`](super::Code::NoNetwork), [`Code::Stopping`](super::Code::Stopping).
    pub async fn compare(&self, comparison: &mut Comparison) -> Result<Vec<Word>, Refused> {
        let parts = self.parts()?;
        let sessions = parts.gossip.send(GetGossipStatus).await?.sessions;
        let look = {
            let disk = self.disk()?;
            let snapshot = disk.snapshot();
            let chain = ChainRows(&*snapshot);
            let height = tip_of(&parts.rules, &chain)?.height;
            let rows = TopicRows::of_members(&chain);
            let view = View::new(&rows);
            let count = view.count()?;
            let every = match count > FEW_MEMBERS {
                true => MANY_EVERY,
                false => 1,
            };
            let is_due = |last: Height| height.0 < last.0 || height.0 >= last.0 + every;
            if !comparison.looked_at.is_none_or(is_due) {
                return Ok(Vec::new());
            }
            let mut look = Look {
                height,
                joins: joins_on_ledger(parts.rules.params(), &*snapshot)?,
                met: sessions.iter().map(|session| session.key).collect(),
                ..Look::default()
            };
            let known = self.known();
            look.tracker_there = known.registered;
            let withheld = known.directory.withheld().map(|(member, _)| member);
            for member in known.directory.members().chain(withheld) {
                let said = &member.record.statement;
                // Whom the tracker does not name any more is known here still, and it keeps them back.
                if said.key == self.key || !known.directory.is_named(&said.key) {
                    continue;
                }
                if let Some(row) = view.named(&said.name)? {
                    look.owners.insert(said.name.clone(), row.owner);
                }
                look.told.push((said.name.clone(), said.key));
            }
            look.members = members_of(&view, count)?;
            look.members.remove(&self.key);
            look
        };
        comparison.looked_at = Some(look.height);
        Ok(comparison.word.look(&look))
    }

    /// Notes how this node stands, for whoever asks.
    pub(crate) fn note_standing(&self, own: &Result<OnLedger, Refused>, comparison: &Comparison) {
        let own = own.clone();
        let standing = Standing {
            own: Some(own.map_err(|refused| refused.detail)),
            differences: comparison.word.standing().cloned().collect(),
        };
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    fn standing(&self) -> Standing {
        let standing = self.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// In what the tracker's word differs from the ledger, at most so many.
    pub(super) fn differences(&self, most: usize) -> Vec<DifferenceView> {
        let standing = self.standing();
        let some = standing.differences.iter().take(most);
        some.map(|difference| DifferenceView {
            kind: difference.kind().to_owned(),
            name: difference.name().cloned(),
            address: difference.key().to_address(),
            detail: difference.to_string(),
        })
        .collect()
    }

    /// How this node stands on the ledger; `None` before it was looked at.
    pub(super) fn on_ledger(&self) -> Option<OnLedgerView> {
        let own = self.standing().own?;
        let (state, trouble) = match own {
            Ok(OnLedger::Member) => (OnLedgerState::Member, None),
            Ok(OnLedger::Open | OnLedger::Sent(_)) => (OnLedgerState::Open, None),
            Ok(OnLedger::NothingToSend) => (OnLedgerState::None, None),
            Err(trouble) => (OnLedgerState::None, Some(trouble)),
        };
        Some(OnLedgerView { state, trouble })
    }
}

/// Who is a member at the end of the chain.
fn members_of(view: &View<'_>, count: u32) -> Result<BTreeMap<PublicKey, MemberName>, Refused> {
    let mut members = BTreeMap::new();
    for index in 0..count {
        let Some(key) = view.listed(index)? else {
            break;
        };
        if let Some(interval) = view.current(&key)? {
            members.insert(key, interval.name);
        }
    }
    Ok(members)
}
