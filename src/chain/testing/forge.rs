//! Blocks anywhere in a tree, made from the rules alone, and what a chain of them comes to: the
//! model that the tree and the ledger are held against. It shares neither with them.

use super::{MemoryView, member, mine, rules};
use crate::chain::block::root_of;
use crate::chain::history::{self, Peaks};
use crate::chain::rows::{Draft, HeaderEntry};
use crate::chain::rules::Rules;
use crate::chain::state::apply_genesis;
use crate::chain::target::Work;
use crate::chain::{
    Amount, Block, BlockId, EncodedTransaction, Header, Height, Payload, Timestamp,
};
use crate::keys::verify_batch;
use std::collections::BTreeMap;

struct Forged {
    /// `None` for genesis.
    block: Option<Block>,
    entry: HeaderEntry,
    peaks: Peaks,
    /// Whether the body and its signatures are good; balances are for [`Forge::state`] to say.
    sound: bool,
}

/// Every block made so far.
pub(crate) struct Forge {
    pub(crate) rules: Rules,
    made: BTreeMap<BlockId, Forged>,
}

impl Forge {
    pub(crate) fn new() -> Self {
        Self::with(rules())
    }

    pub(crate) fn with(rules: Rules) -> Self {
        let entry = rules.genesis_entry();
        let mut peaks = Peaks::default();
        peaks.append(history::leaf(&rules.network(), entry.work));
        let genesis = Forged {
            block: None,
            entry,
            peaks,
            sound: true,
        };
        Self {
            made: BTreeMap::from([(rules.network(), genesis)]),
            rules,
        }
    }

    pub(crate) fn genesis(&self) -> BlockId {
        self.rules.network()
    }

    /// The reward that `transactions` call for, then they themselves.
    pub(crate) fn body(
        &self,
        parent: BlockId,
        miner: u8,
        transactions: &[EncodedTransaction],
    ) -> Vec<EncodedTransaction> {
        let height = self.entry(&parent).header.height.next();
        self.body_at(height, miner, transactions)
    }

    /// The same for a block at this height.
    pub(crate) fn body_at(
        &self,
        height: Height,
        miner: u8,
        transactions: &[EncodedTransaction],
    ) -> Vec<EncodedTransaction> {
        let fees = transactions.iter().map(|t| t.payload().fee.0).sum();
        let reward = self
            .rules
            .reward(member(miner).public_key(), height, Amount(fees))
            .unwrap();
        let mut body = vec![EncodedTransaction::new(reward.unsigned())];
        body.extend_from_slice(transactions);
        body
    }

    /// The header upon `parent` for `body`, `after_ms` later, not mined yet.
    pub(crate) fn header(
        &self,
        parent: BlockId,
        after_ms: u64,
        body: &[EncodedTransaction],
    ) -> Header {
        let above = &self.made[&parent];
        let now = above.entry.header.timestamp.plus_ms(after_ms);
        let grandparent = self.parent_timestamp(&above.entry);
        Header {
            transactions_root: root_of(body),
            ..self
                .rules
                .child_header(&above.entry, grandparent, &above.peaks, now)
        }
    }

    fn parent_timestamp(&self, entry: &HeaderEntry) -> Option<Timestamp> {
        let parent = self.made.get(&entry.header.previous)?;
        Some(parent.entry.header.timestamp)
    }

    /// A mined block with `body`, whatever it is.
    pub(crate) fn seal(
        &mut self,
        parent: BlockId,
        after_ms: u64,
        transactions: Vec<EncodedTransaction>,
    ) -> Block {
        let block = mine(Block {
            header: self.header(parent, after_ms, &transactions),
            transactions,
        });
        let above = &self.made[&parent];
        let grandparent = self.parent_timestamp(&above.entry);
        let entry = self
            .rules
            .check_header(&block.header, &above.entry, grandparent, &above.peaks)
            .unwrap();
        let mut peaks = above.peaks.clone();
        peaks.append(history::leaf(&block.id(), entry.work));
        let items: Vec<_> = block
            .transactions
            .iter()
            .skip(1)
            .map(EncodedTransaction::signature_item)
            .collect();
        let sound =
            self.rules.check_body(&block).is_ok() && verify_batch(&items).iter().all(Result::is_ok);
        let forged = Forged {
            block: Some(block.clone()),
            entry,
            peaks,
            sound,
        };
        self.made.insert(block.id(), forged);
        block
    }

    /// A mined block with its right reward.
    pub(crate) fn child(
        &mut self,
        parent: BlockId,
        after_ms: u64,
        miner: u8,
        transactions: &[EncodedTransaction],
    ) -> Block {
        let body = self.body(parent, miner, transactions);
        self.seal(parent, after_ms, body)
    }

    /// `count` blocks, one upon the other, one interval apart.
    pub(crate) fn branch(&mut self, parent: BlockId, count: usize, miner: u8) -> Vec<Block> {
        let mut at = parent;
        let mut branch = Vec::with_capacity(count);
        for _ in 0..count {
            let block = self.child(at, 1_000, miner, &[]);
            at = block.id();
            branch.push(block);
        }
        branch
    }

    pub(crate) fn entry(&self, id: &BlockId) -> &HeaderEntry {
        &self.made[id].entry
    }

    pub(crate) fn work(&self, id: &BlockId) -> Work {
        self.entry(id).work
    }

    /// Ids from block 1 up to `id`.
    pub(crate) fn path(&self, id: &BlockId) -> Vec<BlockId> {
        let mut path = Vec::new();
        let mut at = *id;
        while at != self.genesis() {
            path.push(at);
            at = self.entry(&at).header.previous;
        }
        path.reverse();
        path
    }

    /// The state that the blocks up to `id` lead to; `None` if one of them is invalid.
    pub(crate) fn state(&self, id: &BlockId) -> Option<MemoryView> {
        let empty = MemoryView::default();
        let mut draft = Draft::new(&empty);
        apply_genesis(&self.rules, &mut draft);
        let mut state = MemoryView::default();
        state.commit(draft.into_rows());
        for at in self.path(id) {
            let forged = &self.made[&at];
            let mut draft = Draft::new(&state);
            let block = forged.block.as_ref()?;
            let parent = self.made[&block.header.previous].entry.header;
            self.rules
                .apply_block(&mut draft, block, parent.timestamp)
                .ok()
                .filter(|()| forged.sound)?;
            let rows = draft.into_rows();
            state.commit(rows);
        }
        Some(state)
    }
}

/// The reward of `amount` for a block at `height`, right or wrong.
pub(crate) fn reward(miner: u8, height: u64, amount: u64) -> EncodedTransaction {
    let to = member(miner).public_key();
    let payload = Payload::reward(super::network(), to, Height(height), Amount(amount));
    EncodedTransaction::new(payload.unsigned())
}
