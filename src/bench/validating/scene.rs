//! A network made for the measurement: many senders with coins, and a block in which each pays.

use super::BenchError;
use super::node::{MemoryRows, Node};
use crate::bench::signing::sender;
use crate::canonical::CappedText;
use crate::chain::params::{Admission, MAX_BLOCK_BYTES};
use crate::chain::rows::{RowKey, StateKey};
use crate::chain::target::Target;
use crate::chain::{
    Action, Amount, Block, EncodedTransaction, Genesis, GenesisContent, Height, Params, Payload,
    Rules, Salt, Timestamp,
};
use crate::verifier::Verifier;
use std::num::NonZeroU64;

/// When the genesis block was mined, in milliseconds since 1970; any time will do.
const START: Timestamp = Timestamp(1_700_000_000_000);
/// When its child is mined.
const NOW: Timestamp = Timestamp(START.0 + INTERVAL_MS);
/// The block interval.
const INTERVAL_MS: u64 = 5_000;
/// What every sender has, pays, and pays as a fee.
const COINS: u64 = 1_000;
const PAID: Amount = Amount(5);
const FEE: Amount = Amount(1);

/// The network.
pub struct Scene {
    rules: Rules,
    /// What lies on the disk before the block: genesis and the senders' coins.
    rows: MemoryRows,
    /// One transfer of each sender, to the next one.
    pub transfers: Vec<EncodedTransaction>,
    /// The block that holds them all.
    pub block: Block,
}

impl Scene {
    /// Makes the network, and lets a node of it mine the block.
    pub fn new(senders: u32, verifier: &dyn Verifier) -> Result<Self, BenchError> {
        let rules = rules()?;
        let mut rows = Node::open(rules.clone(), MemoryRows::default(), NOW)?.rows;
        let keys: Vec<_> = (0..senders).map(sender).collect();
        let owners: Vec<_> = keys.iter().map(|key| key.public_key()).collect();
        let coins = owners.iter().map(|owner| {
            let key = RowKey::State(StateKey::Balance(*owner));
            (key, Some(COINS.to_le_bytes().to_vec()))
        });
        let coins: Vec<_> = coins.collect();
        rows.write(&coins);
        let receivers = owners.iter().cycle().skip(1);
        let transfers: Vec<_> = keys
            .iter()
            .zip(&owners)
            .zip(receivers)
            .map(|((key, owner), to)| {
                let payload = Payload {
                    network: rules.network(),
                    sender: *owner,
                    salt: Salt([0; 16]),
                    expires_at: Height(1_000),
                    fee: FEE,
                    action: Action::Transfer {
                        to: *to,
                        amount: PAID,
                        note: Default::default(),
                    },
                };
                EncodedTransaction::new(payload.sign(key))
            })
            .collect();
        let mut miner = Node::open(rules.clone(), rows.clone(), NOW)?;
        miner.transactions(vec![transfers.clone()], verifier)?;
        let block = miner.template(sender(senders).public_key())?;
        if block.transactions.len() != transfers.len() + 1 {
            return Err(BenchError::Unexpected(
                "the block does not hold all transfers".into(),
            ));
        }
        Ok(Self {
            rules,
            rows,
            transfers,
            block,
        })
    }

    /// A node that has genesis and has seen nothing else.
    pub fn node(&self) -> Result<Node, BenchError> {
        Ok(Node::open(self.rules.clone(), self.rows.clone(), NOW)?)
    }
}

/// The rules of a network that is easy to mine on.
fn rules() -> Result<Rules, BenchError> {
    let unexpected = |error: &dyn std::fmt::Display| BenchError::Unexpected(error.to_string());
    let params = Params {
        name: CappedText::new("bench").map_err(|error| unexpected(&error))?,
        interval_ms: INTERVAL_MS,
        start_target: Target::from_expected_hashes(NonZeroU64::MIN).to_compact(),
        window: 90,
        growth_blocks: 0,
        reward: Amount(50),
        halving_blocks: 0,
        max_block_bytes: MAX_BLOCK_BYTES,
        min_fee_per_kib: Amount::ZERO,
        admission: Admission::Open,
        allocations: Vec::new(),
        gift: Amount::ZERO,
        recovery: None,
        applications: Vec::new(),
    };
    let tracker = sender(0).public_key();
    let content = GenesisContent::new(params, tracker, tracker);
    let mut header = content.header(START);
    while !header.has_work() {
        header.nonce += 1;
    }
    Rules::new(Genesis { header, content }, &crate::apps::built_in())
        .map_err(|error| unexpected(&error))
}
