//! What the tests of the chain share: a network of their own, members, and a view in memory.

pub(crate) mod counter;
pub(crate) mod forge;

use super::ledger::{self, Answer, BlockOutcome, Effect, Ledger, Origin, Ticket};
use super::params::Admission;
use super::rows::{Row, RowKey, StateKey, StateView};
use super::rules::Rules;
use super::target::{CompactTarget, Target};
use super::tree::{HeadersOutcome, Source};
use super::{
    Action, Amount, Block, Closed, EncodedTransaction, Genesis, GenesisContent, Header, Height,
    Internal, MempoolLimits, NetworkId, Params, Payload, PeerFault, Rejected, Salt, Timestamp,
    TransactionId, check_signatures,
};
use crate::canonical::CappedText;
use crate::keys::{PublicKey, SecretKey};
use crate::steady::{STARTED, SteadyTime};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

/// When the tests' genesis was mined.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000);

/// The secret key of a test's member.
pub(crate) fn member(number: u8) -> SecretKey {
    SecretKey::from_bytes([number; 32])
}

pub(crate) fn easy_target() -> CompactTarget {
    Target::from_expected_hashes(NonZeroU64::new(4).unwrap()).to_compact()
}

/// A network with an easy start, coins for members 1 to 4, and a reward of 50.
pub(crate) fn params() -> Params {
    Params {
        name: CappedText::new("test").unwrap(),
        interval_ms: 1_000,
        start_target: easy_target(),
        window: 90,
        growth_blocks: 0,
        reward: Amount(50),
        halving_blocks: 0,
        max_block_bytes: 256 * 1024,
        min_fee_per_kib: Amount(0),
        admission: Admission::Open,
        allocations: (1..=4)
            .map(|n| super::params::Allocation {
                to: member(n).public_key(),
                amount: Amount(1_000),
            })
            .collect(),
        gift: Amount::ZERO,
        recovery: None,
        applications: Vec::new(),
    }
}

pub(crate) fn genesis_with(params: Params) -> Genesis {
    let content = GenesisContent::new(params, member(200).public_key(), member(1).public_key());
    let mut header = content.header(START);
    while !header.has_work() {
        header.nonce += 1;
    }
    Genesis { header, content }
}

pub(crate) fn genesis() -> Genesis {
    genesis_with(params())
}

pub(crate) fn rules() -> Rules {
    Rules::new(genesis(), &crate::apps::built_in()).unwrap()
}

pub(crate) fn network() -> NetworkId {
    genesis().id()
}

/// A signed transfer; `salt` makes it different from its like.
pub(crate) fn transfer(from: u8, to: u8, amount: u64, fee: u64, salt: u8) -> EncodedTransaction {
    let payload = Payload {
        network: network(),
        sender: member(from).public_key(),
        salt: Salt([salt; 16]),
        expires_at: Height(100_000),
        fee: Amount(fee),
        action: Action::Transfer {
            to: member(to).public_key(),
            amount: Amount(amount),
            note: Default::default(),
        },
    };
    EncodedTransaction::new(payload.sign(&member(from)))
}

/// Rows in memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct MemoryView(pub(crate) BTreeMap<RowKey, Vec<u8>>);

impl MemoryView {
    pub(crate) fn commit(&mut self, rows: Vec<Row>) {
        for (key, value) in rows {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }

    /// Coins of all owners together.
    pub(crate) fn supply(&self) -> u64 {
        let balances = self.0.iter().filter_map(|(key, value)| match key {
            RowKey::State(StateKey::Balance(_)) => Some(value.as_slice()),
            _ => None,
        });
        balances
            .map(|value| u64::from_le_bytes(value.try_into().unwrap()))
            .sum()
    }

    /// The rows that blocks change and undoing restores.
    pub(crate) fn state(&self) -> BTreeMap<RowKey, Vec<u8>> {
        let kept = |key: &RowKey| {
            matches!(
                key,
                RowKey::State(_) | RowKey::Mined(_) | RowKey::Record(..)
            )
        };
        self.0
            .iter()
            .filter(|(k, _)| kept(k))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}

impl StateView for MemoryView {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        Ok(self.0.get(key).cloned())
    }
}

/// Counts the headers that are read below.
pub(crate) struct HeadersRead<'a>(pub(crate) &'a MemoryView, pub(crate) Cell<usize>);

impl StateView for HeadersRead<'_> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        let is_header = matches!(key, RowKey::Header(_));
        self.1.set(self.1.get() + usize::from(is_header));
        self.0.read(key)
    }
}

/// Searches for a nonce the slow way.
pub(crate) fn mine(mut block: Block) -> Block {
    while !block.header.has_work() {
        block.header.nonce += 1;
    }
    block
}

