//! The block to mine next.

use super::application::{MAX_BLOCK_CHECKS, Moment};
use super::block::{EMPTY_BLOCK, SMALLEST_TRANSACTION, listed_size, root_of};
use super::rows::{Draft, StateView};
use super::tree::Chain;
use super::{Amount, Block, EncodedTransaction, Header, Internal, Mempool, Rejection, Timestamp};
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
    for transaction in mempool.by_fee() {
        if left < listed_size(SMALLEST_TRANSACTION) {
            break;
        }
        let size = listed_size(transaction.size());
        if size > left
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
