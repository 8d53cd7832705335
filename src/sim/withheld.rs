//! Blocks that their miner keeps to itself, and shows late or never.

use crate::chain::history::{self, Peaks};
use crate::chain::locator::MAX_HEADERS;
use crate::chain::rows::HeaderEntry;
use crate::chain::target::Work;
use crate::chain::{
    Amount, Block, BlockId, EncodedTransaction, Genesis, Header, Rules, RulesError, Timestamp,
};
use crate::keys::PublicKey;
use std::collections::BTreeMap;

/// What is known of a header.
struct Known {
    entry: HeaderEntry,
    /// When its parent was mined.
    before: Option<Timestamp>,
    /// The history up to and including it.
    peaks: Peaks,
}

/// The chain that everybody sees, and one that nobody else does.
pub struct Withheld {
    rules: Rules,
    reward_to: PublicKey,
    /// How far it gets ahead before it is shown; never, if nothing is said.
    until: Option<u64>,
    headers: BTreeMap<BlockId, Known>,
    /// The blocks it has mined itself.
    own: BTreeMap<BlockId, Block>,
    /// The end of the chain that everybody sees.
    seen: BlockId,
    /// The end of the one that is mined on.
    tip: BlockId,
}

impl Withheld {
    /// Nothing mined yet. What is found is paid to `reward_to`, and shown when it is `until` blocks
    /// ahead, if at all, or when the others are about to overtake it.
    pub fn new(
        genesis: Genesis,
        reward_to: PublicKey,
        until: Option<u64>,
    ) -> Result<Self, RulesError> {
        let rules = Rules::new(genesis, &crate::apps::built_in())?;
        let entry = rules.genesis_entry();
        let id = entry.header.id();
        let mut peaks = Peaks::default();
        peaks.append(history::leaf(&id, entry.work));
        let first = Known {
            entry,
            before: None,
            peaks,
        };
        Ok(Self {
            rules,
            reward_to,
            until,
            headers: BTreeMap::from([(id, first)]),
            own: BTreeMap::new(),
            seen: id,
            tip: id,
        })
    }

    fn work(&self, id: &BlockId) -> Option<Work> {
        self.headers.get(id).map(|known| known.entry.work)
    }

    fn height(&self, id: &BlockId) -> u64 {
        let known = self.headers.get(id);
        known.map_or(0, |known| known.entry.header.height.0)
    }

    fn add(&mut self, header: &Header) -> bool {
        let id = header.id();
        if self.headers.contains_key(&id) {
            return true;
        }
        let Some(parent) = self.headers.get(&header.previous) else {
            return false;
        };
        let (before, peaks) = (parent.before, &parent.peaks);
        let Ok(entry) = self
            .rules
            .check_header(header, &parent.entry, before, peaks)
        else {
            return true;
        };
        let before = Some(parent.entry.header.timestamp);
        let mut peaks = parent.peaks.clone();
        peaks.append(history::leaf(&id, entry.work));
        let known = Known {
            entry,
            before,
            peaks,
        };
        self.headers.insert(id, known);
        true
    }

    /// Somebody shows a header. Whether what comes before it is known.
    pub fn shown(&mut self, header: &Header) -> bool {
        let is_known = self.add(header);
        let id = header.id();
        if self.work(&id) > self.work(&self.seen) {
            self.seen = id;
        }
        // Behind, it has lost the race.
        if self.work(&self.seen) > self.work(&self.tip) {
            self.tip = self.seen;
        }
        is_known
    }

    /// The end of what everybody sees.
    pub fn seen(&self) -> BlockId {
        self.seen
    }

    /// What to search a nonce for.
    pub fn job(&self, now: Timestamp) -> Option<Block> {
        let parent = self.headers.get(&self.tip)?;
        let header = self
            .rules
            .child_header(&parent.entry, parent.before, &parent.peaks, now);
        let reward = self
            .rules
            .reward(self.reward_to, header.height, Amount::ZERO)?;
        let transactions = vec![EncodedTransaction::new(reward.unsigned())];
        let mut block = Block {
            header,
            transactions,
        };
        block.header.transactions_root = block.computed_root();
        Some(block)
    }

