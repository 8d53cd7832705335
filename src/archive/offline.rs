//! The ledger of a node that does not run, over its database: for what is done to a whole chain at
//! once.

use crate::chain::ledger::{self, Answer, BlockOutcome, Effect, Ledger, Origin, Ticket};
use crate::chain::template::Template;
use crate::chain::tree::{HeadersOutcome, Source};
use crate::chain::{
    Block, EncodedTransaction, Header, Internal, MempoolLimits, PeerFault, Rejected, Rules,
    check_signatures,
};
use crate::clock::Clock;
use crate::keys::{PublicKey, SIGNATURE_BATCH, SignatureError};
use crate::store::chain_rows::{ChainRows, changes, stored_open};
use crate::store::{Disk, DiskError, RowChange};
use rayon::prelude::*;
use std::collections::VecDeque;

/// Bytes of rows that are gathered into one synced write: far fewer writes than blocks, and no more
/// memory than a few blocks take.
const WRITE_BYTES: usize = 4 * 1024 * 1024;
/// Batches of the ledger that are gathered at most, below what it lets wait for the disk.
const WRITE_BATCHES: u64 = 256;

/// Why the work can't go on. What was written is kept, and is valid.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The database failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is stored is damaged.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// A ledger that checks everything as a running node does, and gathers what it decides into large
/// writes. What was decided last is on the disk only after [`OfflineLedger::write`].
pub struct OfflineLedger<'a> {
    disk: &'a dyn Disk,
    clock: &'a dyn Clock,
    ledger: Ledger,
    /// Rows that are on their way to the disk, and the last batch among them.
    rows: Vec<RowChange>,
    bytes: usize,
    begun: u64,
    last: u64,
    answer: Option<Answer>,
}

impl<'a> OfflineLedger<'a> {
    /// Opens the ledger that `disk` holds, or begins it with the genesis block of `rules`.
    ///
    /// # Errors
    /// If what is stored is damaged, or is another network's.
    pub fn open(
        disk: &'a dyn Disk,
        rules: Rules,
        clock: &'a dyn Clock,
    ) -> Result<Self, OfflineError> {
        let open = stored_open(disk)?;
        let config = ledger::Config {
            rules,
            limits: MempoolLimits::default(),
            owner: None,
        };
        let view = ChainRows(disk);
        let (ledger, effects) = Ledger::open(config, open, &view, clock.steady())?;
        let mut offline = Self {
            disk,
            clock,
            ledger,
            rows: Vec::new(),
            bytes: 0,
            begun: 0,
            last: 0,
            answer: None,
        };
        offline.carry_out(effects)?;
        Ok(offline)
    }

    /// The machine, as it stands.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Tells who may send without a fee, instead of whoever might before.
    pub fn set_members(&mut self, members: impl IntoIterator<Item = PublicKey>) {
        self.ledger.set_members(members);
    }

    /// Has a block judged.
    ///
    /// # Errors
    /// One variant of [`OfflineError`] per way to fail.
    pub fn block(&mut self, block: Block) -> Result<BlockOutcome, OfflineError> {
        self.make_room()?;
        let (view, now) = (ChainRows(self.disk), self.clock.wall());
        let effects = self.ledger.block(ORIGIN, block, &view, now)?;
        match self.answer_to(effects)? {
            Some(Answer::Block(_, outcome)) => Ok(outcome),
            other => Err(unexpected(other)),
        }
    }

    /// Has headers judged that follow each other.
    ///
    /// # Errors
    /// One variant of [`OfflineError`] per way to fail.
    pub fn headers(
        &mut self,
        headers: &[Header],
    ) -> Result<Result<HeadersOutcome, PeerFault>, OfflineError> {
        self.make_room()?;
        let (view, now) = (ChainRows(self.disk), self.clock.wall());
        let effects = self
            .ledger
            .headers(ORIGIN.ticket(), Source(0), headers, &view, now)?;
        match self.answer_to(effects)? {
            Some(Answer::Headers(outcome)) => Ok(outcome),
            other => Err(unexpected(other)),
        }
    }