/// A ledger with its disk: checks signatures at once and commits at once.
pub(crate) struct Node {
    pub(crate) ledger: Ledger,
    pub(crate) disk: MemoryView,
    pub(crate) now: Timestamp,
    pub(crate) steady: SteadyTime,
    /// Everything it told, but for what it needed done.
    pub(crate) told: Vec<Effect>,
    tickets: u64,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with(rules(), MempoolLimits::default())
    }

    pub(crate) fn with(rules: Rules, limits: MempoolLimits) -> Self {
        Self::reopened(rules, limits, MemoryView::default(), START)
    }

    pub(crate) fn reopened(
        rules: Rules,
        limits: MempoolLimits,
        disk: MemoryView,
        now: Timestamp,
    ) -> Self {
        let config = ledger::Config {
            rules,
            limits,
            owner: None,
        };
        Self::started(config, disk, now)
    }

    /// That of a member.
    pub(crate) fn of(owner: u8, disk: MemoryView, now: Timestamp) -> Self {
        let config = ledger::Config {
            rules: rules(),
            limits: MempoolLimits::default(),
            owner: Some(member(owner).public_key()),
        };
        Self::started(config, disk, now)
    }

    fn started(config: ledger::Config, disk: MemoryView, now: Timestamp) -> Self {
        let open = disk
            .0
            .iter()
            .filter(|(key, _)| matches!(key, RowKey::Open(_)));
        let open = open
            .map(|(_, bytes)| crate::canonical::decode(bytes).unwrap())
            .collect();
        let (mut ledger, effects) = Ledger::open(config, open, &disk, STARTED).unwrap();
        ledger.set_members((1..=9).map(|n| member(n).public_key()));
        let mut node = Self {
            ledger,
            disk,
            now,
            steady: STARTED,
            told: Vec::new(),
            tickets: 0,
        };
        node.carry_out(effects);
        node
    }

    pub(crate) fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut open: std::collections::VecDeque<Effect> = effects.into();
        while let Some(effect) = open.pop_front() {
            let more = match effect {
                Effect::Verify {
                    check,
                    transactions,
                } => {
                    let verdicts = check_signatures(&transactions);
                    self.ledger
                        .signatures_checked(&[(check, verdicts)], &self.disk)
                        .unwrap()
                }
                Effect::Commit { batch, rows } => {
                    self.disk.commit(rows.to_vec());
                    self.ledger.committed(batch)
                }
                Effect::More => self.ledger.advance(&self.disk).unwrap(),
                told => {
                    self.told.push(told);
                    Vec::new()
                }
            };
            open.extend(more);
        }
    }

    /// Hands in a block as its own miner does.
    pub(crate) fn own_block(&mut self, block: Block) -> BlockOutcome {
        let ticket = self.ticket();
        self.hand_in(Origin::Promise(ticket), block)
    }

    pub(crate) fn headers(&mut self, headers: &[Header]) -> Result<HeadersOutcome, PeerFault> {
        self.headers_from(Source(0), headers)
    }

    pub(crate) fn headers_from(
        &mut self,
        source: Source,
        headers: &[Header],
    ) -> Result<HeadersOutcome, PeerFault> {
        let ticket = self.ticket();
        let effects = self
            .ledger
            .headers(ticket, source, headers, &self.disk, self.now)
            .unwrap();
        self.carry_out(effects);
        match self.answer(ticket) {
            Answer::Headers(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Whether it has told of this one's becoming open no more, and why.
    pub(crate) fn closed(&self, id: TransactionId) -> Option<Closed> {
        self.told.iter().find_map(|effect| match effect {
            Effect::TransactionClosed(closed, why) if *closed == id => Some(*why),
            _ => None,
        })
    }

    /// Ids of the open transactions, in order.
    pub(crate) fn open(&self) -> BTreeSet<TransactionId> {
        self.ledger.mempool().by_fee().map(|t| t.id()).collect()
    }

    /// Coins of all owners together.
    pub(crate) fn supply(&self) -> u64 {
        self.disk.supply()
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn answer(&mut self, ticket: Ticket) -> Answer {
        let at = self
            .told
            .iter()
            .position(|effect| matches!(effect, Effect::Answer { ticket: t, .. } if *t == ticket));
        match self.told.remove(at.expect("every ticket is answered")) {
            Effect::Answer { answer, .. } => answer,
            _ => unreachable!(),
        }
    }

    pub(crate) fn block(&mut self, block: Block) -> BlockOutcome {
        let ticket = self.ticket();
        self.hand_in(Origin::Relay(ticket), block)
    }

    fn hand_in(&mut self, origin: Origin, block: Block) -> BlockOutcome {
        let ticket = origin.ticket();
        let effects = self
            .ledger
            .block(origin, block, &self.disk, self.now)
            .unwrap();
        self.carry_out(effects);
        match self.answer(ticket) {
            Answer::Block(_, outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn send(&mut self, transaction: EncodedTransaction) -> Result<(), Rejected> {
        self.send_all(vec![transaction]).remove(0)
    }

    /// Hands in transactions in one message; the answers, in their order.
    pub(crate) fn send_all(
        &mut self,
        transactions: Vec<EncodedTransaction>,
    ) -> Vec<Result<(), Rejected>> {
        let ticket = self.ticket();
        let effects = self
            .ledger
            .transactions(Origin::Promise(ticket), transactions, &self.disk)
            .unwrap();
        self.carry_out(effects);
        match self.answer(ticket) {
            Answer::Transactions(answers) => answers.into_iter().map(|(_, a)| a).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Mines a block upon the tip, one interval later, without handing it in.
    pub(crate) fn next_block(&mut self, miner: u8) -> Block {
        self.now = self.now.plus_ms(1_000);
        let to: PublicKey = member(miner).public_key();
        let template = self.ledger.template(to, &self.disk, self.now).unwrap();
        mine(template.solved(0))
    }

    /// Mines a block upon the tip and hands it in.
    pub(crate) fn mine(&mut self, miner: u8) -> Block {
        let block = self.next_block(miner);
        assert_eq!(self.block(block.clone()), BlockOutcome::Accepted);
        block
    }

    pub(crate) fn balance(&self, of: u8) -> u64 {
        self.disk.balance(&member(of).public_key()).unwrap().0
    }
}