    /// A block was found.
    pub fn found(&mut self, block: Block) {
        let id = block.id();
        self.add(&block.header);
        if self.work(&id) > self.work(&self.tip) {
            self.tip = id;
            self.own.insert(id, block);
        }
    }

    /// The header to show everybody now, if it is time for that.
    pub fn show(&mut self) -> Option<Header> {
        let until = self.until?;
        if self.work(&self.tip) <= self.work(&self.seen) {
            return None;
        }
        let ahead = self.height(&self.tip).saturating_sub(self.forked_at());
        let others = self.height(&self.seen).saturating_sub(self.forked_at());
        if ahead < until && (others == 0 || others + 1 < ahead) {
            return None;
        }
        self.seen = self.tip;
        self.headers.get(&self.tip).map(|known| known.entry.header)
    }

    /// Height of the last block that both chains have.
    fn forked_at(&self) -> u64 {
        let (mut one, mut other) = (self.seen, self.tip);
        while one != other {
            let higher = match self.height(&one) < self.height(&other) {
                true => &mut other,
                false => &mut one,
            };
            match self.headers.get(higher) {
                Some(known) => *higher = known.entry.header.previous,
                None => return 0,
            }
        }
        self.height(&one)
    }

    /// What everybody sees, or is to see, from its end back to genesis.
    fn way_back(&self) -> impl Iterator<Item = (BlockId, Header)> {
        let header = |id| Some((id, self.headers.get(&id)?.entry.header));
        std::iter::successors(header(self.seen), move |(_, child)| header(child.previous))
    }

    /// What follows the locator on the chain that everybody sees, or is to see; if nothing does, its end.
    pub fn headers_after(&self, locator: &[BlockId]) -> Vec<Header> {
        let after = self.way_back().take_while(|(id, _)| !locator.contains(id));
        let mut headers: Vec<_> = after.map(|(_, header)| header).collect();
        headers.reverse();
        headers.truncate(MAX_HEADERS);
        if headers.is_empty() {
            headers.extend(self.way_back().next().map(|(_, header)| header));
        }
        headers
    }

    /// A block that it mined and has shown.
    pub fn block(&self, id: &BlockId) -> Option<&Block> {
        let own = self.own.get(id)?;
        self.way_back()
            .any(|(shown, _)| shown == *id)
            .then_some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::{START, genesis, member};

    fn withheld(until: Option<u64>) -> Withheld {
        Withheld::new(genesis(), member(1).public_key(), until).unwrap()
    }

    fn mined(by: &Withheld, ms: u64) -> Block {
        let mut block = by.job(START.plus_ms(ms)).unwrap();
        while !block.header.has_work() {
            block.header.nonce += 1;
        }
        block
    }

    #[test]
    fn what_is_found_is_shown_when_it_is_far_enough_ahead() {
        let (mut miner, genesis) = (withheld(Some(2)), genesis().id());
        let first = mined(&miner, 1_000);
        miner.found(first.clone());
        assert_eq!(miner.show(), None);
        assert_eq!(miner.block(&first.id()), None);
        assert_eq!(miner.headers_after(&[genesis])[0].id(), genesis);
        let second = mined(&miner, 2_000);
        miner.found(second.clone());
        assert_eq!(miner.show(), Some(second.header));
        assert_eq!(miner.show(), None, "once");
        let shown = [first.header, second.header];
        assert_eq!(miner.headers_after(&[genesis]), shown);
        assert_eq!(miner.block(&first.id()), Some(&first));
    }

    #[test]
    fn a_race_that_is_lost_is_given_up() {
        let (mut miner, mut others) = (withheld(None), withheld(None));
        miner.found(mined(&miner, 1_000));
        assert_eq!(miner.show(), None);
        for ms in [1_500, 2_500] {
            let block = mined(&others, ms);
            others.found(block.clone());
            assert!(miner.shown(&block.header));
        }
        assert_eq!(miner.job(START).unwrap().header.previous, miner.seen());
        assert_eq!(miner.seen(), others.tip);
        let stranger = Header {
            previous: BlockId([9; 32]),
            ..mined(&others, 3_000).header
        };
        assert!(!miner.shown(&stranger));
    }
}
