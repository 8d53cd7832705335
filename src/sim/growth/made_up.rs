//! A network whose time is made up and whose blocks cost next to nothing.

use super::GrowthError;
use crate::archive::OfflineLedger;
use crate::canonical::CappedText;
use crate::chain::ledger::BlockOutcome;
use crate::chain::params::Admission;
use crate::chain::{
    Amount, Block, Genesis, GenesisContent, Header, Height, Params, Rules, RulesError, Target,
    Timestamp,
};
use crate::clock::{Clock, SteadyTime};
use crate::keys::PublicKey;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Milliseconds from one block to the next.
pub const INTERVAL_MS: u64 = 5_000;
/// Tries that a nonce takes on average.
const TRIES: NonZeroU64 = NonZeroU64::new(2).unwrap();

/// A time that is set by whoever makes the chain.
struct MadeUpTime(AtomicU64);

impl Clock for MadeUpTime {
    fn wall(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    /// Nothing waits while a chain is made.
    fn steady(&self) -> SteadyTime {
        SteadyTime::after_beginning(0)
    }
}

/// Its genesis block, and what time it is.
pub struct MadeUpNetwork {
    genesis: Genesis,
    time: MadeUpTime,
}

impl MadeUpNetwork {
    /// Parameters under this name, to be changed where something else is wanted: anybody is admitted, and
    /// blocks are as easy as they may be.
    ///
    /// # Panics
    /// If the name is longer than a network's may be.
    pub fn params(name: &str) -> Params {
        Params {
            name: CappedText::new(name).expect("it is shorter than its place"),
            interval_ms: INTERVAL_MS,
            start_target: Target::from_expected_hashes(TRIES).to_compact(),
            window: 90,
            growth_blocks: 0,
            reward: Amount(50),
            halving_blocks: 0,
            max_block_bytes: 2 * 1024 * 1024,
            min_fee_per_kib: Amount(0),
            admission: Admission::Open,
            allocations: Vec::new(),
            gift: Amount::ZERO,
            recovery: None,
            applications: Vec::new(),
        }
    }

    /// A network whose block number `blocks` is stamped `until`. `tracker` signs the certificates of its
    /// members, `founder` brings it to the tracker.
    pub fn new(
        params: Params,
        tracker: PublicKey,
        founder: PublicKey,
        blocks: u64,
        until: Timestamp,
    ) -> Self {
        let begun = Timestamp(until.0.saturating_sub(blocks.saturating_mul(INTERVAL_MS)));
        let content = GenesisContent::new(params, tracker, founder);
        let header = solved(content.header(begun));
        Self {
            genesis: Genesis { header, content },
            time: MadeUpTime(AtomicU64::new(begun.0)),
        }
    }

    /// The genesis block.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// What is valid there.
    ///
    /// # Errors
    /// It can't be followed.
    pub fn rules(&self) -> Result<Rules, RulesError> {
        Rules::new(self.genesis.clone(), &crate::apps::built_in())
    }

    /// The time there.
    pub fn clock(&self) -> &dyn Clock {
        &self.time
    }

    /// When a block of this height was mined.
    pub fn stamp(&self, height: Height) -> Timestamp {
        let since = height.0.saturating_mul(INTERVAL_MS);
        self.genesis.header.timestamp.plus_ms(since)
    }

    /// Has it be the time at which a block of this height is mined.
    pub fn set_time(&self, height: Height) {
        self.time.0.store(self.stamp(height).0, Ordering::Relaxed);
    }

    /// Mines the next block in its time, paid to `reward_to`.
    ///
    /// # Errors
    /// [`GrowthError::Offline`]; [`GrowthError::Block`] if the ledger does not take it.
    pub fn mine(
        &self,
        ledger: &mut OfflineLedger<'_>,
        reward_to: PublicKey,
    ) -> Result<Block, GrowthError> {
        let height = ledger.ledger().tip().height().next();
        self.set_time(height);
        let template = ledger.template(reward_to)?;
        let block = template.solved(solved(template.header).nonce);
        self.connect(ledger, block.clone())?;
        Ok(block)
    }

    /// Has the ledger connect a block in its time.
    ///
    /// # Errors
    /// As for [`mine`](Self::mine).
    pub fn connect(&self, ledger: &mut OfflineLedger<'_>, block: Block) -> Result<(), GrowthError> {
        let height = block.header.height;
        self.set_time(height);
        match ledger.block(block)? {
            BlockOutcome::Accepted => Ok(()),
            other => Err(GrowthError::Block(height, other)),
        }
    }
}

/// The header with the first nonce that has its work.
pub(super) fn solved(mut header: Header) -> Header {
    while !header.has_work() {
        header.nonce += 1;
    }
    header
}
