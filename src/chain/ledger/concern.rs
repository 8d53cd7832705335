//! What a change of the connected chain means for the key that is watched.

use super::Effect;
use crate::chain::rows::Draft;
use crate::chain::tree::Step;
use crate::chain::{Action, Closed, EncodedTransaction, Height, Internal, Mempool, TransactionId};
use crate::keys::PublicKey;

/// Most transactions that one change names, so that it stays small whatever the blocks hold; the
/// rest is counted.
pub const MAX_NAMED: usize = 256;

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

/// What a change means for the key that is watched ([`super::Ledger::watch`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concern {
    /// Its transactions, sent or received, in blocks that were taken away, the first
    /// [`MAX_NAMED`] of them.
    pub taken_back: Vec<(TransactionId, Fate)>,
    /// How many more there are.
    pub and_more: u64,
    /// Its transactions in blocks that were added, the first [`MAX_NAMED`] of them.
    pub mined: Vec<(TransactionId, Height)>,
    /// Coins of its rewards in blocks that were taken away.
    pub rewards_lost: u128,
}

/// Whether a transaction is one of `key`'s: sent, or received.
fn concerns(transaction: &EncodedTransaction, key: &PublicKey) -> bool {
    let payload = transaction.payload();
    let received = matches!(&payload.action, Action::Transfer { to, .. } if to == key);
    payload.sender == *key || received
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
        for block in &step.disconnected {
            for transaction in &block.transactions {
                if let Action::Reward { to, amount, .. } = &transaction.payload().action {
                    if to == key {
                        concern.rewards_lost += u128::from(amount.0);
                    }
                } else if !concerns(transaction, key) {
                } else if concern.taken_back.len() == MAX_NAMED {
                    concern.and_more += 1;
                } else {
                    let id = transaction.id();
                    let fate = fate(id, mempool, draft, effects)?;
                    concern.taken_back.push((id, fate));
                }
            }
        }
        for block in &step.connected {
            let own = block.transactions.iter().filter(|t| !t.is_reward());
            let own = own.filter(|transaction| concerns(transaction, key));
            let room = MAX_NAMED - concern.mined.len();
            let named = own.take(room).map(|t| (t.id(), block.header.height));
            concern.mined.extend(named);
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
    use crate::chain::StateView;
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
