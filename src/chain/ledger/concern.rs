//! What a change of the connected chain means for the node's owner.

use super::Effect;
use crate::chain::rows::{Draft, StateView};
use crate::chain::tree::Step;
use crate::chain::{Action, Closed, EncodedTransaction, Height, Internal, Mempool, TransactionId};
use crate::keys::PublicKey;

/// Where a transaction is after its block was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is open again and will be mined once more.
    Open,
    /// It is in a block of the chain that is connected now.
    Mined(Height),
    /// It is gone, for this reason.
    Closed(Closed),
}

/// What a change means for the node's owner ([`super::Config::owner`]). It is of one step, and so no
/// longer than the blocks of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concern {
    /// Its transactions, sent or received, in blocks that were taken away, the former tip's first.
    pub taken_back: Vec<(TransactionId, Fate)>,
    /// Its transactions in blocks that were added, in their order.
    pub mined: Vec<(EncodedTransaction, Height)>,
    /// Coins of its rewards in blocks that were taken away.
    pub rewards_lost: u128,
}

impl Concern {
    /// What `step` means for `key`, after what it did to the open transactions, which `effects`
    /// tells.
    pub(super) fn of(
        key: &PublicKey,
        step: &Step,
        mempool: &Mempool,
        draft: &Draft<'_>,
        effects: &[Effect],
    ) -> Result<Self, Internal> {
        let mut concern = Self::default();
        for transaction in step.disconnected.iter().flat_map(|b| &b.transactions) {
            match &transaction.payload().action {
                Action::Reward { to, amount, .. } if to == key => {
                    concern.rewards_lost += u128::from(amount.0);
                }
                Action::Reward { .. } => {}
                _ if transaction.concerns(key) => {
                    let id = transaction.id();
                    let fate = fate(id, mempool, draft, effects)?;
                    concern.taken_back.push((id, fate));
                }
                _ => {}
            }
        }
        for block in &step.connected {
            let own = block.transactions.iter().filter(|t| !t.is_reward());
            let own = own.filter(|transaction| transaction.concerns(key));
            let mined = own.map(|t| (t.clone(), block.header.height));
            concern.mined.extend(mined);
        }
        Ok(concern)
    }
}

fn fate(
    id: TransactionId,
    mempool: &Mempool,
    draft: &Draft<'_>,
    effects: &[Effect],
) -> Result<Fate, Internal> {
    if mempool.contains(&id) {
        return Ok(Fate::Open);
    }
    if let Some(place) = draft.mined(&id)? {
        return Ok(Fate::Mined(place.height));
    }
    let told = effects.iter().rev().find_map(|effect| match effect {
        Effect::TransactionClosed(closed, why) if *closed == id => Some(*why),
        _ => None,
    });
    Ok(Fate::Closed(told.unwrap_or(Closed::Conflicted)))
}
