//! The block to mine next.

use super::application::{MAX_BLOCK_CHECKS, Moment};
use super::block::{EMPTY_BLOCK, SMALLEST_TRANSACTION, listed_size, root_of};
use super::rows::{Draft, StateView};
use super::tree::Chain;
use super::{
    Action, Amount, Block, EncodedTransaction, Header, Internal, Mempool, Rejection, Timestamp,
};
use crate::keys::PublicKey;

/// A block but for its nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// To be searched for a nonce.
    pub header: Header,
    /// The reward, then the transactions it is paid for.
    pub transactions: Vec<EncodedTransaction>,
}

impl Template {
    /// The block, once the nonce is found.
    pub fn solved(&self, nonce: u64) -> Block {
        Block {
            header: Header {
                nonce,
                ..self.header
            },
            transactions: self.transactions.clone(),
        }
    }
}

/// Transactions without a fee take one part of a block in so many: else whoever floods fills every disk with
/// the largest blocks there may be.
const FREE_SHARE: usize = 4;

/// Fills a block upon the tip with the best paying open transactions that can be applied one after
/// the other.
pub(super) fn fill(
    chain: &Chain,
    mempool: &Mempool,
    view: &dyn StateView,
    reward_to: PublicKey,
    now: Timestamp,
) -> Result<Template, Internal> {
    let rules = chain.rules();
    let mut header = chain.next_header(view, now)?;
    let mut left = rules.params().max_block_bytes as usize - EMPTY_BLOCK;
    let mut free_left = left / FREE_SHARE;
    let mut draft = Draft::new(view);
    let mut chosen = Vec::new();
    let mut checks = 0;
    let moment = Moment {
        height: header.height,
        parent: header.previous,
        parent_time: chain.tip().entry.header.timestamp,
        time: header.timestamp,
    };
    let mut fees = Amount::ZERO;
    // The miner is paid first, and nothing that follows may lead beyond the numbers there are.
    let subsidy = rules.params().subsidy(header.height);
    let mut purse = Purse::new(&draft, reward_to, subsidy)?;
    for transaction in mempool.by_fee() {
        if left < listed_size(SMALLEST_TRANSACTION) {
            break;
        }
        let size = listed_size(transaction.size());
        let is_free = mempool.is_budgeted(&transaction.id());
        if size > left
            || (is_free && size > free_left)
            || !purse.holds(transaction, fees)
            || rules
                .check_expiry(transaction.payload(), header.height)
                .is_err()
        {
            continue;
        }
        let Some(sum) = fees.plus(transaction.payload().fee) else {
            continue;
        };
        let more = checks + transaction.record_signatures().len();
        if more > MAX_BLOCK_CHECKS {
            continue;
        }
        match rules.apply_transaction(&mut draft, transaction, &moment, chosen.len() as u32 + 1) {
            Ok(()) => {}
            Err(Rejection::Rejected(_)) => continue,
            Err(Rejection::Internal(error)) => return Err(error),
        }
        chosen.push(transaction.clone());
        purse.note(&draft, transaction)?;
        if is_free {
            free_left -= size;
        }
        (left, fees, checks) = (left - size, sum, more);
    }
    let reward = rules
        .reward(reward_to, header.height, fees)
        .ok_or_else(|| Internal("the reward and the fees do not fit an amount".into()))?;
    let mut transactions = vec![EncodedTransaction::new(reward.unsigned())];
    transactions.append(&mut chosen);
    header.transactions_root = root_of(&transactions);
    Ok(Template {
        header,
        transactions,
    })
}

/// What the miner has while the block is applied. Its reward is its first transaction, so that the fees of all
/// that follow are there before the first of them.
struct Purse {
    miner: PublicKey,
    subsidy: Amount,
    /// What it has, without reward, and the most that it had.
    has: Amount,
    most: Amount,
}

impl Purse {
    fn new(view: &dyn StateView, miner: PublicKey, subsidy: Amount) -> Result<Self, Internal> {
        let has = view.balance(&miner)?;
        Ok(Self {
            miner,
            subsidy,
            has,
            most: has,
        })
    }

    /// Whether one more transaction, above these fees, leads to numbers that there are.
    fn holds(&self, transaction: &EncodedTransaction, fees: Amount) -> bool {
        let payload = transaction.payload();
        let due = match &payload.action {
            Action::Transfer { to, amount, .. } if *to == self.miner => *amount,
            _ => Amount::ZERO,
        };
        let with_it = self.has.plus(due);
        let earned = fees.plus(payload.fee).and_then(|f| f.plus(self.subsidy));
        let sum = with_it
            .zip(earned)
            .and_then(|(with_it, earned)| with_it.max(self.most).plus(earned));
        sum.is_some()
    }

    fn note(
        &mut self,
        view: &dyn StateView,
        transaction: &EncodedTransaction,
    ) -> Result<(), Internal> {
        if transaction.concerns(&self.miner) {
            self.has = view.balance(&self.miner)?;
            self.most = self.most.max(self.has);
        }
        Ok(())
    }
}
