//! What the ledger decides with: everything that is changed on a draft of what the disk will hold.

use super::remembered::Remembered;
use super::{Concern, Effect, TipChange};
use crate::chain::awake::Awake;
use crate::chain::rows::Draft;
use crate::chain::tree::Chain;
use crate::chain::{Action, BlockId, EncodedTransaction, Internal, Mempool, PeerFault};
use crate::keys::PublicKey;
use crate::steady::SteadyTime;

/// The tree of blocks and the open transactions, as they will be once the disk holds what was decided.
pub(super) struct Judge {
    pub(super) chain: Chain,
    pub(super) mempool: Mempool,
    /// Signatures that are known to be good.
    pub(super) good: Remembered,
    pub(super) owner: Option<PublicKey>,
    pub(super) awake: Awake,
    /// When time passed last: what becomes open is as old as that.
    pub(super) ticked: SteadyTime,
    /// Whether a step left more to do, and nobody has been told yet.
    pub(super) more: bool,
}

impl Judge {
    pub(super) fn is_own(&self, transaction: &EncodedTransaction) -> bool {
        let owner = self.owner.as_ref();
        owner.is_some_and(|key| transaction.concerns(key))
    }

    /// One step towards the branch with most work, and what it means for the open transactions.
    pub(super) fn step(
        &mut self,
        draft: &mut Draft<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<Vec<(BlockId, PeerFault)>, Internal> {
        let step = self.chain.advance(draft)?;
        self.settle_open(draft, &step, effects)?;
        if !step.connected.is_empty() || !step.disconnected.is_empty() {
            let tip = *self.chain.tip();
            let own = match &self.owner {
                Some(key) => Concern::of(key, &step, &self.mempool, draft, effects)?,
                None => Concern::default(),
            };
            let last = step.connected.last().map(|block| &block.transactions);
            let miner = last.and_then(|transactions| reward_to(transactions));
            let connected = step.connected.iter();
            let disconnected = step.disconnected.iter();
            effects.push(Effect::TipChanged(TipChange {
                tip: Box::new(tip),
                connected: connected
                    .map(|b| (b.id(), b.header.height, b.transactions.len()))
                    .collect(),
                miner: miner.filter(|miner| Some(*miner) != self.owner),
                disconnected: disconnected.map(|b| (b.id(), b.header.height)).collect(),
                own,
                goes_on: step.more,
            }));
        }
        self.more = step.more;
        Ok(step.invalid)
    }
}

/// Who is paid for a block.
fn reward_to(transactions: &[EncodedTransaction]) -> Option<PublicKey> {
    transactions
        .iter()
        .find_map(|one| match &one.payload().action {
            Action::Reward { to, .. } => Some(*to),
            _ => None,
        })
}
