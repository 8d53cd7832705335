//! A ledger with its verifier and its disk, and nothing else of a node.

use super::BenchError;
use crate::chain::fold_hash::FoldMap;
use crate::chain::ledger::{self, Effect, Ledger, Origin, Ticket};
use crate::chain::overlay::Batch;
use crate::chain::rows::{Row, RowKey};
use crate::chain::{
    Block, EncodedTransaction, Internal, MempoolLimits, Rules, StateView, Timestamp,
};
use crate::keys::PublicKey;
use crate::steady::SteadyTime;
use crate::verifier::{Done, Verdicts, Verifier};
use std::sync::mpsc;

/// A disk that is a map.
#[derive(Clone, Default)]
pub struct MemoryRows(FoldMap<RowKey, Vec<u8>>);

impl MemoryRows {
    pub fn write(&mut self, rows: &[Row]) {
        for (key, value) in rows {
            match value {
                Some(value) => self.0.insert(key.clone(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }
}

impl StateView for MemoryRows {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        Ok(self.0.get(key).cloned())
    }
}

/// Checks signatures and waits for it.
pub fn check(verifier: &dyn Verifier, transactions: Vec<EncodedTransaction>) -> Verdicts {
    let (sender, verdicts) = mpsc::channel();
    let done: Done = Box::new(move |verdicts| {
        // Whoever asked waits below.
        let _ = sender.send(verdicts);
    });
    verifier.verify(vec![(transactions, done)]);
    // A verifier that never reports would leave no verdict for anybody, which nobody takes for good.
    verdicts.recv().unwrap_or_default()
}

/// The ledger of one node.
pub struct Node {
    pub ledger: Ledger,
    pub rows: MemoryRows,
    now: Timestamp,
    /// Batches on their way to the disk.
    unwritten: Vec<(u64, Batch)>,
}

/// Reports of the verifier.
struct Reports {
    sender: mpsc::Sender<(u64, Verdicts)>,
    receiver: mpsc::Receiver<(u64, Verdicts)>,
    awaited: usize,
}

impl Node {
    /// Opens the ledger on `rows`.
    pub fn open(rules: Rules, rows: MemoryRows, now: Timestamp) -> Result<Self, Internal> {
        let config = ledger::Config {
            rules,
            limits: MempoolLimits::default(),
            owner: None,
        };
        let (ledger, effects) =
            Ledger::open(config, Vec::new(), &rows, SteadyTime::after_beginning(0))?;
        let mut node = Self {
            ledger,
            rows,
            now,
            unwritten: Vec::new(),
        };
        node.keep_batches(effects);
        node.write();
        Ok(node)
    }

    /// A block came in: works until it is connected.
    pub fn block(&mut self, block: Block, verifier: &dyn Verifier) -> Result<(), Internal> {
        let mut reports = Reports::new();
        let origin = Origin::Relay(Ticket(0));
        let effects = self.ledger.block(origin, block, &self.rows, self.now)?;
        self.carry_out(effects, verifier, &mut reports);
        self.hear(verifier, &mut reports)
    }

    /// Messages with transactions came in: works until all are judged. Like the actor it goes on to
    /// the next message while signatures are being checked.
    pub fn transactions(
        &mut self,
        messages: Vec<Vec<EncodedTransaction>>,
        verifier: &dyn Verifier,
    ) -> Result<(), Internal> {
        let mut reports = Reports::new();
        for (message, number) in messages.into_iter().zip(0..) {
            let origin = Origin::Relay(Ticket(number));
            let effects = self.ledger.transactions(origin, message, &self.rows)?;
            self.carry_out(effects, verifier, &mut reports);
        }
        self.hear(verifier, &mut reports)
    }

    /// Mines a block upon the tip.
    pub fn template(&mut self, reward_to: PublicKey) -> Result<Block, BenchError> {
        let template = self.ledger.template(reward_to, &self.rows, self.now)?;
        let mut block = template.solved(0);
        while !block.header.has_work() {
            block.header.nonce += 1;
        }
        Ok(block)
    }

    /// The disk takes what waits for it.
    pub fn write(&mut self) {
        for (batch, rows) in std::mem::take(&mut self.unwritten) {
            self.rows.write(&rows);
            let effects = self.ledger.committed(batch);
            self.keep_batches(effects);
        }
    }

    fn hear(&mut self, verifier: &dyn Verifier, reports: &mut Reports) -> Result<(), Internal> {
        while reports.awaited > 0 {
            let report = reports.receiver.recv();
            let (check, verdicts) =
                report.map_err(|_| Internal("the verifier does not report".into()))?;
            reports.awaited -= 1;
            let effects = self
                .ledger
                .signatures_checked(&[(check, verdicts)], &self.rows)?;
            self.carry_out(effects, verifier, reports);
        }
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>, verifier: &dyn Verifier, reports: &mut Reports) {
        let mut others = Vec::new();
        for effect in effects {
            match effect {
                Effect::Verify {
                    check,
                    transactions,
                } => {
                    let sender = reports.sender.clone();
                    let done: Done = Box::new(move |verdicts| {
                        // The receiver waits for as many reports as it asked for.
                        let _ = sender.send((check, verdicts));
                    });
                    reports.awaited += 1;
                    verifier.verify(vec![(transactions, done)]);
                }
                other => others.push(other),
            }
        }
        self.keep_batches(others);
    }

    fn keep_batches(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Commit { batch, rows } = effect {
                self.unwritten.push((batch, rows));
            }
        }
    }
}

impl Reports {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self {
            sender,
            receiver,
            awaited: 0,
        }
    }
}
