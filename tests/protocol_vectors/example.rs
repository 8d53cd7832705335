//! The network that the examples are taken from.

use raclette::canonical::{CappedBytes, CappedText};
use raclette::chain::block::root_of;
use raclette::chain::history::{Peaks, leaf};
use raclette::chain::params::{Admission, Allocation};
use raclette::chain::rows::{Row, RowKey};
use raclette::chain::{
    Action, Amount, Block, EncodedTransaction, Genesis, GenesisContent, Header, Height, Internal,
    NetworkId, Params, Payload, Rules, Salt, StateView, Target, Timestamp,
};
use raclette::keys::{PublicKey, SecretKey};
use raclette::wire::{MemberRecord, MemberStatement};
use std::collections::BTreeMap;
use std::num::NonZeroU64;

/// When genesis is stamped.
pub const START: Timestamp = Timestamp(1_800_000_000_000);

/// Secrets: every byte of the root the same.
pub fn alice() -> SecretKey {
    SecretKey::from_bytes([1; 32])
}

/// The second member.
pub fn bob() -> SecretKey {
    SecretKey::from_bytes([2; 32])
}

/// The meeting place.
pub fn tracker() -> SecretKey {
    SecretKey::from_bytes([9; 32])
}

/// Sixteen hashes a block, so that the test finds a nonce at once.
pub fn params() -> Params {
    let work = NonZeroU64::new(16).expect("not zero");
    Params {
        name: CappedText::new("cheese").expect("short"),
        interval_ms: 5_000,
        start_target: Target::from_expected_hashes(work).to_compact(),
        window: 32,
        growth_blocks: 0,
        reward: Amount(50),
        halving_blocks: 0,
        max_block_bytes: 2 * 1024 * 1024,
        min_fee_per_kib: Amount(0),
        admission: Admission::Open,
        allocations: vec![Allocation {
            to: alice().public_key(),
            amount: Amount(1_000),
        }],
        gift: Amount::ZERO,
        recovery: None,
        applications: Vec::new(),
    }
}

/// Searches for the nonce, from 0 on.
pub fn mined(mut header: Header) -> Header {
    header.nonce = 0;
    while !header.has_work() {
        header.nonce += 1;
    }
    header
}

/// Genesis, made by alice.
pub fn genesis() -> Genesis {
    let content = GenesisContent::new(params(), tracker().public_key(), alice().public_key());
    let header = mined(content.header(START));
    Genesis { header, content }
}

/// Its id.
pub fn network() -> NetworkId {
    genesis().id()
}

/// Its rules.
pub fn rules() -> Rules {
    Rules::new(genesis(), &raclette::apps::built_in()).expect("the example is a network")
}

/// What alice signs, with any action.
pub fn payload(action: Action) -> Payload {
    Payload {
        network: network(),
        sender: alice().public_key(),
        salt: Salt([0x5a; 16]),
        expires_at: Height(720),
        fee: Amount(1),
        action,
    }
}

/// Five coins from alice to bob.
pub fn transfer() -> Payload {
    payload(Action::Transfer {
        to: bob().public_key(),
        amount: Amount(5),
        note: CappedBytes::default(),
    })
}

/// Two bytes of alice's under a topic.
pub fn record() -> Payload {
    payload(Action::Record {
        topic: CappedText::new("greetings").expect("short"),
        body: CappedBytes::new(b"hi".to_vec()).expect("short"),
    })
}

/// Bob's pay for block 1.
pub fn reward() -> Payload {
    let reward = rules().reward(bob().public_key(), Height(1), Amount(2));
    reward.expect("a small sum")
}

/// The reward, the transfer and the record.
pub fn transactions() -> Vec<EncodedTransaction> {
    let signed = [transfer(), record()].map(|payload| payload.sign(&alice()));
    let all = std::iter::once(reward().unsigned()).chain(signed);
    all.map(EncodedTransaction::new).collect()
}

/// The history up to and including genesis.
pub fn history() -> Peaks {
    let mut peaks = Peaks::default();
    peaks.append(leaf(&network(), rules().genesis_entry().work));
    peaks
}

/// A block upon genesis, 5 s after it, with its nonce.
pub fn block_of(transactions: Vec<EncodedTransaction>) -> Block {
    let rules = rules();
    let entry = rules.genesis_entry();
    let mut header = rules.child_header(&entry, None, &history(), START.plus_ms(5_000));
    header.transactions_root = root_of(&transactions);
    Block {
        header: mined(header),
        transactions,
    }
}

/// Block 1.
pub fn block() -> Block {
    block_of(transactions())
}

/// What alice says of herself.
pub fn statement() -> MemberStatement {
    MemberStatement {
        tracker: tracker().public_key(),
        sequence: START.0,
        name: "alice".parse().expect("a name"),
        key: alice().public_key(),
        sealing_key: alice().sealing_key(),
        addresses: vec!["127.0.0.1:7001".parse().expect("an address")],
    }
}

/// The same, signed.
pub fn member_record() -> MemberRecord {
    statement().sign(&alice())
}

/// Rows in memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows(BTreeMap<RowKey, Vec<u8>>);

impl Rows {
    /// Takes over changes.
    pub fn commit(&mut self, rows: Vec<Row>) {
        for (key, value) in rows {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }

    /// Coins of a key.
    pub fn coins(&self, owner: &PublicKey) -> u64 {
        self.balance(owner).expect("rows in memory can be read").0
    }
}

impl StateView for Rows {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        Ok(self.0.get(key).cloned())
    }
}
