//! Blocks made by hand, right in all but what the test gets wrong on purpose.

use raclette::chain::block::root_of;
use raclette::chain::history::{Peaks, leaf};
use raclette::chain::rows::HeaderEntry;
use raclette::chain::{
    Action, Amount, Block, EncodedTransaction, Genesis, Header, Height, NetworkId, Payload, Rules,
    Salt, Timestamp,
};
use raclette::keys::{PublicKey, SecretKey};
use std::time::{SystemTime, UNIX_EPOCH};

/// A chain of headers to build upon.
pub struct Forge {
    pub rules: Rules,
    /// From genesis to the tip.
    entries: Vec<HeaderEntry>,
    /// Up to and including the block of the same place.
    peaks: Vec<Peaks>,
}

impl Forge {
    /// A forge that knows genesis alone.
    pub fn new(genesis: Genesis) -> Self {
        let rules = Rules::new(genesis, &raclette::apps::built_in()).unwrap();
        let entry = rules.genesis_entry();
        let mut peaks = Peaks::default();
        peaks.append(leaf(&rules.network(), entry.work));
        Self {
            rules,
            entries: vec![entry],
            peaks: vec![peaks],
        }
    }

    /// The network.
    pub fn network(&self) -> NetworkId {
        self.rules.network()
    }

    /// Height of the tip that is known.
    pub fn height(&self) -> usize {
        self.entries.len() - 1
    }

    /// Takes in headers that follow the tip.
    pub fn follow(&mut self, headers: &[Header]) {
        for header in headers {
            let (at, peaks) = (self.height(), self.peaks[self.height()].clone());
            let before = self.grandparent(at);
            let entry = self
                .rules
                .check_header(header, &self.entries[at], before, &peaks)
                .expect("honest headers");
            self.take(entry, peaks);
        }
    }

    /// Forgets what is above a height, to build another branch there.
    pub fn back_to(&mut self, height: usize) {
        self.entries.truncate(height + 1);
        self.peaks.truncate(height + 1);
    }

    /// A block upon the tip, paid to `miner`, with these transactions; worked for after `change` has
    /// had its way with the header.
    pub fn block(
        &self,
        miner: PublicKey,
        transactions: Vec<EncodedTransaction>,
        change: impl FnOnce(&mut Header),
    ) -> Block {
        let height = Height(self.entries.len() as u64);
        let reward = self.rules.reward(miner, height, Amount::ZERO).unwrap();
        let mut all = vec![EncodedTransaction::new(reward.unsigned())];
        all.extend(transactions);
        self.block_with(all, change)
    }

    /// As [`Forge::block`], with the reward left to the test.
    pub fn block_with(
        &self,
        transactions: Vec<EncodedTransaction>,
        change: impl FnOnce(&mut Header),
    ) -> Block {
        let at = self.height();
        let before = self.grandparent(at);
        let (parent, peaks) = (&self.entries[at], &self.peaks[at]);
        let mut header = self.rules.child_header(parent, before, peaks, now());
        header.transactions_root = root_of(&transactions);
        change(&mut header);
        while !header.has_work() {
            header.nonce += 1;
        }
        Block {
            header,
            transactions,
        }
    }

    /// Takes in a block's header as the new tip.
    pub fn extend(&mut self, block: &Block) {
        self.follow(&[block.header]);
    }

    /// A signed transfer.
    pub fn transfer(
        &self,
        from: &SecretKey,
        to: PublicKey,
        amount: u64,
        salt: u8,
    ) -> EncodedTransaction {
        EncodedTransaction::new(self.payload(from, to, amount, salt).sign(from))
    }

    /// What a transfer says, unsigned.
    pub fn payload(&self, from: &SecretKey, to: PublicKey, amount: u64, salt: u8) -> Payload {
        Payload {
            network: self.network(),
            sender: from.public_key(),
            salt: Salt([salt; 16]),
            expires_at: Height(self.entries.len() as u64 + 1_000),
            fee: Amount::ZERO,
            action: Action::Transfer {
                to,
                amount: Amount(amount),
                note: Default::default(),
            },
        }
    }

    fn grandparent(&self, at: usize) -> Option<Timestamp> {
        at.checked_sub(1)
            .map(|at| self.entries[at].header.timestamp)
    }

    fn take(&mut self, entry: HeaderEntry, mut peaks: Peaks) {
        peaks.append(leaf(&entry.header.id(), entry.work));
        self.entries.push(entry);
        self.peaks.push(peaks);
    }
}

/// What the clock says.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(since.as_millis() as u64)
}