    /// Has a transaction judged, which is open then.
    ///
    /// # Errors
    /// One variant of [`OfflineError`] per way to fail.
    pub fn send(
        &mut self,
        transaction: EncodedTransaction,
    ) -> Result<Result<(), Rejected>, OfflineError> {
        self.make_room()?;
        let view = ChainRows(self.disk);
        let effects = self.ledger.transactions(ORIGIN, vec![transaction], &view)?;
        match self.answer_to(effects)? {
            Some(Answer::Transactions(mut verdicts)) if verdicts.len() == 1 => {
                Ok(verdicts.remove(0).1)
            }
            other => Err(unexpected(other)),
        }
    }

    /// A block to mine upon the tip, paid to `reward_to`.
    ///
    /// # Errors
    /// If what is stored is damaged.
    pub fn template(&self, reward_to: PublicKey) -> Result<Template, OfflineError> {
        let (view, now) = (ChainRows(self.disk), self.clock.wall());
        Ok(self.ledger.template(reward_to, &view, now)?)
    }

    /// Writes what waits for the disk.
    ///
    /// # Errors
    /// One variant of [`OfflineError`] per way to fail.
    pub fn write(&mut self) -> Result<(), OfflineError> {
        while !self.rows.is_empty() {
            let effects = self.written()?;
            self.carry_out(effects)?;
        }
        Ok(())
    }

    fn make_room(&mut self) -> Result<(), OfflineError> {
        if self.ledger.is_full() {
            self.write()?;
        }
        Ok(())
    }

    fn answer_to(&mut self, effects: Vec<Effect>) -> Result<Option<Answer>, OfflineError> {
        self.carry_out(effects)?;
        Ok(self.answer.take())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), OfflineError> {
        let mut open = VecDeque::from(effects);
        while let Some(effect) = open.pop_front() {
            match effect {
                Effect::Verify {
                    check,
                    transactions,
                } => {
                    let verdicts = verdicts(&transactions);
                    let view = ChainRows(self.disk);
                    let ledger = &mut self.ledger;
                    open.extend(ledger.signatures_checked(&[(check, verdicts)], &view)?);
                }
                Effect::Commit { batch, rows } => {
                    let rows: Vec<_> = changes(&rows).collect();
                    self.bytes += rows.iter().map(size).sum::<usize>();
                    self.rows.extend(rows);
                    self.last = batch;
                    if self.bytes > WRITE_BYTES || batch - self.begun >= WRITE_BATCHES {
                        open.extend(self.written()?);
                    }
                }
                Effect::More => {
                    let view = ChainRows(self.disk);
                    open.extend(self.ledger.advance(&view)?);
                }
                Effect::Answer { answer, .. } => self.answer = Some(answer),
                // Nobody is there to be told.
                Effect::BetterHeaderSeen(_)
                | Effect::TipChanged(_)
                | Effect::TipStored(_)
                | Effect::TransactionOpened { .. }
                | Effect::TransactionClosed(..)
                | Effect::OpenStored { .. }
                | Effect::ClosedStored(..) => {}
            }
        }
        Ok(())
    }

    fn written(&mut self) -> Result<Vec<Effect>, OfflineError> {
        self.disk.commit(&std::mem::take(&mut self.rows))?;
        self.bytes = 0;
        self.begun = self.last;
        Ok(self.ledger.committed(self.last))
    }
}

/// Answers come at once: one question is under way at a time, and nothing is promised.
const ORIGIN: Origin = Origin::Relay(Ticket(0));

fn unexpected(answer: Option<Answer>) -> OfflineError {
    Internal(format!(
        "the ledger answered {answer:?} to another question"
    ))
    .into()
}

fn size(row: &RowChange) -> usize {
    row.key.len() + row.value.as_ref().map_or(0, Vec::len)
}

fn verdicts(transactions: &[EncodedTransaction]) -> Vec<Result<(), SignatureError>> {
    transactions
        .par_chunks(SIGNATURE_BATCH)
        .flat_map_iter(check_signatures)
        .collect()
}
